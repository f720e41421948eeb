import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openDatabase } from '../../adapters/database/open-database.ts'
import { forgetOld, mendRefs, vacuum } from '../../adapters/inbox/keep-house.ts'
import { SERVICE_SCHEMA } from '../../adapters/service-state/migrations.ts'
import type { ServiceTables } from '../../adapters/service-state/service-tables.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { Inbox } from '../../pipeline/ports/inbox.ts'
import type { RefAddress } from '../../pipeline/service/world.ts'
import { describeInboxContract } from '../contract/inbox.ts'
import { startSilentProxy } from '../support/silent-proxy.ts'
import { startServiceStores, type ServiceStores } from '../support/service-stores.ts'

const PROCESS = fileURLToPath(new URL('../support/inbox-process.ts', import.meta.url))
const EMPTY = { waiting: 0, active: 0, retrying: 0, parked: 0 }
const LONG = { timeout: 60_000, interval: 20 }

let stores: ServiceStores
beforeAll(async () => {
  stores = await startServiceStores({ durable: true })
})

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  await stores.closeAll()
})
afterAll(() => stores[Symbol.asyncDispose]())

const places = [
  { name: 'Postgres', place: async () => ({ url: await stores.url() }) },
  { name: 'PGlite', place: async () => ({ folder: await stores.folder() }) },
] as const

for (const { name, place } of places) {
  describeInboxContract(name, async (options) => stores.open({ place: await place(), backoffSeconds: 0, ...options }))
}

describe.each(places)('the inbox on $name', ({ place }) => {
  it('loses none of a burst of 1,000 refs', async () => {
    const { inbox } = await stores.open({ place: await place() })
    const handled = new Set<string>()
    work(inbox, async ({ ref }) => void handled.add(ref), 32)
    const puts = Array.from({ length: 1000 }, (_, index) =>
      put(inbox, `burst-${index}`).then(
        (isNew) => isNew,
        // Refused is not lost: GitHub is told, and sends it again when asked.
        () => put(inbox, `burst-${index}`),
      ),
    )
    expect((await Promise.all(puts)).every(Boolean)).toBe(true)
    await vi.waitFor(() => expect(handled.size).toBe(1000), LONG)
    await vi.waitFor(async () => expect(await inbox.counts()).toEqual(EMPTY), LONG)
  })

  it('handles every ref after it was told the last time, in any interleaving of puts, failures and workers that come and go', async () => {
    for (const seed of [1, 2, 3]) {
      const random = generator(seed)
      const { inbox } = await stores.open({ place: await place(), backoffSeconds: 0, attempts: 1000 })
      const told = new Map<string, number>()
      const seen = new Map<string, number>()
      const inHand = new Set<string>()
      const handle = async ({ ref }: RefAddress): Promise<void> => {
        expect(inHand.has(ref), `${ref} is handled twice at a time`).toBe(false)
        inHand.add(ref)
        const now = told.get(ref) ?? 0
        await pause(random() * 15)
        inHand.delete(ref)
        if (random() < 0.2) throw new Error('by chance')
        seen.set(ref, now)
      }
      let workers = [work(inbox, handle, 2)]
      for (let step = 0; step < 150; step += 1) {
        const ref = `refs/heads/${Math.floor(random() * 6)}`
        const dice = random()
        // Told first: whoever handles the ref from now on sees it.
        told.set(ref, step)
        if (dice < 0.75) await inbox.put({ id: `${seed}-${step}`, address: { repository: 1, ref }, cause: 'push' })
        else await inbox.wakeAt({ repository: 1, ref }, new Date(Date.now() - 1000 + random() * 1200).toISOString())
        if (dice > 0.97) {
          await Promise.all(workers.map(({ stop }) => stop()))
          workers = [work(inbox, handle, 1 + Math.floor(random() * 4))]
        }
        await pause(random() * 8)
      }
      await vi.waitFor(() => expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(told)), LONG)
    }
  })

  it('gives a ref back at its next start whose process was killed, and everything it had acknowledged', async () => {
    const where = await place()
    const target = 'url' in where ? where.url : where.folder
    const acknowledged: string[] = []
    for (const [round, delayMs] of [200, 700, 1500].entries()) {
      const child = start('put', target, `round-${round}`)
      await vi.waitFor(() => expect(child.lines).toContain('open'), LONG)
      await pause(delayMs)
      await child.kill()
      acknowledged.push(...child.lines.filter((line) => line !== 'open'))
    }
    expect(acknowledged.length).toBeGreaterThan(10)
    const handler = start('hang', target)
    await vi.waitFor(() => expect(handler.lines.length).toBeGreaterThan(3), LONG)
    await handler.kill()
    const { inbox } = await stores.open({ place: where, leaseSeconds: 10, backoffSeconds: 0 })
    expect(await inbox.missing(acknowledged)).toEqual([])
    const handled = new Set<string>()
    work(inbox, async ({ ref }) => void handled.add(ref), 8)
    await vi.waitFor(() => expect(acknowledged.filter((id) => !handled.has(`refs/heads/${id}`))).toEqual([]), LONG)
    for (const ref of handler.lines) expect(handled.has(ref)).toBe(true)
  })

  it('forgets a delivery after 30 days, and no sooner', async () => {
    const where = await place()
    const store = await stores.open({ place: where })
    await put(store.inbox, 'young')
    await put(store.inbox, 'old')
    expect(await store.inbox.missing(['young', 'old'])).toEqual([])
    await store.close()
    const database = await openDatabase<ServiceTables>(where, SERVICE_SCHEMA, {
      connections: 1,
      onError: () => undefined,
    })
    await database.query((db) => sql`update service.deliveries set arrived = now() - make_interval(days => case id when 'old' then 31 else 29 end)`.execute(db))
    await database.write(forgetOld)
    await database.query(vacuum)
    await database.close()
    const { inbox } = await stores.open({ place: where })
    expect(await inbox.missing(['young', 'old'])).toEqual(['old'])
  })
})

