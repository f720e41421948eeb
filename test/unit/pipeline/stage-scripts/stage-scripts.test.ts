import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf } from '../../../../pipeline/digest.ts'
import type { Pipeline } from '../../../../pipeline/pipeline.ts'
import type { DatasetAnswer } from '../../../../pipeline/ports/datasets.ts'
import { error } from '../../../../pipeline/problem.ts'
import { runStages, type GivenStage, type RunRequest, type RunState, type StageScript, type StageSummary, type WorkFolder } from '../../../../pipeline/run.ts'
import { EMPTY_PART } from '../../../../pipeline/build/empty-part.ts'
import { gatesScript } from '../../../../pipeline/stage-scripts/gates-script.ts'
import { platformsOf, type BuildMode, type StageOptions, type StagePorts } from '../../../../pipeline/stage-scripts/stage-ports.ts'
import { makeStageScripts } from '../../../../pipeline/stage-scripts/stage-scripts.ts'
import type { StageName } from '../../../../pipeline/stage.ts'
import type { StageRecord } from '../../../../schemas/generated/types.ts'
import { validateStageRecord } from '../../../../schemas/generated/validators.js'
import { memoryBlobs } from '../../../support/memory-blobs.ts'
import { memoryPorts, type MemoryPorts } from '../../../support/memory-ports.ts'
import { memoryRecords } from '../../../support/memory-records.ts'
import { memoryTestbed } from '../../../support/memory-testbed.ts'
import { memoryTree, type MemoryFile } from '../../../support/memory-tree.ts'
import { makePipeline, makeTraining, makeTrialPlan } from '../../../support/pipeline.ts'
import { makeTrainDetails } from '../../../support/records.ts'
import { makeRecord, SUBJECT } from '../../../support/stage-record.ts'

const PLATFORMS = ['linux/amd64', 'linux/arm64']
const URI = { kind: 'uri' as const, uri: 'https://example.org/model', sha256: digestOf('model') }
const FILES: Readonly<Record<string, MemoryFile>> = {
  'sage.yaml': 'name: cloud-counter\n',
  Dockerfile: 'FROM base-$TARGETARCH\nFROM debian\nCOPY model/weights.txt /\n',
  'train/Dockerfile': 'FROM debian\nCOPY train.sh /\n',
  'train/train.sh': 'true\n',
}

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

interface World {
  readonly ports: MemoryPorts
  readonly pipeline: Pipeline
  /** One run of the stages, with records of its own unless they are given. */
  run(changes?: {
    readonly files?: Readonly<Record<string, MemoryFile>>
    readonly options?: Partial<StageOptions>
    readonly request?: Partial<RunRequest>
    readonly ports?: Partial<StagePorts>
    readonly records?: ReturnType<typeof memoryRecords>
  }): Promise<readonly StageSummary[]>
}

/** Every port of the stages in memory: a plugin that trains, builds for two platforms, and publishes three messages. */
function makeWorld(changes: Partial<Pipeline> = {}): World {
  const blobs = memoryBlobs()
  const ports = memoryPorts(blobs, folder)
  const pipeline = makePipeline({ model: { path: 'model', source: { kind: 'train' } }, trials: [makeTrialPlan({ args: ['good'] })], ...changes })
  return {
    ports,
    pipeline,
    async run({ files = FILES, options = {}, request = {}, ports: changed = {}, records = memoryRecords() } = {}) {
      const reading = { pipeline, problems: [], inputs: 'manifest', placeOf: () => ({ file: 'ctss.yaml', line: 3 }) }
      const scripts = makeStageScripts(
        { reading, nativePlatform: 'linux/amd64', platforms: undefined, release: false, runId: 'run-1', ...options },
        { ...ports, ...changed },
      )
      const silent = { step: () => undefined, output: () => undefined }
      return runStages(
        {
          subject: SUBJECT,
          pipeline,
          options: { from: 'validate', to: 'report', force: [], keepGoing: false },
          scripts,
          signal: new AbortController().signal,
          ...request,
        },
        {
          tree: memoryTree(files, SUBJECT),
          records,
          blobs,
          clock: { now: () => '2026-11-21T12:00:00.000Z', monotonicMs: () => 0 },
          observer: { stageStarted: () => silent, stageEnded: () => undefined },
          environment: { kind: 'laptop' },
          toolVersion: '1.2.3',
          makeWorkFolder: makeFolder,
        },
      )
    },
  }
}

