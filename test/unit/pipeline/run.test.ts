import { describe, expect, it } from 'vitest'
import { Failure } from '../../../pipeline/failure.ts'
import { error, warning } from '../../../pipeline/problem.ts'
import { keyOf } from '../../../pipeline/key.ts'
import {
  planAhead,
  recordWithoutResult,
  runStages,
  type GivenStage,
  type PlannedStage,
  type RunPorts,
  type RunRequest,
  type StageScript,
  type StageSummary,
} from '../../../pipeline/run.ts'
import { STAGES, type StageName, type StageResult } from '../../../pipeline/stage.ts'
import type { StageRecord } from '../../../schemas/generated/types.ts'
import { makePipeline } from '../../support/pipeline.ts'
import { validateStageRecord } from '../../../schemas/generated/validators.js'
import { makeRecord, SUBJECT } from '../../support/stage-record.ts'

const passed: StageResult = { outcome: 'passed', problems: [], metrics: {}, files: [], details: { kind: 'none' } }

interface World {
  readonly kept: Map<string, StageRecord>
  readonly ran: StageName[]
  readonly workFolders: string[]
  readonly ended: StageSummary[]
}

function makeWorld(): World {
  return { kept: new Map(), ran: [], workFolders: [], ended: [] }
}

function makePorts(world: World): RunPorts {
  let now = 0
  const silent = { step: () => {}, output: () => {} }
  return {
    tree: undefined as never,
    blobs: undefined as never,
    records: { find: async (key) => world.kept.get(key), put: async (record) => void world.kept.set(record.key, record) },
    clock: { now: () => '2026-11-21T12:00:00.000Z', monotonicMs: () => (now += 500) },
    observer: { stageStarted: () => silent, stageEnded: (summary) => void world.ended.push(summary) },
    environment: { kind: 'laptop' },
    toolVersion: '1.2.3',
    makeWorkFolder: async (stage) => {
      world.workFolders.push(stage)
      return { path: `/${stage}`, [Symbol.asyncDispose]: async () => void world.workFolders.splice(world.workFolders.indexOf(stage), 1) }
    },
  }
}

/** Every stage that this machine can run: `node` only where it is overridden, as it needs hardware. */
function makeScripts(world: World, overrides: Partial<Record<StageName, Partial<StageScript>>> = {}): StageScript[] {
  return STAGES.filter((stage) => stage !== 'node' || overrides.node !== undefined).map((stage) => ({
    stage,
    inputs: async () => ({ stage }),
    run: async () => {
      world.ran.push(stage)
      return passed
    },
    ...overrides[stage],
  }))
}

function makeRequest(scripts: readonly StageScript[], overrides: Partial<RunRequest> = {}): RunRequest {
  return {
    subject: SUBJECT,
    pipeline: makePipeline(),
    options: { from: 'validate', to: 'report', force: [], keepGoing: false },
    scripts,
    signal: new AbortController().signal,
    ...overrides,
  }
}

const outcomes = (summaries: readonly StageSummary[]): Record<string, string> => Object.fromEntries(summaries.map(({ stage, outcome }) => [stage, outcome]))

