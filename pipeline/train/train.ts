import type { File, TrainDetails } from '../../schemas/generated/types.ts'
import { Failure } from '../failure.ts'
import type { Training } from '../pipeline.ts'
import type { Datasets } from '../ports/datasets.ts'
import type { Trainer, TrainingRequest } from '../ports/trainer.ts'
import type { UntrustedFolders } from '../ports/untrusted-folder.ts'
import { error, hasErrors, warning, type Place, type Problem } from '../problem.ts'
import type { StageContext, StageResult } from '../stage.ts'
import { RESUMABLE, trainWithAttempts, type Attempts } from './attempts.ts'
import { surveyCheckpoints } from './checkpoints.ts'
import { requireTime, type TrainingJob } from './training-job.ts'
import { collectResults } from './training-results.ts'

/** What of output/failure is shown; SageMaker's limit. */
const FAILURE_CHARACTERS = 1024
const LOG_SHOWN_CHARACTERS = 4096

/** The training image, by digest; or why there is none. */
export type TrainingImage =
  | { readonly kind: 'ready'; readonly reference: string; readonly standIns?: readonly string[] }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

export interface TrainRequest {
  readonly training: Training
  readonly platform: string
  /** Names the run in the container's environment. */
  readonly runId: string
  /** Builds or finds the training image; only called once all data are verified. */
  readonly buildImage: () => Promise<TrainingImage>
  readonly trainer: Trainer
  readonly datasets: Datasets
  readonly folders: UntrustedFolders
  /** Absent: the training has this machine, and has to end on it. */
  readonly job?: TrainingJob
  /** Where a value stands in ctss.yaml, for instance `['training', 'datasets', 0, 'sha256']`. */
  readonly placeOf?: (path: readonly (string | number)[]) => Place | undefined
}

type VerifiedDataset = TrainingRequest['datasets'][number]

/**
 * The stage `train`: verifies the data, then trains in a container by docs/training-contract.md, again from its checkpoints where it asks for that,
 * and keeps model, figures, tests, metrics and log. A training or results that break the contract are problems; so is one that is not finished when
 * its job has to end, and the record then says `resumable`. Gates are not decided here (`decideGates`). Fails as its ports do, and with
 * `trainer-unavailable` when this machine cannot train this, or has no time left.
 */
export async function runTrain(context: StageContext, request: TrainRequest): Promise<StageResult> {
  const gpus = await requireMachine(context, request)
  const refused = await refuseCheckpoints(request)
  if (refused) return refuse([refused])
  const data = await verifyDatasets(context, request)
  if (data.problems.length > 0) return refuse(data.problems)
  const image = await request.buildImage()
  if (image.kind === 'refused') return refuse(image.problems)
  const attempts = await trainWithAttempts(context, { ...request, image: image.reference, datasets: data.verified })
  const wrong = await describeEnding(request, attempts)
  const results =
    wrong === undefined
      ? await collectResults(attempts.results, request.training.limits.diskBytes, { folders: request.folders, blobs: context.blobs })
      : undefined
  const problems = [...(wrong === undefined ? (results?.problems ?? []) : [wrong]), ...describeMetrics(attempts)]
  const count = (request.job?.attemptsBefore ?? 0) + attempts.count
  const details: TrainDetails = {
    kind: 'train',
    image: image.reference,
    attempts: count,
    exitCode: attempts.last.exitCode,
    seed: request.training.seed,
    metrics: results?.metrics ?? [],
    slices: results?.slices ?? [],
    tests: results?.tests ?? [],
    ...(results?.model && { model: results.model }),
    ...(attempts.end.kind === 'resumable' && { resumable: true }),
    ...(gpus.length > 0 && { gpus: [...gpus] }),
    datasets: data.verified.map(({ name, digest, uri, license }) => ({ name, digest, uri, ...(license !== undefined && { license }) })),
  }
  return {
    outcome: hasErrors(problems) ? 'failed' : 'passed',
    problems,
    metrics: figures(attempts, count),
    files: [...(results?.files ?? []), ...(await keepTexts(context, attempts))],
    details,
    ...(image.standIns && { standIns: image.standIns }),
  }
}

function refuse(problems: readonly Problem[]): StageResult {
  return { outcome: 'failed', problems, metrics: {}, files: [], details: { kind: 'none' } }
}

/** The models of the GPUs that a training asks for, where they are known. Nothing is fetched or built for a machine that cannot train. */
async function requireMachine({ clock }: StageContext, { training, trainer, job }: TrainRequest): Promise<readonly string[]> {
  if (training.engine !== trainer.engine)
    throw new Failure('trainer-unavailable', `training.engine is ${training.engine}, and this machine trains with ${trainer.engine}`, {
      suggestion: `set training.engine to ${trainer.engine}, or leave it out`,
    })
  requireTime(job, clock.now())
  return training.gpu === false ? [] : trainer.requireGpu(training.gpu)
}

/** What an earlier job has left is a stranger's: links and devices are not followed, and too much is not copied. */
async function refuseCheckpoints({ training, folders, job }: TrainRequest): Promise<Problem | undefined> {
  if (job?.restore === undefined) return undefined
  const { unfit } = await surveyCheckpoints(folders, job.restore, training.limits.diskBytes)
  return unfit === undefined
    ? undefined
    : error('checkpoints-refused', `the training cannot go on from the checkpoints that it was given: ${unfit}`, {
        suggestion: 'give it the folder that an earlier job has left, as it was; or none, to begin anew',
      })
}

