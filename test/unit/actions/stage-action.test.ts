import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { TRAIN } from '../../../actions/definitions.ts'
import { openJob, type Job } from '../../../actions/job.ts'
import { runStageAction, type FinishedStage, type StageActionOptions } from '../../../actions/stage-action.ts'
import { parseRecord } from '../../../adapters/records/parse-record.ts'
import { digestOf } from '../../../pipeline/digest.ts'
import { Failure } from '../../../pipeline/failure.ts'
import { error, warning } from '../../../pipeline/problem.ts'
import type { StageScript } from '../../../pipeline/run.ts'
import type { StageName, StageResult } from '../../../pipeline/stage.ts'
import type { RunPlan } from '../../../schemas/generated/types.ts'
import { makeJobWorld, type JobWorld } from '../../support/job-world.ts'
import { makeRunPlan } from '../../support/run-plan.ts'
import { makeRecord } from '../../support/stage-record.ts'

const FILES = {
  'sage.yaml':
    'name: cloud-counter\nnamespace: zelda\nversion: "0.1.0"\ndescription: Counts the clouds\nlicense: MIT\nsource: {architectures: [linux/amd64]}\n',
  'ctss.yaml': 'training: {image: scratch, command: ["true"]}\n',
  Dockerfile: 'FROM scratch\n',
}
const PASSED: StageResult = { outcome: 'passed', problems: [], metrics: {}, files: [], details: { kind: 'none' } }

let worlds: JobWorld[] = []
afterEach(async () => {
  await Promise.all(worlds.map(async (world) => world[Symbol.asyncDispose]()))
  worlds = []
})

async function open(): Promise<{ readonly world: JobWorld; readonly job: Job }> {
  const world = await makeJobWorld(FILES)
  worlds.push(world)
  return { world, job: await openJob(world.call(TRAIN)) }
}

/** Runs a stage of which only the result matters. */
async function run(
  result: StageResult | (() => Promise<StageResult>),
  { stage = 'train', job: change = (job) => job, ...options }: { stage?: StageName; job?: (job: Job) => Job } & Partial<StageActionOptions> = {},
): Promise<FinishedStage & { readonly log: string; readonly shown: string; readonly runs: number }> {
  const { world, job } = await open()
  let runs = 0
  const script = (): StageScript => ({
    stage,
    inputs: async () => ({ stage }),
    run: async () => {
      runs += 1
      return typeof result === 'function' ? result() : result
    },
  })
  const finished = await runStageAction(change(job), { stage, name: stage, script, force: false, reuses: false, ...options })
  return { ...finished, log: world.log(), shown: await world.summary(), runs }
}

const withPlan =
  (plan: Partial<RunPlan>) =>
  (job: Job): Job => ({ ...job, plan: makeRunPlan({ ...plan, subject: job.subject }) })
const before = (...stages: RunPlan['stages']) => withPlan({ stages })

