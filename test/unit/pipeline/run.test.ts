import { describe, expect, it } from 'vitest'
import { Failure } from '../../../pipeline/failure.ts'
import { error, warning } from '../../../pipeline/problem.ts'
import { runStages, type RunPorts, type RunRequest, type StageScript, type StageSummary } from '../../../pipeline/run.ts'
import { STAGES, type StageName, type StageResult } from '../../../pipeline/stage.ts'
import type { StageRecord } from '../../../schemas/generated/types.ts'
import { makePipeline } from '../../support/pipeline.ts'
import { SUBJECT } from '../../support/stage-record.ts'

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

function makeScripts(world: World, overrides: Partial<Record<StageName, Partial<StageScript>>> = {}): StageScript[] {
  return STAGES.map((stage) => ({
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
