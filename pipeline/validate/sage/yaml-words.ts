import { quote } from '../words.ts'
import type { PythonError, PythonValue } from './python-value.ts'
import { lineAbove, lineAt, readFault } from './yaml-fault.ts'
import type { YamlFault } from './yaml-fault.ts'

/** What is wrong with a text that is no YAML, for people. */
export interface YamlWords {
  /** UTF-16 offset. */
  readonly start: number
  readonly message: string
  readonly suggestion: string
}

/** Where the fault lies that PyYAML finds in a text, and what to type instead; in PyYAML's words where we have none. */
export function explainYaml(error: PythonError, text: string): YamlWords {
  const fault = readFault(error, text)
  const { problem, at } = fault
  for (const [pattern, explain] of EXPLANATIONS) {
    const found = pattern.exec(problem)
    const words = found && explain(fault, found[1] ?? '')
    if (words) return { start: at, ...words }
  }
  return { start: at, message: unreadableMessage(problem), suggestion: 'Look for a missing quote, a colon followed by a blank, or wrong indentation.' }
}

/** That Sage's server cannot read a text, with Python's words. */
export function unreadableMessage(problem: string): string {
  return `Sage's server cannot read the manifest as YAML: "${problem.length > 200 ? `${problem.slice(0, 199)}…` : problem}".`
}

/** What to do about a manifest that is no mapping. */
export function mappingSuggestion(found: PythonValue | undefined): string {
  const joined = found?.type === 'str' ? splitColon(found.value) : undefined
  return joined === undefined ? 'Begin with name:, version: and description:.' : putBlank(joined)
}

type Words = Omit<YamlWords, 'start'> & Partial<Pick<YamlWords, 'start'>>
type Explanation = readonly [pattern: RegExp, explain: (fault: YamlFault, found: string) => Words | undefined]

const INDENTATION: Words = { message: 'The indentation does not fit the lines above.', suggestion: 'Indent the keys of one mapping alike.' }
const ESCAPE: Words = { message: 'In double quotes a backslash begins an escape.', suggestion: 'Write / instead of \\, or use single quotes.' }
const QUOTE_TEXT = 'If it is meant as text, put it in quotes.'

