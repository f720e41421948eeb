import { STAGES, type StageName } from '../stage.ts'
import { alternatives, closestWord } from '../validate/words.ts'
import { sayText } from './say.ts'
import type { WishKind } from './wish.ts'

/** What a line of a comment asks for. */
export interface Command {
  readonly what: WishKind
  /** That an approval names. */
  readonly commit?: string
}

const COMMAND_WORDS = ['run', 'cancel', 'approve', 'explain', 'record', 'init', 'help'] as const
const MOST_COMMANDS = 5
const BODY_CHARACTERS = 65_536
const LINE_CHARACTERS = 500
const WORD_CHARACTERS = 100
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
/** Elements of HTML whose text is a quotation or code. */
const QUOTING = ['pre', 'code', 'blockquote', 'q', 'samp', 'kbd', 'tt', 'script', 'style', 'textarea', 'template', 'summary', 'details'] as const

/**
 * The commands of a comment: lines that begin with `/ctss` at their first column, at most five. Nothing that is quoted, code, part of a list or a comment of HTML
 * commands: in doubt a line is text.
 */
export function readCommands(body: string): readonly Command[] {
  const lines = commandLines(body.slice(0, BODY_CHARACTERS))
  const commands = lines.slice(0, MOST_COMMANDS).map(readLine)
  return lines.length > MOST_COMMANDS ? [...commands.slice(0, -1), unknown(`A comment has at most ${MOST_COMMANDS} commands.`)] : commands
}

/** What surrounds a line, as far as Markdown and HTML have been read. */
interface Surroundings {
  fence: string | undefined
  isComment: boolean
  element: string | undefined
  /** The paragraph holds a quotation, a list, HTML, or code that may go on: its next line may be part of it. */
  isTainted: boolean
}

function commandLines(body: string): readonly string[] {
  const around: Surroundings = { fence: undefined, isComment: false, element: undefined, isTainted: false }
  return body.split(/\r\n?|\n/).filter((line) => isPlain(line, around) && /^\/ctss(?:\s|$)/.test(line))
}

function isPlain(line: string, around: Surroundings): boolean {
  if (around.fence !== undefined) {
    if (closesFence(line, around.fence)) around.fence = undefined
    return false
  }
  if (around.isComment || around.element !== undefined) {
    followHtml(line, around)
    return false
  }
  if (line.trim() === '') {
    around.isTainted = false
    return false
  }
  const [, fence] = /^\s*(?:[-*+>]\s*|\d+[.)]\s*)*(`{3,}|~{3,})/.exec(line) ?? []
  if (fence !== undefined) {
    around.fence = fence
    return false
  }
  const isTainted = around.isTainted
  around.isTainted = isTainted || /^\s{0,3}(?:>|[-*+]\s|\d+[.)]\s)|^\s{4}|^\t|</.test(line) || hasOpenCode(line)
  if (line.includes('<')) followHtml(line, around)
  return !isTainted
}

/** Of the same kind, and at least as long (CommonMark 0.31, section 4.5). */
function closesFence(line: string, fence: string): boolean {
  const text = line.trim()
  return text.length >= fence.length && text === (fence[0] ?? '').repeat(text.length)
}

/** An odd number of runs of backticks leaves a span of code open, which the next line may be part of. */
function hasOpenCode(line: string): boolean {
  return (line.match(/`+/g) ?? []).length % 2 === 1
}

function followHtml(line: string, around: Surroundings): void {
  let rest = line.toLowerCase().replaceAll(/`[^`]*`/g, '')
  while (rest !== '') {
    const end = around.isComment ? '-->' : around.element === undefined ? undefined : `</${around.element}`
    if (end === undefined) {
      const opening = new RegExp(`<!--|<(${QUOTING.join('|')})(?=[\\s>/]|$)`).exec(rest)
      if (opening === null) return
      around.isComment = opening[1] === undefined
      around.element = opening[1]
      rest = rest.slice(opening.index + opening[0].length)
    } else {
      const at = rest.indexOf(end)
      if (at === -1) return
      around.isComment = false
      around.element = undefined
      around.isTainted = true
      rest = rest.slice(at + end.length)
    }
  }
}

function readLine(line: string): Command {
  if (line.length > LINE_CHARACTERS) return unknown('This command is too long.')
  const [, word = 'help', ...words] = line.trim().split(/\s+/)
  switch (word) {
    case 'run':
      return readRun(words)
    case 'approve':
      return readApprove(words)
    case 'explain':
      return readExplain(words)
    case 'cancel':
    case 'record':
    case 'init':
    case 'help':
      return words.length === 0 ? { what: { kind: word } } : unknown(`\`/ctss ${word}\` takes nothing after it.`)
    default:
      return unknown(`${say(word)} is no command. ${suggest(word, COMMAND_WORDS)} \`/ctss help\` lists them.`)
  }
}

function readRun(words: readonly string[]): Command {
  const stages: StageName[] = []
  let node: string | undefined
  let again = false
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    const stage = STAGES.find((name) => name === word)
    if (stage !== undefined) stages.push(stage)
    else if (word === '--again') again = true
    else if (word === '--on') {
      index += 1
      node = words[index]
      if (node === undefined || !/^[\w.-]{1,64}$/.test(node)) return unknown('`--on` wants the name of a node: `/ctss run --on NODE`.')
    } else return unknown(`${say(word)} is no ${word.startsWith('-') ? 'option' : 'stage'}. ${suggest(word, [...STAGES, '--again', '--on'])}`)
  }
  return { what: { kind: 'run', stages: [...new Set(stages)], again, ...(node !== undefined && { node }) } }
}

function readApprove(words: readonly string[]): Command {
  const [commit, ...others] = words
  if (commit === undefined) return { what: { kind: 'approve' } }
  // Part of a commit id can be forged.
  if (!COMMIT.test(commit) || others.length > 0) return unknown('`/ctss approve` wants a whole commit id after it, or nothing.')
  return { what: { kind: 'approve' }, commit }
}

function readExplain(words: readonly string[]): Command {
  const [code, ...others] = words
  if (code === undefined || others.length > 0 || code.length > WORD_CHARACTERS) return unknown('`/ctss explain` wants one code: `/ctss explain CTSS-M012`.')
  return { what: { kind: 'explain', code } }
}

function suggest(word: string, words: readonly string[]): string {
  const meant = closestWord(word, words)
  return meant === undefined ? `It can be ${alternatives(words)}.` : `Did you mean \`${meant}\`?`
}

function say(word: string): string {
  return sayText(word, WORD_CHARACTERS)
}

function unknown(message: string): Command {
  return { what: { kind: 'unknown', message } }
}
