import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { copyCheckpoints } from '../../../../adapters/docker-trainer/checkpoint-files.ts'
import { FolderReader } from '../../../../adapters/untrusted-folder/folder-reader.ts'
import { digestOf } from '../../../../pipeline/digest.ts'
import type { Training } from '../../../../pipeline/pipeline.ts'
import type { Clock } from '../../../../pipeline/ports/clock.ts'
import type { DatasetAnswer } from '../../../../pipeline/ports/datasets.ts'
import type { Trainer, TrainingObservation, TrainingRequest } from '../../../../pipeline/ports/trainer.ts'
import { runTrain, type TrainingImage } from '../../../../pipeline/train/train.ts'
import type { TrainingJob } from '../../../../pipeline/train/training-job.ts'
import type { TrainDetails } from '../../../../schemas/generated/types.ts'
import { makeTraining } from '../../../support/pipeline.ts'
import { makeStageContext } from '../../../support/train-stage.ts'

export type Files = Readonly<Record<string, string | Buffer>>

/** What one attempt of the scripted container does. */
export interface Attempt {
  readonly files?: Files
  readonly checkpoint?: string
  readonly metrics?: readonly string[]
  readonly observation?: Partial<TrainingObservation>
  /** More than plain files. */
  readonly act?: (request: TrainingRequest) => Promise<void> | void
}

export interface Scripted {
  readonly training?: Partial<Training>
  readonly image?: TrainingImage
  readonly answers?: Readonly<Record<string, DatasetAnswer>>
  readonly job?: TrainingJob
  readonly clock?: Clock
  readonly trainer?: Partial<Trainer>
}

export const EXITED: TrainingObservation = { exitCode: 0, ending: 'exited', seconds: 1, log: 'epoch 1\n', cpuSeconds: null, memoryPeakBytes: null }

export async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}

/** Runs the stage `train` in a folder, with a container that does in its nth attempt what the nth entry says. */
export async function trainScripted(folder: string, attempts: readonly Attempt[], options: Scripted = {}) {
  const { training = {}, image = { kind: 'ready', reference: 'image@sha256:1' }, answers = {}, job, clock } = options
  const context = makeStageContext(folder, clock && { clock })
  const requests: TrainingRequest[] = []
  const calls: string[] = []
  const trainer: Trainer = {
    engine: 'docker',
    requireGpu() {
      calls.push('gpu')
      return Promise.resolve([])
    },
    restoreCheckpoints: copyCheckpoints,
    async train(request) {
      const attempt = attempts[requests.length]!
      requests.push(request)
      await mkdir(join(request.results, 'model'), { recursive: true })
      await mkdir(join(request.results, 'output'), { recursive: true })
      for (const [path, content] of Object.entries(attempt.files ?? {})) await write(join(request.results, path), content)
      if (attempt.checkpoint !== undefined) await write(join(request.checkpoints, 'last'), attempt.checkpoint)
      for (const text of attempt.metrics ?? []) request.onMetrics?.(text)
      await attempt.act?.(request)
      return { ...EXITED, ...attempt.observation }
    },
    ...options.trainer,
  }
  const result = await runTrain(context, {
    training: makeTraining(training),
    platform: 'linux/amd64',
    runId: 'run-1',
    ...(job && { job }),
    folders: new FolderReader(),
    buildImage() {
      calls.push('image')
      return Promise.resolve(image)
    },
    datasets: {
      fetch({ dataset }) {
        calls.push('data')
        return Promise.resolve(answers[dataset.name] ?? { kind: 'verified', folder: `/data/${dataset.name}`, digest: digestOf(dataset.name) })
      },
    },
    trainer,
    placeOf: (path) => (path[3] === 'sha256' ? { file: 'ctss.yaml', line: Number(path[2]) + 1 } : undefined),
  })
  return {
    result,
    details: result.details as TrainDetails,
    requests,
    /** What was asked for before the training, in order. */
    calls,
    context,
    codes: result.problems.map(({ code }) => code),
    messages: result.problems.map(({ message }) => message).join('\n'),
  }
}
