import { describe, expect, it } from 'vitest'
import { compareWorld } from '../../../../app/sweeps/compare-world.ts'
import { redeliverLost } from '../../../../app/sweeps/redeliver-lost.ts'
import { runSweeps } from '../../../../app/sweeps/run-sweeps.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import type { ServiceState } from '../../../../pipeline/ports/service-state.ts'
import { makeAppWorld, STRANGER } from '../../../support/app-world.ts'
import { makeRunPlan } from '../../../support/run-plan.ts'

const signal = new AbortController().signal
const MAIN = 'refs/heads/main'

/** Of an earlier push to the default branch. */
async function tellOfPush(state: ServiceState, repository: number): Promise<void> {
  await state.putPusher({ repository, ref: MAIN }, 'c'.repeat(40), STRANGER, '2026-11-21T10:00:00.000Z')
}

describe('the sweep of deliveries', () => {
  it('asks again for what failed and never arrived', async () => {
    await using world = await makeAppWorld()
    const { repository, services, github } = world
    await world.deliver({ id: 'kept', address: { repository: repository.id, ref: MAIN } })
    const at = '2026-11-21T11:30:00.000Z'
    github.deliveries.push(
      { id: '1', guid: 'lost', event: 'push', at, succeeded: false },
      { id: '2', guid: 'kept', event: 'push', at, succeeded: false },
      { id: '3', guid: 'good', event: 'push', at, succeeded: true },
    )
    expect(await redeliverLost(services, '2026-11-21T11:00:00.000Z', signal)).toBe(1)
    expect(github.redelivered).toEqual(['1'])
    expect(await redeliverLost(services, '2026-11-21T11:45:00.000Z', signal)).toBe(0)
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
      if (call === 'app.installations') throw new Failure('forge-unavailable', 'GitHub is not working')
    }
    await world.push(MAIN, {}, { isSilent: true })
    await runSweeps(world.services, { signal: ending.signal, random: () => 0.5 })
    expect(new Set(pauses)).toEqual(new Set([60_000, 300_000, 3_600_000]))
  })

  it('come as often as they are told to, the first ones too', async () => {
    const ending = new AbortController()
    const pauses: number[] = []
    await using world = await makeAppWorld({
      async pause(ms) {
        pauses.push(ms)
        if (pauses.length > 5) ending.abort()
      },
    })
    await runSweeps(world.services, { signal: ending.signal, random: () => 0.5, everyMs: { redeliver: 1000, compare: 2000 } })
    expect(new Set(pauses)).toEqual(new Set([1000, 2000]))
  })
})
