import type { StoredRun } from '../../pipeline/ports/service-state.ts'
import type { Action } from '../../pipeline/service/action.ts'
import { lookFor } from './effect.ts'
import { DONE, type ActContext, type ActOutcome } from './services.ts'

/** Of a clock that is not GitHub's. */
const CLOCKS_APART_MS = 120_000

/**
 * Starts the workflow of a run, once for each number of a dispatch. A dispatch of which nobody knows whether it was carried out is looked up by the run's
 * id, which the workflow run has in its name; should both have been started all the same, the first job that comes claims the plan, and the other ends.
 */
export async function dispatchRun(context: ActContext, { run: id, dispatch }: Extract<Action, { kind: 'dispatch' }>): Promise<ActOutcome> {
  const { services, control, signal } = context
  const { state, clock } = services
  const run = await state.run(id)
  if (run === undefined || run.state === 'ended' || run.dispatches >= dispatch) return DONE
  // What has gone wrong with the one before is not to come back.
  if (dispatch > 1 && run.workflowRun !== undefined) await control.cancel(run.workflowRun)
  const key = keyOf(id, dispatch)
  const effect = await state.effects.begin(key, clock.now())
  let workflowRun = effect.kind === 'done' ? Number(effect.external) : undefined
  if (effect.kind === 'in-doubt') {
    const earlier = await earlierDispatches(context, run, dispatch)
    const since = new Date(Date.parse(effect.since) - CLOCKS_APART_MS).toISOString()
    workflowRun = await lookFor(services, effect.since, async () => (await control.findRuns(id, since)).find((found) => !earlier.includes(found)), signal)
    if (workflowRun === undefined) await state.effects.restart(key, clock.now())
  }
  workflowRun ??= await control.dispatch(inputsOf(context, run))
  await state.effects.finish(key, String(workflowRun), 'dispatched', clock.now())
  await state.moveRun(id, { state: 'dispatched', now: clock.now(), dispatches: dispatch, workflowRun })
  return { changed: true }
}

function keyOf(run: string, dispatch: number): string {
  return `dispatch:${run}:${dispatch}`
}

async function earlierDispatches({ services }: ActContext, run: StoredRun, dispatch: number): Promise<readonly number[]> {
  const { effects } = services.state
  const earlier: number[] = []
  for (let number = 1; number < dispatch; number += 1) {
    const effect = await effects.begin(keyOf(run.id, number), services.clock.now())
    if (effect.kind === 'done') earlier.push(Number(effect.external))
  }
  return earlier
}

/** Small, and nothing that a plugin's author wrote but the path of a folder: the plan itself is fetched by the job. */
function inputsOf({ services, repository }: ActContext, { id, commit, path }: StoredRun): Readonly<Record<string, string>> {
  return {
    ...services.dispatchInputs,
    repository: `${repository.owner}/${repository.name}`,
    commit,
    plan: id,
    app: services.publicUrl,
    path: path === '' ? '.' : path,
  }
}