describe('a stage of a job', () => {
  it('leaves its record as file and as output, with its key and its outcome, and a summary', async () => {
    const { outputs, exitCode, log, record, shown } = await run(PASSED)

    expect(exitCode).toBe(0)
    expect(shown).toMatch(/^### ✅ Passed: train of zelda\/cloud-counter\n/)
    expect(outputs).toMatchObject({ outcome: 'passed', key: record.key })
    expect(parseRecord(await readFile(outputs['record-file'], 'utf8'))).toEqual(JSON.parse(outputs.record))
    expect(log).toMatch(/^::group::train: no record of these inputs\n::endgroup::\ntrain: passed in 0\.\d s\n$/)
  })

  it('annotates its problems, the most important first, and no more than GitHub shows', async () => {
    const place = { file: 'ctss.yaml', line: 3 }
    const many = Array.from({ length: 58 }, (_, index) => warning('odd', `odd ${index}`, { place }))
    const { log, exitCode } = await run({ ...PASSED, outcome: 'failed', problems: [...many, error('wrong', 'wrong', { place })] })
    const shown = log.split('\n').filter((line) => line.startsWith('::error') || line.startsWith('::warning'))

    expect(shown).toHaveLength(50)
    expect(shown[0]).toBe('::error file=ctss.yaml,line=3,title=wrong::wrong')
    expect(log).toContain('\n9 more problems stand in the summary and in the record.\n')
    expect(exitCode).toBe(1)
  })

  it('says what of its files does not travel', async () => {
    const { log } = await run({ ...PASSED, files: [{ role: 'log', name: 'a.log', digest: digestOf('a'), bytes: 1, mediaType: 'text/plain' }] })

    expect(log).toContain(`::warning::${digestOf('a')} (1 bytes) does not travel with the record: it is not here\n`)
  })

  it('puts no record out that is longer than an output may be', async () => {
    const { outputs } = await run({ ...PASSED, problems: [warning('odd', 'x'.repeat(300_000))] })

    expect(outputs.record).toBe('')
    expect(parseRecord(await readFile(outputs['record-file'], 'utf8'))).toMatchObject({ outcome: 'passed' })
  })

  it('leaves a record also when the world is wrong, and a retry may help', async () => {
    const { outputs, exitCode, log, record } = await run(async () => Promise.reject(new Failure('registry-unavailable', 'no answer')))

    expect(record).toMatchObject({ outcome: 'error', reason: 'no answer', details: { kind: 'none' } })
    expect(outputs).toMatchObject({ outcome: 'error', key: expect.stringMatching(/^sha256:/) })
    expect(exitCode).toBe(2)
    expect(log).toContain('::error::train could not be finished: no answer\n')
  })

  it('leaves a part of a build also when it came to nothing', async () => {
    const failing = async (): Promise<never> => Promise.reject(new Failure('registry-unavailable', 'no answer'))
    const { record } = await run(failing, { stage: 'build', name: 'build-linux-amd64', build: { kind: 'part' } })

    expect(record.details).toMatchObject({ kind: 'build', part: true })
  })

  it('fails at a gate of what it has trained, which its record passes', async () => {
    const { world, job } = await open()
    const judge = async () => [error('gate-failed', 'accuracy is too low')]
    const script = (): StageScript => ({ stage: 'train', inputs: async () => ({}), run: async () => PASSED, judge })
    const { exitCode, record } = await runStageAction(job, { stage: 'train', name: 'train', script, force: false, reuses: false })

    expect([exitCode, record.outcome]).toEqual([1, 'passed'])
    expect(world.log()).toContain('::error title=gate-failed::accuracy is too low\n')
  })

  it('runs once for the same inputs, unless it is forced, by its input or by the plan', async () => {
    const { job } = await open()
    let runs = 0
    const script = (): StageScript => ({ stage: 'train', inputs: async () => ({}), run: async () => ((runs += 1), PASSED) })
    const again = async (change = job, force = false): Promise<FinishedStage> =>
      runStageAction(change, { stage: 'train', name: 'train', script, force, reuses: false })

    await again()
    expect((await again()).summary.ran).toBe(false)
    expect(runs).toBe(1)
    await again(job, true)
    await again(before({ stage: 'train', kind: 'run', reason: 'forced', force: true }, { stage: 'validate', kind: 'skip', reason: '' })(job))
    expect(runs).toBe(3)
  })
})

describe('a stage after others', () => {
  it('may be tried without a verdict over the manifest', async () => {
    const { summaries } = await run(PASSED)

    expect(summaries[0]).toMatchObject({ stage: 'validate', outcome: 'skipped', reason: 'it was not asked for in this run' })
  })

  it('publishes nothing without one', async () => {
    const { exitCode, runs, log } = await run(PASSED, { stage: 'publish' })

    expect([exitCode, runs]).toEqual([2, 0])
    expect(log).toContain('::error::publish was skipped: ')
  })

  it('is skipped after one that failed, and fails as that did', async () => {
    const failed = makeRecord('validate', { outcome: 'failed' })
    const { exitCode, record, log, outputs } = await run(PASSED, { job: before({ stage: 'validate', kind: 'reuse', reason: '', record: failed }) })

    expect(record).toMatchObject({ outcome: 'skipped', reason: 'validate did not pass' })
    expect(outputs.key).toBe('')
    expect(exitCode).toBe(1)
    expect(log).toContain('::error::train was skipped: validate did not pass\n')
  })

  it('goes on after errors where the plan says so', async () => {
    const failed = makeRecord('validate', { outcome: 'failed' })
    const plan = withPlan({ keepGoing: true, stages: [{ stage: 'validate', kind: 'reuse', reason: '', record: failed }] })

    expect((await run(PASSED, { job: plan })).runs).toBe(1)
  })

  it('passes when there is nothing to do', async () => {
    const { exitCode, log } = await run(PASSED, { job: (job) => ({ ...job, pipeline: job.pipeline && { ...job.pipeline, training: undefined } }) })

    expect(exitCode).toBe(0)
    expect(log).toBe('train: skipped: ctss.yaml has no training section\n')
  })

  it('publishes nothing for a pull request from a fork', async () => {
    const untrusted = (job: Job): Job => ({
      ...before({ stage: 'validate', kind: 'reuse', reason: '', record: makeRecord('validate') })(job),
      event: { ...job.event, trust: 'untrusted' },
    })
    const { record, runs } = await run(PASSED, { stage: 'publish', job: untrusted })

    expect([record.reason, runs]).toEqual(['nothing is published for a pull request from a fork', 0])
  })
})
