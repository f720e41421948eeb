import type { BuildDetails, File, Model, StageRecord } from '../../schemas/generated/types.ts'
import { asDigest, digestOf } from '../digest.ts'
import type { Digest } from '../digest.ts'
import { Failure } from '../failure.ts'
import type { Pipeline } from '../pipeline.ts'
import type { ImageBuilder } from '../ports/image-builder.ts'
import type { Descriptor, Registry } from '../ports/registry.ts'
import { error, hasErrors, warning } from '../problem.ts'
import type { Problem } from '../problem.ts'
import type { StageContext, StageResult } from '../stage.ts'
import { baseImages } from './base-images.ts'
import type { ResolvedBase } from './base-images.ts'
import { copiesModel, join, readBuildContext, writeBuildContext } from './build-context.ts'
import type { BuildContext, ContextReading } from './build-context.ts'
import { imageLabels } from './image-labels.ts'
import { joinIndex, verifyImage } from './image-index.ts'
import { buildPlatforms, builtDigest, platformProblems } from './platform-builds.ts'
import type { PlatformBuild } from './platform-builds.ts'
import { locateSteps } from './slow-dockerfile.ts'

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
 * A platform that is refused leaves the others' results, and no index. With `join: false` the images stay as they are: a part of the build, which `joinParts` takes.
 * Fails as builder and registry do.
 */
export async function runBuild(context: StageContext, request: BuildStageRequest & { readonly join?: boolean }): Promise<StageResult> {
  const { pipeline, builder, repository, registry, platforms, model, join: joins = true } = request
  const reading = await readPluginContext(context.tree, pipeline, model)
  if (reading.kind === 'refused') return refuse(request, reading.problems)
  // A registry that is down shall not come out after an hour of building. Nothing has this digest; that of no bytes would be an empty file's.
  await registry.manifest(`${repository}@${digestOf('is anybody there?')}`)
  context.progress.step('writing the build context')
  const written = await writeBuildContext(context, reading.context, context.workFolder)
  const labels = imageLabels(pipeline.manifest, context.subject)
  const builds = await buildPlatforms(context, builder, platforms, { ...written, buildArgs: pipeline.manifest.buildArgs, labels, repository })
  return finishBuild(context, { ...request, builder: builder.kind, join: joins }, reading.context, builds, await keepLogs(context, builds))
}

/** What `joinParts` needs; it builds nothing. */
export type JoinRequest = Omit<BuildStageRequest, 'builder' | 'bases'> & {
  /** Records of single platforms, as `runBuild` leaves them with `join: false`. */
  readonly parts: readonly StageRecord[]
}

/**
 * The rest of the stage `build`, where each platform was built in a job of its own: the images read back and joined, in the order of `platforms`.
 * The result is the same as of a build in one piece. A platform without a part is a `Failure` `interrupted`: its job was lost.
 */
export async function joinParts(context: StageContext, request: JoinRequest): Promise<StageResult> {
  const { pipeline, platforms, parts, model } = request
  const refusal = parts.find(({ details }) => details.kind !== 'build' || details.platforms.length === 0)
  if (refusal !== undefined) {
    const { outcome, problems, metrics, reason } = refusal
    // A part that came to nothing has no repository, and says only that it is a part.
    const details = refusal.details.kind === 'build' && refusal.details.repository !== '' ? withoutPart(refusal.details) : ({ kind: 'none' } as const)
    if (outcome !== 'failed') throw new Failure('interrupted', `the build for one platform did not come to its end: ${reason ?? outcome}`)
    return { outcome, problems, metrics, files: logsOf(refusal), details }
  }
  const found = platforms.flatMap((platform) => parts.flatMap((part) => readPart(part, platform)).slice(0, 1))
  const missing = platforms.filter((platform) => found.every(({ build }) => build.platform !== platform))
  if (missing.length > 0)
    throw new Failure('interrupted', `the build for ${missing.join(', ')} left no record: its job did not come to its end`, {
      suggestion: 'Look at the log of that job, and run it again: what the others built stays.',
    })
  const reading = await readPluginContext(context.tree, pipeline, model)
  if (reading.kind === 'refused')
    throw new Failure('interrupted', `the repository is not the one that was built: ${reading.problems[0]?.message ?? 'no context'}`)
  const builder = found[0]?.details.builder ?? 'engine'
  // Each part knows the base images of its own platform: they come back in the order of the Dockerfile.
  const order = baseImages(reading.context.dockerfileText, pipeline.manifest.buildArgs, platforms)
  const bases = new Map(found.flatMap(({ details }) => (details.bases ?? []).map((base) => [base.image, readBase(base)])))
  const ordered = [...bases.values()].toSorted((a, b) => order.indexOf(a.image) - order.indexOf(b.image))
  const builds = found.map(({ build }) => build)
  return finishBuild(context, { ...request, builder, bases: ordered, join: true }, reading.context, builds, found.flatMap(logsOf))
}

