import type { Inbox, ParkedRef } from '../pipeline/ports/inbox.ts'

const FIRST_LOOK = 1000

/** Every ref that is parked, however many there are. */
export async function listParked(inbox: Pick<Inbox, 'parked'>): Promise<readonly ParkedRef[]> {
  for (let limit = FIRST_LOOK; ; limit *= 2) {
    const parked = await inbox.parked(limit)
    if (parked.length < limit) return parked
  }
}
