import { explainError } from '../pipeline/exit-code.ts'
import { readAppEnvironment } from './environment.ts'
import { openLog } from './log.ts'
import { startService } from './service.ts'

/** Reads the environment, starts the service, and stops it when it is told to. What is wrong with the environment is said in words, before there is a log. */
async function main(): Promise<void> {
  // Nobody but the service gets into the folders of the database, of blobs and of uploads.
  process.umask(0o077)
  const environment = readAppEnvironment()
  const log = openLog(environment.logLevel)
  const service = await startService(environment, { log })
  let isStopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) return
    isStopping = true
    log.info({ signal }, 'told to stop')
    service.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, 'the service could not be stopped as it should')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // Whatever nobody caught leaves the process in a state that nobody knows; everything that counts is in the database.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a bug: the service ends, to be started anew')
    process.exit(3)
  })
}

try {
  await main()
} catch (error) {
  const { code, text } = explainError(error)
  process.stderr.write(`${text}\n`)
  // Nothing that was opened before it failed keeps a process alive that serves nobody.
  process.exit(code)
}
