import { healthyInput } from './healthy-parts.ts'
import type { Random } from './random.ts'
import type { Entry, Node } from './render.ts'
import { darkSnippet, longText, proseSnippet, soup, textSnippet } from './snippets.ts'

/** Something done to a healthy manifest. */
export type Twist = (random: Random, entries: Entry[]) => void

function set(entries: Entry[], key: string, value: Node): void {
  const index = entries.findIndex(([name]) => name === key)
  if (index === -1) entries.push([key, value])
  else entries[index] = [key, value]
}

function entriesOf(entries: readonly Entry[], key: string): Entry[] | undefined {
  const value = entries.find(([name]) => name === key)?.[1]
  return typeof value === 'object' && 'entries' in value ? value.entries : undefined
}

const TEXT_FIELDS = ['version', 'keywords', 'authors', 'collaborators', 'homepage', 'funding', 'license', 'frozen', 'description'] as const
const LIMITS: Readonly<Record<string, number>> = {
  version: 64,
  license: 256,
  name: 55,
  namespace: 30,
  description: 65_535,
  authors: 65_535,
  keywords: 32_768,
  homepage: 16_384,
}

const TYPOS = [
  'Name',
  'auther',
  'licence',
  'keyword',
  'descripton',
  'architectures',
  'url',
  'image',
  'foo',
  'x-y',
  'éé',
  '"name "',
  '1',
  '~',
  'yes',
  '1.5',
  '2023-01-01',
  '"\\ud800"',
  '!!binary YQ==',
  '? [a]',
  '{a: b}',
  '[a]',
  '!!str 5',
  '!!null ""',
  '""',
  '<<',
  '"<<"',
  '=',
] as const

