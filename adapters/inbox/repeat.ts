import { setTimeout as sleep } from 'node:timers/promises'

/** Does `work` every so many milliseconds until the signal fires, one at a time. What goes wrong is told, and tried again the next time. */
export async function repeat(everyMs: number, signal: AbortSignal, onError: (error: Error) => void, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await sleep(everyMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    try {
      await work()
    } catch (error) {
      onError(asError(error))
    }
  }
}

/** Whatever was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
