import { readBlockScalar } from './pyyaml-block-scalar.ts'
import type { PythonFailure } from './python-failure.ts'
import { readPlain } from './pyyaml-plain.ts'
import { readDirective, readName, readTag } from './pyyaml-properties.ts'
import { readQuoted } from './pyyaml-quoted.ts'
import { isBlankOrEnd, isLetterOrDigit, Reader } from './pyyaml-reader.ts'
import type { Indicator, Token } from './pyyaml-token.ts'

/** A key without `?` has to end within so many characters of its begin, on the same line (YAML 1.1, 7.3.1, and PyYAML's reading of it). */
const KEY_LIMIT = 1024

/** What cannot begin a plain scalar, unless (`-`, and in a block `?` and `:`) something that is not white space follows. */
const NOT_PLAIN = '-?:,[]{}#&*!|>\'"%@`'

const NOTHING: Token = { kind: '<stream end>', start: 0, end: 0 }

/** A token that turns out to be a key when a `:` follows. */
interface PossibleKey {
  /** How many tokens stand before it in the whole stream. */
  readonly number: number
  /** Depth of flow collections around it. */
  readonly level: number
  /** A block mapping goes on here: anything but a key is an error. */
  readonly isRequired: boolean
  readonly at: number
  readonly lineStart: number
  readonly column: number
}

/**
 * The tokens of a text, one by one and no earlier than PyYAML reads them, so that of two errors the same one comes first.
 * `?` tokens are put in before keys that need none, and the ends of block collections where their indentation ends.
 */
export class Scanner {
  readonly #reader: Reader
  #tokens: Token[] = []
  /** The next token's place in `#tokens`. */
  #head = 0
  /** Tokens taken before `#tokens[0]`. */
  #offset = 0
  #isDone = false
  /** Whether nothing that is read later can put a token before the next one. */
  #isDecided = false
  #level = 0
  #indent = -1
  readonly #indents: number[] = []
  /** Whether a key, or a block collection, may begin here. */
  #allowsKey = true
  /** By depth, at most one for each; what stands deeper began later. */
  #keys: PossibleKey[] = []

  constructor(text: string) {
    this.#reader = new Reader(text)
  }

  /** The next token, which stays. After the end of the stream: that end. */
  peek(): Token {
    if (!this.#isDecided) {
      while (this.#needsMore()) this.#fetch()
      this.#isDecided = true
    }
    return this.#tokens[this.#head] ?? NOTHING
  }

  take(): Token {
    const token = this.peek()
    this.#head += 1
    this.#isDecided = false
    if (this.#head === this.#tokens.length) {
      this.#offset += this.#head
      this.#head = 0
      this.#tokens = []
    }
    return token
  }

  #needsMore(): boolean {
    if (this.#isDone) return false
    if (this.#tokens.length === 0) return true
    this.#dropStaleKeys()
    return this.#keys[0]?.number === this.#offset + this.#head
  }

  #fetch(): void {
    this.#skipToToken()
    this.#dropStaleKeys()
    const reader = this.#reader
    if (this.#level === 0) this.#unwind(reader.column())
    const { at } = reader
    const code = reader.codeAt(at)
    if (isLetterOrDigit(code)) return this.#fetchPlain()
    switch (reader.text[at]) {
      case undefined:
        return this.#endStream()
      case '%':
        if (reader.column() === 0) return this.#fetchDirective()
        break
      case '.':
        if (reader.isAtDocumentMarker() && reader.column() === 0) return this.#fetchDocumentMarker('<document end>')
        break
      case '[':
        return this.#openFlow('[')
      case '{':
        return this.#openFlow('{')
      case ']':
        return this.#closeFlow(']')
      case '}':
        return this.#closeFlow('}')
      case ',':
        return this.#fetchFlowEntry()
      case '-':
        if (reader.isAtDocumentMarker() && reader.column() === 0) return this.#fetchDocumentMarker('<document start>')
        if (isBlankOrEnd(reader.codeAt(at + 1))) return this.#fetchBlockEntry()
        break
      case '?':
        if (this.#level !== 0 || isBlankOrEnd(reader.codeAt(at + 1))) return this.#fetchExplicitKey()
        break
      case ':':
        if (this.#level !== 0 || isBlankOrEnd(reader.codeAt(at + 1))) return this.#fetchValue()
        break
      case '*':
      case '&':
        this.#noteKey()
        this.#tokens.push(readName(reader))
        return
      case '!':
        this.#noteKey()
        this.#tokens.push(readTag(reader))
        return
      case '|':
      case '>':
        if (this.#level !== 0) break
        this.#allowsKey = true
        this.#dropKey()
        this.#tokens.push(readBlockScalar(reader, this.#indent))
        return
      case "'":
      case '"':
        this.#noteKey()
        this.#tokens.push(readQuoted(reader))
        return
    }
    if (this.#mayBePlain()) return this.#fetchPlain()
    throw reader.failure('while scanning for the next token', undefined, `found character ${reader.quoteCharacter()} that cannot start any token`)
  }

  #skipToToken(): void {
    const reader = this.#reader
    if (reader.at === 0 && reader.codeAt(0) === 0xfeff) reader.at = 1
    for (;;) {
      reader.skipSpaces()
      reader.skipComment()
      if (reader.takeBreak() === '') return
      if (this.#level === 0) this.#allowsKey = true
    }
  }

  #mayBePlain(): boolean {
    const character = this.#reader.text.charAt(this.#reader.at)
    if (!NOT_PLAIN.includes(character)) return !isBlankOrEnd(this.#reader.codeAt(this.#reader.at))
    const canFollow = character === '-' || (this.#level === 0 && (character === '?' || character === ':'))
    return canFollow && !isBlankOrEnd(this.#reader.codeAt(this.#reader.at + 1))
  }

  #fetchPlain(): void {
    this.#noteKey()
    const { token, endsLine } = readPlain(this.#reader, this.#indent + 1, this.#level !== 0)
    this.#allowsKey = endsLine
    this.#tokens.push(token)
  }

  /** The next token may be a key; after it, none begins on the same line. */
  #noteKey(): void {
    const { at, lineStart } = this.#reader
    if (this.#allowsKey) {
      this.#dropKey()
      const column = this.#level === 0 ? this.#reader.column() : 0
      const isRequired = this.#level === 0 && this.#indent === column
      this.#keys.push({ number: this.#offset + this.#tokens.length, level: this.#level, isRequired, at, lineStart, column })
    }
    this.#allowsKey = false
  }

  /** Forgets the possible key of this depth. */
  #dropKey(): void {
    const key = this.#keys.at(-1)
    if (key === undefined || key.level !== this.#level) return
    if (key.isRequired) throw this.#missingColon(key)
    this.#keys.pop()
  }

  /** Forgets possible keys that began on another line, or too long ago. */
  #dropStaleKeys(): void {
    const reader = this.#reader
    while (this.#keys.length !== 0) {
      const key = this.#keys[0]
      if (key === undefined || (key.lineStart === reader.lineStart && !reader.isFartherThan(KEY_LIMIT, key.at))) return
      if (key.isRequired) throw this.#missingColon(key)
      this.#keys.shift()
    }
  }

  #missingColon(key: PossibleKey): PythonFailure {
    return this.#reader.failure('while scanning a simple key', key.at, "could not find expected ':'")
  }

  /** Ends the block collections that are indented by more than this. */
  #unwind(column: number): void {
    while (this.#level === 0 && this.#indent > column) {
      this.#indent = this.#indents.pop() ?? -1
      this.#mark('<block end>', 0)
    }
  }

  /** Whether a block collection begins at this column. */
  #indentTo(column: number): boolean {
    if (this.#indent >= column) return false
    this.#indents.push(this.#indent)
    this.#indent = column
    return true
  }

  /** Adds a token of so many characters. */
  #mark(kind: Indicator, length: number): void {
    const start = this.#reader.at
    this.#reader.at += length
    this.#tokens.push({ kind, start, end: this.#reader.at })
  }

  #endStream(): void {
    this.#unwind(-1)
    this.#dropKey()
    this.#keys = []
    this.#allowsKey = false
    this.#mark('<stream end>', 0)
    this.#isDone = true
  }

  #fetchDirective(): void {
    this.#unwind(-1)
    this.#dropKey()
    this.#allowsKey = false
    this.#tokens.push(readDirective(this.#reader))
  }

  #fetchDocumentMarker(kind: '<document start>' | '<document end>'): void {
    this.#unwind(-1)
    this.#dropKey()
    this.#allowsKey = false
    this.#mark(kind, 3)
  }

