import { virtualScript } from '../pipeline/stage-scripts/trial-scripts.ts'
import type { VIRTUAL } from './definitions.ts'
import { openJob } from './job.ts'
import { openTestbed } from './job-testbed.ts'
import { openJobStaging } from './job-staging.ts'
import type { ActionCall, ActionResult } from './run-action.ts'
import { runStageAction } from './stage-action.ts'

/** The action `virtual`: the trials in a Virtual Waggle. */
export async function runVirtualAction(call: ActionCall<typeof VIRTUAL>): Promise<ActionResult<typeof VIRTUAL>> {
  const job = await openJob(call)
  await using staging = await openJobStaging(job, { imports: true })
  const finished = await runStageAction(staging.job, {
    stage: 'virtual',
    name: 'virtual',
    script: virtualScript,
    ports: { openTestbed: async () => openTestbed(staging.job) },
    force: call.inputs.force,
  })
  const { details } = finished.record
  const trials = details.kind === 'virtual' ? details.trials : []
  const passed = trials.filter(({ outcome }) => outcome === 'passed').length
  return { outputs: { ...finished.outputs, trials: JSON.stringify({ passed, total: trials.length }) }, exitCode: finished.exitCode }
}
