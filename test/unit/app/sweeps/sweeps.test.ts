import { describe, expect, it } from 'vitest'
import { compareWorld } from '../../../../app/sweeps/compare-world.ts'
import { redeliverLost } from '../../../../app/sweeps/redeliver-lost.ts'
import { runSweeps } from '../../../../app/sweeps/run-sweeps.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import type { AppServices } from '../../../../app/github/services.ts'
import type { ServiceState } from '../../../../pipeline/ports/service-state.ts'
import { makeAppWorld, STRANGER, type AppWorld } from '../../../support/app-world.ts'
import { makeRunPlan } from '../../../support/run-plan.ts'

const signal = new AbortController().signal
const MAIN = 'refs/heads/main'

/** Of an earlier push to the default branch. */
async function tellOfPush(state: ServiceState, repository: number): Promise<void> {
  await state.putPusher({ repository, ref: MAIN }, 'c'.repeat(40), STRANGER, '2026-11-21T10:00:00.000Z')
}

const FAILED = { succeeded: false, isRedelivery: false } as const
const NOW = '2026-11-21T12:00:00.000Z'
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const before = (ms: number): string => new Date(Date.parse(NOW) - ms).toISOString()

describe('the sweep of deliveries', () => {
  it('asks again for what failed and never arrived', async () => {
    await using world = await makeAppWorld()
    const { repository, services, github } = world
    await world.deliver({ id: 'kept', address: { repository: repository.id, ref: MAIN } })
    const at = '2026-11-21T11:30:00.000Z'
    github.deliveries.push(
      { ...FAILED, id: '1', guid: 'lost', at },
      { ...FAILED, id: '2', guid: 'kept', at },
      { ...FAILED, id: '3', guid: 'good', at, succeeded: true },
    )
    expect(await redeliverLost(services, '2026-11-21T11:00:00.000Z', signal)).toEqual({ asked: 1, missing: 1 })
    expect(github.redelivered).toEqual(['1'])
    expect(await redeliverLost(services, '2026-11-21T11:45:00.000Z', signal)).toEqual({ asked: 0, missing: 0 })
  })

  it('asks for what is missing, however much before it was kept though its answer was lost', async () => {
    await using world = await makeAppWorld()
    const { repository, services, github } = world
    for (let index = 0; index < 300; index += 1) {
      await world.deliver({ id: `kept-${index}`, address: { repository: repository.id, ref: MAIN } })
      github.deliveries.push({ ...FAILED, id: index, guid: `kept-${index}`, at: before(20 * MINUTE_MS) })
    }
    github.deliveries.push({ ...FAILED, id: 'lost', guid: 'lost', at: before(10 * MINUTE_MS) })
    expect(await redeliverLost(services, before(DAY_MS), signal)).toEqual({ asked: 1, missing: 1 })
  })

  it('goes on where one is refused, and tells that it is missing', async () => {
    await using world = await makeAppWorld()
    const { github, services } = world
    for (let id = 1; id <= 300; id += 1) github.deliveries.push({ ...FAILED, id, guid: `g${id}`, at: before((400 - id) * MINUTE_MS) })
    github.onCall = (call) => {
      if (/^app\.redeliver \d\d?$/.test(call)) throw new Failure('forge-refused', 'Not Found')
    }
    expect(await redeliverLost(services, before(DAY_MS), signal)).toEqual({ asked: 200, missing: 300 })
    expect(github.redelivered).toEqual(Array.from({ length: 200 }, (_, index) => index + 100))
  })

  it.each([
    ['GitHub is down', 'forge-unavailable', 6],
    ['it is cancelled', 'cancelled', 1],
  ] as const)('ends where %s', async (_, code, times) => {
    await using world = await makeAppWorld()
    const { github, services } = world
    let calls = 0
    for (let id = 1; id <= 100; id += 1) github.deliveries.push({ ...FAILED, id, guid: `g${id}`, at: before(5 * MINUTE_MS) })
    github.onCall = (call) => {
      if (!call.startsWith('app.redeliver')) return
      calls += 1
      throw new Failure(code, 'not now')
    }
    await expect(redeliverLost(services, before(DAY_MS), signal)).rejects.toMatchObject({ code })
    expect(calls).toBe(times)
  })
})

