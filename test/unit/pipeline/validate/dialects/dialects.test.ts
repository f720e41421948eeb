import { describe, expect, it } from 'vitest'

import { dialectFindings, spellingFindings } from '../../../../../pipeline/validate/dialects/dialect-rules.ts'
import { convertDialect } from '../../../../../pipeline/validate/dialects/dialects.ts'
import { writeManifest } from '../../../../../pipeline/validate/dialects/manifest-text.ts'
import { applyFixes } from '../../../../../pipeline/validate/fixes/apply-edits.ts'
import type { Problem } from '../../../../../pipeline/problem.ts'
import type { Mapping } from '../../../../../pipeline/validate/lenient.ts'
import { judgeThroughPortal } from '../../../../../pipeline/validate/sage/judge.ts'
import { textFile } from '../../../../../pipeline/validate/text-file.ts'
import { REPOSITORY, manifestOf, read } from '../fixes/manifest-of.ts'

const HEAD = { name: 'cloud-counter', version: '0.1.0', description: 'Counts clouds' }
const BOTH = ['linux/amd64', 'linux/arm64']
const A = {
  ...HEAD,
  id: 101,
  architecture: BOTH,
  source: `${REPOSITORY}.git#master#./Dockerfile`,
  arguments: ['speed', '5'],
  inputs: [{ id: 'speed', type: 'int' }],
}
const B = { ...HEAD, id: 0, sources: [{ architectures: BOTH, build_args: {} }] }
const C = {
  ...HEAD,
  owner: 'testuser',
  depends_on: '',
  baseCommand: '',
  sources: [
    { name: 'default', url: REPOSITORY, branch: 'master', directory: '.', dockerfile: 'Dockerfile', build_args: { FLAG: 'False' }, architectures: BOTH },
  ],
}

const pathsOf = (value: Mapping): readonly (readonly [string, boolean])[] =>
  (convertDialect(value)?.dropped ?? []).map(({ path, matters }) => [path.join('.'), matters])

