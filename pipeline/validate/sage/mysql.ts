/**
 * What becomes of a Python value on its way into MySQL: the literal that mysqlclient 2.1 writes for it (MySQLdb/converters.py and
 * connections.py), and what a column in strict mode makes of that. Words are MySQL 8's.
 */
import type { Column } from './facts.ts'
import { nearestInteger } from './mysql-number.ts'
import { mariaDbFloat, utf8Faults } from './mysql-text.ts'
import { TOO_MANY_DIGITS, RAISE_LIMIT, MAX_DECIMAL_DIGITS, quoteFloat } from './python-number.ts'
import { charactersOf, encodingFailure, qualifiedTypeName } from './judge-python.ts'
import { quoteText } from './python-text.ts'
import type { PythonValue } from './python-value.ts'
import { pythonStr } from './python-words.ts'

/** An exception, by its class and what `str()` prints. */
export interface SqlFailure {
  readonly exception: string
  readonly words: string
  /** MySQL's number of the error; undefined: raised before anything is sent. */
  readonly code?: number
}

/** An SQL expression: of one column, of several (a row), or something that is no expression. */
export type Literal =
  | { readonly kind: 'raises'; readonly failure: SqlFailure }
  /** `()` somewhere in it. */
  | { readonly kind: 'syntax' }
  /** `-infe0`: taken for a column's name. */
  | { readonly kind: 'unknown-column' }
  | { readonly kind: 'row' }
  | { readonly kind: 'null' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }

const EXCEPTIONS = {
  1054: 'OperationalError',
  1064: 'ProgrammingError',
  1241: 'OperationalError',
  1264: 'DataError',
  1265: 'DataError',
  1366: 'OperationalError',
  1406: 'DataError',
} as const

/** As `str()` prints MySQLdb's errors. */
export function sqlFailure(code: keyof typeof EXCEPTIONS, message: string): SqlFailure {
  return { exception: EXCEPTIONS[code], words: `(${code}, ${quoteText(message)})`, code }
}

const TOO_LONG_NUMBER = 10n ** BigInt(MAX_DECIMAL_DIGITS)

/** Lists in each other before CPython's stack ends, on the way that mysqlclient takes (measured; the caller's depth adds to it). */
const MAX_LIST_DEPTH = 324

/** `Connection.literal`. */
export function literalOf(value: PythonValue): Literal {
  return value.type === 'list' || value.type === 'tuple' ? rowLiteral(value, { depth: 1, known: new Map() }) : scalarLiteral(value)
}

type ListOrTuple = Extract<PythonValue, { type: 'list' | 'tuple' | 'set' }>

/** Lists whose literal is known: aliases may lead to them again and again. */
interface Nesting {
  readonly depth: number
  readonly known: Map<PythonValue, Literal>
}

/** Lists are written `(a,b)`: of one element, that is the element in parentheses. */
function rowLiteral(list: ListOrTuple, { depth, known }: Nesting): Literal {
  if (depth > MAX_LIST_DEPTH) return raises('RecursionError', 'maximum recursion depth exceeded')
  const literals: Literal[] = []
  for (const item of list.items) {
    const isList = item.type === 'list' || item.type === 'tuple'
    const literal = isList ? (known.get(item) ?? rowLiteral(item, { depth: depth + 1, known })) : scalarLiteral(item)
    if (isList) known.set(item, literal)
    if (literal.kind === 'raises') return literal
    literals.push(literal)
  }
  const [only] = literals
  if (only === undefined) return { kind: 'syntax' }
  const decisive = literals.find(({ kind }) => kind === 'syntax') ?? literals.find(({ kind }) => kind === 'unknown-column')
  return decisive ?? (literals.length === 1 ? only : { kind: 'row' })
}