async function makeFolder(stage: StageName): Promise<WorkFolder> {
  const path = await mkdtemp(join(folder, `${stage}-`))
  return { path, [Symbol.asyncDispose]: async () => rm(path, { recursive: true, force: true }) }
}

function summaryOf(summaries: readonly StageSummary[], stage: StageName): StageSummary {
  return summaries.find((summary) => summary.stage === stage)!
}

function recordOf(summaries: readonly StageSummary[], stage: StageName): StageRecord {
  const { record, reason, problems } = summaryOf(summaries, stage)
  if (record === undefined) throw new Error(`${stage}: ${reason} ${JSON.stringify(problems)}`)
  const read: unknown = JSON.parse(JSON.stringify(record))
  if (!validateStageRecord(read)) throw new Error(JSON.stringify(validateStageRecord.errors))
  return read
}

const outcomes = (summaries: readonly StageSummary[]): string[] => summaries.map(({ stage, outcome }) => `${stage} ${outcome}`)

describe('the stages of a run', () => {
  it('lead from a repository to a published candidate, each record one that the schema takes', async () => {
    const world = makeWorld()
    const trials: string[] = []
    const summaries = await world.run({ options: { onTrials: (finished) => trials.push(...finished.map(({ platform }) => platform)) } })

    expect(outcomes(summaries)).toEqual(['validate passed', 'train passed', 'build passed', 'virtual passed', 'node skipped', 'publish passed'])
    for (const { stage } of summaries.filter(({ outcome }) => outcome === 'passed')) recordOf(summaries, stage)
    expect(trials).toEqual(PLATFORMS)
    expect(recordOf(summaries, 'build').details).toMatchObject({
      repository: 'registry.test/staging/trusted/zelda/cloud-counter',
      platforms: PLATFORMS.map((platform) => ({ platform, outcome: 'passed' })),
      bases: [
        { image: 'base-amd64', standIn: true },
        { image: 'base-arm64', standIn: true },
        { image: 'debian', standIn: false },
      ],
    })
    expect(recordOf(summaries, 'build').environment.standIns).toEqual(['base-amd64', 'base-arm64'])
    expect(recordOf(summaries, 'publish').details).toMatchObject({
      state: 'candidate',
      reference: expect.stringMatching(/^registry.test\/zelda\/cloud-counter@/),
    })
  })

  it('are reused as a whole when nothing has changed, and nothing is opened for that', async () => {
    const world = makeWorld()
    const records = memoryRecords()
    await world.run({ records })
    world.ports.opened.length = 0
    const again = await world.run({ records })

    expect(again.filter(({ ran }) => ran)).toEqual([])
    expect(world.ports.opened).toEqual([])
  })

  it('build only the platforms that are asked for', async () => {
    const world = makeWorld()
    const summaries = await world.run({ options: { platforms: ['linux/arm64'] } })

    expect(recordOf(summaries, 'build').details).toMatchObject({ platforms: [{ platform: 'linux/arm64' }] })
    expect(platformsOf(world.pipeline, undefined)).toEqual(PLATFORMS)
  })

  it('claim the name where they are told to', async () => {
    expect(recordOf(await makeWorld().run({ options: { release: true } }), 'publish').details).toMatchObject({ state: 'release' })
  })

  it('try the image on a node that is attached, on its own platform alone', async () => {
    const world = makeWorld()
    const node = { testbed: memoryTestbed({ blobs: memoryBlobs() }), platform: 'linux/arm64' }
    const summaries = await world.run({ ports: { node } })

    expect(summaryOf(summaries, 'node')).toMatchObject({ outcome: 'passed' })
    expect(recordOf(summaries, 'node').details).toMatchObject({ trials: [{ platform: 'linux/arm64' }] })
  })

  it('leave a node alone that no image is for', async () => {
    const node = { testbed: memoryTestbed({ blobs: memoryBlobs() }), platform: 'linux/arm/v7' }

    expect(summaryOf(await makeWorld().run({ ports: { node } }), 'node')).toMatchObject({
      outcome: 'skipped',
      reason: 'the stages before left nothing to work on',
    })
  })

  it('stop at a gate that the training does not pass, at its place', async () => {
    const world = makeWorld({ training: makeTraining({ gates: [{ metric: 'accuracy', min: 0.95 }] }) })
    const summaries = await world.run()

    expect(summaryOf(summaries, 'train')).toMatchObject({ outcome: 'failed', problems: [{ place: { file: 'ctss.yaml', line: 3 } }] })
    expect(recordOf(summaries, 'train').outcome).toBe('passed')
    expect(summaryOf(summaries, 'build').outcome).toBe('skipped')
  })

  it('publish nothing when a gate failed, also with --keep-going, although there is an image', async () => {
    const world = makeWorld({ training: makeTraining({ gates: [{ metric: 'accuracy', min: 0.95 }] }) })
    const summaries = await world.run({ request: { options: { from: 'validate', to: 'report', force: [], keepGoing: true } } })

    expect(outcomes(summaries).slice(1)).toEqual(['train failed', 'build passed', 'virtual passed', 'node skipped', 'publish skipped'])
  })

  it('need no model where the plugin has none', async () => {
    const files = { ...FILES, Dockerfile: 'FROM debian\n' }
    const summaries = await makeWorld({ training: undefined, model: undefined }).run({ files })

    expect(outcomes(summaries)).toEqual(['validate passed', 'train skipped', 'build passed', 'virtual passed', 'node skipped', 'publish passed'])
  })

  it('keep a training that may go on in another job', async () => {
    const world = makeWorld()
    await world.run({ options: { training: { keep: join(folder, 'keep'), attemptsBefore: 2, jobsLeft: 1, runName: 'night' } } })

    expect(world.ports.trainings).toMatchObject([{ runId: 'night', attempt: 3 }])
  })
})

