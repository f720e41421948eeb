import { posix } from 'node:path'
import type { BuildDetails, File, Model, StageRecord, TrainDetails } from '../schemas/generated/types.ts'
import { baseImages, resolveBases, type BaseLookup, type ResolvedBase } from './build/base-images.ts'
import { readBuildContext, type ContextReading } from './build/build-context.ts'
import { buildInputs } from './build/build-inputs.ts'
import { joinParts, readPluginContext, runBuild } from './build/build.ts'
import { buildContextImage } from './build/context-image.ts'
import { fetchModel, keptModel } from './build/fetch-model.ts'
import type { Json } from './digest.ts'
import type { Pipeline, Training } from './pipeline.ts'
import type { Catalogue } from './ports/catalogue.ts'
import type { Datasets } from './ports/datasets.ts'
import type { ImageBuilder } from './ports/image-builder.ts'
import type { Registry } from './ports/registry.ts'
import type { Testbed } from './ports/testbed.ts'
import type { Trainer } from './ports/trainer.ts'
import type { UntrustedFolders } from './ports/untrusted-folder.ts'
import { hasErrors } from './problem.ts'
import { claimsName, publishedRepository, publishInputs } from './publish/publish-inputs.ts'
import { runPublish } from './publish/publish.ts'
import type { RunState, StageScript } from './run.ts'
import type { StageContext, StageName, StageResult } from './stage.ts'
import { decideGates, gateProblems, type GateDecision } from './train/gates.ts'
import { trainInputs } from './train/train-inputs.ts'
import { runTrain, type TrainingImage } from './train/train.ts'
import { runValidate, validateInputs, type PipelineReading } from './validate/validate.ts'
import { runVirtual, virtualInputs, type FinishedTrial } from './virtual/virtual.ts'

/** What only a stage that runs needs; opening it may install and start things. */
export interface Lab {
  readonly builder: ImageBuilder
  readonly trainer: Trainer
  readonly testbed: Testbed
  /** Registry host and prefix below which images wait that have passed no test yet, for instance `127.0.0.1:5055/staging/local`. */
  readonly staging: string
}

/** How the stage `build` is done: at once, one platform in a job of its own, or such parts joined. */
export type BuildMode = { readonly kind: 'whole' } | { readonly kind: 'part' } | { readonly kind: 'join'; readonly parts: readonly StageRecord[] }

/** Details of a part of a build that came to nothing. */
export const EMPTY_PART: BuildDetails = { kind: 'build', part: true, repository: '', platforms: [] }

export interface StagePorts {
  readonly openLab: () => Promise<Lab>
  /** Of the testbed that the lab will have; part of the key of `virtual`. */
  readonly testbedVersion: string
  readonly registry: Registry
  /** Host, and namespace where there is one, of what is published: `127.0.0.1:5055`, `ghcr.io/sage`. */
  readonly registryRoot: string
  readonly lookUpBase: BaseLookup
  readonly datasets: Datasets
  readonly folders: UntrustedFolders
  readonly catalogue: Catalogue
}

export interface StageOptions {
  /** Manifest and pipeline file, read in every run. */
  readonly reading: PipelineReading
  /** Of this machine: training and the first trials run on it. */
  readonly nativePlatform: string
  /** Only these; undefined: all that the manifest lists. */
  readonly platforms: readonly string[] | undefined
  /** `--release`. */
  readonly release: boolean
  readonly runId: string
  /** Absent: `whole`. */
  readonly build?: BuildMode
  /** Told what each trial published, which the record holds only as files. */
  readonly onTrials?: (trials: readonly FinishedTrial[]) => void
}

/** Binds each stage to its inputs, its ports and its gates. */
export function makeStageScripts(options: StageOptions, ports: StagePorts): readonly StageScript[] {
  return [validateScript(options), trainScript(options, ports), buildScript(options, ports), virtualScript(options, ports), publishScript(options, ports)]
}

/** The gates of a run's training record, decided now; empty without one. */
export async function decideRunGates(
  { pipeline, record }: { readonly pipeline: Pipeline | undefined; readonly record: StageRecord | undefined },
  catalogue: Catalogue,
): Promise<readonly GateDecision[]> {
  if (pipeline?.training === undefined || record?.details.kind !== 'train') return []
  const baseline = await catalogue.newestRelease(nameOf(pipeline))
  return decideGates(pipeline.training.gates, record.details, baseline)
}