  #openFlow(kind: '[' | '{'): void {
    this.#noteKey()
    this.#level += 1
    this.#allowsKey = true
    this.#mark(kind, 1)
  }

  #closeFlow(kind: ']' | '}'): void {
    this.#dropKey()
    this.#level -= 1
    this.#allowsKey = false
    this.#mark(kind, 1)
  }

  #fetchFlowEntry(): void {
    this.#allowsKey = true
    this.#dropKey()
    this.#mark(',', 1)
  }

  #fetchBlockEntry(): void {
    this.#beginBlock('sequence entries are not allowed here', '<block sequence start>')
    this.#allowsKey = true
    this.#dropKey()
    this.#mark('-', 1)
  }

  #fetchExplicitKey(): void {
    this.#beginBlock('mapping keys are not allowed here', '<block mapping start>')
    this.#allowsKey = this.#level === 0
    this.#dropKey()
    this.#mark('?', 1)
  }

  /** In a block: a collection may begin with the indicator that stands here. */
  #beginBlock(problem: string, kind: Indicator): void {
    if (this.#level !== 0) return
    if (!this.#allowsKey) throw this.#reader.failure(undefined, undefined, problem)
    if (this.#indentTo(this.#reader.column())) this.#mark(kind, 0)
  }

  #fetchValue(): void {
    const key = this.#keys.at(-1)
    if (key !== undefined && key.level === this.#level) {
      this.#keys.pop()
      const place = { start: key.at, end: key.at }
      const index = key.number - this.#offset
      this.#insert(index, { kind: '?', ...place })
      if (this.#level === 0 && this.#indentTo(key.column)) this.#insert(index, { kind: '<block mapping start>', ...place })
      this.#allowsKey = false
    } else {
      this.#beginBlock('mapping values are not allowed here', '<block mapping start>')
      this.#allowsKey = this.#level === 0
      this.#dropKey()
    }
    this.#mark(':', 1)
  }

  /** Faster than `splice`: there is mostly one token behind. */
  #insert(index: number, token: Token): void {
    const tokens = this.#tokens
    for (let behind = tokens.length - 1; behind >= index; behind -= 1) tokens[behind + 1] = tokens[behind] ?? token
    tokens[index] = token
  }
}