/** A part also names the files of a model that was fetched for it, which `runBuild` knows nothing of. */
function logsOf({ files }: Pick<StageRecord, 'files'>): readonly File[] {
  return files.filter(({ role }) => role === 'log')
}

function withoutPart(details: BuildDetails): BuildDetails {
  const { part: _, ...whole } = details
  return whole
}

/** A base image as a record tells it. */
function readBase({ image, digest, standIn }: NonNullable<BuildDetails['bases']>[number]): ResolvedBase {
  return { image, ...(digest !== undefined && { digest: asDigest(digest) }), standIn: standIn ?? false }
}

/** One platform's build as its own record tells it. */
function readPart({ details, problems, files }: StageRecord, platform: string): { build: PlatformBuild; files: File[]; details: BuildDetails }[] {
  const own = details.kind === 'build' ? details.platforms.find((candidate) => candidate.platform === platform) : undefined
  if (details.kind !== 'build' || own === undefined) return []
  const { digest, bytes = 0, seconds, steps, emulated } = own
  // An image that is not what it should be has a digest, and is found out again.
  if (digest !== undefined)
    return [{ build: { platform, seconds, log: '', result: { kind: 'built', digest: asDigest(digest), bytes, steps, emulated } }, files, details }]
  const problem = problems.find(({ severity }) => severity === 'error') ?? error('build-failed', `the build for ${platform} failed and does not say why`)
  return [{ build: { platform, seconds, log: '', result: { kind: 'refused', problem, steps, emulated } }, files, details }]
}

type FinishRequest = Pick<BuildStageRequest, 'registry' | 'repository' | 'model' | 'bases' | 'pipeline'> & {
  readonly builder: ImageBuilder['kind']
  readonly join: boolean
}

async function finishBuild(
  context: StageContext,
  request: FinishRequest,
  buildContext: BuildContext,
  builds: readonly PlatformBuild[],
  files: readonly File[],
): Promise<StageResult> {
  const { registry, repository } = request
  if (request.join) context.progress.step('joining the images to one index')
  const verified = await verifyBuilds(registry, repository, builds, buildContext)
  const explained = builds.map((build) => explainRefusal(build, buildContext))
  const problems = [...platformProblems(explained, () => buildContext.dockerfile), ...verified.problems, ...modelWarnings(buildContext)]
  const failed = hasErrors(problems)
  const labels = imageLabels(request.pipeline.manifest, context.subject)
  const index = request.join && !failed ? await joinIndex(registry, repository, verified.descriptors, labels) : undefined
  return {
    outcome: failed ? 'failed' : 'passed',
    problems,
    metrics: metricsOf(builds),
    files,
    details: detailsOf(request, buildContext, builds, index, new Set(verified.wrong)),
    standIns: request.bases.filter((base) => base.standIn).map((base) => base.image),
  }
}

function refuse(
  { repository, builder, bases, join: joins = true }: BuildStageRequest & { readonly join?: boolean },
  problems: readonly Problem[],
): StageResult {
  return {
    outcome: 'failed',
    problems,
    metrics: {},
    files: [],
    details: { kind: 'build', ...(!joins && { part: true }), repository, builder: builder.kind, platforms: [], bases: bases.map((base) => ({ ...base })) },
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

/** Of each platform by itself, before the same of several is said once: a part of a build has been explained already. */
function explainRefusal(build: PlatformBuild, buildContext: BuildContext): PlatformBuild {
  const { result } = build
  return result.kind === 'refused' ? { ...build, result: { ...result, problem: explainIgnored(result.problem, buildContext) } } : build
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
  { repository, builder, model, bases, join: joins }: FinishRequest,
  { dockerfileText }: BuildContext,
  builds: readonly PlatformBuild[],
  index: Digest | undefined,
  wrong: ReadonlySet<string>,
): BuildDetails {
  return {
    kind: 'build',
    ...(!joins && { part: true }),
    repository,
    ...(index && { index }),
    builder,
    ...(model && { model: model.digest }),
    platforms: builds.map(({ platform, result, seconds }) => ({
      platform,
      outcome: result.kind === 'built' && !wrong.has(platform) ? ('passed' as const) : ('failed' as const),
      ...(result.kind === 'built' && { digest: result.digest, bytes: result.bytes }),
      seconds,
      emulated: result.emulated,
      steps: locateSteps(result.steps, dockerfileText, platform),
    })),
    bases: bases.map((base) => ({ ...base })),
  }
}