describe('replicas on one server', () => {
  it('share the refs, and never handle one at the same time', async () => {
    const url = await stores.url()
    const replicas = [await stores.open({ place: { url } }), await stores.open({ place: { url } }), await stores.open({ place: { url } })]
    const inHand = new Set<string>()
    const counts = [0, 0, 0]
    let overlaps = 0
    for (const [index, { inbox }] of replicas.entries()) {
      work(
        inbox,
        async ({ ref }) => {
          if (inHand.has(ref)) overlaps += 1
          inHand.add(ref)
          counts[index]! += 1
          await pause(20)
          inHand.delete(ref)
        },
        4,
      )
    }
    for (let index = 0; index < 120; index += 1)
      await replicas[index % 3]!.inbox.put({ id: `${index}`, address: { repository: 1, ref: `refs/heads/${index % 30}` }, cause: 'push' })
    await vi.waitFor(async () => expect(await replicas[0]!.inbox.counts()).toEqual(EMPTY), LONG)
    expect(overlaps).toBe(0)
    expect(Math.min(...counts)).toBeGreaterThan(0)
  })

  it('are not held up by one busy ref that is told something again and again', async () => {
    const url = await stores.url()
    const [busy, free] = [await stores.open({ place: { url } }), await stores.open({ place: { url } })]
    const gate = Promise.withResolvers<void>()
    const handled: string[] = []
    const first = work(busy.inbox, () => gate.promise, 1)
    cleanups.push(async () => gate.resolve())
    await put(busy.inbox, 'busy')
    await vi.waitFor(async () => expect(await busy.inbox.counts()).toMatchObject({ active: 1 }), LONG)
    work(free.inbox, async ({ ref }) => void handled.push(ref), 4)
    for (let index = 0; index < 10; index += 1) {
      await busy.inbox.put({ id: `again-${index}`, address: { repository: 1, ref: 'refs/heads/busy' }, cause: 'push' })
      await put(free.inbox, `other-${index}`)
    }
    await vi.waitFor(() => expect(handled).toHaveLength(10), LONG)
    expect(handled).not.toContain('refs/heads/busy')
    const stopped = first.stop()
    gate.resolve()
    await stopped
    await vi.waitFor(() => expect(handled).toContain('refs/heads/busy'), LONG)
  })

  it('hear of a ref that another one was told of long before they would look', async () => {
    const url = await stores.url()
    const [teller, worker] = [await stores.open({ place: { url } }), await stores.open({ place: { url } })]
    const heardMs: number[] = []
    let toldMs = 0
    work(worker.inbox, async () => void heardMs.push(performance.now() - toldMs), 1)
    await put(teller.inbox, 'first')
    await vi.waitFor(() => expect(heardMs).toHaveLength(1), LONG)
    for (let index = 0; index < 10; index += 1) {
      toldMs = performance.now()
      await put(teller.inbox, `${index}`)
      await vi.waitFor(() => expect(heardMs).toHaveLength(index + 2), { timeout: 5000, interval: 1 })
    }
    // Looked for once a second: ten of them within half a second each is no chance.
    expect(heardMs.slice(1).toSorted((a, b) => a - b)[5]).toBeLessThan(500)
  })

  it('take over the refs of one that was killed when its lease is over', async () => {
    const url = await stores.url()
    const killed = start('hang', url)
    const { inbox } = await stores.open({ place: { url }, leaseSeconds: 10, backoffSeconds: 0 })
    await vi.waitFor(async () => {
      await put(inbox, `victim-${performance.now()}`)
      expect(killed.lines.length).toBeGreaterThan(0)
    }, LONG)
    const [victim] = killed.lines
    const handled: string[] = []
    work(inbox, async ({ ref }) => void handled.push(ref), 8)
    await killed.kill()
    const killedMs = performance.now()
    await vi.waitFor(() => expect(handled).toContain(victim), LONG)
    expect(performance.now() - killedMs).toBeLessThan(40_000)
  })

  it('park a ref in the end whose worker dies each time', async () => {
    const url = await stores.url()
    const { inbox } = await stores.open({ place: { url }, attempts: 2, backoffSeconds: 0, leaseSeconds: 10 })
    await put(inbox, 'poison')
    await query(url, `update pgboss.job set state = 'retry', started_on = now(), retry_count = 1 where name = 'refs'`)
    let tries = 0
    work(inbox, async () => void (tries += 1))
    await vi.waitFor(async () => expect(await inbox.parked(1)).toMatchObject([{ attempts: 2, error: expect.stringContaining('died') }]), LONG)
    expect(tries).toBe(0)
  })

  it('park a ref in the end of which an outage does not end', async () => {
    const url = await stores.url()
    const { inbox } = await stores.open({ place: { url }, attempts: 2, backoffSeconds: 0 })
    await put(inbox, 'waits')
    await query(url, `update pgboss.job set data = data || '{"outages": 98}', started_on = now(), retry_count = 97, state = 'retry' where name = 'refs'`)
    let tries = 0
    work(inbox, async () => {
      tries += 1
      throw new Failure('forge-unavailable', 'GitHub is away')
    })
    await vi.waitFor(async () => expect(await inbox.parked(1)).toMatchObject([{ attempts: 100, error: 'GitHub is away' }]), LONG)
    expect(tries).toBe(2)
  })

  it('leave nothing parked that went well, also where its lease was lost meanwhile', async () => {
    const url = await stores.url()
    const { inbox } = await stores.open({ place: { url }, attempts: 1, leaseSeconds: 10 })
    const gate = Promise.withResolvers<void>()
    work(inbox, () => gate.promise)
    await put(inbox, 'late')
    await vi.waitFor(async () => expect(await inbox.counts()).toMatchObject({ active: 1 }), LONG)
    await query(url, `update pgboss.job set state = 'retry', start_after = now() where name = 'refs'`)
    await vi.waitFor(async () => expect(await inbox.counts()).toMatchObject({ parked: 1 }), LONG)
    gate.resolve()
    await vi.waitFor(async () => expect(await inbox.counts()).toEqual(EMPTY), LONG)
  })

  it('tell the handler when its lease is lost, and leave the ref to the one who has it now', async () => {
    const url = await stores.url()
    const { inbox } = await stores.open({ place: { url }, leaseSeconds: 10, attempts: 3 })
    const signals: AbortSignal[] = []
    const stopping = new AbortController()
    const done = inbox.work(
      async (_, signal) => {
        signals.push(signal)
        if (signals.length === 1) await once(signal, 'abort')
        signal.throwIfAborted()
      },
      { parallel: 2, signal: stopping.signal },
    )
    cleanups.push(async () => {
      stopping.abort()
      await done
    })
    await put(inbox, 'lost')
    await vi.waitFor(() => expect(signals).toHaveLength(1), LONG)
    await query(url, `update pgboss.job set state = 'retry', start_after = now() where name = 'refs'`)
    await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true), LONG)
    expect(signals[0]?.reason).toMatchObject({ code: 'interrupted' })
    // The second attempt went well, and the first, which fails now, changes nothing of that.
    await vi.waitFor(() => expect(signals).toHaveLength(2), LONG)
    await vi.waitFor(async () => expect(await inbox.counts()).toEqual(EMPTY), LONG)
  })

  it('mend a queue that somebody has put a hand to', async () => {
    const url = await stores.url()
    const { inbox } = await stores.open({ place: { url } })
    await put(inbox, 'swept')
    await query(url, 'delete from pgboss.job')
    const quiet = { connections: 1, onError: () => undefined }
    const database = await openDatabase<ServiceTables>({ url }, SERVICE_SCHEMA, quiet)
    await database.write(mendRefs)
    await database.close()
    const handled: string[] = []
    work(inbox, async ({ ref }) => void handled.push(ref))
    await vi.waitFor(() => expect(handled).toEqual(['refs/heads/swept']), LONG)
  })
})

