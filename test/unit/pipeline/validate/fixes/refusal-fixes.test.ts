import { describe, expect, it } from 'vitest'

import { meantArchitecture } from '../../../../../pipeline/validate/fixes/architecture-names.ts'
import { applyFixes } from '../../../../../pipeline/validate/fixes/apply-edits.ts'
import { survivesPortal, throughPortal } from '../../../../../pipeline/validate/fixes/portal-survival.ts'
import { fixRefusal } from '../../../../../pipeline/validate/fixes/refusal-fixes.ts'
import type { ManifestFacts } from '../../../../../pipeline/validate/rule.ts'
import { judgeAsSubmitted, judgeThroughPortal } from '../../../../../pipeline/validate/sage/judge.ts'
import type { Fix } from '../../../../../schemas/generated/types.ts'
import { REPOSITORY, factsOf } from './manifest-of.ts'

type Mode = 'portal' | 'submitted'

const REST = 'name: app\nversion: "1.2.3"\ndescription: d\n'
const SOURCE = 'source:\n  architectures: [linux/amd64]\n'
const FULL = `namespace: skylab\n${REST}source:\n  architectures: [linux/amd64]\n  url: u\n  branch: b\n`

function judge(text: string, mode: Mode, facts: Partial<ManifestFacts> = {}): readonly (Fix | undefined)[] {
  const known = factsOf(text, facts)
  return (mode === 'portal' ? judgeThroughPortal : judgeAsSubmitted)(text, known.portal).refusals.map((refusal) => fixRefusal(refusal, known))
}

/** Applies what is safe until nothing is left to do. */
function mend(text: string, mode: Mode): string {
  for (let round = 0, now = text; ; round++) {
    const fixes = judge(now, mode).flatMap((fix) => (fix?.safe === true ? [fix] : []))
    if (fixes.length === 0) return now
    expect(round).toBeLessThan(4)
    now = applyFixes(new Map([['sage.yaml', now]]), fixes).files.get('sage.yaml') ?? ''
  }
}

const isAccepted = (text: string, mode: Mode): boolean => judge(text, mode).length === 0

