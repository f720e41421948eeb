import type { Inbox } from '../../pipeline/ports/inbox.ts'
import type { ServiceState } from '../../pipeline/ports/service-state.ts'
import { openDatabase, type DatabasePlace } from '../database/open-database.ts'
import { bossInbox } from '../inbox/boss-inbox.ts'
import { startBoss } from '../inbox/refs-queue.ts'
import { databaseState } from './database-state.ts'
import { SERVICE_SCHEMA } from './migrations.ts'
import type { ServiceTables } from './service-tables.ts'

export interface ServiceStoreOptions {
  readonly place: DatabasePlace
  /** A worker that shows no sign of life for so long has died, and its ref is handled again. In whole seconds, 10 or more (pg-boss allows no less). Default: 60. */
  readonly leaseSeconds?: number
  /** How often a ref is handled without success before it is parked; attempts do not count that failed because something else was away. Default: 8. */
  readonly attempts?: number
  /** Before the second attempt; doubled each time up to a quarter of an hour, with some chance in it. In whole seconds; 0: at once, each time. Default: 2. */
  readonly backoffSeconds?: number
  /** Connections to a Postgres server, besides four of the inbox. Default: 10. */
  readonly connections?: number
  /** Told of what goes wrong where nobody waits for an answer: a chore, a listener. */
  readonly onError?: (error: Error) => void
}

export interface ServiceStore {
  readonly state: ServiceState
  readonly inbox: Inbox
  /** After the inbox's work has ended; gives the folder free. */
  close(): Promise<void>
}

/**
 * Opens what the service remembers, making tables where there are none and bringing older ones up to date.
 * Fails with `storage-unavailable`, `storage-full`, `storage-corrupt`, and `lock-held` for a folder that another process uses.
 */
export async function openServiceStore({
  place,
  leaseSeconds = 60,
  attempts = 8,
  backoffSeconds = 2,
  connections = 10,
  onError = () => undefined,
}: ServiceStoreOptions): Promise<ServiceStore> {
  const database = await openDatabase<ServiceTables>(place, SERVICE_SCHEMA, { connections, onError })
  try {
    const boss = await startBoss(database, { leaseSeconds, attempts, backoffSeconds, onError })
    return {
      state: databaseState(database),
      inbox: bossInbox(database, boss, { leaseSeconds, attempts, onError }),
      async close() {
        await boss.stop({ graceful: false })
        await database.close()
      },
    }
  } catch (error) {
    await database.close()
    throw error
  }
}