describe('a manifest in an old dialect', () => {
  it.each<readonly [string, Mapping, string, Mapping, readonly (readonly [string, boolean])[]]>([
    [
      'A, with everything in one address',
      A,
      'A',
      {
        ...HEAD,
        arguments: ['speed', '5'],
        inputs: [{ id: 'speed', type: 'int' }],
        source: { architectures: BOTH, url: `${REPOSITORY}.git`, branch: 'master', dockerfile: 'Dockerfile' },
      },
      [['id', false]],
    ],
    ['A, with a bare address', { ...HEAD, architecture: BOTH, source: REPOSITORY }, 'A', { ...HEAD, source: { architectures: BOTH, url: REPOSITORY } }, []],
    [
      'A, with the folder in the address',
      { ...HEAD, id: 1, source: `${REPOSITORY}/plugins/simple` },
      'A',
      { ...HEAD, source: { url: REPOSITORY, directory: 'plugins/simple' } },
      [['id', false]],
    ],
    [
      'A, with a page of GitHub as address',
      { ...HEAD, id: 1, source: `${REPOSITORY}/tree/main` },
      'A',
      { ...HEAD, source: { url: `${REPOSITORY}/tree/main` } },
      [['id', false]],
    ],
    ['A, without a source', { ...HEAD, architecture: BOTH }, 'A', { ...HEAD, source: { architectures: BOTH } }, []],
    [
      'A, with too much in its address',
      { ...HEAD, architecture: BOTH, source: 'u#b#d#e' },
      'A',
      { ...HEAD, source: { architectures: BOTH, url: 'u', branch: 'b', dockerfile: 'd' } },
      [['source', true]],
    ],
    [
      'B',
      B,
      'B',
      { ...HEAD, source: { architectures: BOTH } },
      [
        ['id', false],
        ['sources.0.build_args', false],
      ],
    ],
    [
      'B, with a second source and unknown keys',
      { ...HEAD, colour: 'blue', license: null, sources: [{ architectures: BOTH, speed: 5 }, { architectures: [] }] },
      'B',
      { ...HEAD, source: { architectures: BOTH } },
      [
        ['colour', true],
        ['license', false],
        ['sources.0.speed', true],
        ['sources.1', true],
      ],
    ],
    [
      'C',
      C,
      'C',
      { ...HEAD, source: { architectures: BOTH, url: REPOSITORY, branch: 'master', directory: '.', dockerfile: 'Dockerfile', build_args: { FLAG: 'False' } } },
      [
        ['owner', false],
        ['depends_on', false],
        ['baseCommand', false],
        ['sources.0.name', false],
      ],
    ],
    [
      'A and B mixed',
      { ...HEAD, source: `${REPOSITORY}#master`, sources: [{ architectures: BOTH }] },
      'A+B',
      { ...HEAD, source: { architectures: BOTH, url: REPOSITORY, branch: 'master' } },
      [],
    ],
    [
      'A and B mixed, which contradict each other',
      { ...HEAD, architecture: ['linux/amd64'], source: 'u#b', sources: [{ architectures: BOTH, url: 'v' }] },
      'A+B',
      { ...HEAD, source: { architectures: BOTH, url: 'v', branch: 'b' } },
      [
        ['architecture', true],
        ['source', true],
      ],
    ],
    [
      'A and B mixed, with empty parts',
      { name: 'a', description: '', metadata: {}, resources: [], source: '', sources: [{ architectures: BOTH, branch: '' }] },
      'A+B',
      { name: 'a', description: '', source: { architectures: BOTH } },
      [
        ['metadata', false],
        ['resources', false],
        ['sources.0.branch', false],
      ],
    ],
  ])('%s', (_, value, dialect, manifest, dropped) => {
    const converted = convertDialect(value)
    expect(converted).toMatchObject({ dialect })
    expect(converted?.manifest).toStrictEqual(manifest)
    expect(pathsOf(value)).toStrictEqual(dropped)
    expect(read(converted?.text ?? '')).toStrictEqual(manifest)
  })

  it.each<readonly [string, Mapping]>([
    ['today’s keys', { ...HEAD, source: { architectures: BOTH } }],
    ['today’s keys and an old one', { ...HEAD, source: { architectures: BOTH }, sources: [{ architectures: BOTH }] }],
    ['an address as source, and nothing else', { ...HEAD, source: REPOSITORY }],
    ['an empty list of sources', { ...HEAD, sources: [] }],
    ['sources that are a mapping', { ...HEAD, sources: { architectures: BOTH } }],
    ['an architecture that is a text', { ...HEAD, architecture: 'linux/amd64' }],
    ['nothing', {}],
  ])('is none with %s', (_, value) => {
    expect(convertDialect(value)).toBeUndefined()
  })

  it('keeps keys that objects have of their own', () => {
    const value = JSON.parse('{"id": 1, "source": "u", "__proto__": {"a": 1}, "constructor": 2, "sources": [{"__proto__": 1}]}') as Mapping
    expect(pathsOf(value)).toStrictEqual([
      ['id', false],
      ['__proto__', true],
      ['constructor', true],
      ['sources.0.__proto__', true],
    ])
  })
})

