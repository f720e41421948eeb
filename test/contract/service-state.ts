import { describe, expect, it } from 'vitest'
import { digestOf } from '../../pipeline/digest.ts'
import type { NewRun, ServiceState } from '../../pipeline/ports/service-state.ts'
import type { Wish } from '../../pipeline/service/wish.ts'
import { makeNewRun } from '../support/new-run.ts'
import { makeRecord, makeSubject } from '../support/records.ts'

const AT = '2026-11-21T12:00:00.000Z'
const LATER = '2026-11-21T12:05:00.000Z'
const BRANCH = { repository: 7_000_000_001, ref: 'refs/heads/main' }
const PERSON = { login: 'zelda', kind: 'person' } as const

function wish(id: string, overrides: Partial<Wish> = {}): Wish {
  return { id, what: { kind: 'cancel' }, by: PERSON, at: AT, ...overrides }
}

/** Every state of the service passes this. `make` answers an empty one. */
export function describeServiceStateContract(name: string, make: () => Promise<ServiceState>): void {
  describe(`${name}, as the service's state`, () => {
    describe('effects', () => {
      it('begins one that nobody has begun, once', async () => {
        const { effects } = await make()
        expect(await effects.begin('comment:1:2:', AT)).toEqual({ kind: 'begun' })
        expect(await effects.begin('comment:1:2:', LATER)).toEqual({ kind: 'in-doubt', since: AT })
        expect(await effects.begin('comment:1:3:', LATER)).toEqual({ kind: 'begun' })
      })

      it('tells of one that is done what it is called and what was written', async () => {
        const { effects } = await make()
        await effects.begin('check', AT)
        await effects.finish('check', '123', 'sha256:a', LATER)
        expect(await effects.begin('check', LATER)).toEqual({ kind: 'done', external: '123', content: 'sha256:a', at: LATER })
        await effects.finish('check', '123', 'sha256:b', LATER)
        expect(await effects.begin('check', LATER)).toMatchObject({ content: 'sha256:b' })
      })

      it('begins one anew whose thing is gone', async () => {
        const { effects } = await make()
        await effects.begin('check', AT)
        await effects.finish('check', '123', 'sha256:a', AT)
        await effects.restart('check', LATER)
        expect(await effects.begin('check', LATER)).toEqual({ kind: 'in-doubt', since: LATER })
      })

      it('lets exactly one of twenty begin', async () => {
        const { effects } = await make()
        const states = await Promise.all(Array.from({ length: 20 }, () => effects.begin('one', AT)))
        expect(states.filter(({ kind }) => kind === 'begun')).toHaveLength(1)
      })
    })

    it('knows repositories by their number, as they were put last', async () => {
      const state = await make()
      const plugin = { id: 5_000_000_000, owner: 'Sage', name: 'plugin', installation: 99, isSuspended: false }
      expect(await state.repository(plugin.id)).toBeUndefined()
      await state.putRepository(plugin)
      expect(await state.repository(plugin.id)).toEqual(plugin)
      const renamed = { ...plugin, name: 'renamed', installation: undefined, isSuspended: true }
      await state.putRepository(renamed)
      await state.putRepository({ ...plugin, id: 1 })
      expect(await state.repositories()).toEqual([{ ...plugin, id: 1 }, renamed])
    })

    it('knows who pushed a commit to a ref, the newest push of it', async () => {
      const state = await make()
      expect(await state.pusher(BRANCH, 'c1')).toBeUndefined()
      await state.putPusher(BRANCH, 'c1', PERSON, LATER)
      await state.putPusher(BRANCH, 'c1', { login: 'link', kind: 'bot' }, AT)
      expect(await state.pusher(BRANCH, 'c1')).toEqual(PERSON)
      await state.putPusher(BRANCH, 'c2', { login: 'link', kind: 'bot' })
      expect(await state.pusher(BRANCH, 'c2')).toEqual({ login: 'link', kind: 'bot' })
      expect(await state.pusher({ ...BRANCH, ref: 'refs/heads/other' }, 'c1')).toBeUndefined()
    })

    it('knows the newest push to a ref by the time that was told, in whatever order they came', async () => {
      const state = await make()
      await state.putPusher(BRANCH, 'c0', PERSON)
      expect(await state.lastPush(BRANCH)).toBeUndefined()
      await state.putPusher(BRANCH, 'c2', PERSON, LATER)
      await state.putPusher(BRANCH, 'c1', PERSON, AT)
      expect(await state.lastPush(BRANCH)).toEqual({ commit: 'c2', at: LATER })
      expect(await state.lastPush({ ...BRANCH, repository: 2 })).toBeUndefined()
    })

    it('keeps the commit that a tag named first', async () => {
      const state = await make()
      const tag = { repository: 1, ref: 'refs/tags/v1.0.0' }
      expect(await state.firstTagCommit(tag, 'first')).toBe('first')
      expect(await state.firstTagCommit(tag, 'moved')).toBe('first')
      expect(await state.firstTagCommit({ ...tag, repository: 2 }, 'moved')).toBe('moved')
    })

    it('keeps a wish once, until it is answered, and never takes it again', async () => {
      const state = await make()
      expect(await state.putWish(BRANCH, wish('comment:1'))).toBe(true)
      expect(await state.putWish(BRANCH, wish('comment:1'))).toBe(false)
      await state.answerWish('comment:1', LATER)
      expect(await state.putWish(BRANCH, wish('comment:1'))).toBe(false)
      expect(await state.openWishes(BRANCH)).toEqual([])
    })

    it('answers the open wishes of a ref whole, the oldest first', async () => {
      const state = await make()
      const whole = wish('comment:2', {
        what: { kind: 'run', stages: ['build', 'virtual'], node: 'W097', again: true },
        at: LATER,
        commit: 'b'.repeat(40),
        path: 'plugins/bird',
        comment: { id: 5_000_000_000, issue: 7 },
      })
      await state.putWish(BRANCH, whole)
      await state.putWish(BRANCH, wish('button:1', { what: { kind: 'unknown', message: 'a "quote"\n\u0000 😀' } }))
      await state.putWish({ ...BRANCH, ref: 'refs/heads/other' }, wish('web:1'))
      expect(await state.openWishes(BRANCH)).toEqual([wish('button:1', { what: { kind: 'unknown', message: 'a "quote"\n\u0000 😀' } }), whole])
    })

    it('keeps approvals of one head commit each, once', async () => {
      const state = await make()
      const approval = { pullRequest: 7, commit: 'c1', by: 'zelda', at: AT }
      await state.putApproval(1, approval)
      await state.putApproval(1, { ...approval, at: LATER })
      await state.putApproval(1, { ...approval, commit: 'c2', at: LATER })
      await state.putApproval(1, { ...approval, pullRequest: 0 })
      await state.putApproval(2, approval)
      expect(await state.approvals(1, 7)).toEqual([approval, { ...approval, commit: 'c2', at: LATER }])
    })

    describe('runs', () => {
      it('makes one in the queue, and answers it whole', async () => {
        const state = await make()
        const { now, ...facts } = makeNewRun('r1')
        const run = await state.createRun(makeNewRun('r1'))
        expect(run).toEqual({
          ...facts,
          state: 'queued',
          outcome: undefined,
          reason: undefined,
          created: now,
          dispatched: undefined,
          dispatches: 0,
          workflowRun: undefined,
          claim: undefined,
          delivered: undefined,
          minutes: undefined,
        })
        expect(await state.run('r1')).toEqual(run)
        expect(await state.run('no such run')).toBeUndefined()
      })

      it('answers the one that is there for the same commit, plugin, trust, release and cause', async () => {
        const state = await make()
        await state.createRun(makeNewRun('r1'))
        expect(await state.createRun(makeNewRun('r2', { ref: 'refs/heads/other', now: LATER }))).toMatchObject({ id: 'r1', ref: BRANCH.ref })
        const others: readonly Partial<NewRun>[] = [
          { commit: 'b' },
          { path: 'apps/bird' },
          { trust: 'untrusted' },
          { release: true },
          { cause: 'comment:1' },
          { repository: 2 },
        ]
        for (const [index, other] of others.entries())
          expect(await state.createRun(makeNewRun(`other ${index}`, other))).toMatchObject({ id: `other ${index}` })
      })

      it('makes one of twenty that come at once', async () => {
        const state = await make()
        const runs = await Promise.all(Array.from({ length: 20 }, (_, index) => state.createRun(makeNewRun(`r${index}`))))
        expect(new Set(runs.map(({ id }) => id)).size).toBe(1)
      })

      it('moves forward only', async () => {
        const state = await make()
        await state.createRun(makeNewRun('r1'))
        expect(await state.moveRun('r1', { state: 'dispatched', now: AT, dispatches: 1, workflowRun: 11 })).toMatchObject({
          state: 'dispatched',
          dispatches: 1,
          workflowRun: 11,
          dispatched: AT,
        })
        expect(await state.moveRun('r1', { state: 'running', now: AT })).toMatchObject({ state: 'running', dispatched: AT })
        expect(await state.moveRun('r1', { state: 'dispatched', now: LATER, dispatches: 1, workflowRun: 12 })).toMatchObject({
          state: 'running',
          workflowRun: 11,
        })
        const ended = await state.moveRun('r1', { state: 'ended', now: LATER, outcome: 'passed', reason: 'all is well', minutes: 3.5 })
        expect(ended).toMatchObject({ state: 'ended', outcome: 'passed', reason: 'all is well', minutes: 3.5 })
        for (const to of ['queued', 'dispatched', 'running', 'ended'] as const) {
          expect(await state.moveRun('r1', { state: to, now: LATER, dispatches: 2, outcome: 'failed', reason: 'late' })).toEqual(ended)
        }
      })

      it('goes on with a later dispatch, and forgets the workflow run and the claim of the one before', async () => {
        const state = await make()
        await state.createRun(makeNewRun('r1'))
        await state.moveRun('r1', { state: 'dispatched', now: AT, dispatches: 1, workflowRun: 11 })
        await state.claimRun('r1', { workflowRun: 11, attempt: 1, at: AT })
        await state.moveRun('r1', { state: 'running', now: AT })
        const again = await state.moveRun('r1', { state: 'dispatched', now: LATER, dispatches: 2 })
        expect(again).toMatchObject({ state: 'dispatched', dispatches: 2, dispatched: LATER, workflowRun: undefined, claim: undefined })
        expect(await state.moveRun('r1', { state: 'running', now: LATER, dispatches: 1 })).toEqual(again)
      })

      it('keeps the claim of a job that came before its dispatch was written down', async () => {
        const state = await make()
        await state.createRun(makeNewRun('r1'))
        const claim = { workflowRun: 11, attempt: 1, at: AT }
        await state.claimRun('r1', claim)
        expect(await state.moveRun('r1', { state: 'dispatched', now: LATER, dispatches: 1, workflowRun: 11 })).toMatchObject({ claim })
      })

      it('learns the workflow run of a dispatch later, once', async () => {
        const state = await make()
        await state.createRun(makeNewRun('r1'))
        await state.moveRun('r1', { state: 'dispatched', now: AT, dispatches: 1 })
        expect(await state.moveRun('r1', { state: 'dispatched', now: LATER, dispatches: 1, workflowRun: 5_000_000_000 })).toMatchObject({
          workflowRun: 5_000_000_000,
          dispatched: AT,
        })
        expect(await state.moveRun('r1', { state: 'dispatched', now: LATER, dispatches: 1, workflowRun: 12 })).toMatchObject({ workflowRun: 5_000_000_000 })
        expect(await state.runOfWorkflow(5_000_000_000)).toMatchObject({ id: 'r1' })
        expect(await state.runOfWorkflow(12)).toBeUndefined()
      })

      it('finds those of a ref that have not ended, and all of a commit', async () => {
        const state = await make()
        await state.createRun(makeNewRun('open', { commit: 'c1', now: AT }))
        await state.createRun(makeNewRun('ended', { commit: 'c2', now: LATER }))
        await state.createRun(makeNewRun('other ref', { commit: 'c3', ref: 'refs/heads/other' }))
        await state.createRun(makeNewRun('other repository', { commit: 'c2', repository: 2 }))
        await state.moveRun('ended', { state: 'ended', now: LATER, outcome: 'cancelled' })
        const ids = async (commit: string | undefined): Promise<readonly string[]> => (await state.runsOf(BRANCH, commit)).map(({ id }) => id)
        expect(await ids(undefined)).toEqual(['open'])
        expect(await ids('c2')).toEqual(['ended', 'open'])
        expect(await ids('c3')).toEqual(['other ref', 'open'])
        expect((await state.openRuns()).map(({ id }) => id).toSorted()).toEqual(['open', 'other ref', 'other repository'])
      })

      it('belongs to the job that claims it first', async () => {
        const state = await make()
        await state.createRun(makeNewRun('r1'))
        const first = { workflowRun: 11, attempt: 1, at: AT }
        expect(await state.claimRun('r1', first)).toEqual(first)
        expect(await state.claimRun('r1', { workflowRun: 12, attempt: 1, at: LATER })).toEqual(first)
        expect(await state.run('r1')).toMatchObject({ claim: first, workflowRun: 11 })
      })

      it('belongs to one of twenty that claim it at once, and all are told the same', async () => {
        const state = await make()
        await state.createRun(makeNewRun('r1'))
        const claims = await Promise.all(Array.from({ length: 20 }, (_, index) => state.claimRun('r1', { workflowRun: index + 1, attempt: 1, at: AT })))
        expect(new Set(claims.map(({ workflowRun }) => workflowRun)).size).toBe(1)
      })

      it('lets something be done once', async () => {
        const state = await make()
        await state.createRun(makeNewRun('r1'))
        const answers = await Promise.all(Array.from({ length: 10 }, () => state.once('r1', 'token/1/1', AT)))
        expect(answers.filter(Boolean)).toHaveLength(1)
        expect(await state.once('r1', 'token/1/2', AT)).toBe(true)
      })

      it('is delivered once, with everything that came first', async () => {
        const state = await make()
        await state.createRun(makeNewRun('r1'))
        expect(await state.recordsOfRun('r1')).toEqual([])
        const records = [makeRecord('validate'), makeRecord('build', { outcome: 'error', reason: 'a NUL: \u0000' })]
        await state.deliverRun('r1', AT, records)
        await state.deliverRun('r1', LATER, [makeRecord('train')])
        expect(await state.run('r1')).toMatchObject({ delivered: AT })
        expect(await state.recordsOfRun('r1')).toEqual(records)
      })
    })

    it('keeps the records of each trust class and repository apart', async () => {
      const state = await make()
      await state.records(1, 'untrusted').put(makeRecord('build'))
      const key = digestOf('key of build')
      expect(await state.records(1, 'trusted').find(key)).toBeUndefined()
      expect(await state.records(2, 'untrusted').find(key)).toBeUndefined()
      expect(await state.records(1, 'untrusted').find(key)).toEqual(makeRecord('build'))
    })

    it('knows how long a stage of a plugin took lately', async () => {
      const state = await make()
      const put = (index: number, seconds: number, overrides = {}): Promise<void> => {
        const started = new Date(Date.parse(AT) + index * 60_000)
        const ended = new Date(started.getTime() + seconds * 1000)
        return state
          .records(1, 'trusted')
          .put(makeRecord('build', { key: digestOf(`${index}`), started: started.toISOString(), ended: ended.toISOString(), ...overrides }))
      }
      for (let index = 0; index < 25; index += 1) await put(index, index + 1)
      await put(30, 500, { outcome: 'failed' })
      await put(31, 500, { subject: makeSubject({ prefix: 'apps/bird' }) })
      await state.records(1, 'untrusted').put(makeRecord('build', { started: AT, ended: '9999-01-01T00:00:00.000Z' }))
      expect(await state.stageSeconds(1, '', 'build')).toEqual(Array.from({ length: 20 }, (_, index) => 25 - index))
      expect(await state.stageSeconds(1, 'apps/bird', 'build')).toEqual([500])
      expect(await state.stageSeconds(1, '', 'train')).toEqual([])
    })

    it('adds up what a repository and its owner have spent, and spend now', async () => {
      const state = await make()
      const put = (id: number, owner: string): Promise<void> => state.putRepository({ id, owner, name: `plugin-${id}`, installation: 1, isSuspended: false })
      await Promise.all([put(1, 'Sage'), put(2, 'sage'), put(3, 'other')])
      const since = new Date(Date.now() - 3_600_000).toISOString()
      const end = async (id: string, repository: number, ended: string, minutes?: number): Promise<void> => {
        await state.createRun(makeNewRun(id, { repository }))
        await state.moveRun(id, { state: 'ended', now: ended, outcome: 'passed', ...(minutes !== undefined && { minutes }) })
      }
      const now = new Date().toISOString()
      await end('own', 1, now, 10)
      await end('free', 2, now, undefined)
      await state.createRun(makeNewRun('mate', { repository: 2, cause: 'again' }))
      await state.moveRun('mate', { state: 'ended', now, outcome: 'failed', minutes: 5 })
      await end('stranger', 3, now, 1000)
      await state.createRun(makeNewRun('old', { repository: 1, cause: 'old' }))
      await state.moveRun('old', { state: 'ended', now: new Date(Date.parse(since) - 1000).toISOString(), outcome: 'passed', minutes: 500 })
      await state.createRun(makeNewRun('queued', { repository: 1, cause: 'queued' }))
      await state.createRun(makeNewRun('open', { repository: 1, cause: 'open' }))
      await state.moveRun('open', { state: 'dispatched', now: new Date(Date.now() - 120_000).toISOString(), dispatches: 1 })
      await state.createRun(makeNewRun('long', { repository: 2, cause: 'long' }))
      await state.moveRun('long', { state: 'dispatched', now: new Date(Date.parse(since) - 3_600_000).toISOString(), dispatches: 1 })
      const spent = await state.spending(1, since)
      expect(spent).toMatchObject({ repositoryRuns: 1, ownerRuns: 2 })
      expect(spent.repositoryMinutes).toBeCloseTo(12, 0)
      expect(spent.ownerMinutes).toBeCloseTo(77, 0)
      expect(await state.spending(4, since)).toEqual({ repositoryMinutes: 0, ownerMinutes: 0, repositoryRuns: 0, ownerRuns: 0 })
    })

    it('knows when each sweep that ended last was begun', async () => {
      const state = await make()
      expect(await state.lastSweep('compare')).toBeUndefined()
      await state.putSweep('compare', AT)
      await state.putSweep('compare', LATER)
      expect(await state.lastSweep('compare')).toBe(LATER)
      expect(await state.lastSweep('redeliver')).toBeUndefined()
    })
  })
}
