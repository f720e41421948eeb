import type { AppServices } from '../github/services.ts'
import { compareWorld } from './compare-world.ts'
import { redeliverLost } from './redeliver-lost.ts'

const MINUTE_MS = 60_000
/** A look goes back further than to the one before, for what was under way then, or was not listed yet. */
const OVERLAP_MS = 30 * MINUTE_MS
/** "Deliveries … in the past 3 days" are kept (docs.github.com, "Redelivering webhooks"). */
const KEPT_MS = 3 * 24 * 60 * MINUTE_MS
const EVERY_MS: SweepTimes = { redeliver: 5 * MINUTE_MS, compare: 60 * MINUTE_MS }
/** After something was asked for again: what came of it is looked at, and the rest is asked for. */
const SOON_MS = 2 * MINUTE_MS
/** Also a process that does not live long sweeps. */
const MOST_JITTER_MS = 10_000

export interface SweepOptions {
  readonly signal: AbortSignal
  /** From 0 to 1, anew each time: replicas don't sweep all at once. */
  readonly random: () => number
  /** How often, where it is to be another time than usual. */
  readonly everyMs?: SweepTimes | undefined
}

export interface SweepTimes {
  readonly redeliver: number
  readonly compare: number
}

interface Sweep {
  readonly name: keyof SweepTimes
  readonly everyMs: number
  /** `last`: when the one that ended last was begun. Undefined: it came to its end; else it goes on after so many milliseconds. */
  readonly run: (last: string | undefined) => Promise<number | undefined>
}

/**
 * Sweeps until the signal fires: what was never delivered, every five minutes; the whole world, every hour. All replicas count from the last one that came to
 * its end, also over restarts. Neither ends by a failure.
 */
export async function runSweeps(services: AppServices, { signal, random, everyMs = EVERY_MS }: SweepOptions): Promise<void> {
  const redeliver: Sweep['run'] = async (last) => {
    const { asked, missing } = await redeliverLost(services, windowFrom(last, services.clock.now()), signal)
    if (missing === 0) return undefined
    return asked === 0 ? everyMs.redeliver : Math.min(SOON_MS, everyMs.redeliver)
  }
  const compare: Sweep['run'] = async () => {
    await compareWorld(services, signal)
    return undefined
  }
  await Promise.all([
    repeat(services, { signal, random }, { name: 'redeliver', everyMs: everyMs.redeliver, run: redeliver }),
    repeat(services, { signal, random }, { name: 'compare', everyMs: everyMs.compare, run: compare }),
  ])
}

/** A time that is yet to come was noted by a clock that was wrong. */
function windowFrom(last: string | undefined, now: string): string {
  const longest = Date.parse(now) - KEPT_MS
  return new Date(last === undefined || last > now ? longest : Math.max(longest, Date.parse(last) - OVERLAP_MS)).toISOString()
}

/** What fails comes again after its interval, or with the next start. */
async function repeat({ state, clock, log, pause }: AppServices, { signal, random }: SweepOptions, { name, everyMs, run }: Sweep): Promise<void> {
  const jitterMs = Math.min(MOST_JITTER_MS, everyMs / 10)
  for (let waitMs = 0; !signal.aborted;) {
    try {
      await pause(waitMs + random() * jitterMs, signal)
      waitMs = everyMs
      const last = await state.lastSweep(name)
      const now = clock.now()
      const restMs = last === undefined ? 0 : everyMs - Math.abs(Date.parse(now) - Date.parse(last))
      // It is not its time yet, or another replica was first.
      if (restMs > 0) {
        waitMs = restMs
        continue
      }
      const againMs = await run(last)
      if (againMs === undefined) await state.putSweep(name, now)
      else waitMs = againMs
    } catch (error) {
      if (!signal.aborted) log.error({ err: error, sweep: name }, 'a sweep failed; it comes again')
    }
  }
}
