import { describe, expect, it } from 'vitest'
import { parseDuration, parseSize } from '../../../../pipeline/validate/units.ts'
import { alternatives, closestWord, editDistance, quote, writePath } from '../../../../pipeline/validate/words.ts'

describe('closestWord', () => {
  const keys = ['name', 'version', 'description', 'architectures', 'inputs']
  it.each([
    ['descriptino', 'description'],
    ['Version', 'version'],
    ['ame', 'name'],
    ['architecture', 'architectures'],
    ['input', 'inputs'],
    ['selector', undefined],
    ['x', undefined],
    ['', undefined],
    ['v'.repeat(1000), undefined],
  ])('takes %j for %j', (word, meant) => {
    expect(closestWord(word, keys)).toBe(meant)
  })

  it('counts a swap as one step, and words without end as far apart', () => {
    expect(editDistance('ab', 'ba')).toBe(1)
    expect(editDistance('', 'abc')).toBe(3)
    expect(editDistance('a'.repeat(65), 'b')).toBe(Infinity)
    expect(editDistance('a'.repeat(65), 'a'.repeat(65))).toBe(0)
  })
})

describe('pieces of sentences', () => {
  it('are short and on one line', () => {
    expect(quote('a\n b')).toBe('"a b"')
    expect(quote({ a: [1] })).toBe('"{"a":[1]}"')
    expect(quote(undefined)).toBe('"undefined"')
    expect(quote('x'.repeat(100))).toHaveLength(62)
    expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(alternatives)).toStrictEqual(['', 'a', 'a or b', 'a, b or c'])
    expect(writePath(['test', 'trials', 0, 'args'])).toBe('test.trials[0].args')
  })
})

describe('units', () => {
  it.each([
    ['250ms', 250],
    ['60s', 60_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each([
    ['512', 512],
    ['900Mi', 943_718_400],
    ['1.5Gi', 1_610_612_736],
    ['1Ki', 1024],
    ['2Ti', 2_199_023_255_552],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  it('take a mistake of ours for what it is', () => {
    expect(() => parseDuration('1 day')).toThrow(TypeError)
    expect(() => parseSize('1GB')).toThrow(TypeError)
  })
})
