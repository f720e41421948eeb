import { sql, type Kysely, type Transaction } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { ServiceTables } from '../service-state/service-tables.ts'
import { REFS_QUEUE, sendRef } from './refs-queue.ts'

/** GitHub delivers again what is up to three days old (https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks). */
const KEPT_DAYS = 30
const TIMERS_AT_ONCE = 100

/** Wakes the refs whose time has come; replicas share them. One that waits to be tried again goes on waiting. Answers how many. */
export function wakeDue(database: Database<ServiceTables>): Promise<number> {
  return database.write(async (transaction) => {
    const { rows } = await sql<{ repository: string | number; ref: string; isFirst: boolean }>`
      update service.refs set wake_at = null, told = told + 1, told_at = now() where (repository, ref) in (
        select repository, ref from service.refs where wake_at <= now() and parked_at is null order by wake_at limit ${TIMERS_AT_ONCE} for update skip locked)
      returning repository, ref, told = done + 1 as "isFirst"`.execute(transaction)
    for (const { repository, ref, isFirst } of rows) if (isFirst) await sendRef(transaction, { repository: Number(repository), ref })
    return rows.length
  })
}

/** Wakes the refs that were told something and have no job: none, unless somebody has put a hand to the queue's tables. */
export async function mendRefs(db: Transaction<ServiceTables>): Promise<void> {
  const { rows } = await sql<{ repository: string | number; ref: string }>`
    select repository, ref from service.refs where told > done
      and not exists (select from pgboss.job where name = ${REFS_QUEUE} and singleton_key = refs.repository || ' ' || refs.ref) for update`.execute(db)
  for (const { repository, ref } of rows) await sendRef(db, { repository: Number(repository), ref })
}

/** Whether any ref's time has come: asked each second, and cheaper than a transaction. */
export async function isAnyDue(db: Kysely<ServiceTables>): Promise<boolean> {
  const { rows } = await sql`select 1 from service.refs where wake_at <= now() and parked_at is null limit 1`.execute(db)
  return rows.length > 0
}

/** Forgets deliveries, and refs of which nothing was heard, for 30 days. */
export async function forgetOld(db: Transaction<ServiceTables>): Promise<void> {
  await sql`delete from service.deliveries where arrived < now() - make_interval(days => ${KEPT_DAYS}::int)`.execute(db)
  await sql`
    delete from service.refs where told_at < now() - make_interval(days => ${KEPT_DAYS}::int) and told = done and wake_at is null and parked_at is null
      and not exists (select from pgboss.job where name = ${REFS_QUEUE} and singleton_key = refs.repository || ' ' || refs.ref)`.execute(db)
}

/** Gives back the space of rows that are gone. A server does so on its own. */
export async function vacuum(db: Kysely<ServiceTables>): Promise<void> {
  await sql`vacuum`.execute(db)
}
