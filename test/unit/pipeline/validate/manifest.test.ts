import { describe, expect, it } from 'vitest'
import { readPipeline } from '../../../../pipeline/validate/read-pipeline.ts'
import { memoryTree, type MemoryFile } from '../../../support/memory-tree.ts'

const DOCKERFILE = 'FROM debian:bookworm-slim\nENTRYPOINT ["python3", "/app/main.py"]\n'

/** A manifest without any problem; `lines` replace or add top-level keys. */
function manifest(lines: Readonly<Record<string, string>> = {}): string {
  const keys = {
    name: 'cloud-counter',
    version: '"1.2.3"',
    description: 'Counts clouds',
    license: 'MIT',
    source: '{architectures: [linux/amd64, linux/arm64]}',
    ...lines,
  }
  return Object.entries(keys)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('')
}

async function problemsOf(text: string | Buffer, files: Readonly<Record<string, MemoryFile>> = {}): Promise<readonly string[]> {
  const { problems } = await readPipeline(memoryTree({ 'sage.yaml': text, Dockerfile: DOCKERFILE, ...files }))
  return problems.map(
    ({ severity, code, place, message, suggestion }) =>
      `${severity} ${code} ${place?.line}:${place?.column} ${message}${suggestion === undefined ? '' : ` → ${suggestion}`}`,
  )
}

