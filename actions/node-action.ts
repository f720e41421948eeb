import { nodeScript } from '../pipeline/stage-scripts/trial-scripts.ts'
import type { NODE } from './definitions.ts'
import { openJob } from './job.ts'
import type { ActionCall, ActionResult } from './run-action.ts'
import { runStageAction } from './stage-action.ts'

/** The action `node`: the frame in which trials will run on a real node; the stage is skipped as long as none can be reached. */
export async function runNodeAction(call: ActionCall<typeof NODE>): Promise<ActionResult<typeof NODE>> {
  const job = await openJob(call)
  const finished = await runStageAction(job, { stage: 'node', name: 'node', script: nodeScript, force: call.inputs.force, reuses: false })
  return { outputs: { ...finished.outputs, trials: JSON.stringify({ passed: 0, total: 0 }) }, exitCode: finished.exitCode }
}
