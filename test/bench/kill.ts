/**
 * bench:kill: nothing is lost, and nothing is doubled. The service as it is released, on a real Postgres, hears over HTTP of stories that are told side by side at the stand-in for GitHub, while it is
 * killed (SIGKILL) at random moments and started again. Each story has to end as it does when nobody is killed.
 * `npm run bench:kill -- [POINTS] [SEED] [REPLICAS] [MINUTES]`; ends with 1 when anything was lost or doubled. `REPLICAS` 0: one, on the embedded database.
 */
import { killApp } from '../support/killed-app.ts'
import { STORY_KINDS } from '../support/killed-app-stories.ts'
import { startPostgres } from '../support/postgres.ts'
import { machineFacts } from './measure.ts'

const [points, seed, replicas, minutes] = [1000, 1, 1, 120].map((fallback, index) => Number(process.argv[index + 2] ?? fallback)) as [
  number,
  number,
  number,
  number,
]
if (![points, seed, replicas, minutes].every((value) => Number.isFinite(value) && value >= 0))
  throw new Error('usage: npm run bench:kill -- [POINTS] [SEED] [REPLICAS] [MINUTES]')

console.log(machineFacts())
await using postgres = await startPostgres()
const result = await killApp({
  seed,
  points,
  replicas: Math.max(1, replicas),
  databaseUrl: replicas === 0 ? undefined : await postgres.createDatabase(),
  parallel: 24,
  kinds: STORY_KINDS,
  mostHandled: 4,
  mostMs: minutes * 60_000,
  storyMs: 600_000,
  onProgress: (line) => console.log(line),
})
const { lost, different, ...figures } = result
for (const line of lost) console.log(`lost: ${line}`)
for (const line of different) console.log(`another end: ${line}`)
console.log(
  `${figures.points} points (${figures.kills} kills) in ${(figures.seconds / 60).toFixed(1)} min, ${figures.stories} stories, ${figures.redelivered} deliveries asked for again: ` +
    `${lost.length} lost, ${different.length} with another end, ${figures.orphans} processes left behind`,
)
process.exit(lost.length + different.length + figures.orphans > 0 || figures.points < points ? 1 : 0)
