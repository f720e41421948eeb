import { describe, expect, it } from 'vitest'
import { killApp, type KilledAppOptions } from '../support/killed-app.ts'
import { STORY_KINDS } from '../support/killed-app-stories.ts'
import { startPostgres } from '../support/postgres.ts'

/** The long version is `npm run bench:kill`: a thousand points. */
const SHORT: Omit<KilledAppOptions, 'databaseUrl' | 'replicas' | 'points'> = {
  seed: 1,
  parallel: 7,
  kinds: STORY_KINDS,
  mostHandled: 6,
  mostMs: 60_000,
  storyMs: 240_000,
}

/** The service as it is released, on a real database, beside a GitHub over HTTP. */
describe('a service that is killed while it works', () => {
  it('loses nothing and does nothing twice, one of two replicas on one Postgres after the other', async () => {
    await using postgres = await startPostgres()
    const { lost, different, orphans, points } = await killApp({ ...SHORT, points: 15, replicas: 2, databaseUrl: await postgres.createDatabase() })
    expect({ lost, different, orphans }).toEqual({ lost: [], different: [], orphans: 0 })
    expect(points).toBeGreaterThan(5)
  })

  it('loses nothing and does nothing twice on the embedded database', async () => {
    const { lost, different, orphans, points } = await killApp({
      ...SHORT,
      kinds: ['pull', 'release'],
      points: 6,
      replicas: 1,
      databaseUrl: undefined,
      parallel: 2,
    })
    expect({ lost, different, orphans }).toEqual({ lost: [], different: [], orphans: 0 })
    expect(points).toBeGreaterThan(2)
  })
})