describe('the training image', () => {
  const named = (reference: string) => makeWorld({ training: makeTraining({ source: { kind: 'image', reference } }) })

  it('is built of its folder, into the staging repository', async () => {
    const world = makeWorld()
    const summaries = await world.run()

    expect(world.ports.trainings[0]?.image).toMatch(/^registry\.test\/staging\/trusted\/zelda\/cloud-counter\/train@sha256:/)
    expect(recordOf(summaries, 'train').environment).not.toHaveProperty('standIns')
  })

  it.each([
    ['at the root', 'Dockerfile.train', { 'Dockerfile.train': 'FROM base-x\n' }],
    ['in a folder', 'train/Dockerfile', { 'train/Dockerfile': 'FROM base-x\n' }],
  ])('says on which stand-ins it stands, its Dockerfile %s', async (_, path, files) => {
    const world = makeWorld({ training: makeTraining({ source: { kind: 'dockerfile', path } }) })

    expect(recordOf(await world.run({ files: { ...FILES, ...files } }), 'train').environment.standIns).toEqual(['base-x'])
  })

  it.each([
    ['pinned to the digest that it has now', 'tensor:2', `tensor:2@${digestOf('tensor:2')}`],
    ['taken as it is pinned', `tensor@${digestOf('x')}`, `tensor@${digestOf('x')}`],
  ])('is %s where it is named', async (_, reference, image) => {
    const world = named(reference)
    await world.run()

    expect(world.ports.trainings[0]?.image).toBe(image)
  })

  it('may be a stand-in, which the record says', async () => {
    expect(recordOf(await named('base-tensor').run(), 'train').environment.standIns).toEqual(['base-tensor'])
  })

  it('is taken by its name where no registry answers', async () => {
    const world = named('tensor:2')
    await world.run({ ports: { lookUpBase: async () => undefined } })

    expect(world.ports.trainings[0]?.image).toBe('tensor:2')
  })

  it('changes the key with its digest', async () => {
    const [first, second] = await Promise.all(
      ['1', '2'].map(async (digest) => {
        const lookUpBase = async () => ({ digest: digestOf(digest), standIn: false })
        return summaryOf(await named('tensor:2').run({ ports: { lookUpBase } }), 'train').key
      }),
    )

    expect(first).not.toBe(second)
  })

  it('refuses a training whose Dockerfile is not there', async () => {
    const { 'train/Dockerfile': _, ...files } = FILES
    const summaries = await makeWorld().run({ files })

    expect(summaryOf(summaries, 'train')).toMatchObject({ outcome: 'failed', problems: [{ code: 'dockerfile-missing' }] })
  })
})

