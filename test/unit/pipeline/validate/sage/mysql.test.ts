import { describe, expect, it } from 'vitest'

import { COLUMNS } from '../../../../../pipeline/validate/sage/facts.ts'
import type { Column } from '../../../../../pipeline/validate/sage/facts.ts'
import { nearestInteger } from '../../../../../pipeline/validate/sage/mysql-number.ts'
import { mariaDbFloat, utf8Faults } from '../../../../../pipeline/validate/sage/mysql-text.ts'
import { cellFailures, columnFailure, expressionFailure, literalOf, storedText } from '../../../../../pipeline/validate/sage/mysql.ts'
import type { PythonValue } from '../../../../../pipeline/validate/sage/python-value.ts'
import { loadPyYaml } from '../../../../../pipeline/validate/sage/pyyaml.ts'

function python(yaml: string): PythonValue {
  const parsed = loadPyYaml(yaml)
  if ('error' in parsed) throw new Error(parsed.error.message)
  return parsed.value
}

const literal = (yaml: string): unknown => {
  const made = literalOf(python(yaml))
  return made.kind === 'raises' ? `${made.failure.exception}: ${made.failure.words}` : made
}

describe('mysqlclient writes', () => {
  it.each<[string, unknown]>([
    ['abc', { kind: 'text', text: 'abc' }],
    ['"\\ud83d\\ude00"', "UnicodeEncodeError: 'utf-8' codec can't encode characters in position 0-1: surrogates not allowed"],
    ['12', { kind: 'int', value: 12n }],
    [
      `0x${'f'.repeat(4000)}`,
      'ValueError: Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit',
    ],
    ['1.5', { kind: 'float', value: 1.5 }],
    ['.nan', 'ProgrammingError: nan can not be used with MySQL'],
    ['-.inf', { kind: 'unknown-column' }],
    ['yes', { kind: 'int', value: 1n }],
    ['no', { kind: 'int', value: 0n }],
    ['~', { kind: 'null' }],
    ['2023-01-01', { kind: 'text', text: '2023-01-01' }],
    ['2023-01-01 10:00:00.5Z', { kind: 'text', text: '2023-01-01 10:00:00.500000' }],
    ['!!binary aGk=', { kind: 'bytes', bytes: new Uint8Array([104, 105]) }],
    ['!!set {a, b}', { kind: 'text', text: 'a,b' }],
    ['!!set {a, 2023-01-01}', 'TypeError: sequence item 1: expected str instance, datetime.date found'],
    ['!!set {a, "\\ud800"}', "UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud800' in position 2: surrogates not allowed"],
    ['{a: [1]}', { kind: 'text', text: "{'a': [1]}" }],
    [`{a: 0x${'f'.repeat(4000)}}`, expect.stringMatching(/^ValueError: Exceeds/)],
    ['[a]', { kind: 'text', text: 'a' }],
    ['[a, b]', { kind: 'row' }],
    ['[]', { kind: 'syntax' }],
    ['[a, [[]], -.inf]', { kind: 'syntax' }],
    ['[a, -.inf]', { kind: 'unknown-column' }],
    ['[[], .inf]', 'ProgrammingError: inf can not be used with MySQL'],
    ['[&x [a], *x]', { kind: 'row' }],
    ['&x [*x]', 'RecursionError: maximum recursion depth exceeded'],
  ])('%s', (yaml, expected) => {
    expect(literal(yaml)).toStrictEqual(expected)
  })

  it('lists that multiply, without multiplying', () => {
    const lines = Array.from({ length: 60 }, (_, index) => `- &a${index + 1} [*a${index}, *a${index}]`)
    expect(literal(`- &a0 [x]\n${lines.join('\n')}`)).toStrictEqual({ kind: 'row' })
  })
})

