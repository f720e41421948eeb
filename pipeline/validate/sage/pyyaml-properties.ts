import type { PythonFailure } from './python-failure.ts'
import { isBlankOrEnd, isSpaceOrEnd, isBreakOrEnd, type Reader } from './pyyaml-reader.ts'
import type { DirectiveToken, NameToken, TagToken } from './pyyaml-token.ts'
import { parseDecimal } from './python-number.ts'
import { decodeUtf8 } from './python-utf8.ts'

/** Letters, digits, `-` and `_`: names of anchors, handles and directives. */
const WORD = /[0-9A-Za-z_-]*/y
const DIGITS = /[0-9]*/y
/** What PyYAML takes for an URI; it looks no closer. */
const URI_CHARACTERS = /[-0-9A-Za-z;/?:@&=+$,_.!~*'()[\]]*/y
/** What may stand right after an anchor's or alias's name, besides white space. */
const AFTER_NAME = '?:,]}%@`'

const ASTERISK = 0x2a
const EXCLAMATION_MARK = 0x21

function take(reader: Reader, pattern: RegExp): string {
  pattern.lastIndex = reader.at
  const found = pattern.exec(reader.text)?.[0] ?? ''
  reader.at += found.length
  return found
}

/** Reads `&name` or `*name`. */
export function readName(reader: Reader): NameToken {
  const start = reader.at
  const kind = reader.codeAt(start) === ASTERISK ? '<alias>' : '<anchor>'
  reader.at += 1
  const name = take(reader, WORD)
  const code = reader.codeAt(reader.at)
  if (name === '' || !(isBlankOrEnd(code) || AFTER_NAME.includes(String.fromCharCode(code)))) {
    throw reader.failure(`while scanning an ${kind.slice(1, -1)}`, start, `expected alphabetic or numeric character, but found ${reader.quoteCharacter()}`)
  }
  return { kind, start, end: reader.at, name }
}

/** Reads a tag: `!<whole>`, `!`, `!suffix`, `!!suffix` or `!handle!suffix`. */
export function readTag(reader: Reader): TagToken {
  const start = reader.at
  const next = reader.codeAt(start + 1)
  let handle: string | undefined
  let suffix = '!'
  if (next === 0x3c) {
    reader.at += 2
    suffix = readUri(reader, 'tag', start)
    if (reader.codeAt(reader.at) !== 0x3e) throw reader.failure('while parsing a tag', start, `expected '>', but found ${reader.quoteCharacter()}`)
    reader.at += 1
  } else if (isBlankOrEnd(next)) reader.at += 1
  else {
    if (hasHandle(reader)) handle = readHandle(reader, 'tag', start)
    else {
      handle = '!'
      reader.at += 1
    }
    suffix = readUri(reader, 'tag', start)
  }
  if (!isSpaceOrEnd(reader.codeAt(reader.at))) throw reader.failure('while scanning a tag', start, `expected ' ', but found ${reader.quoteCharacter()}`)
  return { kind: '<tag>', start, end: reader.at, handle, suffix }
}

/** Whether a second exclamation mark stands before the next space. */
function hasHandle(reader: Reader): boolean {
  for (let offset = reader.at + 1; !isSpaceOrEnd(reader.codeAt(offset)); offset += 1) if (reader.codeAt(offset) === EXCLAMATION_MARK) return true
  return false
}

function readHandle(reader: Reader, name: string, start: number): string {
  const from = reader.at
  if (reader.codeAt(from) !== EXCLAMATION_MARK) throw expectedMark(reader, name, start)
  reader.at += 1
  if (reader.codeAt(reader.at) === 0x20) return '!'
  take(reader, WORD)
  if (reader.codeAt(reader.at) !== EXCLAMATION_MARK) throw expectedMark(reader, name, start)
  reader.at += 1
  return reader.text.slice(from, reader.at)
}

function expectedMark(reader: Reader, name: string, start: number): PythonFailure {
  return reader.failure(`while scanning a ${name}`, start, `expected '!', but found ${reader.quoteCharacter()}`)
}

function readUri(reader: Reader, name: string, start: number): string {
  const from = reader.at
  let uri = take(reader, URI_CHARACTERS)
  while (reader.text[reader.at] === '%') uri += readUriEscapes(reader, name, start) + take(reader, URI_CHARACTERS)
  if (reader.at === from) throw reader.failure(`while parsing a ${name}`, start, `expected URI, but found ${reader.quoteCharacter()}`)
  return uri
}

/** `%41%42`: bytes in UTF-8. */
function readUriEscapes(reader: Reader, name: string, start: number): string {
  const from = reader.at
  const bytes: number[] = []
  while (reader.text[reader.at] === '%') {
    reader.at += 1
    const written = reader.text.slice(reader.at, reader.at + 2)
    const wrong = `${written}\0`.search(/[^0-9A-Fa-f]/)
    if (wrong < 2) {
      const found = reader.quoteCharacter(reader.at + wrong)
      throw reader.failure(`while scanning a ${name}`, start, `expected URI escape sequence of 2 hexadecimal numbers, but found ${found}`)
    }
    bytes.push(Number.parseInt(written, 16))
    reader.at += 2
  }
  const decoded = decodeUtf8(Uint8Array.from(bytes))
  if ('problem' in decoded) throw reader.failure(`while scanning a ${name}`, start, decoded.problem, from)
  return decoded.text
}

/** Reads a directive with its line; the reader stands at `%`. */
export function readDirective(reader: Reader): DirectiveToken {
  const start = reader.at
  reader.at += 1
  const name = take(reader, WORD)
  if (name === '' || !isSpaceOrEnd(reader.codeAt(reader.at))) throw unexpected(reader, start, 'alphabetic or numeric character')
  let directive: DirectiveToken['directive']
  if (name === 'YAML') directive = readVersion(reader, start)
  else if (name === 'TAG') directive = readTagDirective(reader, start)
  let end = reader.at
  if (directive === undefined) {
    end = reader.at
    while (!isBreakOrEnd(reader.codeAt(reader.at))) reader.at += 1
  }
  reader.skipSpaces()
  reader.skipComment()
  if (!isBreakOrEnd(reader.codeAt(reader.at))) throw unexpected(reader, start, 'a comment or a line break')
  reader.takeBreak()
  return { kind: '<directive>', start, end, directive }
}

function readVersion(reader: Reader, start: number): { readonly major: bigint } {
  reader.skipSpaces()
  const major = readVersionNumber(reader, start)
  if (reader.text[reader.at] !== '.') throw unexpected(reader, start, "a digit or '.'")
  reader.at += 1
  readVersionNumber(reader, start)
  if (!isSpaceOrEnd(reader.codeAt(reader.at))) throw unexpected(reader, start, "a digit or ' '")
  return { major }
}

function readVersionNumber(reader: Reader, start: number): bigint {
  const from = reader.at
  const digits = take(reader, DIGITS)
  if (digits === '') throw unexpected(reader, start, 'a digit')
  return parseDecimal(digits, from)
}

function readTagDirective(reader: Reader, start: number): { readonly handle: string; readonly prefix: string } {
  reader.skipSpaces()
  const handle = readHandle(reader, 'directive', start)
  if (reader.text[reader.at] !== ' ') throw unexpected(reader, start, "' '")
  reader.skipSpaces()
  const prefix = readUri(reader, 'directive', start)
  if (!isSpaceOrEnd(reader.codeAt(reader.at))) throw unexpected(reader, start, "' '")
  return { handle, prefix }
}

function unexpected(reader: Reader, start: number, expected: string): PythonFailure {
  return reader.failure('while scanning a directive', start, `expected ${expected}, but found ${reader.quoteCharacter()}`)
}
