import type { Clock } from '../../pipeline/ports/clock.ts'

/** The machine's own time. */
export const machineClock: Clock = { now: () => new Date().toISOString(), monotonicMs: () => performance.now() }
