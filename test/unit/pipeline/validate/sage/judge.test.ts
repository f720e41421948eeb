import { describe, expect, it } from 'vitest'

import type { PortalFacts } from '../../../../../pipeline/validate/rule.ts'
import { SAGE_REFUSALS } from '../../../../../pipeline/validate/rules/sage-refusals.ts'
import { readBody } from '../../../../../pipeline/validate/sage/body.ts'
import { judgeAsSubmitted, judgeThroughPortal } from '../../../../../pipeline/validate/sage/judge.ts'
import type { Refusal } from '../../../../../pipeline/validate/sage/judge.ts'

const FACTS: PortalFacts = { user: 'skylab', url: 'https://github.com/sky-lab/cloud', branch: 'main', describe: '60c72a2' }

const TOO_MANY_DIGITS = 'Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit'

const HEALTHY = 'namespace: skylab\nname: cloud\nversion: "1.2.3"\ndescription: Clouds.\nsource: {url: u, branch: b, architectures: [linux/amd64]}\n'

/** The healthy manifest with the lines of some fields replaced, or added. */
function manifest(lines: Readonly<Record<string, string>>): string {
  const kept = HEALTHY.split('\n').filter((line) => !Object.hasOwn(lines, line.split(':', 1)[0] ?? ''))
  return [...kept, ...Object.entries(lines).map(([key, value]) => (value === 'MISSING' ? '' : `${key}: ${value}`))].join('\n')
}

const withSource = (lines: string): string => manifest({ source: `{url: u, branch: b, architectures: [linux/amd64], ${lines}}` })

function submitted(text: string, facts: Partial<PortalFacts> = {}): readonly Refusal[] {
  return judgeAsSubmitted(text, { ...FACTS, ...facts }).refusals
}

function sent(text: string, facts: Partial<PortalFacts> = {}): readonly Refusal[] {
  return judgeThroughPortal(text, { ...FACTS, ...facts }).refusals
}

const summary = (refusals: readonly Refusal[]): readonly string[] => refusals.map(({ code, path, sage }) => `${code} ${path.join('.')}: ${sage}`)
const codes = (refusals: readonly Refusal[]): readonly string[] => refusals.map(({ code }) => code)

