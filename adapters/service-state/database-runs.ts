import { sql, type Kysely, type Selectable, type SelectQueryBuilder } from 'kysely'
import { Failure } from '../../pipeline/failure.ts'
import type { NewRun, ServiceState, StoredRun } from '../../pipeline/ports/service-state.ts'
import type { Database } from '../database/open-database.ts'
import { parseRecord } from '../records/parse-record.ts'
import { isFurther } from './run-progress.ts'
import { readRun } from './run-row.ts'
import type { RunsTable, ServiceTables } from './service-tables.ts'

type Runs = Pick<
  ServiceState,
  'createRun' | 'run' | 'runOfWorkflow' | 'runsOf' | 'openRuns' | 'moveRun' | 'claimRun' | 'once' | 'deliverRun' | 'recordsOfRun' | 'spending'
>
type RunQuery = SelectQueryBuilder<ServiceTables, 'service.runs', Selectable<RunsTable>>
type RunChange = Parameters<ServiceState['moveRun']>[1]

/** Runs. What several replicas may change at once is decided by the row's lock or the table's keys. */
export function databaseRuns({ query, write }: Database<ServiceTables>): Runs {
  const list = (where: (rows: RunQuery) => RunQuery): Promise<readonly StoredRun[]> =>
    query(async (db) => (await where(db.selectFrom('service.runs').selectAll()).execute()).map(readRun))
  return {
    createRun: (run) => query((db) => createRun(db, run)),
    run: async (id) => (await list((rows) => rows.where('id', '=', id)))[0],
    runOfWorkflow: async (workflowRun) => (await list((rows) => rows.where('workflow_run', '=', workflowRun)))[0],
    runsOf: ({ repository, ref }, commit) =>
      list((rows) =>
        rows
          .where('repository', '=', repository)
          .where(({ and, or, eb }) =>
            or([and([eb('ref', '=', ref), eb('state', '<>', 'ended')]), ...(commit === undefined ? [] : [eb('commit', '=', commit)])]),
          )
          .orderBy('created', 'desc')
          .orderBy('id', 'desc'),
      ),
    openRuns: () => list((rows) => rows.where('state', '<>', 'ended').orderBy('created').orderBy('id')),
    moveRun: (id, change) =>
      write(async (db) => {
        const row = await db.selectFrom('service.runs').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
        const changes = changesOf(readRun(row ?? unknown(id)), change)
        if (changes === undefined) return readRun(row ?? unknown(id))
        return readRun(await db.updateTable('service.runs').set(changes).where('id', '=', id).returningAll().executeTakeFirstOrThrow())
      }),
    claimRun: (id, { workflowRun, attempt, at }) =>
      query(async (db) => {
        await db
          .updateTable('service.runs')
          .set({ claim_workflow_run: workflowRun, claim_attempt: attempt, claim_at: at, workflow_run: workflowRun })
          .where('id', '=', id)
          .where('claim_at', 'is', null)
          .execute()
        const row = await db.selectFrom('service.runs').selectAll().where('id', '=', id).executeTakeFirst()
        return readRun(row ?? unknown(id)).claim ?? unknown(id)
      }),
    once: (run, what, now) =>
      query(async (db) => {
        const mark = db
          .insertInto('service.marks')
          .values({ run, what, at: now })
          .onConflict((conflict) => conflict.doNothing())
        return (await mark.returning('run').executeTakeFirst()) !== undefined
      }),
    deliverRun: (id, now, records) =>
      write(async (db) => {
        const first = db.updateTable('service.runs').set({ delivered: now }).where('id', '=', id).where('delivered', 'is', null).returning('id')
        if ((await first.executeTakeFirst()) === undefined) return
        for (const [position, record] of records.entries()) {
          await db
            .insertInto('service.run_records')
            .values({ run: id, position, document: JSON.stringify(record) })
            .execute()
        }
      }),
    recordsOfRun: (id) =>
      query(async (db) => {
        const rows = await db.selectFrom('service.run_records').select('document').where('run', '=', id).orderBy('position').execute()
        return rows.map(({ document }) => {
          const record = parseRecord(document)
          if (typeof record !== 'string') return record
          throw new Failure('storage-corrupt', `a record that run ${id} delivered cannot be read: ${record}`, {
            suggestion: 'Restore the database from a backup, or update ctss.',
          })
        })
      }),
    spending: (repository, since) => query((db) => readSpending(db, repository, since)),
  }
}

