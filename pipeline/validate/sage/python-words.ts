import { PythonFailure } from './python-failure.ts'
import { hashKey } from './python-hash.ts'
import { quoteFloat } from './python-number.ts'
import { print, quoteInt, type Printed, type Printer } from './python-printer.ts'
import { countCharacters, hexadecimal, quoteText } from './python-text.ts'
import { timedeltaText } from './pyyaml-timestamp.ts'
import type { PythonEntry, PythonValue } from './python-value.ts'

export type { Printed } from './python-printer.ts'

/** Pairs of values that a comparison looks at; aliases can make a small text need many more. */
const MAX_COMPARISONS = 100_000
const MAX_COMPARISON_DEPTH = 970

/**
 * `repr(value)` of CPython 3.11. A set's items stand in the text's order (Python's changes from run to run). Fails as Python does for ints of more
 * than 4300 digits and for collections that are too deep; and with MemoryError for more than 2 Mi characters, which only shared aliases reach.
 */
export function pythonRepr(value: PythonValue): Printed {
  return print('getting the repr of an object', (printer) => writeRepr(printer, value))
}

/** `str(value)` of CPython 3.11; fails as `pythonRepr` does. */
export function pythonStr(value: PythonValue): Printed {
  if (value.type === 'str') return { text: value.value }
  return value.type === 'date' || value.type === 'datetime' ? { text: value.text } : pythonRepr(value)
}

function writeRepr(printer: Printer, value: PythonValue): void {
  switch (value.type) {
    case 'str':
      return printer.write(quoteText(value.value, value.codePoints))
    case 'int':
      return printer.write(quoteInt(value.value))
    case 'float':
      return printer.write(quoteFloat(value.value))
    case 'bool':
      return printer.write(value.value ? 'True' : 'False')
    case 'NoneType':
      return printer.write('None')
    case 'date':
    case 'datetime':
      return printer.write(quoteTime(value.text))
    case 'bytes':
      return printer.write(quoteBytes(value.value))
    case 'list':
      return writeItems(printer, value, value.items, '[', ']')
    case 'tuple':
      return writeItems(printer, value, value.items, '(', value.items.length === 1 ? ',)' : ')')
    case 'set':
      if (value.items.length === 0) return printer.write('set()')
      return writeItems(printer, value, value.items, '{', '}')
    case 'dict':
      if (printer.isInside(value)) return printer.write('{...}')
      printer.write('{')
      printer.inside(value, () => printer.separated(value.entries, (entry) => writeEntry(printer, entry)))
      printer.write('}')
  }
}

function writeEntry(printer: Printer, { key, value }: PythonEntry): void {
  writeRepr(printer, key)
  printer.write(': ')
  writeRepr(printer, value)
}

function writeItems(printer: Printer, value: PythonValue, items: readonly PythonValue[], open: string, close: string): void {
  if (printer.isInside(value)) return printer.write(`${open}...${close}`)
  printer.write(open)
  printer.inside(value, () => printer.separated(items, (item) => writeRepr(printer, item)))
  printer.write(close)
}

/** `repr()` of a date or datetime, from its `str()`. */
function quoteTime(text: string): string {
  const [, date = '', time, fraction, sign, hours, minutes] = /^(.{10})(?: (.{8})(?:\.(\d{6}))?(?:([-+])(\d\d):(\d\d))?)?$/.exec(text) ?? []
  const numbers = date.split('-').map(Number)
  if (time === undefined) return `datetime.date(${numbers.join(', ')})`
  const [hour = 0, minute = 0, second = 0] = time.split(':').map(Number)
  numbers.push(hour, minute)
  if (second !== 0 || fraction !== undefined) numbers.push(second)
  if (fraction !== undefined) numbers.push(Number(fraction))
  if (sign === undefined) return `datetime.datetime(${numbers.join(', ')})`
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  const zone = offset === 0 ? 'datetime.timezone.utc' : `datetime.timezone(${timedeltaText(offset)})`
  return `datetime.datetime(${numbers.join(', ')}, tzinfo=${zone})`
}

function quoteBytes(bytes: Uint8Array): string {
  const quote = bytes.includes(SINGLE_QUOTE) && !bytes.includes(DOUBLE_QUOTE) ? '"' : "'"
  let quoted = `b${quote}`
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    if (character === quote) quoted += `\\${quote}`
    else quoted += BYTE_ESCAPES.get(character) ?? (byte >= 0x20 && byte <= 0x7e ? character : `\\x${hexadecimal(byte, 2)}`)
  }
  return quoted + quote
}

const [DOUBLE_QUOTE, SINGLE_QUOTE] = [0x22, 0x27]

const BYTE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\t', '\\t'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\\', '\\\\'],
])

/** `bool(value)`. */
export function pythonTruth(value: PythonValue): boolean {
  if (value.type === 'bool') return value.value
  if (value.type === 'int') return value.value !== 0n
  if (value.type === 'float') return value.value !== 0
  return value.type !== 'NoneType' && pythonLength(value) !== 0
}

