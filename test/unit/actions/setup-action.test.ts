import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SETUP, VALIDATE } from '../../../actions/definitions.ts'
import { openJob, type Job } from '../../../actions/job.ts'
import { InputError } from '../../../actions/read-inputs.ts'
import { runSetup } from '../../../actions/setup-action.ts'
import { runValidateAction } from '../../../actions/validate-action.ts'
import { runStages } from '../../../pipeline/run.ts'
import { makeStageScripts } from '../../../pipeline/stage-scripts/stage-scripts.ts'
import type { StageOptions } from '../../../pipeline/stage-scripts/stage-ports.ts'
import type { RunPlan } from '../../../schemas/generated/types.ts'
import { validateRunPlan } from '../../../schemas/generated/validators.js'
import { startApp } from '../../support/app-server.ts'
import { makeJobWorld, type JobWorld } from '../../support/job-world.ts'
import { git } from '../../support/layout.ts'
import { memoryPorts } from '../../support/memory-ports.ts'
import type { MemoryFile } from '../../support/memory-tree.ts'
import { makeRunPlan } from '../../support/run-plan.ts'
import { TRAINED_PLUGIN } from '../../support/trained-plugin.ts'

const UNTRAINED = {
  ...TRAINED_PLUGIN,
  'ctss.yaml': TRAINED_PLUGIN['ctss.yaml'].replace(/^training:[^]*?(?=test:)/, ''),
  Dockerfile: 'FROM scratch\nCOPY main.sh /\nENTRYPOINT ["sh", "/main.sh"]\n',
}

let worlds: JobWorld[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  await Promise.all(worlds.map(async (world) => world[Symbol.asyncDispose]()))
  worlds = []
})

async function makeWorld(files: Readonly<Record<string, MemoryFile>> = TRAINED_PLUGIN, event?: unknown): Promise<JobWorld> {
  const world = await makeJobWorld(files, event)
  worlds.push(world)
  return world
}

/** What the action puts out, and the plan that it leaves. */
async function setUp(world: JobWorld, texts: Readonly<Record<string, string>> = {}, env: Readonly<Record<string, string>> = {}) {
  const { outputs, exitCode } = await runSetup(world.call(SETUP, texts, env))
  const plan: unknown = JSON.parse(await readFile(join(outputs.folder ?? '', 'plan.json'), 'utf8'))
  if (!validateRunPlan(plan)) throw new Error(JSON.stringify(validateRunPlan.errors))
  return { outputs, exitCode, plan }
}

/** Runs the stages in memory, and leaves their records in the state of the job. */
async function runInMemory(world: JobWorld, options: Partial<StageOptions> = {}, to: 'train' | 'build' | 'publish' = 'publish'): Promise<Job> {
  const job = await openJob(world.call(SETUP))
  const { testbedVersion, registryRoot, lookUpBase } = job.stages
  const ports = { ...memoryPorts(job.blobs, world.temporary), testbedVersion, registryRoot, lookUpBase }
  const scripts = makeStageScripts(
    { reading: job.reading, nativePlatform: job.nativePlatform, platforms: undefined, release: false, runId: 'run-1', ...options },
    ports,
  )
  const silent = { step: () => undefined, output: () => undefined }
  await runStages(
    { subject: job.subject, pipeline: job.pipeline, options: { from: 'validate', to, force: [], keepGoing: true }, scripts, signal: job.signal },
    { ...job.run, observer: { stageStarted: () => silent, stageEnded: () => undefined } },
  )
  return job
}

const kinds = ({ stages }: RunPlan): Record<string, string> => Object.fromEntries(stages.map(({ stage, kind }) => [stage, kind]))
const reasonOf = ({ stages }: RunPlan, stage: string): string | undefined => stages.find((candidate) => candidate.stage === stage)?.reason
const matrixOf = (outputs: { readonly matrix?: string }): unknown => JSON.parse(outputs.matrix ?? '')

