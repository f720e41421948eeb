/** Python's code points of a text: an array only where JavaScript's string cannot tell (surrogates that stand alone or were written apart). */
export type CodePoints = Iterable<number>

/** Anything that is no letter, mark, number, sign or the plain space, as `str.isprintable` says. */
const UNPRINTABLE = /[\p{C}\p{Z}]/u

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' }

/** `repr()` of a str. Code points that Unicode has named since Python 3.11 was made are printed as they are. */
export function quoteText(text: string, codePoints?: CodePoints): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  if (codePoints === undefined && /^[ !#-&(-[\]-~]*$/.test(text)) return quote + text + quote
  let quoted = quote
  for (const code of codePoints ?? codePointsOf(text)) quoted += quoteCodePoint(code, quote)
  return quoted + quote
}

/** The characters of a text as Python counts them, a lone surrogate being one. */
export function charactersOf(text: string): string[] {
  return Array.from(text)
}

/** `len(text)`. */
export function countCharacters(text: string): number {
  let count = text.length
  for (let offset = 1; offset < text.length; offset += 1) {
    if ((text.charCodeAt(offset) & 0xfc00) === 0xdc00 && (text.charCodeAt(offset - 1) & 0xfc00) === 0xd800) count -= 1
  }
  return count
}

/** The code points of a text, a lone surrogate being one. */
export function* codePointsOf(text: string): Generator<number> {
  for (const character of text) yield character.codePointAt(0) ?? 0
}

function quoteCodePoint(code: number, quote: string): string {
  const character = String.fromCodePoint(code)
  if (character === quote) return `\\${quote}`
  const short = SHORT_ESCAPES[character]
  if (short !== undefined) return short
  if (character === ' ' || !UNPRINTABLE.test(character)) return character
  if (code < 0x100) return `\\x${hexadecimal(code, 2)}`
  return code < 0x10000 ? `\\u${hexadecimal(code, 4)}` : `\\U${hexadecimal(code, 8)}`
}

/** Lower case, with zeros in front. */
export function hexadecimal(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
