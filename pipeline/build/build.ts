import type { BuildDetails, File, Model } from '../../schemas/generated/types.ts'
import { digestOf } from '../digest.ts'
import type { Digest } from '../digest.ts'
import type { Pipeline } from '../pipeline.ts'
import type { ImageBuilder } from '../ports/image-builder.ts'
import type { Descriptor, Registry } from '../ports/registry.ts'
import { error, hasErrors, warning } from '../problem.ts'
import type { Problem } from '../problem.ts'
import type { StageContext, StageResult } from '../stage.ts'
import type { ResolvedBase } from './base-images.ts'
import { copiesModel, join, readBuildContext, writeBuildContext } from './build-context.ts'
import type { BuildContext, ContextReading } from './build-context.ts'
import { imageLabels } from './image-labels.ts'
import { joinIndex, verifyImage } from './image-index.ts'
import { buildPlatforms, builtDigest, platformProblems } from './platform-builds.ts'
import type { PlatformBuild } from './platform-builds.ts'

export interface BuildStageRequest {
  readonly pipeline: Pipeline
  /** In the order that the index shall have. */
  readonly platforms: readonly string[]
  readonly builder: ImageBuilder
  readonly registry: Registry
  /** Registry host and repository that take the images, for instance `127.0.0.1:5055/staging/local/sage/smoke-detector`. */
  readonly repository: string
  /** The trained model, or the verified files of `model.uri`, its files in the blob store; undefined when the pipeline has none. */
  readonly model: Model | undefined
  /** Base images as `resolveBases` found them. */
  readonly bases: readonly ResolvedBase[]
}

/** The build context of a pipeline's plugin; the same for the key and for the build. */
export function readPluginContext(tree: StageContext['tree'], { manifest, model }: Pipeline, trained: Model | undefined): Promise<ContextReading> {
  const { directory, dockerfile, path } = manifest
  return readBuildContext(tree, { directory, dockerfile, declaredIn: path, model: model && trained && { path: model.path, model: trained } })
}

/**
 * The stage `build`: the model placed into a copy of the context, one build per platform in parallel, the images read back and joined to one OCI index.
 * A platform that is refused leaves the others' results, and no index. Fails as builder and registry do.
 */
export async function runBuild(context: StageContext, request: BuildStageRequest): Promise<StageResult> {
  const { pipeline, builder, repository, registry, platforms, model } = request
  const reading = await readPluginContext(context.tree, pipeline, model)
  if (reading.kind === 'refused') return refuse(request, reading.problems)
  // A registry that is down shall not come out after an hour of building.
  await registry.manifest(`${repository}@${digestOf('')}`)
  context.progress.step('writing the build context')
  const written = await writeBuildContext(context, reading.context, context.workFolder)
  const labels = imageLabels(pipeline.manifest, context.subject)
  const builds = await buildPlatforms(context, builder, platforms, { ...written, buildArgs: pipeline.manifest.buildArgs, labels, repository })
  context.progress.step('joining the images to one index')
  const verified = await verifyBuilds(registry, repository, builds, reading.context)
  const problems = [...platformProblems(builds, () => reading.context.dockerfile), ...verified.problems, ...modelWarnings(reading.context)]
  const index = hasErrors(problems) ? undefined : await joinIndex(registry, repository, verified.descriptors, labels)
  return {
    outcome: index === undefined ? 'failed' : 'passed',
    problems: problems.map((problem) => explainIgnored(problem, reading.context)),
    metrics: metricsOf(builds),
    files: await keepLogs(context, builds),
    details: detailsOf(request, builds, index, new Set(verified.wrong)),
    standIns: request.bases.filter((base) => base.standIn).map((base) => base.image),
  }
}

function refuse({ repository, builder, bases }: BuildStageRequest, problems: readonly Problem[]): StageResult {
  return {
    outcome: 'failed',
    problems,
    metrics: {},
    files: [],
    details: { kind: 'build', repository, builder: builder.kind, platforms: [], bases: bases.map((base) => ({ ...base })) },
  }
}

async function verifyBuilds(
  registry: Registry,
  repository: string,
  builds: readonly PlatformBuild[],
  { dockerfile }: BuildContext,
): Promise<{ readonly descriptors: Descriptor[]; readonly problems: Problem[]; readonly wrong: string[] }> {
  const descriptors: Descriptor[] = []
  const problems: Problem[] = []
  const wrong: string[] = []
  for (const build of builds) {
    const digest = builtDigest(build)
    if (digest === undefined) continue
    const verified = await verifyImage(registry, repository, { platform: build.platform, digest }, { file: dockerfile })
    if ('descriptor' in verified) descriptors.push(verified.descriptor)
    else {
      problems.push(verified.problem)
      wrong.push(build.platform)
    }
  }
  return { descriptors, problems, wrong }
}

function modelWarnings(context: BuildContext): Problem[] {
  if (copiesModel(context)) return []
  return [
    warning('model-not-copied', `the model is placed at ${context.model?.path}, and no COPY or ADD of ${context.dockerfile} takes it into the image`, {
      place: { file: context.dockerfile },
      suggestion: 'copy it, or change model.path; .dockerignore may leave it out',
    }),
  ]
}

/** A file that COPY misses although the repository has it is one that .dockerignore leaves out. */
function explainIgnored(problem: Problem, { directory, entries }: BuildContext): Problem {
  if (problem.code !== 'copy-source-missing') return problem
  const path = problem.message.split(' is not in')[0] ?? ''
  const isThere = entries.some((entry) => entry.path === path || entry.path.startsWith(`${path}/`))
  return isThere
    ? error(problem.code, `${join(directory, path)} is in the repository, and .dockerignore leaves it out of the build context`, {
        ...problem,
        suggestion: 'except it in .dockerignore with a line that begins with !',
      })
    : problem
}

function metricsOf(builds: readonly PlatformBuild[]): StageResult['metrics'] {
  const bytes = builds.flatMap(({ result }) => (result.kind === 'built' ? [result.bytes] : []))
  return { ...(bytes.length > 0 && { largestImageBytes: Math.max(...bytes) }), slowestPlatformSeconds: Math.max(0, ...builds.map((build) => build.seconds)) }
}

async function keepLogs({ blobs }: StageContext, builds: readonly PlatformBuild[]): Promise<File[]> {
  return Promise.all(
    builds.map(async ({ platform, log }) => {
      const content = Buffer.from(log)
      return {
        role: 'log',
        name: `build-${platform.replaceAll('/', '-')}.log`,
        digest: await blobs.put(content),
        bytes: content.length,
        mediaType: 'text/plain',
      }
    }),
  )
}

function detailsOf(
  { repository, builder, model, bases }: BuildStageRequest,
  builds: readonly PlatformBuild[],
  index: Digest | undefined,
  wrong: ReadonlySet<string>,
): BuildDetails {
  return {
    kind: 'build',
    repository,
    ...(index && { index }),
    builder: builder.kind,
    ...(model && { model: model.digest }),
    platforms: builds.map(({ platform, result, seconds }) => ({
      platform,
      outcome: result.kind === 'built' && !wrong.has(platform) ? ('passed' as const) : ('failed' as const),
      ...(result.kind === 'built' && { digest: result.digest, bytes: result.bytes }),
      seconds,
      emulated: result.emulated,
      steps: [...result.steps],
    })),
    bases: bases.map((base) => ({ ...base })),
  }
}