async function verifyDatasets(
  context: StageContext,
  { training, datasets, placeOf }: TrainRequest,
): Promise<{ verified: VerifiedDataset[]; problems: Problem[] }> {
  const verified: VerifiedDataset[] = []
  const problems: Problem[] = []
  for (const [index, dataset] of training.datasets.entries()) {
    context.progress.step(`verifying data set ${dataset.name}`)
    const uri = placeOf?.(['training', 'datasets', index, 'uri'])
    const sha256 = placeOf?.(['training', 'datasets', index, 'sha256'])
    const places = { ...(uri && { uri }), ...(sha256 && { sha256 }) }
    const answer = await datasets.fetch(
      { dataset, tree: context.tree, scratch: `${context.workFolder}/data/${dataset.name}`, places },
      context.progress,
      context.signal,
    )
    if (answer.kind === 'refused') problems.push(answer.problem)
    else
      verified.push({
        name: dataset.name,
        folder: answer.folder,
        digest: answer.digest,
        uri: dataset.uri,
        ...(dataset.license !== undefined && { license: dataset.license }),
      })
  }
  return { verified, problems }
}

/** The end of the log, and what the training said of itself while it ran. */
async function keepTexts({ blobs }: StageContext, { last, metrics }: Attempts): Promise<readonly File[]> {
  const keep = async (role: string, name: string, mediaType: string, content: Buffer): Promise<File> => {
    return { role, name, digest: await blobs.put(content), bytes: content.length, mediaType }
  }
  const points = metrics.document()
  return [
    await keep('log', 'train.log', 'text/plain', Buffer.from(last.log)),
    ...(points === undefined ? [] : [await keep('metrics', 'metrics.ndjson', 'application/x-ndjson', points)]),
  ]
}

function describeMetrics({ metrics: { ignored } }: Attempts): readonly Problem[] {
  if (ignored === 0) return []
  const what = ignored === 1 ? '1 line of /opt/ml/output/metrics.ndjson was' : `${ignored} lines of /opt/ml/output/metrics.ndjson were`
  return [
    warning('training-metrics-ignored', `${what} not read`, {
      suggestion: 'a line is an object such as {"metric": "loss", "step": 12, "value": 0.3}, for 20 metrics at most',
    }),
  ]
}

/** Undefined: the training ended well. */
async function describeEnding({ training, folders, job }: TrainRequest, { last, results, end }: Attempts): Promise<Problem | undefined> {
  if (last.ending === 'exited' && last.exitCode === 0) return undefined
  const failure = await folders.read(`${results}/output`, 'failure', FAILURE_CHARACTERS * 4)
  const said = failure?.toString('utf8').slice(0, FAILURE_CHARACTERS).trim()
  const details = { detail: [said, last.log.slice(-LOG_SHOWN_CHARACTERS)].filter(Boolean).join('\n\n') }
  const because = said ? `: ${said}` : ''
  if (end.kind === 'resumable') return describeResumable(end.why, job?.jobsLeft ?? 0, details.detail)
  if (end.kind === 'stuck') return error('training-not-resumed', `the training ended with ${RESUMABLE} (resumable) ${end.why}${because}`, details)
  switch (last.ending) {
    case 'timed-out':
      return error('training-timed-out', `the training was stopped at its time limit of ${training.timeoutMs / 1000} s${because}`, {
        ...details,
        suggestion: 'raise training.timeout, or train less',
      })
    case 'out-of-time':
      return error(
        'training-out-of-time',
        `the training was stopped, as this machine's time ends at ${job?.deadline}, and did not end with ${RESUMABLE}${because}`,
        {
          ...details,
          suggestion: `save a checkpoint at SIGTERM and end with ${RESUMABLE}, so that another job goes on from it; or run it on a machine whose time ends later`,
        },
      )
    case 'out-of-memory':
      return error('training-out-of-memory', `the training needed more than its ${training.limits.memoryBytes} bytes of memory${because}`, {
        ...details,
        suggestion: 'raise training.limits.memory, or use smaller batches',
      })
    case 'disk-limit':
      return error('training-disk-limit', `the training wrote more than its ${training.limits.diskBytes} bytes of disk`, {
        ...details,
        suggestion: 'raise training.limits.disk, or keep fewer checkpoints',
      })
    case 'not-started':
      return error('training-not-started', `the training container did not start: ${last.endingDetail ?? 'the engine does not say why'}`, {
        ...details,
        suggestion: 'see whether training.command exists in the image',
      })
    case 'exited':
      return error('training-failed', `the training ended with exit code ${last.exitCode ?? 'unknown'}${because}`, details)
  }
}

function describeResumable(why: string, jobsLeft: number, detail: string): Problem {
  const next =
    jobsLeft === 0
      ? 'No job goes on from them by itself any more'
      : `Another job goes on from them; ${jobsLeft === 1 ? 'it is the last one that may' : `${jobsLeft} more may`}`
  return error('training-resumable', `the training is not finished: it stopped ${why}, and its checkpoints are kept. ${next}`, {
    detail,
    ...(jobsLeft === 0 && { suggestion: 'run it again with the folder of its checkpoints as `checkpoints`, or with more `attempts-left`' }),
  })
}

function figures({ end, seconds, cpuSeconds, memoryPeakBytes }: Attempts, attempts: number): StageResult['metrics'] {
  return {
    trainSeconds: seconds,
    attempts,
    ...(cpuSeconds !== null && { cpuSeconds }),
    ...(memoryPeakBytes !== null && { memoryPeakBytes }),
    ...(end.kind === 'resumable' && { checkpointBytes: end.checkpointBytes }),
  }
}