function scalarLiteral(value: Exclude<PythonValue, { type: 'list' }>): Literal {
  switch (value.type) {
    case 'str': {
      const failure = encodingFailure(value)
      return failure === undefined ? { kind: 'text', text: value.value } : { kind: 'raises', failure }
    }
    case 'bytes':
      return { kind: 'bytes', bytes: value.value }
    case 'int':
      return digitsFailure(value.value) ?? { kind: 'int', value: value.value }
    case 'float':
      return floatLiteral(value.value)
    case 'bool':
      return { kind: 'int', value: value.value ? 1n : 0n }
    case 'NoneType':
      return { kind: 'null' }
    case 'date':
      return { kind: 'text', text: value.text }
    case 'datetime':
      // MySQLdb/times.py format_TIMESTAMP leaves the time zone out.
      return { kind: 'text', text: value.text.replace(/[+-]\d\d:\d\d(?::\d\d)?$/, '') }
    case 'set':
    case 'tuple':
      return setLiteral(value.items)
    case 'dict':
      return printedLiteral(value)
  }
}

function digitsFailure(value: bigint): Literal | undefined {
  const magnitude = value < 0n ? -value : value
  return magnitude < TOO_LONG_NUMBER ? undefined : raises('ValueError', `${TOO_MANY_DIGITS}; ${RAISE_LIMIT}`)
}

function raises(exception: string, words: string): Literal {
  return { kind: 'raises', failure: { exception, words } }
}

/** Only inf and nan are looked for, not -inf. */
function floatLiteral(value: number): Literal {
  if (value === -Infinity) return { kind: 'unknown-column' }
  if (!Number.isFinite(value)) return raises('ProgrammingError', `${quoteFloat(value)} can not be used with MySQL`)
  return { kind: 'float', value }
}

/** `",".join(value)`. The order of a set of texts differs from run to run; here it is the text's. */
function setLiteral(items: readonly PythonValue[]): Literal {
  const codePoints: number[] = []
  for (const [index, item] of items.entries()) {
    if (item.type !== 'str') return raises('TypeError', `sequence item ${index}: expected str instance, ${qualifiedTypeName(item)} found`)
    if (index > 0) codePoints.push(0x2c)
    for (const code of charactersOf(item)) codePoints.push(code)
  }
  const text = items.map((item) => (item.type === 'str' ? item.value : '')).join(',')
  return scalarLiteral({ type: 'str', value: text, ...(text.isWellFormed() ? {} : { codePoints }), style: 'plain', start: 0, end: 0 })
}

function printedLiteral(value: PythonValue): Literal {
  const printed = pythonStr(value)
  return 'error' in printed ? raises(printed.error.name, printed.error.message) : { kind: 'text', text: printed.text }
}

/** Why a statement with this expression fails whatever the tables hold: before it is sent, or when it is parsed. */
export function expressionFailure(literal: Literal, clause: 'where clause' | 'on clause' | 'field list'): SqlFailure | undefined {
  switch (literal.kind) {
    case 'raises':
      return literal.failure
    case 'syntax':
      return sqlFailure(
        1064,
        "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near ')' at line 1",
      )
    case 'unknown-column':
      return sqlFailure(1054, `Unknown column 'infe0' in '${clause}'`)
    case 'row':
      return sqlFailure(1241, 'Operand should contain 1 column(s)')
    case 'null':
    case 'text':
    case 'bytes':
    case 'int':
    case 'float':
      return undefined
  }
}

/** One value of a statement that writes a row. */
export interface Cell {
  readonly column: Column
  readonly literal: Literal
}

/** What makes a statement fail: the earliest stage first (values are converted, the statement is parsed, its names are resolved, columns are filled). */
export function cellFailures<Written extends Cell>(cells: readonly Written[]): readonly { readonly cell: Written; readonly failure: SqlFailure }[] {
  const failures: { readonly cell: Written; readonly failure: SqlFailure; readonly stage: number }[] = []
  for (const cell of cells) {
    const failure = expressionFailure(cell.literal, 'field list') ?? columnFailure(cell)
    if (failure !== undefined) failures.push({ cell, failure, stage: stageOf(cell.literal) })
  }
  return failures.length < 2 ? failures : failures.toSorted((a, b) => a.stage - b.stage)
}

