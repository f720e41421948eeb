import { sql, type Kysely, type Transaction } from 'kysely'
import type { PgBoss } from 'pg-boss'
import type { RefAddress } from '../../pipeline/service/world.ts'
import { bossInside } from '../database/open-database.ts'
import type { ServiceTables } from '../service-state/service-tables.ts'
import { REFS_QUEUE, sendRef } from './refs-queue.ts'

/** A job as it was taken: the number of the attempt tells it from the same job, taken by somebody else after its lease was over. */
export interface TakenRef {
  readonly id: string
  readonly retryCount: number
  /** How many attempts came to nothing because something was away that they need: these count for nothing. */
  readonly outages: number
  readonly address: RefAddress
}

/** Why a job is given back. */
export interface FailedAttempt {
  readonly error: string
  /** Whether something that it needs is away. */
  readonly isOutage: boolean
  /** How often it may fail otherwise. */
  readonly attempts: number
}

/** With the longest waits of the queue, a day at the most: then a person should look. */
const MOST_OUTAGES = 100

/** How often a ref was told something when it was taken; undefined: it is not known. Of whatever type the driver reads: only to be compared. */
export type Told = string | number | undefined

/** What the ref was told so far. */
export async function readTold(db: Kysely<ServiceTables>, { repository, ref }: RefAddress): Promise<Told> {
  const row = db.selectFrom('service.refs').select('told').where('repository', '=', repository).where('ref', '=', ref)
  return (await row.executeTakeFirst())?.told
}

/** Ends a job that went well; true: something was told meanwhile, which made another one. The row's lock keeps whoever tells apart from this. */
export async function finishRef(db: Transaction<ServiceTables>, boss: PgBoss, job: TakenRef, told: Told): Promise<boolean> {
  const { repository, ref } = job.address
  const { rows } = await sql<{ isAgain: boolean }>`
    update service.refs set done = case when told = ${told ?? 0} then told else told - 1 end, error = null, parked_at = null, attempts = null
    where repository = ${repository} and ref = ${ref}
    returning told > done as "isAgain"`.execute(db)
  await boss.deleteJob(REFS_QUEUE, attemptOf(job), { db: bossInside(db) })
  return rows[0]?.isAgain === true && sendRef(db, job.address)
}

/**
 * Tries one that failed again later; at once where something new was told meanwhile, which is answered as true; parks it where it was tried often enough.
 * `told`: undefined where it was not handled at all, because its workers died.
 */
export async function giveBackRef(
  db: Transaction<ServiceTables>,
  boss: PgBoss,
  job: TakenRef,
  told: Told,
  { error, isOutage, attempts }: FailedAttempt,
): Promise<boolean> {
  const { repository, ref } = job.address
  const row = db.selectFrom('service.refs').select('told').where('repository', '=', repository).where('ref', '=', ref)
  const now = (await row.forUpdate().executeTakeFirst())?.told
  if (!(await heldRefs(db, [job])).has(attemptName(job))) return false
  const inside = { db: bossInside(db) }
  if (told !== undefined && now !== told) {
    await finishRef(db, boss, job, told)
    return true
  }
  const made = told === undefined ? job.retryCount : job.retryCount + 1
  const mayFail = isOutage ? job.outages + 1 < MOST_OUTAGES : made - job.outages < attempts
  if (mayFail) {
    if (isOutage) await countOutage(db, job)
    await boss.fail(REFS_QUEUE, attemptOf(job), { message: error }, inside)
    await sql`update service.refs set error = ${error} where repository = ${repository} and ref = ${ref}`.execute(db)
  } else {
    await boss.deleteJob(REFS_QUEUE, attemptOf(job), inside)
    await sql`
      update service.refs set error = ${error}, done = told, attempts = ${made}, parked_at = now()
      where repository = ${repository} and ref = ${ref}`.execute(db)
  }
  return false
}

/** Kept in the job itself, with which it ends. */
async function countOutage(db: Transaction<ServiceTables>, { id, outages }: TakenRef): Promise<void> {
  await sql`update pgboss.job set data = data || jsonb_build_object('outages', ${outages + 1}::int) where name = ${REFS_QUEUE} and id = ${id}::uuid`.execute(db)
}

/** Shows a sign of life for jobs. Answers the names of the attempts that are still ours. */
export async function renewRefs(db: Kysely<ServiceTables>, boss: PgBoss, jobs: readonly TakenRef[]): Promise<ReadonlySet<string>> {
  await boss.touch(REFS_QUEUE, jobs.map(attemptOf))
  return heldRefs(db, jobs)
}

/** One attempt of one job: after its lease is over, the same process may take the same job again. */
export function attemptName({ id, retryCount }: Pick<TakenRef, 'id' | 'retryCount'>): string {
  return `${id} ${retryCount}`
}

/** Which jobs are in these attempts still; their rows are locked. pg-boss knows, but does not say so in its types. */
async function heldRefs(db: Kysely<ServiceTables>, jobs: readonly TakenRef[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ id: string; retryCount: number }>`
    select id, retry_count as "retryCount" from pgboss.job
    where name = ${REFS_QUEUE} and state = 'active' and id = any(${jobs.map(({ id }) => id)}::uuid[]) for update`.execute(db)
  return new Set(rows.map(attemptName))
}

function attemptOf({ id, retryCount }: TakenRef): { id: string; retryCount: number } {
  return { id, retryCount }
}
