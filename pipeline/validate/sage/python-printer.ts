import { caught, PythonFailure } from './python-failure.ts'
import { MAX_DECIMAL_DIGITS, RAISE_LIMIT, TOO_MANY_DIGITS } from './python-number.ts'
import type { PythonError, PythonValue } from './python-value.ts'

/** What Python prints, or raises in the middle of it. */
export type Printed = { readonly text: string } | { readonly error: PythonError }

/** Collections in each other before CPython's stack of 1000 frames ends; its callers take some. */
const MAX_DEPTH = 970

/**
 * Characters. Lists that share lists double with each step: Python prints on until its memory ends, and no manifest without aliases (at most
 * 256 KiB) gets here.
 */
const MAX_LENGTH = 2 ** 21

/** `10 ** 4300` is the first number that CPython does not print. */
const MAX_INT = 10n ** BigInt(MAX_DECIMAL_DIGITS)

/** Text that grows while a value is walked; bounded in depth and length. */
export class Printer {
  readonly #parts: string[] = []
  #length = 0
  /** What the walk is inside of. */
  readonly #open = new Set<PythonValue>()
  readonly #doing: string

  /** `doing` ends the message of the RecursionError: `getting the repr of an object`. */
  constructor(doing: string) {
    this.#doing = doing
  }

  write(text: string): void {
    this.#length += text.length
    if (this.#length > MAX_LENGTH) throw new PythonFailure('MemoryError', '')
    this.#parts.push(text)
  }

  text(): string {
    return this.#parts.join('')
  }

  /** Whether the walk is inside of this value already. */
  isInside(value: PythonValue): boolean {
    return this.#open.has(value)
  }

  /** Walks into a collection. */
  inside(value: PythonValue, walk: () => void): void {
    if (this.#open.size >= MAX_DEPTH) throw new PythonFailure('RecursionError', `maximum recursion depth exceeded while ${this.#doing}`)
    this.#open.add(value)
    walk()
    this.#open.delete(value)
  }

  /** Items with `, ` between them. */
  separated<Item>(items: readonly Item[], write: (item: Item) => void): void {
    for (const [index, item] of items.entries()) {
      if (index > 0) this.write(', ')
      write(item)
    }
  }
}

/** Runs a walk to the end, or to what Python raises. */
export function print(doing: string, walk: (printer: Printer) => void): Printed {
  return caught(() => {
    const printer = new Printer(doing)
    walk(printer)
    return { text: printer.text() }
  })
}

/** `repr()` of an int; throws ValueError for more digits than CPython prints. */
export function quoteInt(value: bigint): string {
  if (value >= MAX_INT || value <= -MAX_INT) throw new PythonFailure('ValueError', `${TOO_MANY_DIGITS}; ${RAISE_LIMIT}`)
  return String(value)
}
