import { describe, expect, it } from 'vitest'
import { makeAppWorld, STRANGER, WRITER, type AppWorld } from '../support/app-world.ts'
import { HEALTHY_PLUGIN } from '../support/healthy-plugin.ts'
import { PASSING } from '../support/app-world.ts'

interface Story {
  readonly name: string
  readonly steps: readonly ((world: AppWorld) => Promise<unknown>)[]
}

const FEATURE = 'refs/heads/feature'
const run = async (world: AppWorld): Promise<void> => world.runWorkflows()

/** Every step is settled before the next one. */
const STORIES: readonly Story[] = [
  {
    name: 'a pull request that passes, is run again by a command, and is pushed to',
    steps: [
      async (world) => world.push(FEATURE),
      async (world) => world.openPull(FEATURE),
      run,
      async (world) => world.ask('refs/pull/1/head', { kind: 'run', stages: ['build'], again: true }, { pull: 1, id: 'comment:1' }),
      run,
      async (world) => world.ask(FEATURE, { kind: 'help' }, { pull: 1, id: 'comment:2' }),
      async (world) => world.push(FEATURE, { 'main.py': 'print(2)\n' }),
      async (world) => world.push(FEATURE, { 'main.py': 'print(3)\n' }),
      run,
    ],
  },
  {
    name: 'a fork that is approved',
    steps: [
      async (world) => world.push('refs/heads/main', PASSING, { isSilent: true }),
      async (world) => {
        world.github.push(world.repository, 'refs/heads/their-fix', { 'main.py': 'print(3)\n' })
        await world.openPull('refs/heads/their-fix', { fork: 'fix', author: STRANGER })
        world.repository.refs.delete('refs/heads/their-fix')
      },
      async (world) =>
        world.ask('refs/pull/1/head', { kind: 'approve' }, { by: WRITER, pull: 1, commit: world.repository.refs.get('refs/pull/1/head')!, id: 'comment:1' }),
      run,
    ],
  },
  {
    name: 'a manifest with more problems than one request takes',
    steps: [
      async (world) =>
        world.push('refs/heads/main', {
          ...PASSING,
          'sage.yaml': `${HEALTHY_PLUGIN['sage.yaml']}inputs:\n${Array.from({ length: 130 }, (_, n) => `  - {id: input-${n}, type: nonsense}\n`).join('')}`,
        }),
    ],
  },
  {
    name: 'a pull request of two plugins, one of which can be mended',
    steps: [
      async (world) =>
        world.push(
          FEATURE,
          Object.fromEntries(
            Object.entries(PASSING).flatMap(([path, text]) => [
              [`bird/${path}`, text],
              [`cloud/${path}`, text.replace('version: "1.2.3"', 'version: 1.2')],
            ]),
          ),
        ),
      async (world) => world.openPull(FEATURE),
      run,
    ],
  },
  {
    name: 'a version that is released',
    steps: [async (world) => world.push('refs/heads/main'), run, async (world) => world.tag('v1.2.3', 'refs/heads/main'), run],
  },
  {
    name: 'a run that is lost, and another whose records are fetched',
    steps: [
      async (world) => world.push('refs/heads/main'),
      async (world) => world.runWorkflows({ fate: 'lost' }),
      async (world) => world.runWorkflows({ fate: 'artifacts' }),
    ],
  },
  {
    name: 'a repository without a manifest that asks for one',
    steps: [
      async (world) => world.push('refs/heads/main', { 'README.md': 'text\n' }),
      async (world) => world.ask('refs/heads/main', { kind: 'init' }, { pull: 1, id: 'comment:3' }),
    ],
  },
]

/** Everything that people see, without numbers that are drawn and times. */
function outcomeOf({ repository, github }: AppWorld): unknown {
  const neutral = (text: string): string =>
    text.replace(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<run>').replace(/\d\d:\d\d(?::\d\d)?/g, '<time>')
  return {
    checks: repository.checks
      .map(({ name, commit, state, title, summary, annotations }) => ({ name, commit, state, title, summary: neutral(summary), annotations }))
      .toSorted(byText),
    comments: [...repository.forge.comments].map(([pull, comments]) => [pull, comments.map(({ author, body }) => [author, neutral(body)])]),
    releases: repository.forge.releases.map(({ tag, isDraft, text, assets }) => ({
      tag,
      isDraft,
      text: neutral(text),
      assets: assets.map(({ name }) => name).toSorted(),
    })),
    reviews: repository.reviews,
    reactions: [...repository.reactions].toSorted(),
    proposals: repository.proposals.map(({ branch, files }) => [branch, files]),
    dispatches: github.runs.map(({ inputs, conclusion }) => [inputs['commit'], conclusion]),
  }
}

function byText(one: unknown, other: unknown): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1
}

async function play(world: AppWorld, { steps }: Story): Promise<void> {
  for (const step of steps) {
    await step(world)
    await world.settle(180_000)
  }
}

describe.each(STORIES)('$name', (story) => {
  it('ends the same wherever the service dies on the way', async () => {
    await using plain = await makeAppWorld()
    await play(plain, story)
    const expected = outcomeOf(plain)
    const points = plain.points()
    expect(plain.bugs).toEqual([])
    expect(points).toBeGreaterThan(0)
    console.log(`${story.name}: ${points} points`)
    for (let point = 0; point < points; point += 1) {
      await using world = await makeAppWorld()
      world.dieAt(point)
      await play(world, story)
      expect(outcomeOf(world), `died at point ${point}`).toEqual(expected)
    }
  }, 900_000)
})