describe('a manifest that breaks its schema', () => {
  it('has no problem when it is right', async () => {
    expect(await problemsOf(manifest())).toStrictEqual([])
  })

  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    [
      'spaces in the name',
      { name: 'Sage Performance' },
      ['error not-allowed 1:7 `name`: "Sage Performance" is not allowed. → Lower-case letters, digits, - and _, 2 to 64 characters.'],
    ],
    ['a short name', { name: 'a' }, ['error too-short 1:7 `name` must have at least 2 characters. → Lower-case letters, digits, - and _, 2 to 64 characters.']],
    ['a long name', { name: 'a'.repeat(65) }, ['error too-long 1:7 `name` must have at most 64 characters.']],
    [
      'a version without quotes',
      { version: '1.10' },
      [
        'error not-quoted 2:10 `version` must be text, but YAML reads 1.10 as the number 1.1. → Quote it: "1.10".',
        'warning version-not-xyz 2:10 `version`: "1.1" is not of the form x.y.z: nodes never ship the files that the plugin uploads. → Use x.y.z, for instance 0.1.0.',
      ],
    ],
    [
      'a flag in place of a text',
      { description: 'true' },
      ['error not-quoted 3:14 `description` must be text, but YAML reads true as true. → Quote it: "true".'],
    ],
    ['an empty description', { description: '""' }, ['error too-short 3:14 `description` must not be empty. → What the plugin does, in a sentence.']],
    ['no description', { description: '' }, ['error wrong-type 3:1 `description` must be text, not empty.']],
    [
      'a list of keywords',
      { keywords: '[sky, cloud]' },
      ['error wrong-type 6:1 `keywords` must be text, not a list. → Write one text, with commas: "sky, cloud".'],
    ],
    ['a mapping as authors', { authors: '{a: b}' }, ['error wrong-type 6:1 `authors` must be text, not a mapping.']],
    ['empty inputs', { inputs: '' }, ['error wrong-type 6:1 `inputs` must be a list, not empty.']],
    ['a text for inputs', { inputs: 'a, b' }, ['error wrong-type 6:9 `inputs` must be a list, not text. → Write a list: [a, b].']],
    [
      'an input type of Python',
      { inputs: '[{id: speed, type: bool}]' },
      ['error not-allowed 6:28 `inputs[0].type` must be boolean, int, long, float, double, string or File, not "bool". → Did you mean "boolean"?'],
    ],
    [
      'an input type in capitals',
      { inputs: '[{id: speed, type: String}]' },
      ['error not-allowed 6:28 `inputs[0].type` must be boolean, int, long, float, double, string or File, not "String". → Did you mean "string"?'],
    ],
    [
      'an input type of nobody',
      { inputs: '[{id: speed, type: 3}]' },
      ['error not-allowed 6:28 `inputs[0].type` must be boolean, int, long, float, double, string or File, not "3".'],
    ],
    ['an input without type', { inputs: '[{id: speed}]' }, ['error missing-key 6:10 `inputs[0]` needs the key `type`.']],
    [
      'an input with another key',
      { inputs: '[{id: speed, type: int, requird: true}]' },
      ['error unknown-key 6:33 `inputs[0]` knows no key `requird`. → Known keys: id, type, description, default.'],
    ],
    ['a misspelled key', { descriptino: 'x' }, ['error unknown-key 6:1 sage.yaml knows no key `descriptino`. → Did you mean `description`?']],
    ['no source', { source: '' }, ['error wrong-type 5:1 `source` must be a mapping, not empty.']],
    ['no architectures', { source: '{url: ""}' }, ['error missing-key 5:1 `source` needs the key `architectures`.']],
    ['an empty list of architectures', { source: '{architectures: []}' }, ['error too-short 5:10 `source.architectures` must not be empty.']],
    [
      'an architecture by another name',
      { source: '{architectures: [amd64]}' },
      [
        'error not-allowed 5:26 `source.architectures[0]` must be linux/amd64, linux/arm64, linux/arm/v6, linux/arm/v7 or linux/arm/v8, not "amd64". → Did you mean "linux/amd64"?',
      ],
    ],
    [
      'a number as build argument',
      { source: '{architectures: [linux/amd64], build_args: {A: 1}}' },
      [
        "warning build-args-ignored 5:40 The ECR's own builder ignores `source.build_args`; this pipeline passes them. → Give each ARG of the Dockerfile a default that works.",
        'error not-quoted 5:56 `source.build_args.A` must be text, but YAML reads 1 as the number 1. → Quote it: "1".',
      ],
    ],
    [
      'a namespace with a hyphen',
      { namespace: 'my-lab' },
      ['error not-allowed 6:12 `namespace`: "my-lab" is not allowed. → Lower-case letters and digits, 4 to 30; the Portal fills it with the user\'s name.'],
    ],
    ['resources that are no list', { resources: '' }, ['error wrong-type 6:1 `resources` must be a list, not empty.']],
    ['frozen as a text', { frozen: '"yes"' }, ['error wrong-type 6:9 `frozen` must be true or false, not text.']],
  ])('says what is wrong with %s', async (_, lines, expected) => {
    expect(await problemsOf(manifest(lines))).toStrictEqual(expected)
  })

  it('knows no key of prototypes', async () => {
    const found = await problemsOf(`${manifest()}__proto__: {name: x}\ntoString: 1\n`)
    expect(found.map((line) => line.split('.')[0] + '.' + line.split('.')[1])).toStrictEqual([
      'error unknown-key 6:1 sage.yaml knows no key `__proto__`',
      'error unknown-key 7:1 sage.yaml knows no key `toString`',
    ])
  })

  it('names every missing key at once', async () => {
    expect((await problemsOf('license: MIT\nversion: "1.2.3"\n')).filter((line) => line.startsWith('error'))).toStrictEqual(
      ['description', 'name', 'source'].map((key) => `error missing-key 1:1 sage.yaml needs the key \`${key}\`.`),
    )
  })

  it('lists at most a hundred problems, errors first, and says how many are left', async () => {
    const found = await problemsOf(`${manifest()}${Array.from({ length: 150 }, (_, index) => `zz${index}: 1\n`).join('')}`)
    expect(found).toHaveLength(101)
    expect(found.at(-1)).toContain('There are 50 more problems')
  })
})

