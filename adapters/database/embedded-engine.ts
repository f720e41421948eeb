import { access, mkdir, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Failure } from '../../pipeline/failure.ts'
import { withLock } from '../filesystem/folder-lock.ts'
import { errorCode, storageFailure } from '../filesystem/storage-failure.ts'

/** What making a database writes (39 MB), and what one transaction may: Postgres adds to its log by segments of 16 MiB, and dies when it cannot. */
const ROOM_BYTES = { toMake: 64 * 2 ** 20, toWrite: 32 * 2 ** 20 } as const

export interface EmbeddedEngine {
  readonly pglite: PGlite
  /** Fails with `storage-full` while there is less room than a transaction may need: the engine does not survive a full disk. */
  requireRoom(): Promise<void>
  close(): Promise<void>
}

/** Opens PGlite in `folder`/db for this process alone, making it where there is none. Fails with `lock-held` after `waitMs`, `storage-corrupt`, `storage-full`, `storage-unavailable`. */
export async function openEmbeddedEngine(folder: string, waitMs: number): Promise<EmbeddedEngine> {
  try {
    await mkdir(folder, { recursive: true })
    const unlock = await holdLock(folder, waitMs)
    try {
      const pglite = await openEngine(folder)
      const close = async (): Promise<void> => {
        await pglite.close()
        await unlock()
      }
      return { pglite, requireRoom: () => requireRoom(folder, ROOM_BYTES.toWrite), close }
    } catch (cause) {
      await unlock()
      throw cause
    }
  } catch (cause) {
    throw storageFailure(cause, `opening the database in ${folder}`)
  }
}

/** The folder's lock for as long as the process wants it, instead of for one piece of work. */
async function holdLock(folder: string, waitMs: number): Promise<() => Promise<void>> {
  const opened = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const held = withLock(folder, waitMs, () => {
    opened.resolve()
    return closed.promise
  })
  await Promise.race([opened.promise, held])
  return () => {
    closed.resolve()
    return held
  }
}

async function openEngine(folder: string): Promise<PGlite> {
  const path = join(folder, 'db')
  if (!(await exists(path))) await makeDatabase(folder, path)
  await requireRoom(folder, ROOM_BYTES.toWrite)
  // Without this file PGlite would take the folder for a new one and fill it.
  if (!(await exists(join(path, 'PG_VERSION')))) throw corrupt(path)
  try {
    return await PGlite.create(path)
  } catch (cause) {
    throw errorCode(cause)?.startsWith('E') === true ? cause : corrupt(path, cause)
  }
}

/** Made beside and moved into place, so that a process killed meanwhile leaves no half a database. */
async function makeDatabase(folder: string, path: string): Promise<void> {
  await requireRoom(folder, ROOM_BYTES.toMake)
  const unfinished = join(folder, 'db.unfinished')
  await rm(unfinished, { recursive: true, force: true })
  const engine = await PGlite.create(unfinished)
  await engine.close()
  await rename(unfinished, path)
}

function corrupt(path: string, cause?: unknown): Failure {
  return new Failure('storage-corrupt', `the database in ${path} cannot be read`, {
    cause,
    suggestion: `Nothing was deleted. Restore the folder from a backup, or move it away (mv ${path} ${path}.broken): the next start makes a new one.`,
  })
}

async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= bytes) return
  throw new Failure(
    'storage-full',
    `the disk of ${folder} has ${Math.floor((bavail * bsize) / 2 ** 20)} MiB left, and the database needs ${bytes / 2 ** 20} MiB to work with`,
    {
      suggestion: 'Make room on that disk.',
    },
  )
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
