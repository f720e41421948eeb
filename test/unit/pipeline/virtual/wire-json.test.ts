import { describe, expect, it } from 'vitest'
import { isWireObject, readWireJson } from '../../../../pipeline/virtual/wire-json.ts'

describe('JSON on the wire', () => {
  it.each([
    ['true', true],
    [' false ', false],
    ['null', null],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['0', 0n],
    ['-7', -7n],
    ['1795256839323525551', 1_795_256_839_323_525_551n],
    ['1.5', 1.5],
    ['1e3', 1000],
    ['-2.5E-3', -0.0025],
    [`1${'0'.repeat(500)}`, Number.POSITIVE_INFINITY],
    ['""', ''],
    ['"a NaN in a text, and Infinity"', 'a NaN in a text, and Infinity'],
    ['"\\u00fc \\"x\\" \\\\ \\n"', 'ü "x" \\ \n'],
    ['[]', []],
    ['[1, [NaN]]', [1n, [Number.NaN]]],
    ['{}', new Map()],
    ['{"a":1,"a":2}', new Map([['a', 2n]])],
    ['{ "__proto__" : {"x":1} }', new Map([['__proto__', new Map([['x', 1n]])]])],
  ])('reads %s', (text, value) => {
    expect(readWireJson(text)).toEqual(value)
  })

  it.each([
    '',
    ' ',
    'nan',
    '+1',
    '01',
    '1.',
    '.5',
    '"open',
    '"a\nb"',
    '"\\x"',
    '[1',
    '[1,]',
    '[,]',
    '{"a"}',
    '{"a":}',
    '{"a":1',
    '{a:1}',
    '{"a":1,}',
    '{"a" 1}',
    '1 2',
    'tru',
    '[1]]',
    '{1:2}',
  ])('refuses %s', (text) => {
    expect(readWireJson(text)).toBeUndefined()
  })

  it('refuses a bomb of brackets without overflowing', () => {
    expect(readWireJson('['.repeat(100_000))).toBeUndefined()
    expect(readWireJson(`${'['.repeat(60)}${']'.repeat(60)}`)).toBeDefined()
    expect(readWireJson(`${'['.repeat(70)}${']'.repeat(70)}`)).toBeUndefined()
  })

  it('tells objects from the rest', () => {
    expect([isWireObject(readWireJson('{}')), isWireObject(readWireJson('[]')), isWireObject(undefined)]).toEqual([true, false, false])
  })
})
