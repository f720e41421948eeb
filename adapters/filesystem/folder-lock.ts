import { mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../pipeline/failure.ts'
import { errorCode } from './storage-failure.ts'

/**
 * A lock whose holder lives on another machine, or is unknown, counts as left behind after this time without a sign of life.
 * Long, because PGlite blocks the event loop for seconds while it makes a database.
 */
const STALE_MS = 60_000
const POLL_MS = 50

interface Holder {
  readonly pid: number
  readonly host: string
}

/**
 * Does `work` while nobody else, in this process or another, holds the folder. The lock of a process that was killed is taken over at once.
 * Waits for at most `waitMs`, then fails with `lock-held`, naming the holder.
 */
export async function withLock<Result>(folder: string, waitMs: number, work: () => Promise<Result>): Promise<Result> {
  const release = await acquire(folder, waitMs)
  try {
    return await work()
  } finally {
    await release()
  }
}

async function acquire(folder: string, waitMs: number): Promise<() => Promise<void>> {
  const { default: lockfile } = await import('proper-lockfile')
  const paths = lockPaths(folder)
  const deadline = Date.now() + waitMs
  for (;;) {
    try {
      // The default for a lost lock is to crash from a timer. One is lost only after STALE_MS without a turn of the event loop; the database's own constraints still hold then.
      const unlock = await lockfile.lock(folder, { lockfilePath: paths.lock, realpath: false, stale: STALE_MS, update: 5000, onCompromised: () => undefined })
      const release = async () => {
        await rm(paths.holder, { force: true })
        // Rejects only for a lock that was lost: there is nothing left to release.
        await unlock().catch(() => undefined)
      }
      await signIn(paths).catch(async (cause: unknown) => {
        await release()
        throw cause
      })
      return release
    } catch (cause) {
      if (!isHeld(cause)) throw cause
      const holder = await readHolder(paths.holder)
      if (holder !== undefined && isDead(holder)) await breakLock(paths)
      else if (Date.now() >= deadline) throw held(folder, holder, cause)
      else await sleep(POLL_MS)
    }
  }
}

async function signIn(paths: ReturnType<typeof lockPaths>): Promise<void> {
  await writeFile(paths.holder, JSON.stringify({ pid: process.pid, host: hostname() } satisfies Holder))
  // Whoever was breaking the lock before this one has either done so, or was killed.
  await rm(paths.breaking, { recursive: true, force: true })
}

/**
 * Removes the lock of a dead holder. Only one process at a time does so, and looks again first: between its look and its hand another one
 * may have removed it and taken the lock for itself.
 */
async function breakLock(paths: ReturnType<typeof lockPaths>): Promise<void> {
  try {
    await mkdir(paths.breaking)
  } catch {
    return sleep(POLL_MS)
  }
  const holder = await readHolder(paths.holder)
  if (holder !== undefined && isDead(holder)) {
    // In this order: whoever comes next and finds a lock without a holder waits.
    await rm(paths.holder, { force: true })
    await rmdir(paths.lock).catch(() => undefined)
  }
  await rm(paths.breaking, { recursive: true, force: true })
}

function lockPaths(folder: string): { lock: string; holder: string; breaking: string } {
  return { lock: join(folder, 'db.lock'), holder: join(folder, 'db.lock.holder'), breaking: join(folder, 'db.lock.breaking') }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const [, pid, host] = /^\{"pid":(\d{1,10}),"host":"([^"\\]*)"\}$/.exec(text) ?? []
  return pid === undefined || host === undefined ? undefined : { pid: Number(pid), host }
}

function isDead({ pid, host }: Holder): boolean {
  if (host !== hostname()) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (cause) {
    return errorCode(cause) === 'ESRCH'
  }
}

function isHeld(cause: unknown): boolean {
  return errorCode(cause) === 'ELOCKED'
}

function held(folder: string, holder: Holder | undefined, cause: unknown): Failure {
  const who = holder === undefined ? 'another process' : `process ${holder.pid}${holder.host === hostname() ? '' : ` on ${holder.host}`}`
  return new Failure('lock-held', `${who} is using the database in ${folder}`, { cause, suggestion: 'Wait for it to end, then run again.' })
}
