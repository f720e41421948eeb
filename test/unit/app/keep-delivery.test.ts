import { describe, expect, it, vi } from 'vitest'
import { batchPuts } from '../../../app/batch-puts.ts'
import { keepDelivery } from '../../../app/keep-delivery.ts'
import { openLog } from '../../../app/log.ts'
import { Failure } from '../../../pipeline/failure.ts'
import type { RefAddress } from '../../../pipeline/service/world.ts'
import { memoryServiceStore } from '../../support/memory-service-store.ts'
import { makeRunPlan } from '../../support/run-plan.ts'

const COMMIT = 'a'.repeat(40)
const NOW = '2026-11-21T12:00:00.000Z'
const REPOSITORY = { id: 101, name: 'counter', owner: { login: 'zelda' }, default_branch: 'main' }
const SENDER = { login: 'zelda', type: 'User' }

async function open() {
  const { state, inbox } = memoryServiceStore({ now: () => Date.parse(NOW), attempts: 1 })
  const keep = batchPuts(inbox)
  const database = { isFull: false }
  const put: typeof keep = async (deliveries) => (database.isFull ? Promise.reject(new Failure('storage-full', 'no room')) : keep(deliveries))
  const ports = { state, inbox, put, clock: { now: () => NOW, monotonicMs: () => 0 }, log: openLog('silent'), appId: 12 }
  let count = 0
  const deliver = async (name: string, payload: unknown, id = `d${(count += 1)}`): Promise<void> => keepDelivery({ id, name, payload }, ports)
  /** Handles everything that is awake. */
  const awake = async (): Promise<RefAddress[]> => {
    const seen: RefAddress[] = []
    const stop = new AbortController()
    const work = inbox.work(async (address) => void seen.push(address), { parallel: 9, signal: stop.signal })
    while ((await inbox.counts()).waiting > 0) await new Promise(setImmediate)
    stop.abort()
    await work
    return seen
  }
  const makeRun = async (ref: string): Promise<void> => {
    await state.createRun({
      id: `run of ${ref}`,
      repository: 101,
      ref,
      commit: COMMIT,
      path: '',
      trust: 'trusted',
      release: false,
      plan: makeRunPlan(),
      cause: ref,
      now: NOW,
    })
    await state.moveRun(`run of ${ref}`, { state: 'dispatched', now: NOW, dispatches: 1, workflowRun: 9001 })
  }
  return { state, inbox, database, ports, deliver, awake, makeRun }
}

const installation = (action: string, id = 7): unknown => ({
  action,
  installation: { id, account: { login: 'zelda' } },
  repositories: [{ id: 101, name: 'counter' }],
  sender: SENDER,
})