describe('a build whose platforms have jobs of their own', () => {
  const jobs = { from: 'validate', to: 'build', force: [], keepGoing: false, here: ['build'] } as const

  /** What the jobs before have left. */
  async function prepare(world: World, files = FILES): Promise<Partial<Record<StageName, GivenStage>>> {
    const summaries = await world.run({ files, request: { options: { ...jobs, to: 'train', here: ['validate', 'train'] } } })
    return Object.fromEntries(
      summaries.slice(0, 2).map(({ stage, record }) => [stage, record ? { kind: 'record', record, ran: true } : { kind: 'skipped', reason: 'none' }]),
    )
  }

  async function build(world: World, mode: BuildMode, given: RunRequest['given'], platforms: readonly string[], files = FILES): Promise<StageSummary> {
    return summaryOf(await world.run({ files, options: { build: mode, platforms }, request: { options: jobs, given: given! } }), 'build')
  }

  async function buildBothWays(
    world: World,
    { files = FILES, platforms = PLATFORMS }: { readonly files?: typeof FILES; readonly platforms?: readonly string[] } = {},
  ): Promise<{ readonly whole: StageSummary; readonly joined: StageSummary; readonly parts: readonly StageSummary[] }> {
    const given = await prepare(world, files)
    const whole = await build(world, { kind: 'whole' }, given, platforms, files)
    const parts: StageSummary[] = []
    for (const platform of platforms) parts.push(await build(world, { kind: 'part' }, given, [platform], files))
    const records = parts.map((part) => recordOf([part], 'build'))
    return { whole, joined: await build(world, { kind: 'join', parts: records }, given, platforms, files), parts }
  }

  it.each([
    ['a trained model', makeWorld, FILES],
    ['a model from elsewhere', () => makeWorld({ training: undefined, model: { path: 'model', source: URI } }), FILES],
    ['no model', () => makeWorld({ training: undefined, model: undefined }), { ...FILES, Dockerfile: 'FROM debian\n' }],
    ['a platform that is refused', makeWorld, { ...FILES, Dockerfile: 'FROM debian\nRUN arm64-only\n' }],
    ['a Dockerfile that is not there', () => makeWorld({ training: undefined, model: undefined }), { 'sage.yaml': '' }],
    ['a model from elsewhere, and no Dockerfile', () => makeWorld({ training: undefined, model: { path: 'model', source: URI } }), { 'sage.yaml': '' }],
  ])('leaves the record of a build in one piece, with %s', async (_, make, files) => {
    const { whole, joined } = await buildBothWays(make(), { files })

    expect(recordOf([joined], 'build')).toEqual(recordOf([whole], 'build'))
    expect(joined).toEqual(whole)
  })

  it('leaves it also for a model that cannot be verified', async () => {
    const answer: DatasetAnswer = { kind: 'refused', problem: error('dataset-digest', 'another digest') }
    const world = makeWorld({ training: undefined, model: { path: 'model', source: URI } })
    const refusing = { ...world, run: async (changes = {}) => world.run({ ...changes, ports: { datasets: { fetch: async () => answer } } }) }
    const { whole, joined, parts } = await buildBothWays(refusing)

    expect(parts.map(({ record }) => record?.details)).toEqual([EMPTY_PART, EMPTY_PART])
    expect(recordOf([joined], 'build')).toEqual(recordOf([whole], 'build'))
    expect(joined).toMatchObject({ outcome: 'failed', problems: [{ code: 'dataset-digest' }] })
  })

  it('keeps the files of a model from elsewhere once', async () => {
    const { joined } = await buildBothWays(makeWorld({ training: undefined, model: { path: 'model', source: URI } }))

    expect(recordOf([joined], 'build').files.map(({ role, name }) => `${role} ${name}`)).toEqual([
      'log build-linux-amd64.log',
      'log build-linux-arm64.log',
      'model weights.txt',
    ])
  })

  it.each([[PLATFORMS], [['linux/amd64']]])('has keys that differ: of the parts, and of the whole, for %j', async (platforms) => {
    const { whole, joined, parts } = await buildBothWays(makeWorld(), { platforms })

    expect(joined.key).toBe(whole.key)
    expect(new Set([whole.key, ...parts.map(({ key }) => key)]).size).toBe(platforms.length + 1)
  })

  it('takes a part for what it is: no image can be tried of it', async () => {
    const world = makeWorld()
    const given = await prepare(world)
    const part = await build(world, { kind: 'part' }, given, ['linux/amd64'])

    expect(part.record?.details).toMatchObject({ kind: 'build', part: true })
    expect(part.record?.details).not.toHaveProperty('index')
  })

  it('is joined without a builder', async () => {
    const world = makeWorld()
    const given = await prepare(world)
    const parts: StageRecord[] = []
    for (const platform of PLATFORMS) parts.push(recordOf([await build(world, { kind: 'part' }, given, [platform])], 'build'))
    world.ports.opened.length = 0
    await build(world, { kind: 'join', parts }, given, PLATFORMS)

    expect([...new Set(world.ports.opened)]).toEqual(['staging'])
  })

  it('ends in an error when a part is missing', async () => {
    const world = makeWorld()
    const given = await prepare(world)

    expect(await build(world, { kind: 'join', parts: [] }, given, PLATFORMS)).toMatchObject({
      outcome: 'error',
      reason: expect.stringContaining('the build for linux/amd64, linux/arm64 left no record'),
    })
  })
})

