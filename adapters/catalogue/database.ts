import { access, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect, type ColumnType } from 'kysely'
import { Failure } from '../../pipeline/failure.ts'
import { errorCode, storageFailure } from '../filesystem/storage-failure.ts'
import { MIGRATIONS } from './migrations.ts'

export interface BundlesTable {
  readonly digest: string
  /** UUIDv7. */
  readonly id: string
  readonly name: string
  readonly version: string
  readonly state: 'candidate' | 'release'
  readonly index: string
  readonly reference: string
  readonly document: string
  /** JSON of what a later run compares itself with. */
  readonly summary: string
  readonly published: ColumnType<Date, string, string>
}

export type CatalogueDatabase = Kysely<{ readonly bundles: BundlesTable }>

/** What making a database writes (39 MB), and what a publish may: Postgres adds to its log by segments of 16 MiB, and dies when it cannot. */
const ROOM_BYTES = { toMake: 64 * 2 ** 20, toWrite: 32 * 2 ** 20 } as const

/**
 * Opens the database in `folder`/db for as long as `work` takes, making it where there is none. The caller holds the folder's lock.
 * A database that does not open is a `Failure` `storage-corrupt`; nothing of it is deleted.
 */
export async function withDatabase<Result>(folder: string, work: (database: CatalogueDatabase) => Promise<Result>): Promise<Result> {
  const path = join(folder, 'db')
  const present = await exists(path)
  await requireRoom(folder, present ? ROOM_BYTES.toWrite : ROOM_BYTES.toMake)
  if (!present) await makeDatabase(folder, path)
  const engine = await openEngine(path)
  const database: CatalogueDatabase = new Kysely({ dialect: new PGliteDialect({ pglite: engine }) })
  try {
    return await work(database)
  } catch (cause) {
    throw isCorruption(cause) ? corrupt(path, cause) : cause
  } finally {
    await engine.close()
  }
}

/** Made beside and moved into place, so that a process killed meanwhile leaves no half a database. */
async function makeDatabase(folder: string, path: string): Promise<void> {
  const unfinished = join(folder, 'db.unfinished')
  await rm(unfinished, { recursive: true, force: true })
  const engine = await PGlite.create(unfinished)
  await migrate(engine)
  await engine.close()
  await rename(unfinished, path)
}

async function openEngine(path: string): Promise<PGlite> {
  // Without this file PGlite would take the folder for a new one and fill it.
  if (!(await exists(join(path, 'PG_VERSION')))) throw corrupt(path)
  try {
    const engine = await PGlite.create(path)
    await migrate(engine)
    return engine
  } catch (cause) {
    const failure = storageFailure(cause, `opening ${path}`)
    throw failure instanceof Failure ? failure : corrupt(path, cause)
  }
}

async function migrate(engine: PGlite): Promise<void> {
  await engine.exec('create table if not exists migrations (number int primary key)')
  const { rows } = await engine.query<{ number: number | null }>('select max(number) as number from migrations')
  const done = rows[0]?.number ?? 0
  if (done > MIGRATIONS.length) {
    throw new Failure(
      'storage-unavailable',
      `the catalogue was written by a newer ctss (its tables are of version ${done}, this program knows ${MIGRATIONS.length})`,
      { suggestion: 'Update ctss.' },
    )
  }
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < done) continue
    await engine.transaction(async (transaction) => {
      await transaction.exec(step)
      await transaction.query('insert into migrations (number) values ($1)', [index + 1])
    })
  }
}

function corrupt(path: string, cause?: unknown): Failure {
  return new Failure('storage-corrupt', `the catalogue's database in ${path} cannot be read`, {
    cause,
    suggestion: `Nothing was deleted. Restore the folder from a backup, or move it away (mv ${path} ${path}.broken): the next publish makes a new one; bundle documents, images and tags are kept elsewhere.`,
  })
}

/** Class XX of Postgres' error codes, or an abort of the engine itself. */
function isCorruption(cause: unknown): boolean {
  return (cause instanceof Error && cause.name === 'RuntimeError') || errorCode(cause)?.startsWith('XX') === true
}

async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= bytes) return
  throw new Failure(
    'storage-full',
    `the disk of ${folder} has ${Math.floor((bavail * bsize) / 2 ** 20)} MiB left, and the catalogue needs ${bytes / 2 ** 20} MiB to work with`,
    { suggestion: 'Make room on that disk, then run again.' },
  )
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