describe('judging a manifest', () => {
  it('takes a healthy one, and says what is stored', () => {
    expect(judgeAsSubmitted(HEALTHY, FACTS)).toStrictEqual({
      verdict: 'accepted',
      refusals: [],
      stored: { id: 'skylab/cloud:1.2.3', namespace: 'skylab', name: 'cloud', version: '1.2.3' },
    })
  })

  it.each<[string, Readonly<Record<string, string>>, Partial<PortalFacts>, string | undefined]>([
    ['a number keeps its digits in the id only', { version: '1.10' }, {}, 'skylab/cloud:1.1 = 1.1'],
    ['a whole float loses its point', { version: '2.0' }, {}, 'skylab/cloud:2.0 = 2'],
    ['a list of one entry is that entry', { version: '[a]' }, {}, "skylab/cloud:['a'] = a"],
    ['a date is its text', { version: '2023-01-01 10:00:00+02:00' }, {}, 'skylab/cloud:2023-01-01 10:00:00+02:00 = 2023-01-01 10:00:00'],
    ['a commit', { version: '' }, {}, 'skylab/cloud:60c72a2 = 60c72a2'],
    ['a tag', { version: 'MISSING' }, { describe: 'v1-3-gabcdef0\nmore' }, 'skylab/cloud:v1-3 = v1-3'],
  ])('stores %s', (_, lines, facts, expected) => {
    const { stored } = judgeAsSubmitted(manifest(lines), { ...FACTS, ...facts })
    expect(`${stored?.id} = ${stored?.version}`).toBe(expected)
  })

  it('does not guess a version of git', () => {
    const { describe: _, ...facts } = FACTS
    expect(judgeAsSubmitted(manifest({ version: '0' }), facts)).toStrictEqual({ verdict: 'accepted', refusals: [] })
  })

  it('finds everything at once, in the order of Sage', () => {
    const text = `name: Cloud
version: a/b
licence: MIT
description: 5
authors: [a, b]
frozen: "yes"
inputs: [{id: a}]
resources:
metadata: []
source: {branch: 1.0, architectures: [arm64], build_args: [a], directory: [a, b]}`
    expect(codes(submitted(text))).toStrictEqual([13, 17, 27, 31, 36, 39, 41, 43, 45, 21, 50, 52, 56, 56, 59].map((number) => `CTSS-M0${number}`))
  })

  it.each<[string, string, readonly string[]]>([
    ['namespace missing', manifest({ namespace: '~' }), ['CTSS-M013 namespace: namespace missing']],
    [
      'namespace short and in capitals',
      manifest({ namespace: 'AB' }),
      [
        'CTSS-M014 namespace: Could not create namespace AB: Namespace can only contain numbers and lowercase letters',
        'CTSS-M015 namespace: Could not create namespace AB: Namespace must be between 4 and 30 characters long',
      ],
    ],
    [
      'namespace of bytes',
      manifest({ namespace: '!!binary YWJjZA==' }),
      ["CTSS-M020 namespace: Could not create namespace b'abcd': cannot use a string pattern on a bytes-like object"],
    ],
    [
      'name a date',
      manifest({ name: '2023-01-01' }),
      ["CTSS-M020 name: Could not create repository skylab/2023-01-01: expected string or bytes-like object, got 'datetime.date'"],
    ],
    ['name a list', manifest({ name: '[a, b]' }), ["CTSS-M020 name: (1241, 'Operand should contain 1 column(s)')"]],
    [
      'name half a character',
      manifest({ name: '"a\\udfff"' }),
      ["CTSS-M020 name: 'utf-8' codec can't encode character '\\udfff' in position 1: surrogates not allowed"],
    ],
    [
      'name of one character',
      manifest({ name: 'a' }),
      ['CTSS-M018 name: Could not create repository skylab/a: Repository must be between 2 and 255 characters long'],
    ],
    ['name of 57 characters', manifest({ name: 'x'.repeat(57) }), []],
    [
      'name of 58 characters',
      manifest({ name: 'x'.repeat(58) }),
      [`CTSS-M019 name: Could not create repository skylab/${'x'.repeat(58)}: (1406, "Data too long for column 'resourceName' at row 1")`],
    ],
    ['version with a zero', manifest({ version: '"a\\0"' }), ['CTSS-M023 version: embedded null byte']],
    ['version infinite', manifest({ version: '.inf' }), ['CTSS-M023 version: ecr_db.listApps failed: inf can not be used with MySQL']],
    [
      'version minus infinite',
      manifest({ version: '-.inf' }),
      ["CTSS-M023 version: ecr_db.listApps failed: (1054, \"Unknown column 'infe0' in 'on clause'\")"],
    ],
    ['version null in a list', manifest({ version: '[~]' }), ['CTSS-M023 version: app not found after inserting, something went wrong']],
    [
      'version of 65 characters',
      manifest({ version: 'x'.repeat(65) }),
      ['CTSS-M022 version: insertApp returned: DataError,(1406, "Data too long for column \'version\' at row 1")'],
    ],
    [
      'version of 65 digits',
      manifest({ version: '1'.repeat(65) }),
      ['CTSS-M022 version: insertApp returned: DataError,(1406, "Data too long for column \'version\' at row 1")'],
    ],
    [
      'version of bytes that are no text',
      manifest({ version: '!!binary /w==' }),
      ["CTSS-M023 version: insertApp returned: OperationalError,(1366, \"Incorrect string value: '\\\\xFF' for column 'version' at row 1\")"],
    ],
    [
      'version with white space at the end',
      manifest({ version: `"${'x'.repeat(64)} "` }),
      ['CTSS-M022 version: app not found after inserting, something went wrong'],
    ],
    [
      'version longer than an id',
      manifest({ version: 'x'.repeat(182) }),
      ['CTSS-M022 version: insertApp returned: DataError,(1406, "Data too long for column \'id\' at row 1")'],
    ],
    [
      'version longer than the name of a file',
      manifest({ version: 'é'.repeat(120) }),
      [`CTSS-M022 version: [Errno 36] File name too long: '/temp/ecr/skylab_cloud_${'é'.repeat(120)}.tgz'`],
    ],
    ['description missing', manifest({ description: 'MISSING' }), ['CTSS-M025 description: Required field description is missing']],
    ['description empty', manifest({ description: '""' }), ['CTSS-M026 description: Required field description is missing']],
    ['source empty', manifest({ source: '{}' }), ['CTSS-M029 source: Required field source is missing']],
    ['source a text', manifest({ source: 'x' }), ['CTSS-M030 source: Field source has to be of type dict, got str']],
    ['a key that is no text', manifest({ '1': '2' }), ['CTSS-M031 1: Field 1 not supported']],
    ['inputs null', manifest({ inputs: '' }), ["CTSS-M032 inputs: 'NoneType' object is not iterable"]],
    ['inputs a text', manifest({ inputs: 'abc' }), ['CTSS-M032 inputs: Input field a not supported']],
    ['inputs a mapping of nothing', manifest({ inputs: '{"": 1}' }), ['CTSS-M032 inputs: Expected field id missing']],
    [
      'inputs bytes',
      manifest({ inputs: '!!binary YQ==' }),
      ["CTSS-M032 inputs: 'int' object is not iterable", 'CTSS-M038 inputs: Object of type bytes is not JSON serializable'],
    ],
    ['inputs an empty set', manifest({ inputs: '!!set {}' }), ['CTSS-M038 inputs: Object of type set is not JSON serializable']],
    ['inputs an empty text', manifest({ inputs: '""' }), []],
    ['input a list', manifest({ inputs: '[[id, type]]' }), ['CTSS-M033 inputs.0: list indices must be integers or slices, not str']],
    ['input a pair', manifest({ inputs: '!!pairs [id: type]' }), ['CTSS-M033 inputs.0: tuple indices must be integers or slices, not str']],
    [
      'input a set',
      manifest({ inputs: '[!!set {id}]' }),
      ["CTSS-M033 inputs.0: 'set' object is not subscriptable", 'CTSS-M038 inputs.0: Object of type set is not JSON serializable'],
    ],
    [
      'input no bytes',
      manifest({ inputs: '[!!binary ""]' }),
      ["CTSS-M033 inputs.0: a bytes-like object is required, not 'str'", 'CTSS-M038 inputs.0: Object of type bytes is not JSON serializable'],
    ],
    ['input a number', manifest({ inputs: '[1]' }), ["CTSS-M033 inputs.0: 'int' object is not iterable"]],
    ['input empty', manifest({ inputs: '[{}]' }), ['CTSS-M035 inputs.0: Expected field id missing', "CTSS-M036 inputs.0: 'type'"]],
    [
      'input with other names',
      manifest({ inputs: '[{name: a, typ: int}]' }),
      ['CTSS-M034 inputs.0.name: Input field name not supported', 'CTSS-M034 inputs.0.typ: Input field typ not supported'],
    ],
    ['input with a number for a key', manifest({ inputs: '[{id: a, type: int, 5: x}]' }), ['CTSS-M034 inputs.0.5: Input field 5 not supported']],
    ['input of a type that is a list', manifest({ inputs: '[{id: a, type: [int]}]' }), ["CTSS-M037 inputs.0.type: Input type ['int'] not supported"]],
    ['a date in the metadata', manifest({ metadata: '{a: [1, {b: 2023-01-01}]}' }), ['CTSS-M038 metadata.a.1.b: Object of type date is not JSON serializable']],
    [
      'a date for a key',
      manifest({ metadata: '{2023-01-01: a}' }),
      ['CTSS-M038 metadata.2023-01-01: keys must be str, int, float, bool or None, not datetime.date'],
    ],
    ['a number of thousands of digits', manifest({ metadata: `{a: 0x${'f'.repeat(4000)}}` }), [`CTSS-M038 metadata.a: ${TOO_MANY_DIGITS}`]],
    [
      'a number of thousands of digits for a key',
      manifest({ metadata: `\n  ? 0x${'f'.repeat(4000)}\n  : a` }),
      [`CTSS-M038 metadata.${BigInt(`0x${'f'.repeat(4000)}`)}: ${TOO_MANY_DIGITS}`],
    ],
    ['metadata that hold themselves', manifest({ metadata: '&m {a: *m}' }), ['CTSS-M038 metadata.a: Circular reference detected']],
    ['metadata that come twice', manifest({ metadata: '{a: &m {b: 1}, c: *m}' }), []],
    [
      'a resource that is a date',
      manifest({ resources: '[a, 2023-01-01]' }),
      ['CTSS-M038 resources.1: insertApp returned: TypeError,Object of type date is not JSON serializable'],
    ],
    [
      'a resource of 257 characters',
      manifest({ resources: `[${'x'.repeat(255)}]` }),
      ['CTSS-M040 resources.0: insertApp returned: DataError,(1406, "Data too long for column \'resource\' at row 1")'],
    ],
    ['a tag before the branch', withSource('branch: 1, tag: t'), []],
    ['a tag that is a number', withSource('tag: 1.0'), ['CTSS-M045 source.tag: expected str, bytes or os.PathLike object, not float']],
    ['a tag with a zero', withSource('tag: "a\\0"'), ['CTSS-M060 source.tag: embedded null byte']],
    ['a tag of bytes', withSource('tag: !!binary AGE='), ['CTSS-M060 source.tag: embedded null byte']],
    [
      'a tag that is an escaped byte',
      withSource('tag: "a\\udc80"'),
      ["CTSS-M060 source.tag: insertApp returned: UnicodeEncodeError,'utf-8' codec can't encode character '\\udc80' in position 1: surrogates not allowed"],
    ],
    ['architectures null', withSource('architectures: ~'), ["CTSS-M049 source.architectures: object of type 'NoneType' has no len()"]],
    ['architectures a mapping', withSource('architectures: {linux/amd64: 1}'), []],
    [
      'architectures a mapping of dates',
      withSource('architectures: {linux/amd64: 2023-01-01}'),
      ['CTSS-M038 source.architectures.linux/amd64: Object of type date is not JSON serializable'],
    ],
    [
      'architectures of 257 characters',
      withSource(`architectures: [${'linux/amd64, '.repeat(18)}]`),
      ['CTSS-M051 source.architectures: insertApp returned: DataError,(1406, "Data too long for column \'architectures\' at row 1")'],
    ],
    [
      'a build argument that is a date for a key',
      withSource('build_args: {2023-01-01: a}'),
      ['CTSS-M038 source.build_args.2023-01-01: keys must be str, int, float, bool or None, not datetime.date'],
    ],
    [
      'build arguments of 257 characters',
      withSource(`build_args: {A: ${'x'.repeat(248)}}`),
      ['CTSS-M054 source.build_args: insertApp returned: DataError,(1406, "Data too long for column \'build_args\' at row 1")'],
    ],
    [
      'a long directory',
      withSource(`directory: ${'x'.repeat(257)}`),
      ['CTSS-M055 source.directory: insertApp returned: DataError,(1406, "Data too long for column \'directory\' at row 1")'],
    ],
    ['an infinite homepage', manifest({ homepage: '.inf' }), ['CTSS-M061 homepage: insertApp returned: ProgrammingError,inf can not be used with MySQL']],
    [
      'a list in a list',
      manifest({ homepage: '[[]]' }),
      [
        'CTSS-M056 homepage: insertApp returned: ProgrammingError,(1064, "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near \')\' at line 1")',
      ],
    ],
    [
      'authors over a character at the limit',
      manifest({ authors: `x${'é'.repeat(32_768)}` }),
      ['CTSS-M058 authors: insertApp returned: DataError,(1406, "Data too long for column \'authors\' at row 1")'],
    ],
    [
      'authors with half a character at the limit',
      manifest({ authors: 'é'.repeat(32_768) }),
      ["CTSS-M058 authors: insertApp returned: OperationalError,(1366, \"Incorrect string value: '\\\\xC3\\\\xA9' for column 'authors' at row 1\")"],
    ],
    [
      'bytes that MySQL takes and Python does not read',
      manifest({ authors: '!!binary 7aCA' }),
      ["CTSS-M060 authors: 'utf-8' codec can't decode byte 0xed in position 0: invalid continuation byte"],
    ],
    ['bytes that are a text', manifest({ authors: '!!binary aGk=' }), []],
    [
      'frozen a number',
      manifest({ frozen: '200' }),
      ['CTSS-M059 frozen: insertApp returned: DataError,(1264, "Out of range value for column \'frozen\' at row 1")'],
    ],
    ['frozen null', manifest({ frozen: '' }), []],
    ['a list', '- a\n', ["CTSS-M012 : 'list' object has no attribute 'get'"]],
    ['nothing', '# nothing\n', ['CTSS-M012 : Could not parse app spec']],
    [
      'no YAML',
      'a: b: c\n',
      ['CTSS-M010 : ScannerError: mapping values are not allowed here\n  in "<unicode string>", line 1, column 5:\n    a: b: c\n        ^'],
    ],
  ])('says of %s what Sage says', (_, text, expected) => {
    expect(summary(submitted(text))).toStrictEqual(expected)
  })

  it('says where it cannot be read, and that the answer is a page', () => {
    expect(submitted('a: b: c\n')).toMatchObject([{ start: 4, status: 500, html: true, accident: true }])
  })

  it.each<[string, Partial<PortalFacts>, readonly string[]]>([
    ['two hyphens too many', { describe: 'v1-rc-1-0-g1234567' }, ['CTSS-M024 version: Could not parse version string v1-rc-1-0-g1234567']],
    ['a short word', { describe: 'abc' }, ['CTSS-M024 version: Could not parse version string abc']],
    ['a tag with a slash, where there is a version', { describe: 'a/b-0-g1234567' }, []],
  ])('reads what git describes: %s', (_, facts, expected) => {
    expect(summary(submitted(HEALTHY, facts))).toStrictEqual(expected)
  })

  it('holds a tag with a slash against the version that is made of it', () => {
    expect(codes(submitted(manifest({ version: 'MISSING' }), { describe: 'a/b-0-g1234567' }))).toStrictEqual(['CTSS-M021'])
  })

  it('tells accidents from refusals', () => {
    expect(submitted(manifest({ inputs: '', foo: 'x', version: '.nan' })).map(({ code, accident }) => [code, accident])).toStrictEqual([
      ['CTSS-M023', true],
      ['CTSS-M031', false],
      ['CTSS-M032', true],
    ])
  })

  it.each<[string, string, string]>([
    ['a name', manifest({ name: 'Cloud Counter!' }), 'Write cloud-counter.'],
    ['a name without a letter that is left', manifest({ name: '名前' }), 'Use only lower-case letters, digits, - and _.'],
    ['a namespace', manifest({ namespace: 'Sky-Läb' }), 'Write skylab.'],
    ['a key', manifest({ licence: 'MIT' }), 'Did you mean license?'],
    ['a key that is there already', manifest({ Name: 'x' }), 'Delete it, or move what it says below metadata:.'],
    ['a key of the source', manifest({ branch: 'x' }), 'Move branch below source:.'],
    ['a key like one of the source', manifest({ architecture: 'x' }), 'Did you mean architectures, below source:?'],
    ['a type', manifest({ inputs: '[{id: a, type: bool}]' }), 'Write boolean.'],
    ['a type in capitals', manifest({ inputs: '[{id: a, type: Int}]' }), 'Write int.'],
    ['a type that is like none', manifest({ inputs: '[{id: a, type: picture}]' }), 'Use boolean, int, long, float, double, string or File.'],
    ['an architecture', withSource('architectures: [amd_64]'), 'Write linux/amd64.'],
    ['an architecture that is like none', withSource('architectures: [sparc]'), 'Use linux/amd64, linux/arm64, linux/arm/v6, linux/arm/v7 or linux/arm/v8.'],
    ['an architecture without a list', withSource('architectures: linux/amd64'), 'Write [linux/amd64].'],
    ['a version with slashes', manifest({ version: 'a/b/c' }), 'Write "a-b-c", for instance.'],
    ['a number', manifest({ description: '5' }), 'Put it in quotes.'],
    ['a list', manifest({ description: '[a]' }), 'Write one text, not a list.'],
    ['binary data', manifest({ metadata: '{a: !!binary YQ==}' }), 'Write it as text, or as a plain list or mapping.'],
    ['nothing', manifest({ description: '' }), 'Write a sentence about what the plugin does.'],
    ['a name in a list', manifest({ name: '[a]' }), 'Write one name after name:.'],
    ['a tag in a list', withSource('tag: [a]'), 'Write one text after tag:.'],
  ])('proposes something for %s', (_, text, expected) => {
    expect(submitted(text)[0]?.suggestion).toBe(expected)
  })
})