describe('what was written without quotes', () => {
  const OLD = `{"name": 12, "namespace": true, "version": 1.10, "description": "d", "sources": [{"architectures": ["linux/amd64"],
    "branch": 2.0, "tag": 1.0, "build_args": {"A": 1.50, "B": true}}], "metadata": {"a": 1.0, "b": 1e5, "c": 12345678901234567890, "d": 1.5, "e": 3, "f": true}}`

  it('is kept as it is written where a text is meant, and is the same number elsewhere', () => {
    const manifest = manifestOf(OLD, 'sage.json')
    const converted = convertDialect(manifest.value, manifest)
    expect(converted?.isCertain).toBe(true)
    expect(converted?.text).toBe(`name: "12"
namespace: "true"
version: "1.10"
description: "d"
source:
  architectures:
    - "linux/amd64"
  branch: "2.0"
  tag: "1.0"
  build_args:
    A: "1.50"
    B: "true"
metadata:
  a: 1.0
  b: 100000.0
  c: 12345678901234567890
  d: 1.5
  e: 3
  f: true
`)
  })

  it.each<readonly [string, string, boolean]>([
    ['version: 2023-01-02', 'version: "2023-01-02"', true],
    ['version: &v 1.10', 'version: "1.10"', true],
    ['version: 1_0', 'version: "1_0"', true],
    ['version: !!float "1.10"', 'version: 1.1', false],
    ['metadata: {a: .inf, b: -.inf, c: .nan, d: 1.0e+30}', 'metadata:\n  a: .inf\n  b: -.inf\n  c: .nan\n  d: 1.0e+30', true],
    ['metadata: {a: 2023-01-02, b: !!set {c, d}}', 'metadata:\n  a: "2023-01-02"\n  b:\n    - "c"\n    - "d"', true],
    ['source: 5', 'source:\n  architectures:\n    - "linux/amd64"\n  url: "5"', true],
  ])('%s becomes %s', (written, expected, isCertain) => {
    const manifest = manifestOf(`${written}\nsources: [{architectures: [linux/amd64]}]\n`)
    const converted = convertDialect(manifest.value, manifest)
    expect(converted).toMatchObject({ isCertain, text: expect.stringContaining(`${expected}\n`) })
  })

  it.each<readonly [string, Mapping, boolean]>([
    ['texts', C, true],
    ['a version', { ...C, version: 1.1 }, false],
    ['a branch', { ...HEAD, sources: [{ branch: 2 }] }, false],
    ['a build argument', { ...HEAD, sources: [{ build_args: { A: true } }] }, false],
    ['other numbers', { ...B, metadata: { a: { b: { c: { d: 1 } } } } }, true],
  ])('is not known of a value alone: %s', (_, value, isCertain) => {
    expect(convertDialect(value)?.isCertain).toBe(isCertain)
  })
})

describe('the text of a manifest', () => {
  it('is laid out as the official template is', () => {
    const manifest = {
      source: { url: 'u', architectures: BOTH },
      extra: [],
      metadata: { deep: [{ a: 1, b: ['x', ['y', []]] }, 'no', {}], on: true, '1.0': null },
      inputs: [
        { id: 'a', default: 1e21 },
        { id: 'b', default: -2.5 },
      ],
      name: 'a',
    }
    const text = writeManifest(manifest)
    expect(text).toBe(
      `name: "a"
source:
  url: "u"
  architectures:
    - "linux/amd64"
    - "linux/arm64"
inputs:
  - id: "a"
    default: 1.0e+21
  - id: "b"
    default: -2.5
metadata:
  deep:
    - a: 1
      b:
        - "x"
        -
          - "y"
          - []
    - "no"
    - {}
  "on": true
  "1.0": null
extra: []
`.replace('        -\n          - "y"', '        - - "y"'),
    )
    expect(read(text)).toStrictEqual(manifest)
  })
})

