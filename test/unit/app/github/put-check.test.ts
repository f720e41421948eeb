import { describe, expect, it } from 'vitest'
import { putCheck } from '../../../../app/github/put-check.ts'
import type { ActOutcome } from '../../../../app/github/services.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import type { CheckAnnotation, WantedCheck } from '../../../../pipeline/service/action.ts'
import { makeAppWorld, type AppWorld } from '../../../support/app-world.ts'

const COMMIT = 'a'.repeat(40)

function annotate(count: number, message = 'wrong'): readonly CheckAnnotation[] {
  return Array.from({ length: count }, (_, n) => ({ path: 'sage.yaml', startLine: n + 1, endLine: n + 1, level: 'failure', title: 'CTSS-M001', message }))
}

function wanted(changes: Partial<WantedCheck> = {}): WantedCheck {
  return {
    name: 'ctss / build',
    externalId: 'refs/heads/main ',
    commit: COMMIT,
    state: { status: 'completed', conclusion: 'failure' },
    title: 'Did not pass',
    summary: 'text',
    annotations: [],
    buttons: [],
    isProgress: false,
    ...changes,
  }
}

async function put(world: AppWorld, check: WantedCheck): Promise<ActOutcome> {
  const { services, repository } = world
  const installed = { installation: 1, id: repository.id, owner: 'sage', name: 'plugin' }
  return putCheck({ services, repository: installed, forge: services.forge.open(installed), signal: new AbortController().signal, isPrivate: false }, check)
}

describe('a check', () => {
  it('is made once, and left alone while it says the same', async () => {
    await using world = await makeAppWorld()
    for (let times = 0; times < 3; times += 1) await put(world, wanted())
    expect(world.github.calls).toEqual([`createCheck ${COMMIT}`])
  })

  it('is left alone by another ref at the same commit that has the same to say', async () => {
    await using world = await makeAppWorld()
    await put(world, wanted())
    await put(world, wanted({ externalId: 'refs/heads/other ' }))
    expect(world.github.calls).toHaveLength(1)
  })

  it.each([0, 1, 50, 51, 130])('gets %i annotations, each once', async (count) => {
    await using world = await makeAppWorld()
    for (let times = 0; times < 2; times += 1) await put(world, wanted({ annotations: annotate(count) }))
    expect(world.repository.checks.map(({ annotations }) => annotations.length)).toEqual([count])
    expect(world.github.calls).toHaveLength(Math.max(1, Math.ceil(count / 50)))
  })

  it('that ran without annotations gets them when it ends', async () => {
    await using world = await makeAppWorld()
    await put(world, wanted({ state: { status: 'queued' } }))
    await put(world, wanted({ annotations: annotate(60) }))
    expect(world.repository.checks.map(({ annotations }) => annotations.length)).toEqual([60])
    expect(world.github.calls).toHaveLength(3)
  })

  it('whose annotations are others has a new one in its place, again and again', async () => {
    await using world = await makeAppWorld()
    for (const message of ['one', 'two', 'three']) await put(world, wanted({ annotations: annotate(3, message) }))
    await put(world, wanted({ annotations: annotate(3, 'three'), title: 'again' }))
    expect(world.repository.checks.map(({ annotations, title }) => [annotations[0]?.message, title])).toEqual([
      ['one', 'Did not pass'],
      ['two', 'Did not pass'],
      ['three', 'again'],
    ])
  })

  it('that somebody took away is made again', async () => {
    await using world = await makeAppWorld()
    await put(world, wanted())
    world.repository.checks.splice(0)
    await put(world, wanted({ title: 'changed' }))
    expect(world.repository.checks.map(({ title }) => title)).toEqual(['changed'])
  })

  it('tells progress every 30 seconds at most, and its end at once', async () => {
    await using world = await makeAppWorld()
    await put(world, wanted({ state: { status: 'queued' }, isProgress: true }))
    world.passTime(10_000)
    const step = wanted({ state: { status: 'in_progress' }, isProgress: true })
    expect(await put(world, step)).toEqual({ changed: false, wakeAt: '2026-11-21T12:00:30.000Z' })
    expect(world.github.calls).toHaveLength(1)
    world.passTime(20_000)
    await put(world, step)
    expect(world.github.calls).toHaveLength(2)
    await put(world, wanted())
    expect(world.github.calls).toHaveLength(3)
  })

  it('tells at once that it goes on again after a verdict, as an approval makes it', async () => {
    await using world = await makeAppWorld()
    await put(world, wanted({ state: { status: 'completed', conclusion: 'action_required' } }))
    await put(world, wanted({ state: { status: 'in_progress' }, isProgress: true }))
    expect(world.repository.checks.map(({ state }) => state.status)).toEqual(['in_progress'])
  })

  it.each([
    ['createCheck', 10],
    ['createCheck', 120],
    ['updateCheck', 120],
  ])('whose %s was carried out without an answer has its %i annotations once', async (method, count) => {
    await using world = await makeAppWorld()
    let isLost = false
    world.github.onCall = (call, isDone) => {
      if (isLost || !isDone || !call.startsWith(method)) return
      isLost = true
      throw new Failure('forge-unavailable', 'the answer is lost')
    }
    await expect(put(world, wanted({ annotations: annotate(count) }))).rejects.toMatchObject({ code: 'forge-unavailable' })
    await put(world, wanted({ annotations: annotate(count) }))
    expect(world.repository.checks.map(({ annotations }) => annotations.length)).toEqual([count])
  })

  it('that was never made is made after GitHub has had the time to show it', async () => {
    await using world = await makeAppWorld()
    world.github.onCall = (call, isDone) => {
      if (!isDone && call.startsWith('createCheck')) throw new Failure('forge-unavailable', 'it never arrived')
    }
    await expect(put(world, wanted())).rejects.toMatchObject({ code: 'forge-unavailable' })
    world.github.onCall = () => undefined
    const before = world.services.clock.now()
    await put(world, wanted())
    expect(world.repository.checks).toHaveLength(1)
    expect(Date.parse(world.services.clock.now()) - Date.parse(before)).toBe(10_000)
  })
})