describe('judging through the Portal', () => {
  it('fills in the namespace, the address and the branch', () => {
    expect(judgeThroughPortal('name: cloud\nversion: "1.0"\ndescription: d\nsource: {architectures: [linux/amd64]}\n', FACTS).stored).toStrictEqual({
      id: 'skylab/cloud:1.0',
      namespace: 'skylab',
      name: 'cloud',
      version: '1.0',
    })
  })

  it('knows what the author wrote when quotes got lost', () => {
    const text =
      'name: cloud\ndescription: "yes"\nversion: "1.0.0"\nsource: {architectures: [linux/amd64]}\nmetadata: {day: "2023-01-01", list: ["2023-01-01"]}\n'
    expect(sent(text).map(({ code, path, suggestion }) => [code, path.join('.'), suggestion])).toStrictEqual([
      ['CTSS-M027', 'description', expect.stringContaining('The Portal drops quotes')],
      ['CTSS-M038', 'metadata.day', expect.stringContaining('The Portal drops the quotes')],
    ])
    expect(submitted(text).map(({ code }) => code)).not.toContain('CTSS-M027')
  })

  it('blames the user for a namespace', () => {
    expect(sent(HEALTHY, { user: 'Sky-Lab' })).toMatchObject([{ code: 'CTSS-M014', path: ['namespace'], suggestion: 'Register as another Sage user.' }])
  })

  it('writes U+FFFD for half a character, as browsers do', () => {
    expect(sent(manifest({ authors: '"\\ud800"' }))).toStrictEqual([])
  })

  it.each<[string, string, string]>([
    ['no name', manifest({ name: '' }), 'CTSS-M016 name'],
    ['no source', manifest({ source: 'MISSING' }), 'CTSS-M029 source'],
    ['a source that is null', manifest({ source: '' }), 'CTSS-M030 source'],
    ['an empty text', '', 'CTSS-M012 '],
    ['a list', '[a]', 'CTSS-M012 '],
    ['two documents', `${HEALTHY}---\n`, 'CTSS-M011 '],
    ['what is no YAML', '\ta: [', 'CTSS-M011 '],
    ['what the Portal alone does not read', manifest({ authors: '[a b, : ]\n - c' }), 'CTSS-M011 '],
  ])('says why the button stays disabled: %s', (_, text, expected) => {
    const [first] = sent(text)
    expect(`${first?.code} ${first?.path.join('.')}`).toBe(expected)
    expect(first).toMatchObject({ status: 0, accident: false, sage: expect.stringMatching(/^portal: /) })
  })

  it('judges the rest although the Portal refuses', () => {
    const refusals = sent('name: Cloud\nname: Clouds\nfoo: 1\nsource: {architectures: [arm64], branch: x}\ndescription: d\n')
    expect(refusals.map(({ code, start }) => [code, start])).toStrictEqual([
      ['CTSS-M011', 12],
      ['CTSS-M017', undefined],
      ['CTSS-M031', undefined],
      ['CTSS-M050', undefined],
    ])
    expect(codes(sent('name: [a]\nname: a\nsource: x\n'))).toStrictEqual(['CTSS-M011', 'CTSS-M018', 'CTSS-M025', 'CTSS-M030'])
  })

  it('finds keys that stand twice further below', () => {
    expect(sent('name: a\nsource: {a: [{b: 1, b: 2}]}\n')[0]).toMatchObject({ code: 'CTSS-M011', start: 28 })
  })

  it('takes a reading that is known already', () => {
    for (const text of [manifest({ description: '"yes"' }), '{"name": "a", "source": {"x": 1e3}, "description": "yes"}'])
      expect(judgeThroughPortal(text, FACTS, readBody(text))).toStrictEqual(judgeThroughPortal(text, FACTS))
    expect(judgeAsSubmitted(HEALTHY, FACTS, readBody(HEALTHY))).toStrictEqual(judgeAsSubmitted(HEALTHY, FACTS))
  })

  it('passes on what Sage cannot read in the words of the Portal', () => {
    expect(sent(manifest({ keywords: '"<<"' }))).toMatchObject([{ code: 'CTSS-M010', html: true, suggestion: expect.stringContaining('The Portal wrote it') }])
  })
})