describe('a plan of which nothing is known', () => {
  it('runs every stage, each where github.com offers a machine, and says so everywhere', async () => {
    const world = await makeWorld()
    const { outputs, exitCode, plan } = await setUp(world)

    expect(exitCode).toBe(0)
    expect(kinds(plan)).toEqual({ validate: 'reuse', train: 'run', build: 'run', virtual: 'run', node: 'skip', publish: 'run' })
    expect(plan).toMatchObject({ name: 'zelda/cloud-counter', trust: 'trusted', staging: 'registry', release: false, keepGoing: false, parts: [] })
    expect(outputs).toMatchObject({
      validate: 'reuse',
      train: 'run',
      build: 'run',
      virtual: 'run',
      node: 'skip',
      publish: 'run',
      report: 'run',
      parts: 'run',
      'train-runner': '["ubuntu-24.04"]',
      'virtual-runner': '["ubuntu-24.04"]',
      'node-runner': '["ubuntu-24.04"]',
      emulates: 'true',
      staging: 'registry',
      trust: 'trusted',
      outcome: 'passed',
    })
    expect(matrixOf(outputs)).toEqual({
      include: [
        { platform: 'linux/amd64', name: 'linux-amd64', runner: ['ubuntu-24.04'], emulated: false },
        { platform: 'linux/arm64', name: 'linux-arm64', runner: ['ubuntu-24.04-arm'], emulated: false },
      ],
    })
    expect(JSON.parse(outputs.plan ?? '')).toMatchObject({ schema: 'ctss.run-plan/v1', parts: [] })
    expect(outputs.plan).not.toContain('stage-record')
    expect(world.log()).toContain('train: run, no record of these inputs\n')
    expect(await world.summary()).toContain('### ▶️ Runs train, build, virtual, publish')
  })

  it('leaves the record of validate, which it needs, where no step before has', async () => {
    const world = await makeWorld()
    await setUp(world)

    expect(JSON.parse(await readFile(join(world.temporary, 'ctss/out/validate/record.json'), 'utf8'))).toMatchObject({ stage: 'validate', outcome: 'passed' })
  })

  it('takes the verdict over the manifest from the step before, where there is one', async () => {
    const world = await makeWorld()
    await runValidateAction(world.call(VALIDATE))
    const verdict = join(world.temporary, 'ctss/out/validate/record.json')
    await writeFile(verdict, (await readFile(verdict, 'utf8')).replace('"outcome":"passed"', '"outcome":"failed"'))
    const { plan, exitCode } = await setUp(world)

    expect(reasonOf(plan, 'build')).toBe('validate did not pass')
    expect(exitCode).toBe(1)
  })

  it('builds for what is asked for, on the machines that are named', async () => {
    const { outputs, plan } = await setUp(await makeWorld(), {
      platform: 'linux/arm64,linux/arm/v7',
      runners: '{linux/arm64: [self-hosted, arm64], train: gpu, virtual: [big]}',
      'keep-going': 'true',
      release: 'true',
      staging: 'archive',
    })

    expect(plan).toMatchObject({ keepGoing: true, release: true, staging: 'archive' })
    expect(matrixOf(outputs)).toEqual({
      include: [
        { platform: 'linux/arm64', name: 'linux-arm64', runner: ['self-hosted', 'arm64'], emulated: false },
        { platform: 'linux/arm/v7', name: 'linux-arm-v7', runner: ['ubuntu-24.04'], emulated: true },
      ],
    })
    expect(outputs).toMatchObject({ 'train-runner': '["gpu"]', 'virtual-runner': '["big"]', 'node-runner': '["ubuntu-24.04"]' })
  })

  it('emulates nothing where there is nothing else than amd64', async () => {
    expect((await setUp(await makeWorld(), { platform: 'linux/amd64' })).outputs.emulates).toBe('false')
  })

  it('does not write where Dependabot’s token may not', async () => {
    expect((await setUp(await makeWorld(), {}, { GITHUB_ACTOR: 'dependabot[bot]' })).outputs.staging).toBe('archive')
  })

  it('goes on without records of earlier runs where the registry is down', async () => {
    const world = await makeWorld(UNTRAINED)
    const { plan } = await setUp(world, { registry: '127.0.0.1:1/sage' })

    expect(kinds(plan)).toMatchObject({ build: 'run', publish: 'run' })
    expect(world.log()).toContain('::warning::records of earlier runs cannot be read, so nothing is reused: ')
  })

  it('is made although the summary cannot be written', async () => {
    const world = await makeWorld()
    const { exitCode } = await setUp(world, {}, { GITHUB_STEP_SUMMARY: join(world.temporary, 'no/such/folder/summary.md') })

    expect(exitCode).toBe(0)
    expect(world.log()).toContain('::warning::the job summary could not be written')
    expect((await setUp(await makeWorld(), {}, { GITHUB_STEP_SUMMARY: '' })).exitCode).toBe(0)
  })
})

