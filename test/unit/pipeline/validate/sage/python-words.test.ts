import { describe, expect, it } from 'vitest'
import { hashKey } from '../../../../../pipeline/validate/sage/python-hash.ts'
import type { PythonValue } from '../../../../../pipeline/validate/sage/python-value.ts'
import {
  pythonEquals,
  pythonJson,
  pythonLength,
  pythonRepr,
  pythonStr,
  pythonTruth,
  pythonTypeName,
} from '../../../../../pipeline/validate/sage/python-words.ts'
import { loadPyYaml } from '../../../../../pipeline/validate/sage/pyyaml.ts'

function read(text: string): PythonValue {
  const parsed = loadPyYaml(text)
  if ('error' in parsed) throw new Error(parsed.error.message)
  return parsed.value
}

/** One list after the other, each holding the one before it so many times. */
function chain(length: number, times: number): PythonValue {
  let value: PythonValue = { type: 'list', items: [], start: 0, end: 0 }
  for (let count = 1; count < length; count += 1) value = { type: 'list', items: Array<PythonValue>(times).fill(value), start: 0, end: 0 }
  return value
}

// What Python prints of hundreds of values is compared in python-cases.test.ts.
describe('what Python cannot print', () => {
  const tooDeep = (doing: string) => ({ error: { name: 'RecursionError', message: `maximum recursion depth exceeded while ${doing}`, start: 0 } })

  it('too deep', () => {
    expect(pythonRepr(chain(1500, 1))).toStrictEqual(tooDeep('getting the repr of an object'))
    expect(pythonJson(chain(1500, 1))).toStrictEqual(tooDeep('encoding a JSON object'))
    expect(pythonStr(chain(900, 1))).toHaveProperty('text')
  })

  it('too long', () => {
    const endless = { error: { name: 'MemoryError', message: '', start: 0 } }
    expect(pythonRepr(chain(60, 2))).toStrictEqual(endless)
    expect(pythonJson(chain(60, 2))).toStrictEqual(endless)
  })

  it.each(['1', '-1'])('too many digits of %s0…', (sign) => {
    const value = BigInt(sign) * 10n ** 4300n
    const int: PythonValue = { type: 'int', value, start: 0, end: 0 }
    const message = 'Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit'
    expect(pythonStr(int)).toStrictEqual({ error: { name: 'ValueError', message, start: 0 } })
    expect(pythonJson({ ...int, value: value - BigInt(sign) })).toHaveProperty('text', String(value - BigInt(sign)))
  })

  it('what is no JSON, at its place', () => {
    expect(pythonJson(read('a: 2001-01-01'))).toMatchObject({ error: { name: 'TypeError', start: 3 } })
  })
})

describe('pythonEquals', () => {
  it.each([
    ['1', '1.0', true],
    ['1', 'true', true],
    ['"1"', '1', false],
    ['.nan', '.nan', false],
    ['[1, [a]]', '[1.0, [a]]', true],
    ['[1]', '[1, 2]', false],
    ['[1]', '[2]', false],
    ['[1]', '1', false],
    ['{a: 1, b: [2]}', '{b: [2], a: 1}', true],
    ['{a: 1}', '{b: 1}', false],
    ['{a: 1}', '{a: 2}', false],
    ['{a: 1}', '{a: 1, b: 2}', false],
    ['{a: 1}', '[a]', false],
    ['!!set {a, b}', '!!set {b, a}', true],
    ['!!set {a}', '!!set {b}', false],
    ['!!set {a}', '!!set {}', false],
    ['!!set {a}', '[a]', false],
    ['!!omap [a: 1]', '!!omap [a: 1]', true],
    ['!!omap [a: 1]', '[[a, 1]]', false],
    ['1', '[]', false],
    ['2001-01-01', '2001-01-01', true],
    ['2001-12-14T21:59:43Z', '2001-12-14T20:59:43-01:00', true],
    ['!!binary aGk=', '!!binary aGk=', true],
    ['~', 'null', true],
  ])('%s and %s: %s', (a, b, expected) => {
    expect(pythonEquals(read(a), read(b))).toBe(expected)
  })

  it('knows what is the same', () => {
    const nan = read('[.nan]')
    expect(pythonEquals({ type: 'list', items: [nan], start: 0, end: 0 }, { type: 'list', items: [nan], start: 0, end: 0 })).toBe(true)
  })

  it('gives up on what is too deep or too much', () => {
    expect(pythonEquals(chain(1500, 1), chain(1500, 1))).toBe(false)
    expect(pythonEquals(chain(40, 2), chain(40, 2))).toBe(false)
  })
})

it('has keys that tuples are not', () => {
  expect(hashKey({ type: 'tuple', items: [], start: 0, end: 0 })).toBeUndefined()
  expect(hashKey(read('9007199254740993'))).toBe(9007199254740993n)
})

it('names types, measures and weighs', () => {
  expect(['1', '~', '[]', '2001-01-01'].map((text) => pythonTypeName(read(text)))).toStrictEqual(['int', 'NoneType', 'list', 'date'])
  expect(['😀a', '!!binary aGk=', '{a: b}', '[1]', '1'].map((text) => pythonLength(read(text)))).toStrictEqual([2, 2, 1, 1, undefined])
  expect(['0', '0.0', '.nan', 'false', '""', '[]', '2001-01-01', '~'].map((text) => pythonTruth(read(text)))).toStrictEqual([
    false,
    false,
    true,
    false,
    false,
    false,
    true,
    false,
  ])
})
