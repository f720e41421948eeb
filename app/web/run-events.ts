import { setTimeout as sleep } from 'node:timers/promises'
import { streamSSE, type SSEStreamingApi } from 'hono/streaming'
import type { Context } from 'hono'
import type { StoredRun } from '../../pipeline/ports/service-state.ts'
import type { Logger } from '../log.ts'
import { refuse } from '../problem-details.ts'
import { renderRun } from './run-page.ts'
import { keepFor, type RunWatch } from './watch-runs.ts'

export interface RunEventPorts {
  readonly runs: Pick<RunWatch, 'find'>
  readonly now: () => number
  readonly log: Logger
  /** Streams are ended when the service is. */
  readonly signal: AbortSignal
  /** Between two looks at the state: 2,000. */
  readonly lookMs?: number
  /** A line that says nothing, for proxies that cut what is silent: 15,000. */
  readonly heartbeatMs?: number
  /** Streams at a time: 200. */
  readonly mostStreams?: number
}

/** Tells a run to whoever asks, as long as he may see it: what is public today may be private in a minute. */
export type TellRun = (context: Context, id: string, maySee: (run: StoredRun) => Promise<boolean>) => Response

/** A browser asks again by itself, so that no stream has to last for ever. */
const LONGEST_MS = 15 * 60_000

/**
 * What changes on a run's page, as it changes: the whole part each time, so that whoever comes late, or comes again, has everything from the first event on.
 * Ends when the run has. However many look at a run, the state is asked once for all of them.
 */
export function runEvents({ runs, now, log, signal, lookMs = 2000, heartbeatMs = 15_000, mostStreams = 200 }: RunEventPorts): TellRun {
  const looks = keepFor<Shown | undefined>(lookMs, now, { most: mostStreams })
  let streams = 0

  const tell = async (stream: SSEStreamingApi, look: () => Promise<Shown | undefined>): Promise<void> => {
    const ending = new AbortController()
    stream.onAbort(() => ending.abort())
    const isOver = AbortSignal.any([signal, ending.signal])
    let [shown, quietMs, leftMs] = ['', 0, LONGEST_MS]
    while (!isOver.aborted && leftMs > 0) {
      const found = await look()
      const text = found?.text ?? ''
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
  }

  return (context, id, maySee) => {
    if (streams >= mostStreams) return refuse(503, 'too many look at runs at the moment: load the page again in a while', { 'retry-after': '60' })
    const look = async (): Promise<Shown | undefined> => {
      const found = await looks(id, async () => show(await runs.find(id)))
      return found !== undefined && (await maySee(found.run)) ? found : undefined
    }
    streams += 1
    return streamSSE(context, async (stream) => {
      try {
        await tell(stream, look)
      } catch (error) {
        // A browser comes again by itself; what went wrong is not for it.
        log.error({ err: error }, 'the events of a run were broken off')
      } finally {
        streams -= 1
      }
    })
  }
}

interface Shown {
  readonly run: StoredRun
  readonly text: string
}

async function show(found: Awaited<ReturnType<RunWatch['find']>>): Promise<Shown | undefined> {
  return found && { run: found.run, text: String(await renderRun(found.view)) }
}
