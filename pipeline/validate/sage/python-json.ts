import { caught, PythonFailure } from './python-failure.ts'
import { hashKey, type HashKey } from './python-hash.ts'
import { parseDecimal } from './python-number.ts'
import { codePointsOf, countCharacters } from './python-text.ts'
import type { Parsed, PythonEntry, PythonText, PythonValue } from './python-value.ts'

/** Collections in each other before CPython's stack of 1000 frames ends; its callers take some. */
const MAX_DEPTH = 970

const NUMBER = /(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?/y
const WHITE_SPACE = /[ \t\n\r]*/y
/** What needs no look: all but quotes, backslashes and control characters. */
const CHUNK = /[^"\\\0-\x1F]*/y

const CONSTANTS: readonly (readonly [string, PythonLiteral])[] = [
  ['null', { type: 'NoneType' }],
  ['true', { type: 'bool', value: true }],
  ['false', { type: 'bool', value: false }],
  ['NaN', { type: 'float', value: Number.NaN }],
  ['Infinity', { type: 'float', value: Infinity }],
  ['-Infinity', { type: 'float', value: -Infinity }],
]

type PythonLiteral = { readonly type: 'NoneType' } | { readonly type: 'bool'; readonly value: boolean } | { readonly type: 'float'; readonly value: number }

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

/** `json.loads(text)` of CPython 3.11: the same value (of keys that stand again, the last), or the same error with the same words. Linear in the text's length. `begin`: where the JSON text begins. */
export function loadPythonJson(text: string, begin = 0): Parsed {
  return caught(() => ({ value: new JsonReader(text, begin).document() }))
}

class JsonReader {
  readonly #text: string
  readonly #begin: number
  #at: number
  #depth = 0

  constructor(text: string, begin: number) {
    this.#text = text
    this.#begin = begin
    this.#at = begin
  }

  document(): PythonValue {
    if (this.#text.startsWith('\uFEFF', this.#begin)) throw this.#failure('Unexpected UTF-8 BOM (decode using utf-8-sig)', this.#begin)
    this.#skipSpace()
    const value = this.#value()
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#failure('Extra data', this.#at)
    return value
  }

  #value(): PythonValue {
    const start = this.#at
    switch (this.#text.charAt(start)) {
      case '"':
        return this.#string()
      case '[':
        return this.#inside('array', () => this.#list())
      case '{':
        return this.#inside('object', () => this.#dict())
      case 'n':
      case 't':
      case 'f':
      case 'N':
      case 'I':
        return this.#constant()
      case '-':
        return this.#text.startsWith('-Infinity', start) ? this.#constant() : this.#number()
      default:
        return this.#number()
    }
  }

  #inside(what: string, read: () => PythonValue): PythonValue {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) {
      throw new PythonFailure('RecursionError', `maximum recursion depth exceeded while decoding a JSON ${what} from a unicode string`, this.#at)
    }
    const value = read()
    this.#depth -= 1
    return value
  }

  #constant(): PythonValue {
    const start = this.#at
    for (const [word, value] of CONSTANTS) {
      if (this.#text.startsWith(word, start)) {
        this.#at += word.length
        return { ...value, start, end: this.#at }
      }
    }
    throw this.#failure('Expecting value', start)
  }

  #number(): PythonValue {
    const start = this.#at
    NUMBER.lastIndex = start
    const [written = '', whole = '', fraction, exponent] = NUMBER.exec(this.#text) ?? []
    if (written === '') throw this.#failure('Expecting value', start)
    this.#at += written.length
    if (fraction !== undefined || exponent !== undefined) return { type: 'float', value: Number(written), start, end: this.#at }
    const isNegative = whole.startsWith('-')
    const value = parseDecimal(isNegative ? whole.slice(1) : whole, start)
    return { type: 'int', value: isNegative ? -value : value, start, end: this.#at }
  }

  #list(): PythonValue {
    const start = this.#at
    const items: PythonValue[] = []
    this.#at += 1
    this.#skipSpace()
    if (this.#text[this.#at] !== ']') {
      for (;;) {
        items.push(this.#value())
        this.#skipSpace()
        if (this.#text[this.#at] === ']') break
        if (this.#text[this.#at] !== ',') throw this.#failure("Expecting ',' delimiter", this.#at)
        this.#at += 1
        this.#skipSpace()
      }
    }
    this.#at += 1
    return { type: 'list', items, start, end: this.#at }
  }

  #dict(): PythonValue {
    const start = this.#at
    const entries: PythonEntry[] = []
    const duplicates: PythonValue[] = []
    const places = new Map<HashKey | undefined, number>()
    this.#at += 1
    this.#skipSpace()
    if (this.#text[this.#at] !== '}') {
      for (;;) {
        if (this.#text[this.#at] !== '"') throw this.#failure('Expecting property name enclosed in double quotes', this.#at)
        const key = this.#string()
        this.#skipSpace()
        if (this.#text[this.#at] !== ':') throw this.#failure("Expecting ':' delimiter", this.#at)
        this.#at += 1
        this.#skipSpace()
        const value = this.#value()
        const hash = hashKey(key)
        const place = places.get(hash)
        if (place === undefined) {
          places.set(hash, entries.length)
          entries.push({ key, value })
        } else {
          duplicates.push(key)
          entries[place] = { key: entries[place]?.key ?? key, value }
        }
        this.#skipSpace()
        if (this.#text[this.#at] === '}') break
        if (this.#text[this.#at] !== ',') throw this.#failure("Expecting ',' delimiter", this.#at)
        this.#at += 1
        this.#skipSpace()
      }
    }
    this.#at += 1
    return { type: 'dict', entries, duplicates, start, end: this.#at }
  }

  #string(): PythonText {
    const start = this.#at
    let value = ''
    let hasEscapedSurrogate = false
    this.#at += 1
    for (;;) {
      CHUNK.lastIndex = this.#at
      const chunk = CHUNK.exec(this.#text)?.[0] ?? ''
      value += chunk
      this.#at += chunk.length
      const character = this.#text[this.#at]
      if (character === '"') break
      if (character === undefined) throw this.#failure('Unterminated string starting at', start)
      if (character !== '\\') throw this.#failure('Invalid control character at', this.#at)
      const unit = this.#escape(start)
      hasEscapedSurrogate ||= unit >= '\uD800' && unit <= '\uDFFF'
      value += unit
    }
    this.#at += 1
    const codePoints = hasEscapedSurrogate && !value.isWellFormed() ? [...codePointsOf(value)] : undefined
    return { type: 'str', value, style: 'double', start, end: this.#at, ...(codePoints && { codePoints }) }
  }

  /** A backslash and what follows; pairs of surrogates join by themselves. */
  #escape(start: number): string {
    const at = this.#at
    const letter = this.#text[at + 1]
    if (letter === undefined) throw this.#failure('Unterminated string starting at', start)
    if (letter !== 'u') {
      const character = ESCAPES.get(letter)
      if (character === undefined) throw this.#failure('Invalid \\escape', at)
      this.#at += 2
      return character
    }
    const digits = this.#text.slice(at + 2, at + 6)
    // CPython looks at the length first, and wants the closing quote in it.
    if (at + 6 >= this.#text.length || !/^[0-9A-Fa-f]{4}$/.test(digits)) throw this.#failure('Invalid \\uXXXX escape', at + 1)
    this.#at += 6
    return String.fromCharCode(Number.parseInt(digits, 16))
  }

  #skipSpace(): void {
    const code = this.#text.charCodeAt(this.#at)
    if (code > 0x20) return
    WHITE_SPACE.lastIndex = this.#at
    this.#at += WHITE_SPACE.exec(this.#text)?.[0].length ?? 0
  }

  #failure(problem: string, at: number): PythonFailure {
    const before = this.#text.slice(this.#begin, at)
    const line = before.split('\n').length
    const column = countCharacters(before.slice(before.lastIndexOf('\n') + 1)) + 1
    return new PythonFailure('JSONDecodeError', `${problem}: line ${line} column ${column} (char ${countCharacters(before)})`, at)
  }
}