describe('a delivery', () => {
  it('wakes the ref that it is about, and tells who pushed', async () => {
    const { state, deliver, awake } = await open()
    await deliver('push', { ref: 'refs/heads/main', after: COMMIT, repository: REPOSITORY, sender: SENDER, installation: { id: 7 } })
    expect(await awake()).toEqual([{ repository: 101, ref: 'refs/heads/main' }])
    expect(await state.pusher({ repository: 101, ref: 'refs/heads/main' }, COMMIT)).toMatchObject({ login: 'zelda', kind: 'person' })
  })

  it('tells of a repository whose installation nobody has told of, and does not bring back one that is gone', async () => {
    const { state, deliver } = await open()
    const push = { ref: 'refs/heads/main', after: COMMIT, repository: REPOSITORY, sender: SENDER, installation: { id: 7 } }
    await deliver('push', push)
    expect(await state.repository(101)).toEqual({ id: 101, owner: 'zelda', name: 'counter', installation: 7, isSuspended: false })
    await deliver('installation', installation('deleted'))
    await deliver('push', push)
    expect(await state.repository(101)).toMatchObject({ installation: undefined })
  })

  it('counts once, however often it comes', async () => {
    const { deliver, awake } = await open()
    const push = { ref: 'refs/heads/main', after: COMMIT, repository: REPOSITORY, sender: SENDER }
    await deliver('push', push, 'same')
    expect(await awake()).toHaveLength(1)
    await deliver('push', push, 'same')
    expect(await awake()).toHaveLength(0)
  })

  it('that says nothing to us keeps nothing', async () => {
    const { inbox, deliver } = await open()
    await deliver('push', { nonsense: true })
    await deliver('workflow_run', { workflow_run: { id: 4711 }, repository: REPOSITORY })
    expect(await inbox.counts()).toEqual({ waiting: 0, active: 0, retrying: 0, parked: 0 })
  })

  it('of a workflow run of ours wakes the ref of the run', async () => {
    const { deliver, awake, makeRun } = await open()
    await makeRun('refs/heads/x')
    const control = { ...REPOSITORY, id: 202 }
    await deliver('workflow_job', { action: 'completed', workflow_job: { run_id: 9001 }, repository: control })
    expect(await awake()).toEqual([])
    await deliver('workflow_run', { action: 'completed', workflow_run: { id: 9001 }, repository: control })
    expect(await awake()).toEqual([{ repository: 101, ref: 'refs/heads/x' }])
  })

  it('of a check that names a commit alone wakes the refs that had a run of it', async () => {
    const { state, deliver, awake, makeRun } = await open()
    const pressed = { action: 'rerequested', check_suite: { head_sha: COMMIT, head_branch: null, app: { id: 12 } }, repository: REPOSITORY, sender: SENDER }
    await deliver('check_suite', pressed)
    expect(await awake()).toEqual([])
    await makeRun('refs/pull/3/head')
    await deliver('check_suite', pressed)
    expect(await awake()).toEqual([{ repository: 101, ref: 'refs/pull/3/head' }])
    expect(await state.openWishes({ repository: 101, ref: 'refs/pull/3/head' })).toHaveLength(1)
  })
})

describe('installations', () => {
  it('come and go with their repositories, and wake what runs there', async () => {
    const { state, deliver, awake, makeRun } = await open()
    await deliver('installation', installation('created'))
    expect(await state.repository(101)).toEqual({ id: 101, owner: 'zelda', name: 'counter', installation: 7, isSuspended: false })
    await makeRun('refs/heads/x')
    await deliver('installation', installation('deleted'))
    expect((await state.repository(101))?.installation).toBeUndefined()
    expect(await awake()).toEqual([{ repository: 101, ref: 'refs/heads/x' }])
  })

  it('do not come back with a delivery of old', async () => {
    const { state, deliver } = await open()
    await deliver('installation', installation('created'), 'first')
    await deliver('installation', installation('deleted'), 'second')
    await deliver('installation', installation('created'), 'first')
    expect((await state.repository(101))?.installation).toBeUndefined()
  })

  it('that could not be told wake what runs there when they are told again', async () => {
    const { state, database, deliver, awake, makeRun } = await open()
    await deliver('installation', installation('created'))
    await makeRun('refs/heads/x')
    const gone = { action: 'deleted', installation: { id: 7, account: { login: 'zelda' } }, sender: SENDER }
    database.isFull = true
    await expect(deliver('installation', gone, 'gone')).rejects.toMatchObject({ code: 'storage-full' })
    database.isFull = false
    expect(await awake()).toEqual([])
    await deliver('installation', gone, 'gone')
    expect((await state.repository(101))?.installation).toBeUndefined()
    expect(await awake()).toEqual([{ repository: 101, ref: 'refs/heads/x' }])
    await deliver('installation', gone, 'gone')
    expect(await awake()).toEqual([])
  })

  it('do not come back with a delivery that could not be told before', async () => {
    const { state, database, deliver, awake, makeRun } = await open()
    await makeRun('refs/heads/x')
    database.isFull = true
    await expect(deliver('installation', installation('created'), 'first')).rejects.toMatchObject({ code: 'storage-full' })
    database.isFull = false
    await deliver('installation', installation('deleted'), 'second')
    await awake()
    await deliver('installation', installation('created'), 'first')
    expect((await state.repository(101))?.installation).toBeUndefined()
    expect(await awake()).toEqual([{ repository: 101, ref: 'refs/heads/x' }])
  })

  it('are suspended, and go on', async () => {
    const { state, deliver } = await open()
    await deliver('installation', installation('created'))
    await deliver('installation', { action: 'suspend', installation: { id: 7, account: { login: 'zelda' } } })
    expect((await state.repository(101))?.isSuspended).toBe(true)
    await deliver('repository', { action: 'renamed', repository: { ...REPOSITORY, name: 'renamed' }, installation: { id: 7 } })
    expect(await state.repository(101)).toMatchObject({ name: 'renamed', installation: 7, isSuspended: true })
    await deliver('installation', { action: 'unsuspend', installation: { id: 7, account: { login: 'zelda' } } })
    expect((await state.repository(101))?.isSuspended).toBe(false)
  })

  it('that are granted more wake what waited for it', async () => {
    const { state, inbox, deliver, awake } = await open()
    await deliver('installation', installation('created'))
    await deliver('push', { ref: 'refs/heads/main', after: COMMIT, repository: REPOSITORY, sender: SENDER })
    const stop = new AbortController()
    const work = inbox.work(async () => Promise.reject(new Error('403')), { parallel: 1, signal: stop.signal })
    while ((await inbox.counts()).parked === 0) await new Promise(setImmediate)
    stop.abort()
    await work
    await deliver('installation', { action: 'new_permissions_accepted', installation: { id: 7, account: { login: 'zelda' } } })
    expect(await awake()).toEqual([{ repository: 101, ref: 'refs/heads/main' }])
    expect(await state.repository(101)).toMatchObject({ installation: 7 })
  })
})

