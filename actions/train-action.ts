import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatasetFetcher } from '../adapters/dataset/dataset-fetcher.ts'
import { trainScript } from '../pipeline/stage-scripts/train-script.ts'
import type { TrainingJob } from '../pipeline/train/training-job.ts'
import { DockerTrainer } from '../adapters/docker-trainer/docker-trainer.ts'
import type { TRAIN } from './definitions.ts'
import { openJob, outFolder } from './job.ts'
import { jobLab } from './job-lab.ts'
import { openJobStaging } from './job-staging.ts'
import { openLargeFiles } from './large-files.ts'
import { EXIT } from '../pipeline/exit-code.ts'
import { type ActionCall, type ActionResult } from './run-action.ts'
import { runStageAction } from './stage-action.ts'
import { folderInWorkspace, stateFolderOf } from './workspace.ts'

/** What travels with the checkpoints: how many attempts have been made. */
const ATTEMPTS_FILE = 'attempts'
const FILES_FOLDER = 'files'

/** The action `train`: the training container, and the gates of what it measured. */
export async function runTrainAction(call: ActionCall<typeof TRAIN>): Promise<ActionResult<typeof TRAIN>> {
  const { inputs, environment } = call
  const job = await openJob(call, await openLargeFiles(inputs['large-files']))
  const checkpoints = outFolder(environment, 'checkpoints')
  const training = await trainingJob(call, checkpoints)
  await using staging = await openJobStaging(job, { imports: false, staging: 'archive' })
  await using lab = jobLab(staging, { cache: false })
  const finished = await runStageAction(job, {
    stage: 'train',
    name: 'train',
    script: trainScript,
    ports: {
      openBuilder: async () => (await lab.open()).builder,
      openTrainer: async () => new DockerTrainer((await lab.open()).docker, { label: job.runId, credentials: job.findCredentials }),
      openStaging: staging.root,
      datasets: new DatasetFetcher({ cacheFolder: join(stateFolderOf(environment), 'datasets') }),
    },
    force: inputs.force,
    training,
    reuses: false,
  })
  const { details } = finished.record
  const trained = details.kind === 'train' ? details : undefined
  const resumable = trained?.resumable === true && training.jobsLeft > 0
  if (resumable) await writeFile(join(checkpoints, ATTEMPTS_FILE), `${trained.attempts}\n`)
  return {
    outputs: {
      ...finished.outputs,
      resumable: String(resumable),
      ...(trained?.model && { model: trained.model.digest }),
      ...(resumable && { checkpoints }),
    },
    // Another job goes on: this one has done its part.
    exitCode: resumable ? EXIT.passed : finished.exitCode,
  }
}

async function trainingJob({ inputs, environment }: ActionCall<typeof TRAIN>, checkpoints: string): Promise<TrainingJob> {
  const { 'attempts-left': jobsLeft = 0, checkpoints: given } = inputs
  const restored = given === undefined ? undefined : await folderInWorkspace([environment.workspace, environment.temporary], given, 'checkpoints')
  return {
    keep: join(checkpoints, FILES_FOLDER),
    jobsLeft,
    attemptsBefore: restored === undefined ? 0 : await readAttempts(join(restored, ATTEMPTS_FILE)),
    ...(restored !== undefined && { restore: join(restored, FILES_FOLDER) }),
    ...(environment.deadline !== undefined && { deadline: environment.deadline }),
    ...(environment.runId !== '' && { runName: `github-${environment.runId}` }),
  }
}

async function readAttempts(file: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return /^\d{1,3}\n?$/.test(text) ? Number(text) : 0
}
