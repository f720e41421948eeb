import { isBlankOrEnd, isBreak, isLetterOrDigit, type Reader } from './pyyaml-reader.ts'
import type { ScalarToken } from './pyyaml-token.ts'

const [SPACE, NUMBER_SIGN, COLON, QUESTION_MARK] = [0x20, 0x23, 0x3a, 0x3f]

/** A plain scalar, and whether the reader stands at the begin of a line after it. */
export interface PlainScalar {
  readonly token: ScalarToken
  readonly endsLine: boolean
}

/** Reads a plain scalar, through all its lines: in a block, those that are indented by at least `indent` columns. */
export function readPlain(reader: Reader, indent: number, isFlow: boolean): PlainScalar {
  const start = reader.at
  let end = start
  let value = ''
  let gap: string | undefined = ''
  let endsLine = false
  while (gap !== undefined && reader.codeAt(reader.at) !== NUMBER_SIGN) {
    const stop = lineEnd(reader, isFlow)
    if (stop === reader.at) break
    value += gap + reader.text.slice(reader.at, stop)
    reader.at = end = stop
    reader.skipSpaces()
    endsLine = isBreak(reader.codeAt(reader.at))
    gap = endsLine ? foldLines(reader, indent, isFlow) : undefined
  }
  return { token: { kind: '<scalar>', start, end, value, style: 'plain', codePoints: undefined }, endsLine }
}

/** Where the scalar's part on this line ends: before a comment, `: `, an indicator of flow collections, a tab, or spaces that nothing of it follows. */
function lineEnd(reader: Reader, isFlow: boolean): number {
  let offset = reader.at
  for (;;) {
    const code = reader.codeAt(offset)
    if (code === SPACE) {
      let next = offset + 1
      while (reader.codeAt(next) === SPACE) next += 1
      const after = reader.codeAt(next)
      if (after === NUMBER_SIGN || isPlainEnd(reader, after, next, isFlow)) return offset
      offset = next
    } else if (!isLetterOrDigit(code) && isPlainEnd(reader, code, offset, isFlow)) return offset
    offset += 1
  }
}

function isPlainEnd(reader: Reader, code: number, offset: number, isFlow: boolean): boolean {
  if (code === COLON) {
    const next = reader.codeAt(offset + 1)
    return isBlankOrEnd(next) || (isFlow && isFlowIndicator(next))
  }
  return isBlankOrEnd(code) || (isFlow && (code === QUESTION_MARK || isFlowIndicator(code)))
}

/** `,[]{}` */
function isFlowIndicator(code: number): boolean {
  return code === 0x2c || code === 0x5b || code === 0x5d || code === 0x7b || code === 0x7d
}

/** What the line breaks here become inside the scalar; undefined when it does not go on after them. */
function foldLines(reader: Reader, indent: number, isFlow: boolean): string | undefined {
  const first = reader.takeBreak()
  if (reader.isAtDocumentMarker()) return undefined
  let more = ''
  for (let code = reader.codeAt(reader.at); code === SPACE || isBreak(code); code = reader.codeAt(reader.at)) {
    if (code === SPACE) reader.at += 1
    else {
      more += reader.takeBreak()
      if (reader.isAtDocumentMarker()) return undefined
    }
  }
  if (!isFlow && reader.at - reader.lineStart < indent) return undefined
  return foldedBreaks(first, more)
}

/** A single line feed is a space; more of them lose the first; the separators of Unicode stay. */
export function foldedBreaks(first: string, more: string): string {
  if (first !== '\n') return first + more
  return more === '' ? ' ' : more
}