/** `namespace/name`. */
export function nameOf({ manifest }: Pipeline): string {
  return `${manifest.namespace}/${manifest.name}`
}

/** The platforms of a run, in the manifest's order. */
export function platformsOf({ manifest }: Pipeline, wanted: readonly string[] | undefined): readonly string[] {
  return wanted ?? manifest.platforms
}

function validateScript({ reading }: StageOptions): StageScript {
  return { stage: 'validate', inputs: async () => validateInputs(reading), run: async (_run, context) => runValidate(context, reading) }
}

function trainScript(options: StageOptions, ports: StagePorts): StageScript {
  return {
    stage: 'train',
    prepare: async () => void (await ports.openLab()),
    async inputs({ tree, pipeline }) {
      if (pipeline?.training === undefined) return undefined
      const image = await trainingImageInputs(tree, pipeline.training, options, ports)
      return image && trainInputs({ image, training: pipeline.training, platform: options.nativePlatform, entries: await tree.entries() })
    },
    async run({ pipeline }, context) {
      const training = required(pipeline?.training, 'training')
      const lab = await ports.openLab()
      return runTrain(context, {
        training,
        trainer: lab.trainer,
        datasets: ports.datasets,
        folders: ports.folders,
        platform: options.nativePlatform,
        runId: options.runId,
        buildImage: async () => buildTrainingImage(context, required(pipeline, 'pipeline'), training, lab, options, ports),
        placeOf: options.reading.placeOf,
      })
    },
    async judge({ pipeline }, record) {
      const decisions = await decideRunGates({ pipeline, record }, ports.catalogue)
      return gateProblems(decisions, (index) => options.reading.placeOf(['training', 'gates', index]))
    },
  }
}

/** What the training image is made of, for the key: its build's inputs, or the digest of the image that is named. */
async function trainingImageInputs(tree: RunState['tree'], { source }: Training, options: StageOptions, ports: StagePorts): Promise<Json | undefined> {
  if (source.kind === 'image') {
    const [base] = await resolveBases([source.reference], ports.lookUpBase)
    return [source.reference, base?.digest ?? null]
  }
  const reading = await readTrainingContext(tree, source.path)
  if (reading.kind === 'refused') return undefined
  const { files, dockerfileText } = reading.context
  const bases = await resolveBases(baseImages(dockerfileText, {}, [options.nativePlatform]), ports.lookUpBase)
  return {
    dockerfile: dockerfileText,
    files: files.map(({ mode, blob, path }) => [mode, blob, path]),
    bases: bases.map(({ image, digest }) => [image, digest ?? null]),
  }
}

async function readTrainingContext(tree: RunState['tree'], dockerfile: string): Promise<ContextReading> {
  return readBuildContext(tree, { directory: posix.dirname(dockerfile), dockerfile: posix.basename(dockerfile), declaredIn: 'ctss.yaml' })
}

async function buildTrainingImage(
  context: StageContext,
  pipeline: Pipeline,
  { source }: Training,
  lab: Lab,
  options: StageOptions,
  ports: StagePorts,
): Promise<TrainingImage> {
  if (source.kind === 'image') {
    const [base] = await resolveBases([source.reference], ports.lookUpBase)
    const reference = base?.digest === undefined || source.reference.includes('@') ? source.reference : `${source.reference}@${base.digest}`
    return { kind: 'ready', reference, ...(base?.standIn && { standIns: [base.image] }) }
  }
  const reading = await readTrainingContext(context.tree, source.path)
  const bases = reading.kind === 'read' ? await resolveBases(baseImages(reading.context.dockerfileText, {}, [options.nativePlatform]), ports.lookUpBase) : []
  const image = await buildContextImage(context, {
    directory: posix.dirname(source.path),
    dockerfile: posix.basename(source.path),
    declaredIn: 'ctss.yaml',
    buildArgs: {},
    platform: options.nativePlatform,
    repository: `${stagingRepository(pipeline, lab)}/train`,
    builder: lab.builder,
    folder: `${context.workFolder}/image`,
  })
  return image.kind === 'refused' ? image : { kind: 'ready', reference: image.reference, standIns: standInsOf(bases) }
}