describe('a server that goes silent', () => {
  it('keeps no handler at work whose ref somebody else may have by now', async () => {
    await using proxy = await startSilentProxy(stores.server.port)
    const url = new URL(await stores.url())
    const there = url.href
    url.port = String(proxy.port)
    const { inbox } = await stores.open({ place: { url: url.href }, leaseSeconds: 10, backoffSeconds: 0 })
    const [began, told] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()]
    const stopping = new AbortController()
    const done = inbox.work(
      async (_, signal) => {
        began.resolve(performance.now())
        await once(signal, 'abort')
        told.resolve(performance.now())
        signal.throwIfAborted()
      },
      { parallel: 1, signal: stopping.signal },
    )
    cleanups.push(async () => {
      stopping.abort()
      await done
    })
    await put(inbox, 'held')
    const beganMs = await began.promise
    proxy.silence()
    // The connection itself is given up after 15 s.
    expect((await told.promise) - beganMs).toBeLessThan(14_000)
    proxy.speak()
    const other = await stores.open({ place: { url: there }, leaseSeconds: 10, backoffSeconds: 0 })
    const handled: string[] = []
    stopping.abort()
    work(other.inbox, async ({ ref }) => void handled.push(ref))
    await vi.waitFor(() => expect(handled).toEqual(['refs/heads/held']), LONG)
  })
})

