import { describe, expect, it } from 'vitest'

import { expandedSize, makeManifest, plainOf } from '../../../../pipeline/validate/manifest-spans.ts'
import type { ManifestFile } from '../../../../pipeline/validate/rule.ts'
import type { PythonValue } from '../../../../pipeline/validate/sage/python-value.ts'
import { loadPyYaml } from '../../../../pipeline/validate/sage/pyyaml.ts'
import { textFile } from '../../../../pipeline/validate/text-file.ts'

const read = (text: string): PythonValue => {
  const parsed = loadPyYaml(text)
  if ('error' in parsed) throw new Error(parsed.error.message)
  return parsed.value
}

function manifest(text: string): ManifestFile {
  const value = read(text)
  if (value.type !== 'dict') throw new Error('no mapping')
  return makeManifest(textFile('sage.yaml', text), value)
}

describe('a manifest', () => {
  const TEXT = 'name: app # here\nsource:\n  url: "x"\n  architectures:\n    - linux/amd64\ninputs: [{id: a}]\nempty:\n'
  const { place, span } = manifest(TEXT)

  it.each<[string, Parameters<typeof place>[0], 'key' | 'value', object]>([
    ['a value', ['name'], 'value', { line: 1, column: 7, endLine: 1, endColumn: 10 }],
    ['a key', ['name'], 'key', { line: 1, column: 1, endLine: 1, endColumn: 5 }],
    ['a mapping by its key', ['source'], 'value', { line: 2, column: 1, endLine: 2, endColumn: 7 }],
    ['a value in quotes', ['source', 'url'], 'value', { line: 3, column: 8, endLine: 3, endColumn: 11 }],
    ['an item of a list', ['source', 'architectures', 0], 'value', { line: 5, column: 7, endLine: 5, endColumn: 18 }],
    ['an item that is a mapping by its begin', ['inputs', 0], 'value', { line: 6, column: 10 }],
    ['what is missing by its parent', ['source', 'branch'], 'value', { line: 2, column: 1, endLine: 2, endColumn: 7 }],
    ['what is missing in an item by the item', ['inputs', 0, 'type'], 'value', { line: 6, column: 10 }],
    ['what is missing at the top by the begin', ['version'], 'value', { line: 1, column: 1 }],
    ['an item that is not there by its list', ['inputs', 7], 'value', { line: 6, column: 1, endLine: 6, endColumn: 7 }],
    ['an empty value by its key', ['empty'], 'value', { line: 7, column: 1, endLine: 7, endColumn: 6 }],
    ['what would be inside a text by the text', ['name', 'x'], 'value', { line: 1, column: 1, endLine: 1, endColumn: 5 }],
  ])('places %s', (_, path, part, expected) => {
    expect(place(path, part)).toStrictEqual({ file: 'sage.yaml', ...expected })
  })

  it('has spans of what is there alone', () => {
    const written = (path: Parameters<typeof span>[0], part: Parameters<typeof span>[1]): string | undefined => {
      const found = span(path, part)
      return found && TEXT.slice(found.start, found.end)
    }
    expect(written(['name'], 'key')).toBe('name')
    expect(written(['name'], 'value')).toBe('app')
    expect(written(['name'], 'entry')).toBe('name: app')
    expect(written(['inputs', 0], 'entry')).toBe('{id: a}')
    expect(written(['inputs', 0], 'key')).toBeUndefined()
    expect(written(['version'], 'value')).toBeUndefined()
  })
})

describe('plain values', () => {
  it('are those of JSON', () => {
    const text =
      '{text: a, int: 3, large: 99999999999999999999, float: 1.5, flag: yes, none: ~, day: 2023-01-02, time: 2023-01-02 03:04:05, data: !!binary aGk=, list: [1], set: !!set {a}, 2: int, 1.5: float, true: flag, !!binary aGk=: data, ~: none, 2023-01-02: day, __proto__: own}'
    const plain = plainOf(read(text))
    expect(JSON.parse(JSON.stringify(plain))).toStrictEqual(
      JSON.parse(
        '{"text":"a","int":3,"large":"99999999999999999999","float":1.5,"flag":true,"none":null,"day":"2023-01-02","time":"2023-01-02 03:04:05","data":"aGk=","list":[1],"set":["a"],"2":"int","1.5":"float","True":"flag","(bytes)":"data","None":"none","2023-01-02":"day","__proto__":"own"}',
      ),
    )
    expect(Object.hasOwn(plain as object, '__proto__')).toBe(true)
  })

  it('share what aliases share, and may hold themselves', () => {
    const plain = plainOf(read('{a: &x [1], b: *x, c: &y {d: *y}, e: &z [*z]}')) as Record<string, unknown>
    expect(plain['a']).toBe(plain['b'])
    expect((plain['c'] as Record<string, unknown>)['d']).toBe(plain['c'])
    expect((plain['e'] as unknown[])[0]).toBe(plain['e'])
  })

  it.each([
    ['a text', 'a', 1],
    ['a mapping with its keys', '{a: [b, c]}', 5],
    ['an alias as often as it stands', '{a: &x [b, c], b: *x}', 9],
    ['a thing that holds itself', '&x [*x]', Infinity],
  ])('%s has a size', (_, text, size) => {
    expect(expandedSize(read(text))).toStrictEqual(size)
  })

  it('grow beyond every limit in a bomb, without being written out', () => {
    const layers = Array.from({ length: 60 }, (_, depth) => `a${depth + 1}: &a${depth + 1} [*a${depth}, *a${depth}]`)
    expect(expandedSize(read(`{a0: &a0 [x], ${layers.join(', ')}}`))).toBeGreaterThan(1e18)
  })
})