describe('a plan with records of earlier runs', () => {
  it('runs nothing when nothing has changed, and needs no report', async () => {
    const world = await makeWorld()
    await runInMemory(world)
    const { outputs, exitCode, plan } = await setUp(world)

    expect(kinds(plan)).toEqual({ validate: 'reuse', train: 'reuse', build: 'reuse', virtual: 'reuse', node: 'skip', publish: 'reuse' })
    expect(plan.stages.map(({ record }) => record?.stage)).toEqual(['validate', 'train', 'build', 'virtual', undefined, 'publish'])
    expect(outputs).toMatchObject({ report: 'skip', parts: 'skip', outcome: 'passed' })
    expect(matrixOf(outputs)).toEqual({ include: [] })
    expect(exitCode).toBe(0)
    expect(await world.summary()).toContain('### ♻️ Nothing runs')
  })

  it('emulates for trials on an image that is reused', async () => {
    const world = await makeWorld()
    await runInMemory(world, {}, 'build')
    const { outputs, plan } = await setUp(world)

    expect(kinds(plan)).toMatchObject({ build: 'reuse', virtual: 'run' })
    expect(outputs).toMatchObject({ emulates: 'true', parts: 'skip', report: 'run' })
    expect(plan.platforms).toMatchObject([
      { platform: 'linux/amd64', build: false },
      { platform: 'linux/arm64', build: false },
    ])
  })

  it('runs what is forced, and tells its job so', async () => {
    const world = await makeWorld()
    await runInMemory(world)
    const { plan, outputs } = await setUp(world, { force: 'train' })

    expect(kinds(plan)).toMatchObject({ train: 'run', build: 'run', virtual: 'run', publish: 'run' })
    expect(plan.stages.filter(({ force }) => force).map(({ stage }) => stage)).toEqual(['train'])
    expect(reasonOf(plan, 'train')).toBe('forced')
    expect(outputs.report).toBe('run')
  })

  it('does not build again what an earlier run has built for one platform', async () => {
    const world = await makeWorld()
    await runInMemory(world, {}, 'train')
    await runInMemory(world, { build: { kind: 'part' }, platforms: ['linux/arm64'] }, 'build')
    const { plan, outputs } = await setUp(world)

    expect(kinds(plan)).toMatchObject({ train: 'reuse', build: 'run' })
    expect(plan.parts).toMatchObject([{ stage: 'build', details: { part: true, platforms: [{ platform: 'linux/arm64' }] } }])
    expect(plan.platforms.map(({ platform, build }) => [platform, build])).toEqual([
      ['linux/amd64', true],
      ['linux/arm64', false],
    ])
    expect(matrixOf(outputs)).toMatchObject({ include: [{ platform: 'linux/amd64' }] })
    expect(outputs.plan).not.toContain('stage-record')
  })

  it('builds every platform again when the build is forced', async () => {
    const world = await makeWorld()
    await runInMemory(world, {}, 'train')
    await runInMemory(world, { build: { kind: 'part' }, platforms: ['linux/arm64'] }, 'build')
    const { plan } = await setUp(world, { force: 'build' })

    expect(plan.parts).toEqual([])
    expect(plan.platforms.every(({ build }) => build)).toBe(true)
  })

  it('fails at a gate that a reused training does not pass, before anything runs', async () => {
    const world = await makeWorld()
    await runInMemory(world)
    await writeFile(join(world.workspace, 'ctss.yaml'), TRAINED_PLUGIN['ctss.yaml'].replace('model:', '  gates: [{metric: accuracy, min: 0.95}]\nmodel:'))
    git(world.workspace, 'commit', '-qam', 'a gate')
    const { plan, outputs, exitCode } = await setUp(world)

    expect(kinds(plan)).toEqual({ validate: 'reuse', train: 'reuse', build: 'skip', virtual: 'skip', node: 'skip', publish: 'skip' })
    expect(reasonOf(plan, 'build')).toBe('train did not pass')
    expect(outputs).toMatchObject({ outcome: 'failed', report: 'run', parts: 'skip' })
    expect(plan.platforms).toEqual([])
    expect(exitCode).toBe(1)
  })
})

