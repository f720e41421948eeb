import type { PythonError } from './python-value.ts'

/** What PyYAML says of a text that it cannot read. */
export interface YamlFault {
  readonly text: string
  /** What it was doing (`while scanning a quoted scalar`), where it says so. */
  readonly context?: string
  /** UTF-16 offset where that began; the problem's, where none is named. */
  readonly contextAt: number
  /** What is wrong, in PyYAML's words; of other exceptions, with their class. */
  readonly problem: string
  /** UTF-16 offset. */
  readonly at: number
}

const MARK = /^ {2}in "<unicode string>", line (\d+), column (\d+):$/
const SIMPLE_MARK = /^ {2}in "<unicode string>", /

/** Takes PyYAML's message apart (`MarkedYAMLError.__str__`: context, its mark and snippet, problem, its mark and snippet). */
export function readFault({ name, message, start: at }: PythonError, text: string): YamlFault {
  const [first = '', second = '', third = '', , fifth = '', sixth = ''] = message.split('\n', 6)
  if (MARK.test(third)) return { text, context: first, contextAt: at, problem: second, at }
  if (!MARK.test(sixth)) return { text, contextAt: at, problem: SIMPLE_MARK.test(second) ? first : [name, ...(message === '' ? [] : [first])].join(': '), at }
  const [, line, column] = MARK.exec(second) ?? []
  return { text, context: first, contextAt: offsetAt(text, Number(line), Number(column)), problem: fifth, at }
}

/** Lines are counted from 1 as YAML 1.1 breaks them, columns from 1 in code points, a byte order mark having no width. */
function offsetAt(text: string, line: number, column: number): number {
  const breaks = /\r\n|[\n\r\x85\u2028\u2029]/g
  for (let count = 1; count < line; count += 1) breaks.exec(text)
  let offset = breaks.lastIndex
  let left = column - 1
  for (const character of text.slice(offset, offset + 2 * column)) {
    if (character === '\uFEFF') offset += 1
    else if (left > 0) {
      left -= 1
      offset += character.length
    } else break
  }
  return offset
}

const LINE_BREAK = /[\n\r\x85\u2028\u2029]/

/** A line of the text, and where an offset stands in it. */
export interface Line {
  readonly start: number
  /** Without its break. */
  readonly text: string
  readonly before: string
}

export function lineAt(text: string, at: number): Line {
  let start = at
  while (start > 0 && !LINE_BREAK.test(text.charAt(start - 1))) start -= 1
  let end = at
  while (end < text.length && !LINE_BREAK.test(text.charAt(end))) end += 1
  return { start, text: text.slice(start, end), before: text.slice(start, at) }
}

/** The next line above that is neither empty nor a comment. */
export function lineAbove(text: string, { start }: Line): Line | undefined {
  let above = start
  while (above > 0) {
    const line = lineAt(text, above - 1)
    if (!/^[ \t]*(?:#|$)/.test(line.text)) return line
    above = line.start
  }
  return undefined
}
