import type { Training } from '../pipeline.ts'
import type { Trainer, TrainingObservation, TrainingRequest } from '../ports/trainer.ts'
import type { UntrustedFolders } from '../ports/untrusted-folder.ts'
import type { StageContext } from '../stage.ts'
import { surveyCheckpoints, type CheckpointSurvey } from './checkpoints.ts'
import { deadlineOf, hasTime, requireTime, type TrainingJob } from './training-job.ts'
import { TrainingMetrics } from './training-metrics.ts'

/** EX_TEMPFAIL of sysexits.h: stopped, and able to go on from its checkpoints. */
export const RESUMABLE = 75
const ATTEMPTS = 3

/** What all attempts run with. */
export interface AttemptsRequest {
  readonly training: Training
  readonly trainer: Trainer
  readonly folders: UntrustedFolders
  readonly platform: string
  readonly runId: string
  readonly job?: TrainingJob
  /** By digest. */
  readonly image: string
  readonly datasets: TrainingRequest['datasets']
}

/** Why no further attempt was made. */
export type AttemptsEnd =
  /** The training ended by itself, or at a limit of its own. */
  | { readonly kind: 'ended' }
  /** It would go on, and may not: `why` completes a sentence. */
  | { readonly kind: 'stuck'; readonly why: string }
  /** Another job can go on from its checkpoints. */
  | { readonly kind: 'resumable'; readonly why: string; readonly checkpointBytes: number }

/** What came of all attempts together. */
export interface Attempts {
  /** Of this job. */
  readonly count: number
  readonly last: TrainingObservation
  readonly end: AttemptsEnd
  /** Results folder of the last attempt. */
  readonly results: string
  readonly metrics: TrainingMetrics
  readonly cpuSeconds: number | null
  readonly memoryPeakBytes: number | null
  readonly seconds: number
}

/**
 * Runs the container, again as long as it ends resumable, its checkpoints change and time is left; restores the checkpoints of an earlier job first.
 * The time limit is for all attempts together, and the end of the machine's time goes before it. Fails as the trainer does, and with
 * `trainer-unavailable` when no time is left to begin.
 */
export async function trainWithAttempts(context: StageContext, request: AttemptsRequest): Promise<Attempts> {
  const { job, trainer } = request
  const checkpoints = job?.keep ?? `${context.workFolder}/checkpoints`
  const survey = async (folder: string): Promise<CheckpointSurvey> => surveyCheckpoints(request.folders, folder, request.training.limits.diskBytes)
  if (job?.restore !== undefined) await trainer.restoreCheckpoints(job.restore, checkpoints, (await survey(job.restore)).paths)
  requireTime(job, context.clock.now())
  const metrics = new TrainingMetrics(context.progress, context.clock)
  const observations: TrainingObservation[] = []
  const start = await survey(checkpoints)
  let before = start.fingerprint
  for (let attempt = 1; ; attempt += 1) {
    context.signal.throwIfAborted()
    const results = `${context.workFolder}/results-${attempt}`
    const timeoutMs = Math.max(1000, request.training.timeoutMs - totals(observations).seconds * 1000)
    announce(context, attempt, job)
    const last = await trainer.train(attemptRequest(request, { attempt, checkpoints, results, timeoutMs, metrics }), context.progress, context.signal)
    metrics.endAttempt()
    observations.push(last)
    const so = { count: attempt, last, results, metrics, ...totals(observations) }
    if (last.exitCode !== RESUMABLE || (last.ending !== 'exited' && last.ending !== 'out-of-time')) return { ...so, end: { kind: 'ended' } }
    const after = await survey(checkpoints)
    const isOver = last.ending === 'out-of-time' || !hasTime(job, context.clock.now())
    if (after.fingerprint !== before && attempt < ATTEMPTS && !isOver) {
      before = after.fingerprint
      continue
    }
    // An attempt that begins near the deadline may have no time to change a checkpoint: among several jobs it is the job that has to.
    const hasProgressed = after.fingerprint !== (job === undefined ? before : start.fingerprint)
    const why = isOver ? `as this machine's time ends at ${job?.deadline}` : `after ${counted(attempt)}`
    return { ...so, end: hasProgressed ? decideEnd(job, after, why) : { kind: 'stuck', why: 'without a new checkpoint in /opt/ml/checkpoints' } }
  }
}

function decideEnd(job: TrainingJob | undefined, { unfit, bytes }: CheckpointSurvey, why: string): AttemptsEnd {
  if (job === undefined) return { kind: 'stuck', why }
  return unfit === undefined
    ? { kind: 'resumable', why, checkpointBytes: bytes }
    : { kind: 'stuck', why: `${why}, and no other job can go on from what lies in /opt/ml/checkpoints: ${unfit}` }
}

interface Attempt {
  readonly attempt: number
  readonly checkpoints: string
  readonly results: string
  readonly timeoutMs: number
  readonly metrics: TrainingMetrics
}

function attemptRequest(request: AttemptsRequest, { attempt, checkpoints, results, timeoutMs, metrics }: Attempt): TrainingRequest {
  const { training, job } = request
  const deadline = deadlineOf(job)
  return {
    image: request.image,
    platform: request.platform,
    command: training.command,
    env: {},
    hyperparameters: training.hyperparameters,
    datasets: request.datasets,
    checkpoints,
    results,
    gpu: training.gpu,
    network: training.network,
    timeoutMs,
    ...(deadline && { deadline }),
    limits: training.limits,
    attempt: (job?.attemptsBefore ?? 0) + attempt,
    runId: job?.runName ?? request.runId,
    seed: training.seed,
    onMetrics: (text) => metrics.push(text),
  }
}

function announce({ progress }: StageContext, attempt: number, job: TrainingJob | undefined): void {
  const before = job?.attemptsBefore ?? 0
  if (attempt === 1) progress.step(before === 0 ? 'training' : `training, going on after ${counted(before)} in other jobs`)
  else progress.step(`training, attempt ${attempt} of ${ATTEMPTS}${job === undefined ? '' : ' in this job'}`)
}

function counted(attempts: number): string {
  return `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`
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