describe('a plan for a manifest that is refused', () => {
  it('skips everything, says why, and fails', async () => {
    const world = await makeWorld({ ...TRAINED_PLUGIN, 'sage.yaml': TRAINED_PLUGIN['sage.yaml'].replace('description: Counts the clouds in the sky\n', '') })
    const { plan, outputs, exitCode } = await setUp(world)

    expect(kinds(plan)).toMatchObject({ train: 'skip', build: 'skip', virtual: 'skip', publish: 'skip' })
    expect(reasonOf(plan, 'train')).toBe('validate did not pass')
    expect(outputs).toMatchObject({ outcome: 'failed', report: 'run' })
    expect(exitCode).toBe(1)
    expect(world.log()).toMatch(/^::error file=sage\.yaml,line=1/m)
  })

  it('has no name where the manifest cannot be read', async () => {
    const { plan, exitCode } = await setUp(await makeWorld({ 'sage.yaml': '[' }))

    expect(plan).toMatchObject({ name: null, platforms: [], parts: [] })
    expect(reasonOf(plan, 'build')).toBe('the manifest cannot be read')
    expect(exitCode).toBe(1)
  })
})

describe('a plan for a pull request', () => {
  const from = (repository: string) => ({
    pull_request: { number: 7, head: { repo: { full_name: repository } }, base: { repo: { full_name: 'zelda/clouds' } } },
  })

  it('of a fork publishes nothing, and keeps its images out of the registry', async () => {
    const { plan, outputs } = await setUp(await makeWorld(TRAINED_PLUGIN, from('mallory/clouds')), {}, { GITHUB_EVENT_NAME: 'pull_request' })

    expect(kinds(plan)).toMatchObject({ train: 'run', build: 'run', virtual: 'run', publish: 'skip' })
    expect(reasonOf(plan, 'publish')).toBe('nothing is published for a pull request from a fork')
    expect(outputs).toMatchObject({ trust: 'untrusted', staging: 'archive' })
  })

  it('of a branch is a plan as any other', async () => {
    const { outputs } = await setUp(await makeWorld(TRAINED_PLUGIN, from('zelda/clouds')), {}, { GITHUB_EVENT_NAME: 'pull_request' })

    expect(outputs).toMatchObject({ trust: 'trusted', staging: 'registry', publish: 'run' })
  })

  it('is refused for an event with rights that its code must not have', async () => {
    await expect(setUp(await makeWorld(), {}, { GITHUB_EVENT_NAME: 'pull_request_target' })).rejects.toMatchObject({ code: 'workstation-unsupported' })
  })
})

