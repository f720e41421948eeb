import { expect, it } from 'vitest'
import { readBody } from '../../../../../pipeline/validate/sage/body.ts'
import { loadPythonJson } from '../../../../../pipeline/validate/sage/python-json.ts'
import { record } from '../../../../support/python-dump.ts'

it.each([
  ['JSON', '{"a": 1e3}', '{s"a":d1000.0}'],
  ['JSON after a byte order mark', '\uFEFF{"a": 1e3}', '{s"a":d1000.0}'],
  ['YAML', 'a: 1e3', '{s"a":s"1e3"}'],
  ['YAML after a byte order mark', '\uFEFFa: 1e3', '{s"a":s"1e3"}'],
  ['YAML where JSON has an error', '{"a": 1e3,}', '{s"a":s"1e3"}'],
  ['YAML where JSON has nothing that counts', '""', 's""'],
  ['empty JSON as YAML', '{}', '{}'],
  ['words of JSON', 'NaN', 'dnan'],
  ['YAML that begins as JSON does', 'nulls: 1', '{s"nulls":i1}'],
  ['nothing', '', 'n'],
])('reads %s', (_, text, value) => {
  expect(record(readBody(text))).toStrictEqual({ value })
})

it('ends with the stack where JSON is too deep', () => {
  const message = 'maximum recursion depth exceeded while decoding a JSON array from a unicode string'
  expect(readBody(`${'['.repeat(1000)}${']'.repeat(1000)}`)).toStrictEqual({ error: { name: 'RecursionError', message, start: 970 } })
  expect(loadPythonJson('{"a":'.repeat(1000))).toMatchObject({ error: { message: message.replace('array', 'object') } })
})

it('keeps the places of JSON', () => {
  expect(readBody('\uFEFF {"a": [true, "b"], "a": 1}')).toMatchObject({
    value: { start: 2, end: 28, entries: [{ key: { start: 3, end: 6 }, value: { start: 26, end: 27 } }], duplicates: [{ start: 21, end: 24 }] },
  })
})
