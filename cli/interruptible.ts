import { Failure } from '../pipeline/failure.ts'

/**
 * Runs work under a signal that Ctrl-C and SIGTERM fire, so that it can clean up what it started.
 * Once it has fired, the call fails with `cancelled`, also when the work came to its end all the same.
 * A second Ctrl-C ends the process at once; what is left behind then is swept by the next run.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(2)
    process.stderr.write('\nStopping, and cleaning up (Ctrl-C again to stop at once) …\n')
    controller.abort(new Error('interrupted'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  try {
    const result = await work(controller.signal)
    controller.signal.throwIfAborted()
    return result
  } catch (error) {
    throw controller.signal.aborted && !(error instanceof Failure) ? new Failure('cancelled', 'stopped before the end', { cause: error }) : error
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}