describe('a plan that is there already', () => {
  async function leavePlan(world: JobWorld, plan: RunPlan): Promise<void> {
    const file = join(world.temporary, 'ctss-records/ctss-plan/plan.json')
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, JSON.stringify(plan))
  }

  it('is taken as it is', async () => {
    const world = await makeWorld()
    const commit = git(world.workspace, 'rev-parse', 'HEAD')
    const plan = makeRunPlan({ subject: { ...makeRunPlan().subject, commit } })
    await leavePlan(world, plan)

    expect((await setUp(world)).plan).toEqual(plan)
  })

  it('is refused for another commit than the one that is checked out', async () => {
    const world = await makeWorld()
    await leavePlan(world, makeRunPlan())

    await expect(setUp(world)).rejects.toMatchObject({ code: 'interrupted', message: expect.stringContaining('the plan is for commit aaaa') })
  })

  it('skips the stages that it does not name', async () => {
    const world = await makeWorld()
    const commit = git(world.workspace, 'rev-parse', 'HEAD')
    await leavePlan(world, makeRunPlan({ subject: { ...makeRunPlan().subject, commit }, stages: [], platforms: [] }))

    expect((await setUp(world)).outputs).toMatchObject({
      validate: 'skip',
      build: 'skip',
      report: 'skip',
      emulates: 'false',
      'train-runner': '["ubuntu-24.04"]',
    })
  })

  it('gives a fork’s pull request no trust', async () => {
    const world = await makeWorld()
    const commit = git(world.workspace, 'rev-parse', 'HEAD')
    await leavePlan(world, makeRunPlan({ subject: { ...makeRunPlan().subject, commit } }))
    const job = await openJob(world.call(SETUP, {}, { GITHUB_EVENT_NAME: 'pull_request' }))

    expect(job.event.trust).toBe('untrusted')
  })
})

describe('a plan of the app', () => {
  it('is fetched without a checkout, and with it a token that nobody sees', async () => {
    const plan = makeRunPlan({ trust: 'untrusted' })
    await using app = await startApp((path, response) => response.end(path.endsWith('/plan') ? JSON.stringify(plan) : '{"token": "ghs_secret"}'))
    for (const [name, value] of Object.entries(app.env)) vi.stubEnv(name, value)
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const world = await makeWorld()
    await rm(world.workspace, { recursive: true })
    const { outputs, plan: left } = await setUp(world, { plan: 'run-1', app: app.origin })
    const said = written.mock.calls.map(([text]) => String(text)).join('')
    written.mockRestore()

    expect(left).toEqual(plan)
    expect(outputs).toMatchObject({ token: 'ghs_secret', trust: 'untrusted', train: 'run', outcome: 'passed' })
    expect(said).toContain('::add-mask::ghs_secret')
    expect(world.log()).not.toContain('ghs_secret')
  })

  it.each([{ plan: 'run-1' }, { app: 'https://app.example.org' }])('needs both inputs, not only %o', async (texts) => {
    await expect(setUp(await makeWorld(), texts)).rejects.toMatchObject({
      complaints: ['inputs `plan` and `app` belong together: give both, or neither'],
    })
  })
})

describe('inputs of a plan', () => {
  it.each([
    [{ runners: '{' }, /^input `runners` is not YAML: /],
    [{ runners: 'gpu' }, /^input `runners`: it is not a mapping/],
    [{ runners: '{linux/arm46: x, train: []}' }, /^input `runners`: `linux\/arm46` is unknown[^]*input `runners`: train: needs/],
    [{ path: 'nowhere' }, /^input `path`: there is no nowhere/],
    [{ path: '..' }, /^input `path`: \.\. leaves the workspace/],
    [{ records: '../elsewhere' }, /^input `records`: there is no/],
    [{ registry: 'https://ghcr.io/sage' }, /^input `registry`: `https:\/\/ghcr\.io\/sage` is no registry/],
  ])('are refused: %o', async (texts, complaint) => {
    const world = await makeWorld()
    const error: unknown = await setUp(world, texts).catch((thrown: unknown) => thrown)

    expect(error).toBeInstanceOf(InputError)
    expect(String((error as Error).message)).toMatch(complaint)
  })

  it('are the defaults where runners are given as nothing', async () => {
    expect((await setUp(await makeWorld(), { runners: '# none\n' })).outputs['train-runner']).toBe('["ubuntu-24.04"]')
  })
})

describe('a plan that cannot be kept', () => {
  it('fails as the disk does', async () => {
    const world = await makeWorld()
    await mkdir(join(world.temporary, 'ctss/out'), { recursive: true })
    await writeFile(join(world.temporary, 'ctss/out/plan'), '')

    await expect(setUp(world)).rejects.toMatchObject({ code: 'storage-unavailable', message: expect.stringContaining('writing the plan to') })
  })
})
