import type { ForgeDelivery } from '../ports/app-forge.ts'

/** A delivery that no attempt has brought to us. */
export interface LostDelivery {
  readonly guid: string
  /** Of its newest attempt, by which it is asked for again. */
  readonly id: ForgeDelivery['id']
}

/** GitHub waits ten seconds for an answer (docs.github.com, "Handling webhook deliveries"): what is younger than this may still be under way. */
const UNDER_WAY_MS = 60_000
/** What fails this often fails for a reason that another attempt does not mend. */
const MOST_ATTEMPTS = 5

/** Deliveries of which every attempt failed, the oldest first: one that was answered with success was kept before. */
export function chooseLostDeliveries(deliveries: readonly ForgeDelivery[], now: string): readonly LostDelivery[] {
  const attempts = Map.groupBy(deliveries, ({ guid }) => guid)
  return [...attempts.values()]
    .filter((all) => all.length < MOST_ATTEMPTS && all.every(({ succeeded, at }) => !succeeded && Date.parse(at) < Date.parse(now) - UNDER_WAY_MS))
    .map((all) => all.toSorted((one, other) => (one.at < other.at ? 1 : -1))[0])
    .filter((newest) => newest !== undefined)
    .toSorted((one, other) => (one.at < other.at ? -1 : 1))
    .map(({ guid, id }) => ({ guid, id }))
}
