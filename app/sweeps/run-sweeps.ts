import type { AppServices } from '../github/services.ts'
import { compareWorld } from './compare-world.ts'
import { redeliverLost } from './redeliver-lost.ts'

const MINUTE_MS = 60_000
/** Each look goes back further than the one before, for what failed meanwhile. */
const REDELIVER_BACK_MS = 30 * MINUTE_MS
/** "Deliveries … in the past 3 days" are kept (docs.github.com, "Redelivering webhooks"): the first look goes back to where the app was down. */
const FIRST_BACK_MS = 3 * 24 * 60 * MINUTE_MS
const EVERY_MS: SweepTimes = { redeliver: 5 * MINUTE_MS, compare: 60 * MINUTE_MS }
/** What came while the app was down is looked for soon after its start. */
const SOON_MS = MINUTE_MS

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

/** Sweeps until the signal fires: what was never delivered, every five minutes; the whole world, every hour; both first of all a minute after the start. Neither ends by a failure. */
export async function runSweeps(services: AppServices, { signal, random, everyMs = EVERY_MS }: SweepOptions): Promise<void> {
  let backMs = FIRST_BACK_MS
  const redeliver = async (): Promise<void> => {
    await redeliverLost(services, new Date(Date.parse(services.clock.now()) - backMs).toISOString(), signal)
    backMs = REDELIVER_BACK_MS
  }
  await Promise.all([
    repeat(services, { signal, random }, 'redeliver', everyMs.redeliver, redeliver),
    repeat(services, { signal, random }, 'compare', everyMs.compare, async () => void (await compareWorld(services, signal))),
  ])
}

async function repeat({ log, pause }: AppServices, { signal, random }: SweepOptions, name: string, everyMs: number, sweep: () => Promise<void>): Promise<void> {
  for (let waitMs = Math.min(SOON_MS, everyMs); !signal.aborted; waitMs = everyMs) {
    try {
      await pause(waitMs * (0.75 + random() / 2), signal)
      await sweep()
    } catch (error) {
      if (!signal.aborted) log.error({ err: error, sweep: name }, 'a sweep failed; it comes again')
    }
  }
}