describe('a manifest of 256 KiB', () => {
  const fill = (head: string, line: (index: number) => string): string => {
    const lines = [head]
    for (let index = 0, length = head.length; length < 256 * 1024; index++) length += lines[lines.push(line(index)) - 1]?.length ?? 0
    return lines.join('')
  }

  it.each<[string, string, string]>([
    ['unknown fields', fill(HEALTHY, (index) => `nam${index}:\n`), 'CTSS-M031'],
    ['unknown fields of an input', fill(`${HEALTHY}inputs:\n- id: a\n`, (index) => `  typ${index}: 1\n`), 'CTSS-M034'],
    ['inputs', fill(`${HEALTHY}inputs:\n`, (index) => `- {id: a, type: str${index}}\n`), 'CTSS-M037'],
    ['architectures', fill(manifest({ source: '{url: u, branch: b, architectures: [' }), () => 'amd,').concat(']}'), 'CTSS-M050'],
    [
      'build arguments',
      fill(manifest({ source: '{url: u, branch: b, architectures: [linux/amd64], build_args: {' }), (index) => `A${index}: 1,`).concat('}}'),
      'CTSS-M053',
    ],
    ['dates', fill(`${HEALTHY}resources:\n`, () => '- 2023-01-01\n'), 'CTSS-M038'],
    ['entries of a list', fill(`${HEALTHY}authors: [`, () => 'a,').concat(']'), 'CTSS-M056'],
    ['digits', fill(`${HEALTHY}frozen: "`, () => '0').concat('x"'), 'CTSS-M059'],
    ['slashes', manifest({ version: '/'.repeat(250_000) }), 'CTSS-M021'],
  ])('of %s is judged in both modes', (_, text, expected) => {
    const refusals = submitted(text)
    expect(codes(refusals)).toContain(expected)
    sent(text)
  })
})

describe('the documents of the refusals', () => {
  it('are complete, and in order', () => {
    const numbers = SAGE_REFUSALS.map(({ code }) => code)
    expect(numbers).toStrictEqual(Array.from({ length: 52 }, (_, index) => `CTSS-M0${index + 10}`))
  })
})
