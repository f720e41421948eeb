import { sql, type RawBuilder, type Transaction } from 'kysely'
import type { PgBoss } from 'pg-boss'
import type { Delivery, Inbox, ParkedRef, RetryingRef } from '../../pipeline/ports/inbox.ts'
import type { RefAddress } from '../../pipeline/service/world.ts'
import { bossInside, type Database } from '../database/open-database.ts'
import { insertPusher, insertWish } from '../service-state/database-state.ts'
import type { ServiceTables } from '../service-state/service-tables.ts'
import { jobInsert, keyOf, REFS_QUEUE, WAKE_CHANNEL } from './refs-queue.ts'
import { workOnRefs } from './work-on-refs.ts'

export interface BossInboxOptions {
  readonly leaseSeconds: number
  readonly attempts: number
  readonly onError: (error: Error) => void
}

/**
 * The inbox on pg-boss. A ref that has something to do is one job, whose key is the ref (policy `exclusive`: waiting, retrying and being handled are one
 * place), and a row that counts what it was told, and how much of that is done. What is told while it is handled raises the count; whoever ends the job sees
 * it, under the row's lock, and leaves another job. The policy `stately`, which keeps a place for the next job beside the active one, does not do: a worker that takes several jobs, one of
 * which is of a ref that another worker handles, runs into its unique index and gets none of them (pg-boss 12.35.0, Manager.fetch), so that one busy ref stops all.
 */
export function bossInbox(database: Database<ServiceTables>, boss: PgBoss, options: BossInboxOptions): Inbox {
  const { query, write } = database
  const putAll = (deliveries: readonly Delivery[]): Promise<number> =>
    write(async (transaction) => {
      let fresh = 0
      // In one order for all, so that two that know the same refs do not wait for each other.
      for (const delivery of deliveries.toSorted((a, b) => compare(keyOf(a.address), keyOf(b.address)))) {
        if (await keepDelivery(transaction, boss, delivery)) fresh += 1
      }
      return fresh
    })
  return {
    put: async (delivery) => (await putAll([delivery])) === 1,
    putAll,
    wakeAt: ({ repository, ref }, at) =>
      query(async (db) => {
        await sql`
          insert into service.refs (repository, ref, told, cause, wake_at) values (${repository}, ${ref}, 0, 'timer', ${at})
          on conflict (repository, ref) do update set wake_at = least(refs.wake_at, excluded.wake_at)`.execute(db)
      }),
    work: (handle, { parallel, signal }) => workOnRefs({ database, boss, ...options }, handle, parallel, signal),
    counts: () =>
      query(async (db) => {
        const { rows } = await sql<{ waiting: number; active: number; retrying: number; parked: number }>`
          select (count(*) filter (where state = 'created'))::int as waiting, (count(*) filter (where state = 'active'))::int as active,
            (count(*) filter (where state = 'retry'))::int as retrying, (select count(*)::int from service.refs where parked_at is not null) as parked
          from pgboss.job where name = ${REFS_QUEUE}`.execute(db)
        return rows[0] ?? { waiting: 0, active: 0, retrying: 0, parked: 0 }
      }),
    parked: (limit) =>
      query(async (db) => {
        const rows = await db
          .selectFrom('service.refs')
          .select(['repository', 'ref', 'cause', 'attempts', 'error', 'parked_at'])
          .where('parked_at', 'is not', null)
          .orderBy('parked_at', 'desc')
          .limit(limit)
          .execute()
        return rows.map(({ repository, ref, cause, attempts, error, parked_at: at }): ParkedRef => ({
          address: { repository: Number(repository), ref },
          cause,
          attempts: attempts ?? 0,
          error: error ?? '',
          at: (at ?? new Date(0)).toISOString(),
        }))
      }),
    retrying: (limit) =>
      query(async (db) => {
        const { rows } = await sql<{ repository: string | number; ref: string; cause: string; error: string | null; at: Date }>`
          select repository, ref, cause, error, start_after as at from service.refs
          join pgboss.job on job.name = ${REFS_QUEUE} and job.singleton_key = refs.repository || ' ' || refs.ref and job.state = 'retry'
          order by start_after limit ${limit}::int`.execute(db)
        return rows.map(({ repository, ref, cause, error, at }): RetryingRef => ({
          address: { repository: Number(repository), ref },
          cause,
          error: error ?? 'its worker died, or was stopped',
          at: at.toISOString(),
        }))
      }),
    replay: (address) =>
      write(async (transaction) => {
        const { repository, ref } = address
        const row = transaction.selectFrom('service.refs').select('cause').where('repository', '=', repository).where('ref', '=', ref)
        const parked = await row.where('parked_at', 'is not', null).forUpdate().executeTakeFirst()
        return parked !== undefined && wakeRef(transaction, boss, address, parked.cause, sql`select 1`)
      }),
    missing: (guids) =>
      query(async (db) => {
        const { rows } = await sql<{ guid: string }>`
          select guid from unnest(${[...guids]}::text[]) as asked (guid)
          where not exists (select from service.deliveries where split_part(deliveries.id, '/', 1) = guid)`.execute(db)
        return rows.map(({ guid }) => guid)
      }),
  }
}

/** False: it was there already, and nothing was changed. */
async function keepDelivery(transaction: Transaction<ServiceTables>, boss: PgBoss, { id, address, cause, pushed, wish }: Delivery): Promise<boolean> {
  const fresh = sql`insert into service.deliveries (id) values (${id}) on conflict do nothing returning 1`
  if (!(await wakeRef(transaction, boss, address, cause, fresh))) return false
  if (pushed !== undefined) await insertPusher(transaction, address, pushed.commit, pushed.by, pushed.at)
  if (wish !== undefined) await insertWish(transaction, address, wish)
  return true
}

/**
 * Counts what the ref was told, if `fresh` answers a row, and has a job for it unless there is one. The row's lock, held to the end of the transaction, keeps
 * this apart from the end of a job. False: nothing was changed.
 */
async function wakeRef(
  transaction: Transaction<ServiceTables>,
  boss: PgBoss,
  address: RefAddress,
  cause: string,
  fresh: RawBuilder<unknown>,
): Promise<boolean> {
  const { repository, ref } = address
  const { rows } = await sql<{ isRetried: boolean }>`
    with fresh as (${fresh}), woken as (
      insert into service.refs (repository, ref, told, cause) select ${repository}::bigint, ${ref}, 1, ${cause} from fresh
      on conflict (repository, ref) do update set told = refs.told + 1, told_at = now(), cause = excluded.cause,
        parked_at = null, attempts = null, error = case when refs.parked_at is null then refs.error end
      returning told = done + 1 as first, told > done + 1 and error is not null as retried
    ), job as (${jobInsert(address, sql`join woken on first`)})
    select retried as "isRetried", case when first or retried then pg_notify(${WAKE_CHANNEL}, '') end from woken`.execute(transaction)
  const [woken] = rows
  // One that waits to be tried again need not wait any longer: something new is known.
  if (woken?.isRetried === true) await boss.update(REFS_QUEUE, undefined, { singletonKey: keyOf(address), startAfter: 0, db: bossInside(transaction) })
  return woken !== undefined
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
