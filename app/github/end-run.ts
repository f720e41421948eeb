import type { Action } from '../../pipeline/service/action.ts'
import type { JobFacts, WorkflowRunFacts } from '../../pipeline/service/world.ts'
import { DONE, type ActContext, type ActOutcome } from './services.ts'

/** Ends a run, and writes down what it has cost. One that has ended is left as it is. */
export async function endRun(context: ActContext, { run: id, outcome, reason }: Extract<Action, { kind: 'end-run' }>): Promise<ActOutcome> {
  return moveToEnd(context, id, outcome, reason)
}

/** Stops the jobs of a run, also those of a dispatch of which nobody knows whether it was carried out, and ends it. */
export async function cancelRun(context: ActContext, { run: id, reason }: Extract<Action, { kind: 'cancel-run' }>): Promise<ActOutcome> {
  const { services, control } = context
  const run = await services.state.run(id)
  if (run === undefined || run.state === 'ended') return DONE
  const started = run.workflowRun === undefined ? await control.findRuns(id, run.created) : [run.workflowRun]
  for (const workflowRun of started) await control.cancel(workflowRun)
  return moveToEnd(context, id, 'cancelled', reason)
}

async function moveToEnd(
  { services, world }: ActContext,
  id: string,
  outcome: Extract<Action, { kind: 'end-run' }>['outcome'],
  reason: string,
): Promise<ActOutcome> {
  const { state, clock } = services
  const run = await state.run(id)
  if (run === undefined || run.state === 'ended') return DONE
  const workflow = world.runs.find((candidate) => candidate.id === id)?.workflow
  const now = clock.now()
  const minutes = workflow === undefined ? undefined : machineMinutes(workflow, now)
  await state.moveRun(id, { state: 'ended', outcome, reason, now, ...(minutes !== undefined && { minutes }) })
  return { changed: true }
}

/** Minutes of all jobs together, each begun minute counted, as GitHub counts. A job that goes on counts until now, one that never had a machine not at all. */
export function machineMinutes({ jobs }: Pick<WorkflowRunFacts, 'jobs'>, now: string): number {
  return jobs
    .filter((job) => !isMachineless(job))
    .reduce((sum, { started, ended }) => (started === null ? sum : sum + Math.max(0, Math.ceil((Date.parse(ended ?? now) - Date.parse(started)) / 60_000))), 0)
}

/** Such a job has times all the same: it waited between them. */
function isMachineless({ conclusion, runner }: JobFacts): boolean {
  return conclusion === 'skipped' || (conclusion === 'cancelled' && runner === null)
}
