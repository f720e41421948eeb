import { join } from 'node:path'
import { DatasetFetcher } from '../adapters/dataset/dataset-fetcher.ts'
import { buildScript } from '../pipeline/stage-scripts/build-script.ts'
import type { BUILD } from './definitions.ts'
import { openJob, partName } from './job.ts'
import { stateFolderOf } from './workspace.ts'
import { jobLab } from './job-lab.ts'
import { openJobStaging } from './job-staging.ts'
import { openLargeFiles } from './large-files.ts'
import { InputError } from './read-inputs.ts'
import type { ActionCall, ActionResult } from './run-action.ts'
import { runStageAction } from './stage-action.ts'

/** The action `build`: the image of one platform, which `index` joins to the others'. */
export async function runBuildAction(call: ActionCall<typeof BUILD>): Promise<ActionResult<typeof BUILD>> {
  const { inputs } = call
  const job = await openJob(call, await openLargeFiles(inputs['large-files']))
  const [platform = job.nativePlatform, ...others] = inputs.platform ?? []
  if (others.length > 0) throw new InputError(['input `platform`: one platform a job; `index` joins several'])
  await using staging = await openJobStaging(job, { imports: false })
  await using lab = jobLab(staging, { cache: inputs.cache, platforms: [platform] })
  const name = partName(platform)
  const finished = await runStageAction(job, {
    stage: 'build',
    name,
    script: buildScript,
    ports: {
      openBuilder: async () => (await lab.open()).builder,
      openStaging: staging.root,
      datasets: new DatasetFetcher({ cacheFolder: join(stateFolderOf(call.environment), 'datasets') }),
    },
    force: inputs.force,
    platforms: [platform],
    build: { kind: 'part' },
  })
  const { details } = finished.record
  const built = details.kind === 'build' ? details.platforms[0] : undefined
  if (details.kind === 'build' && built?.digest !== undefined) await staging.exportImage(details.repository, built.digest, name)
  return {
    outputs: {
      ...finished.outputs,
      ...(built !== undefined && { emulated: String(built.emulated) }),
      ...(built?.digest !== undefined && {
        digest: built.digest,
        ...(details.kind === 'build' && staging.kind === 'registry' && { image: `${details.repository}@${built.digest}` }),
      }),
    },
    exitCode: finished.exitCode,
  }
}
