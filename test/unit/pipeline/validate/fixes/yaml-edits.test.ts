import { describe, expect, it } from 'vitest'

import type { Edit } from '../../../../../schemas/generated/types.ts'
import { applyEdits } from '../../../../../pipeline/validate/fixes/apply-edits.ts'
import {
  deleteEntry,
  insertEntry,
  joinList,
  plainText,
  quoteValue,
  renameKey,
  replaceValue,
  writeList,
} from '../../../../../pipeline/validate/fixes/yaml-edits.ts'
import type { DocumentPath } from '../../../../../pipeline/validate/yaml-source.ts'
import { manifestOf, read } from './manifest-of.ts'

type Case = readonly [string, DocumentPath, string, string | undefined]

const applied = (text: string, edits: readonly Edit[] | undefined): string | undefined => (edits === undefined ? undefined : applyEdits(text, edits).text)

describe('replacing a value', () => {
  it.each<Case>([
    ['name: a # c\n', ['name'], 'name: new # c\n', 'new'],
    ['name: "a"\n', ['name'], 'name: "new"\n', 'new'],
    ["name: 'a'\n", ['name'], "name: 'new'\n", 'new'],
    ['name: a\n', ['name'], 'name: "yes"\n', 'yes'],
    ['name:\nb: 1\n', ['name'], 'name: new\nb: 1\n', 'new'],
    ['name: # c\n  a\n', ['name'], 'name: # c\n  new\n', 'new'],
    ['name: |\n  a\n  b\n# c\nz: 1\n', ['name'], 'name: new\n# c\nz: 1\n', 'new'],
    ['x: [a, b]\n', ['x', 1], 'x: [a, new]\n', 'new'],
    ['x:\n  - a\n  - b # c\n', ['x', 1], 'x:\n  - a\n  - new # c\n', 'new'],
    ['x:\n  -\n  - b\n', ['x', 0], 'x:\n  - new\n  - b\n', 'new'],
    ['x:\n  - [a, b]\n', ['x', 0], 'x:\n  - new\n', 'new'],
    ['x:\n  - a\n  - b\n# c\n', ['x'], 'x: new\n# c\n', 'new'],
    ['{"name": "a", "b": 1}', ['name'], '{"name": "new", "b": 1}', 'new'],
    ['{"name": 1}', ['name'], '{"name": "new"}', 'new'],
    ['\uFEFFname: a\r\nb: 1\r\n', ['name'], '\uFEFFname: new\r\nb: 1\r\n', 'new'],
  ])('%j at %j gives %j', (text, path, expected, written) => {
    expect(applied(text, replaceValue(manifestOf(text), path, written ?? ''))).toBe(expected)
  })

  it.each<readonly [string, string, DocumentPath]>([
    ['nothing is there', 'name: a\n', ['version']],
    ['there is no such item', 'x: [a]\n', ['x', 1]],
    ['it is below a text', 'name: a\n', ['name', 'x']],
    ['it has an anchor', 'name: &n a\nb: *n\n', ['name']],
    ['it is an alias', 'name: &n a\nb: *n\n', ['b']],
    ['it lies in what has an anchor', 'x: &n {a: 1}\nb: *n\n', ['x', 'a']],
    ['it has a tag', 'name: !!str 1\n', ['name']],
    ['its key stands twice', 'name: a\nname: b\n', ['name']],
    ['a merge key is beside it', 'x:\n  <<: {a: 1}\n  b: 2\n', ['x', 'b']],
    ['a comment would be lost', 'x:\n  - a # c\n  - b\n', ['x']],
    ['a comment on a block would be lost', 'name: | # c\n  a\n', ['name']],
    ['it is the document', 'name: a\n', []],
    ['an item before it is an alias', 'n: &n a\nx: [*n, b]\n', ['x', 0]],
    ['it is a member of a set', 'x: !!set {a, b}\n', ['x', 0]],
  ])('is not certain when %s', (_, text, path) => {
    expect(replaceValue(manifestOf(text), path, 'new')).toBeUndefined()
  })
})