describe('a server that goes away', () => {
  it('is told as storage-unavailable while it is gone, and nothing acknowledged is lost when it is back', async () => {
    const url = await stores.url()
    const errors: Error[] = []
    const { inbox, state } = await stores.open({ place: { url }, leaseSeconds: 10, backoffSeconds: 0, onError: (error) => errors.push(error) })
    const handled: string[] = []
    work(inbox, async ({ ref }) => void handled.push(ref))
    await put(inbox, 'before')
    await vi.waitFor(() => expect(handled).toEqual(['refs/heads/before']), LONG)
    await stores.server.kill()
    await expect(put(inbox, 'during')).rejects.toMatchObject({ code: 'storage-unavailable' })
    await expect(state.repositories()).rejects.toMatchObject({ code: 'storage-unavailable' })
    await stores.server.start()
    await vi.waitFor(() => put(inbox, 'after'), LONG)
    await vi.waitFor(() => expect(handled).toEqual(['refs/heads/before', 'refs/heads/after']), LONG)
    expect(await inbox.missing(['before', 'during', 'after'])).toEqual(['during'])
    expect(errors.length).toBeGreaterThan(0)
  })
})

function put(inbox: Inbox, id: string): Promise<boolean> {
  return inbox.put({ id, address: { repository: 1, ref: `refs/heads/${id}` }, cause: 'push' })
}

/** Works until it is stopped, at the latest when the test ends. */
function work(inbox: Inbox, handle: (address: RefAddress) => Promise<void>, parallel = 4): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const done = inbox.work(handle, { parallel, signal: stopping.signal })
  const stop = async (): Promise<void> => {
    stopping.abort()
    await done
  }
  cleanups.push(stop)
  return { stop }
}

function start(role: 'put' | 'hang', place: string, prefix = ''): { readonly lines: string[]; kill(): Promise<void> } {
  const child = spawn(process.execPath, [PROCESS, role, place, prefix], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  let rest = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = `${rest}${chunk.toString()}`.split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
  })
  const closed = once(child, 'close')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await closed
  }
  cleanups.push(kill)
  return { lines, kill }
}

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(text)
  await client.end()
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The same numbers for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
