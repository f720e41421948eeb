import { Failure } from '../failure.ts'
import type { TrainingRequest } from '../ports/trainer.ts'

/** What a training needs to know of the job that it runs in, so that another job can go on from its checkpoints. */
export interface TrainingJob {
  /** Folder with the checkpoints of an earlier job, which strangers have written. Absent: there is none. */
  readonly restore?: string
  /** Empty or missing folder in which checkpoints lie while it trains. Where the record says `resumable`, it holds regular files only, to go on from. */
  readonly keep: string
  /** End of the machine's time, RFC 3339. Absent: it has none. */
  readonly deadline?: string
  /** How many attempts earlier jobs have made. */
  readonly attemptsBefore: number
  /** How many more jobs may go on from the checkpoints by themselves: what the problem says happens next. */
  readonly jobsLeft: number
  /** CTSS_RUN_ID, the same in every job that goes on. Absent: the run's own. */
  readonly runName?: string
}

/**
 * Between SIGTERM and the end of the machine's time: 30 s in which the container may write a checkpoint (docs/training-contract.md), then reading what it
 * left, and sending some GB of checkpoints away as an artifact. Ours.
 */
export const DEADLINE_MARGIN_MS = 5 * 60_000
/** A container that has less time would hardly have loaded its libraries. Ours. */
const SHORTEST_ATTEMPT_MS = 10_000

/** The end of the machine's time, and when a training is stopped before it; undefined: there is no end. Fails with `trainer-unavailable` when the end is no time. */
export function deadlineOf(job: TrainingJob | undefined): TrainingRequest['deadline'] {
  if (job?.deadline === undefined) return undefined
  const end = Date.parse(job.deadline)
  if (Number.isNaN(end))
    throw new Failure('trainer-unavailable', `the end of this machine's time is ${JSON.stringify(job.deadline.slice(0, 100))}, which is no time`, {
      suggestion: 'CTSS_DEADLINE in the environment of the runner has to be RFC 3339, for instance 2026-11-21T18:00:00Z',
    })
  return { end: job.deadline, stop: new Date(end - DEADLINE_MARGIN_MS).toISOString() }
}

/** Whether there is time for an attempt. Fails as `deadlineOf`. */
export function hasTime(job: TrainingJob | undefined, now: string): boolean {
  const deadline = deadlineOf(job)
  return deadline === undefined || Date.parse(deadline.stop) - Date.parse(now) >= SHORTEST_ATTEMPT_MS
}

/** Fails with `trainer-unavailable` where a training could not even begin before the machine's time is over. */
export function requireTime(job: TrainingJob | undefined, now: string): void {
  if (hasTime(job, now)) return
  throw new Failure('trainer-unavailable', `this machine's time ends at ${job?.deadline}: too little is left to train`, {
    suggestion: 'run it again on a machine whose time ends later',
  })
}
