import { getState, saveState } from '@actions/core'
import { tellRunner } from './tell-runner.ts'

/** The name under which the post step finds the run id of its step; absent: the step started nothing. */
const RUN_STATE = 'run'

/** Tells the post step which run it has to sweep when the step is killed; called before anything is started. Fails with `storage-full`, `storage-unavailable`. */
export function saveRunId(runId: string): void {
  tellRunner('writing the state of the step', () => saveState(RUN_STATE, runId))
}

/** Undefined: the step started nothing. */
export function readRunId(): string | undefined {
  return getState(RUN_STATE) || undefined
}
