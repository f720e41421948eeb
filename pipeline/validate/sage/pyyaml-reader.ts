import { markedFailure, quoteCharacterAt } from './pyyaml-failure.ts'
import { PythonFailure } from './python-failure.ts'
import { countCharacters, hexadecimal } from './python-text.ts'

/** What YAML 1.1 does not let stand in a text (section 5.1), as PyYAML 6.0.3 reads it. */
const UNACCEPTABLE = /[^\t\n\r -~\x85\xA0-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u

const [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE, NEXT_LINE, LINE_SEPARATOR, PARAGRAPH_SEPARATOR] = [9, 10, 13, 32, 0x85, 0x2028, 0x2029]

/** A line break of YAML 1.1 (section 4.1.4). */
export function isBreak(code: number): boolean {
  return code === LINE_FEED || code === CARRIAGE_RETURN || code === NEXT_LINE || code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR
}

/** A line break, or the end of the text. */
export function isBreakOrEnd(code: number): boolean {
  return code === 0 || isBreak(code)
}

/** A space, a line break, or the end of the text. */
export function isSpaceOrEnd(code: number): boolean {
  return code === SPACE || isBreakOrEnd(code)
}

/** White space of any kind, or the end of the text. */
export function isBlankOrEnd(code: number): boolean {
  return code === TAB || isSpaceOrEnd(code)
}

/** What needs no closer look, for speed: the same for texts without characters of two units. */
const ACCEPTABLE = /^[\t\n\r -~\x85\xA0-\uD7FF\uE000-\uFEFE\uFF00-\uFFFD]*$/

/** An ASCII letter or digit: nothing that means anything to YAML. */
export function isLetterOrDigit(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39)
}

/** A text with the place that has been reached in it. */
export class Reader {
  /** Without the NUL that `codeAt` gives at its end. */
  readonly text: string
  /** UTF-16 offset. */
  at = 0
  /** Where the line of `at` begins. */
  lineStart = 0
  /** Whether a column differs from the distance to the line's start: by characters of two units, or byte order marks. */
  readonly #hasOddWidths: boolean

  /** Throws PyYAML's ReaderError for a character that YAML forbids. */
  constructor(text: string) {
    const isPlain = ACCEPTABLE.test(text)
    const found = isPlain ? null : UNACCEPTABLE.exec(text)
    if (found !== null) {
      const position = countCharacters(text.slice(0, found.index))
      const code = found[0].codePointAt(0) ?? 0
      throw new PythonFailure(
        'ReaderError',
        `unacceptable character #x${hexadecimal(code, 4)}: special characters are not allowed\n  in "<unicode string>", position ${position}`,
        found.index,
      )
    }
    this.text = text
    this.#hasOddWidths = !isPlain
  }

  /** The UTF-16 unit at an offset; 0 at the end. */
  codeAt(offset: number): number {
    return offset < this.text.length ? this.text.charCodeAt(offset) : 0
  }

  /** Code points since the line's start, a byte order mark counting as none. */
  column(): number {
    const width = this.at - this.lineStart
    if (!this.#hasOddWidths) return width
    return width - (this.text.slice(this.lineStart, this.at).match(/[\uDC00-\uDFFF\uFEFF]/g)?.length ?? 0)
  }

  /** Whether more than this many code points lie between an earlier offset and here. */
  isFartherThan(limit: number, from: number): boolean {
    const width = this.at - from
    if (width <= limit || !this.#hasOddWidths || width > 2 * limit) return width > limit
    return width - (this.text.slice(from, this.at).match(/[\uDC00-\uDFFF]/g)?.length ?? 0) > limit
  }

  skipSpaces(): void {
    while (this.codeAt(this.at) === SPACE) this.at += 1
  }

  /** To the end of the line, when a comment begins here. */
  skipComment(): void {
    if (this.codeAt(this.at) !== 0x23) return
    while (!isBreakOrEnd(this.codeAt(this.at))) this.at += 1
  }

  /** What the line break that begins here is read as; empty when none does. */
  takeBreak(): string {
    const code = this.codeAt(this.at)
    if (!isBreak(code)) return ''
    this.at += code === CARRIAGE_RETURN && this.codeAt(this.at + 1) === LINE_FEED ? 2 : 1
    this.lineStart = this.at
    return code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR ? String.fromCharCode(code) : '\n'
  }

  /** Whether `---` or `...` stands here, alone or before white space: what ends a document at the begin of a line. */
  isAtDocumentMarker(): boolean {
    const code = this.codeAt(this.at)
    if (code !== 0x2d && code !== 0x2e) return false
    return this.codeAt(this.at + 1) === code && this.codeAt(this.at + 2) === code && isBlankOrEnd(this.codeAt(this.at + 3))
  }

  /** PyYAML's ScannerError, the problem standing here unless a place is given. */
  failure(words: string | undefined, from: number | undefined, problem: string, at = this.at): PythonFailure {
    return markedFailure('ScannerError', this.text, words === undefined ? undefined : { words, ...(from !== undefined && { at: from }) }, problem, at)
  }

  /** What `%r` prints of the character here. */
  quoteCharacter(at = this.at): string {
    return quoteCharacterAt(this.text, at)
  }
}
