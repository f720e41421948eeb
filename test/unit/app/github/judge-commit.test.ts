import { describe, expect, it } from 'vitest'
import { commitJudge, findPlugins, stagesOfRun, type JudgePorts } from '../../../../app/github/judge-commit.ts'
import { digestOf } from '../../../../pipeline/digest.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import { makeRunPlan } from '../../../../pipeline/plan/make-run-plan.ts'
import { DEFAULT_RUNNERS } from '../../../../pipeline/runner-classes.ts'
import { readPipeline } from '../../../../pipeline/validate/read-pipeline.ts'
import { PASSING } from '../../../support/app-world.ts'
import { memoryBlobs } from '../../../support/memory-blobs.ts'
import { memoryPorts } from '../../../support/memory-ports.ts'
import { memoryServiceStore } from '../../../support/memory-service-store.ts'
import { memoryTree } from '../../../support/memory-tree.ts'
import { makeRunPlan as samplePlan } from '../../../support/run-plan.ts'
import { makeRecord, SUBJECT } from '../../../support/stage-record.ts'

const COMMIT = 'a'.repeat(40)

function makeJudge(changes: Partial<JudgePorts['isolated']> = {}) {
  const bugs: unknown[] = []
  const judged: string[] = []
  const { state } = memoryServiceStore()
  const judge = commitJudge({
    isolated: {
      async judge(tree, options) {
        judged.push((await tree.subject()).prefix ?? '')
        return { kind: 'judged', reading: await readPipeline(tree, options), fixes: [] }
      },
      plan: async (request) => ({ kind: 'planned', ...(await makeRunPlan(request)) }),
      ...changes,
    },
    state,
    planning: memoryPorts(memoryBlobs(), '/nowhere'),
    runners: DEFAULT_RUNNERS,
    users: new Map(),
    clock: { now: () => '2026-11-21T12:00:00.000Z', monotonicMs: () => 0 },
    toolVersion: '0.1.0',
    onBug: (error) => bugs.push(error),
  })
  const ask = async (files: Readonly<Record<string, string>> = PASSING, signal = new AbortController().signal) =>
    judge({
      repository: 1,
      commit: COMMIT,
      tree: () => memoryTree(files, { commit: COMMIT, dirty: false }),
      trust: 'trusted',
      release: false,
      runs: [],
      once: async (_name, act) => act(),
      signal,
    })
  return { ask, bugs, judged, state }
}

describe('plugins of a repository', () => {
  it.each([
    ['the root', ['sage.yaml', 'README.md'], ['']],
    ['folders, the root first', ['b/sage.yml', 'sage.yaml', 'a/sage.json'], ['', 'a', 'b']],
    ['a folder, once', ['a/sage.yaml', 'a/sage.json'], ['a']],
    ['nothing where only others have manifests', ['node_modules/x/sage.yaml', 'vendor/sage.yaml', 'a/.venv/sage.yaml'], []],
    ['nothing where a name is only like it', ['sage.yaml.bak', 'mysage.yaml', 'plugin.yaml'], []],
    ['nothing whose name cannot be shown', ['a\nb/sage.yaml', 'c\u202Ed/sage.yaml', '../sage.yaml'], []],
    ['the first twenty of more', Array.from({ length: 30 }, (_, n) => `p${10 + n}/sage.yaml`), Array.from({ length: 20 }, (_, n) => `p${10 + n}`)],
  ])('are %s', async (_, paths, expected) => {
    expect(await findPlugins(memoryTree(Object.fromEntries(paths.map((path) => [path, '']))))).toEqual(expected)
  })
})

describe('a judge of commits', () => {
  it('reads a state of a repository once, and plans it each time', async () => {
    const { ask, judged } = makeJudge()
    const [first] = await ask()
    const [second] = await ask()
    expect(judged).toEqual([''])
    expect(first?.facts).toEqual(second?.facts)
    expect(first?.facts).toMatchObject({ path: '', name: 'local/cloud-counter', version: '1.2.3' })
    expect(first?.facts.stages.map(({ stage, state }) => `${stage} ${state}`)).toEqual([
      'validate ran',
      'train skipped',
      'build planned',
      'virtual planned',
      'node skipped',
      'publish planned',
    ])
  })

  it.each([
    ['reading', { judge: async () => ({ kind: 'too-heavy', message: 'It took too long.' }) as const }],
    ['planning', { plan: async () => ({ kind: 'too-heavy', message: 'It took too long.' }) as const }],
  ])('says that %s a plugin took too much', async (_, changes) => {
    const { ask, bugs } = makeJudge(changes)
    expect((await ask())[0]?.facts).toMatchObject({ unjudged: 'It took too long.', stages: [], plan: undefined })
    expect(bugs).toEqual([])
  })

  it('tells a fault of its own, and judges the other plugins', async () => {
    const { ask, bugs } = makeJudge({
      judge: async (tree, options) => {
        if ((await tree.subject()).prefix === undefined && bugs.length === 0) throw new TypeError('a bug')
        return { kind: 'judged', reading: await readPipeline(tree, options), fixes: [] }
      },
    })
    const judged = await ask({ ...PASSING, ...Object.fromEntries(Object.entries(PASSING).map(([path, text]) => [`other/${path}`, text])) })
    expect(judged.map(({ facts }) => facts.unjudged === undefined)).toEqual([false, true])
    expect(bugs).toHaveLength(1)
  })

  it('fails as the world does, and when it is cancelled', async () => {
    const { ask } = makeJudge({ plan: async () => Promise.reject(new Failure('registry-unavailable', 'down')) })
    await expect(ask()).rejects.toMatchObject({ code: 'registry-unavailable' })
    await expect(makeJudge().ask(PASSING, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
  })

  it('does not believe a record about images that are nowhere, or elsewhere', async () => {
    for (const repository of ['registry.test/staging/trusted/x', 'evil.example/x']) {
      const { ask, state } = makeJudge()
      await ask()
      const find = state.records(1, 'trusted')
      // Whatever key it is asked for, there is a record of a build.
      const record = makeRecord('build', { details: { kind: 'build', repository, index: digestOf('index'), platforms: [], bases: [], steps: [] } as never })
      state.records = () => ({ ...find, find: async (key) => ({ ...record, key }) })
      expect((await ask())[0]?.facts.stages.find(({ stage }) => stage === 'build')).toMatchObject({ state: 'planned' })
    }
  })
})

describe('the stages of a run of an earlier commit', () => {
  it('are told by its records', () => {
    const plan = samplePlan({
      stages: [
        { stage: 'validate', kind: 'reuse', reason: 'unchanged', record: makeRecord('validate', { subject: { ...SUBJECT, commit: 'b'.repeat(40) } }) as never },
        { stage: 'build', kind: 'run', reason: 'no record' },
        { stage: 'virtual', kind: 'run', reason: 'no record' },
        { stage: 'node', kind: 'skip', reason: 'no node' },
        { stage: 'publish', kind: 'run', reason: 'no record' },
      ],
    })
    const records = [
      makeRecord('build', { details: { kind: 'build', part: true } as never }),
      makeRecord('build'),
      makeRecord('virtual', { outcome: 'error', reason: 'the broker was down' }),
    ]
    expect(stagesOfRun(plan, records).map(({ stage, state, outcome, reason }) => [stage, state, outcome, reason])).toEqual([
      ['validate', 'reused', 'passed', 'unchanged'],
      ['build', 'ran', 'passed', 'it ran for this commit'],
      ['virtual', 'ran', 'error', 'the broker was down'],
      ['node', 'skipped', 'skipped', 'no node'],
      ['publish', 'missing', undefined, 'no record'],
    ])
  })
})
