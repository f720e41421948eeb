import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeRunPlan, type MadePlan, type PlanWish, type RunPlanRequest } from '../../../../pipeline/plan/make-run-plan.ts'
import { planningPorts } from '../../../../pipeline/plan/planning-ports.ts'
import { recordVerdict } from '../../../../pipeline/plan/record-verdict.ts'
import { DEFAULT_RUNNERS } from '../../../../pipeline/runner-classes.ts'
import { runStages, type RunPorts } from '../../../../pipeline/run.ts'
import type { StageOptions } from '../../../../pipeline/stage-scripts/stage-ports.ts'
import { makeStageScripts } from '../../../../pipeline/stage-scripts/stage-scripts.ts'
import { readPipeline } from '../../../../pipeline/validate/read-pipeline.ts'
import { validateRunPlan, validateStageRecord } from '../../../../schemas/generated/validators.js'
import { memoryBlobs } from '../../../support/memory-blobs.ts'
import { memoryPorts } from '../../../support/memory-ports.ts'
import { memoryRecords } from '../../../support/memory-records.ts'
import { memoryTree, type MemoryFile } from '../../../support/memory-tree.ts'
import { TRAINED_PLUGIN } from '../../../support/trained-plugin.ts'

const MACHINE: Pick<RunPorts, 'clock' | 'environment' | 'toolVersion'> = {
  clock: { now: () => '2026-11-21T12:00:00.000Z', monotonicMs: () => 0 },
  environment: { kind: 'github', os: 'Linux', architecture: 'x64', cpus: 2, memoryBytes: 2 ** 30 },
  toolVersion: '0.1.0',
}

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(async () => rm(folder, { recursive: true, force: true }))

interface World {
  plan(wish?: Partial<PlanWish>, request?: Partial<RunPlanRequest>): Promise<MadePlan>
  /** Runs stages in memory and keeps their records. */
  run(options?: Partial<StageOptions>, to?: 'train' | 'build' | 'publish'): Promise<void>
  readonly opened: readonly string[]
}

async function makeWorld(files: Readonly<Record<string, MemoryFile>> = TRAINED_PLUGIN): Promise<World> {
  const tree = memoryTree(files)
  const [subject, reading] = await Promise.all([tree.subject(), readPipeline(tree)])
  const [records, blobs] = [memoryRecords(), memoryBlobs()]
  const stages = memoryPorts(blobs, folder)
  const run: RunPorts = {
    tree,
    records,
    blobs,
    ...MACHINE,
    observer: { stageStarted: () => ({ step: () => undefined, output: () => undefined }), stageEnded: () => undefined },
    makeWorkFolder: async () => {
      const path = await mkdtemp(join(folder, 'work-'))
      return { path, [Symbol.asyncDispose]: async () => undefined }
    },
  }
  const request: RunPlanRequest = {
    subject,
    tree,
    reading,
    records,
    stages: { ...planningPorts(stages), testbedVersion: stages.testbedVersion },
    wish: { platforms: undefined, force: [], keepGoing: false, release: false, runners: DEFAULT_RUNNERS },
    trust: 'trusted',
    staging: 'registry',
    nativePlatform: 'linux/amd64',
    given: { validate: { kind: 'record', record: await recordVerdict(reading, subject, run), ran: true } },
    toolVersion: '0.1.0',
    runId: 'run-1',
    signal: new AbortController().signal,
  }
  return {
    opened: stages.opened,
    plan: async (wish, changes) => makeRunPlan({ ...request, wish: { ...request.wish, ...wish }, ...changes }),
    async run(options = {}, to = 'publish') {
      const known = { reading, nativePlatform: 'linux/amd64', platforms: undefined, release: false, runId: 'run-1', ...options }
      const scripts = makeStageScripts(known, stages)
      const wanted = { from: 'validate', to, force: [], keepGoing: true } as const
      await runStages({ subject, pipeline: reading.pipeline, options: wanted, scripts, signal: request.signal }, run)
    },
  }
}

const kindsOf = ({ plan }: MadePlan): Record<string, string> => Object.fromEntries(plan.stages.map(({ stage, kind }) => [stage, kind]))
const reasonOf = ({ plan }: MadePlan, stage: string): string | undefined => plan.stages.find((entry) => entry.stage === stage)?.reason

