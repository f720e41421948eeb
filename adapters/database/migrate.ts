import { sql, type Kysely } from 'kysely'
import { Failure } from '../../pipeline/failure.ts'

/** The tables of one room of a database: step n takes them from version n-1 to n, statement by statement. A step that has been in a release is never changed. */
export interface Schema {
  /** Of Postgres: what `search_path` names. */
  readonly name: string
  /** For people: `the service's state`. */
  readonly title: string
  readonly steps: readonly (readonly string[])[]
}

/**
 * Brings a schema up to date in one transaction, whoever else starts at the same time. Statements name their tables with the schema.
 * Fails with `storage-unavailable` where a newer program has been at work.
 */
export async function migrate<Tables>(database: Kysely<Tables>, { name, title, steps }: Schema): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    // Held to the end of the transaction; the number is any that nothing else in the database locks.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`ctss migrations of ${name}`}, 0))`.execute(transaction)
    await sql`create schema if not exists ${sql.id(name)}`.execute(transaction)
    await sql`create table if not exists ${sql.id(name, 'migrations')} (number int primary key)`.execute(transaction)
    const { rows } = await sql<{ number: number | null }>`select max(number) as number from ${sql.id(name, 'migrations')}`.execute(transaction)
    const done = rows[0]?.number ?? 0
    if (done > steps.length) {
      throw new Failure(
        'storage-unavailable',
        `the tables of ${title} were written by a newer ctss (they are of version ${done}, this program knows ${steps.length})`,
        { suggestion: 'Update ctss.' },
      )
    }
    for (const [index, step] of steps.entries()) {
      if (index < done) continue
      for (const statement of step) await sql.raw(statement).execute(transaction)
      await sql`insert into ${sql.id(name, 'migrations')} (number) values (${index + 1})`.execute(transaction)
    }
  })
}