/** By PyYAML 6's problem: the first that has words. */
const EXPLANATIONS: readonly Explanation[] = [
  [/^found unexpected (?:end of stream|document separator)$/, ({ text, contextAt }) => openQuote(text, contextAt)],
  [/^could not find expected ':'$/, ({ text, contextAt }) => missingColon(text, contextAt)],
  [/^mapping values are not allowed here$/, misplacedColon],
  [/^sequence entries are not allowed here$/, misplacedEntry],
  [/^found character '\\t' that cannot start any token$/, () => ({ message: 'A tab stands where YAML takes only blanks.', suggestion: 'Use blanks.' })],
  [/^found character (['"])(?:.+)\1 that cannot start any token$/, reservedCharacter],
  [
    /^(?:found unknown escape character|expected escape sequence of|ValueError: chr\(\)|OverflowError: Python int too large to convert to C int$)/,
    () => ESCAPE,
  ],
  [/^expected <block end>, but found '([\]},])'$/, strayBracket],
  [/^expected <block end>, but found '<(?:scalar|anchor|alias|tag)>'$/, textBehindValue],
  [/^expected (?:<block end>|'<document start>'), but found '(?:<block (?:mapping|sequence) start>|[-?])'$/, misfit],
  [/^expected ',' or '([\]}])', but got/, openBracket],
  [/^unacceptable character #x([\da-f]+): special characters are not allowed$/, specialCharacter],
  [/^found undefined alias '(.*)'$/, (_, name) => ({ message: `The alias *${name} has no anchor &${name} above it.`, suggestion: QUOTE_TEXT })],
  [/^second occurrence$/, duplicateAnchor],
  [/^expected alphabetic or numeric character, but found/, noName],
  [/^could not determine a constructor for the tag '(.*)'$/, unknownTag],
  [/^found undefined tag handle '(.*)'$/, (fault, tag) => unknownTag(fault, tag)],
  [
    /^but found another document$/,
    () => ({
      message: 'A second document begins here, and Sage reads only one.',
      suggestion: 'Keep one document: delete this line, and what belongs to the other.',
    }),
  ],
  [/^found unhashable key$/, () => ({ message: 'A list or a mapping stands here as a key.', suggestion: 'Put a text with brackets or braces in quotes.' })],
  [
    /^ValueError: (?:year|month|day|hour|minute|second)\b/,
    () => ({ message: 'YAML takes this for a date, and there is no such date.', suggestion: 'Put it in quotes.' }),
  ],
  [/^(?:RecursionError|MemoryError)\b/, () => ({ message: 'Too much stands inside of one another here.', suggestion: 'Nest less.' })],
]

function openQuote(text: string, start: number): Words {
  return { start, message: 'A quote that opens here is never closed.', suggestion: `Type ${text.charAt(start)} where the text ends.` }
}

/**
 * The quote before a text, or the first one of a line, seen as what it is when a line above lacks one: PyYAML read that text on to here, and takes the
 * opening quote for the closing one.
 */
function unclosedAbove(text: string, at: number): Words | undefined {
  const mark = text.charAt(at)
  if (!/:[ \t]+$/.test(lineAt(text, at).before)) return undefined
  const start = text.lastIndexOf(mark, at - 1)
  return start >= 0 && start < lineAt(text, at).start ? openQuote(text, start) : undefined
}

function textBehindValue({ text, at }: YamlFault): Words {
  const { start, before } = lineAt(text, at)
  const last = before.trimEnd()
  const above = /["']$/.test(last) ? unclosedAbove(text, start + last.length - 1) : undefined
  if (above !== undefined) return above
  const isQuoted = /["']$/.test(last)
  return {
    message: isQuoted ? 'Text stands here behind the quote that ends its value.' : 'Text stands here behind a value that has ended.',
    suggestion: isQuoted ? "In single quotes write '' for ', in double quotes \\\" for \"." : 'Put the whole value in quotes.',
  }
}

interface Joined {
  readonly key: string
  readonly value: string
}

/** `name:foo-x`; an address is none. */
function splitColon(text: string): Joined | undefined {
  const [, key, value] = /^[ \t]*(?:- +)?([A-Za-z_][\w-]*):(?!\/\/)(\S+)/.exec(text) ?? []
  return key === undefined || value === undefined ? undefined : { key, value }
}

function putBlank({ key, value }: Joined): string {
  return `Put a blank after the colon: ${key}: ${value.length > 60 ? '…' : value}`
}

function missingColon(text: string, start: number): Words {
  const joined = splitColon(text.slice(start, start + 500))
  if (joined !== undefined) return { start, message: 'This line is no key with a value: the colon needs a blank behind it.', suggestion: putBlank(joined) }
  return { start, message: 'This line is no key with a value: the colon is missing.', suggestion: 'Write key: value, with a blank after the colon.' }
}

/** A key; a list's entry may begin with it. The lookahead keeps lines of hyphens from being tried in many ways. */
const KEY = /^[ \t]*(?:- +)*(?!- )[^\s:#"'[\]{},][^:#"'[\]{},]*$/

function misplacedColon({ text, at }: YamlFault): Words {
  const line = lineAt(text, at)
  const above = KEY.test(line.before) ? lineAbove(text, line) : undefined
  if (above !== undefined) {
    const first = above.start + above.text.search(/[^ \t]/)
    // The line is in order, so the one above is not: either it has no key, or it has a value and this one is indented.
    if (!/:(?:\s|$)/.test(above.text)) return missingColon(text, first)
    return { start: line.start + line.text.search(/[^ \t]/), ...INDENTATION }
  }
  const [, key, value] = /^[ \t]*(?:- +)*(?!- )([^\s:"'#][^:"'#]*):[ \t]+(\S.*)$/.exec(line.text) ?? []
  const valueAt = line.start + line.text.length - (value?.length ?? 0)
  const isQuoted = value !== undefined && /^["']/.test(value)
  return (
    (isQuoted ? unclosedAbove(text, valueAt) : undefined) ?? {
      message: 'A colon followed by a blank stands inside a text (or the indentation is wrong).',
      suggestion: key === undefined || value === undefined || isQuoted ? 'Put the whole text in quotes.' : writeQuoted(key, value),
    }
  )
}

function misplacedEntry({ text, at }: YamlFault): Words | undefined {
  if (lineAt(text, at).before.trim() === '') return INDENTATION
  return { message: 'The first entry of a list stands on the line of its key.', suggestion: 'Begin a new line before -, or write [a, b].' }
}

/** A key with its value, the value as a text. */
function writeQuoted(key: string, value: string): string {
  const text = value.replace(/[ \t]#.*$/, '').trim()
  if (key.length + text.length > 120) return 'Put the whole text in quotes.'
  return `Write ${key}: ${/["\\]/.test(text) ? `'${text.replaceAll("'", "''")}'` : `"${text}"`}`
}

function reservedCharacter({ text, at }: YamlFault): Words {
  const { text: line, before } = lineAt(text, at)
  const [, key] = /^[ \t]*(?:- +)*(?!- )([^\s:"'#[\]{}][^:"'#[\]{}]*):[ \t]+$/.exec(before) ?? []
  const value = line.slice(before.length)
  return {
    message: `YAML takes no text that begins with ${value.charAt(0)} unless it stands in quotes.`,
    suggestion: key === undefined ? 'Put the text in quotes.' : writeQuoted(key, value),
  }
}

function strayBracket(_: YamlFault, found: string): Words {
  const message = found === ',' ? 'A comma stands here behind a value that has ended.' : `Nothing is open that ${found} could close.`
  return { message, suggestion: `Delete the ${found}, or put the whole text in quotes.` }
}

/** Where a mapping cannot go on, or the document has ended. */
function misfit({ text, problem, at }: YamlFault): Words {
  const above = lineAbove(text, lineAt(text, at))
  if (above === undefined || !problem.startsWith("expected '<document start>'") || /^\s/.test(above.text)) return INDENTATION
  if (/^\.\.\.|[\]}"']$/.test(above.text.trimEnd()))
    return { message: 'The manifest has ended above this line.', suggestion: 'Delete what ends it: a closing bracket, or the line ...' }
  return missingColon(text, above.start)
}

function openBracket({ text, contextAt, at }: YamlFault, close: string): Words {
  const isOneLine = at < text.trimEnd().length && lineAt(text, at).start === lineAt(text, contextAt).start
  if (isOneLine)
    return { message: 'A comma is missing before this.', suggestion: `Put commas between the entries, and quotes around texts that contain ${close}.` }
  return {
    start: contextAt,
    message: `The ${text.charAt(contextAt)} that opens here is not closed, or a comma is missing behind it.`,
    suggestion: `Type ${close} behind the last entry, and commas between the entries.`,
  }
}

function specialCharacter(_: YamlFault, code: string): Words {
  return {
    message: `YAML does not allow the character U+${code.toUpperCase().padStart(4, '0')}, which stands here unseen.`,
    suggestion: 'Delete the character; an editor that shows control characters finds it.',
  }
}

function duplicateAnchor({ context = '' }: YamlFault): Words {
  const name = /^found duplicate anchor '(.*)'; first occurrence$/.exec(context)?.[1] ?? ''
  return { message: `The anchor &${name} stands twice.`, suggestion: 'Give one of them another name.' }
}

function noName({ text, contextAt }: YamlFault): Words {
  const mark = text.charAt(contextAt)
  return { start: contextAt, message: `To YAML ${mark} begins ${mark === '*' ? 'an alias' : 'an anchor'}, and no name follows.`, suggestion: QUOTE_TEXT }
}

function unknownTag({ text, at }: YamlFault, tag: string): Words {
  if (text.charAt(at) !== '!' && /^tag:yaml\.org,2002:(?:value|merge)$/.test(tag))
    return { message: `To YAML ${text.startsWith('<<', at) ? '<<' : '='} alone is no text.`, suggestion: QUOTE_TEXT }
  return { message: `Sage's server does not know the YAML tag ${quote(tag)}.`, suggestion: 'Delete the tag, or put a text that begins with ! in quotes.' }
}
