import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { BUILD, SETUP, VALIDATE } from '../../../actions/definitions.ts'
import { folderOf, givenStages, openJob, outFolder, partName, partsOf, trustedRepository, type Job } from '../../../actions/job.ts'
import { stateFolderOf } from '../../../actions/workspace.ts'
import { Failure } from '../../../pipeline/failure.ts'
import type { RunPlan, StageRecord } from '../../../schemas/generated/types.ts'
import { makeJobWorld, type JobWorld } from '../../support/job-world.ts'
import { git } from '../../support/layout.ts'
import { makePipeline } from '../../support/pipeline.ts'
import { makeRunPlan } from '../../support/run-plan.ts'
import { makeRecord, SUBJECT } from '../../support/stage-record.ts'

const MANIFEST = `name: cloud-counter
namespace: zelda
version: "0.1.0"
description: Counts the clouds in the sky
license: MIT
source:
  architectures: [linux/amd64]
`
const FILES = { 'sage.yaml': MANIFEST, Dockerfile: 'FROM scratch\n' }

let worlds: JobWorld[] = []
afterEach(async () => {
  await Promise.all(worlds.map(async (world) => world[Symbol.asyncDispose]()))
  worlds = []
})

async function makeWorld(files: Parameters<typeof makeJobWorld>[0] = FILES): Promise<JobWorld> {
  const world = await makeJobWorld(files)
  worlds.push(world)
  return world
}

async function put(world: JobWorld, path: string, value: unknown): Promise<void> {
  const file = join(world.temporary, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value))
}

/** The record of a stage of what is checked out. */
async function recordFor(world: JobWorld, overrides: Partial<StageRecord> = {}): Promise<StageRecord> {
  const { subject } = await openJob(world.call(SETUP))
  return makeRecord('train', { subject, ...overrides })
}

const PART = makeRecord('build', { details: { kind: 'build', part: true, repository: 'r', platforms: [] } })

describe('the places of a job', () => {
  it('lie below the temporary folder of the runner', () => {
    const place = { temporary: '/temp' }

    expect([stateFolderOf(place), outFolder(place, partName('linux/arm/v7'))]).toEqual(['/temp/ctss', '/temp/ctss/out/build-linux-arm-v7'])
  })

  it('are lower case in a registry', () => {
    const pipeline = makePipeline()
    expect(trustedRepository('ghcr.io/zelda', { ...pipeline, manifest: { ...pipeline.manifest, namespace: 'Zelda' } })).toBe(
      'ghcr.io/zelda/staging/trusted/zelda/cloud-counter',
    )
  })
})

