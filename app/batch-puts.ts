import type { Delivery, Inbox } from '../pipeline/ports/inbox.ts'

interface Waiting {
  readonly deliveries: readonly Delivery[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Some wait for the disk while others are filled. */
const AT_ONCE = 4
/** More would make those wait that came first. */
const MOST_TOGETHER = 25

/**
 * Puts together what comes while the database is busy: deliveries that wait for the disk together wait once. Each is answered when its own
 * transaction is durable; where one fails, those in it are tried one by one, so that none keeps others from being kept.
 */
export function batchPuts({ putAll }: Pick<Inbox, 'putAll'>): (deliveries: readonly Delivery[]) => Promise<void> {
  const waiting: Waiting[] = []
  let underWay = 0
  const putEach = async (batch: readonly Waiting[]): Promise<void> => {
    for (const { deliveries, resolve, reject } of batch) await putAll(deliveries).then(() => resolve(), reject)
  }
  const putWaiting = async (): Promise<void> => {
    underWay += 1
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MOST_TOGETHER)
      try {
        await putAll(batch.flatMap(({ deliveries }) => deliveries))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        if (batch.length === 1) batch[0]?.reject(error)
        else await putEach(batch)
      }
    }
    underWay -= 1
  }
  return async (deliveries) =>
    new Promise((resolve, reject) => {
      waiting.push({ deliveries, resolve, reject })
      if (underWay < AT_ONCE) void putWaiting()
    })
}
