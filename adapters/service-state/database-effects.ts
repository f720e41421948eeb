import type { Effects } from '../../pipeline/ports/service-state.ts'
import type { Database } from '../database/open-database.ts'
import type { ServiceTables } from './service-tables.ts'

/** Effects by key; the table's key decides between two replicas that begin one at once. */
export function databaseEffects({ query }: Database<ServiceTables>): Effects {
  return {
    begin: (key, now) =>
      query(async (db) => {
        const begun = db
          .insertInto('service.effects')
          .values({ key, since: now })
          .onConflict((conflict) => conflict.doNothing())
        if ((await begun.returning('key').executeTakeFirst()) !== undefined) return { kind: 'begun' }
        const { since, external, content, at } = await db.selectFrom('service.effects').selectAll().where('key', '=', key).executeTakeFirstOrThrow()
        if (external === null || content === null || at === null) return { kind: 'in-doubt', since: since.toISOString() }
        return { kind: 'done', external, content, at: at.toISOString() }
      }),
    finish: (key, external, content, now) =>
      query(async (db) => {
        const done = { external, content, at: now }
        await db
          .insertInto('service.effects')
          .values({ key, since: now, ...done })
          .onConflict((conflict) => conflict.column('key').doUpdateSet(done))
          .execute()
      }),
    restart: (key, now) =>
      query(async (db) => {
        const anew = { since: now, external: null, content: null, at: null }
        await db
          .insertInto('service.effects')
          .values({ key, ...anew })
          .onConflict((conflict) => conflict.column('key').doUpdateSet(anew))
          .execute()
      }),
  }
}
