/**
 * JSON as Python's `json` module writes it: bare `NaN`, `Infinity` and `-Infinity` are values, and integers have as many digits as they need.
 * Integers are bigints and everything with a point or an exponent a number; objects are maps, so that no key of a stranger reaches a prototype.
 */
export type WireJson = null | boolean | string | bigint | number | readonly WireJson[] | ReadonlyMap<string, WireJson>

/** Deeper than any measurement, and shallower than our stack. */
const DEEPEST = 64

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const SPACE = /[ \t\n\r]*/y
/** The rest of a string after its first quote: JSON allows no bare control characters in one. */
const STRING = /(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const WORDS: readonly (readonly [string, WireJson])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]
/** Longer ones are no measurements, and their conversion takes quadratic time. */
const LONGEST_INTEGER = 400

/** Reads one document; undefined when the text is none, is followed by anything, or is nested more than 64 deep. Of a key that comes twice the last counts, as in Python. */
export function readWireJson(text: string): WireJson | undefined {
  const reader = new Reader(text)
  const value = reader.value(0)
  return value !== undefined && reader.atEnd() ? value : undefined
}

class Reader {
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): WireJson | undefined {
    this.#space()
    const first = this.#text[this.#position]
    if (depth > DEEPEST || first === undefined) return undefined
    if (first === '"') return this.#string()
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#array(depth)
    const word = WORDS.find(([name]) => this.#text.startsWith(name, this.#position))
    if (word === undefined) return this.#number()
    this.#position += word[0].length
    return word[1]
  }

  atEnd(): boolean {
    this.#space()
    return this.#position === this.#text.length
  }

  #space(): void {
    this.#match(SPACE)
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#position
    const found = pattern.exec(this.#text)
    if (found === null) return undefined
    this.#position = pattern.lastIndex
    return found
  }

  #take(character: string): boolean {
    this.#space()
    if (this.#text[this.#position] !== character) return false
    this.#position += 1
    return true
  }

  #string(): string | undefined {
    const start = this.#position
    this.#position += 1
    if (this.#match(STRING) === undefined) return undefined
    const raw = this.#text.slice(start, this.#position)
    return raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1)
  }

  #number(): bigint | number | undefined {
    const found = this.#match(NUMBER)
    if (found === undefined) return undefined
    const isInteger = found[1] === undefined && found[2] === undefined
    return isInteger && found[0].length <= LONGEST_INTEGER ? BigInt(found[0]) : Number(found[0])
  }

  #array(depth: number): WireJson[] | undefined {
    this.#position += 1
    const items: WireJson[] = []
    if (this.#take(']')) return items
    do {
      const item = this.value(depth + 1)
      if (item === undefined) return undefined
      items.push(item)
    } while (this.#take(','))
    return this.#take(']') ? items : undefined
  }

  #object(depth: number): Map<string, WireJson> | undefined {
    this.#position += 1
    const members = new Map<string, WireJson>()
    if (this.#take('}')) return members
    do {
      this.#space()
      const name = this.#text[this.#position] === '"' ? this.#string() : undefined
      if (name === undefined || !this.#take(':')) return undefined
      const member = this.value(depth + 1)
      if (member === undefined) return undefined
      members.set(name, member)
    } while (this.#take(','))
    return this.#take('}') ? members : undefined
  }
}

/** Whether a value is an object. */
export function isWireObject(value: WireJson | undefined): value is ReadonlyMap<string, WireJson> {
  return value instanceof Map
}
