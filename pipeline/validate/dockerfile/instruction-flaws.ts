import type { Span } from '../sage/python-value.ts'
import { closestWord, quote } from '../words.ts'
import type { Instruction } from './instructions.ts'
import type { MappedText, Word } from './mapped-text.ts'

/** Why the builder refuses an instruction. */
export interface Flaw {
  readonly message: string
  /** Undefined: all of the instruction is meant. */
  readonly span?: Span
  readonly suggestion?: string
}

const COPY_FLAGS = ['chown', 'chmod', 'link', 'exclude']

/** BuildKit's instructions/parse.go, with those that are experimental. */
const FLAGS = new Map<string, readonly string[]>([
  ['ADD', [...COPY_FLAGS, 'checksum', 'keep-git-dir', 'unpack']],
  ['COPY', [...COPY_FLAGS, 'from', 'parents']],
  ['FROM', ['platform']],
  ['HEALTHCHECK', ['interval', 'timeout', 'start-period', 'start-interval', 'retries']],
  ['RUN', ['mount', 'network', 'security', 'device']],
])

const LISTS = new Set(['ADD', 'CMD', 'COPY', 'ENTRYPOINT', 'RUN', 'SHELL', 'VOLUME'])
const NEEDS_ARGUMENT = new Set(['EXPOSE', 'HEALTHCHECK', 'MAINTAINER', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'])

/** What the builder refuses in an instruction alone (BuildKit's instructions/parse.go, parser/line_parsers.go, shell/lex.go); undefined: nothing that is known. */
export function flawOf(instruction: Instruction): Flaw | undefined {
  const { keyword, json, heredocs } = instruction
  const open = heredocs.find(({ isTerminated }) => !isTerminated)
  if (open !== undefined) return { message: `The heredoc <<${open.name} has no end: no line is that word alone.` }
  if (json === 'mixed' && LISTS.has(keyword)) return { message: `The list of ${keyword} may hold strings only.` }
  return flawOfFlags(instruction) ?? flawOfArguments(instruction)
}

function flawOfFlags({ keyword, flags }: Instruction): Flaw | undefined {
  const known = FLAGS.get(keyword)
  const wrong = known && flags.find(({ name }) => !known.includes(name))
  if (known === undefined || wrong === undefined) return undefined
  const meant = closestWord(wrong.name, known)
  return { message: `${keyword} has no flag --${wrong.name}.`, span: wrong.span, ...(meant !== undefined && { suggestion: `Did you mean --${meant}?` }) }
}

function flawOfArguments({ keyword, words, json, body }: Instruction): Flaw | undefined {
  switch (keyword) {
    case 'FROM':
      return flawOfFrom(words.map(({ text }) => text))
    case 'COPY':
    case 'ADD':
      if (words.length < 2) return { message: `${keyword} needs a source and a target.` }
      return Array.isArray(json) ? undefined : openQuote(words)
    case 'ARG':
      if (body.text === '') return { message: 'ARG needs an argument.' }
      return body.text.startsWith('=') ? { message: 'ARG needs a name before =.' } : openQuote([whole(body)])
    case 'ENV':
    case 'LABEL':
      return flawOfAssignments(keyword, body)
    case 'SHELL':
      return Array.isArray(json) && words.length > 0 ? undefined : { message: 'SHELL needs a JSON list of strings.' }
    case 'ONBUILD':
      return flawOfTrigger(words[0]?.text.toUpperCase())
    default:
      return NEEDS_ARGUMENT.has(keyword) && body.text === '' ? { message: `${keyword} needs an argument.` } : undefined
  }
}

function flawOfFrom([image, as, name, ...others]: readonly string[]): Flaw | undefined {
  if (image === undefined) return { message: 'FROM needs an image.' }
  if (as === undefined) return undefined
  if (as.toUpperCase() !== 'AS' || name === undefined || others.length > 0) return { message: 'FROM takes an image, or an image, AS and a name.' }
  if (/^[a-z][a-z0-9-_.]*$/i.test(name)) return undefined
  return { message: `The name of a stage begins with a letter, and has letters, digits, - _ and . only: ${quote(name)}.` }
}

function flawOfAssignments(keyword: string, body: MappedText): Flaw | undefined {
  const { text } = body
  const first = /^[^\s=]+/.exec(text)?.[0] ?? ''
  if (text === '') return { message: `${keyword} needs a name and a value.` }
  if (first === '') return { message: `${keyword} needs a name before =.` }
  if (text.length === first.length) return { message: `${keyword} ${quote(first)} has no value.` }
  const open = openQuote([whole(body)])
  // Where quotes are open, or a sign escapes, it is not certain where words end.
  if (open !== undefined || text[first.length] !== '=' || /[\\`]/.test(text)) return open
  for (const { 0: word, index } of text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (word.includes('=')) continue
    return {
      message: `${quote(word)} has no =, as every name in this ${keyword} must.`,
      span: body.span(index, index + word.length),
      suggestion: 'Put quotes around a value with spaces.',
    }
  }
  return undefined
}

function whole(body: MappedText): Word {
  return { text: body.text, span: body.span(0, body.text.length) }
}

/** A quote that is not closed. Where a sign may escape one it is not certain. */
function openQuote(words: readonly Word[]): Flaw | undefined {
  const open = words.find(({ text }) => !/[\\`]|^<</.test(text) && /["']/.test(text.replaceAll(/"[^"]*"|'[^']*'/g, '')))
  return open && { message: `A quote in ${quote(open.text)} is not closed.`, span: open.span }
}

function flawOfTrigger(trigger: string | undefined): Flaw | undefined {
  if (trigger === undefined) return { message: 'ONBUILD needs an instruction.' }
  return ['ONBUILD', 'FROM', 'MAINTAINER'].includes(trigger) ? { message: `ONBUILD may not hold ${trigger} back.` } : undefined
}
