import { PythonFailure } from './python-failure.ts'
import { charactersOf, quoteText } from './python-text.ts'

/** `sys.get_int_max_str_digits()` of CPython 3.11: longer numbers are not converted from or to decimal digits. */
export const MAX_DECIMAL_DIGITS = 4300

/** The begin of Python's message; between the two, text to number says how many digits there were. */
export const TOO_MANY_DIGITS = `Exceeds the limit (${MAX_DECIMAL_DIGITS} digits) for integer string conversion`
export const RAISE_LIMIT = 'use sys.set_int_max_str_digits() to increase the limit'

/** Prefixes that `int()` takes besides the digits. */
const RADIX = {
  2: { digits: /^[01]+$/, prefix: '0b' },
  8: { digits: /^[0-7]+$/, prefix: '0o' },
  10: { digits: /^[0-9]+$/, prefix: '' },
  16: { digits: /^[0-9a-f]+$/, prefix: '0x' },
} as const

/** Decimal ASCII digits to a number; throws ValueError for too many of them. */
export function parseDecimal(digits: string, at: number): bigint {
  if (digits.length > MAX_DECIMAL_DIGITS) {
    throw new PythonFailure('ValueError', `${TOO_MANY_DIGITS}: value has ${digits.length} digits; ${RAISE_LIMIT}`, at)
  }
  return BigInt(digits)
}

/** Python's `int(text, base)` of a text without underscores; throws its ValueError. */
export function parseInteger(text: string, base: 2 | 8 | 10 | 16, at: number): bigint {
  const { digits, prefix } = RADIX[base]
  const trimmed = toAscii(text).toLowerCase()
  const isNegative = trimmed.startsWith('-')
  let rest = isNegative || trimmed.startsWith('+') ? trimmed.slice(1) : trimmed
  if (prefix !== '' && rest.startsWith(prefix)) rest = rest.slice(prefix.length)
  if (!digits.test(rest)) {
    const shown = charactersOf(quoteText(text)).slice(0, 200).join('')
    throw new PythonFailure('ValueError', `invalid literal for int() with base ${base}: ${shown}`, at)
  }
  const value = base === 10 ? parseDecimal(rest, at) : BigInt(prefix + rest)
  return isNegative ? -value : value
}

/** Python's `float(text)` of a text without underscores; throws its ValueError. */
export function parseFloating(text: string, at: number): number {
  const trimmed = toAscii(text).toLowerCase()
  if (/^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[-+]?[0-9]+)?$/.test(trimmed)) return Number(trimmed)
  const word = /^([-+]?)(?:(inf(?:inity)?)|nan)$/.exec(trimmed)
  if (word === null) throw new PythonFailure('ValueError', `could not convert string to float: ${quoteText(text)}`, at)
  if (word[2] === undefined) return Number.NaN
  return word[1] === '-' ? -Infinity : Infinity
}

/** White space around numbers: that of C in ASCII, and that of `str.isspace` beyond (no byte order mark, as JavaScript has it). */
const WHITE_SPACE = /[\t-\r \x85\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]/

/** Python takes the decimal digits and the white space of every script. */
function toAscii(text: string): string {
  if (/^[!-~]*$/.test(text)) return text
  const digits = new Map<string, string>()
  return trimWhiteSpace(text).replace(/[^\0-\x7F]/gu, (character) => {
    const known = digits.get(character) ?? digitOf(character)
    digits.set(character, known)
    return known
  })
}

/** The ASCII digit that means the same; `?` for what is no digit. */
function digitOf(character: string): string {
  if (!/\p{Nd}/u.test(character)) return '?'
  const code = character.codePointAt(0) ?? 0
  // Digits of a script are ten code points in a row, and such rows may touch.
  let zero = code
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1
  return String((code - zero) % 10)
}

function trimWhiteSpace(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && WHITE_SPACE.test(text.charAt(start))) start += 1
  while (end > start && WHITE_SPACE.test(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

/** The value of digits in base 60, the first being the highest. Halves the digits again and again: as fast as multiplication, where adding them up is quadratic. */
export function joinSexagesimal(digits: readonly bigint[]): bigint {
  let parts = [...digits].reverse()
  for (let base = 60n; parts.length > 1; base *= base) {
    const joined: bigint[] = []
    for (let index = 0; index < parts.length; index += 2) joined.push((parts[index] ?? 0n) + base * (parts[index + 1] ?? 0n))
    parts = joined
  }
  return parts[0] ?? 0n
}

/** `repr()` of a float: the shortest digits that mean the same, with an exponent below 0.0001 and from 1e16. */
export function quoteFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  const [mantissa = '', power = ''] = Math.abs(value).toExponential().split('e')
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const exponent = Number(power)
  if (exponent < -4 || exponent >= 16) return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  const digits = mantissa.replace('.', '')
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
}
