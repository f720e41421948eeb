import { Failure } from '../../pipeline/failure.ts'
import { chooseLostDeliveries } from '../../pipeline/service/choose-lost-deliveries.ts'
import type { AppServices } from '../github/services.ts'

/** Asked for again at a time; the others come with the next sweep. */
const MOST_REDELIVERIES = 200
/** More than these, and GitHub itself is down. */
const MOST_UNAVAILABLE = 5

/** What a look for lost deliveries came to. */
export interface LostLook {
  /** As many as were asked for again. */
  readonly asked: number
  /** As many as have not arrived, whether they were asked for or wait for their time. 0: nothing is lost. */
  readonly missing: number
}

/**
 * Asks the forge again for what never arrived since a time: the app was down, or its database was. What the forge refuses is logged, and keeps no other from
 * its turn. Fails as the forge and the inbox do.
 */
export async function redeliverLost(
  { forge, inbox, clock, log }: Pick<AppServices, 'forge' | 'inbox' | 'clock' | 'log'>,
  since: string,
  signal: AbortSignal,
): Promise<LostLook> {
  const lost = chooseLostDeliveries(await forge.deliveries(since), clock.now())
  // Where only the answer was lost, it was kept.
  const missing = new Set(lost.length === 0 ? [] : await inbox.missing(lost.map(({ guid }) => guid)))
  let [asked, unavailable] = [0, 0]
  for (const { id, guid } of lost.filter((delivery) => delivery.isDue && missing.has(delivery.guid))) {
    if (asked === MOST_REDELIVERIES) break
    signal.throwIfAborted()
    try {
      await forge.redeliver(id)
      asked += 1
      log.info({ delivery: guid }, 'a delivery never arrived: it is asked for again')
    } catch (error) {
      if (!(error instanceof Failure) || error.code === 'cancelled') throw error
      if (error.code === 'forge-unavailable') unavailable += 1
      if (unavailable > MOST_UNAVAILABLE) throw error
      log.warn({ delivery: guid, err: error }, 'a delivery never arrived, and could not be asked for again')
    }
  }
  return { asked, missing: missing.size }
}