describe('the sweep of the world', () => {
  it('wakes every head that nobody told of, once', async () => {
    await using world = await makeAppWorld()
    const { repository, services } = world
    for (const ref of [MAIN, 'refs/heads/feature', 'refs/heads/theirs']) await world.push(ref, {}, { isSilent: true })
    await tellOfPush(services.state, repository.id)
    repository.pulls.push(
      { number: 1, author: STRANGER, fork: undefined, ref: 'refs/heads/feature', baseBranch: 'main', isDraft: false, isOpen: true },
      { number: 2, author: STRANGER, fork: 'fix', ref: 'refs/pull/2/head', baseBranch: 'main', isDraft: false, isOpen: true },
      { number: 3, author: STRANGER, fork: undefined, ref: 'refs/heads/theirs', baseBranch: 'main', isDraft: false, isOpen: false },
    )
    expect(await compareWorld(services, signal)).toBe(3)
    expect([MAIN, 'refs/heads/feature', 'refs/pull/2/head', 'refs/heads/theirs'].map((ref) => world.due(ref) !== undefined)).toEqual([true, true, true, false])
    expect(await compareWorld(services, signal)).toBe(0)
    await world.push(MAIN, { 'main.py': 'print(2)\n' }, { isSilent: true })
    expect(await compareWorld(services, signal)).toBe(1)
  })

  it('wakes no branch that nobody has pushed to since the app was installed', async () => {
    await using world = await makeAppWorld()
    await world.push(MAIN, {}, { isSilent: true })
    expect(await compareWorld(world.services, signal)).toBe(0)
  })

  it('wakes runs that have not ended, once an hour', async () => {
    await using world = await makeAppWorld()
    const { repository, services } = world
    repository.isArchived = true
    const run = { id: '01a20057-1ad3-752b-aa95-807d26678ceb', repository: repository.id, ref: MAIN, commit: 'a'.repeat(40), path: '' }
    await services.state.createRun({ ...run, trust: 'trusted', release: false, plan: makeRunPlan(), cause: 'push', now: services.clock.now() })
    expect(await compareWorld(services, signal)).toBe(1)
    expect(await compareWorld(services, signal)).toBe(0)
    world.passTime(3_600_000)
    expect(await compareWorld(services, signal)).toBe(1)
  })

  it('learns what was installed, renamed, suspended and removed', async () => {
    await using world = await makeAppWorld()
    const { github, services, repository } = world
    github.installations.push({ id: 2, owner: 'org', isSuspended: true, permissions: {} })
    const fresh = github.addRepository('sage', 'fresh')
    await services.state.putRepository({ id: 801, owner: 'sage', name: 'gone', installation: 1, isSuspended: false })
    await services.state.putRepository({ id: 802, owner: 'org', name: 'paused', installation: 2, isSuspended: false })
    await services.state.putRepository({ id: 803, owner: 'org', name: 'left', installation: undefined, isSuspended: false })
    repository.name = 'renamed'
    await compareWorld(services, signal)
    const known = await services.state.repositories()
    expect(known.find(({ id }) => id === repository.id)).toMatchObject({ name: 'renamed' })
    expect(known.find(({ id }) => id === fresh.id)).toMatchObject({ name: 'fresh', installation: 1 })
    expect(known.find(({ id }) => id === 801)).toMatchObject({ installation: undefined })
    expect(known.find(({ id }) => id === 802)).toMatchObject({ isSuspended: true, installation: 2 })
    expect(known.find(({ id }) => id === 803)).toMatchObject({ installation: undefined, isSuspended: false })
  })

  it('leaves the repositories of an installation alone that does not let it look, and goes on with the others', async () => {
    await using world = await makeAppWorld()
    const { github, services, repository } = world
    github.installations.unshift({ id: 2, owner: 'guarded', isSuspended: false, permissions: {} })
    const guarded = { id: 804, owner: 'guarded', name: 'plugin', installation: 2, isSuspended: false }
    await services.state.putRepository(guarded)
    await world.push(MAIN, {}, { isSilent: true })
    await tellOfPush(services.state, repository.id)
    github.onCall = (call) => {
      if (call === 'app.repositoriesOf 2') throw new Failure('forge-refused', 'the organisation has an IP allow list')
    }
    expect(await compareWorld(services, signal)).toBe(1)
    expect(await services.state.repository(804)).toEqual(guarded)
    github.onCall = (call) => {
      if (call === 'app.repositoriesOf 2') throw new Failure('cancelled', 'stopped')
    }
    await expect(compareWorld(services, signal)).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('believes what it was told of while the forge listed', async () => {
    await using world = await makeAppWorld()
    const { github, services } = world
    const added = { id: 805, owner: 'sage', name: 'added', installation: 1, isSuspended: false }
    const forge = {
      ...services.forge,
      async repositoriesOf(installation: number) {
        const listed = await github.forge.repositoriesOf(installation)
        await services.state.putRepository(added)
        return listed
      },
    }
    await compareWorld({ ...services, forge }, signal)
    expect(await services.state.repository(805)).toEqual(added)
  })

  it('wakes what is parked, once a day, and not before GitHub answers again', async () => {
    await using world = await makeAppWorld()
    const { github, services, repository } = world
    const tag = { repository: repository.id, ref: 'refs/tags/v1.0.0' }
    const parked = async () => [{ address: tag, cause: 'push', attempts: 8, error: 'GitHub is not working', at: NOW }]
    const ports = { ...services, inbox: { ...services.inbox, parked } }
    github.onCall = (call) => {
      if (call === 'app.installations') throw new Failure('forge-unavailable', 'GitHub is not working')
    }
    await expect(compareWorld(ports, signal)).rejects.toMatchObject({ code: 'forge-unavailable' })
    expect(world.due(tag.ref)).toBeUndefined()
    github.onCall = () => undefined
    expect(await compareWorld(ports, signal)).toBe(1)
    expect(world.due(tag.ref)).toBeDefined()
    world.passTime(3_600_000)
    expect(await compareWorld(ports, signal)).toBe(0)
    world.passTime(DAY_MS)
    expect(await compareWorld(ports, signal)).toBe(1)
  })

  it('goes on where one repository cannot be compared', async () => {
    await using world = await makeAppWorld()
    const { github, services, repository } = world
    await world.push(MAIN, {}, { isSilent: true })
    const fresh = github.addRepository('sage', 'fresh')
    fresh.refs.set(MAIN, 'b'.repeat(40))
    for (const { id } of [repository, fresh]) await tellOfPush(services.state, id)
    let failed = 0
    github.onCall = (call, isDone) => {
      if (isDone || !call.startsWith('openPulls') || failed > 0) return
      failed += 1
      throw new Failure('forge-unavailable', 'GitHub is not working')
    }
    expect(await compareWorld(services, signal)).toBe(1)
    expect(world.due(MAIN)).toBeUndefined()
    github.onCall = () => undefined
    expect(await compareWorld(services, signal)).toBe(1)
    expect(repository.checks).toEqual([])
  })

  it('ends where it is cancelled', async () => {
    await using world = await makeAppWorld()
    world.github.onCall = (call) => {
      if (call.startsWith('openPulls')) throw new Failure('cancelled', 'stopped')
    }
    await expect(compareWorld(world.services, signal)).rejects.toMatchObject({ code: 'cancelled' })
  })
})

interface SweepRun {
  readonly replicas?: number
  /** Of every process that sweeps. */
  readonly changes?: Partial<AppServices>
  readonly everyMs?: { readonly redeliver: number; readonly compare: number }
}

/** Processes that start now and live for a time, which passes as soon as all of them wait. */
async function sweepFor(world: AppWorld, ms: number, { replicas = 1, changes, everyMs }: SweepRun = {}): Promise<void> {
  const { clock } = world.services
  const nowMs = (): number => Date.parse(clock.now())
  const waiting = new Set<{ readonly atMs: number; readonly resolve: () => void }>()
  const ending = new AbortController()
  const pause: AppServices['pause'] = async (pauseMs, cancel) =>
    new Promise((resolve, reject) => {
      waiting.add({ atMs: nowMs() + pauseMs, resolve })
      cancel.addEventListener('abort', () => reject(new Error('aborted')))
    })
  const endMs = nowMs() + ms
  let draw = 0
  const random = (): number => ((draw += 0.37) % 1) as number
  const services = { ...world.services, pause, ...changes }
  const sweeps = Array.from({ length: replicas }, async () => runSweeps(services, { signal: ending.signal, random, everyMs }))
  for (;;) {
    while (waiting.size < 2 * replicas) await new Promise(setImmediate)
    const [next] = [...waiting].toSorted((one, other) => one.atMs - other.atMs)
    if (next === undefined || next.atMs > endMs) break
    world.passTime(Math.max(0, next.atMs - nowMs()))
    waiting.delete(next)
    next.resolve()
  }
  world.passTime(endMs - nowMs())
  ending.abort()
  await Promise.all(sweeps)
}

/** What is asked for again comes at once, until `arrives` says no. */
function arriveWhenAsked({ github, services }: AppWorld, arrives: () => boolean = () => true): void {
  github.onCall = (call, isDone) => {
    const id = isDone ? /^app\.redeliver (.+)$/.exec(call)?.[1] : undefined
    const attempt = github.deliveries.find((delivery) => String(delivery.id) === id)
    if (attempt === undefined) return
    github.deliveries.push({
      ...attempt,
      id: `${attempt.guid} ${github.deliveries.length}`,
      at: services.clock.now(),
      succeeded: arrives(),
      isRedelivery: true,
    })
  }
}

const countOf = ({ github }: AppWorld, call: string): number => github.calls.filter((one) => one.startsWith(call)).length

describe('the sweeps', () => {
  it('come again after a failure, and end with the signal', async () => {
    const ending = new AbortController()
    const pauses: number[] = []
    await using world = await makeAppWorld({
      async pause(ms) {
        pauses.push(ms)
        if (pauses.length > 5) ending.abort()
      },
    })
    world.github.onCall = (call) => {
      if (call === 'app.installations' || call.startsWith('app.deliveries')) throw new Failure('forge-unavailable', 'GitHub is not working')
    }
    await world.push(MAIN, {}, { isSilent: true })
    await runSweeps(world.services, { signal: ending.signal, random: () => 0.5 })
    expect(new Set(pauses)).toEqual(new Set([5000, 305_000, 3_605_000]))
  })

  it('come as often as they are told to', async () => {
    await using world = await makeAppWorld()
    await sweepFor(world, MINUTE_MS, { everyMs: { redeliver: 1000, compare: 2000 } })
    for (const [call, most] of [
      ['app.deliveries', 61],
      ['app.installations', 31],
    ] as const) {
      expect(countOf(world, call)).toBeLessThanOrEqual(most)
      expect(countOf(world, call)).toBeGreaterThan(most * 0.85)
    }
  })

  it('come in their time, however short each process lives', async () => {
    await using world = await makeAppWorld()
    for (let start = 0; start < 360; start += 1) await sweepFor(world, 20_000)
    expect(countOf(world, 'app.installations')).toBe(2)
    expect(countOf(world, 'app.deliveries')).toBeGreaterThanOrEqual(20)
    expect(countOf(world, 'app.deliveries')).toBeLessThanOrEqual(24)
  })

  it('that failed come again with the next start', async () => {
    await using world = await makeAppWorld()
    world.github.onCall = (call) => {
      if (call === 'app.installations') throw new Failure('forge-unavailable', 'GitHub is not working')
    }
    await sweepFor(world, MINUTE_MS)
    world.github.onCall = () => undefined
    await sweepFor(world, MINUTE_MS)
    await sweepFor(world, MINUTE_MS)
    expect(countOf(world, 'app.installations')).toBe(1)
  })

  it('of several replicas count as one', async () => {
    await using world = await makeAppWorld()
    await sweepFor(world, 4 * 60 * MINUTE_MS + MINUTE_MS, { replicas: 3 })
    expect(countOf(world, 'app.installations')).toBe(5)
  })

  it('are not kept from coming by a time that a wrong clock has noted', async () => {
    await using world = await makeAppWorld()
    const { services, github } = world
    for (const name of ['redeliver', 'compare']) await services.state.putSweep(name, '2030-01-01T00:00:00.000Z')
    github.deliveries.push({ ...FAILED, id: '1', guid: 'lost', at: before(DAY_MS) })
    arriveWhenAsked(world)
    await sweepFor(world, 30 * MINUTE_MS)
    expect(github.redelivered).toEqual(['1'])
    expect(countOf(world, 'app.installations')).toBe(1)
    expect((await services.state.lastSweep('redeliver'))?.slice(0, 4)).toBe('2026')
  })

  it('ask for all of 500 deliveries that failed in an outage of two days, once', async () => {
    await using world = await makeAppWorld()
    const { services, github } = world
    await services.state.putSweep('redeliver', before(2 * DAY_MS))
    for (let id = 0; id < 500; id += 1) github.deliveries.push({ ...FAILED, id, guid: `g${id}`, at: before(2 * DAY_MS - id * 5 * MINUTE_MS) })
    arriveWhenAsked(world)
    await sweepFor(world, 9 * MINUTE_MS)
    expect(github.redelivered).toEqual(Array.from({ length: 500 }, (_, id) => id))
    expect((await services.state.lastSweep('redeliver')) ?? '').toMatch(/^2026-11-21T12:06/)
  })

  it('lose nothing of two hours in which the database was down and the process lived', async () => {
    await using world = await makeAppWorld()
    const { services, github } = world
    await sweepFor(world, 10 * MINUTE_MS)
    const started = Date.parse(services.clock.now())
    const end = started + 120 * MINUTE_MS
    const isDown = (): boolean => Date.parse(services.clock.now()) < end
    for (let minute = 0; minute < 120; minute += 1)
      github.deliveries.push({ ...FAILED, id: minute, guid: `g${minute}`, at: new Date(started + minute * MINUTE_MS).toISOString() })
    const state = {
      ...services.state,
      async lastSweep(name: string) {
        if (isDown()) throw new Failure('storage-unavailable', 'the database cannot be reached')
        return services.state.lastSweep(name)
      },
    }
    arriveWhenAsked(world)
    await sweepFor(world, 150 * MINUTE_MS, { changes: { state } })
    expect(new Set(github.redelivered)).toEqual(new Set(Array.from({ length: 120 }, (_, minute) => minute)))
    expect(github.redelivered).toHaveLength(120)
  })

  it('ask again, ever more rarely, for what fails again, and give it up when GitHub keeps it no longer', async () => {
    await using world = await makeAppWorld()
    const { services, github } = world
    github.deliveries.push({ ...FAILED, id: 'poison', guid: 'poison', at: before(5 * MINUTE_MS) })
    arriveWhenAsked(world, () => false)
    await sweepFor(world, 3 * DAY_MS - 6 * MINUTE_MS)
    expect(await services.state.lastSweep('redeliver')).toBeUndefined()
    const asked = github.redelivered.length
    expect(asked).toBeGreaterThan(60)
    expect(asked).toBeLessThan(80)
    await sweepFor(world, DAY_MS)
    expect(await services.state.lastSweep('redeliver')).toBeDefined()
    expect(github.redelivered).toHaveLength(asked)
  })

  it('look back as far as before while GitHub refuses to send one again, for three days at most', async () => {
    await using world = await makeAppWorld()
    const { services, github } = world
    github.deliveries.push({ ...FAILED, id: 'refused', guid: 'refused', at: before(5 * MINUTE_MS) })
    github.onCall = (call) => {
      if (call === 'app.redeliver refused') throw new Failure('forge-refused', 'Not Found')
    }
    await sweepFor(world, 2 * DAY_MS)
    expect(await services.state.lastSweep('redeliver')).toBeUndefined()
    await sweepFor(world, DAY_MS + 10 * MINUTE_MS)
    expect(await services.state.lastSweep('redeliver')).toBeDefined()
  })
})
