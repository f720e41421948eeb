import { Socket } from 'node:net'
import { Kysely, PGliteDialect, PostgresDialect, type Transaction } from 'kysely'
import { fromKysely, fromPglite, type ConstructorOptions, type Db } from 'pg-boss'
import { databaseFailure } from './database-failure.ts'
import { migrate, type Schema } from './migrate.ts'

/** A Postgres server, as `postgres://user:password@host:port/name`, which any number of replicas share; or a folder of this process alone, with the same SQL on PGlite. */
export type DatabasePlace =
  | { readonly url: string }
  | {
      readonly folder: string
      /** How long to wait for another process that uses the folder. Default: 70,000, longer than the lock of a process in a container lives that was killed. */
      readonly waitMs?: number
    }

export interface DatabaseOptions {
  /** Connections to a server. */
  readonly connections: number
  /** Told of a connection that was lost while nobody used it; the next use makes another. */
  readonly onError: (error: Error) => void
}

/** One database behind both kinds of place. Whatever fails is a `Failure` (`databaseFailure`), or a bug. */
export interface Database<Tables> {
  /** One statement, or several that belong to no transaction. */
  query<Result>(work: (database: Kysely<Tables>) => Promise<Result>): Promise<Result>
  /** All or nothing; durable once it is answered. Uses nothing but what it is handed: the embedded engine has one connection. */
  write<Result>(work: (transaction: Transaction<Tables>) => Promise<Result>): Promise<Result>
  /** Where pg-boss does its own work. */
  readonly boss: Pick<ConstructorOptions, 'db' | 'backend' | 'connectionString' | 'max'>
  /** Whether other processes may be at work on the same database. */
  readonly isShared: boolean
  close(): Promise<void>
}

/** How long to wait for a connection before the answer is `storage-unavailable`: shorter than the 10 s that GitHub waits for an answer. */
const CONNECT_MS = 8000
/** A server of which nothing is heard for so long has gone without a word: no query takes as long, and the pool itself ends what is idle for 10 s. */
const SILENCE_MS = 15_000
/** pg-boss takes jobs, keeps leases and cleans up, each now and then. */
const BOSS_CONNECTIONS = 3
const LOCK_WAIT_MS = 70_000

/** Opens a database and brings its tables up to date. Fails with `storage-full`, `storage-unavailable`, `storage-corrupt`, and `lock-held` for a folder. */
export async function openDatabase<Tables>(place: DatabasePlace, schema: Schema, options: DatabaseOptions): Promise<Database<Tables>> {
  const database: Database<Tables> = 'url' in place ? await openServer(place.url, options) : await openFolder(place.folder, place.waitMs ?? LOCK_WAIT_MS)
  try {
    await database.query((kysely) => migrate(kysely, schema))
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/** What pg-boss is handed to take part in a transaction of ours. */
export function bossInside<Tables>(transaction: Transaction<Tables>): Db {
  return fromKysely(transaction)
}

async function openServer<Tables>(url: string, { connections, onError }: DatabaseOptions): Promise<Database<Tables>> {
  const { default: pg } = await import('pg')
  const connection = { connectionString: url, connectionTimeoutMillis: CONNECT_MS, stream: openSocket }
  const pool = new pg.Pool({ ...connection, max: connections, application_name: 'ctss' })
  pool.on('error', onError)
  // One that is lost while it is in use is told to whoever uses it; without a listener, its event would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return {
    ...usingKysely(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })),
    boss: { ...connection, max: BOSS_CONNECTIONS },
    isShared: true,
    close: () => pool.end(),
  }
}

/**
 * Breaks off where the server has become silent, so that the query fails. `query_timeout` of `pg` fails the query alone: its connection would go back into the
 * pool, where the next one waits for nothing.
 */
function openSocket(): Socket {
  const socket = new Socket()
  socket.setTimeout(SILENCE_MS, () => socket.destroy(Object.assign(new Error('the database has become silent'), { code: 'ETIMEDOUT' })))
  return socket
}

async function openFolder<Tables>(folder: string, waitMs: number): Promise<Database<Tables>> {
  // PGlite is 20 MB of WebAssembly: loaded by those who need it.
  const { openEmbeddedEngine } = await import('./embedded-engine.ts')
  const { pglite, requireRoom, close } = await openEmbeddedEngine(folder, waitMs)
  const { query, write } = usingKysely(new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) }))
  return {
    query,
    write: async (work) => {
      await requireRoom()
      return write(work)
    },
    boss: { db: fromPglite(pglite), backend: 'pglite' },
    isShared: false,
    close,
  }
}

function usingKysely<Tables>(kysely: Kysely<Tables>): Pick<Database<Tables>, 'query' | 'write'> {
  return {
    query: (work) => translated(work(kysely)),
    write: (work) => translated(kysely.transaction().execute(work)),
  }
}

async function translated<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    throw databaseFailure(error)
  }
}
