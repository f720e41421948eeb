import { describe, expect, it } from 'vitest'

import { applyFixes } from '../../../../../pipeline/validate/fixes/apply-edits.ts'
import type { Place } from '../../../../../schemas/generated/types.ts'
import type { ManifestFacts } from '../../../../../pipeline/validate/rule.ts'
import { proposeVersion } from '../../../../../pipeline/validate/rules/manifest-warnings-identity.ts'
import { MANIFEST_RULES } from '../../../../../pipeline/validate/rules/manifest-warnings.ts'
import { factsOf } from '../fixes/manifest-of.ts'

const KEYS = { name: 'cloud-counter', version: '"1.2.3"', description: 'Counts clouds', license: 'MIT', source: '{architectures: [linux/amd64, linux/arm64]}' }

type Lines = Readonly<Record<string, string | undefined>>

function textOf(lines: Lines): string {
  return Object.entries({ ...KEYS, ...lines })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('')
}

/** Every finding as its code and the text that it stands at. */
function check(lines: Lines, facts: Partial<ManifestFacts> = {}): readonly string[] {
  const text = textOf(lines)
  const known = factsOf(text, facts)
  return MANIFEST_RULES.flatMap((rule) => [...rule.check(known)].map(({ place }) => `${rule.code.slice(5)} ${written(text, place)}`))
}

function written(text: string, { line = 1, column, endColumn }: Place): string {
  return column === undefined ? `line ${line}` : (text.split('\n')[line - 1] ?? '').slice(column - 1, endColumn === undefined ? column : endColumn - 1)
}

/** The text with all fixes of a code. */
function mend(code: string, lines: Lines, safe: boolean): string | undefined {
  const known = factsOf(textOf(lines))
  const rule = MANIFEST_RULES.find((each) => each.code === code)
  const fixes = [...(rule?.check(known) ?? [])].flatMap(({ fix }) => fix ?? [])
  expect(fixes.map((fix) => fix.safe)).toStrictEqual(fixes.map(() => safe))
  return applyFixes(new Map([['sage.yaml', textOf(lines)]]), fixes).files.get('sage.yaml')
}

/** Made here, lest somebody takes the test for a leak. */
const TOKEN = `ghp_${'R4nd0mT0ken'.repeat(4).slice(0, 36)}`

const inputs = (...each: readonly string[]): Lines => ({ inputs: `[${each.map((input) => `{${input}}`).join(', ')}]` })
const source = (rest: string): Lines => ({ source: `{architectures: [linux/amd64], ${rest}}` })

