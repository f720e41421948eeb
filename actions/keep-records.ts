import { Failure } from '../pipeline/failure.ts'
import type { StageSummary } from '../pipeline/run.ts'
import type { StageRecord } from '../schemas/generated/types.ts'
import { sharedRecords, type Job } from './job.ts'

/**
 * Keeps what passed in this run for later runs, beside the staged images; only for trusted runs, whose records nobody else can write.
 * A registry that does not take them costs a later run some time, and this one nothing.
 */
export async function keepRecords(job: Job, summaries: readonly StageSummary[], parts: readonly StageRecord[] = []): Promise<void> {
  const shared = job.event.trust === 'trusted' && job.staging !== 'archive' ? sharedRecords(job, { readOnly: false }) : undefined
  if (shared === undefined) return
  const ran = summaries.flatMap(({ ran: own, record }) => (own && record !== undefined ? [record] : []))
  try {
    for (const record of [...ran, ...parts].filter(({ outcome }) => outcome === 'passed')) await shared.put(record)
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'cancelled') throw error
    job.log.warning(`the records could not be kept for later runs: ${error.message}`)
  }
}
