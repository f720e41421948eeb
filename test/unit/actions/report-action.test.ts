import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { NODE, REPORT } from '../../../actions/definitions.ts'
import { runNodeAction } from '../../../actions/node-action.ts'
import { openJob } from '../../../actions/job.ts'
import { runReportAction } from '../../../actions/report-action.ts'
import type { StageName } from '../../../pipeline/stage.ts'
import type { RunPlan, StageRecord } from '../../../schemas/generated/types.ts'
import { makeJobWorld, type JobWorld } from '../../support/job-world.ts'
import { makeBuildDetails, makeRecord, makeTrainDetails, makeTrial } from '../../support/records.ts'
import { makeRunPlan } from '../../support/run-plan.ts'

const FILES = {
  'sage.yaml':
    'name: cloud-counter\nnamespace: zelda\nversion: "0.1.0"\ndescription: Counts the clouds\nlicense: MIT\nsource: {architectures: [linux/amd64]}\n',
  'ctss.yaml': 'training: {image: scratch, command: ["true"], gates: [{metric: accuracy, min: 0.9}]}\n',
  Dockerfile: 'FROM scratch\n',
}
const ACCURATE = makeTrainDetails({ metrics: [{ name: 'accuracy', value: 0.93, better: 'higher' }], tests: [] })
const WRONG = makeTrainDetails({ metrics: [{ name: 'accuracy', value: 0.8, better: 'higher' }], tests: [] })

let worlds: JobWorld[] = []
afterEach(async () => {
  await Promise.all(worlds.map(async (world) => world[Symbol.asyncDispose]()))
  worlds = []
})

/** The report of a run whose jobs have left records and a plan. */
async function report(
  left: Partial<Record<StageName, Partial<StageRecord>>>,
  { plan, event, texts, env }: { plan?: Partial<RunPlan>; event?: unknown; texts?: Record<string, string>; env?: Record<string, string> } = {},
) {
  const world = await makeJobWorld(FILES, event)
  worlds.push(world)
  const { subject } = await openJob(world.call(REPORT))
  const put = async (path: string, value: unknown): Promise<void> => {
    const file = join(world.temporary, 'ctss-records', path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, JSON.stringify(value))
  }
  for (const [stage, changes] of Object.entries(left)) await put(`ctss-${stage}/record.json`, makeRecord(stage as StageName, { subject, ...changes }))
  if (plan !== undefined) await put('ctss-plan/plan.json', makeRunPlan({ subject, ...plan }))
  const { outputs, exitCode } = await runReportAction(world.call(REPORT, texts, env))
  return { outputs, exitCode, log: world.log(), summary: await world.summary(), world }
}

const PASSED = {
  validate: {},
  train: { details: ACCURATE },
  build: { details: makeBuildDetails() },
  virtual: { details: { kind: 'virtual' as const, testbed: 'Virtual Waggle 1', trials: [makeTrial()] } },
}

describe('the action report', () => {
  it('reports a run of which everything passed, in files and in the summary', async () => {
    const { outputs, exitCode, log, summary } = await report(PASSED)

    expect([outputs.outcome, exitCode]).toEqual(['passed', 0])
    expect(await readdir(outputs.folder ?? '')).toEqual(expect.arrayContaining(['report.html', 'report.json', 'report.md']))
    expect(await readFile(join(outputs.folder ?? '', 'report.md'), 'utf8')).toContain('### ✅')
    expect(summary).toContain('### ✅')
    expect(log).not.toContain('::error')
    expect(outputs['comment-url']).toBeUndefined()
  })

  it('decides gates itself, and fails as one required check', async () => {
    const { outputs, exitCode, log } = await report({ ...PASSED, train: { details: WRONG } })

    expect([outputs.outcome, exitCode]).toEqual(['failed', 1])
    expect(log).toMatch(/^::error::.*train/m)
  })

  it('says that a stage was not asked for, where there is no plan', async () => {
    const { outputs, exitCode } = await report({ validate: {} })

    expect([outputs.outcome, exitCode]).toEqual(['passed', 0])
  })

  it('makes an error of a stage that should have run and left nothing', async () => {
    const { outputs, exitCode, log, summary } = await report({ validate: {}, train: { details: ACCURATE } }, { plan: {} })

    expect([outputs.outcome, exitCode]).toEqual(['error', 2])
    expect(log).toMatch(/^::error::.*build/m)
    expect(summary).toContain('its job left no record: the job was cancelled, or its machine was lost')
  })

  it('makes no error of a stage that was not started because of one before', async () => {
    const { outputs, exitCode, summary } = await report({ validate: {}, train: { details: WRONG } }, { plan: {} })

    expect([outputs.outcome, exitCode]).toEqual(['failed', 1])
    expect(summary).not.toContain('its job left no record')
  })
})

describe('the comment of a report', () => {
  const pull = (head: string) => ({ pull_request: { number: 7, head: { repo: { full_name: head } }, base: { repo: { full_name: 'zelda/clouds' } } } })
  const env = { GITHUB_EVENT_NAME: 'pull_request' }
  const without = 'A pull request from a fork gets no comment'

  it.each([
    ['from a fork, although there is a token', 'mallory/clouds', { token: 'ghs' }],
    ['of a branch, without a token', 'zelda/clouds', { token: '' }],
  ])('is not written for a pull request %s', async (_, head, texts) => {
    const { log, outputs, exitCode } = await report(PASSED, { event: pull(head), env, texts })

    expect(log).toContain(without)
    expect([outputs['comment-url'], exitCode]).toEqual([undefined, 0])
  })

  it('is not written where it is not wanted, nor without a pull request', async () => {
    expect((await report(PASSED, { event: pull('zelda/clouds'), env, texts: { comment: 'false', token: 'ghs' } })).log).not.toContain(without)
    expect((await report(PASSED, { texts: { token: 'ghs' } })).log).not.toContain(without)
  })
})

describe('the action node', () => {
  it('is skipped as long as no node can be reached, and says so', async () => {
    const world = await makeJobWorld(FILES)
    worlds.push(world)
    const { outputs, exitCode } = await runNodeAction(world.call(NODE))

    expect([outputs.outcome, outputs.trials, exitCode]).toEqual(['skipped', '{"passed":0,"total":0}', 0])
    expect(world.log()).toBe('node: skipped: no Waggle node is attached\n')
  })
})
