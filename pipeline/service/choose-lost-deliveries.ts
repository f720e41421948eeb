import type { ForgeDelivery } from '../ports/app-forge.ts'

/** A delivery that no attempt has brought to us. */
export interface LostDelivery {
  readonly guid: string
  /** Of its newest attempt, by which it is asked for again. */
  readonly id: ForgeDelivery['id']
  /** False: its newest attempt may be under way, or another one so soon would be in vain. */
  readonly isDue: boolean
}

/** GitHub waits ten seconds for an answer (docs.github.com, "Handling webhook deliveries"): what is younger than this may still be under way. */
const UNDER_WAY_MS = 60_000
/** What is mended at last is not waited for much longer. */
const LONGEST_WAIT_MS = 3_600_000

/**
 * Deliveries of which every attempt failed, the oldest first: one that was answered with success was kept before. After each attempt the next one waits twice
 * as long, up to an hour. One whose first attempt is not among those given is older than the forge keeps them, and is given up: the others are given whole.
 */
export function chooseLostDeliveries(deliveries: readonly ForgeDelivery[], now: string): readonly LostDelivery[] {
  const ageMs = ({ at }: ForgeDelivery): number => Date.parse(now) - Date.parse(at)
  return [...Map.groupBy(deliveries, ({ guid }) => guid).values()]
    .filter((all) => all.every(({ succeeded }) => !succeeded) && all.some((attempt) => !attempt.isRedelivery && ageMs(attempt) > UNDER_WAY_MS))
    .map((all) => ({ attempts: all.length, newest: all.reduce((newest, one) => (ageMs(one) < ageMs(newest) ? one : newest)) }))
    .toSorted((one, other) => ageMs(other.newest) - ageMs(one.newest))
    .map(({ attempts, newest }) => ({
      guid: newest.guid,
      id: newest.id,
      isDue: ageMs(newest) > Math.min(UNDER_WAY_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS),
    }))
}
