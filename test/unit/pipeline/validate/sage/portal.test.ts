import { describe, expect, it } from 'vitest'
import { readBody } from '../../../../../pipeline/validate/sage/body.ts'
import { plainPortalValue } from '../../../../../pipeline/validate/sage/portal-plain.ts'
import { portalValue, sendFromPortal, TOO_MUCH } from '../../../../../pipeline/validate/sage/portal.ts'
import type { PythonValue } from '../../../../../pipeline/validate/sage/python-value.ts'
import { loadPyYaml } from '../../../../../pipeline/validate/sage/pyyaml.ts'
import { record } from '../../../../support/python-dump.ts'
import { ManifestTexts } from '../../../../support/yaml-texts/manifest-texts.ts'
import { Random } from '../../../../oracle/random.ts'

const FIELDS = { user: 'ada', url: 'https://github.com/o/r', branch: 'main' }
const SOURCE = 'source: {architectures: [linux/amd64]}\n'

/** What Python reads of the Portal's body, and whether that needed no trial. */
function through(text: string, fields = FIELDS): readonly [string, 'short' | 'long'] {
  const parsed = loadPyYaml(text)
  const isShort = 'value' in parsed && plainPortalValue(text, fields, parsed.value) !== undefined
  const sent = portalValue(text, fields, parsed)
  const answer = 'refused' in sent ? sent.refused : record(sent)
  return [typeof answer === 'string' ? answer : 'value' in answer ? answer.value : answer.error.join(': '), isShort ? 'short' : 'long']
}

const filled = (before: string, after = '') =>
  `{s"name":s"x",${before}s"source":{s"architectures":[s"linux/amd64"],s"url":s"https://github.com/o/r",s"branch":s"main"}${after},s"namespace":s"ada"}`