describe('a plan of which nothing is known', () => {
  it('runs every stage where github.com offers a machine, opens nothing, and is one by its schema', async () => {
    const world = await makeWorld()
    const made = await world.plan()

    expect(validateRunPlan(made.plan)).toBe(true)
    expect(kindsOf(made)).toEqual({ validate: 'reuse', train: 'run', build: 'run', virtual: 'run', node: 'skip', publish: 'run' })
    expect(made.outcome).toBe('passed')
    expect(made.planned.map(({ plan, summary }) => [plan.stage, summary?.outcome])).toEqual([
      ['validate', 'passed'],
      ['train', undefined],
      ['build', undefined],
      ['virtual', undefined],
      ['node', 'skipped'],
      ['publish', undefined],
    ])
    expect(made.plan.platforms).toEqual([
      { platform: 'linux/amd64', runner: ['ubuntu-24.04'], emulated: false, build: true },
      { platform: 'linux/arm64', runner: ['ubuntu-24.04-arm'], emulated: false, build: true },
    ])
    expect(world.opened).toEqual([])
  })

  it('publishes nothing that is not trusted', async () => {
    const made = await (await makeWorld()).plan({}, { trust: 'untrusted', staging: 'archive' })

    expect(made.plan).toMatchObject({ trust: 'untrusted', staging: 'archive' })
    expect(reasonOf(made, 'publish')).toBe('nothing is published for a pull request from a fork')
  })

  it('publishes nothing without the verdict over the manifest, which it does not make itself', async () => {
    const made = await (await makeWorld()).plan({}, { given: {} })

    expect(kindsOf(made)).toMatchObject({ validate: 'run' })
  })

  it('names other machines, forced stages, one platform', async () => {
    const made = await (await makeWorld()).plan({ platforms: ['linux/arm64'], force: ['train'], runners: { 'linux/arm64': ['big', 'arm'], train: [] } })

    expect(made.plan.platforms).toEqual([{ platform: 'linux/arm64', runner: ['big', 'arm'], emulated: false, build: true }])
    expect(made.plan.stages.find(({ stage }) => stage === 'train')).toMatchObject({ force: true, runner: ['ubuntu-24.04'] })
  })
})

describe('a plan with records of earlier runs', () => {
  it('runs nothing when nothing has changed', async () => {
    const world = await makeWorld()
    await world.run()
    const made = await world.plan()

    expect(kindsOf(made)).toEqual({ validate: 'reuse', train: 'reuse', build: 'reuse', virtual: 'reuse', node: 'skip', publish: 'reuse' })
    expect(made.planned.every(({ summary }) => summary !== undefined)).toBe(true)
    expect(made.plan.platforms.every(({ build }) => !build)).toBe(true)
  })

  it('builds only the platforms that an earlier run has not built', async () => {
    const world = await makeWorld()
    await world.run({}, 'train')
    await world.run({ build: { kind: 'part' }, platforms: ['linux/arm64'] }, 'build')

    expect((await world.plan()).plan).toMatchObject({ parts: [{ stage: 'build' }], platforms: [{ build: true }, { build: false }] })
    expect((await world.plan({ force: ['build'] })).plan).toMatchObject({ parts: [], platforms: [{ build: true }, { build: true }] })
  })
})

describe('a plan for a manifest that is refused', () => {
  it.each([
    ['it cannot be read', '[', 'the manifest cannot be read', null],
    ['it lacks what Sage wants', TRAINED_PLUGIN['sage.yaml'].replace(/description:.*\n/, ''), 'validate did not pass', 'zelda/cloud-counter'],
  ])('skips everything when %s', async (_, manifest, reason, name) => {
    const made = await (await makeWorld({ ...TRAINED_PLUGIN, 'sage.yaml': manifest })).plan()

    expect(made.plan).toMatchObject({ name, platforms: [], parts: [] })
    expect(reasonOf(made, 'build')).toBe(reason)
    expect(made.outcome).toBe('failed')
  })

  it('has a record of the verdict as the stage itself leaves it', async () => {
    const tree = memoryTree({ 'sage.yaml': '[' })
    const reading = await readPipeline(tree)
    const record = await recordVerdict(reading, await tree.subject(), MACHINE)

    expect(record).toMatchObject({ stage: 'validate', outcome: 'failed', problems: reading.problems, details: { kind: 'validate', manifest: null } })
    expect(validateStageRecord(record) || validateStageRecord.errors).toBe(true)
  })
})

describe('the ports of a plan', () => {
  it('open nothing, whatever is asked of them', async () => {
    const ports = planningPorts(memoryPorts(memoryBlobs(), folder))

    await expect(ports.openBuilder()).rejects.toThrow('this stage does not run on that')
  })
})