describe('an installation that is granted more, among many parked refs of others', () => {
  it('wakes its own, however long ago they were parked', async () => {
    const { state, inbox, ports } = await open()
    await state.putRepository({ id: 101, owner: 'zelda', name: 'counter', installation: 7, isSuspended: false })
    const parked = [
      ...Array.from({ length: 2500 }, (_, index) => ({ repository: 202, ref: `refs/heads/${index}` })),
      { repository: 101, ref: 'refs/heads/main' },
    ]
    const replayed: RefAddress[] = []
    const others = {
      ...inbox,
      parked: async (limit: number) => parked.slice(0, limit).map((address) => ({ address, cause: 'push', attempts: 8, error: '403', at: NOW })),
      replay: async (address: RefAddress) => replayed.push(address) > 0,
    }
    const payload = { action: 'new_permissions_accepted', installation: { id: 7, account: { login: 'zelda' } } }
    await keepDelivery({ id: 'granted', name: 'installation', payload }, { ...ports, inbox: others })
    expect(replayed).toEqual([{ repository: 101, ref: 'refs/heads/main' }])
  })
})

describe('deliveries that come at once', () => {
  const delivery = (id: string) => ({ id, address: { repository: 1, ref: 'refs/heads/main' }, cause: 'push' })

  it('are put together while the database is busy, each answered when it is durable', async () => {
    const batches: string[][] = []
    const gates: (() => void)[] = []
    const put = batchPuts({
      async putAll(deliveries) {
        batches.push(deliveries.map(({ id }) => id))
        await new Promise<void>((resolve) => gates.push(resolve))
        return deliveries.length
      },
    })
    const answered: string[] = []
    const all = Array.from({ length: 57 }, async (_, index) => put([delivery(`${index}`)]).then(() => answered.push(`${index}`)))
    expect(batches.map(({ length }) => length)).toEqual([1, 1, 1, 1])
    gates.shift()?.()
    await vi.waitFor(() => expect(answered).toEqual(['0']))
    while (answered.length < all.length) {
      gates.shift()?.()
      await new Promise(setImmediate)
    }
    expect(batches.map(({ length }) => length)).toEqual([1, 1, 1, 1, 25, 25, 3])
  })

  it('do not keep each other from being kept', async () => {
    const kept: string[] = []
    const put = batchPuts({
      async putAll(deliveries) {
        await Promise.resolve()
        if (deliveries.some(({ id }) => id === 'bad')) throw new Error('not this one')
        kept.push(...deliveries.map(({ id }) => id))
        return deliveries.length
      },
    })
    const answers = await Promise.allSettled(['a', 'b', 'c', 'bad', 'd'].map(async (id) => put([delivery(id)])))
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(kept.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['a', 'b', 'c', 'd'])
  })
})
