import { setTimeout as sleep } from 'node:timers/promises'

export interface GateOptions {
  /** Requests at a time. */
  readonly atOnce: number
  /** Milliseconds between two that write, once a few have been let through together; 0: none. */
  readonly writeGapMs: number
  /** Milliseconds that only grow. */
  readonly nowMs: () => number
  /** Waits; rejects when the signal is aborted. */
  readonly pause?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
}

/** Where the requests of one installation wait for their turn. */
export interface RequestGate {
  /** The turn ends when it is disposed of. Rejects with the signal's reason. */
  enter(method: string, signal: AbortSignal | undefined): Promise<Disposable>
  /** GitHub takes nothing from this installation for so long; an hour at most, after which its limits begin anew. */
  close(ms: number): void
  /** For how long that is so from now on; 0: it takes requests. */
  closedMs(): number
}

/**
 * Writes that may be sent without a gap. GitHub advises a second between writes, and counts 80 that make content in a minute
 * (docs.github.com, Rate limits for the REST API): with these it is 70 at most.
 */
const WRITE_BURST = 10
const LONGEST_CLOSED_MS = 3_600_000

/** A gate for one installation: so many requests at once, writes with a gap between them; whoever came first goes first. */
export function requestGate({ atOnce, writeGapMs, nowMs, pause = pauseFor }: GateOptions): RequestGate {
  const waiting = new Set<() => void>()
  let running = 0
  let writesDoneMs = 0
  let closedUntilMs = 0

  async function waitToWrite(signal: AbortSignal | undefined): Promise<void> {
    const now = nowMs()
    writesDoneMs = Math.max(writesDoneMs, now) + writeGapMs
    const waitMs = writesDoneMs - now - WRITE_BURST * writeGapMs
    if (waitMs > 0) await pause(waitMs, signal)
  }

  async function waitForPlace(signal: AbortSignal | undefined): Promise<void> {
    if (running < atOnce) {
      running += 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        waiting.delete(enter)
        reject(signal?.reason)
      }
      // Whoever leaves hands its place on, so that nobody overtakes.
      const enter = (): void => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      waiting.add(enter)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  return {
    async enter(method, signal) {
      signal?.throwIfAborted()
      const isWrite = method !== 'GET' && method !== 'HEAD'
      try {
        if (isWrite) await waitToWrite(signal)
        await waitForPlace(signal)
      } catch (cause) {
        // It is not sent: the next one need not wait for it.
        if (isWrite) writesDoneMs -= writeGapMs
        throw cause
      }
      return {
        [Symbol.dispose]() {
          const [next] = waiting
          if (next === undefined) running -= 1
          else {
            waiting.delete(next)
            next()
          }
        },
      }
    },
    close(ms) {
      closedUntilMs = Math.max(closedUntilMs, nowMs() + Math.min(ms, LONGEST_CLOSED_MS))
    },
    closedMs: () => Math.max(0, closedUntilMs - nowMs()),
  }
}

async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal })
}
