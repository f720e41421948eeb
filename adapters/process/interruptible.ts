import { Failure } from '../../pipeline/failure.ts'

/**
 * Runs work under a signal that Ctrl-C and SIGTERM fire, so that it can clean up what it started; a line on stderr says so.
 * Once it has fired, the call fails with `cancelled`, also when the work came to its end all the same.
 *
 * A second Ctrl-C ends the process at once; what is left behind then is swept by the next run. A SIGTERM after it changes nothing: GitHub's runner sends
 * SIGINT to a job that is cancelled, SIGTERM 7.5 s later, and kills 2.5 s after that (actions/runner, ProcessInvoker), which is time to go on cleaning up.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const interrupt = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      process.stderr.write(`\nStopping, and cleaning up${process.stderr.isTTY ? ' (Ctrl-C again to stop at once)' : ''} …\n`)
      controller.abort(new Error('interrupted'))
    } else if (name === 'SIGINT') {
      process.exit(2)
    }
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
