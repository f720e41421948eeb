/** Lets a loop sleep until something happens, and never sleep over something that happened while it was awake. */
export interface Bell {
  readonly ring: () => void
  /** Forgets what has rung: right before looking at what there is to do. */
  reset(): void
  /** Returns when it rings, has rung since the last reset, after `ms`, or when the signal fires. */
  wait(ms: number): Promise<void>
}

/** A bell that rings, too, when the signal fires. */
export function makeBell(signal: AbortSignal): Bell {
  let hasRung = false
  let wakeUp = (): void => undefined
  const ring = (): void => {
    hasRung = true
    wakeUp()
  }
  signal.addEventListener('abort', ring, { once: true })
  return {
    ring,
    reset: () => {
      hasRung = false
    },
    async wait(ms) {
      if (hasRung || signal.aborted) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        wakeUp = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}