async function createRun(db: Kysely<ServiceTables>, { now, plan, ...facts }: NewRun): Promise<StoredRun> {
  const values = { ...facts, plan: JSON.stringify(plan), state: 'queued', created: now, dispatches: 0 }
  const made = db
    .insertInto('service.runs')
    .values(values)
    .onConflict((conflict) => conflict.columns(['repository', 'commit', 'path', 'trust', 'release', 'cause']).doNothing())
  const row = await made.returningAll().executeTakeFirst()
  if (row !== undefined) return readRun(row)
  const { repository, commit, path, trust, release, cause } = facts
  const same = db
    .selectFrom('service.runs')
    .selectAll()
    .where(({ and }) => and({ repository, commit, path, trust, release, cause }))
  return readRun(await same.executeTakeFirstOrThrow())
}

/** Columns that a change moves forward; undefined: none. */
function changesOf(run: StoredRun, change: RunChange): Partial<Record<string, string | number | null>> | undefined {
  const { state, now, dispatches = run.dispatches, workflowRun, outcome, reason, minutes } = change
  if (!isFurther(run, { state, dispatches })) {
    const isFoundLater = dispatches === run.dispatches && run.workflowRun === undefined && workflowRun !== undefined
    return isFoundLater ? { workflow_run: workflowRun } : undefined
  }
  const isNewDispatch = dispatches > run.dispatches
  const forgets = isNewDispatch && (run.claim === undefined || run.claim.workflowRun !== workflowRun)
  return {
    state,
    dispatches,
    ...((isNewDispatch || (state === 'dispatched' && run.dispatched === undefined)) && { dispatched: now }),
    ...(isNewDispatch && { workflow_run: null, reason: null }),
    ...(forgets && { claim_workflow_run: null, claim_attempt: null, claim_at: null }),
    ...(workflowRun !== undefined && { workflow_run: workflowRun }),
    ...(outcome !== undefined && { outcome }),
    ...(reason !== undefined && { reason }),
    ...(minutes !== undefined && { minutes }),
    ...(state === 'ended' && { ended: now }),
  }
}

async function readSpending(db: Kysely<ServiceTables>, repository: number, since: string): ReturnType<ServiceState['spending']> {
  const { rows } = await sql<{ isOwn: boolean; minutes: number; runs: number }>`
    with spent as (
      select runs.repository = ${repository} as own, runs.state in ('dispatched', 'running') as is_open,
        case when runs.state = 'ended' then coalesce(runs.minutes, 0)
          when runs.dispatched is null then 0
          else greatest(0, extract(epoch from now() - greatest(runs.dispatched, ${since}::timestamptz)) / 60)
        end as minutes
      from service.runs
      where (runs.state <> 'ended' or runs.ended >= ${since}::timestamptz)
        and (runs.repository = ${repository} or runs.repository in (
          select mates.id from service.repositories mates join service.repositories self on lower(self.owner) = lower(mates.owner) where self.id = ${repository}))
    )
    select own as "isOwn", sum(minutes)::double precision as minutes, (count(*) filter (where is_open))::int as runs from spent group by own`.execute(db)
  const sumOf = (part: typeof rows) =>
    part.reduce((sum, { minutes, runs }) => ({ minutes: sum.minutes + minutes, runs: sum.runs + runs }), { minutes: 0, runs: 0 })
  const own = sumOf(rows.filter(({ isOwn }) => isOwn))
  const all = sumOf(rows)
  return { repositoryMinutes: own.minutes, ownerMinutes: all.minutes, repositoryRuns: own.runs, ownerRuns: all.runs }
}

function unknown(id: string): never {
  throw new Error(`there is no run ${id}`)
}
