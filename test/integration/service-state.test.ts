import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceState } from '../../pipeline/ports/service-state.ts'
import { describeRecordsContract } from '../contract/records.ts'
import { describeServiceStateContract } from '../contract/service-state.ts'
import { makeNewRun } from '../support/new-run.ts'
import { startServiceStores, type ServiceStores } from '../support/service-stores.ts'

const AT = '2026-11-21T12:00:00.000Z'

let stores: ServiceStores
beforeAll(async () => {
  stores = await startServiceStores()
})
afterEach(() => stores.closeAll())
afterAll(() => stores[Symbol.asyncDispose]())

const onServer = async (): Promise<ServiceState> => (await stores.open({ place: { url: await stores.url() } })).state
const inFolder = async (): Promise<ServiceState> => (await stores.open({ place: { folder: await stores.folder() } })).state

describeServiceStateContract('Postgres', onServer)
describeServiceStateContract('PGlite', inFolder)
describeRecordsContract('Postgres', async () => (await onServer()).records(1, 'trusted'))
describeRecordsContract('PGlite', async () => (await inFolder()).records(1, 'trusted'))

describe('two replicas on one server', () => {
  const both = async (): Promise<readonly [ServiceState, ServiceState]> => {
    const place = { url: await stores.url() }
    return [(await stores.open({ place })).state, (await stores.open({ place })).state]
  }

  it('begin each of 200 effects once', async () => {
    const replicas = await both()
    const answers = await Promise.all(Array.from({ length: 400 }, (_, index) => replicas[index % 2]!.effects.begin(`key ${Math.floor(index / 2)}`, AT)))
    expect(answers.filter(({ kind }) => kind === 'begun')).toHaveLength(200)
  })

  it('make one run of many that are asked for at once, give it to one job, and move it forward only', async () => {
    const replicas = await both()
    const runs = await Promise.all(Array.from({ length: 30 }, (_, index) => replicas[index % 2]!.createRun(makeNewRun(`r${index}`))))
    const [id, ...others] = new Set(runs.map((run) => run.id))
    expect(others).toEqual([])
    const claims = await Promise.all(
      Array.from({ length: 30 }, (_, index) => replicas[index % 2]!.claimRun(id!, { workflowRun: index + 1, attempt: 1, at: AT })),
    )
    expect(new Set(claims.map(({ workflowRun }) => workflowRun)).size).toBe(1)
    const moves = (['ended', 'running', 'dispatched', 'queued'] as const).flatMap((state) =>
      replicas.map((replica) => replica.moveRun(id!, { state, now: AT, ...(state === 'dispatched' && { dispatches: 1 }) })),
    )
    await Promise.all(moves)
    expect(await replicas[0].run(id!)).toMatchObject({ state: 'ended' })
  })
})

describe('what the database keeps that no version of ours wrote', () => {
  it('is never trusted: runs and wishes fail with storage-corrupt, a record counts as absent', async () => {
    const url = await stores.url()
    const { state } = await stores.open({ place: { url } })
    await state.createRun(makeNewRun('r', { repository: 1 }))
    await state.putWish({ repository: 1, ref: 'refs/heads/main' }, { id: 'w', what: { kind: 'help' }, by: { login: 'zelda', kind: 'person' }, at: AT })
    const { default: pg } = await import('pg')
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(`update service.runs set plan = '{"schema":"ctss.run-plan/v1"}'`)
    await client.query(`update service.wishes set document = '{"id":"w","what":{"kind":"destroy"}}'`)
    await client.query(
      `insert into service.records (repository, trust, key, path, stage, outcome, seconds, ended, document) values (1, 'trusted', 'sha256:${'0'.repeat(64)}', '', 'build', 'passed', 1, now(), 'no JSON')`,
    )
    await expect(state.run('r')).rejects.toMatchObject({ code: 'storage-corrupt', message: expect.stringContaining('run r') })
    await expect(state.openWishes({ repository: 1, ref: 'refs/heads/main' })).rejects.toMatchObject({ code: 'storage-corrupt' })
    expect(await state.records(1, 'trusted').find(`sha256:${'0'.repeat(64)}`)).toBeUndefined()
    await client.query(`update service.runs set plan = 'no JSON'`)
    await expect(state.openRuns()).rejects.toMatchObject({ code: 'storage-corrupt' })
    await client.end()
  })
})
