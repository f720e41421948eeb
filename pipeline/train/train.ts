import type { File, TrainDetails } from '../../schemas/generated/types.ts'
import type { Digest } from '../digest.ts'
import type { Training } from '../pipeline.ts'
import type { Datasets } from '../ports/datasets.ts'
import type { Trainer, TrainingObservation, TrainingRequest } from '../ports/trainer.ts'
import type { UntrustedFolders } from '../ports/untrusted-folder.ts'
import { error, hasErrors, type Place, type Problem } from '../problem.ts'
import type { StageContext, StageResult } from '../stage.ts'
import { collectResults } from './training-results.ts'

/** EX_TEMPFAIL of sysexits.h: stopped, and able to go on from its checkpoints. */
const RESUMABLE = 75
const ATTEMPTS = 3
const CHECKPOINT_ENTRIES = 10_000
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
  /** Where a value stands in ctss.yaml, for instance `['training', 'datasets', 0, 'sha256']`. */
  readonly placeOf?: (path: readonly (string | number)[]) => Place | undefined
}

type VerifiedDataset = TrainingRequest['datasets'][number]

interface Attempts {
  readonly count: number
  readonly last: TrainingObservation
  readonly results: string
  readonly cpuSeconds: number | null
  readonly memoryPeakBytes: number | null
  readonly seconds: number
  /** Why an attempt that could go on was not continued. */
  readonly stuck?: string
}

/**
 * The stage `train`: verifies the data, then trains in a container by docs/training-contract.md, again from its checkpoints where it asks for that,
 * and keeps model, figures, tests and log. A training or results that break the contract are problems. Gates are not decided here (`decideGates`).
 * Fails as its ports do.
 */
export async function runTrain(context: StageContext, request: TrainRequest): Promise<StageResult> {
  const data = await verifyDatasets(context, request)
  if (data.problems.length > 0) return refuse(data.problems)
  const image = await request.buildImage()
  if (image.kind === 'refused') return refuse(image.problems)
  const attempts = await trainWithAttempts(context, request, image.reference, data.verified)
  const log = await keepLog(context, attempts.last)
  const wrong = await describeEnding(request, attempts)
  const results =
    wrong === undefined
      ? await collectResults(attempts.results, request.training.limits.diskBytes, { folders: request.folders, blobs: context.blobs })
      : undefined
  const problems = wrong === undefined ? (results?.problems ?? []) : [wrong]
  const details: TrainDetails = {
    kind: 'train',
    image: image.reference,
    attempts: attempts.count,
    exitCode: attempts.last.exitCode,
    seed: request.training.seed,
    metrics: results?.metrics ?? [],
    slices: results?.slices ?? [],
    tests: results?.tests ?? [],
    ...(results?.model && { model: results.model }),
    datasets: data.verified.map(({ name, digest, uri, license }) => ({ name, digest, uri, ...(license !== undefined && { license }) })),
  }
  return {
    outcome: hasErrors(problems) ? 'failed' : 'passed',
    problems,
    metrics: figures(attempts),
    files: [...(results?.files ?? []), log],
    details,
    ...(image.standIns && { standIns: image.standIns }),
  }
}