describe('a run', () => {
  it('runs the stages in order, keeps their records, and removes their work folders', async () => {
    const world = makeWorld()

    const summaries = await runStages(makeRequest(makeScripts(world)), makePorts(world))

    expect(world.ran).toEqual(['validate', 'train', 'build', 'virtual', 'publish'])
    expect(outcomes(summaries)).toEqual({ validate: 'passed', train: 'passed', build: 'passed', virtual: 'passed', node: 'skipped', publish: 'passed' })
    expect([...world.kept.values()].map(({ stage, tool }) => `${stage} ${tool.version}`)).toHaveLength(5)
    expect(world.workFolders).toEqual([])
    expect(world.ended).toEqual(summaries)
  })

  it('runs on a node where one is attached', async () => {
    const world = makeWorld()

    const summaries = await runStages(makeRequest(makeScripts(world, { node: {} })), makePorts(world))

    expect(world.ran).toEqual(['validate', 'train', 'build', 'virtual', 'node', 'publish'])
    expect(outcomes(summaries)['node']).toBe('passed')
  })

  it('runs nothing when nothing has changed', async () => {
    const world = makeWorld()
    await runStages(makeRequest(makeScripts(world)), makePorts(world))
    world.ran.length = 0

    const summaries = await runStages(makeRequest(makeScripts(world)), makePorts(world))

    expect(world.ran).toEqual([])
    expect(summaries.every(({ ran }) => !ran)).toBe(true)
    expect(summaries[0]?.reason).toBe('unchanged since the run of 2026-11-21 12:00:00 UTC')
  })

  it('gets ready what a stage that runs stands on, and does not count it in its time', async () => {
    const world = makeWorld()
    const ports = makePorts(world)
    const prepared: string[] = []
    const prepare = async (): Promise<void> => {
      prepared.push('train')
      for (let index = 0; index < 100; index++) ports.clock.monotonicMs()
    }

    const summaries = await runStages(makeRequest(makeScripts(world, { train: { prepare } })), ports)
    await runStages(makeRequest(makeScripts(world, { train: { prepare } })), ports)

    expect(prepared).toEqual(['train'])
    expect(summaries.find(({ stage }) => stage === 'train')?.seconds).toBeLessThan(5)
  })

  it('says from which commit a reused record comes', async () => {
    const world = makeWorld()
    await runStages(makeRequest(makeScripts(world)), makePorts(world))

    const summaries = await runStages(makeRequest(makeScripts(world), { subject: { ...SUBJECT, commit: 'b'.repeat(40) } }), makePorts(world))

    expect(summaries[0]?.reason).toContain('at commit aaaaaaa')
    expect(summaries[0]?.record?.subject.commit).toBe('a'.repeat(40))
  })

  it('runs only the stage whose inputs changed', async () => {
    const world = makeWorld()
    await runStages(makeRequest(makeScripts(world)), makePorts(world))
    world.ran.length = 0

    await runStages(makeRequest(makeScripts(world, { build: { inputs: async () => ({ stage: 'build', files: 'others' }) } })), makePorts(world))

    expect(world.ran).toEqual(['build'])
  })

  it('does not reuse a record that failed', async () => {
    const world = makeWorld()
    const failing = {
      virtual: { run: async (): Promise<StageResult> => ({ ...passed, outcome: 'failed', problems: [error('wrong-value', 'expected 1, found 2')] }) },
    }
    await runStages(makeRequest(makeScripts(world, failing)), makePorts(world))
    world.ran.length = 0

    const summaries = await runStages(makeRequest(makeScripts(world)), makePorts(world))

    expect(world.ran).toEqual(['virtual', 'publish'])
    expect(outcomes(summaries)['virtual']).toBe('passed')
  })

  it('skips what follows a failed stage, and says why', async () => {
    const world = makeWorld()
    const scripts = makeScripts(world, { build: { run: async () => ({ ...passed, outcome: 'failed', problems: [error('build-failed', 'no such file')] }) } })

    const summaries = await runStages(makeRequest(scripts), makePorts(world))

    expect(summaries.find(({ stage }) => stage === 'virtual')).toMatchObject({ outcome: 'skipped', reason: 'build did not pass', key: null })
  })

  it('decides gates anew about a reused record', async () => {
    const world = makeWorld()
    await runStages(makeRequest(makeScripts(world)), makePorts(world))
    world.ran.length = 0

    const summaries = await runStages(
      makeRequest(makeScripts(world, { train: { judge: async () => [error('gate-failed', 'accuracy 0.8 is below 0.9')] } })),
      makePorts(world),
    )

    expect(world.ran).toEqual([])
    expect(summaries.find(({ stage }) => stage === 'train')).toMatchObject({ outcome: 'failed', ran: false })
    expect(outcomes(summaries)['publish']).toBe('skipped')
  })

  it('lets a warning of a gate pass', async () => {
    const world = makeWorld()

    const summaries = await runStages(
      makeRequest(makeScripts(world, { train: { judge: async () => [warning('no-baseline', 'no release yet')] } })),
      makePorts(world),
    )

    expect(outcomes(summaries)['train']).toBe('passed')
  })

  it('turns a failure of the world into an error of its stage, with what to do next', async () => {
    const world = makeWorld()
    const scripts = makeScripts(world, {
      build: { run: async () => Promise.reject(new Failure('registry-unavailable', 'The registry does not answer.', { suggestion: 'Run ctss up.' })) },
    })

    const summaries = await runStages(makeRequest(scripts), makePorts(world))

    expect(summaries.find(({ stage }) => stage === 'build')).toMatchObject({ outcome: 'error', reason: 'The registry does not answer; Run ctss up.' })
    expect(outcomes(summaries)['virtual']).toBe('skipped')
    expect(world.workFolders).toEqual([])
  })

  it('names a failure that has no suggestion', async () => {
    const world = makeWorld()
    const scripts = makeScripts(world, { build: { inputs: async () => Promise.reject(new Failure('registry-unavailable', 'The registry does not answer.')) } })

    const summaries = await runStages(makeRequest(scripts), makePorts(world))

    expect(summaries.find(({ stage }) => stage === 'build')?.reason).toBe('The registry does not answer')
  })

  it('throws a bug', async () => {
    const world = makeWorld()

    await expect(
      runStages(makeRequest(makeScripts(world, { build: { run: async () => Promise.reject(new TypeError('x is undefined')) } })), makePorts(world)),
    ).rejects.toThrow(TypeError)
    expect(world.workFolders).toEqual([])
  })

  it('ends at once when it is cancelled, and keeps the records of what was done', async () => {
    const world = makeWorld()
    const controller = new AbortController()
    const scripts = makeScripts(world, {
      build: {
        run: async () => {
          controller.abort()
          throw new Error('aborted')
        },
      },
    })

    await expect(runStages(makeRequest(scripts, { signal: controller.signal }), makePorts(world))).rejects.toMatchObject({ code: 'cancelled' })
    expect([...world.kept.values()].map(({ stage }) => stage)).toEqual(['validate', 'train'])
  })

  it('does not keep a record under a key that is not known', async () => {
    const world = makeWorld()

    await runStages(makeRequest(makeScripts(world, { build: { inputs: async () => undefined } })), makePorts(world))

    expect([...world.kept.values()].map(({ stage }) => stage)).not.toContain('build')
    expect(world.ran).toContain('build')
  })

  it('keeps a record under the key that the stage ended with', async () => {
    const world = makeWorld()
    let base = 'unknown'
    const scripts = makeScripts(world, {
      build: {
        inputs: async () => ({ base }),
        run: async () => {
          base = 'sha256:1'
          return { ...passed, standIns: ['debian:bookworm-slim'] }
        },
      },
    })

    await runStages(makeRequest(scripts), makePorts(world))
    const again = await runStages(makeRequest(scripts), makePorts(world))

    expect(again.find(({ stage }) => stage === 'build')?.ran).toBe(false)
    expect(again.find(({ stage }) => stage === 'build')?.record?.environment.standIns).toEqual(['debian:bookworm-slim'])
  })
})