export const TWISTS: readonly Twist[] = [
  (random, entries) => set(entries, random.pick(TEXT_FIELDS), darkSnippet(random)),
  (random, entries) => set(entries, random.pick(TEXT_FIELDS), darkSnippet(random)),
  (random, entries) => set(entries, 'version', darkSnippet(random)),
  (random, entries) =>
    set(
      entries,
      'version',
      random.pick([
        'a/b',
        '"1/2"',
        '..',
        '"1 2"',
        '"1.0 "',
        '" 1"',
        '"1:2"',
        'é',
        '"😀"',
        '"a\\\\b"',
        '%41',
        '"a\'b"',
        '1.0.0á',
        '"1.0.0 "',
        'A',
        '"-"',
        '--help',
        '[1/2]',
        '{a/b: 1}',
        '"\\0"',
        '[~]',
        '[[~]]',
      ]),
    ),
  (random, entries) =>
    set(entries, random.pick(['name', 'namespace', 'source', 'inputs', 'resources', 'metadata', 'testing', 'depends_on']), darkSnippet(random)),
  (random, entries) => {
    const key = random.pick(Object.keys(LIMITS))
    set(entries, key, textSnippet(random, longText(random, random.chance(0.15) ? random.pick([64, 65, 180, 194, 236, 255, 256]) : (LIMITS[key] ?? 64))))
  },
  (random, entries) => set(entries, 'version', textSnippet(random, longText(random, random.pick([64, 64, 180, 236, 237])))),
  (random, entries) =>
    set(
      entries,
      'name',
      random.pick([
        'App',
        'a',
        '"a.b"',
        'a b',
        'é',
        '１２',
        '"app\\n"',
        '"app "',
        '-',
        '--',
        '__',
        '1',
        '"1"',
        'x'.repeat(255),
        'x'.repeat(256),
        'x'.repeat(55),
        'x'.repeat(56),
        'ab',
        'ſſ',
        'K-app',
      ]),
    ),
  (random, entries) =>
    set(
      entries,
      'namespace',
      random.pick([
        'Test',
        'abc',
        'a-b-c-d',
        '１２３４',
        'test_user',
        '"testuser\\n"',
        '" testuser"',
        'x'.repeat(30),
        'x'.repeat(31),
        '12345',
        '"12345"',
        '1e10',
        'éééé',
        '~',
        '""',
      ]),
    ),
  (random, entries) => void entries.splice(random.integer(0, entries.length - 1), 1),
  (random, entries) => void entries.splice(random.integer(0, entries.length), 0, [random.pick(TYPOS), random.pick(['a', '1', '~', '{}'])]),
  (random, entries) => void entries.splice(random.integer(0, entries.length), 0, random.pick(entries)),
  (random, entries) =>
    set(
      entries,
      'frozen',
      random.pick([
        '"yes"',
        '"1"',
        '" 1 "',
        '"1abc"',
        '"1.5"',
        '"127.5"',
        '-128',
        '128',
        '127.5',
        '-128.5',
        '"1e2"',
        '"1e3"',
        '"0x1"',
        '""',
        '"true"',
        '[1]',
        '["2"]',
        '"12 x"',
        '".5"',
        '"1e"',
        '"-"',
        '1e2',
        '"1e+2"',
        '"99999999999999999999e-18"',
        '2023-01-01',
        '"é"',
      ]),
    ),
  twistSource,
  twistSource,
  twistSource,
  twistArchitectures,
  twistBuildArguments,
  twistInputs,
  twistInputs,
  twistInputs,
  (random, entries) => set(entries, 'metadata', { entries: [[random.pick(['a', ...TYPOS]), darkSnippet(random)]] }),
  (random, entries) => set(entries, 'resources', { items: [random.chance(0.3) ? textSnippet(random, longText(random, 254)) : darkSnippet(random), 'a'] }),
  (random, entries) =>
    set(
      entries,
      random.pick(['metadata', 'inputs']),
      random.pick<Node>([
        { entries: [['a', textSnippet(random, longText(random, random.pick([65_524, 65_525, 65_526, 10_920])))]] },
        {
          items: [
            {
              entries: [
                ['id', 'a'],
                ['type', 'int'],
                ['default', textSnippet(random, longText(random, random.pick([65_490, 65_491, 65_495])))],
              ],
            },
          ],
        },
      ]),
    ),
  (random, entries) => {
    entries.unshift([
      'x-base',
      random.pick(['&base {description: merged, license: MIT}', '&base {version: "9"}', '&base [a]', '&base a', '&base {authors: [a, b]}']),
    ])
    entries.push(['<<', random.pick(['*base', '[*base]', '[*base, *base]', '{keywords: a}', 'a', '[a]', '*missing'])])
    if (random.chance(0.7)) entries.shift()
  },
  (random, entries) => {
    const [first, second] = [random.pick(TEXT_FIELDS), random.pick(TEXT_FIELDS)]
    set(entries, first, `&shared ${random.pick(['a', '"b"', '[a]', '1', '{a: 1}', ''])}`)
    set(entries, second, '*shared')
  },
  (random, entries) =>
    set(
      entries,
      random.pick([...TEXT_FIELDS, 'name', 'namespace', 'metadata', 'resources', 'inputs']),
      random.pick(['&x [*x]', '&x {a: *x}', '&x [a, *x]', '[&x [*x]]', '{a: &x [*x]}', '[&x {id: a, type: int, default: *x}]', '&x [[*x], *x]']),
    ),
  (random, entries) => set(entries, random.pick(TEXT_FIELDS), proseSnippet(random)),
  (random, entries) =>
    set(entries, 'metadata', {
      entries: [
        ['a', proseSnippet(random)],
        [proseSnippet(random), { items: [proseSnippet(random), darkSnippet(random)] }],
      ],
    }),
  (random, entries) => set(entries, random.pick(['metadata', 'keywords', 'testing', 'x']), soup(random)),
  (random, entries) => entries.push(['<<', { entries: [[random.pick(TEXT_FIELDS), darkSnippet(random)]] }]),
]

