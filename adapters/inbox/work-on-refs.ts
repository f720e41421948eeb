import { setTimeout as sleep } from 'node:timers/promises'
import type { PgBoss } from 'pg-boss'
import { Failure, type FailureCode } from '../../pipeline/failure.ts'
import type { RefAddress } from '../../pipeline/service/world.ts'
import type { Database } from '../database/open-database.ts'
import type { ServiceTables } from '../service-state/service-tables.ts'
import { makeBell } from './bell.ts'
import { forgetOld, isAnyDue, mendRefs, vacuum, wakeDue } from './keep-house.ts'
import { REFS_QUEUE, WAKE_CHANNEL } from './refs-queue.ts'
import { asError, repeat } from './repeat.ts'
import { attemptName, finishRef, giveBackRef, readTold, renewRefs, type TakenRef } from './settle-ref.ts'

export interface RefWorkOptions {
  readonly database: Database<ServiceTables>
  readonly boss: PgBoss
  readonly leaseSeconds: number
  readonly attempts: number
  readonly onError: (error: Error) => void
}

type Handle = (address: RefAddress, signal: AbortSignal) => Promise<void>

interface RefInHand extends TakenRef {
  readonly lost: AbortController
  /** When it was known last that it is ours, in milliseconds. */
  seenMs: number
}

/** Where no bell is heard, and to see what is due. */
const POLL_MS = 1000
/** Between two looks, so that many refs that are told something at a time are taken together. */
const TOGETHER_MS = 20
/** A lease is renewed so often before it is over. */
const RENEWALS = 4
const CLEANING_MS = 600_000
const MESSAGE_CHARACTERS = 500
/** Something is away that every ref needs: a person could do nothing for one of them. */
const OUTAGES: ReadonlySet<FailureCode> = new Set(['forge-unavailable', 'registry-unavailable', 'storage-unavailable', 'storage-full'])

/** Takes refs and hands them to `handle`, until the signal fires and the last of them is done. */
export async function workOnRefs(options: RefWorkOptions, handle: Handle, parallel: number, signal: AbortSignal): Promise<void> {
  const { database, boss, leaseSeconds, onError } = options
  const bell = makeBell(signal)
  const inHand = new Map<string, RefInHand>()
  const tasks = new Set<Promise<void>>()
  const ended = new AbortController()
  const listener = await listen(boss, bell.ring, onError)
  const chores = [
    repeat((leaseSeconds * 1000) / RENEWALS, ended.signal, onError, () => renewLeases(options, inHand)),
    repeat(POLL_MS, ended.signal, onError, async () => loseOld(inHand, leaseSeconds)),
    repeat(POLL_MS, signal, onError, async () => {
      if ((await database.query(isAnyDue)) && (await wakeDue(database)) > 0) bell.ring()
    }),
    repeat(CLEANING_MS, signal, onError, async () => {
      await database.write(async (db) => {
        await mendRefs(db)
        await forgetOld(db)
      })
      if (!database.isShared) await database.query(vacuum)
    }),
  ]
  while (!signal.aborted) {
    bell.reset()
    const free = parallel - inHand.size
    const jobs = free === 0 ? [] : await take(options, free)
    for (const job of jobs) {
      inHand.set(attemptName(job), job)
      const task = attend(options, handle, job).then((isThereMore) => {
        if (isThereMore || inHand.size === parallel) bell.ring()
        inHand.delete(attemptName(job))
        tasks.delete(task)
      })
      tasks.add(task)
    }
    if (jobs.length < free || free === 0) await bell.wait(POLL_MS)
    if (jobs.length > 0) await sleep(TOGETHER_MS, undefined, { signal }).catch(() => undefined)
  }
  await Promise.all(tasks)
  ended.abort()
  await Promise.all(chores)
  await listener.close()
}

/** Hears of refs that other processes were told of, and of our own. Without it, they are seen within a second. */
async function listen(boss: PgBoss, ring: () => void, onError: (error: Error) => void): Promise<{ close(): Promise<void> }> {
  try {
    const handle = await boss.getDb().listen?.(WAKE_CHANNEL, ring, ring)
    if (handle !== undefined) return handle
  } catch (error) {
    onError(asError(error))
  }
  return { close: async () => undefined }
}

async function take({ boss, onError }: RefWorkOptions, most: number): Promise<readonly RefInHand[]> {
  const seenMs = performance.now()
  try {
    const jobs = await boss.fetch<unknown>(REFS_QUEUE, { batchSize: most })
    return jobs.map(({ id, retryCount, data }) => ({ id, retryCount, ...readJob(data), lost: new AbortController(), seenMs }))
  } catch (error) {
    onError(asError(error))
    return []
  }
}

/** Handles one ref and settles its job; true: there is another one of the ref. What cannot be settled comes again when its lease is over. */
async function attend({ database, boss, onError, attempts }: RefWorkOptions, handle: Handle, job: RefInHand): Promise<boolean> {
  try {
    if (job.retryCount - job.outages >= attempts) {
      const error = 'its worker died, or lost its lease, in the last attempt'
      return await database.write((db) => giveBackRef(db, boss, job, undefined, { error, isOutage: false, attempts }))
    }
    const told = await database.query((db) => readTold(db, job.address))
    const failed = await handle(job.address, job.lost.signal).then(
      () => undefined,
      (thrown: unknown) => ({ error: messageOf(thrown), isOutage: thrown instanceof Failure && OUTAGES.has(thrown.code), attempts }),
    )
    return await database.write((db) => (failed === undefined ? finishRef(db, boss, job, told) : giveBackRef(db, boss, job, told, failed)))
  } catch (error) {
    onError(asError(error))
    return false
  }
}

/** Shows signs of life, and tells the handlers of refs that are ours no longer. */
async function renewLeases({ database, boss }: RefWorkOptions, inHand: ReadonlyMap<string, RefInHand>): Promise<void> {
  const jobs = [...inHand.values()]
  if (jobs.length === 0) return
  const nowMs = performance.now()
  const held = await database.query((db) => renewRefs(db, boss, jobs))
  for (const job of jobs) {
    if (held.has(attemptName(job))) job.seenMs = nowMs
    else loseRef(job)
  }
}

/** Tells the handlers of refs that somebody else may have by the next look, whether or not the database answers meanwhile. */
function loseOld(inHand: ReadonlyMap<string, RefInHand>, leaseSeconds: number): void {
  for (const job of inHand.values()) if (performance.now() - job.seenMs > leaseSeconds * 1000 - POLL_MS) loseRef(job)
}

function loseRef({ lost, address }: RefInHand): void {
  lost.abort(new Failure('interrupted', `the lease on ${address.ref} is over: somebody else may handle it`))
}

/** What a job of this queue says; the queue is ours, so anything else is a bug. */
function readJob(data: unknown): { readonly address: RefAddress; readonly outages: number } {
  if (typeof data === 'object' && data !== null && 'repository' in data && 'ref' in data) {
    const { repository, ref } = data
    const outages = 'outages' in data && typeof data.outages === 'number' ? data.outages : 0
    if (typeof repository === 'number' && typeof ref === 'string') return { address: { repository, ref }, outages }
  }
  throw new Error('a job of the inbox names no ref')
}

/** For people, without what Postgres cannot keep. */
function messageOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return message.replaceAll('\0', '').slice(0, MESSAGE_CHARACTERS)
}