describe('runStages before --from', () => {
  it('reuses records without running', async () => {
    const world = makeWorld()
    await runStages(makeRequest(makeScripts(world)), makePorts(world))
    world.ran.length = 0

    const summaries = await runStages(
      makeRequest(makeScripts(world), { options: { from: 'publish', to: 'report', force: ['publish'], keepGoing: false } }),
      makePorts(world),
    )

    expect(world.ran).toEqual(['publish'])
    expect(summaries.map(({ outcome }) => outcome)).toEqual(['passed', 'passed', 'passed', 'passed', 'skipped', 'passed'])
  })
})

/** What became of one stage. */
function summaryOf(summaries: readonly StageSummary[], stage: StageName): StageSummary {
  return summaries.find((summary) => summary.stage === stage)!
}

describe('a run whose stages were finished elsewhere', () => {
  const passedRecord = (stage: StageName, overrides: Partial<StageRecord> = {}): GivenStage => ({
    kind: 'record',
    record: makeRecord(stage, overrides),
    ran: true,
  })
  const here = (...stages: StageName[]): Pick<RunRequest, 'options'> => ({
    options: { from: 'validate', to: stages.at(-1) ?? 'report', force: [], keepGoing: false, here: stages },
  })

  it('runs the one stage that is left, and lets it see the others', async () => {
    const world = makeWorld()
    const seen: string[] = []
    const scripts = makeScripts(world, {
      train: { inputs: async () => Promise.reject(new TypeError('asked for its inputs')), prepare: async () => Promise.reject(new TypeError('got ready')) },
      build: {
        inputs: async ({ summaries }) => {
          seen.push(...summaries.map(({ stage, key }) => `${stage} ${key}`))
          return {}
        },
      },
    })
    const given = { validate: passedRecord('validate'), train: passedRecord('train') }

    const summaries = await runStages(makeRequest(scripts, { ...here('build'), given }), makePorts(world))

    expect(world.ran).toEqual(['build'])
    expect(seen.slice(0, 2)).toEqual([`validate ${makeRecord('validate').key}`, `train ${makeRecord('train').key}`])
    expect(outcomes(summaries)).toEqual({ validate: 'passed', train: 'passed', build: 'passed', virtual: 'skipped', node: 'skipped', publish: 'skipped' })
    expect(world.ended).toEqual(summaries)
    expect([...world.kept.values()].map(({ stage }) => stage)).toEqual(['build'])
  })

  it('counts the time that a stage took in its own job, and none of one that is reused', async () => {
    const given = { train: passedRecord('train'), build: { ...passedRecord('build'), ran: false } as GivenStage }
    const summaries = await runStages(makeRequest(makeScripts(makeWorld()), { given }), makePorts(makeWorld()))

    expect(summaryOf(summaries, 'train')).toMatchObject({ ran: true, seconds: 10 })
    expect(summaryOf(summaries, 'train')).not.toHaveProperty('reason')
    expect(summaryOf(summaries, 'build')).toMatchObject({ ran: false, seconds: 0, reason: 'unchanged since the run of 2026-11-21 12:00:00 UTC' })
  })

  it('counts no time that runs backwards', async () => {
    const given = { train: passedRecord('train', { ended: '2026-11-21T11:00:00.000Z' }) }
    const summaries = await runStages(makeRequest(makeScripts(makeWorld()), { given }), makePorts(makeWorld()))

    expect(summaryOf(summaries, 'train').seconds).toBe(0)
  })

  it('decides gates about what another job has trained', async () => {
    const world = makeWorld()
    const scripts = makeScripts(world, { train: { judge: async () => [error('gate-failed', 'accuracy 0.8 is below 0.9')] } })
    const summaries = await runStages(makeRequest(scripts, { ...here('build'), given: { train: passedRecord('train') } }), makePorts(world))

    expect(summaryOf(summaries, 'train')).toMatchObject({ outcome: 'failed', problems: [{ code: 'gate-failed' }] })
    expect(summaryOf(summaries, 'build')).toMatchObject({ outcome: 'skipped', reason: 'train did not pass' })
  })

  it('makes an error of a gate that cannot be decided now', async () => {
    const scripts = makeScripts(makeWorld(), { train: { judge: async () => Promise.reject(new Failure('registry-unavailable', 'no answer')) } })
    const summaries = await runStages(makeRequest(scripts, { given: { train: passedRecord('train') } }), makePorts(makeWorld()))

    expect(summaryOf(summaries, 'train')).toMatchObject({ outcome: 'error', reason: 'no answer', key: null })
    expect(summaryOf(summaries, 'build')).toMatchObject({ outcome: 'skipped', reason: 'train ended in an error' })
  })

  it.each([
    ['failed', passedRecord('build', { outcome: 'failed' }), 'failed', makeRecord('build').key, undefined, 'build did not pass'],
    ['ended in an error', passedRecord('build', { outcome: 'error', reason: 'no answer' }), 'error', null, 'no answer', 'build ended in an error'],
    ['ended in an error and does not say why', passedRecord('build', { outcome: 'error' }), 'error', null, undefined, 'build ended in an error'],
    ['was skipped', passedRecord('build', { outcome: 'skipped', reason: 'no model' }), 'skipped', null, 'no model', 'there is no image to test'],
    ['was skipped and does not say why', passedRecord('build', { outcome: 'skipped' }), 'skipped', null, 'skipped', 'there is no image to test'],
    ['was skipped by the plan', { kind: 'skipped', reason: 'not wanted' } as const, 'skipped', null, 'not wanted', 'there is no image to test'],
  ] as const)('goes on from a stage that %s', async (_, build, outcome, key, reason, next) => {
    const summaries = await runStages(makeRequest(makeScripts(makeWorld()), { given: { build } }), makePorts(makeWorld()))

    expect(summaryOf(summaries, 'build')).toMatchObject({ outcome, key })
    expect(summaryOf(summaries, 'build').reason).toBe(reason)
    expect(summaryOf(summaries, 'virtual')).toMatchObject({ outcome: 'skipped', reason: next })
  })

  describe('of which one left no record', () => {
    const missing: GivenStage = { kind: 'missing' }

    it('ends in an error, since its job was lost', async () => {
      const summaries = await runStages(makeRequest(makeScripts(makeWorld()), { ...here('virtual'), given: { train: missing } }), makePorts(makeWorld()))

      expect(summaryOf(summaries, 'train')).toMatchObject({
        outcome: 'error',
        ran: true,
        key: null,
        reason: 'its job left no record: the job was cancelled, or its machine was lost',
      })
    })

    const lost: readonly (readonly [string, Partial<RunRequest> & { readonly usable?: boolean }, string])[] = [
      ['a stage before failed', { given: { validate: passedRecord('validate', { outcome: 'failed' }), train: missing } }, 'validate did not pass'],
      ['it has nothing to do', { pipeline: makePipeline({ training: undefined }), given: { train: missing } }, 'ctss.yaml has no training section'],
      ['the manifest cannot be read', { pipeline: undefined, given: { train: missing } }, 'the manifest cannot be read'],
      ['it has nothing to work on', { given: { train: missing }, usable: false }, 'the stages before left nothing to work on'],
    ]
    it.each(lost)('is skipped where %s, so that its job was never started', async (_, { usable = true, ...request }, reason) => {
      const scripts = makeScripts(makeWorld(), { train: { usable: () => usable } })
      const summaries = await runStages(makeRequest(scripts, request), makePorts(makeWorld()))

      expect(summaryOf(summaries, 'train')).toMatchObject({ outcome: 'skipped', ran: false, reason })
    })

    it('is no error where a script is missing here, too', async () => {
      const summaries = await runStages(makeRequest([], { given: { validate: missing } }), makePorts(makeWorld()))

      expect(summaryOf(summaries, 'validate')).toMatchObject({ outcome: 'error' })
    })
  })

  it('skips a stage that nothing here can run', async () => {
    const world = makeWorld()
    const summaries = await runStages(makeRequest(makeScripts(world).filter(({ stage }) => stage !== 'train')), makePorts(world))

    expect(summaryOf(summaries, 'train')).toMatchObject({ outcome: 'skipped', ran: false })
    expect(world.ran).toEqual(['validate', 'build', 'virtual', 'publish'])
  })

  it('stops when it was cancelled', async () => {
    const request = makeRequest(makeScripts(makeWorld()), { signal: AbortSignal.abort(), given: { validate: passedRecord('validate') } })

    await expect(runStages(request, makePorts(makeWorld()))).rejects.toMatchObject({ code: 'cancelled' })
  })
})