function twistSource(random: Random, entries: Entry[]): void {
  const source = entriesOf(entries, 'source')
  if (source === undefined) return
  const key = random.pick(['url', 'branch', 'tag', 'directory', 'dockerfile', 'architectures', 'build_args', 'git_commit', 'extra'])
  const limit = key === 'branch' || key === 'tag' ? 64 : 256
  const way = random.next()
  if (way < 0.55) set(source, key, darkSnippet(random))
  else if (way < 0.8) set(source, key, textSnippet(random, longText(random, limit)))
  else if (way < 0.9) void source.splice(random.integer(0, source.length - 1), 1)
  else source.push(['<<', { entries: [[key, darkSnippet(random)]] }])
}

const ARCHITECTURES = [
  'linux/amd64',
  'linux/arm64',
  'linux/arm/v6',
  'linux/arm/v7',
  'linux/arm/v8',
  'linux/arm64/v8',
  'arm64',
  'Linux/amd64',
  'linux/amd64 ',
  'amd_64',
  'arch64',
  'linux/386',
] as const

function twistArchitectures(random: Random, entries: Entry[]): void {
  const source = entriesOf(entries, 'source')
  if (source === undefined) return
  const items: Node[] = Array.from({ length: random.pick([0, 1, 2, 3, 16, 17, 18, 19]) }, () =>
    textSnippet(random, random.pick(ARCHITECTURES.slice(0, random.chance(0.7) ? 5 : undefined))),
  )
  if (random.chance(0.3)) items.push(darkSnippet(random))
  const others = [
    'linux/amd64',
    '"linux/amd64"',
    '{linux/amd64: 1}',
    '{linux/amd64: , linux/arm64: }',
    '!!set {linux/amd64}',
    '!!omap [linux/amd64: 1]',
    '""',
    '{linux/amd64: 2023-01-01}',
    '{linux/amd64: "\\ud800"}',
  ]
  set(source, 'architectures', random.chance(0.3) ? random.pick(others) : { items })
}

function twistBuildArguments(random: Random, entries: Entry[]): void {
  const source = entriesOf(entries, 'source')
  if (source === undefined) return
  const value = random.chance(0.4) ? darkSnippet(random) : textSnippet(random, longText(random, random.pick([246, 247, 248, 40])))
  set(source, 'build_args', random.chance(0.2) ? darkSnippet(random) : { entries: [[random.pick(['A', 'B', ...TYPOS]), value]] })
}

function twistInputs(random: Random, entries: Entry[]): void {
  const fields = healthyInput(random)
  const way = random.next()
  if (way < 0.25)
    set(
      fields,
      'type',
      random.pick([
        'Int',
        'bool',
        'str',
        'integer',
        'file',
        '"int "',
        '~',
        '[int]',
        '1',
        '"float"',
        '!!str int',
        '!!binary aW50',
        '&t int',
        'long',
        "'double'",
      ]),
    )
  else if (way < 0.5) set(fields, random.pick(['id', 'type', 'description', 'default']), darkSnippet(random))
  else if (way < 0.65) void fields.splice(random.integer(0, fields.length - 1), 1)
  else if (way < 0.8) fields.push([random.pick(['label', 'Default', 'required', ...TYPOS]), 'a'])
  const others = [
    '[]',
    '{}',
    '""',
    '~',
    'a',
    '[[id, type]]',
    '[[id]]',
    '[[]]',
    '[""]',
    '[a]',
    '{id: 1}',
    '[{id: a, type: int}, a]',
    '!!omap [id: type]',
    '!!omap [id: a]',
    '[!!set {id, type}]',
    '[!!set {id}]',
    '!!set {}',
    '[!!binary ""]',
    '{"": 1}',
    '0',
    '[~]',
    '[1]',
    '!!pairs [id: default]',
    '[{}]',
    '2023-01-01',
  ]
  if (way >= 0.9) set(entries, 'inputs', random.pick(others))
  else set(entries, 'inputs', { items: random.chance(0.3) ? [{ entries: healthyInput(random) }, { entries: fields }] : [{ entries: fields }] })
}