describe('MySQL', () => {
  it.each<[string, keyof typeof COLUMNS, string | undefined]>([
    ['x'.repeat(256), 'license', undefined],
    ['x'.repeat(257), 'license', '(1406, "Data too long for column \'license\' at row 1")'],
    [`"${'x'.repeat(256)} \\t\\r\\n"`, 'license', undefined],
    [`"${'x'.repeat(256)}\\u00a0"`, 'license', '(1406, "Data too long for column \'license\' at row 1")'],
    ['😀'.repeat(256), 'license', undefined],
    ['😀'.repeat(257), 'license', '(1406, "Data too long for column \'license\' at row 1")'],
    ['1'.repeat(300), 'license', undefined],
    ['1'.repeat(65), 'version', '(1406, "Data too long for column \'version\' at row 1")'],
    ['~', 'license', undefined],
    ['!!binary w6k=', 'license', undefined],
    ['!!binary YWLi', 'license', "(1366, \"Incorrect string value: '\\\\xE2' for column 'license' at row 1\")"],
    ['!!binary /2FiY2RlZmc=', 'license', "(1366, \"Incorrect string value: '\\\\xFFabcde...' for column 'license' at row 1\")"],
    ['[a, b]', 'license', "(1241, 'Operand should contain 1 column(s)')"],
    ['-.inf', 'license', "(1054, \"Unknown column 'infe0' in 'field list'\")"],
    ['x'.repeat(65_535), 'authors', undefined],
    ['x'.repeat(65_536), 'authors', '(1406, "Data too long for column \'authors\' at row 1")'],
    ['1.5', 'authors', undefined],
    ['yes', 'frozen', undefined],
    ['-128', 'frozen', undefined],
    ['-129', 'frozen', '(1264, "Out of range value for column \'frozen\' at row 1")'],
    ['127.4', 'frozen', undefined],
    ['127.5', 'frozen', '(1264, "Out of range value for column \'frozen\' at row 1")'],
    ['-128.5', 'frozen', undefined],
    ['"-128.5"', 'frozen', '(1264, "Out of range value for column \'frozen\' at row 1")'],
    ['" 1\\n"', 'frozen', undefined],
    ['"1 x"', 'frozen', '(1265, "Data truncated for column \'frozen\' at row 1")'],
    ['on fire', 'frozen', "(1366, \"Incorrect integer value: 'on fire' for column 'frozen' at row 1\")"],
    ['!!binary MQ==', 'frozen', undefined],
    ['~', 'frozen', undefined],
  ])('puts %j into %s', (yaml, name, expected) => {
    const column: Column = COLUMNS[name]
    const [failed] = cellFailures([{ column, literal: literalOf(python(yaml)) }])
    expect(failed?.failure.words).toBe(expected)
  })

  it('fails first where a value cannot be written, then where the statement cannot be read, then column by column', () => {
    const cells = ['x'.repeat(300), 'x'.repeat(301), '[a, b]', '[]', '.inf', '-.inf', 'short'].map((yaml) => ({
      column: COLUMNS.license,
      literal: literalOf(python(yaml)),
      yaml,
    }))
    expect(cellFailures(cells).map(({ cell }) => cell.yaml.slice(0, 6))).toStrictEqual(['.inf', '[]', '[a, b]', '-.inf', 'xxxxxx', 'xxxxxx'])
    expect(cellFailures(cells).map(({ failure }) => failure.exception)).toStrictEqual([
      'ProgrammingError',
      'ProgrammingError',
      'OperationalError',
      'OperationalError',
      'DataError',
      'DataError',
    ])
  })

  it('says nothing of a value that is none', () => {
    expect(columnFailure({ column: COLUMNS.license, literal: { kind: 'row' } })).toBeUndefined()
    expect(expressionFailure({ kind: 'null' }, 'where clause')).toBeUndefined()
  })

  it.each<[string, string | undefined]>([
    ['abc', 'abc'],
    ['!!binary w6k=', 'é'],
    ['~', undefined],
    ['-5', '-5'],
    ['1'.repeat(81), '1'.repeat(81)],
    [`-${'1'.repeat(82)}`, `-${'9'.repeat(65)}`],
    ['1.50', '1.5'],
  ])('stores %s as text', (yaml, expected) => {
    expect(storedText(literalOf(python(yaml)))).toBe(expected)
  })

  it.each<[number, string]>([
    [0, '0'],
    [-0, '0'],
    [-1.25, '-1.25'],
    [1e14, '100000000000000'],
    [1e15, '1e15'],
    [123_456_789_012_345.6, '123456789012345.6'],
    [1.7976931348623157e308, '1.7976931348623157e308'],
    [0.5, '0.5'],
    [1.5e-15, '0.0000000000000015'],
    [1.5e-16, '1.5e-16'],
    [-2e-300, '-2e-300'],
  ])('prints %s', (value, expected) => {
    expect(mariaDbFloat(value)).toBe(expected)
  })

  it.each<[string, bigint | undefined, string]>([
    ['12', 12n, ''],
    ['\t-12 ', -12n, ' '],
    ['+.5', 1n, ''],
    ['0.49x', 0n, 'x'],
    ['-0.5', -1n, ''],
    ['1e2e', 100n, 'e'],
    ['1e', 1n, 'e'],
    ['1e+', 1n, 'e+'],
    ['12e-1', 1n, ''],
    ['15e-1', 2n, ''],
    ['5e-2', 0n, ''],
    [`1${'0'.repeat(30)}e-30`, 1n, ''],
    ['1.e2', 100n, ''],
    ['0e209', 0n, ''],
    ['0e210', 10n ** 20n, ''],
    ['1e-00209', 0n, ''],
    ['5e-210', 0n, 'e-210'],
    ['1e99', 10n ** 20n, ''],
    ['0e99999999999999999999', 10n ** 20n, ''],
    ['-1e99999999999999999999', -(10n ** 20n), ''],
    ['1e-99999999999999999999', 0n, 'e-99999999999999999999'],
    ['.', undefined, '.'],
    ['.e2', undefined, '.e2'],
    ['- 1', undefined, '- 1'],
    ['', undefined, ''],
    ['yes', undefined, 'yes'],
  ])('reads a number in %j', (text, value, rest) => {
    expect(nearestInteger(text)).toStrictEqual({ value, rest })
  })

  it.each<[string, readonly number[], { readonly characters?: number; readonly bytes?: number }, { readonly end: number; readonly isFault: boolean }]>([
    ['two bytes', [0xc3, 0xa9], {}, { end: 2, isFault: false }],
    ['an overlong A', [0xc1, 0x81], {}, { end: 0, isFault: true }],
    ['three bytes', [0xe2, 0x82, 0xac], {}, { end: 3, isFault: false }],
    ['an overlong three', [0xe0, 0x9f, 0x80], {}, { end: 0, isFault: true }],
    ['a surrogate', [0xed, 0xa0, 0x80], {}, { end: 3, isFault: false }],
    ['four bytes', [0xf0, 0x9f, 0x98, 0x80], {}, { end: 4, isFault: false }],
    ['an overlong four', [0xf0, 0x8f, 0xbf, 0xbf], {}, { end: 0, isFault: true }],
    ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80], {}, { end: 0, isFault: true }],
    ['no begin', [0x41, 0xf5, 0x80], {}, { end: 1, isFault: true }],
    ['no continuation', [0xe2, 0x82], {}, { end: 0, isFault: true }],
    ['a limit of characters', [0x41, 0xc3, 0xa9, 0xff], { characters: 2 }, { end: 3, isFault: false }],
    ['a limit of bytes', [0x41, 0x42, 0xff], { bytes: 2 }, { end: 2, isFault: false }],
    ['a character over the limit of bytes', [0x41, 0xc3, 0xa9], { bytes: 2 }, { end: 1, isFault: true }],
  ])('counts %s', (_, bytes, limit, expected) => {
    expect(utf8Faults(new Uint8Array(bytes), limit)).toStrictEqual(expected)
  })
})