describe('a stage of which something is missing', () => {
  const state: RunState = { subject: SUBJECT, tree: memoryTree(FILES), pipeline: makePipeline(), summaries: [] }
  const scriptOf = (stage: StageName): StageScript => {
    const { ports } = makeWorld()
    const reading = { pipeline: undefined, problems: [], inputs: null, placeOf: () => undefined }
    const scripts = makeStageScripts({ reading, nativePlatform: 'linux/amd64', platforms: undefined, release: false, runId: 'run-1' }, ports)
    return scripts.find((script) => script.stage === stage)!
  }
  const summary = (record: StageRecord): StageSummary => ({ ...record, ran: true, seconds: 1, key: digestOf('key'), record, problems: record.problems })

  it.each([
    ['train', 'a training section', { ...state, pipeline: makePipeline({ training: undefined }) }],
    ['train', 'a manifest', { ...state, pipeline: undefined }],
    ['train', 'its Dockerfile', { ...state, tree: memoryTree({}) }],
    ['build', 'a manifest', { ...state, pipeline: undefined }],
    ['build', 'its Dockerfile', { ...state, tree: memoryTree({}) }],
    ['virtual', 'a manifest', { ...state, pipeline: undefined }],
    ['virtual', 'a build', state],
    ['virtual', 'a build that was made', { ...state, summaries: [summary(makeRecord('build'))] }],
    ['publish', 'a manifest', { ...state, pipeline: undefined }],
    ['publish', 'a build', state],
    ['publish', 'the file of its manifest', { ...state, tree: memoryTree({}), summaries: [summary(makeRecord('build', { details: { ...EMPTY_PART } }))] }],
  ] as const)('has no key: %s without %s', async (stage, _, run) => {
    expect(await scriptOf(stage).inputs(run)).toBeUndefined()
  })

  it.each([
    ['train', { ...state, pipeline: undefined }, 'training'],
    ['build', { ...state, pipeline: undefined }, 'pipeline'],
    ['virtual', state, 'build'],
    ['publish', { ...state, pipeline: undefined }, 'pipeline'],
  ] as const)('is a bug to start: %s', async (stage, run, name) => {
    await expect(scriptOf(stage).run(run, undefined as never)).rejects.toThrow(`a stage was started without its ${name}`)
  })

  it('is not built without the model that train would have made, nor tried without an image', () => {
    expect(scriptOf('build').usable?.(state)).toBe(false)
    expect(scriptOf('build').usable?.({ ...state, pipeline: makePipeline({ model: undefined }) })).toBe(true)
    expect(scriptOf('virtual').usable?.(state)).toBe(false)
    expect(scriptOf('virtual').usable?.({ ...state, summaries: [summary(makeRecord('build', { details: { ...EMPTY_PART } }))] })).toBe(false)
  })
})

describe('the gates of a run that trains nothing', () => {
  it('are decided as they are where it trains', async () => {
    const { ports } = makeWorld()
    const gated = makePipeline({ training: makeTraining({ gates: [{ metric: 'accuracy', min: 0.95 }] }) })
    const reading = { pipeline: gated, problems: [], inputs: null, placeOf: () => ({ file: 'ctss.yaml', line: 3 }) }
    const record = makeRecord('train', { details: makeTrainDetails({ metrics: [{ name: 'accuracy', value: 0.91, better: 'higher' }] }) })
    const state: RunState = { subject: SUBJECT, tree: memoryTree(FILES), pipeline: gated, summaries: [] }
    const script = gatesScript({ reading }, ports)

    expect(await script.judge(state, record)).toMatchObject([{ severity: 'error', place: { file: 'ctss.yaml', line: 3 } }])
    expect(await script.inputs(state)).toBeUndefined()
    await expect(script.run(state, undefined as never)).rejects.toThrow('nothing is trained here')
  })
})
