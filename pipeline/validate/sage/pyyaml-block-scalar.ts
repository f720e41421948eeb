import { isBreakOrEnd, isSpaceOrEnd, isBreak, type Reader } from './pyyaml-reader.ts'
import type { ScalarToken } from './pyyaml-token.ts'

const [TAB, SPACE, PLUS, MINUS, ZERO, NINE, GREATER] = [9, 0x20, 0x2b, 0x2d, 0x30, 0x39, 0x3e]

const CONTEXT = 'while scanning a block scalar'

/** Reads a literal (`|`) or folded (`>`) scalar, whose parent is indented by `parentIndent` columns (-1: none). */
export function readBlockScalar(reader: Reader, parentIndent: number): ScalarToken {
  const start = reader.at
  const isFolded = reader.codeAt(start) === GREATER
  reader.at += 1
  const { chomping, increment } = readHeader(reader, start)
  let end = reader.at
  skipHeaderLine(reader, start)
  const least = Math.max(parentIndent + 1, 1)
  let breaks: string
  let indent: number
  if (increment === undefined) {
    const found = takeLeadingLines(reader)
    indent = Math.max(least, found.indent)
    breaks = found.breaks
  } else {
    indent = least + increment - 1
    breaks = takeEmptyLines(reader, indent)
  }
  let value = ''
  let last = ''
  while (reader.at - reader.lineStart === indent && reader.codeAt(reader.at) !== 0) {
    value += breaks
    const from = reader.at
    while (!isBreakOrEnd(reader.codeAt(reader.at))) reader.at += 1
    value += reader.text.slice(from, reader.at)
    end = reader.at
    last = reader.takeBreak()
    breaks = takeEmptyLines(reader, indent)
    if (reader.at - reader.lineStart !== indent || reader.codeAt(reader.at) === 0) break
    // Lines that begin with white space are never joined.
    const joins = isFolded && last === '\n' && !isBlank(reader.codeAt(from)) && !isBlank(reader.codeAt(reader.at))
    if (!joins) value += last
    else if (breaks === '') value += ' '
  }
  if (chomping !== MINUS) value += last
  if (chomping === PLUS) value += breaks
  return { kind: '<scalar>', start, end, value, style: isFolded ? 'folded' : 'literal', codePoints: undefined }
}

/** `+` or `-`, and a digit from 1 to 9, in any order. */
function readHeader(reader: Reader, start: number): { readonly chomping: number | undefined; readonly increment: number | undefined } {
  let chomping = readChomping(reader)
  let increment: number | undefined
  const digit = reader.codeAt(reader.at)
  if (digit >= ZERO && digit <= NINE) {
    increment = digit - ZERO
    if (increment === 0) throw reader.failure(CONTEXT, start, 'expected indentation indicator in the range 1-9, but found 0')
    reader.at += 1
    chomping ??= readChomping(reader)
  }
  if (!isSpaceOrEnd(reader.codeAt(reader.at))) {
    throw reader.failure(CONTEXT, start, `expected chomping or indentation indicators, but found ${reader.quoteCharacter()}`)
  }
  return { chomping, increment }
}

function readChomping(reader: Reader): number | undefined {
  const code = reader.codeAt(reader.at)
  if (code !== PLUS && code !== MINUS) return undefined
  reader.at += 1
  return code
}

function skipHeaderLine(reader: Reader, start: number): void {
  reader.skipSpaces()
  reader.skipComment()
  if (!isBreakOrEnd(reader.codeAt(reader.at))) {
    throw reader.failure(CONTEXT, start, `expected a comment or a line break, but found ${reader.quoteCharacter()}`)
  }
  reader.takeBreak()
}

/** Empty lines before the first that is not; the deepest of all of them tells the indentation. */
function takeLeadingLines(reader: Reader): { readonly breaks: string; readonly indent: number } {
  let breaks = ''
  let indent = 0
  for (let code = reader.codeAt(reader.at); code === SPACE || isBreak(code); code = reader.codeAt(reader.at)) {
    if (code === SPACE) {
      reader.at += 1
      indent = Math.max(indent, reader.at - reader.lineStart)
    } else breaks += reader.takeBreak()
  }
  return { breaks, indent }
}

/** Empty lines, and the indentation of the line after them. */
function takeEmptyLines(reader: Reader, indent: number): string {
  let breaks = ''
  for (;;) {
    while (reader.at - reader.lineStart < indent && reader.codeAt(reader.at) === SPACE) reader.at += 1
    if (!isBreak(reader.codeAt(reader.at))) return breaks
    breaks += reader.takeBreak()
  }
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}