describe('what Sage refuses is mended', () => {
  it.each<readonly [string, string, string]>([
    ['a misspelled key', `descriptino: d # c\nname: app\n${SOURCE}`, `description: d # c\nname: app\n${SOURCE}`],
    ['a key without its first letter', `ame: app\ndescription: d\n${SOURCE}`, `name: app\ndescription: d\n${SOURCE}`],
    ['a key of source beside it', `${REST}${SOURCE}branch: work\n`, `${REST}${SOURCE}  branch: "work"\n`],
    ['a name with capitals and blanks', `name: "Sage Performance"\ndescription: d\n${SOURCE}`, `name: "sage-performance"\ndescription: d\n${SOURCE}`],
    ['a name with marks around it', `name: "(Wind profile!)"\ndescription: d\n${SOURCE}`, `name: "wind-profile"\ndescription: d\n${SOURCE}`],
    ['a source with another letter', `${REST}${SOURCE.replace('source', 'sorce')}`, `${REST}${SOURCE}`],
    ['no name', `description: d\n${SOURCE}`, `name: "cloud-counter"\ndescription: d\n${SOURCE}`],
    ['an empty name', `name:\ndescription: d\n${SOURCE}`, `name: cloud-counter\ndescription: d\n${SOURCE}`],
    ['types of other languages', inputs('bool', 'str', 'integer', 'number', 'double', 'File'), inputs('boolean', 'string', 'int', 'float', 'double', 'File')],
    ['types with a quote too many', inputs('bool"', 'Int', 'flaot'), inputs('boolean', 'int', 'float')],
    ['keys of inputs', `${REST}${SOURCE}inputs:\n  - name: a\n    typ: int\n`, `${REST}${SOURCE}inputs:\n  - id: a\n    type: int\n`],
    [
      'architectures',
      architectures('arch64', 'amd_64', '"linux/arm64/v8"', 'x86_64'),
      architectures('linux/arm64', 'linux/amd64', '"linux/arm64"', 'linux/amd64'),
    ],
    [
      'architectures in one text',
      `${REST}source:\n  architectures: linux/amd64, aarch64\n`,
      `${REST}source:\n  architectures: ["linux/amd64", "linux/arm64"]\n`,
    ],
    [
      'lists where texts belong',
      `${REST}authors:\n  - A B <a@b.c>\n  - C\nkeywords: [a, b]\n${SOURCE}`,
      `${REST}authors: "A B <a@b.c>, C"\nkeywords: "a, b"\n${SOURCE}`,
    ],
    ['an empty list where a text belongs', `${REST}authors: []\n${SOURCE}`, `${REST}authors: ""\n${SOURCE}`],
    ['nothing where a list belongs', `${REST}inputs: # none\nresources:\nmetadata: ~ # m\n${SOURCE}`, `${REST}# none\n# m\n${SOURCE}`],
    [
      'numbers among build arguments',
      `${REST}${SOURCE}  build_args:\n    A: 1 # c\n    B: true\n`,
      `${REST}${SOURCE}  build_args:\n    A: "1" # c\n    B: "true"\n`,
    ],
    ['empty build arguments', `${REST}${SOURCE}  build_args:\n`, `${REST}${SOURCE}`],
    ['a branch that is a number', `${REST}${SOURCE}  branch: 2.0\n`, `${REST}${SOURCE}  branch: "2.0"\n`],
    ['a description that is a number', `name: app\ndescription: 5\n${SOURCE}`, `name: app\ndescription: "5"\n${SOURCE}`],
    ['a description that is a list', `name: app\ndescription: [a, b]\n${SOURCE}`, `name: app\ndescription: "a, b"\n${SOURCE}`],
    [
      'a number beyond what is stored',
      `${REST}${SOURCE}metadata: {a: b}\nversion: .inf\n`.replace('version: "1.2.3"\n', ''),
      `name: app\ndescription: d\n${SOURCE}metadata: {a: b}\nversion: ".inf"\n`,
    ],
  ])('%s, for the Portal', (_, text, expected) => {
    expect(isAccepted(text, 'portal')).toBe(false)
    expect(mend(text, 'portal')).toBe(expected)
    expect(isAccepted(expected, 'portal')).toBe(true)
  })

  it.each<readonly [string, string, string]>([
    [
      'what the Portal would fill in',
      `${REST}${SOURCE}`,
      `name: app\nnamespace: "skylab"\nversion: "1.2.3"\ndescription: d\n${SOURCE}  url: "${REPOSITORY}"\n  branch: "main"\n`,
    ],
    [
      'what is there and empty',
      `namespace: ""\n${REST}source:\n  architectures: [linux/amd64]\n  url: ""\n  branch:\n`,
      `namespace: "skylab"\n${REST}source:\n  architectures: [linux/amd64]\n  url: "${REPOSITORY}"\n  branch: main\n`,
    ],
    ['a branch beside source', `${FULL.replace('  branch: b\n', '')}branch: b\n`, FULL.replace('branch: b', 'branch: "b"')],
    ['misspelled keys', FULL.replace('namespace', 'namspace').replace('branch', 'brnch').replace('description', 'descripton'), FULL],
    [
      'JSON',
      JSON.stringify({ name: 'a b', description: 'd', source: { architectures: ['arm64'] } }),
      `{"name":"a-b", "namespace": "skylab","description":"d","source":{"architectures":["linux/arm64"], "url": "${REPOSITORY}", "branch": "main"}}`,
    ],
  ])('%s, as submitted', (_, text, expected) => {
    expect(mend(text, 'submitted')).toBe(expected)
    expect(isAccepted(expected, 'submitted')).toBe(true)
  })

  it.each<readonly [string, Mode, string, string]>([
    ['an unknown key', 'portal', `${REST}${SOURCE}selector: x\n`, `${REST}${SOURCE}`],
    ['a second misspelled key', 'portal', `${REST}${SOURCE}license: MIT\nlicence: x\n`, `${REST}${SOURCE}license: MIT\n`],
    ['a key that is there already', 'portal', `${REST}${SOURCE}descriptions: x\n`, `${REST}${SOURCE}`],
    ['a key of source that is no text', 'portal', `${REST}${SOURCE}build_args: {A: b}\n`, `${REST}${SOURCE}`],
    [
      'an unknown key of an input',
      'portal',
      `${REST}${SOURCE}inputs:\n  - id: a\n    type: int\n    required: true\n`,
      `${REST}${SOURCE}inputs:\n  - id: a\n    type: int\n`,
    ],
    ['a type that Sage has nothing for', 'portal', inputs('list'), inputs('string')],
    ['a list of texts as type', 'portal', inputs('"string[]"'), inputs('"string"')],
    ['a name with accents', 'portal', named('Mésanges'), named('mesanges')],
    ['a name that is a number', 'portal', named('123'), named('"123"')],
    ['a name that is a boolean', 'portal', named('true'), named('"true"')],
    ['a name that is a folder', 'portal', named('waggle/plugin-x'), named('waggle-plugin-x')],
    ['a name that is an image', 'portal', named('plugin-x:1.0.0'), named('plugin-x-1-0-0')],
    ['a name that is an address', 'portal', named('https://github.com/a/b'), named('https-github-com-a-b')],
    ['a name with signs', 'portal', named('C++ counter'), named('c-counter')],
    ['a slash in the version', 'portal', `${REST.replace('1.2.3', '1/2')}${SOURCE}`, `${REST.replace('1.2.3', '1-2')}${SOURCE}`],
    ['another namespace than the user', 'submitted', FULL.replace('skylab', 'Sky Lab'), FULL],
  ])('%s, though not safely', (_, mode, text, expected) => {
    const fixes = judge(text, mode)
    expect(fixes).toStrictEqual([expect.objectContaining({ safe: false })])
    expect(
      applyFixes(
        new Map([['sage.yaml', text]]),
        fixes.filter((fix) => fix !== undefined),
      ).files.get('sage.yaml'),
    ).toBe(expected)
  })

  it.each<readonly [string, Mode, string]>([
    ['a name in another script', 'portal', `name: 雲雲雲雲雲雲\ndescription: d\n${SOURCE}`],
    ['a name of one letter', 'portal', `name: A\ndescription: d\n${SOURCE}`],
    ['a name that is too long', 'portal', `name: ${'a'.repeat(70)}\ndescription: d\n${SOURCE}`],
    ['a name that the Portal unquotes', 'portal', `name: on\ndescription: d\n${SOURCE}`],
    ['a name that the Portal unquotes, in capitals', 'portal', named('"On"')],
    ['a name that is a fraction', 'portal', named('1.10')],
    ['a name that is a mapping', 'portal', `name: {a: b}\ndescription: d\n${SOURCE}`],
    ['no description', 'portal', `name: app\n${SOURCE}`],
    ['an empty list as description', 'portal', `name: app\ndescription: []\n${SOURCE}`],
    ['no source for the Portal', 'portal', REST],
    ['no source', 'submitted', `namespace: skylab\n${REST}`],
    ['a source that is a text', 'submitted', `namespace: skylab\n${REST}source: here\n`],
    ['no architectures', 'portal', `${REST}source:\n  branch: main\n`],
    ['an unknown architecture', 'portal', architectures('linux/386')],
    ['unknown architectures in one text', 'portal', `${REST}source:\n  architectures: linux/amd64, linux/386\n`],
    ['blanks for architectures', 'portal', `${REST}source:\n  architectures: " "\n`],
    ['an architecture that is a number', 'portal', architectures('64')],
    ['a type from a template', 'portal', inputs('"type: int, string, boolean"')],
    ['a type that is a list', 'portal', `${REST}${SOURCE}inputs: [{id: a, type: [int]}]\n`],
    ['an input that is a text', 'portal', `${REST}${SOURCE}inputs: [rate]\n`],
    ['inputs that are a text', 'portal', `${REST}${SOURCE}inputs: rate\n`],
    ['a date in metadata', 'submitted', `${FULL}metadata: {a: 2023-01-01}\n`],
    ['a build argument that the Portal unquotes', 'portal', `${REST}${SOURCE}  build_args: {A: yes}\n`],
    ['build arguments that are a list', 'portal', `${REST}${SOURCE}  build_args: [a]\n`],
    ['a key that is no text', 'submitted', `${FULL}3: a\n`],
    ['a key of metadata that JSON does not know', 'submitted', `${FULL}metadata: {2023-01-01: a}\n`],
    ['a resource too long', 'portal', `${REST}${SOURCE}resources: [{a: ${'x'.repeat(300)}}]\n`],
    ['a source directory that is too long', 'portal', `${REST}${SOURCE}  directory: ${'x'.repeat(300)}\n`],
    ['a document that cannot be read at all', 'portal', `${REST}${SOURCE}name: app\n`],
  ])('%s is left to a person', (_, mode, text) => {
    const fixes = judge(text, mode)
    expect(fixes.length).toBeGreaterThan(0)
    expect(fixes.filter((fix) => fix?.safe === true)).toStrictEqual([])
  })

  it('two keys of one meaning only once', () => {
    const text = `${REST}${SOURCE}licence: MIT\nlicens: x\n`
    expect(mend(text, 'portal')).toBe(`${REST}${SOURCE}license: MIT\nlicens: x\n`)
  })

  it('after the repository, safely where its name is nearly one', () => {
    const after = (repository: string) => judge(`description: d\n${SOURCE}`, 'portal', { repository }).map((fix) => fix && [fix.title, fix.safe])
    expect(after('https://github.com/a/Cloud_Counter.git')).toStrictEqual([['name it cloud_counter, after the repository', true]])
    expect(after('https://github.com/a/cloud.counter')).toStrictEqual([['name it cloud-counter, after the repository', false]])
  })

  it('not with what is not known', () => {
    const facts: Partial<ManifestFacts> = { repository: undefined, portal: { user: 'local', url: 'https://github.com/owner/repository', branch: 'main' } }
    const text = `description: d\n${SOURCE}`
    expect(judge(text, 'submitted', facts).map((fix) => fix?.title)).toStrictEqual([undefined, undefined, undefined, 'write the branch main'])
  })
})

