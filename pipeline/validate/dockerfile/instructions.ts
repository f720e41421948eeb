import { DockerfileParser } from 'dockerfile-ast'

import type { Span } from '../sage/python-value.ts'
import { mapText, readJsonWords, sliceText, splitWords } from './mapped-text.ts'
import type { MappedText, Word } from './mapped-text.ts'

/** `--from=builder`. */
export interface Flag {
  /** In lower case, without dashes. */
  readonly name: string
  /** Without quotes; empty where there is no `=`. */
  readonly value: string
  readonly span: Span
}

/** `<<EOF` and what follows it, up to a line of `EOF` alone. */
export interface Heredoc {
  readonly name: string
  /** The lines between, without the one that ends it. */
  readonly content: MappedText
  /** False: the file ends before the heredoc does, which the builder refuses. */
  readonly isTerminated: boolean
}

/** One instruction. Lines that are continued are joined, comments between them left out, as the builder does. */
export interface Instruction {
  /** In capitals: `RUN`. */
  readonly keyword: string
  readonly keywordSpan: Span
  /** From the keyword to the last character, heredocs included. */
  readonly span: Span
  /** What follows keyword and flags, without the contents of heredocs. */
  readonly body: MappedText
  readonly flags: readonly Flag[]
  /** The exec form's words; undefined: the other form. `mixed`: a JSON list with something that is no string. */
  readonly json: readonly Word[] | 'mixed' | undefined
  /** The exec form's words, else what stands between white space. */
  readonly words: readonly Word[]
  readonly heredocs: readonly Heredoc[]
}

const HEREDOC_KEYWORDS = new Set(['ADD', 'COPY', 'RUN'])

/** The instructions of a Dockerfile, in order, with the character that continues lines (`\`, or what `# escape=` names). */
export function readInstructions(text: string): readonly Instruction[] {
  const dockerfile = DockerfileParser.parse(text)
  const escape = dockerfile.getEscapeCharacter() === '`' ? '`' : '\\'
  const lines = lineStarts(text)
  const offset = ({ line, character }: { readonly line: number; readonly character: number }): number => (lines[line] ?? text.length) + character
  return dockerfile.getInstructions().map((instruction) => {
    const [range, keyword] = [instruction.getRange(), instruction.getInstructionRange()]
    return readInstruction(text, { start: offset(range.start), end: offset(range.end) }, { start: offset(keyword.start), end: offset(keyword.end) }, escape)
  })
}

/** As the parser counts lines. */
function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (const { 0: ending, index } of text.matchAll(/\r\n|\n|\r/g)) starts.push(index + ending.length)
  return starts
}

function readInstruction(text: string, span: Span, keywordSpan: Span, escape: string): Instruction {
  const keyword = text
    .slice(keywordSpan.start, keywordSpan.end)
    .replaceAll(new RegExp(`\\${escape}[ \\t]*\\r?\\n[ \\t]*`, 'g'), '')
    .toUpperCase()
  const { spans, end } = joinLines(text, keywordSpan.end, span.end, escape)
  const whole = mapText(text, spans)
  const { flags, bodyStart } = readFlags(whole)
  const bodyEnd = whole.text.trimEnd().length
  const body = sliceText(whole, Math.min(bodyStart, bodyEnd), bodyEnd)
  const json = readJsonWords(body)
  return {
    keyword,
    keywordSpan,
    span,
    body,
    flags,
    json,
    words: Array.isArray(json) ? (json as readonly Word[]) : splitWords(body),
    heredocs: HEREDOC_KEYWORDS.has(keyword) ? readHeredocs(text, body.text, end, span.end) : [],
  }
}

/** The pieces that make one line of continued ones, and where the last of them ends. */
function joinLines(text: string, start: number, limit: number, escape: string): { readonly spans: readonly Span[]; readonly end: number } {
  const spans: Span[] = []
  let at = start
  let isFirst = true
  while (at < limit) {
    const newline = text.indexOf('\n', at)
    const next = newline < 0 || newline >= limit ? limit : newline + 1
    const lineEnd = endOfLine(text, at, next)
    const line = text.slice(at, lineEnd)
    const isSkipped = !isFirst && /^\s*(?:#|$)/.test(line)
    isFirst = false
    if (!isSkipped) {
      const trimmed = withoutBlanksAtEnd(line)
      const isContinued = trimmed.endsWith(escape) && trimmed.at(-2) !== escape
      spans.push({ start: at, end: at + (isContinued ? trimmed.length - 1 : line.length) })
      if (!isContinued) return { spans, end: next }
    }
    at = next
  }
  return { spans, end: limit }
}

function withoutBlanksAtEnd(line: string): string {
  let end = line.length
  while (line[end - 1] === ' ' || line[end - 1] === '\t') end--
  return line.slice(0, end)
}

function endOfLine(text: string, start: number, next: number): number {
  let end = next
  while (end > start && (text[end - 1] === '\n' || text[end - 1] === '\r')) end--
  return end
}

const FLAG = /\s*(--[A-Za-z][A-Za-z-]*)(?:=("[^"]*"|'[^']*'|\S)*)?(?=\s|$)/y

function readFlags(whole: MappedText): { readonly flags: readonly Flag[]; readonly bodyStart: number } {
  const flags: Flag[] = []
  FLAG.lastIndex = 0
  let bodyStart = 0
  for (let match = FLAG.exec(whole.text); match !== null; match = FLAG.exec(whole.text)) {
    const word = match[0].trimStart()
    const equals = word.indexOf('=')
    const begin = match.index + match[0].length - word.length
    flags.push({
      name: word.slice(2, equals < 0 ? undefined : equals).toLowerCase(),
      value: equals < 0 ? '' : word.slice(equals + 1).replaceAll(/["']/g, ''),
      span: whole.span(begin, begin + word.length),
    })
    bodyStart = FLAG.lastIndex
  }
  return { flags, bodyStart: bodyStart + (/^\s*/.exec(whole.text.slice(bodyStart))?.[0].length ?? 0) }
}

/** The words outside of quotes that begin a heredoc, in order (BuildKit's parser.go, `heredocsFromLine`). */
function heredocNames(body: string): readonly { readonly name: string; readonly chomp: boolean }[] {
  return (body.match(/"(?:[^"\\]|\\.)*"|'[^']*'|\S+/g) ?? []).flatMap((word) => {
    const match = /^\d*<<(-?)(?:([A-Za-z_][\w.-]*)|"([^"]+)|'([^']+))/.exec(word)
    const name = match?.[2] ?? match?.[3] ?? match?.[4]
    return name === undefined ? [] : [{ name, chomp: match?.[1] === '-' }]
  })
}

function readHeredocs(text: string, body: string, start: number, limit: number): readonly Heredoc[] {
  if (!body.includes('<<')) return []
  let at = start
  return heredocNames(body)
    .slice(0, 100)
    .map(({ name, chomp }) => {
      const contentStart = Math.min(at, limit)
      while (at < limit) {
        const newline = text.indexOf('\n', at)
        const next = newline < 0 || newline >= limit ? limit : newline + 1
        const line = text.slice(at, endOfLine(text, at, next))
        const lineStart = at
        at = next
        if ((chomp ? line.replace(/^\t+/, '') : line) === name)
          return { name, content: mapText(text, [{ start: contentStart, end: lineStart }]), isTerminated: true }
      }
      return { name, content: mapText(text, [{ start: contentStart, end: limit }]), isTerminated: false }
    })
}
