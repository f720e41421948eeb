import { posix } from 'node:path'
import { baseImages, resolveBases, type ResolvedBase } from '../build/base-images.ts'
import { readBuildContext, type ContextReading } from '../build/build-context.ts'
import { buildContextImage } from '../build/context-image.ts'
import type { Json } from '../digest.ts'
import type { Pipeline, Training } from '../pipeline.ts'
import type { RunState, StageScript } from '../run.ts'
import type { StageContext } from '../stage.ts'
import { trainInputs } from '../train/train-inputs.ts'
import { runTrain, type TrainingImage } from '../train/train.ts'
import { required } from './run-results.ts'
import { stagingRepository, type StageOptions, type StagePorts } from './stage-ports.ts'
import { gatesScript } from './gates-script.ts'

/** The stage `train`, bound to its inputs, its ports and its gates. */
export function trainScript(options: StageOptions, ports: StagePorts): StageScript {
  return {
    stage: 'train',
    prepare: async () => void (await ports.openTrainer()),
    async inputs({ tree, pipeline }) {
      if (pipeline?.training === undefined) return undefined
      const image = await trainingImageInputs(tree, pipeline.training, options, ports)
      return image && trainInputs({ image, training: pipeline.training, platform: options.nativePlatform, entries: await tree.entries() })
    },
    async run({ pipeline }, context) {
      const training = required(pipeline?.training, 'training')
      return runTrain(context, {
        training,
        trainer: await ports.openTrainer(),
        datasets: ports.datasets,
        folders: ports.folders,
        platform: options.nativePlatform,
        runId: options.runId,
        ...(options.training && { job: options.training }),
        buildImage: async () => buildTrainingImage(context, required(pipeline, 'pipeline'), training, options, ports),
        placeOf: options.reading.placeOf,
      })
    },
    judge: gatesScript(options, ports).judge,
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
    repository: `${await stagingRepository(pipeline, ports)}/train`,
    builder: await ports.openBuilder(),
    folder: `${context.workFolder}/image`,
  })
  return image.kind === 'refused' ? image : { kind: 'ready', reference: image.reference, standIns: standInsOf(bases) }
}

function standInsOf(bases: readonly ResolvedBase[]): readonly string[] {
  return bases.filter(({ standIn }) => standIn).map(({ image }) => image)
}