describe('warnings about a manifest', () => {
  it.each<readonly [string, Lines, readonly string[]]>([
    ['nothing wrong', {}, []],
    // Version
    ['a version of two parts', { version: '"1.0"' }, ['M100 "1.0"']],
    ['a version of four parts', { version: '0.23.7.11' }, []],
    ['a version that begins with v', { version: 'v1' }, []],
    ['the version latest', { version: 'latest' }, []],
    ['a commit as version', { version: 'a1b2c3d' }, ['M100 a1b2c3d']],
    ['a version with a suffix', { version: '1.2.3-rc.1' }, []],
    ['a date as version', { version: '2023-01-02' }, ['M100 2023-01-02']],
    ['a version that is a float', { version: '1.10' }, ['M100 1.10', 'M101 1.10']],
    ['a version that is an integer', { version: '3' }, ['M100 3', 'M101 3']],
    ['a version that is a boolean', { version: 'yes' }, ['M100 yes', 'M101 yes']],
    ['a version that is a list', { version: '["1.2.3"]' }, ['M101 version']],
    ['a version that is a mapping', { version: '{a: 1}' }, ['M101 version']],
    ['a version of ten thousand digits', { version: '1'.repeat(4000) }, []],
    ['a version that only Python takes for a text', { version: '1e3' }, ['M100 1e3', 'M170 1e3']],
    ['no version', { version: undefined }, ['M102 line 1']],
    ['an empty version', { version: '' }, ['M102 version']],
    ['an empty text as version', { version: '""' }, ['M102 ""']],
    ['zero as version', { version: '0' }, ['M102 0']],
    ['zero point zero as version', { version: '0.0' }, ['M102 0.0']],
    ['false as version', { version: 'false' }, ['M102 false']],
    ['an empty list as version', { version: '[]' }, ['M102 version']],
    ['an empty mapping as version', { version: '{}' }, ['M102 version']],
    ['a version with a blank', { version: '"1.2.3 b"' }, ['M103 "1.2.3 b"']],
    ['a version that begins with a hyphen', { version: '"-1.2.3"' }, ['M103 "-1.2.3"']],
    ['a version with a slash, which Sage refuses', { version: '1.2.3/4' }, []],
    ['a version that Sage’s table cannot hold', { version: `1.2.3 ${'x'.repeat(60)}` }, []],
    // Name and address
    ['a name that begins with a hyphen', { name: '-a' }, ['M104 -a']],
    ['a name with three underscores', { name: 'a___b' }, ['M104 a___b', 'M105 a___b']],
    ['a name with an underscore', { name: 'a_b' }, ['M105 a_b']],
    ['a name of nothing but signs', { name: '"__"' }, ['M104 "__"', 'M105 "__"']],
    ['a name that Sage refuses', { name: 'A_b' }, []],
    ['its own address', source('url: "https://github.com/Sky-Lab/cloud-counter.git"'), []],
    ['another address', source('url: "https://github.com/other/copy"'), ['M106 "https://github.com/other/copy"']],
    ['an address too long for Sage', source(`url: "https://github.com/${'x'.repeat(300)}"`), []],
    // Texts
    ['a description from a template', { description: 'My hello world app' }, ['M107 My hello world app']],
    ['an author from a template', { authors: '"Your Name <me@home.org>"' }, ['M107 "Your Name <me@home.org>"']],
    ['an address from a template', { homepage: 'https://github.com/username/plugin-hello-world' }, ['M107 https://github.com/username/plugin-hello-world']],
    ['braces from a template', { keywords: '"{{ cookiecutter.keywords }}"' }, ['M107 "{{ cookiecutter.keywords }}"']],
    ['angle brackets from a template', { authors: '"<your name here>"' }, ['M107 "<your name here>"']],
    [
      'an address of source from a template',
      source('url: "https://github.com/sky-lab/plugin-your-plugin-link"'),
      ['M106 "https://github.com/sky-lab/plugin-your-plugin-link"', 'M107 "https://github.com/sky-lab/plugin-your-plugin-link"'],
    ],
    ['a build argument from a template', source('build_args: {BUCKET: "your-bucket-id"}'), ['M107 "your-bucket-id"', 'M112 build_args']],
    ['an input from a template', inputs('id: your-parameters, type: int'), ['M107 your-parameters']],
    ['metadata from a template', { metadata: '{my-science-data: 12345}' }, ['M107 12345']],
    ['other metadata', { metadata: '{my-science-data: 7}' }, []],
    ['a word about yours that is meant', { description: 'Shows what your plugin sees <https://a.org>', authors: 'Yourick Name' }, []],
    ['a homepage without its beginning', { homepage: 'github.com/sky-lab/x' }, ['M108 github.com/sky-lab/x']],
    ['a homepage that is none', { homepage: 'soon' }, ['M108 soon']],
    ['a homepage', { homepage: 'http://sky.org' }, []],
    ['an empty homepage', { homepage: '""' }, []],
    ['a homepage that is a number', { homepage: '5' }, ['M124 5']],
    ['a blank description', { description: '"  "' }, ['M109 "  "']],
    ['a token anywhere', { metadata: `{a: [${TOKEN}]}` }, [`M110 ${TOKEN}`]],
    ['a token in a build argument, once', source(`build_args: {GH_TOKEN: "${TOKEN}"}`), [`M110 ${TOKEN}`, 'M112 build_args']],
    [
      'a secret by its name, in a build argument',
      source('build_args: {SAGE_USER_TOKEN: "f0e1d2c3b4a5968778695a4b3c2d1e0f12345fed"}'),
      ['M110 "f0e1d2c3b4a5968778695a4b3c2d1e0f12345fed"', 'M112 build_args'],
    ],
    [
      'a secret by its name, as default',
      inputs('id: api-key, type: string, default: "f0e1d2c3b4a5968778695a4b3c2d1e0f98765fed"'),
      ['M110 "f0e1d2c3b4a5968778695a4b3c2d1e0f98765fed"'],
    ],
    ['a secret that is not there', inputs('id: api-key, type: string', 'id: password, type: string, default: ""'), []],
    ['inputs that are no mappings', { inputs: '[rate]' }, []],
    ['semicolons', { keywords: 'a; b', authors: 'A (x;), B', collaborators: 'C;' }, ['M122 a; b']],
    // Source
    ['what Sage drops', { testing: '{command: [a]}', arguments: '[a]', depends_on: '""', baseCommand: '' }, ['M111 arguments', 'M111 testing']],
    ['arguments that are none', { arguments: '[]' }, []],
    ['build arguments', source('build_args: {A: b}'), ['M112 build_args']],
    ['no build arguments', source('build_args: {}'), []],
    ['a misspelled key of source', source('dockerfil: D'), ['M113 dockerfil']],
    ['another key of source', source('git_commit: D'), ['M113 git_commit']],
    ['32-bit Arm beside others', { source: '{architectures: [linux/amd64, linux/arm/v7]}' }, ['M114 linux/arm/v7']],
    ['32-bit Arm alone', { source: '{architectures: [linux/arm/v6]}' }, ['M114 linux/arm/v6']],
    ['an architecture that is none', { source: '{architectures: [linux/arm/v9]}' }, []],
    ['an architecture twice', { source: '{architectures: [linux/amd64, linux/amd64]}' }, ['M115 linux/amd64']],
    // Inputs
    ['an input three times', inputs('id: a, type: int', 'id: a, type: int', 'id: a, type: int'), ['M116 a', 'M116 a']],
    ['an input with dashes', inputs('id: --rate, type: string'), ['M117 --rate']],
    ['an input of nothing but dashes', inputs('id: "--", type: string'), ['M117 "--"']],
    [
      'defaults that fit',
      inputs(
        'id: a, type: int, default: 5', 'id: b, type: float, default: "0.5"', 'id: c, type: boolean, default: false', 'id: d, type: string, default: 3', 'id: e, type: long, default: ""',
        'id: f, type: double, default: 1', 'id: g, type: int, default: "-1_000"', 'id: h, type: boolean, default: "No"', 'id: i, type: boolean, default: 1', 'id: j, type: float, default: "-inf"',
        'id: k, type: File, default: a', 'id: l, type: odd, default: [a]', 'id: m, type: int, default: ~', 'id: n, type: boolean, default: "0"',
      ), // prettier-ignore
      [],
    ],
    [
      'defaults that do not fit',
      inputs(
        'id: a, type: int, default: 0.5', 'id: b, type: double, default: x', 'id: c, type: boolean, default: "maybe"', 'id: d, type: string, default: [a]', 'id: e, type: long, default: "1.5"', 'id: f, type: File, default: {a: 1}',
        'id: g, type: float, default: true', 'id: h, type: boolean, default: 2',
      ), // prettier-ignore
      ['M118 0.5', 'M118 x', 'M118 "maybe"', 'M118 default', 'M118 "1.5"', 'M118 default', 'M118 true', 'M118 2'],
    ],
    [
      'ids that can be no flags',
      inputs('id: "a b", type: int', 'id: "a=b", type: int', 'id: "", type: int', 'id: ~, type: int', 'id: 5, type: int'),
      ['M119 "a b"', 'M119 "a=b"', 'M119 ""', 'M119 ~', 'M119 5'],
    ],
    ['no id, which Sage refuses', inputs('type: int'), []],
    // Licence
    ['no licence', { license: undefined }, ['M120 line 1']],
    ['an empty licence', { license: '""' }, ['M120 license']],
    ['nothing as licence', { license: '' }, ['M120 license']],
    ['a licence of its own', { license: 'The license agreed by the laboratory' }, ['M121 The license agreed by the laboratory']],
    ['a licence without its version', { license: 'Apache' }, ['M121 Apache']],
    ['a licence in words', { license: 'MIT License' }, ['M123 MIT License']],
    ['a licence that leaves something open', { license: 'GPLv3' }, ['M123 GPLv3']],
    ['two licences', { license: 'MIT, BSD 3-clause' }, ['M123 MIT, BSD 3-clause']],
    ['a licence too long for Sage', { license: 'MIT '.repeat(100) }, []],
    ['a licence that is a number', { license: '5' }, ['M121 5', 'M124 5']],
    [
      'what is stored otherwise than as a text',
      { license: '{name: MIT}', authors: '[Jane]', keywords: '[[a]]', funding: 'true', homepage: '{}', collaborators: '1.50' },
      ['M124 license', 'M124 authors', 'M124 keywords', 'M124 true', 'M124 homepage', 'M124 1.50'],
    ],
    ['a date as funding, which is stored as it is', { funding: '2023-01-02' }, []],
    ['lists and numbers that Sage refuses', { authors: '[a, b]', keywords: '[]', funding: '.inf', collaborators: '[[]]' }, []],
    ['a number that no table holds', { funding: '1'.repeat(30) }, ['M170 111111111111111111111111111111']],
    ['a long number in a list', { funding: `[${'1'.repeat(30)}]` }, ['M170 111111111111111111111111111111']],
    // YAML 1.1 and 1.2
    ['a boolean that only Python knows', { metadata: '{a: no, b: true, c: False}' }, ['M170 no']],
    ['octal numbers', inputs('id: a, type: string, default: 010', 'id: b, type: string, default: 0o10'), ['M170 010', 'M170 0o10']],
    ['minutes and seconds', { metadata: '{a: 1:30, b: 1:30.5}' }, ['M170 1:30', 'M170 1:30.5']],
    ['numbers that are the same', { metadata: '{a: 1.0, b: 0x1F, c: -3, d: 1.5e+3, e: .5, f: 2023-01-02, g: 1.}' }, []],
    ['large numbers', { metadata: '{a: 9007199254740993}' }, ['M170 9007199254740993']],
    ['underscores in a number', { metadata: '{a: 1_000}' }, ['M170 1_000']],
    ['an exponent without its sign', { metadata: '{a: 1e3}' }, ['M170 1e3']],
    ['texts that begin like numbers', { metadata: '{a: 1.2.3, b: -x, c: +1 555, d: .hidden}' }, []],
    ['quotes that vanish', { metadata: '{a: "16:9", b: \'no\', c: "2023-01-01", d: "1.0", e: "true"}' }, ['M171 "16:9"', "M171 'no'", 'M171 "2023-01-01"']],
    ['quotes around what breaks the server', { metadata: '{a: "<<"}' }, ['M171 "<<"']],
    ['an alias, once', { funding: '&x yes', metadata: '{a: *x}' }, ['M170 yes']],
    ['scalars of several lines', { metadata: '{a: 1\n   2, b: "no\n\n  "}' }, []],
    // What Sage refuses, and these rules are silent about
    ['values of every wrong kind', { name: '[1]', source: '[1]', inputs: '{a: 1}', license: '[]', homepage: '[]', description: '{}' }, []],
  ])('find %s', (_, lines, expected) => {
    const found = check(lines)
    expect(found.toSorted()).toStrictEqual([...expected].toSorted())
  })

  it('compare no address that is not known', () => {
    const lines = source('url: "https://github.com/other/copy"')
    expect(check(lines, { repository: undefined })).toStrictEqual([])
    expect(check(lines, { repository: 'a-folder' })).toStrictEqual([])
  })

  it('say what Git says of the version', () => {
    const known = factsOf(textOf({ version: undefined }), { portal: { user: 'skylab', url: 'https://a.org/b', branch: 'main', describe: '60c72a2' } })
    expect([...(MANIFEST_RULES.find(({ code }) => code === 'CTSS-M102')?.check(known) ?? [])].map(({ message }) => message)).toStrictEqual([
      'sage.yaml has no `version`: it is taken from Git (git describe says 60c72a2).',
    ])
  })

  it.each<readonly [string, Lines, string]>([
    ['CTSS-M101', { version: '1.10' }, '`version: 1.10` is a number without quotes: the Portal registers 1.1, a direct submission 1.1.'],
    ['CTSS-M101', { version: '1.0' }, '`version: 1.0` is a number without quotes: the Portal registers 1, a direct submission 1.0.'],
    ['CTSS-M101', { version: '010' }, '`version: 010` is a number without quotes: the Portal registers 10, a direct submission 8.'],
    ['CTSS-M101', { version: '7' }, '`version: 7` is a number without quotes: it is registered as 7.'],
    ['CTSS-M170', { funding: 'no' }, '`funding`: Sage reads no as false, the Portal as the text "no"; through the Portal Sage gets false.'],
    ['CTSS-M170', { funding: '010' }, '`funding`: Sage reads 010 as 8, the Portal as 10.'],
    ['CTSS-M170', { funding: '1e3' }, '`funding`: Sage reads 1e3 as the text "1e3", the Portal as 1000.'],
    ['CTSS-M170', { funding: '1:30.5' }, '`funding`: Sage reads 1:30.5 as 90.5, the Portal as the text "1:30.5"; through the Portal Sage gets 90.5.'],
    ['CTSS-M171', { funding: '"2023-01-01"' }, '`funding`: the Portal takes the quotes off, and Sage then reads the date 2023-01-01.'],
    ['CTSS-M171', { funding: '"<<"' }, '`funding`: the Portal takes the quotes off, and Sage then breaks on it.'],
  ])('%s: %o', (code, lines, message) => {
    const rule = MANIFEST_RULES.find((each) => each.code === code)
    const shown = message.replace('the Portal registers 1.1, a direct submission 1.1', 'it is registered as 1.1')
    expect([...(rule?.check(factsOf(textOf(lines))) ?? [])].map((finding) => finding.message)).toStrictEqual([shown])
  })

  it.each<readonly [string, Lines, string]>([
    ['CTSS-M100', { version: '1.10' }, 'Write version: "1.10.0".'],
    ['CTSS-M101', { version: '1.10' }, 'Write version: "1.10.0", or at least "1.10", in quotes.'],
    ['CTSS-M100', { version: '"1.10"' }, 'Write version: "1.10.0".'],
    ['CTSS-M100', { version: '.5' }, 'Write version: "0.5.0".'],
    ['CTSS-M101', { version: '.5' }, 'Write version: "0.5.0".'],
    ['CTSS-M100', { version: '1' }, 'Write version: "1.0.0".'],
    ['CTSS-M101', { version: '1.' }, 'Write version: "1.0.0".'],
    ['CTSS-M101', { version: 'yes' }, 'Write three numbers with dots between them, in quotes.'],
    ['CTSS-M101', { version: '["1.2"]' }, 'Write version: "1.2.0".'],
    ['CTSS-M101', { version: '[1, 2]' }, 'Write three numbers with dots between them, in quotes.'],
    ['CTSS-M101', { version: '{a: 1}' }, 'Write three numbers with dots between them, in quotes.'],
    ['CTSS-M103', { version: '"1.0.0 "' }, 'Write version: "1.0.0".'],
    ['CTSS-M105', { name: 'a_b' }, 'A new plugin is better called a-b.'],
    ['CTSS-M105', { name: '_x' }, 'Give a new plugin a name without underscores.'],
    ['CTSS-M124', { license: '{name: MIT}' }, 'Write one text, for instance license: "MIT".'],
    ['CTSS-M124', { license: '{a: 1}' }, 'Write one text after license:, in quotes.'],
  ])('%s advises for %o: %s', (code, lines, advice) => {
    const rule = MANIFEST_RULES.find((each) => each.code === code)
    expect([...(rule?.check(factsOf(textOf(lines))) ?? [])].map(({ suggestion }) => suggestion)).toStrictEqual([advice])
  })

  it.each([
    ['1.0.0 beta', '1.0.0-beta'],
    ['-1.2.3', '1.2.3'],
    ['1.00', '1.0.0'],
    ['V1.2', '1.2.0'],
    ['v2 beta', 'v2-beta'],
    ['1.0-rc1', '1.0.0-rc1'],
    ['2023-01-02', '2023.1.2'],
    ['a1b2c3d', undefined],
    ['1a2b3c4', undefined],
    ['1e3', undefined],
    ['1_000', undefined],
    ['.', undefined],
    ['V', undefined],
    ['', undefined],
    ['1'.repeat(65), undefined],
  ])('the version meant by %j is %j', (text, version) => {
    expect(proposeVersion(text)).toBe(version)
  })

  it.each<readonly [string, Lines, string]>([
    ['license', { license: '{name: MIT}' }, "`license` is a mapping, not a text: Sage stores \"{'name': 'MIT'}\"."],
    ['authors', { authors: '[Jane]' }, '`authors` is a list, not a text: Sage stores "Jane".'],
    ['funding', { funding: 'true' }, '`funding` is true or false, not a text: Sage stores "1".'],
    ['keywords', { keywords: '1.50' }, '`keywords` is a number, not a text: Sage stores "1.5".'],
  ])('what Sage stores is shown: %s', (_, lines, message) => {
    const rule = MANIFEST_RULES.find(({ code }) => code === 'CTSS-M124')
    expect([...(rule?.check(factsOf(textOf(lines))) ?? [])].map((finding) => finding.message)).toStrictEqual([message])
  })

  it.each<readonly [string, Lines, Lines]>([
    ['CTSS-M124', { keywords: '[a b]' }, { keywords: '"a b"' }],
    ['CTSS-M124', { license: '5' }, { license: '"5"' }],
    ['CTSS-M124', { funding: 'true' }, { funding: '"true"' }],
    ['CTSS-M101', { version: '1.10 # c' }, { version: '"1.10" # c' }],
    ['CTSS-M104', { name: '-a___b-_c-' }, { name: 'a__b-c' }],
    ['CTSS-M108', { homepage: '"www.sky.org"' }, { homepage: '"https://www.sky.org"' }],
    ['CTSS-M113', source('dockerfil: D'), source('dockerfile: D')],
    ['CTSS-M115', { source: '\n  architectures:\n    - linux/amd64\n    - linux/amd64 # y' }, { source: '\n  architectures:\n    - linux/amd64\n    # y' }],
    ['CTSS-M115', { source: '{architectures: [linux/amd64, linux/amd64]}' }, { source: '{architectures: [linux/amd64]}' }],
    ['CTSS-M117', inputs('id: "--rate", type: int'), inputs('id: "rate", type: int')],
    ['CTSS-M122', { keywords: 'a; b;c;' }, { keywords: '"a, b, c"' }],
    ['CTSS-M123', { license: '"MIT License"' }, { license: '"MIT"' }],
    ['CTSS-M170', inputs('id: a, type: string, default: 010'), inputs('id: a, type: string, default: "010"')],
    ['CTSS-M170', { funding: '010' }, { funding: '"010"' }],
    ['CTSS-M170', source('branch: 0o17'), source('branch: "0o17"')],
  ])('%s is mended safely: %o', (code, lines, mended) => {
    expect(mend(code, lines, true)).toBe(textOf(mended))
  })

  it.each<readonly [string, Lines, Lines | undefined]>([
    ['CTSS-M106', source('url: "https://github.com/other/copy"'), source('url: "https://github.com/sky-lab/cloud-counter"')],
    ['CTSS-M111', { testing: 'a' }, {}],
    ['CTSS-M113', source('testing: a'), { source: '{architectures: [linux/amd64]}' }],
    ['CTSS-M113', source('url: a, urls: b'), source('url: a')],
    ['CTSS-M114', { source: '{architectures: [linux/amd64, linux/arm/v7]}' }, { source: '{architectures: [linux/amd64]}' }],
    ['CTSS-M123', { license: 'GPLv3' }, { license: 'GPL-3.0-only' }],
    ['CTSS-M170', { metadata: '{a: 010}' }, { metadata: '{a: "010"}' }],
    ['CTSS-M170', inputs('id: a, type: int, default: 010'), inputs('id: a, type: int, default: "010"')],
    ['CTSS-M170', { frozen: '0o1' }, { frozen: '"0o1"' }],
  ])('%s is mended by a person’s leave: %o', (code, lines, mended) => {
    expect(mend(code, lines, false)).toBe(mended === undefined ? undefined : textOf(mended))
  })

  it.each<readonly [string, Lines]>([
    ['CTSS-M101', { version: 'yes' }],
    ['CTSS-M104', { name: '"__"' }],
    ['CTSS-M104', { name: '-no' }],
    ['CTSS-M124', { license: '{name: MIT}' }],
    ['CTSS-M124', { keywords: '[[a]]' }],
    ['CTSS-M108', { homepage: 'soon' }],
    ['CTSS-M114', { source: '{architectures: [linux/arm/v7]}' }],
    ['CTSS-M117', inputs('id: --a, type: int', 'id: a, type: int')],
    ['CTSS-M170', { funding: 'no' }],
    ['CTSS-M171', { funding: '"no"' }],
  ])('%s has no fix: %o', (code, lines) => {
    expect(mend(code, lines, true)).toBeUndefined()
  })

  it('stop after a hundred of a kind', () => {
    const many = Array.from({ length: 150 }, (_, position) => `id: --a${position}, type: int`)
    expect(check(inputs(...many))).toHaveLength(100)
  })

  it('give up where every scalar is odd', () => {
    const known = factsOf(textOf({ metadata: `[${Array.from({ length: 1500 }, () => '0x1F').join(', ')}, no]` }))
    expect([...(MANIFEST_RULES.find(({ code }) => code === 'CTSS-M170')?.check(known) ?? [])]).toStrictEqual([])
  })
})
