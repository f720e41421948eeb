import { PythonFailure } from './python-failure.ts'
import { charactersOf, quoteText } from './python-text.ts'

/** What PyYAML was doing, and where that began. */
export interface Context {
  readonly words: string
  /** Undefined: no place is named. */
  readonly at?: number
}

/** Characters of a line that PyYAML shows on each side of a mark before it cuts, and after the cut. */
const SNIPPET = { longest: 37, cut: 32 }

/** An error with PyYAML's marks. Their lines are counted as its reader does, their columns in code points. */
export function markedFailure(name: string, text: string, context: Context | undefined, problem: string, at: number): PythonFailure {
  const found = describe(text, at)
  const lines: string[] = []
  if (context !== undefined) {
    lines.push(context.words)
    const begun = context.at === undefined ? undefined : describe(text, context.at)
    if (begun !== undefined && begun.where !== found.where) lines.push(begun.where + begun.snippet)
  }
  lines.push(problem, found.where + found.snippet)
  return new PythonFailure(name, lines.join('\n'), at)
}

/** The character at an offset as Python prints it; the end of the text is a NUL to PyYAML. */
export function quoteCharacterAt(text: string, at: number): string {
  return quoteText(String.fromCodePoint(text.codePointAt(at) ?? 0))
}

function describe(text: string, at: number): { readonly where: string; readonly snippet: string } {
  let [line, column, lineStart, offset] = [1, 1, 0, 0]
  for (const character of text.slice(0, at)) {
    offset += character.length
    if (!isBreak(character)) {
      // A byte order mark has no width to PyYAML.
      if (character !== '\uFEFF') column += 1
      continue
    }
    lineStart = offset
    if (character === '\r' && text[offset] === '\n') column += 1
    else {
      line += 1
      column = 1
    }
  }
  return { where: `  in "<unicode string>", line ${line}, column ${column}`, snippet: `:\n${snippet(text, lineStart, at)}` }
}

function snippet(text: string, lineStart: number, at: number): string {
  const head = shorten(charactersOf(text.slice(lineStart, at)).reverse())
  const rest = text.slice(at, at + 2 * SNIPPET.longest)
  const tail = shorten(charactersOf(rest.slice(0, rest.search(/[\0\r\n\x85\u2028\u2029]|$/))))
  const indent = head.cut ? '     ... ' : '    '
  return `${indent}${head.shown.reverse().join('')}${tail.shown.join('')}${tail.cut ? ' ... ' : ''}\n${' '.repeat(indent.length + head.shown.length)}^`
}

function shorten(characters: string[]): { readonly shown: string[]; readonly cut: boolean } {
  const cut = characters.length >= SNIPPET.longest
  return { shown: cut ? characters.slice(0, SNIPPET.cut) : characters, cut }
}

function isBreak(character: string): boolean {
  return character === '\n' || character === '\r' || character === '\x85' || character === '\u2028' || character === '\u2029'
}
