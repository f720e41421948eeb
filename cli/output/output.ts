import type { Progress } from '../../pipeline/ports/progress.ts'
import type { RunObserver } from '../../pipeline/run.ts'

/** How a command shows what it does: on a terminal, in a log, or not at all. Everything goes to stderr; stdout is for results. */
export interface Output extends RunObserver {
  /** Progress of what comes before and after the stages: set-up, clean-up. */
  readonly general: Progress
  /** Stops drawing; what is printed afterwards stands below. */
  close(): Promise<void>
}