describe('the architecture that is meant', () => {
  it.each([
    ['aarch64', 'linux/arm64'],
    ['linux/arch64', 'linux/arm64'],
    ['Linux/ARM64', 'linux/arm64'],
    ['linux-amd64', 'linux/amd64'],
    ['x86-64', 'linux/amd64'],
    ['armv7l', 'linux/arm/v7'],
    ['linux/armv7', 'linux/arm/v7'],
    ['linux/amd46', 'linux/amd64'],
    ['linux/adm64', undefined],
    ['linus/arm64', 'linux/arm64'],
    ['arm', undefined],
    ['linux/386', undefined],
    ['linux/ppc64', undefined],
    ['windows/amd64', undefined],
    ['linux/arm/v9', undefined],
    ['x'.repeat(100), undefined],
  ])('by %j is %j', (word, meant) => {
    expect(meantArchitecture(word)).toBe(meant)
  })
})

describe('a text on its way through the Portal', () => {
  it.each([
    ['plain', true],
    ['1.10', true],
    ['010', true],
    ['true', true],
    ['', true],
    ['yes', false],
    ['1:30', false],
    ['1_000', false],
    ['2023-01-01', false],
    ['<<', false],
  ])('%j stays as it is: %j', (text, stays) => {
    expect(survivesPortal(text)).toBe(stays)
  })

  it.each([
    ['010', { javascript: 10, python: { type: 'int', value: 10n } }],
    ['"16:9"', { javascript: '16:9', python: { type: 'int', value: 969n } }],
    ['{a: 1}', undefined],
    ['"', undefined],
    ['"<<"', undefined],
    ['!~ !!pairs ', undefined],
    ['\n*a {---', undefined],
  ])('%s becomes %o', (written, expected) => {
    if (expected === undefined) expect(throughPortal(written)).toBeUndefined()
    else expect(throughPortal(written)).toMatchObject(expected)
  })
})

function named(name: string): string {
  return `name: ${name}\ndescription: d\n${SOURCE}`
}

function inputs(...types: readonly string[]): string {
  return `${REST}${SOURCE}inputs:\n${types.map((type, position) => `  - {id: i${position}, type: ${type}}\n`).join('')}`
}

function architectures(...names: readonly string[]): string {
  return `${REST}source:\n  architectures:\n${names.map((name) => `    - ${name}\n`).join('')}`
}
