import { chooseLostDeliveries } from '../../pipeline/service/choose-lost-deliveries.ts'
import type { AppServices } from '../github/services.ts'

/** Asked for again at a time; the others come with the next sweep. */
const MOST_REDELIVERIES = 200

/** Asks the forge again for what never arrived since a time: the app was down, or its database was. Answers how many. Fails as the forge and the inbox do. */
export async function redeliverLost(
  { forge, inbox, clock, log }: Pick<AppServices, 'forge' | 'inbox' | 'clock' | 'log'>,
  since: string,
  signal: AbortSignal,
): Promise<number> {
  const lost = chooseLostDeliveries(await forge.deliveries(since), clock.now()).slice(0, MOST_REDELIVERIES)
  // Where only the answer was lost, it was kept.
  const missing = new Set(lost.length === 0 ? [] : await inbox.missing(lost.map(({ guid }) => guid)))
  const wanted = lost.filter(({ guid }) => missing.has(guid))
  for (const { id, guid } of wanted) {
    signal.throwIfAborted()
    log.info({ delivery: guid }, 'a delivery never arrived: it is asked for again')
    await forge.redeliver(id)
  }
  return wanted.length
}