describe('a job', () => {
  it('reads the repository, and starts nothing', async () => {
    const world = await makeWorld()
    const job = await openJob(world.call(BUILD))

    expect(job.subject.commit).toBe(git(world.workspace, 'rev-parse', 'HEAD'))
    expect(job.pipeline?.manifest).toMatchObject({ name: 'cloud-counter', namespace: 'zelda' })
    expect(job).toMatchObject({ registryRoot: world.registry, plan: undefined, folders: [], staging: 'auto', event: { trust: 'trusted' } })
    expect(world.log()).toBe('')
  })

  it('is about a plugin in a folder of the repository', async () => {
    const world = await makeWorld(Object.fromEntries(Object.entries(FILES).map(([path, text]) => [`apps/counter/${path}`, text])))

    expect((await openJob(world.call(BUILD, { path: 'apps/counter' }))).subject.prefix).toBe('apps/counter')
  })

  it.each([
    ['', 'ghcr.io/zelda'],
    ['GHCR.io/Sage/', 'ghcr.io/sage'],
    ['127.0.0.1:5000', '127.0.0.1:5000'],
  ])('has the registry %j', async (registry, root) => {
    expect((await openJob((await makeWorld()).call(BUILD, { registry }))).registryRoot).toBe(root)
  })

  it.each(['https://ghcr.io', 'ghcr.io/a b', 'ghcr.io/../x', '-ghcr.io', '$(id)', 'ghcr.io/x;y'])('refuses the registry %j', async (registry) => {
    await expect(openJob((await makeWorld()).call(BUILD, { registry }))).rejects.toMatchObject({ name: 'InputError' })
  })

  it.each([
    ['its own, at its own host', { registry: 'r.example/a', 'registry-username': 'me', 'registry-password': 'pw' }, { username: 'me', password: 'pw' }],
    ['the workflow’s token, at ghcr.io', { registry: 'ghcr.io/zelda', token: 'ghs' }, { username: 'token', password: 'ghs' }],
    ['no token of the workflow, at any other host', { registry: 'r.example/a', token: 'ghs' }, undefined],
    ['no token of the workflow, at a host that only looks like it', { registry: 'ghcr.io.example/a', token: 'ghs' }, undefined],
    ['none', { registry: 'ghcr.io/zelda' }, undefined],
  ])('signs in with %s', async (_, texts, credentials) => {
    const job = await openJob((await makeWorld()).call(BUILD, texts))

    expect(job.credentials).toEqual(credentials)
    expect(await job.findCredentials(texts.registry.split('/')[0] ?? '')).toEqual(credentials)
    expect(await job.findCredentials('other.example')).toBeUndefined()
  })

  it('says what helps at GitHub where a registry wants somebody else, or does not answer', async () => {
    const server = createServer((_, response) => response.writeHead(403).end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { registry } = await openJob((await makeWorld()).call(BUILD, { registry: `127.0.0.1:${port}/sage` }))
    const suggestionOf = async (repository: string): Promise<unknown> =>
      registry.tags(repository).catch((error: unknown) => error instanceof Failure && error.suggestion)

    expect(await suggestionOf(`127.0.0.1:${port}/sage/clouds`)).toMatch(/^give the input `registry-password` /)
    expect(await suggestionOf(`localhost:${port}/clouds`)).toContain('docker/login-action')
    server.close()
    server.closeAllConnections()
    expect(await suggestionOf(`127.0.0.1:${port}/sage/clouds`)).toContain('run the failed jobs again')
  })

  it('keeps to the plan, and to what is asked for more', async () => {
    const world = await makeWorld()
    const subject = { ...makeRunPlan().subject, commit: git(world.workspace, 'rev-parse', 'HEAD') }
    await put(world, 'ctss-records/ctss-plan/plan.json', makeRunPlan({ subject, staging: 'archive' }))

    expect(await openJob(world.call(BUILD))).toMatchObject({ staging: 'archive' })
    expect(await openJob(world.call(BUILD, { staging: 'registry' }))).toMatchObject({ staging: 'registry' })
  })

  it('that is not trusted leaves its images in archives, whatever is asked for', async () => {
    const world = await makeWorld()
    const subject = { ...makeRunPlan().subject, commit: git(world.workspace, 'rev-parse', 'HEAD') }
    await put(world, 'ctss-records/ctss-plan/plan.json', makeRunPlan({ subject, staging: 'registry', trust: 'untrusted' }))

    expect(await openJob(world.call(BUILD))).toMatchObject({ staging: 'archive', event: { trust: 'untrusted' } })
    expect(await openJob(world.call(BUILD, { staging: 'registry' }))).toMatchObject({ staging: 'archive' })
  })

  it('takes what other jobs have left, and what the steps before have', async () => {
    const world = await makeWorld()
    await put(world, 'ctss-records/ctss-train/record.json', await recordFor(world))
    await put(world, 'ctss/out/validate/record.json', await recordFor(world, { stage: 'validate' }))

    expect((await openJob(world.call(BUILD))).folders.map(({ record }) => record.stage)).toEqual(['train', 'validate'])
    expect((await openJob(world.call(BUILD, { records: join(world.temporary, 'ctss-records') }))).folders).toHaveLength(2)
    expect((await openJob(world.call(BUILD, { records: join(world.temporary, 'nothing-downloaded') }))).folders).toHaveLength(1)
  })

  it('takes nothing of another state of the repository, and nothing broken, and says so', async () => {
    const world = await makeWorld()
    const { subject, ...record } = await recordFor(world)
    await put(world, 'ctss-records/a/record.json', { ...record, subject: { ...subject, commit: 'b'.repeat(40) } })
    await put(world, 'ctss-records/b/record.json', { ...record, subject: { ...subject, tree: `sha256:${'0'.repeat(64)}` } })
    await put(world, 'ctss-records/c/record.json', '{"schema"')

    expect((await openJob(world.call(BUILD))).folders).toEqual([])
    expect(world.log().match(/^::warning::.*is not used: /gm)).toHaveLength(3)
  })

  it('sweeps what a job before has left of its work', async () => {
    const world = await makeWorld()
    await openJob(world.call(BUILD))
    await rm(join(world.temporary, 'ctss'), { recursive: true, force: true })

    expect((await openJob(world.call(VALIDATE))).workParent).toBe(join(world.temporary, 'ctss/work'))
  })

  it('fails for a plan of another commit', async () => {
    const world = await makeWorld()
    await put(world, 'ctss-records/ctss-plan/plan.json', makeRunPlan({ subject: { ...makeRunPlan().subject, commit: null } }))
    const failure: unknown = await openJob(world.call(BUILD)).catch((error: unknown) => error)

    expect(failure).toBeInstanceOf(Failure)
    expect((failure as Failure).message).toMatch(/^the plan is for commit none, and [0-9a-f]{40} is checked out$/)
  })
})

describe('what other jobs have left', () => {
  const left = (...records: readonly StageRecord[]): Pick<Job, 'folders'> => ({
    folders: records.map((record) => ({ kind: 'record', folder: 'f', record, about: SUBJECT })),
  })
  const planned = (...stages: RunPlan['stages']): RunPlan => makeRunPlan({ stages })

  it('is the last record of a stage, and no part of one', () => {
    const [older, newer] = [makeRecord('build', { reason: 'older' }), makeRecord('build', { reason: 'newer' })]

    expect(folderOf(left(older, newer, PART, makeRecord('train')), 'build')?.record).toBe(newer)
    expect(folderOf(left(PART), 'build')).toBeUndefined()
  })

  it('are parts: those of this run before those of an earlier one', () => {
    const earlier = { ...PART, reason: 'earlier' }

    expect(partsOf({ ...left(makeRecord('build'), PART), plan: makeRunPlan({ parts: [earlier, makeRecord('build')] }) })).toEqual([PART, earlier])
    expect(partsOf({ ...left(), plan: undefined })).toEqual([])
  })

  it('is given for the stages before, and is not guessed where there is no plan', () => {
    const record = makeRecord('train')

    expect(givenStages({ ...left(record, makeRecord('build'), PART), plan: undefined }, 'build')).toEqual({ train: { kind: 'record', record, ran: true } })
    expect(givenStages({ ...left(), plan: undefined }, 'report')).toEqual({})
  })

  it.each<[string, RunPlan['stages'][number], unknown]>([
    ['is skipped', { stage: 'train', kind: 'skip', reason: 'no training' }, { kind: 'skipped', reason: 'no training' }],
    ['is reused', { stage: 'train', kind: 'reuse', reason: '', record: makeRecord('train') }, { kind: 'record', record: makeRecord('train'), ran: false }],
    ['is reused and has no record', { stage: 'train', kind: 'reuse', reason: '' }, { kind: 'missing' }],
    ['should have run', { stage: 'train', kind: 'run', reason: '' }, { kind: 'missing' }],
  ])('is as the plan says where it is not there: the stage %s', (_, stage, given) => {
    expect(givenStages({ ...left(), plan: planned(stage) }, 'build')).toEqual({ train: given })
  })

  it('is reused where its job has found that an earlier run did its work', () => {
    const record = makeRecord('virtual', { subject: { ...SUBJECT, commit: 'e'.repeat(40) } })

    expect(givenStages({ ...left(record), plan: planned({ stage: 'virtual', kind: 'run', reason: '' }) }, 'publish').virtual).toEqual({
      kind: 'record',
      record,
      ran: false,
    })
  })

  it('counts more than the plan', () => {
    const record = makeRecord('train')

    expect(givenStages({ ...left(record), plan: planned({ stage: 'train', kind: 'skip', reason: '' }) }, 'build').train).toMatchObject({ record, ran: true })
  })
})
