/**
 * The service as `app/main.ts` starts it, with the times that a test can wait for: a lease, what GitHub may take to list something, sweeps.
 * Prints `+` when a ref is handed to the worker, and `-` when it was handled, so that whoever kills this process knows whether it was at work.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { openServiceStore } from '../../adapters/service-state/open-service-store.ts'
import { readAppEnvironment } from '../../app/environment.ts'
import { openLog } from '../../app/log.ts'
import { startService } from '../../app/service.ts'

const STDOUT = 1
/** A second is enough here, where nothing lags; GitHub itself is given ten. */
const SETTLE_MS = 1000

const environment = readAppEnvironment()
const log = openLog(environment.logLevel)
const { databaseUrl, stateFolder } = environment
const store = await openServiceStore({
  place: databaseUrl === undefined ? { folder: join(stateFolder, 'database') } : { url: databaseUrl },
  // The least that pg-boss takes.
  leaseSeconds: 10,
  // A ref may be in the hands of many processes that are killed, one after the other.
  attempts: 100,
  backoffSeconds: 0,
  onError: (error) => log.error({ err: error }, 'the database'),
})
const { inbox } = store
const { port } = await startService(environment, {
  log,
  store: {
    ...store,
    inbox: {
      ...inbox,
      work: async (handle, options) =>
        inbox.work(async (address, signal) => {
          writeSync(STDOUT, '+')
          try {
            await handle(address, signal)
          } finally {
            writeSync(STDOUT, '-')
          }
        }, options),
    },
  },
  forge: { writeGapMs: 0 },
  settleMs: SETTLE_MS,
  sweepEveryMs: { redeliver: 5_000, compare: 20_000 },
})
writeSync(STDOUT, `ready ${port}\n`)