function buildScript(options: StageOptions, ports: StagePorts): StageScript {
  return {
    stage: 'build',
    prepare: async () => void (await ports.openLab()),
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
      const lab = await ports.openLab()
      const reading = await readPluginContext(context.tree, pipeline, model)
      const bases = reading.kind === 'read' ? await basesOf(reading.context.dockerfileText, pipeline, platforms, ports) : []
      const result = await runBuild(context, {
        pipeline,
        platforms,
        builder: lab.builder,
        registry: ports.registry,
        repository: stagingRepository(pipeline, lab),
        model,
        bases,
        join: options.build?.kind !== 'part',
      })
      // A model that was trained is in the record of `train`; one that was fetched has no other record than this.
      return pipeline.model?.source.kind === 'uri' ? { ...result, files: [...result.files, ...modelFiles(model)] } : result
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
  const repository = stagingRepository(pipeline, await ports.openLab())
  return joinParts(context, { pipeline, platforms, parts, registry: ports.registry, repository, model })
}

async function basesOf(dockerfileText: string, { manifest }: Pipeline, platforms: readonly string[], ports: StagePorts): Promise<readonly ResolvedBase[]> {
  return resolveBases(baseImages(dockerfileText, manifest.buildArgs, platforms), ports.lookUpBase)
}

function virtualScript(options: StageOptions, ports: StagePorts): StageScript {
  return {
    stage: 'virtual',
    prepare: async () => void (await ports.openLab()),
    usable: (run) => builtPlatforms(run).length > 0,
    async inputs(run) {
      const build = buildDetails(run)
      if (run.pipeline === undefined || build === undefined) return undefined
      return virtualInputs({ pipeline: run.pipeline, build, testbedVersion: ports.testbedVersion, entries: await run.tree.entries() })
    },
    async run(run, context) {
      const { testbed } = await ports.openLab()
      const { result, trials } = await runVirtual(context, {
        pipeline: required(run.pipeline, 'pipeline'),
        build: required(buildDetails(run), 'build'),
        nativePlatform: options.nativePlatform,
        testbed,
      })
      options.onTrials?.(trials)
      return result
    },
  }
}

function publishScript(options: StageOptions, ports: StagePorts): StageScript {
  return {
    stage: 'publish',
    // The registry may have to be started before anything is promoted in it.
    prepare: async () => void (await ports.openLab()),
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

/** Images that have passed no test yet lie under a prefix per trust class; what runs on a person's own machine is that person's. */
function stagingRepository({ manifest }: Pipeline, { staging }: Lab): string {
  return `${staging}/${manifest.namespace}/${manifest.name}`.toLowerCase()
}

type Summaries = Pick<RunState, 'summaries'>

/** The record of a stage, this run's gates applied to its outcome. */
function recordOf({ summaries }: Summaries, stage: StageName): StageRecord | undefined {
  const summary = summaries.find((candidate) => candidate.stage === stage)
  return summary?.record && { ...summary.record, outcome: hasErrors(summary.problems) ? 'failed' : summary.record.outcome }
}

function trainDetails(run: Summaries): TrainDetails | undefined {
  const details = recordOf(run, 'train')?.details
  return details?.kind === 'train' ? details : undefined
}

function trainedModel(run: Summaries & Pick<RunState, 'pipeline'>): Model | undefined {
  return run.pipeline?.model?.source.kind === 'train' ? trainDetails(run)?.model : undefined
}

function buildDetails(run: Summaries): BuildDetails | undefined {
  const details = recordOf(run, 'build')?.details
  return details?.kind === 'build' ? details : undefined
}

function builtPlatforms(run: Summaries): BuildDetails['platforms'] {
  return buildDetails(run)?.platforms.filter(({ outcome, digest }) => outcome === 'passed' && digest !== undefined) ?? []
}

function modelFiles(model: Model | undefined): readonly File[] {
  return (model?.files ?? []).map(({ path, digest, bytes }) => ({ role: 'model', name: path, digest, bytes, mediaType: 'application/octet-stream' }))
}

function standInsOf(bases: readonly ResolvedBase[]): readonly string[] {
  return bases.filter(({ standIn }) => standIn).map(({ image }) => image)
}

/** The planner lets a stage run only when its inputs are there. */
function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new TypeError(`a stage was started without its ${name}`)
  return value
}
