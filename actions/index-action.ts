import { buildScript } from '../pipeline/stage-scripts/build-script.ts'
import type { INDEX } from './definitions.ts'
import { openJob, partsOf } from './job.ts'
import { openJobStaging } from './job-staging.ts'
import { keepRecords } from './keep-records.ts'
import type { ActionCall, ActionResult } from './run-action.ts'
import { runStageAction } from './stage-action.ts'

/** The action `index`: the platforms' images as one index, and the record of the stage `build`. */
export async function runIndexAction(call: ActionCall<typeof INDEX>): Promise<ActionResult<typeof INDEX>> {
  const { inputs } = call
  const job = await openJob(call)
  await using staging = await openJobStaging(job, { imports: true })
  const parts = partsOf(staging.job)
  const platforms = inputs.platform ?? job.plan?.platforms.map(({ platform }) => platform)
  const finished = await runStageAction(staging.job, {
    stage: 'build',
    name: 'build',
    script: buildScript,
    ports: { openStaging: staging.root },
    force: true,
    platforms,
    build: { kind: 'join', parts },
  })
  await keepRecords(job, finished.summaries, parts)
  const { details } = finished.record
  const index = details.kind === 'build' ? details.index : undefined
  if (details.kind === 'build' && index !== undefined) await staging.exportImage(details.repository, index, 'build')
  return {
    outputs: {
      ...finished.outputs,
      ...(index !== undefined && {
        digest: index,
        ...(details.kind === 'build' && staging.kind === 'registry' && { image: `${details.repository}@${index}` }),
      }),
    },
    exitCode: finished.exitCode,
  }
}