describe('a plan ahead of its run', () => {
  const kinds = (planned: readonly PlannedStage[]): Record<string, string> => Object.fromEntries(planned.map(({ plan }) => [plan.stage, plan.kind]))
  const plannedOf = (planned: readonly PlannedStage[], stage: StageName): PlannedStage => planned.find(({ plan }) => plan.stage === stage)!

  it('runs nothing', async () => {
    const world = makeWorld()
    await planAhead(makeRequest(makeScripts(world)), makePorts(world))

    expect([world.ran, world.workFolders, [...world.kept]]).toEqual([[], [], []])
  })

  it('knows the keys of stages that wait for none, and those of the others not yet', async () => {
    const planned = await planAhead(makeRequest(makeScripts(makeWorld())), makePorts(makeWorld()))

    expect(planned.map(({ plan, key }) => [plan.stage, plan.kind, key !== null])).toEqual([
      ['validate', 'run', true],
      ['train', 'run', true],
      ['build', 'run', false],
      ['virtual', 'run', false],
      ['node', 'skip', false],
      ['publish', 'run', false],
    ])
    expect(plannedOf(planned, 'train').plan.reason).toBe('no record of these inputs')
    expect(plannedOf(planned, 'build').plan.reason).toBe('its inputs are not known yet')
    expect(plannedOf(planned, 'build')).not.toHaveProperty('summary')
    expect(plannedOf(planned, 'node').summary).toMatchObject({ outcome: 'skipped' })
  })

  it('builds beside the training where the model is not trained', async () => {
    const planned = await planAhead(makeRequest(makeScripts(makeWorld()), { pipeline: makePipeline({ model: undefined }) }), makePorts(makeWorld()))

    expect(plannedOf(planned, 'build').key).not.toBeNull()
  })

  it('reuses everything when nothing has changed', async () => {
    const world = makeWorld()
    await runStages(makeRequest(makeScripts(world)), makePorts(world))

    const planned = await planAhead(makeRequest(makeScripts(world)), makePorts(world))

    expect(kinds(planned)).toEqual({ validate: 'reuse', train: 'reuse', build: 'reuse', virtual: 'reuse', node: 'skip', publish: 'reuse' })
    expect(plannedOf(planned, 'build').summary).toMatchObject({ outcome: 'passed', ran: false, reason: 'unchanged since the run of 2026-11-21 12:00:00 UTC' })
  })

  it('decides gates about what is reused, and stops there', async () => {
    const world = makeWorld()
    await runStages(makeRequest(makeScripts(world)), makePorts(world))
    const scripts = makeScripts(world, { train: { judge: async () => [error('gate-failed', 'accuracy 0.8 is below 0.9')] } })

    const planned = await planAhead(makeRequest(scripts), makePorts(world))

    expect(plannedOf(planned, 'train')).toMatchObject({ plan: { kind: 'reuse' }, summary: { outcome: 'failed' } })
    expect(plannedOf(planned, 'build').plan).toMatchObject({ kind: 'skip', reason: 'train did not pass' })
  })

  it('takes what was finished elsewhere as it is', async () => {
    const given: RunRequest['given'] = {
      validate: { kind: 'record', record: makeRecord('validate'), ran: true },
      train: { kind: 'record', record: makeRecord('train'), ran: false },
      build: { kind: 'skipped', reason: 'not wanted' },
      virtual: { kind: 'missing' },
    }
    const planned = await planAhead(makeRequest(makeScripts(makeWorld()), { given }), makePorts(makeWorld()))

    expect(planned.map(({ plan: { kind, reason } }) => `${kind}: ${reason}`)).toEqual([
      'reuse: finished',
      'reuse: unchanged since the run of 2026-11-21 12:00:00 UTC',
      'skip: not wanted',
      'skip: there is no image to test',
      'skip: no Waggle node is attached',
      'skip: there is no image to publish',
    ])
  })

  it('plans nothing after a manifest that is refused', async () => {
    const given: RunRequest['given'] = { validate: { kind: 'record', record: makeRecord('validate', { outcome: 'failed' }), ran: true } }
    const planned = await planAhead(makeRequest(makeScripts(makeWorld()), { given }), makePorts(makeWorld()))

    expect(planned.slice(1).every(({ plan, key }) => plan.kind === 'skip' && key === null)).toBe(true)
  })

  it('skips what comes after --to also where its inputs are not known', async () => {
    const options = { from: 'validate', to: 'build', force: [], keepGoing: false } as const
    const planned = await planAhead(makeRequest(makeScripts(makeWorld()), { options }), makePorts(makeWorld()))

    expect(plannedOf(planned, 'virtual')).toMatchObject({ plan: { kind: 'skip', reason: 'it comes after --to build' }, summary: { outcome: 'skipped' } })
  })

  it('runs what is forced, and what waits for it', async () => {
    const world = makeWorld()
    await runStages(makeRequest(makeScripts(world)), makePorts(world))
    const options = { from: 'validate', to: 'report', force: ['build'], keepGoing: false } as const

    const planned = await planAhead(makeRequest(makeScripts(world), { options }), makePorts(world))

    expect(kinds(planned)).toEqual({ validate: 'reuse', train: 'reuse', build: 'run', virtual: 'run', node: 'skip', publish: 'run' })
    expect(plannedOf(planned, 'build').plan.reason).toBe('forced')
  })

  it('knows no key of a stage whose inputs a stage before should have left', async () => {
    const planned = await planAhead(makeRequest(makeScripts(makeWorld(), { train: { inputs: async () => undefined } })), makePorts(makeWorld()))

    expect(plannedOf(planned, 'train')).toMatchObject({ plan: { kind: 'run', reason: 'its inputs are not known yet' }, key: null })
  })

  it('skips a stage that nothing here can run', async () => {
    const planned = await planAhead(makeRequest([]), makePorts(makeWorld()))

    expect(plannedOf(planned, 'validate').summary).toMatchObject({ outcome: 'skipped' })
  })

  it('stops when it was cancelled, and fails as the records do', async () => {
    const scripts = makeScripts(makeWorld())
    const records = { find: async () => Promise.reject(new Failure('registry-unavailable', 'no answer')), put: async () => {} }

    await expect(planAhead(makeRequest(scripts, { signal: AbortSignal.abort() }), makePorts(makeWorld()))).rejects.toThrow(/abort/i)
    await expect(planAhead(makeRequest(scripts), { ...makePorts(makeWorld()), records })).rejects.toMatchObject({ code: 'registry-unavailable' })
  })
})