describe('finding the manifest', () => {
  const read = async (files: Readonly<Record<string, MemoryFile>>) => readPipeline(memoryTree({ Dockerfile: DOCKERFILE, ...files }))

  it.each<[string, Readonly<Record<string, MemoryFile>>, object]>([
    ['is missing', {}, { code: 'no-manifest', suggestion: expect.stringContaining('ctss init') }],
    ['is misspelled', { 'sage.yalm': 'x' }, { code: 'no-manifest', suggestion: 'Rename sage.yalm to sage.yaml.' }],
    ['lies in a folder', { 'apps/search/sage.yaml': 'x' }, { code: 'no-manifest', suggestion: expect.stringContaining('apps/search') }],
    ['is a folder', { 'sage.yaml/x': 'x' }, { code: 'path-of-other-kind' }],
    ['is empty', { 'sage.yaml': '' }, { code: 'not-a-mapping', message: 'sage.yaml is empty.' }],
    ['is a text', { 'sage.yaml': 'hello' }, { code: 'not-a-mapping', message: 'sage.yaml must be a mapping of keys, such as name: and description:.' }],
    ['is a list', { 'sage.yaml': '- a' }, { code: 'not-a-mapping' }],
    ['is a link out of the repository', { 'sage.yaml': { link: '../../etc/passwd' } }, { code: 'path-outside' }],
    ['is a link in a circle', { 'sage.yaml': { link: 'sage.yaml' } }, { code: 'path-outside' }],
    ['is larger than 256 KiB', { 'sage.yaml': '#'.repeat(256 * 1024 + 1) }, { code: 'file-too-large' }],
  ])('is a problem, and nothing can be built, when it %s', async (_, files, problem) => {
    const reading = await read(files)
    expect(reading).toMatchObject({ pipeline: undefined, problems: [{ severity: 'error', ...problem }] })
    expect(reading.placeOf(['training'])).toBeUndefined()
  })

  it('follows a link that stays inside', async () => {
    expect(await read({ 'sage.yaml': { link: 'config/real.yaml' }, 'config/real.yaml': manifest() })).toMatchObject({
      problems: [],
      pipeline: { manifest: { path: 'sage.yaml', name: 'cloud-counter' } },
    })
  })

  it('reads sage.yml with a warning', async () => {
    expect(await read({ 'sage.yml': manifest() })).toMatchObject({
      problems: [{ severity: 'warning', code: 'manifest-misnamed', place: { file: 'sage.yml' } }],
      pipeline: { manifest: { path: 'sage.yml' } },
    })
  })

  it('reads sage.json with a warning that holds the file to write instead', async () => {
    const { problems, pipeline } = await read({
      'sage.json':
        '{"id": 7, "name": "cloud-counter", "version": "1.0.0", "description": "counts", "license": "MIT", "sources": [{"architectures": ["linux/arm64"]}]}',
    })
    expect(problems).toMatchObject([
      {
        severity: 'warning',
        code: 'sage-json',
        detail: 'name: cloud-counter\nversion: 1.0.0\ndescription: counts\nlicense: MIT\nsource:\n  architectures:\n    - linux/arm64\n',
      },
    ])
    expect(pipeline?.manifest).toMatchObject({ platforms: ['linux/arm64'], path: 'sage.json' })
  })

  it('places the problems of sage.json at its own keys where it has them', async () => {
    const { problems } = await read({
      'sage.json':
        '{"id": 7,\n "name": "Cloud Counter",\n "version": "1.0.0", "description": "counts", "license": "MIT",\n "sources": [{"architectures": ["x86"]}]}',
    })
    expect(problems.filter(({ severity }) => severity === 'error').map(({ code, place }) => [code, place?.line])).toStrictEqual([
      ['not-allowed', 1],
      ['not-allowed', 2],
    ])
    const today = await read({
      'sage.json': `{"name": "x y", "version": "1.0.0", "description": "counts", "license": "MIT",\n"source": {"architectures":\n ["linux/amd64"]}}`,
    })
    expect(today.problems.filter(({ severity }) => severity === 'error')).toMatchObject([{ place: { line: 1, column: 10 } }])
  })

  it('refuses sage.json that is no mapping', async () => {
    expect(await read({ 'sage.json': '[1]' })).toMatchObject({ pipeline: undefined, problems: [{ code: 'not-a-mapping' }] })
  })

  it('takes sage.yaml where there are both', async () => {
    expect((await read({ 'sage.json': '{', 'sage.yaml': manifest() })).problems).toStrictEqual([])
  })
})