const STAGES: Readonly<Partial<Record<Literal['kind'], number>>> = { raises: 0, syntax: 1, row: 2, 'unknown-column': 2 }

function stageOf({ kind }: Literal): number {
  return STAGES[kind] ?? 3
}

/** What a column says to a value, in MySQL's strict mode. */
export function columnFailure({ column, literal }: Cell): SqlFailure | undefined {
  if (column.limit === 'tinyint') return tinyintFailure(column, literal)
  if (literal.kind === 'text') {
    // Most values are far from any limit: no character has more than three bytes for each of JavaScript's units.
    const isShort = 'characters' in column.limit ? literal.text.length <= column.limit.characters : literal.text.length * 3 <= column.limit.bytes
    return isShort ? undefined : bytesFailure(column, new TextEncoder().encode(literal.text))
  }
  if (literal.kind === 'bytes') return bytesFailure(column, literal.bytes)
  const stored = storedText(literal)
  return stored === undefined || 'bytes' in column.limit || stored.length <= column.limit.characters ? undefined : tooLong(column)
}

function bytesFailure(column: Column, bytes: Uint8Array): SqlFailure | undefined {
  const limit = column.limit === 'tinyint' ? {} : column.limit
  const { end, isFault } = utf8Faults(bytes, limit)
  if (isFault) {
    const message = `Incorrect string value: '${excerpt(bytes.subarray(end))}' for column '${column.name}' at row 1`
    return sqlFailure(1366, message)
  }
  // White space at the end is cut off without a word.
  return bytes.subarray(end).every((byte) => byte === 0x20 || (byte >= 9 && byte <= 13)) ? undefined : tooLong(column)
}

function excerpt(bytes: Uint8Array): string {
  const shown = Array.from(bytes.subarray(0, 6), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  )
  return shown.join('') + (bytes.length > 6 ? '...' : '')
}

function tooLong({ name }: Column): SqlFailure {
  return sqlFailure(1406, `Data too long for column '${name}' at row 1`)
}

function tinyintFailure({ name }: Column, literal: Literal): SqlFailure | undefined {
  const outOfRange = sqlFailure(1264, `Out of range value for column '${name}' at row 1`)
  switch (literal.kind) {
    case 'int':
      return literal.value >= -128n && literal.value <= 127n ? undefined : outOfRange
    case 'float':
      // Halves go to the even neighbour.
      return literal.value >= -128.5 && literal.value < 127.5 ? undefined : outOfRange
    case 'text':
    case 'bytes': {
      const text = literal.kind === 'text' ? literal.text : new TextDecoder().decode(literal.bytes)
      const { value, rest } = nearestInteger(text)
      if (value !== undefined && (value < -128n || value > 127n)) return outOfRange
      if (value === undefined) return sqlFailure(1366, `Incorrect integer value: '${text}' for column '${name}' at row 1`)
      return /^[ \t\n\v\f\r]*$/.test(rest) ? undefined : sqlFailure(1265, `Data truncated for column '${name}' at row 1`)
    }
    case 'null':
    case 'raises':
    case 'syntax':
    case 'unknown-column':
    case 'row':
      return undefined
  }
}

/** Numbers of more digits than MySQL's DECIMAL literals have become the largest of these. */
const DECIMAL_DIGITS = 81
const LARGEST_DECIMAL = '9'.repeat(65)

/** A value as a column of texts holds it; undefined: NULL, or no value at all. */
export function storedText(literal: Literal): string | undefined {
  switch (literal.kind) {
    case 'text':
      return literal.text
    case 'bytes':
      return new TextDecoder().decode(literal.bytes)
    case 'int': {
      const digits = String(literal.value)
      const sign = digits.startsWith('-') ? '-' : ''
      return digits.length - sign.length > DECIMAL_DIGITS ? sign + LARGEST_DECIMAL : digits
    }
    case 'float':
      return mariaDbFloat(literal.value)
    case 'null':
    case 'raises':
    case 'syntax':
    case 'unknown-column':
    case 'row':
      return undefined
  }
}
