import { claimsName, publishedRepository, publishInputs } from '../publish/publish-inputs.ts'
import { runPublish } from '../publish/publish.ts'
import type { StageScript } from '../run.ts'
import type { StageResult } from '../stage.ts'
import { recordOf, trainDetails, buildDetails, required } from './run-results.ts'
import { type StageOptions, type StagePorts } from './stage-ports.ts'

/** The stage `publish`, bound to its inputs and ports. */
export function publishScript(options: StageOptions, ports: StagePorts): StageScript {
  return {
    stage: 'publish',
    // The registry may have to be started before anything is promoted in it.
    prepare: async () => void (await ports.openStaging()),
    async inputs({ pipeline, subject, tree, summaries }) {
      const build = buildDetails({ summaries })
      const manifestBlob = (await tree.entries()).find(({ path }) => path === pipeline?.manifest.path)?.blob
      if (pipeline === undefined || build === undefined || manifestBlob === undefined) return undefined
      return publishInputs({
        pipeline,
        build,
        train: trainDetails({ summaries }),
        manifestBlob,
        release: claimsName(pipeline, subject, options.release),
        repository: publishedRepository(ports.registryRoot, pipeline),
      })
    },
    async run(run, context): Promise<StageResult> {
      const pipeline = required(run.pipeline, 'pipeline')
      return runPublish(context, {
        pipeline,
        train: recordOf(run, 'train'),
        build: recordOf(run, 'build'),
        virtual: recordOf(run, 'virtual'),
        registry: ports.registry,
        catalogue: ports.catalogue,
        release: options.release,
        repository: publishedRepository(ports.registryRoot, pipeline),
      })
    },
  }
}
