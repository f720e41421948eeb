import { expect, it } from 'vitest'

import { readStringLiteral } from '../../../../../pipeline/validate/python/string-literal.ts'

it.each([
  ['"a"', 'a', true],
  ["'a'", 'a', true],
  ['"""a\n"b"""', 'a\n"b', true],
  ["r'\\d'", '\\d', true],
  ['u"ü"', 'ü', true],
  ['"\\t\\x41\\u00fc\\101\\\\"', '\tAüA\\', false],
  ['"\\U0001F600\\N{BULLET}"', '😀\uFFFD', false],
  ['"\\UFFFFFFFF"', '\uFFFD', false],
  ['"\\d\\\nx\\\r\ny"', '\\dxy', false],
])('%s', (source, value, isPlain) => {
  const literal = readStringLiteral(source)
  expect(literal).toMatchObject({ value, isPlain, isBytes: false })
  expect(isPlain ? source.slice(literal?.start, literal?.end) : value).toBe(value)
})

it('tells bytes', () => expect(readStringLiteral('rb"\\x"')).toMatchObject({ isBytes: true, value: '\\x' }))

it.each(['a', '"', '"a', '"""a"', '\'a"'])('%s is none', (source) => expect(readStringLiteral(source)).toBeUndefined())
