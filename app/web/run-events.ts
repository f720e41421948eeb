import { setTimeout as sleep } from 'node:timers/promises'
import { streamSSE } from 'hono/streaming'
import type { Context } from 'hono'
import { renderRun } from './run-page.ts'
import type { RunWatch } from './watch-runs.ts'

export interface RunEventOptions {
  /** Between two looks at the state: 2,000. */
  readonly lookMs?: number
  /** A line that says nothing, for proxies that cut what is silent: 15,000. */
  readonly heartbeatMs?: number
  /** Streams are ended when the service is. */
  readonly signal: AbortSignal
}

/** A browser asks again by itself, so that no stream has to last for ever. */
const LONGEST_MS = 15 * 60_000

/**
 * What changes on a run's page, as it changes: the whole part each time, so that whoever comes late, or comes again, has everything from the first event on.
 * Ends when the run has.
 */
export function runEvents(context: Context, id: string, watch: RunWatch, { lookMs = 2000, heartbeatMs = 15_000, signal }: RunEventOptions): Response {
  return streamSSE(context, async (stream) => {
    const ending = new AbortController()
    stream.onAbort(() => ending.abort())
    const isOver = AbortSignal.any([signal, ending.signal])
    let [shown, quietMs, leftMs] = ['', 0, LONGEST_MS]
    while (!isOver.aborted && leftMs > 0) {
      const found = await watch.find(id)
      const text = found === undefined ? '' : String(await renderRun(found.view))
      if (text !== shown) {
        await stream.writeSSE({ event: 'run', data: JSON.stringify(text) })
        ;[shown, quietMs] = [text, 0]
      }
      if (found === undefined || found.run.state === 'ended') {
        await stream.writeSSE({ event: 'end', data: '' })
        return
      }
      if (quietMs >= heartbeatMs) {
        await stream.write(': still here\n\n')
        quietMs = 0
      }
      await sleep(lookMs, undefined, { signal: isOver }).catch(() => undefined)
      quietMs += lookMs
      leftMs -= lookMs
    }
  })
}
