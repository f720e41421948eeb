import type { RunState } from '../../pipeline/service/world.ts'

/** States in the order in which a run goes through them. */
export const RUN_STATES: readonly RunState[] = ['queued', 'dispatched', 'running', 'ended']

interface RunProgress {
  readonly state: RunState
  readonly dispatches: number
}

/** Whether a run goes forward by a change: a later dispatch is further than an earlier one, within one the state counts, and nothing comes after the end. */
export function isFurther(from: RunProgress, to: RunProgress): boolean {
  if (from.state === 'ended') return false
  if (to.dispatches !== from.dispatches && to.state !== 'ended') return to.dispatches > from.dispatches
  return RUN_STATES.indexOf(to.state) > RUN_STATES.indexOf(from.state)
}
