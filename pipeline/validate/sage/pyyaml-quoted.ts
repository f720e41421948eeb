import { foldedBreaks } from './pyyaml-plain.ts'
import { PythonFailure } from './python-failure.ts'
import { isBreak, isLetterOrDigit, type Reader } from './pyyaml-reader.ts'
import type { ScalarToken } from './pyyaml-token.ts'

const [TAB, SPACE, DOUBLE_QUOTE, SINGLE_QUOTE, BACKSLASH] = [9, 0x20, 0x22, 0x27, 0x5c]

/** What a backslash and one character mean (YAML 1.1, section 5.6, and `\/` as in JSON). */
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['a', '\x07'],
  ['b', '\b'],
  ['t', '\t'],
  ['\t', '\t'],
  ['n', '\n'],
  ['v', '\v'],
  ['f', '\f'],
  ['r', '\r'],
  ['e', '\x1B'],
  [' ', ' '],
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['N', '\x85'],
  ['_', '\xA0'],
  ['L', '\u2028'],
  ['P', '\u2029'],
])

/** How many hexadecimal digits follow. */
const CODE_DIGITS: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
])

/** Reads a scalar in quotes; the reader stands at the first of them. */
export function readQuoted(reader: Reader): ScalarToken {
  const start = reader.at
  const quote = reader.codeAt(start)
  const scalar: Scalar = { start, isDouble: quote === DOUBLE_QUOTE, value: '', surrogates: [] }
  reader.at += 1
  for (;;) {
    const from = reader.at
    reader.at = literalEnd(reader, from)
    scalar.value += reader.text.slice(from, reader.at)
    const code = reader.codeAt(reader.at)
    if (code === quote) {
      if (scalar.isDouble || reader.codeAt(reader.at + 1) !== SINGLE_QUOTE) break
      scalar.value += "'"
      reader.at += 2
    } else if (code === BACKSLASH && scalar.isDouble) readEscape(reader, scalar)
    else if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE || code === BACKSLASH) {
      scalar.value += String.fromCharCode(code)
      reader.at += 1
    } else scalar.value += foldSpaces(reader, start)
  }
  reader.at += 1
  const codePoints = scalar.surrogates.length === 0 ? undefined : codePointsApart(scalar.value, new Set(scalar.surrogates))
  return { kind: '<scalar>', start, end: reader.at, value: scalar.value, style: scalar.isDouble ? 'double' : 'single', codePoints }
}

interface Scalar {
  readonly start: number
  readonly isDouble: boolean
  value: string
  /** Offsets in the value of surrogates that were written as escapes: to Python, each is a character. */
  readonly surrogates: number[]
}

/** The next quote, backslash, line break, end, or the white space before one of the last two. */
function literalEnd(reader: Reader, from: number): number {
  let offset = from
  for (;;) {
    const code = reader.codeAt(offset)
    if (isLetterOrDigit(code)) offset += 1
    else if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE || code === BACKSLASH || code === 0 || isBreak(code)) return offset
    else if (code === SPACE || code === TAB) {
      const blank = offset
      do offset += 1
      while (reader.codeAt(offset) === SPACE || reader.codeAt(offset) === TAB)
      const next = reader.codeAt(offset)
      if (next === 0 || isBreak(next)) return blank
    } else offset += 1
  }
}

function foldSpaces(reader: Reader, start: number): string {
  skipBlanks(reader)
  if (reader.codeAt(reader.at) === 0) throw reader.failure('while scanning a quoted scalar', start, 'found unexpected end of stream')
  const first = reader.takeBreak()
  return foldedBreaks(first, takeBreaks(reader, start))
}

/** Empty lines, and the white space before what follows them. */
function takeBreaks(reader: Reader, start: number): string {
  let breaks = ''
  for (;;) {
    if (reader.isAtDocumentMarker()) throw reader.failure('while scanning a quoted scalar', start, 'found unexpected document separator')
    skipBlanks(reader)
    if (!isBreak(reader.codeAt(reader.at))) return breaks
    breaks += reader.takeBreak()
  }
}

function skipBlanks(reader: Reader): void {
  while (reader.codeAt(reader.at) === SPACE || reader.codeAt(reader.at) === TAB) reader.at += 1
}

function readEscape(reader: Reader, scalar: Scalar): void {
  reader.at += 1
  const character = reader.text.charAt(reader.at)
  const short = ESCAPES.get(character)
  const digits = CODE_DIGITS.get(character)
  if (short !== undefined) {
    scalar.value += short
    reader.at += 1
  } else if (digits !== undefined) {
    reader.at += 1
    readCode(reader, scalar, digits)
  } else if (isBreak(reader.codeAt(reader.at))) {
    reader.takeBreak()
    scalar.value += takeBreaks(reader, scalar.start)
  } else throw reader.failure('while scanning a double-quoted scalar', scalar.start, `found unknown escape character ${reader.quoteCharacter()}`)
}

function readCode(reader: Reader, scalar: Scalar, digits: number): void {
  const written = reader.text.slice(reader.at, reader.at + digits)
  const wrong = `${written}\0`.search(/[^0-9A-Fa-f]/)
  if (wrong < digits) {
    const found = reader.quoteCharacter(reader.at + wrong)
    throw reader.failure('while scanning a double-quoted scalar', scalar.start, `expected escape sequence of ${digits} hexadecimal numbers, but found ${found}`)
  }
  const code = Number.parseInt(written, 16)
  if (code > 0x7fffffff) throw new PythonFailure('OverflowError', 'Python int too large to convert to C int', reader.at)
  if (code > 0x10ffff) throw new PythonFailure('ValueError', 'chr() arg not in range(0x110000)', reader.at)
  if (code >= 0xd800 && code <= 0xdfff) scalar.surrogates.push(scalar.value.length)
  scalar.value += String.fromCodePoint(code)
  reader.at += digits
}

function codePointsApart(value: string, surrogates: ReadonlySet<number>): readonly number[] {
  const codePoints: number[] = []
  for (let offset = 0; offset < value.length; offset += 1) {
    if (surrogates.has(offset)) codePoints.push(value.charCodeAt(offset))
    else {
      const code = value.codePointAt(offset) ?? 0
      codePoints.push(code)
      if (code > 0xffff) offset += 1
    }
  }
  return codePoints
}