/** `len(value)`; undefined where Python raises TypeError. */
export function pythonLength(value: PythonValue): number | undefined {
  if (value.type === 'str') return value.codePoints?.length ?? countCharacters(value.value)
  if (value.type === 'bytes') return value.value.length
  if (value.type === 'dict') return value.entries.length
  return 'items' in value ? value.items.length : undefined
}

/** `type(value).__name__`. */
export function pythonTypeName(value: PythonValue): string {
  return value.type
}

/** `a == b`. Collections that are too deep, or need more than 100,000 comparisons, count as different. */
export function pythonEquals(a: PythonValue, b: PythonValue): boolean {
  return isEqual(a, b, { left: MAX_COMPARISONS })
}

function isEqual(a: PythonValue, b: PythonValue, budget: { left: number }, depth = 0): boolean {
  const isSame = (left: PythonValue, right: PythonValue): boolean => left === right || isEqual(left, right, budget, depth + 1)
  budget.left -= 1
  if (budget.left < 0 || depth > MAX_COMPARISON_DEPTH) return false
  if (a.type === 'dict') {
    if (b.type !== 'dict' || a.entries.length !== b.entries.length) return false
    const values = new Map(b.entries.map((entry) => [hashKey(entry.key), entry.value]))
    return a.entries.every(({ key, value }) => {
      const other = values.get(hashKey(key))
      return other !== undefined && isSame(value, other)
    })
  }
  if (a.type === 'set') {
    if (b.type !== 'set' || a.items.length !== b.items.length) return false
    const keys = new Set(b.items.map(hashKey))
    return a.items.every((item) => keys.has(hashKey(item)))
  }
  if (a.type === 'list' || a.type === 'tuple') {
    if (b.type !== a.type || a.items.length !== b.items.length) return false
    return a.items.every((item, index) => isSame(item, b.items[index] ?? a))
  }
  const key = hashKey(b)
  return key !== undefined && hashKey(a) === key
}

/**
 * `json.dumps(value)` of CPython 3.11, with its defaults. Fails with Python's TypeError for dates, bytes, sets and keys that JSON has not, with
 * ValueError for what contains itself, and otherwise as `pythonRepr` does.
 */
export function pythonJson(value: PythonValue): Printed {
  return print('encoding a JSON object', (printer) => writeJson(printer, value))
}

function writeJson(printer: Printer, value: PythonValue): void {
  if (value.type === 'str') return printer.write(quoteJson(value.value))
  if (value.type === 'list' || value.type === 'tuple') {
    return insideJson(printer, value, '[', ']', () => printer.separated(value.items, (item) => writeJson(printer, item)))
  }
  if (value.type === 'dict') {
    return insideJson(printer, value, '{', '}', () => printer.separated(value.entries, (entry) => writeJsonEntry(printer, entry)))
  }
  const word = jsonWord(value)
  if (word === undefined) throw new PythonFailure('TypeError', `Object of type ${value.type} is not JSON serializable`, value.start)
  printer.write(word)
}

function writeJsonEntry(printer: Printer, { key, value }: PythonEntry): void {
  printer.write(`${jsonKey(key)}: `)
  writeJson(printer, value)
}

function insideJson(printer: Printer, value: PythonValue, open: string, close: string, walk: () => void): void {
  if (printer.isInside(value)) throw new PythonFailure('ValueError', 'Circular reference detected', value.start)
  printer.write(open)
  printer.inside(value, walk)
  printer.write(close)
}

function jsonKey(key: PythonValue): string {
  const word = key.type === 'str' ? key.value : jsonWord(key)
  if (word === undefined) {
    const name = key.type === 'date' || key.type === 'datetime' ? `datetime.${key.type}` : key.type
    throw new PythonFailure('TypeError', `keys must be str, int, float, bool or None, not ${name}`, key.start)
  }
  return quoteJson(word)
}

/** Numbers and the three words; undefined for what JSON has not. */
function jsonWord(value: PythonValue): string | undefined {
  if (value.type === 'int') return quoteInt(value.value)
  if (value.type === 'bool') return value.value ? 'true' : 'false'
  if (value.type === 'NoneType') return 'null'
  if (value.type !== 'float') return undefined
  if (Number.isNaN(value.value)) return 'NaN'
  return Number.isFinite(value.value) ? quoteFloat(value.value) : value.value < 0 ? '-Infinity' : 'Infinity'
}

/** All but printable ASCII is escaped, by UTF-16 units. */
function quoteJson(text: string): string {
  return `"${text.replace(/[^ -~]|["\\]/g, (unit) => JSON_ESCAPES.get(unit) ?? `\\u${hexadecimal(unit.charCodeAt(0), 4)}`)}"`
}

const JSON_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\f', '\\f'],
  ['\b', '\\b'],
])
