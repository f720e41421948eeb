import { sql, type Kysely } from 'kysely'
import { Failure } from '../../pipeline/failure.ts'
import type { Records } from '../../pipeline/ports/records.ts'
import type { KnownRepository, ServiceState } from '../../pipeline/ports/service-state.ts'
import type { Wish } from '../../pipeline/service/wish.ts'
import type { Account, RefAddress, Trust } from '../../pipeline/service/world.ts'
import type { Database } from '../database/open-database.ts'
import { parseRecord } from '../records/parse-record.ts'
import { databaseEffects } from './database-effects.ts'
import { databaseRuns } from './database-runs.ts'
import { parseWish } from './parse-wish.ts'
import type { ServiceTables } from './service-tables.ts'
import { secondsOfRecord } from '../../pipeline/record-seconds.ts'

/** Figures of the newest runs alone say how long a stage takes now. */
const NEWEST_SECONDS = 20

/** What the service remembers, in a database that replicas may share. */
export function databaseState(database: Database<ServiceTables>): ServiceState {
  const { query } = database
  return {
    effects: databaseEffects(database),
    ...databaseRuns(database),

    repository: (id) =>
      query(async (db) => {
        const row = await db.selectFrom('service.repositories').selectAll().where('id', '=', id).executeTakeFirst()
        return row && readRepository(row)
      }),
    repositories: () => query(async (db) => (await db.selectFrom('service.repositories').selectAll().orderBy('id').execute()).map(readRepository)),
    putRepository: ({ id, owner, name, installation, isSuspended }) =>
      query(async (db) => {
        const facts = { owner, name, installation: installation ?? null, is_suspended: isSuspended }
        await db
          .insertInto('service.repositories')
          .values({ id, ...facts })
          .onConflict((conflict) => conflict.column('id').doUpdateSet(facts))
          .execute()
      }),

    putPusher: (address, commit, pusher, at) => query((db) => insertPusher(db, address, commit, pusher, at)),
    pusher: ({ repository, ref }, commit) =>
      query(async (db) => {
        const row = await db
          .selectFrom('service.pushers')
          .select(['login', 'kind'])
          .where('repository', '=', repository)
          .where('ref', '=', ref)
          .where('commit', '=', commit)
          .executeTakeFirst()
        return row && { login: row.login, kind: row.kind === 'bot' ? 'bot' : 'person' }
      }),
    lastPush: ({ repository, ref }) =>
      query(async (db) => {
        const told = db.selectFrom('service.pushers').select(['commit', 'at']).where('repository', '=', repository).where('ref', '=', ref)
        const newest = await told.where('at', 'is not', null).orderBy('at', 'desc').limit(1).executeTakeFirst()
        return newest?.at === undefined || newest.at === null ? undefined : { commit: newest.commit, at: newest.at.toISOString() }
      }),

    firstTagCommit: ({ repository, ref }, commit) =>
      query(async (db) => {
        await db
          .insertInto('service.tags')
          .values({ repository, ref, commit })
          .onConflict((conflict) => conflict.doNothing())
          .execute()
        const row = db.selectFrom('service.tags').select('commit').where('repository', '=', repository).where('ref', '=', ref)
        return (await row.executeTakeFirstOrThrow()).commit
      }),

    putWish: (address, wish) => query((db) => insertWish(db, address, wish)),
    openWishes: ({ repository, ref }) =>
      query(async (db) => {
        const open = db.selectFrom('service.wishes').select(['id', 'document']).where('repository', '=', repository).where('ref', '=', ref)
        const rows = await open.where('answered', 'is', null).orderBy('at').orderBy('id').execute()
        return rows.map(({ id, document }) => parseWish(document) ?? unreadable(`wish ${id}`))
      }),
    answerWish: (id, now) =>
      query(async (db) => {
        await db.updateTable('service.wishes').set({ answered: now }).where('id', '=', id).where('answered', 'is', null).execute()
      }),

    approvals: (repository, pullRequest) =>
      query(async (db) => {
        const rows = await db
          .selectFrom('service.approvals')
          .select(['commit', 'account', 'at'])
          .where('repository', '=', repository)
          .where('pull_request', '=', pullRequest)
          .orderBy('at')
          .orderBy('account')
          .execute()
        return rows.map(({ commit, account, at }) => ({ pullRequest, commit, by: account, at: at.toISOString() }))
      }),
    putApproval: (repository, { pullRequest, commit, by, at }) =>
      query(async (db) => {
        const values = { repository, pull_request: pullRequest, commit, account: by, at }
        await db
          .insertInto('service.approvals')
          .values(values)
          .onConflict((conflict) => conflict.doNothing())
          .execute()
      }),

    records: (repository, trust) => databaseRecords(database, repository, trust),
    stageSeconds: (repository, path, stage) =>
      query(async (db) => {
        const rows = await db
          .selectFrom('service.records')
          .select('seconds')
          .where('repository', '=', repository)
          .where('trust', '=', 'trusted')
          .where('path', '=', path)
          .where('stage', '=', stage)
          .where('outcome', '=', 'passed')
          .orderBy('ended', 'desc')
          .limit(NEWEST_SECONDS)
          .execute()
        return rows.map(({ seconds }) => seconds)
      }),

    lastSweep: (name) =>
      query(async (db) => {
        const row = await db.selectFrom('service.sweeps').select('began').where('name', '=', name).executeTakeFirst()
        return row?.began.toISOString()
      }),
    putSweep: (name, began) =>
      query(async (db) => {
        await db
          .insertInto('service.sweeps')
          .values({ name, began })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ began }))
          .execute()
      }),
  }
}

