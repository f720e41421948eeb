import { sql, type RawBuilder, type Transaction } from 'kysely'
import { PgBoss } from 'pg-boss'
import type { RefAddress } from '../../pipeline/service/world.ts'
import { databaseFailure } from '../database/database-failure.ts'
import type { Database } from '../database/open-database.ts'
import type { ServiceTables } from '../service-state/service-tables.ts'

/** Jobs of refs, one at most for each. */
export const REFS_QUEUE = 'refs'
/** Says that a ref may be taken, to every process that listens. */
export const WAKE_CHANNEL = 'ctss_refs'

export interface QueueOptions {
  readonly leaseSeconds: number
  readonly attempts: number
  readonly backoffSeconds: number
  readonly onError: (error: Error) => void
}

/** The longest wait between two attempts, in seconds: what is away for hours is not asked for all the time. */
const BACKOFF_MOST_SECONDS = 900
/** No handling takes longer, whatever signs of life its worker shows. */
const HANDLING_SECONDS = 3600
/** A wake that nobody takes stays: pg-boss would forget it after two weeks. */
const WAITING_SECONDS = 10 * 365 * 86_400
/** A dead worker is found in so many parts of a lease after it is over. */
const LEASE_PARTS = 4

/** Starts pg-boss with the queue of refs: its tables are made where there are none, by one process of those that start at once. */
export async function startBoss(database: Database<ServiceTables>, { leaseSeconds, attempts, backoffSeconds, onError }: QueueOptions): Promise<PgBoss> {
  const watchSeconds = Math.max(1, Math.floor(leaseSeconds / LEASE_PARTS))
  const boss = new PgBoss({
    ...database.boss,
    application_name: 'ctss inbox',
    schedule: false,
    superviseIntervalSeconds: watchSeconds,
    monitorIntervalSeconds: watchSeconds,
    // Both are for servers: an embedded engine has no autovacuum, and one connection.
    ...(!database.isShared && { reindex: false, monitorVacuum: false }),
  })
  boss.on('error', onError)
  try {
    await boss.start()
    const options = {
      heartbeatSeconds: leaseSeconds,
      expireInSeconds: HANDLING_SECONDS,
      retentionSeconds: WAITING_SECONDS,
      // It never gives up on its own: what has been tried often enough is parked by whoever takes it next, also when its worker died.
      retryLimit: attempts + 1000,
      retryDelay: backoffSeconds,
      ...(backoffSeconds > 0 && { retryBackoff: true, retryDelayMax: BACKOFF_MOST_SECONDS }),
    }
    await boss.createQueue(REFS_QUEUE, { policy: 'exclusive', ...options })
    await boss.updateQueue(REFS_QUEUE, options)
    // Looks the queue up once, outside of any transaction: inside one, the embedded engine would wait for itself.
    await boss.findJobs(REFS_QUEUE, { key: '' })
    // Whoever held them in this folder is dead: two processes never share it.
    if (!database.isShared) await releaseAll(database, boss)
    return boss
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => undefined)
    throw databaseFailure(error)
  }
}

/** Makes a job for a ref, in the transaction; false: there is one, waiting or being handled. */
export async function sendRef(transaction: Transaction<ServiceTables>, address: RefAddress): Promise<boolean> {
  return (await jobInsert(address).execute(transaction)).rows.length > 0
}

/**
 * The statement that makes a job, as a part of another one: it answers a row where there was none. `source`: a join without which there is none.
 * pg-boss' own `send` does the same (pg-boss says that jobs may be made by SQL), but costs PGlite three times as much as all the rest of a delivery.
 */
export function jobInsert({ repository, ref }: RefAddress, source = sql``): RawBuilder<unknown> {
  return sql`
    insert into pgboss.job (name, policy, priority, singleton_key, data, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds, deletion_seconds,
      heartbeat_seconds, keep_until)
    select queue.name, policy, ${priorityOf(ref)}::int, ${keyOf({ repository, ref })}, jsonb_build_object('repository', ${repository}::bigint, 'ref', ${ref}::text), retry_limit, retry_delay,
      retry_backoff, retry_delay_max, expire_seconds, deletion_seconds, heartbeat_seconds, now() + make_interval(secs => retention_seconds)
    from pgboss.queue ${source} where queue.name = ${REFS_QUEUE} on conflict do nothing returning 1`
}

/** Many pull requests of forks at once don't keep others waiting. */
function priorityOf(ref: string): number {
  return ref.startsWith('refs/pull/') ? 0 : 1
}

/** A ref as one text. */
export function keyOf({ repository, ref }: RefAddress): string {
  return `${repository} ${ref}`
}

async function releaseAll(database: Database<ServiceTables>, boss: PgBoss): Promise<void> {
  const { rows } = await database.query((db) =>
    sql<{ id: string; retryCount: number }>`select id, retry_count as "retryCount" from pgboss.job where name = ${REFS_QUEUE} and state = 'active'`.execute(db),
  )
  if (rows.length > 0) await boss.fail(REFS_QUEUE, rows, { message: 'the process ended' })
}
