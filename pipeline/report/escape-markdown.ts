import { escapeHtml } from './escape-html.ts'
import { sanitiseLine, sanitiseText } from './sanitise-text.ts'

// Structure of CommonMark, GFM and GitHub's mathematics inside a line.
const STRUCTURE = /[\\`*_{}[\]()<>#!|~$^]/g
// What GitHub brings to life after rendering, where no backslash helps: mentions and e-mail addresses, references to issues and their custom prefixes,
// addresses, commits, emoji names. Only code is left alone, so such a word becomes code.
const ALIVE = /@|#\d|[a-z]-\d|:\/\/|www\.|(?:mailto|xmpp):|\b[0-9a-f]{7,}\b|ghsa-|:(?!\d+:)[a-z0-9_+-]+:|:1(?:00|234):/i
const WORD = /^(["'([{]*)(.*?)(["')\]},.:;!?]*)$/s

/** Text as Markdown in a paragraph or a table's cell: it shows what it says, on one line, and nothing of it comes alive. */
export function escapeMarkdown(text: string): string {
  return sanitiseLine(text).split(' ').map(escapeWord).join(' ')
}

/** Text as a code span, good inside a table too; `(empty)` when nothing is left of it. */
export function markdownCode(text: string): string {
  const line = hideComments(sanitiseLine(text))
  if (line === '') return '(empty)'
  // A pipe ends a table's cell even inside a code span, so it stands between two of them.
  return line
    .split('|')
    .map((part) => (part === '' ? '' : codeSpan(part)))
    .join('&#124;')
}

/** A line of text inside an HTML block of Markdown, such as `<summary>`. */
export function escapeMarkdownHtml(text: string): string {
  return sanitiseLine(text)
    .split(' ')
    .map((word) => (ALIVE.test(word) ? `<code>${escapeHtml(word)}</code>` : escapeHtml(word)))
    .join(' ')
}

/** Text as a fenced block that it cannot break out of. */
export function markdownFence(text: string, language = 'text'): string {
  const content = hideComments(sanitiseText(text)).replace(/^\n+|\s+$/g, '')
  const fence = '`'.repeat(Math.max(3, longestRun(content) + 1))
  return `${fence}${language}\n${content}\n${fence}`
}

function escapeWord(word: string): string {
  if (!ALIVE.test(word)) return escapeStructure(word)
  const [, before = '', core = word, after = ''] = WORD.exec(word) ?? []
  return core === '' ? escapeStructure(word) : `${escapeStructure(before)}${markdownCode(core)}${escapeStructure(after)}`
}

function escapeStructure(word: string): string {
  const escaped = word.replaceAll('&', '&amp;').replace(STRUCTURE, (character) => ('<>|'.includes(character) ? entity(character) : `\\${character}`))
  // A list or an underline begins a line; a word does not know where it stands.
  return escaped.replace(/^(\d{1,9})\.$/, '$1\\.').replace(/^(?=[-+=]+$)/, '\\')
}

function entity(character: string): string {
  return `&#${character.codePointAt(0)};`
}

function codeSpan(text: string): string {
  const fence = '`'.repeat(longestRun(text) + 1)
  const padded = /^[ `]|[ `]$/.test(text) ? ` ${text} ` : text
  return `${fence}${padded}${fence}`
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0)
}

/** Nothing that a report quotes may look like one of the hidden markers by which a comment is found again. */
function hideComments(text: string): string {
  return text.replaceAll('<!--', '<! --')
}