/** Keeps who pushed a commit to a ref, unless a newer push of it was told already. */
export async function insertPusher(
  database: Kysely<ServiceTables>,
  { repository, ref }: RefAddress,
  commit: string,
  { login, kind }: Account,
  at: string | undefined,
): Promise<void> {
  await sql`
    insert into service.pushers (repository, ref, commit, login, kind, at) values (${repository}, ${ref}, ${commit}, ${login}, ${kind}, ${at ?? null})
    on conflict (repository, ref, commit) do update set login = excluded.login, kind = excluded.kind, at = excluded.at
    where pushers.at is null or excluded.at >= pushers.at`.execute(database)
}

/** Keeps a wish once; false: it was there. */
export async function insertWish(database: Kysely<ServiceTables>, { repository, ref }: RefAddress, wish: Wish): Promise<boolean> {
  const values = { id: wish.id, repository, ref, at: wish.at, document: JSON.stringify(wish) }
  const made = await database
    .insertInto('service.wishes')
    .values(values)
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return made !== undefined
}

function databaseRecords({ query }: Database<ServiceTables>, repository: number, trust: Trust): Records {
  return {
    find: (key) =>
      query(async (db) => {
        const row = db.selectFrom('service.records').select('document').where('repository', '=', repository).where('trust', '=', trust).where('key', '=', key)
        const found = await row.executeTakeFirst()
        const record = found === undefined ? undefined : parseRecord(found.document)
        return typeof record === 'string' || record?.key !== key ? undefined : record
      }),
    put: (record) =>
      query(async (db) => {
        const { stage, outcome, ended } = record
        const facts = { path: record.subject.prefix ?? '', stage, outcome, seconds: secondsOfRecord(record), ended, document: JSON.stringify(record) }
        await db
          .insertInto('service.records')
          .values({ repository, trust, key: record.key, ...facts })
          .onConflict((conflict) => conflict.columns(['repository', 'trust', 'key']).doUpdateSet(facts))
          .execute()
      }),
  }
}

function readRepository(row: {
  id: string | number
  owner: string
  name: string
  installation: string | number | null
  is_suspended: boolean
}): KnownRepository {
  const { id, owner, name, installation, is_suspended: isSuspended } = row
  return { id: Number(id), owner, name, installation: installation === null ? undefined : Number(installation), isSuspended }
}

function unreadable(what: string): never {
  throw new Failure('storage-corrupt', `what the database keeps of ${what} cannot be read`, {
    suggestion: 'Restore the database from a backup, or update ctss.',
  })
}
