import { describe, expect, it } from 'vitest'
import { killApp } from '../support/killed-app.ts'
import { startPostgres } from '../support/postgres.ts'

/** A minute and a half; the long version is `npm run bench:kill`, with a thousand points and every kind of story. */
const SHORT = { seed: 1, mostHandled: 5, mostMs: 30_000, storyMs: 240_000 } as const
const NOTHING = { lost: [], different: [], orphans: 0 }

/** The service as it is released, on a real database, beside a GitHub over HTTP. */
describe('a service that is killed while it works', () => {
  it('loses nothing and does nothing twice, one of two replicas on one Postgres after the other', async () => {
    await using postgres = await startPostgres()
    const databaseUrl = await postgres.createDatabase()
    const { lost, different, orphans, points } = await killApp({
      ...SHORT,
      points: 10,
      replicas: 2,
      databaseUrl,
      parallel: 8,
      kinds: ['pull', 'fork', 'release', 'lost'],
    })
    expect({ lost, different, orphans }).toEqual(NOTHING)
    expect(points).toBeGreaterThan(0)
  })

  it('loses nothing and does nothing twice on the embedded database', async () => {
    const { lost, different, orphans, points } = await killApp({ ...SHORT, points: 4, replicas: 1, databaseUrl: undefined, parallel: 3, kinds: ['release'] })
    expect({ lost, different, orphans }).toEqual(NOTHING)
    expect(points).toBeGreaterThan(0)
  })
})