describe('quoting a value', () => {
  it.each<readonly [string, DocumentPath, string | undefined]>([
    ['version: 1.10 # c\n', ['version'], 'version: "1.10" # c\n'],
    ["version: 1.10\nname: 'a'\n", ['version'], "version: '1.10'\nname: 'a'\n"],
    ['version: 1.10\nname: \'a\'\nb: "c"\n', ['version'], 'version: "1.10"\nname: \'a\'\nb: "c"\n'],
    ['{"version": 1.0}', ['version'], '{"version": "1.0"}'],
    ['source: {build_args: {3: yes}}\n', ['source', 'build_args', '3'], 'source: {build_args: {3: "yes"}}\n'],
    ['x: [1]\n', ['x', 0], 'x: ["1"]\n'],
    ['version: "1.0"\n', ['version'], undefined],
    ['version:\n', ['version'], undefined],
    ['version: [1]\n', ['version'], undefined],
    ['version: a\n  b\n', ['version'], undefined],
    ['version: &v 1\nb: *v\n', ['b'], undefined],
    ['name: a\n', ['version'], undefined],
  ])('%j at %j gives %j', (text, path, expected) => {
    expect(applied(text, quoteValue(manifestOf(text), path))).toBe(expected)
  })

  it('takes the text as it is written', () => {
    expect(plainText(manifestOf('version: 1.10\n'), ['version'])).toBe('1.10')
  })
})

describe('a list', () => {
  it.each<readonly [string, string | undefined]>([
    ['x: [a, " b c ", 3]\n', 'x: "a, b c, 3"\n'],
    ['x:\n  - a\n  - b\nz: 1\n', 'x: "a, b"\nz: 1\n'],
    ["x: ['a']\ny: 'b'\n", "x: 'a'\ny: 'b'\n"],
    ['x: []\n', 'x: ""\n'],
    ['x: [[a]]\n', undefined],
    ['x: ["a\\nb"]\n', undefined],
    ['x: a\n', undefined],
  ])('%j becomes a text', (text, expected) => {
    expect(applied(text, joinList(manifestOf(text), ['x']))).toBe(expected)
  })

  it.each<readonly [string, string]>([
    ['x: a, b\n', 'x: ["a", "b"]\n'],
    ["x: 'a b'\n", "x: ['a', 'b']\n"],
    ['x:\n', 'x: ["a", "b"]\n'],
  ])('is written over %j', (text, expected) => {
    expect(applied(text, writeList(manifestOf(text), ['x'], ['a', 'b']))).toBe(expected)
  })
})

describe('renaming a key', () => {
  it.each<Case>([
    ['ame: a # c\n', ['ame'], 'name: a # c\n', 'name'],
    ['"ame": a\n', ['ame'], '"name": a\n', 'name'],
    ['{"ame": "a"}', ['ame'], '{"name": "a"}', 'name'],
    ['x:\n  - ame: a\n', ['x', 0, 'ame'], 'x:\n  - name: a\n', 'name'],
  ])('%j at %j gives %j', (text, path, expected, key) => {
    expect(applied(text, renameKey(manifestOf(text), path, key ?? ''))).toBe(expected)
  })

  it.each<readonly [string, string, DocumentPath]>([
    ['the other is there', 'ame: a\nname: b\n', ['ame']],
    ['it is not there', 'name: a\n', ['ame']],
    ['it is no text', '3: a\n', ['3']],
    ['it is an item', 'x: [a]\n', ['x', 0]],
    ['it lies in what has an anchor', 'x: &n {a: 1}\nb: *n\n', ['x', 'a']],
  ])('is not certain when %s', (_, text, path) => {
    expect(renameKey(manifestOf(text), path, 'name')).toBeUndefined()
  })
})