function refuse(problems: readonly Problem[]): StageResult {
  return { outcome: 'failed', problems, metrics: {}, files: [], details: { kind: 'none' } }
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

/** Runs the container, again as long as it ends resumable, its checkpoints change and time is left. The time limit is for all attempts together. */
async function trainWithAttempts(context: StageContext, request: TrainRequest, image: string, datasets: readonly VerifiedDataset[]): Promise<Attempts> {
  const { training, trainer, folders } = request
  const checkpoints = `${context.workFolder}/checkpoints`
  const observations: TrainingObservation[] = []
  let before = await fingerprint(folders, checkpoints)
  for (let attempt = 1; ; attempt += 1) {
    context.signal.throwIfAborted()
    const results = `${context.workFolder}/results-${attempt}`
    context.progress.step(attempt === 1 ? 'training' : `training, attempt ${attempt} of ${ATTEMPTS}`)
    const spentMs = sum(observations.map(({ seconds }) => seconds)) * 1000
    const last = await trainer.train(
      {
        image,
        platform: request.platform,
        command: training.command,
        env: {},
        hyperparameters: training.hyperparameters,
        datasets,
        checkpoints,
        results,
        gpu: training.gpu,
        network: training.network,
        timeoutMs: Math.max(1000, training.timeoutMs - spentMs),
        limits: training.limits,
        attempt,
        runId: request.runId,
        seed: training.seed,
      },
      context.progress,
      context.signal,
    )
    observations.push(last)
    const so = { count: attempt, last, results, ...totals(observations) }
    if (last.ending !== 'exited' || last.exitCode !== RESUMABLE) return so
    if (attempt === ATTEMPTS) return { ...so, stuck: `after ${ATTEMPTS} attempts` }
    const after = await fingerprint(folders, checkpoints)
    if (after === before) return { ...so, stuck: 'without a new checkpoint in /opt/ml/checkpoints' }
    before = after
  }
}

/** Changes whenever the checkpoints do: by names, sizes and times, since checkpoints may be large. */
async function fingerprint(folders: UntrustedFolders, folder: string): Promise<string> {
  const { entries } = await folders.list(folder, CHECKPOINT_ENTRIES)
  return JSON.stringify(entries.filter(({ kind, bytes }) => kind === 'file' && bytes > 0).map(({ path, bytes, modifiedMs }) => [path, bytes, modifiedMs]))
}

function totals(observations: readonly TrainingObservation[]): Pick<Attempts, 'seconds' | 'cpuSeconds' | 'memoryPeakBytes'> {
  const cpu = observations.flatMap(({ cpuSeconds }) => cpuSeconds ?? [])
  const memory = observations.flatMap(({ memoryPeakBytes }) => memoryPeakBytes ?? [])
  return {
    seconds: sum(observations.map(({ seconds }) => seconds)),
    cpuSeconds: cpu.length === 0 ? null : sum(cpu),
    memoryPeakBytes: memory.length === 0 ? null : Math.max(...memory),
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

async function keepLog({ blobs }: StageContext, { log }: TrainingObservation): Promise<File> {
  const content = Buffer.from(log)
  const digest: Digest = await blobs.put(content)
  return { role: 'log', name: 'train.log', digest, bytes: content.length, mediaType: 'text/plain' }
}

/** Undefined: the training ended well. */
async function describeEnding({ training, folders }: TrainRequest, { last, results, stuck }: Attempts): Promise<Problem | undefined> {
  if (last.ending === 'exited' && last.exitCode === 0) return undefined
  const failure = await folders.read(`${results}/output`, 'failure', FAILURE_CHARACTERS * 4)
  const said = failure?.toString('utf8').slice(0, FAILURE_CHARACTERS).trim()
  const details = { detail: [said, last.log.slice(-LOG_SHOWN_CHARACTERS)].filter(Boolean).join('\n\n') }
  const because = said ? `: ${said}` : ''
  switch (last.ending) {
    case 'timed-out':
      return error('training-timed-out', `the training was stopped at its time limit of ${training.timeoutMs / 1000} s${because}`, {
        ...details,
        suggestion: 'raise training.timeout, or train less',
      })
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
      if (stuck !== undefined) return error('training-not-resumed', `the training ended with ${RESUMABLE} (resumable) ${stuck}${because}`, details)
      return error('training-failed', `the training ended with exit code ${last.exitCode ?? 'unknown'}${because}`, details)
  }
}

function figures({ count, seconds, cpuSeconds, memoryPeakBytes }: Attempts): StageResult['metrics'] {
  return { trainSeconds: seconds, attempts: count, ...(cpuSeconds !== null && { cpuSeconds }), ...(memoryPeakBytes !== null && { memoryPeakBytes }) }
}
