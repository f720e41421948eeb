import type { Selectable } from 'kysely'
import { Failure } from '../../pipeline/failure.ts'
import type { StoredRun } from '../../pipeline/ports/service-state.ts'
import type { RunOutcome, Trust } from '../../pipeline/service/world.ts'
import type { RunPlan } from '../../schemas/generated/types.ts'
import { validateRunPlan } from '../../schemas/generated/validators.js'
import { RUN_STATES } from './run-progress.ts'
import type { RunsTable } from './service-tables.ts'

const TRUST: readonly Trust[] = ['trusted', 'untrusted']
const OUTCOMES: readonly RunOutcome[] = ['passed', 'failed', 'error', 'cancelled']

/** A run as its row tells it. Fails with `storage-corrupt` where that is none. */
export function readRun(row: Selectable<RunsTable>): StoredRun {
  const { id, claim_workflow_run: claimed, claim_attempt: attempt, claim_at: at } = row
  return {
    id,
    repository: Number(row.repository),
    ref: row.ref,
    commit: row.commit,
    path: row.path,
    trust: oneOf(TRUST, row.trust, id),
    release: row.release,
    cause: row.cause,
    plan: readPlan(row.plan, id),
    state: oneOf(RUN_STATES, row.state, id),
    outcome: row.outcome === null ? undefined : oneOf(OUTCOMES, row.outcome, id),
    reason: row.reason ?? undefined,
    created: row.created.toISOString(),
    dispatched: row.dispatched?.toISOString(),
    dispatches: row.dispatches,
    workflowRun: row.workflow_run === null ? undefined : Number(row.workflow_run),
    claim: claimed === null || attempt === null || at === null ? undefined : { workflowRun: Number(claimed), attempt, at: at.toISOString() },
    delivered: row.delivered?.toISOString(),
    minutes: row.minutes ?? undefined,
  }
}

function readPlan(text: string, id: string): RunPlan {
  let plan: unknown
  try {
    plan = JSON.parse(text)
  } catch {
    throw corrupt(id)
  }
  if (validateRunPlan(plan)) return plan
  throw corrupt(id)
}

function oneOf<Value extends string>(values: readonly Value[], text: string, id: string): Value {
  const found = values.find((value) => value === text)
  if (found === undefined) throw corrupt(id)
  return found
}

function corrupt(id: string): Failure {
  return new Failure('storage-corrupt', `what the database keeps of run ${id} cannot be read`, {
    suggestion: 'Restore the database from a backup, or update ctss.',
  })
}