describe('inserting an entry', () => {
  it.each<readonly [string, DocumentPath, string, string]>([
    ['name: a # c\nlicense: b\n', [], 'version', 'name: a # c\nversion: "new"\nlicense: b\n'],
    ['license: b\nname: a', [], 'version', 'license: b\nname: a\nversion: "new"'],
    ['# c\nlicense: b\n', [], 'name', '# c\nname: "new"\nlicense: b\n'],
    ['\uFEFFlicense: b\r\n', [], 'name', '\uFEFFname: "new"\r\nlicense: b\r\n'],
    ['  license: b\n', [], 'name', '  name: "new"\n  license: b\n'],
    ["name: 'a'\n", [], 'version', "name: 'a'\nversion: 'new'\n"],
    ['name: |\n  a\n\nlicense: b\n', [], 'version', 'name: |\n  a\nversion: "new"\n\nlicense: b\n'],
    [
      'source:\n    architectures:\n        - a # c\n\ninputs: []\n',
      ['source'],
      'url',
      'source:\n    architectures:\n        - a # c\n    url: "new"\n\ninputs: []\n',
    ],
    ['source: {architectures: [a]} # c\n', ['source'], 'url', 'source: {architectures: [a], url: "new"} # c\n'],
    ['source: {branch: a}\n', ['source'], 'url', 'source: {url: "new", branch: a}\n'],
    ['source: {}\n', ['source'], 'url', 'source: {url: "new"}\n'],
    ['{"source": {\n  "branch": "a"\n}}', ['source'], 'url', '{"source": {\n  "url": "new",\n  "branch": "a"\n}}'],
    ['{\n  "name": "a",\n  "source": {}\n}\n', [], 'version', '{\n  "name": "a",\n  "version": "new",\n  "source": {}\n}\n'],
    ['name: &n a\nnamespace: *n\nlicense: b\n', [], 'version', 'name: &n a\nnamespace: *n\nversion: "new"\nlicense: b\n'],
    ['inputs:\n  - id: a\n    type: b\n', ['inputs', 0], 'default', 'inputs:\n  - id: a\n    type: b\n    default: "new"\n'],
    ['inputs:\n- id: a\n', ['inputs', 0], 'name', 'inputs:\n- id: a\n  name: "new"\n'],
  ])('into %j at %j: %s', (text, path, key, expected) => {
    expect(applied(text, insertEntry(manifestOf(text), path, key, 'new'))).toBe(expected)
  })

  it.each<readonly [string, string, DocumentPath]>([
    ['there is no mapping', 'name: a\n', ['source']],
    ['it is there', 'url: a\n', []],
    ['the mapping is a list', 'source: [a]\n', ['source']],
    ['a key stands twice', 'name: a\nname: b\n', []],
    ['a merge key brings entries', 'source:\n  <<: {a: 1}\n  b: 1\n', ['source']],
    ['the mapping has an anchor', 'source: &s\n  a: 1\nx: *s\n', ['source']],
    ['a comment would move in flow style', '{\n  "a": 1, # c\n  "b": 2 # d\n}', []],
    ['a comment stands in empty braces', 'source: {\n# c\n}\n', ['source']],
    ['a block keeps its empty lines', 'name: a\nsource:\n  architectures: |+\n    a\n\n', ['source']],
    ['keys have question marks', '? a\n: b\n', []],
  ])('is not certain when %s', (_, text, path) => {
    expect(insertEntry(manifestOf(text), path, 'url', 'new')).toBeUndefined()
  })

  it('is not certain behind what cannot be located', () => {
    const text = 'n: &n a\nname:\n  *n\nlicense: b\n'
    expect(insertEntry(manifestOf(text), [], 'version', 'new')).toBeUndefined()
    const flow = '{n: &n a, name:\n *n, license: b}'
    expect(insertEntry(manifestOf(flow), [], 'version', 'new')).toBeUndefined()
  })
})

describe('deleting an entry', () => {
  it.each<readonly [string, DocumentPath, string]>([
    ['a: 1\nb: 2\n\nc: 3\n', ['b'], 'a: 1\n\nc: 3\n'],
    ['a: 1\nb: 2 # c\n\nc: 3\n', ['b'], 'a: 1\n# c\n\nc: 3\n'],
    ['a: 1\nb: # c', ['b'], 'a: 1\n# c'],
    ['a: 1\r\nb:\r\n  - 2\r\nc: 3\r\n', ['b'], 'a: 1\r\nc: 3\r\n'],
    ['a: 1\nb: 2', ['b'], 'a: 1'],
    ['a: 1\r\nb: 2', ['b'], 'a: 1'],
    ['a: 1\nb: 2\n', ['b'], 'a: 1\n'],
    ['a: 1\nb: 2\n', ['a'], 'b: 2\n'],
    ['\uFEFFa: 1\nb: 2\n', ['a'], '\uFEFFb: 2\n'],
    ['a: 1\nb:\n', ['b'], 'a: 1\n'],
    ['x:\n- a: 1\n  b: 2\n', ['x', 0, 'a'], 'x:\n- b: 2\n'],
    ['x:\n  - a # c\n  - b\n', ['x', 0], 'x:\n  # c\n  - b\n'],
    ['x:\n  - a\n  - b: 1\n    c: 2\nz: 1\n', ['x', 1], 'x:\n  - a\nz: 1\n'],
    ['x: [a, b, c]\n', ['x', 1], 'x: [a, c]\n'],
    ['x: [a, b]\n', ['x', 1], 'x: [a]\n'],
    ['x: [a]\n', ['x', 0], 'x: []\n'],
    ['x: {a: 1, b: 2}\n', ['x', 'a'], 'x: {b: 2}\n'],
    ['{\n  "a": 1,\n  "b": 2\n}\n', ['b'], '{\n  "a": 1\n}\n'],
    ['n: &n a\nb: *n # c\nc: 1\n', ['b'], 'n: &n a\n# c\nc: 1\n'],
  ])('of %j at %j gives %j', (text, path, expected) => {
    expect(applied(text, deleteEntry(manifestOf(text), path))).toBe(expected)
  })

  it.each<readonly [string, string, DocumentPath]>([
    ['it is the only one', 'x:\n  a: 1\n', ['x', 'a']],
    ['it is not there', 'a: 1\nb: 2\n', ['c']],
    ['there is no such item', 'x: [a]\n', ['x', 3]],
    ['its parent is not there', 'a: 1\n', ['x', 'y']],
    ['its parent is a text', 'a: 1\n', ['a', 'b']],
    ['something else refers to it', 'a: &x 1\nb: *x\n', ['a']],
    ['something else refers to its parent', 'a: &x {b: 1, c: 2}\nd: *x\n', ['a', 'b']],
    ['a key stands twice', 'a: 1\na: 2\nb: 3\n', ['b']],
    ['a comment stands between, in flow style', 'x: [a, # c\n  b]\n', ['x', 0]],
    ['a comment stands before the next, which would move up', 'x:\n- a: 1\n  # c\n  b: 2\n', ['x', 0, 'a']],
    ['a comment stands behind it, and the next would move up', 'x:\n- a: 1 # c\n  b: 2\n', ['x', 0, 'a']],
    ['it stands behind a question mark', '? a\n: 1\n? b\n: 2\n', ['a']],
    ['an item stands below its dash', 'x:\n-\n  a\n- b\n', ['x', 0]],
    ['a neighbour is an alias', 'n: &n a\nx: [*n, b, c]\n', ['x', 1]],
  ])('is not certain when %s', (_, text, path) => {
    expect(deleteEntry(manifestOf(text), path)).toBeUndefined()
  })
})

