/**
 * Manifests by chance, for comparisons with Sage's server. Most are healthy but for one or two twists, so that deep checks are reached;
 * twists aim at what YAML 1.1, YAML 1.2, Python, JavaScript and MySQL do not agree about.
 */
import { healthyInput, words } from './healthy-parts.ts'
import { mutateText, REALISTIC_MANIFESTS } from './mutations.ts'
import { Random, seedOf } from './random.ts'
import { render } from './render.ts'
import type { Entry, Node } from './render.ts'
import { TWISTS } from './twists.ts'

/** A manifest, and what there is to know besides it. */
export interface OracleCase {
  readonly mode: 'submitted' | 'portal'
  readonly text: string
  readonly user: string
  /** What `git describe` prints, where it is not a short commit. */
  readonly describe?: string
}

/** What the Portal fills in, in every case. */
export const PORTAL_URL = 'https://github.com/owner/plugin'
export const PORTAL_BRANCH = 'main'

const USER = 'testuser'

/** The case of a number in a series; the same for ever. `manifests`: most cases are made of these, instead of few of our own. */
export function generateCase(series: number, index: number, manifests?: readonly string[]): OracleCase {
  const random = new Random(seedOf(series, index))
  const mode = random.chance(0.5) ? 'submitted' : 'portal'
  const user = random.chance(0.03)
    ? random.pick(['Test', 'my-name', 'abc', 'a1b2', 'x'.repeat(30), 'x'.repeat(31), 'müller', 'true', '12345', 'null', '1e3', '0x1f'])
    : USER
  const describe = random.chance(0.15) ? random.pick(DESCRIPTIONS) : undefined
  const text = random.chance(manifests === undefined ? 0.2 : 0.9) ? mutated(random, mode, manifests ?? REALISTIC_MANIFESTS) : generated(random, mode)
  // A request's body is UTF-8, which has no place for half a character.
  return { mode, user, text: text.toWellFormed(), ...(describe !== undefined && { describe }) }
}

const DESCRIPTIONS = [
  '60c72a2',
  '60c72a21',
  '60c72a212',
  'v1.2.3-0-g60c72a2',
  '1.2.3-12-g60c72a2',
  '1.2.3-rc1-0-g60c72a2',
  'release/1.0-0-g60c72a2',
  'a-0-g1',
  'v-0-g60c72a2',
  '😀😀-0-g1',
  'é-0-g60c7',
  'short',
  '',
  'v1.2.3',
  `${'v'.repeat(62)}-0-g60c72a2`,
  `${'v'.repeat(63)}-0-g60c72a2`,
]

function generated(random: Random, mode: OracleCase['mode']): string {
  const entries = healthy(random, mode)
  for (let twists = random.pick([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3]); twists > 0; twists--) random.pick(TWISTS)(random, entries)
  const text = render(random, entries)
  return random.chance(0.12) ? mutateText(random, text) : text
}

function mutated(random: Random, mode: OracleCase['mode'], manifests: readonly string[]): string {
  const manifest = random.pick(manifests)
  let text =
    mode === 'portal' || random.chance(0.1)
      ? manifest
      : `namespace: ${USER}\n${manifest.replace(/^source:.*\n/m, '$&  url: https://github.com/owner/plugin\n  branch: main\n')}`
  for (let times = random.pick([0, 1, 1, 1, 2, 3]); times > 0; times--) text = mutateText(random, text)
  return text
}

function healthy(random: Random, mode: OracleCase['mode']): Entry[] {
  const entries: Entry[] = []
  const optional = (probability: number, key: string, make: () => Node): void => {
    if (random.chance(probability)) entries.push([key, make()])
  }
  optional(mode === 'submitted' ? 1 : 0.15, 'namespace', () => USER)
  entries.push(['name', random.pick(['cloud-counter', 'app', '"app_2"', "'bird-song'", 'a1'])])
  optional(0.85, 'version', () => random.pick(['"1.2.3"', "'0.1.0'", '1.2.3', '2.0.0', '"1.10.0"', 'v1.0.0', '"1.0"', '1.0', '3']))
  entries.push(['description', words(random)])
  for (const key of ['keywords', 'authors', 'collaborators', 'homepage', 'funding', 'license']) optional(0.35, key, () => words(random))
  entries.push(['source', { entries: healthySource(random, mode) }])
  optional(0.5, 'inputs', () => ({ items: Array.from({ length: random.integer(0, 3) }, () => ({ entries: healthyInput(random) })) }))
  optional(0.15, 'resources', () => ({
    items: [
      random.pick<Node>([
        'gpu',
        { entries: [['type', 'RGB_image_producer']] },
        {
          entries: [
            ['type', 'gpu'],
            ['min', '1'],
          ],
        },
      ]),
    ],
  }))
  optional(0.25, 'metadata', () => ({
    entries: [
      ['ontology', words(random)],
      ['count', random.pick(['1', '1.5', 'true', '~'])],
    ],
  }))
  for (const key of ['depends_on', 'baseCommand', 'arguments', 'testing', 'frozen'])
    optional(0.08, key, () => random.pick(key === 'frozen' ? ['true', 'false', '0', '1'] : ['""', 'a', '[]', '{}', '~']))
  return random.chance(0.2) ? shuffled(random, entries) : entries
}

function healthySource(random: Random, mode: OracleCase['mode']): Entry[] {
  const entries: Entry[] = []
  const isSubmitted = mode === 'submitted'
  if (random.chance(isSubmitted ? 1 : 0.3))
    entries.push(['url', random.pick(['https://github.com/owner/plugin', '"https://github.com/owner/plugin.git"', 'git@github.com:owner/plugin'])])
  const tagged = random.chance(0.15)
  if (tagged) entries.push(['tag', random.pick(['v1.2.3', '"1.2.3"', 'release'])])
  if (random.chance(isSubmitted && !tagged ? 1 : 0.3)) entries.push(['branch', random.pick(['main', '"master"', "'feature/x'"])])
  entries.push(['architectures', { items: random.pick([['linux/amd64'], ['linux/amd64', 'linux/arm64'], ['"linux/arm64"', "'linux/arm/v7'"]]) }])
  if (random.chance(0.2)) entries.push(['directory', random.pick(['.', 'app', '"./app"'])])
  if (random.chance(0.2)) entries.push(['dockerfile', random.pick(['Dockerfile', 'docker/Dockerfile.arm'])])
  if (random.chance(0.15)) entries.push(['build_args', { entries: [['MODEL', random.pick(['"yolo"', 'yolo', "'1'"])]] }])
  return random.chance(0.2) ? shuffled(random, entries) : entries
}

function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