describe('a manifest on its way through the Portal', () => {
  it.each([
    ['fills in', '', filled(''), 'short'],
    ['makes a number of 1.0', 'version: 1.0\n', filled('s"version":i1,'), 'short'],
    ['loses a zero', 'version: 1.10\n', filled('s"version":d1.1,'), 'short'],
    ['keeps a version in quotes', 'version: "1.10"\n', filled('s"version":s"1.10",'), 'short'],
    ['keeps whole numbers, words and nulls', 'a: 12\nb: yes\nc: false\nd: ~\ne:\nf: null\n', filled('s"a":ic,s"b":t,s"c":f,s"d":n,s"e":n,s"f":n,'), 'short'],
    ['makes a bool of a word in quotes', 'a: "no"\n', filled('s"a":f,'), 'long'],
    ['makes a date of a text in quotes', "a: '2023-01-01'\n", filled('s"a":D2023-01-01,'), 'long'],
    [
      'keeps words that JavaScript would take for others',
      'a: "true"\nb: "0x1F"\nc: ""\nd: \': #\'\n',
      filled('s"a":s"true",s"b":s"0x1F",s"c":s"",s"d":s": #",'),
      'short',
    ],
    ['reads numbers as JavaScript does', 'a: 010\nb: 1e3\nc: 99999999999999999999\n', filled('s"a":ia,s"b":i3e8,s"c":i56bc75e2d63100000,'), 'long'],
    ['keeps what PyYAML alone takes for a date', 'a: 2023-01-01\n', filled('s"a":D2023-01-01,'), 'long'],
    [
      'keeps lists, comments and white space',
      "# c\na:  # c\n- b  \n\n- c: 1\n  d: 'it''s'\n# c\n  # c\n- []\n- {}\n- [e, \"f\"]\n- \n",
      filled(`s"a":[s"b",{s"c":i1,s"d":s"it's"},[],{},[s"e",s"f"],n],`),
      'short',
    ],
    ['unfolds long texts again', `a: ${'word '.repeat(40).trim()}\n`, filled(`s"a":s"${'word '.repeat(40).trim()}",`), 'short'],
    ['keeps other scripts', 'a: é日本😀\n', filled('s"a":s"\\{e9}\\{65e5}\\{672c}\\{1f600}",'), 'short'],
    ['forgets what its mappings merge', 'a: &a {b: 1}\nc: {<<: *a}\n', filled('s"a":{s"b":i1},s"c":{s"b":i1},'), 'long'],
    ['joins what is one', 'a: &a [1]\nb: *a\n', filled('s"a":[i1],s"b":*1,'), 'long'],
    ['replaces surrogates that stand alone', 'a: "\\uD800"\n', filled('s"a":s"\\{fffd}",'), 'long'],
    ['sorts keys as JavaScript does', '2: a\n1: b\n', `{s"1":s"b",s"2":s"a",${filled('').slice(1)}`, 'long'],
    ['knows keys that objects have', 'toString: 1\n', filled('s"toString":i1,'), 'long'],
    ['puts nothing into prototypes', '__proto__: {polluted: 1}\n', filled('s"__proto__":{s"polluted":i1},'), 'long'],
    ['reads tabs', 'a:\tb\n', filled('s"a":s"b",'), 'long'],
    ['breaks PyYAML', 'a: "="\n', undefined, 'long'],
  ])('%s', (_, lines, expected, way) => {
    const [value, taken] = through(`name: x\n${lines}${SOURCE}`)
    expect(taken).toBe(way)
    if (expected === undefined) expect(value).toContain('ConstructorError: could not determine a constructor')
    else expect([...value.matchAll(/s"name"/g)].length === 1 && value.replace(/^\{s"1":s"b",s"2":s"a",s"name"/, '{s"1":s"b",s"2":s"a",s"name"')).toBe(expected)
  })

  it('sets what is there in its place', () => {
    expect(through('namespace: bob\nsource:\n  url: x\n  branch: dev\n  tag: v1\nname: x\n')).toStrictEqual([
      '{s"namespace":s"ada",s"source":{s"url":s"https://github.com/o/r",s"branch":s"dev",s"tag":s"v1"},s"name":s"x"}',
      'short',
    ])
  })

  it.each([
    ['branch: ""', 's"main"'],
    ['branch:', 's"main"'],
    ['branch: 0', 's"main"'],
    ['branch: 0.0', 's"main"'],
    ['branch: 1.5', 'd1.5'],
    ['branch: 7', 'i7'],
    ['branch: false', 's"main"'],
    ['branch: true', 't'],
    ['branch: no', 'f'],
    ['branch: []', '[]'],
  ])('fills a branch as JavaScript weighs it: %s', (line, branch) => {
    expect(through(`name: x\nsource:\n  ${line}\n`)).toStrictEqual([
      `{s"name":s"x",s"source":{s"branch":${branch},s"url":s"https://github.com/o/r"},s"namespace":s"ada"}`,
      'short',
    ])
  })

  it.each([
    ['without a name', SOURCE, {}, 'no name', 'short'],
    ['with an empty one', `name: ""\n${SOURCE}`, {}, 'no name', 'short'],
    ['without a user', `name: x\n${SOURCE}`, { user: '' }, 'no name', 'short'],
    ['without a user, the long way', `name: "no"\n${SOURCE}`, { user: '' }, 'no name', 'long'],
    ['without a source', 'name: x\n', {}, "TypeError: Cannot set properties of undefined (setting 'url')", 'long'],
    ['with a text for a source', 'name: x\nsource: y\n', {}, "TypeError: Cannot create property 'url' on string 'y'", 'long'],
    ['with a key twice', `name: x\nname: y\n${SOURCE}`, {}, 'YAMLSemanticError: Map keys must be unique; "name" is repeated', 'long'],
    ['that is a list', '- a\n', {}, "TypeError: Cannot set properties of undefined (setting 'url')", 'long'],
    ['that is nothing', '', {}, "TypeError: Cannot set properties of undefined (setting 'url')", 'long'],
  ])('is refused %s', (_, text, fields, words, way) => {
    expect(through(text, { ...FIELDS, ...fields })).toStrictEqual([words, way])
  })

  it('takes the long way for a branch that is a date', () => {
    expect(through(`name: x\n${SOURCE}`, { ...FIELDS, branch: '2023-01-01' })).toStrictEqual([filled('').replace('s"main"', 'D2023-01-01'), 'long'])
  })
})

describe('places', () => {
  const walk = (value: PythonValue, visit: (value: PythonValue) => void): void => {
    visit(value)
    if ('items' in value) for (const item of value.items) walk(item, visit)
    if (value.type === 'dict') for (const entry of value.entries) [entry.key, entry.value].forEach((inner) => walk(inner, visit))
  }

  it('stay on the short way, but for the Portal’s own', () => {
    const text = `name: x\nversion: 1.0\n${SOURCE}`
    const sent = portalValue(text, FIELDS, loadPyYaml(text))
    const written: string[] = []
    if ('value' in sent) walk(sent.value, ({ start, end }) => written.push(start === -1 ? 'nowhere' : text.slice(start, end)))
    expect(written.slice(1)).toStrictEqual(
      ['name', 'x', 'version', '1.0', 'source', '{architectures: [linux/amd64]}', 'architectures', '[linux/amd64]', 'linux/amd64'].concat(
        Array<string>(6).fill('nowhere'),
      ),
    )
  })

  it('are lost on the long way', () => {
    const text = `name: x\na: &a !!set {b}\nc: [*a, "no"]\n<<: {d: *a}\n${SOURCE}`
    const sent = portalValue(text, FIELDS, loadPyYaml(text))
    const starts = new Set<number>()
    if ('value' in sent) walk(sent.value, ({ start }) => starts.add(start))
    expect(starts).toStrictEqual(new Set([-1]))
    const shared = portalValue(`name: x\na: &a [1]\nb: *a\n${SOURCE}`, FIELDS, loadPyYaml(''))
    expect(shared).toMatchObject({ value: { entries: [{}, {}, { alias: { start: -1, end: -1 } }, {}, {}] } })
  })
})

describe('the Portal’s reader', () => {
  it.each([
    ['brackets', '['.repeat(300)],
    ['lists in lists', '- '.repeat(300)],
    ['keys', Array.from({ length: 4_000 }, (_, index) => `k${index}: 1\n`).join('')],
    ['anchors', '- &a 1\n'.repeat(200)],
    ['items', '- a\n'.repeat(10_000)],
  ])('is not asked for too many %s', (_, text) => {
    const start = performance.now()
    expect(sendFromPortal(`x: 1\n${text}`, FIELDS)).toStrictEqual({ refused: TOO_MUCH })
    expect(performance.now() - start).toBeLessThan(100)
  })

  it('says no in its words', () => {
    expect(sendFromPortal('a: b: c', FIELDS)).toStrictEqual({ refused: 'YAMLSemanticError: Nested mappings are not allowed in compact mappings' })
    expect(sendFromPortal(`name: x\na: [ }, {} ? * ! %\n${SOURCE}`, FIELDS)).toHaveProperty('refused')
  })
})

it('comes to the same on both ways', () => {
  const random = new Random(4)
  const manifests = new ManifestTexts(random)
  let short = 0
  for (let count = 0; count < 4_000; count += 1) {
    const text = manifests.manifest([])
    const parsed = loadPyYaml(text)
    const plain = 'value' in parsed ? plainPortalValue(text, FIELDS, parsed.value) : undefined
    if (plain === undefined) continue
    short += 1
    const sent = sendFromPortal(text, FIELDS)
    expect('refused' in plain ? plain : record(plain), text).toStrictEqual('refused' in sent ? sent : record(readBody(sent.body)))
  }
  expect(short).toBeGreaterThan(200)
})