describe('findings about files that are no sage.yaml', () => {
  const judgement = (text: string) => judgeThroughPortal(text, { user: 'skylab', url: REPOSITORY, branch: 'main' })

  function findings(file: string, value: Mapping) {
    const text = JSON.stringify(value)
    const converted = convertDialect(value)
    if (converted === undefined) throw new Error('no dialect')
    return { text, converted, found: dialectFindings(textFile(file, text), converted, judgement(text)) }
  }

  it.each([
    ['sage.json', 'sage.yaml', true],
    ['plugins/one/sage.yml', 'plugins/one/sage.yaml', true],
    ['plugin.yaml', 'sage.yaml', true],
    ['sage.yaml', 'sage.yaml', false],
    ['old.json', 'old.yaml', true],
    ['old.yml', 'old.yml', false],
    ['old', 'old.yaml', true],
  ])('%s is to be %s', (file, target, safe) => {
    const { text, converted, found } = findings(file, C)
    expect(found.map(([{ code }]) => code)).toStrictEqual(['CTSS-M150', 'CTSS-M151'])
    const fix = found[1]?.[1].fix
    expect(fix?.safe).toBe(safe)
    expect(found[1]?.[1].detail).toBe(converted.text)
    expect(applyFixes(new Map([[file, text]]), fix === undefined ? [] : [fix]).files).toStrictEqual(new Map([[target, converted.text]]))
    expect(judgement(converted.text).verdict).toBe('accepted')
  })

  it('tell what Sage says and what is left out', () => {
    const { found } = findings('sage.json', B)
    expect(found.map(([, { message }]) => message)).toStrictEqual([
      "This manifest is in a dialect of Virtual Waggle (a list `sources`) that Sage refuses: TypeError: Cannot set properties of undefined (setting 'url').",
      'It was read as the text below. Left out: `id` (Virtual Waggle numbered plugins; nothing does today), `sources[0].build_args` (it is empty).',
    ])
    expect(findings('sage.json', { ...HEAD, sources: [{ architectures: BOTH }] }).found[1]?.[1].message).toBe('It was read as the text below. Nothing is lost.')
  })

  it('count what is too much to list, and ask before it is lost', () => {
    const extra = Object.fromEntries(Array.from({ length: 30 }, (_, number) => [`k${number}`, number]))
    const { found } = findings('sage.json', { ...B, ...extra })
    expect(found[1]?.[1].message).toMatch(/ and 12 more\.$/)
    expect(found[1]?.[1].fix?.safe).toBe(false)
  })

  it('ask before a text may change', () => {
    expect(findings('sage.json', { ...C, version: 1.1 }).found[1]?.[1].fix?.safe).toBe(false)
  })

  it('need no words of Sage', () => {
    const converted = convertDialect(A)
    if (converted === undefined) throw new Error('no dialect')
    const [first] = dialectFindings(textFile('sage.json', '{}'), converted, { verdict: 'accepted', refusals: [] })
    expect(first?.[1].message).toMatch(/ that Sage refuses\.$/)
  })

  it.each<readonly [string, string, string | undefined]>([
    ['sage.json', 'Write sage.yaml with the same keys, and delete sage.json.', 'sage.yaml'],
    ['a/sage.json', 'Write a/sage.yaml with the same keys, and delete sage.json.', 'a/sage.yaml'],
    ['sage.yml', 'Rename it to sage.yaml.', undefined],
    ['a/plugin.yaml', 'Rename it to a/sage.yaml.', undefined],
  ])('%s has the wrong name', (file, suggestion, target) => {
    const text = JSON.stringify({ ...HEAD, source: { architectures: BOTH } })
    const found = spellingFindings(manifestOf(text, file))
    expect(found.map(([{ code }, finding]) => [code, finding.suggestion])).toStrictEqual([['CTSS-M152', suggestion]])
    const fix = found[0]?.[1].fix
    const { files } = applyFixes(new Map([[file, text]]), fix === undefined ? [] : [fix])
    expect([...files.keys()]).toStrictEqual(target === undefined ? [] : [target])
    expect([...files.values()].map(read)).toStrictEqual(target === undefined ? [] : [read(text)])
  })

  it('a new file is written of what is mended already', () => {
    const manifest = manifestOf('{"name": "a", "version": 1.10, "source": {"branch": 2.0}}', 'sage.json')
    const [, finding] = spellingFindings(manifest)[0] ?? []
    expect(finding?.fix).toMatchObject({ safe: true, edits: [{ text: 'name: "a"\nversion: "1.10"\nsource:\n  branch: "2.0"\n' }] })
    const other = (safe: boolean, severity: Problem['severity']): Problem => ({
      code: 'CTSS-M101',
      severity,
      message: 'm',
      fix: { title: 't', safe, edits: [] },
    })
    const isSafe = (...others: readonly Problem[]) => spellingFindings(manifest, others)[0]?.[1].fix?.safe
    expect([isSafe(other(true, 'warning')), isSafe(other(false, 'error'), other(true, 'hint'))]).toStrictEqual([false, true])
  })

  it.each(['sage.yaml', 'corpus/owner__repository.json', 'a/sage.yaml'])('%s has the right one', (file) => {
    expect(spellingFindings(manifestOf('name: a\n', file))).toStrictEqual([])
  })
})