describe('edits of a manifest with everything in it', () => {
  const BLOCK = `---
# A comment
name: "cloud-counter" # of clouds
version: 1.10
description: >-
  Counts
  clouds
keywords:
  - clouds # these
  - sky
authors: 'It''s me'
source:
    architectures: [linux/amd64, linux/arm64] # both
    # where
    branch: main
    build_args: {A: 1, B: "two"}

inputs:
- id: "rate"
  type: int

- {id: mode, type: string, default: }
metadata:
  deep: {deeper: [1, {deepest: 2}]}
funding:
`
  const json = JSON.stringify(
    { name: 'a', source: { architectures: ['linux/amd64', 'x'], build_args: { A: '1' } }, inputs: [{ id: 'a', type: 'int' }] },
    null,
    2,
  )

  it.each([
    ['block style', BLOCK],
    ['Windows line breaks', BLOCK.replaceAll('\n', '\r\n')],
    ['JSON', json],
    ['JSON on one line', JSON.stringify(JSON.parse(json))],
  ])('change just what they say: %s', (_, text) => {
    const manifest = manifestOf(text)
    const whole = read(text) as object
    const paths = pathsOf(whole)
    for (const path of paths) {
      for (const word of ['new', 'yes', 'a: "b" # \'c\'', 'two\nlines', '']) {
        const edits = replaceValue(manifest, path, word)
        if (edits !== undefined) expect(read(applied(text, edits) ?? '')).toStrictEqual(changed(whole, path, (parent, key) => (parent[key] = word)))
      }
      const deletion = deleteEntry(manifest, path)
      if (deletion !== undefined)
        expect(read(applied(text, deletion) ?? '')).toStrictEqual(
          changed(whole, path, (parent, key) => (Array.isArray(parent) ? parent.splice(Number(key), 1) : delete parent[key])),
        )
      const insertion = insertEntry(manifest, path, 'new', 'entry')
      if (insertion !== undefined)
        expect(read(applied(text, insertion) ?? '')).toStrictEqual(changed(whole, [...path, 'new'], (parent, key) => (parent[key] = 'entry')))
    }
    expect(paths.length).toBeGreaterThan(8)
  })

  type Holder = Record<string, unknown>

  function pathsOf(value: unknown, path: DocumentPath = []): readonly DocumentPath[] {
    if (typeof value !== 'object' || value === null) return []
    return Object.entries(value).flatMap(([key, item]) => {
      const below = [...path, Array.isArray(value) ? Number(key) : key]
      return [below, ...pathsOf(item, below)]
    })
  }

  function changed(whole: object, path: DocumentPath, change: (parent: Holder, key: string) => unknown): unknown {
    const copy = structuredClone(whole) as Holder
    const parent = path.slice(0, -1).reduce<Holder>((holder, key) => holder[key] as Holder, copy)
    change(parent, String(path.at(-1)))
    return copy
  }
})
