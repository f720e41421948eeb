/** A string's or bytes' text, or why it has none. */
export interface StringLiteral {
  readonly isBytes: boolean
  readonly value: string
  /** Where the characters between the quotes begin and end, in the text that was given. */
  readonly start: number
  readonly end: number
  /** Whether the characters between the quotes are the value itself, so that a change can be written over them. */
  readonly isPlain: boolean
}

const OPENING = /^([A-Za-z]{0,3})("""|'''|"|')/
const ESCAPE = /\\(?:\r\n|([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|N\{[^}]*\}|([\s\S]))/g
const SIMPLE: Readonly<Record<string, string>> = {
  '\n': '',
  '\r': '',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

/** Reads a literal as Python does (Language Reference 2.4.1); undefined for what is none or has no end. `\N{…}` becomes U+FFFD. */
export function readStringLiteral(source: string): StringLiteral | undefined {
  const [opening, prefix = '', quote = ''] = OPENING.exec(source) ?? []
  if (opening === undefined || source.length < opening.length + quote.length || !source.endsWith(quote)) return undefined
  const [start, end] = [opening.length, source.length - quote.length]
  const inner = source.slice(start, end)
  const flags = prefix.toLowerCase()
  const value = flags.includes('r') || !inner.includes('\\') ? inner : inner.replace(ESCAPE, unescape)
  return { isBytes: flags.includes('b'), value, start, end, isPlain: value === inner }
}

function unescape(all: string, octal?: string, byte?: string, short?: string, long?: string, simple?: string): string {
  if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8))
  const hexadecimal = byte ?? short ?? long
  if (hexadecimal !== undefined) {
    const code = Number.parseInt(hexadecimal, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\uFFFD'
  }
  if (simple !== undefined) return SIMPLE[simple] ?? all
  return all.startsWith('\\N') ? '\uFFFD' : ''
}