describe('the record of a stage without a result', () => {
  it('says what became of it, under a key that is nobody’s', () => {
    const record = recordWithoutResult({ stage: 'build', outcome: 'error', reason: 'no answer' }, SUBJECT, { kind: 'none' }, makePorts(makeWorld()))

    expect(record).toMatchObject({
      stage: 'build',
      outcome: 'error',
      reason: 'no answer',
      key: keyOf('build', null),
      subject: SUBJECT,
      problems: [],
      files: [],
    })
    expect(record.started).toBe(record.ended)
    expect(validateStageRecord(record)).toBe(true)
  })

  it('need not say why', () => {
    expect(recordWithoutResult({ stage: 'build', outcome: 'skipped' }, SUBJECT, { kind: 'none' }, makePorts(makeWorld()))).not.toHaveProperty('reason')
  })

  it('comes back in another job as what it was', async () => {
    const record = recordWithoutResult({ stage: 'build', outcome: 'skipped', reason: 'no model' }, SUBJECT, { kind: 'none' }, makePorts(makeWorld()))
    const summaries = await runStages(
      makeRequest(makeScripts(makeWorld()), { given: { build: { kind: 'record', record, ran: true } } }),
      makePorts(makeWorld()),
    )

    expect(summaryOf(summaries, 'build')).toMatchObject({ outcome: 'skipped', reason: 'no model', key: null })
  })
})
