import { afterEach, describe, expect, it, vi } from 'vitest'
import { Failure } from '../../pipeline/failure.ts'
import type { Delivery, Inbox } from '../../pipeline/ports/inbox.ts'
import type { ServiceState } from '../../pipeline/ports/service-state.ts'
import type { RefAddress } from '../../pipeline/service/world.ts'

export interface InboxUnderTest {
  readonly inbox: Inbox
  readonly state: ServiceState
}

const MAIN = { repository: 7_000_000_001, ref: 'refs/heads/main' }
const OTHER = { repository: 7_000_000_001, ref: 'refs/heads/other' }
const OUTAGES = ['forge-unavailable', 'registry-unavailable', 'storage-unavailable', 'storage-full'] as const
const WAIT = { timeout: 15_000, interval: 5 }

function delivery(id: string, overrides: Partial<Delivery> = {}): Delivery {
  return { id, address: MAIN, cause: 'push', ...overrides }
}

/** Every inbox passes this. `make` answers an empty one, which tries again as often as it is told, at once unless it is to wait. */
export function describeInboxContract(
  name: string,
  make: (options: { readonly attempts?: number; readonly backoffSeconds?: number }) => Promise<InboxUnderTest>,
): void {
  describe(`${name}, as an inbox`, () => {
    const workers: { stop(): Promise<void> }[] = []
    const gates = new Map<string, () => void>()
    afterEach(async () => {
      for (const release of gates.values()) release()
      gates.clear()
      for (const worker of workers.splice(0)) await worker.stop()
    })
    const work = (inbox: Inbox, handle: (address: RefAddress) => Promise<void>, parallel = 4): { stop(): Promise<void> } => {
      const signal = new AbortController()
      const done = inbox.work(handle, { parallel, signal: signal.signal })
      const worker = {
        async stop() {
          signal.abort()
          await done
        },
      }
      workers.push(worker)
      return worker
    }
    /** A handler that notes what it was handed, and waits where it is told to. */
    const recorder = () => {
      const handled: string[] = []
      const held = new Map<string, Promise<void>>()
      const handle = async ({ ref }: RefAddress): Promise<void> => {
        handled.push(ref)
        await held.get(ref)
      }
      const hold = (ref: string): (() => void) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        held.set(ref, promise)
        const release = (): void => {
          held.delete(ref)
          resolve()
        }
        gates.set(ref, release)
        return release
      }
      return { handled, handle, hold }
    }

    it('keeps a delivery once, with its pusher and its wish', async () => {
      const { inbox, state } = await make({})
      const wish = { id: 'comment:1', what: { kind: 'cancel' }, by: { login: 'zelda', kind: 'person' }, at: '2026-11-21T12:00:00.000Z' } as const
      const told = delivery('guid-1', { pushed: { commit: 'c1', by: { login: 'zelda', kind: 'person' }, at: '2026-11-21T12:00:00.000Z' }, wish })
      expect(await inbox.put(told)).toBe(true)
      expect(await state.pusher(MAIN, 'c1')).toEqual({ login: 'zelda', kind: 'person' })
      expect(await state.lastPush(MAIN)).toEqual({ commit: 'c1', at: '2026-11-21T12:00:00.000Z' })
      expect(await state.openWishes(MAIN)).toEqual([wish])
      expect(await inbox.put({ ...told, pushed: { commit: 'c2', by: { login: 'link', kind: 'bot' } } })).toBe(false)
      expect(await state.pusher(MAIN, 'c2')).toBeUndefined()
      expect(await inbox.counts()).toEqual({ waiting: 1, active: 0, retrying: 0, parked: 0 })
    })

    it('keeps the deliveries of one webhook together, and says how many were new', async () => {
      const { inbox } = await make({})
      await inbox.put(delivery('guid/0'))
      expect(await inbox.putAll([delivery('guid/1', { address: OTHER }), delivery('guid/0')])).toBe(1)
      expect(await inbox.putAll([])).toBe(0)
      expect(await inbox.counts()).toMatchObject({ waiting: 2 })
    })

    it('knows what never arrived', async () => {
      const { inbox } = await make({})
      await inbox.putAll([delivery('one'), delivery('two/0'), delivery('two/1')])
      expect(await inbox.missing(['one', 'two', 'three', 'two/7'])).toEqual(['three', 'two/7'])
      expect(await inbox.missing([])).toEqual([])
    })

    it('hands over what came before and after the work began', async () => {
      const { inbox } = await make({})
      const { handled, handle } = recorder()
      await inbox.put(delivery('1'))
      work(inbox, handle)
      await vi.waitFor(() => expect(handled).toEqual([MAIN.ref]), WAIT)
      await inbox.put(delivery('2', { address: OTHER }))
      await vi.waitFor(() => expect(handled).toEqual([MAIN.ref, OTHER.ref]), WAIT)
      await vi.waitFor(async () => expect(await inbox.counts()).toEqual({ waiting: 0, active: 0, retrying: 0, parked: 0 }), WAIT)
    })

    it('wakes a ref that waits only once', async () => {
      const { inbox } = await make({})
      const { handled, handle } = recorder()
      for (let index = 0; index < 5; index += 1) await inbox.put(delivery(`${index}`))
      await inbox.put(delivery('last', { address: OTHER }))
      const worker = work(inbox, handle, 1)
      await vi.waitFor(() => expect(handled).toContain(OTHER.ref), WAIT)
      await worker.stop()
      expect(handled).toEqual([MAIN.ref, OTHER.ref])
    })

    it('handles a ref once more that was told something while it was handled, never twice at a time', async () => {
      const { inbox } = await make({})
      const { handled, handle, hold } = recorder()
      const release = hold(MAIN.ref)
      work(inbox, handle)
      await inbox.put(delivery('1'))
      await vi.waitFor(() => expect(handled).toHaveLength(1), WAIT)
      for (let index = 2; index < 6; index += 1) await inbox.put(delivery(`${index}`))
      await inbox.put(delivery('other', { address: OTHER }))
      await vi.waitFor(() => expect(handled).toEqual([MAIN.ref, OTHER.ref]), WAIT)
      await vi.waitFor(async () => expect(await inbox.counts()).toMatchObject({ active: 1 }), WAIT)
      release()
      await vi.waitFor(() => expect(handled).toHaveLength(3), WAIT)
      await inbox.put(delivery('end', { address: { ...MAIN, ref: 'refs/heads/end' } }))
      await vi.waitFor(() => expect(handled).toContain('refs/heads/end'), WAIT)
      expect(handled.filter((ref) => ref === MAIN.ref)).toHaveLength(2)
    })

    it('handles no more refs at a time than it may', async () => {
      const { inbox } = await make({})
      let active = 0
      let most = 0
      let done = 0
      for (let index = 0; index < 12; index += 1) await inbox.put(delivery(`${index}`, { address: { repository: index, ref: 'refs/heads/main' } }))
      work(
        inbox,
        async () => {
          active += 1
          most = Math.max(most, active)
          await new Promise((resolve) => setTimeout(resolve, 10))
          active -= 1
          done += 1
        },
        3,
      )
      await vi.waitFor(() => expect(done).toBe(12), WAIT)
      expect(most).toBe(3)
    })

    it('hands over pull requests of forks after all others that wait', async () => {
      const { inbox } = await make({})
      const refs = ['refs/pull/1/head', 'refs/pull/2/head', 'refs/heads/main', 'refs/tags/v1']
      for (const ref of refs) await inbox.put(delivery(ref, { address: { repository: 1, ref } }))
      const { handled, handle } = recorder()
      work(inbox, handle, 1)
      await vi.waitFor(() => expect(handled).toHaveLength(refs.length), WAIT)
      expect(handled).toEqual(['refs/heads/main', 'refs/tags/v1', 'refs/pull/1/head', 'refs/pull/2/head'])
    })

    it('ends when those under way are done', async () => {
      const { inbox } = await make({})
      const { handled, handle, hold } = recorder()
      const release = hold(MAIN.ref)
      const worker = work(inbox, handle)
      await inbox.put(delivery('1'))
      await vi.waitFor(() => expect(handled).toHaveLength(1), WAIT)
      let hasStopped = false
      const stopped = worker.stop().then(() => (hasStopped = true))
      await inbox.put(delivery('2', { address: OTHER }))
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(hasStopped).toBe(false)
      release()
      await stopped
      expect(handled).toEqual([MAIN.ref])
      expect(await inbox.counts()).toMatchObject({ waiting: 1, active: 0 })
    })

    it('tries one that failed again, as often as it may, and parks it with what went wrong', async () => {
      const { inbox } = await make({ attempts: 3 })
      let tries = 0
      work(inbox, async () => {
        tries += 1
        throw new Error(`no luck ${tries}\u0000`)
      })
      await inbox.put(delivery('1', { cause: 'pull_request.opened' }))
      await vi.waitFor(async () => expect(await inbox.parked(10)).toHaveLength(1), WAIT)
      expect(tries).toBe(3)
      const [parked] = await inbox.parked(10)
      expect(parked).toMatchObject({ address: MAIN, cause: 'pull_request.opened', attempts: 3 })
      expect(parked?.error).toMatch(/^no luck 3/)
      expect(await inbox.counts()).toEqual({ waiting: 0, active: 0, retrying: 0, parked: 1 })
    })

    it('parks none because of an outage, which counts for nothing', async () => {
      const { inbox } = await make({ attempts: 1 })
      const tries: Record<string, number> = {}
      work(inbox, async ({ ref }) => {
        tries[ref] = (tries[ref] ?? 0) + 1
        if (tries[ref] === 1) throw new Failure(OUTAGES.find((code) => code === ref) ?? 'interrupted', 'it is away')
      })
      await inbox.putAll(OUTAGES.map((code) => delivery(code, { address: { repository: 1, ref: code } })))
      await vi.waitFor(() => expect(tries).toEqual(Object.fromEntries(OUTAGES.map((code) => [code, 2]))), WAIT)
      await vi.waitFor(async () => expect(await inbox.counts()).toEqual({ waiting: 0, active: 0, retrying: 0, parked: 0 }), WAIT)
    })

    it('parks one that fails otherwise as often as it may, whatever outages there were', async () => {
      const { inbox } = await make({ attempts: 2 })
      let tries = 0
      work(inbox, async () => {
        tries += 1
        throw tries === 1 ? new Failure('forge-unavailable', 'it is away') : new Error('broken')
      })
      await inbox.put(delivery('1'))
      await vi.waitFor(async () => expect(await inbox.parked(10)).toMatchObject([{ error: 'broken' }]), WAIT)
      expect(tries).toBe(3)
    })

    it('shows what will be tried again, with what went wrong', async () => {
      const { inbox } = await make({ backoffSeconds: 60 })
      work(inbox, async () => Promise.reject(new Failure('forge-unavailable', 'GitHub is away')))
      expect(await inbox.retrying(10)).toEqual([])
      await inbox.put(delivery('1', { cause: 'pull_request.opened' }))
      await inbox.put(delivery('2', { address: OTHER }))
      await vi.waitFor(async () => expect(await inbox.counts()).toEqual({ waiting: 0, active: 0, retrying: 2, parked: 0 }), WAIT)
      const retrying = await inbox.retrying(10)
      expect(retrying.find(({ address }) => address.ref === MAIN.ref)).toMatchObject({
        address: MAIN,
        cause: 'pull_request.opened',
        error: expect.stringMatching(/^GitHub is away/),
      })
      for (const { at } of retrying) expect(Date.parse(at)).toBeGreaterThan(Date.now() + 30_000)
      expect(await inbox.retrying(1)).toEqual(retrying.slice(0, 1))
    })

    it('forgets the failures of one that went well in the end', async () => {
      const { inbox } = await make({ attempts: 2 })
      let tries = 0
      work(inbox, async () => {
        tries += 1
        if (tries % 2 === 1) throw new Error('at first')
      })
      for (const round of [1, 2, 3]) {
        await inbox.put(delivery(`${round}`))
        await vi.waitFor(() => expect(tries).toBe(round * 2), WAIT)
        await vi.waitFor(async () => expect(await inbox.counts()).toEqual({ waiting: 0, active: 0, retrying: 0, parked: 0 }), WAIT)
      }
    })

    it('wakes a parked one by a new delivery, and by a replay, once', async () => {
      const { inbox } = await make({ attempts: 1 })
      let isBroken = true
      let done = 0
      work(inbox, async () => {
        if (isBroken) throw new Error('broken')
        done += 1
      })
      expect(await inbox.replay(MAIN)).toBe(false)
      await inbox.put(delivery('1'))
      await inbox.put(delivery('other', { address: OTHER }))
      await vi.waitFor(async () => expect(await inbox.parked(10)).toHaveLength(2), WAIT)
      expect(await inbox.parked(1)).toHaveLength(1)
      isBroken = false
      expect(await inbox.replay(MAIN)).toBe(true)
      expect(await inbox.replay(MAIN)).toBe(false)
      await inbox.put(delivery('2', { address: OTHER }))
      await vi.waitFor(() => expect(done).toBe(2), WAIT)
      expect(await inbox.parked(10)).toEqual([])
    })

    it('handles one at once again that failed while it was told something new', async () => {
      const { inbox } = await make({ attempts: 1 })
      let tries = 0
      work(inbox, async () => {
        tries += 1
        if (tries > 1) return
        await inbox.put(delivery('2'))
        throw new Error('the world moved')
      })
      await inbox.put(delivery('1'))
      await vi.waitFor(() => expect(tries).toBe(2), WAIT)
      expect(await inbox.parked(10)).toEqual([])
    })

    it('wakes a ref at the earliest of its times, which keep no delivery waiting', async () => {
      const { inbox } = await make({})
      const { handled, handle } = recorder()
      work(inbox, handle)
      const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString()
      await inbox.wakeAt(MAIN, inMs(3_600_000))
      await inbox.put(delivery('1'))
      await vi.waitFor(() => expect(handled).toEqual([MAIN.ref]), WAIT)
      await inbox.wakeAt(OTHER, inMs(3_600_000))
      await inbox.wakeAt(OTHER, inMs(50))
      await inbox.wakeAt(OTHER, inMs(1_800_000))
      await vi.waitFor(() => expect(handled).toEqual([MAIN.ref, OTHER.ref]), WAIT)
    })

    it('wakes no parked ref by its time', async () => {
      const { inbox } = await make({ attempts: 1 })
      let tries = 0
      work(inbox, async () => {
        tries += 1
        throw new Error('broken')
      })
      await inbox.put(delivery('1'))
      await vi.waitFor(async () => expect(await inbox.parked(10)).toHaveLength(1), WAIT)
      await inbox.wakeAt(MAIN, new Date(Date.now() - 1000).toISOString())
      await inbox.wakeAt(OTHER, new Date(Date.now() - 500).toISOString())
      await vi.waitFor(async () => expect(await inbox.parked(10)).toHaveLength(2), WAIT)
      expect(tries).toBe(2)
    })

    it('loses none of a hundred puts at once, many of them of one ref', async () => {
      const { inbox } = await make({})
      const seen = new Map<string, number>()
      work(inbox, async ({ repository, ref }) => void seen.set(`${repository} ${ref}`, (seen.get(`${repository} ${ref}`) ?? 0) + 1), 8)
      const puts = Array.from({ length: 100 }, (_, index) => inbox.put(delivery(`${index}`, { address: { repository: index % 10, ref: 'refs/heads/main' } })))
      expect((await Promise.all(puts)).every(Boolean)).toBe(true)
      await vi.waitFor(async () => expect(await inbox.counts()).toEqual({ waiting: 0, active: 0, retrying: 0, parked: 0 }), WAIT)
      expect(seen.size).toBe(10)
    })
  })
}
