import { PythonFailure } from './python-failure.ts'
import { joinSexagesimal, parseFloating, parseInteger } from './python-number.ts'
import { quoteText } from './python-text.ts'

/** A sexagesimal float with more parts has a unit (60 to the power of 174) that no float can hold. */
const MAX_SEXAGESIMAL_PARTS = 174

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['yes', true],
  ['true', true],
  ['on', true],
  ['no', false],
  ['false', false],
  ['off', false],
])

/** What PyYAML makes of a text with the tag `!!bool`; throws what Python raises. */
export function constructBool(text: string, at: number): boolean {
  const word = text.toLowerCase()
  const value = BOOLEANS.get(word)
  if (value === undefined) throw new PythonFailure('KeyError', quoteText(word), at)
  return value
}

/** What PyYAML makes of a text with the tag `!!int`: `0b1`, `0x1f`, `017` (octal), `1:30` (sexagesimal), `1_000`; throws what Python raises. */
export function constructInt(text: string, at: number): bigint {
  const { isNegative, digits } = splitSign(text.replaceAll('_', ''), at)
  if (digits === '0') return 0n
  const value = unsignedInt(digits, at)
  return isNegative ? -value : value
}

function unsignedInt(digits: string, at: number): bigint {
  if (digits.startsWith('0b')) return parseInteger(digits.slice(2), 2, at)
  if (digits.startsWith('0x')) return parseInteger(digits.slice(2), 16, at)
  if (digits === '') throw indexError(at)
  if (digits.startsWith('0')) return parseInteger(digits, 8, at)
  if (digits.includes(':')) return joinSexagesimal(digits.split(':').map((part) => parseInteger(part, 10, at)))
  return parseInteger(digits, 10, at)
}

/** What PyYAML makes of a text with the tag `!!float`; throws what Python raises. */
export function constructFloat(text: string, at: number): number {
  const { isNegative, digits } = splitSign(text.replaceAll('_', '').toLowerCase(), at)
  // Python's nan_value is one object, and has no sign.
  if (digits === '.nan') return Number.NaN
  const value = unsignedFloat(digits, at)
  return isNegative ? -value : value
}

function unsignedFloat(digits: string, at: number): number {
  if (digits === '.inf') return Infinity
  if (!digits.includes(':')) return parseFloating(digits, at)
  const parts = digits
    .split(':')
    .map((part) => parseFloating(part, at))
    .reverse()
  if (parts.length > MAX_SEXAGESIMAL_PARTS) throw new PythonFailure('OverflowError', 'int too large to convert to float', at)
  let [value, unit] = [0, 1n]
  for (const part of parts) {
    value += part * Number(unit)
    unit *= 60n
  }
  return value
}

function splitSign(text: string, at: number): { readonly isNegative: boolean; readonly digits: string } {
  const first = text.charAt(0)
  if (first === '') throw indexError(at)
  return { isNegative: first === '-', digits: first === '-' || first === '+' ? text.slice(1) : text }
}

function indexError(at: number): PythonFailure {
  return new PythonFailure('IndexError', 'string index out of range', at)
}
