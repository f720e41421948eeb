import type { File, Model, StageRecord } from '../../schemas/generated/types.ts'
import { baseImages, resolveBases, type ResolvedBase } from '../build/base-images.ts'
import { buildInputs } from '../build/build-inputs.ts'
import { joinParts, readPluginContext, runBuild } from '../build/build.ts'
import { fetchModel, keptModel } from '../build/fetch-model.ts'
import type { Pipeline } from '../pipeline.ts'
import type { RunState, StageScript } from '../run.ts'
import type { StageContext, StageResult } from '../stage.ts'
import { trainedModel, required } from './run-results.ts'
import { platformsOf, stagingRepository, type StageOptions, type StagePorts } from './stage-ports.ts'
import { EMPTY_PART } from '../build/empty-part.ts'

/** The stage `build`, bound to its inputs and ports. */
export function buildScript(options: StageOptions, ports: StagePorts): StageScript {
  return {
    stage: 'build',
    prepare: async () => void (await (options.build?.kind === 'join' ? ports.openStaging() : ports.openBuilder())),
    usable: (run) => run.pipeline?.model?.source.kind !== 'train' || trainedModel(run) !== undefined,
    async inputs(run) {
      const { pipeline, tree } = run
      if (pipeline === undefined) return undefined
      const reading = await readPluginContext(tree, pipeline, trainedModel(run))
      if (reading.kind === 'refused') return undefined
      const platforms = platformsOf(pipeline, options.platforms)
      const inputs = buildInputs({
        manifest: pipeline.manifest,
        platforms,
        context: reading.context,
        bases: await basesOf(reading.context.dockerfileText, pipeline, platforms, ports),
      })
      const model = pipeline.model?.source.kind === 'uri' ? { ...pipeline.model.source, path: pipeline.model.path } : null
      // A part of one platform is not the build of a plugin that has only that one.
      return { inputs, model, ...(options.build?.kind === 'part' && { part: true }) }
    },
    async run(run, context) {
      const pipeline = required(run.pipeline, 'pipeline')
      const platforms = platformsOf(pipeline, options.platforms)
      if (options.build?.kind === 'join') return join(run, context, pipeline, platforms, options.build.parts, ports)
      const model = pipeline.model?.source.kind === 'uri' ? await fetchModel(context, pipeline.model.source, ports) : trainedModel(run)
      if (model !== undefined && 'severity' in model)
        return { outcome: 'failed', problems: [model], metrics: {}, files: [], details: options.build?.kind === 'part' ? EMPTY_PART : { kind: 'none' } }
      const reading = await readPluginContext(context.tree, pipeline, model)
      const bases = reading.kind === 'read' ? await basesOf(reading.context.dockerfileText, pipeline, platforms, ports) : []
      const result = await runBuild(context, {
        pipeline,
        platforms,
        builder: await ports.openBuilder(),
        registry: ports.registry,
        repository: await stagingRepository(pipeline, ports),
        model,
        bases,
        join: options.build?.kind !== 'part',
      })
      return withModel(result, pipeline, model)
    },
  }
}

async function join(
  run: RunState,
  context: StageContext,
  pipeline: Pipeline,
  platforms: readonly string[],
  parts: readonly StageRecord[],
  ports: StagePorts,
): Promise<StageResult> {
  const model = pipeline.model?.source.kind === 'uri' ? keptModel(parts.flatMap(({ files }) => files)) : trainedModel(run)
  const repository = await stagingRepository(pipeline, ports)
  return withModel(await joinParts(context, { pipeline, platforms, parts, registry: ports.registry, repository, model }), pipeline, model)
}

/** A model that was trained is in the record of `train`; one that was fetched has no other record than that of the build. */
function withModel(result: StageResult, pipeline: Pipeline, model: Model | undefined): StageResult {
  return pipeline.model?.source.kind === 'uri' ? { ...result, files: [...result.files, ...modelFiles(model)] } : result
}

async function basesOf(dockerfileText: string, { manifest }: Pipeline, platforms: readonly string[], ports: StagePorts): Promise<readonly ResolvedBase[]> {
  return resolveBases(baseImages(dockerfileText, manifest.buildArgs, platforms), ports.lookUpBase)
}

function modelFiles(model: Model | undefined): readonly File[] {
  return (model?.files ?? []).map(({ path, digest, bytes }) => ({ role: 'model', name: path, digest, bytes, mediaType: 'application/octet-stream' }))
}
