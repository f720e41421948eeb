import type { Action } from './action.ts'
import { freePlaces, overBudget, sayNoPlace } from './budget.ts'
import { trustClassOf, type TrustDecision } from './decide-trust.ts'
import type { WishesDecision } from './decide-wish.ts'
import { kindOfWorld } from './ref-kind.ts'
import { isOpen } from './run-order.ts'
import { outcomeOfRun } from './stage-needs.ts'
import type { RefWorld, RunFacts, RunOutcome } from './world.ts'

/** What a run is cancelled for that nobody asked to stop: where its commit is the head again, another one is made in its place. */
export const REPLACEABLE = {
  superseded: 'a newer commit has taken its place',
  gone: 'the branch, tag or pull request is gone',
  archived: 'the repository is archived',
  removed: 'the app is not installed there any more',
  distrusted: 'its commit may not run any more as it was to',
} as const

const TIMED_OUT = 'it took longer than a run may'
const NEVER_STARTED = 'no machine has started it'
const LOST = 'its machine was lost, or it was cancelled by hand'

/** How often a run that goes on is looked at when nothing tells of it: GitHub says that its webhooks may be late. */
export const POLL_SECONDS = 60
/** How often a budget that is spent is looked at again. */
export const BUDGET_SECONDS = 3600

/** How a run has ended, or ends now. */
export interface RunEnd {
  readonly outcome: RunOutcome
  readonly reason: string
}

/** What is done about a run now. */
export type Step =
  | { readonly kind: 'wait'; readonly until: number; readonly why?: string }
  | { readonly kind: 'end'; readonly outcome: Exclude<RunOutcome, 'cancelled'>; readonly reason: string }
  | { readonly kind: 'cancel' | 'fetch' | 'dispatch'; readonly reason: string }

/** What a run can be stopped for. `refusal`: why a tag is not released. */
export interface Reasons {
  readonly trust: TrustDecision
  readonly wishes: WishesDecision
  readonly refusal: string | undefined
}

/** What becomes of the runs of a ref that have not ended, the oldest first; by their ids. */
export function stepRuns(own: readonly RunFacts[], world: RefWorld, reasons: Reasons): ReadonlyMap<string, Step> {
  const steps = new Map<string, Step>()
  const going: RunFacts[] = []
  for (const run of own) {
    // What has delivered spends nothing any more, and keeps its verdict.
    const reason = run.isDelivered ? undefined : reasonToCancel(run, world, reasons)
    if (reason !== undefined) steps.set(run.id, { kind: 'cancel', reason })
    else if (run.state === 'queued') going.push(run)
    else steps.set(run.id, followRun(run, world))
  }
  let places = freePlaces(world)
  const busy = new Set(own.filter((run) => run.state !== 'queued' && steps.get(run.id)?.kind === 'wait').map(subjectOf))
  for (const run of going) {
    const step = startRun(run, world, places, busy)
    if (step.kind === 'dispatch') places -= 1
    busy.add(subjectOf(run))
    steps.set(run.id, step)
  }
  return steps
}

function subjectOf({ commit, path }: RunFacts): string {
  return `${commit} ${path}`
}

function reasonToCancel(run: RunFacts, world: RefWorld, { trust, wishes, refusal }: Reasons): string | undefined {
  if (world.repository.installation.kind === 'removed') return REPLACEABLE.removed
  if (world.repository.isArchived) return REPLACEABLE.archived
  if (world.head === undefined) return REPLACEABLE.gone
  const asked = wishes.cancelled.get(run.id)
  if (asked !== undefined) return asked
  // What has landed is history: every commit of the default branch gets its verdict.
  if (run.commit !== world.head.commit) return kindOfWorld(world) === 'default-branch' ? undefined : REPLACEABLE.superseded
  const isTrusted = trust.kind !== 'held' && run.trust === trustClassOf(trust)
  return refusal ?? (run.state === 'queued' && !isTrusted ? REPLACEABLE.distrusted : undefined)
}

function startRun(run: RunFacts, world: RefWorld, places: number, busy: ReadonlySet<string>): Step {
  const until = Date.parse(world.now) + POLL_SECONDS * 1000
  if (busy.has(subjectOf(run))) return { kind: 'wait', until, why: 'It waits for the run before it.' }
  const spent = overBudget(world)
  if (spent !== undefined) return { kind: 'wait', until: Date.parse(world.now) + BUDGET_SECONDS * 1000, why: spent }
  if (places > 0) return { kind: 'dispatch', reason: 'there is a place for it' }
  return { kind: 'wait', until, why: sayNoPlace(world) }
}

/** A run that was dispatched, by what GitHub shows of it now. */
function followRun(run: RunFacts, world: RefWorld): Step {
  if (run.isDelivered) return endDelivered(run, world)
  const { workflow } = run
  const isOver = workflow?.status === 'completed' || workflow?.status === 'missing'
  if (isOver && workflow.status === 'completed' && (run.isClaimed || workflow.conclusion === 'success')) {
    return { kind: 'fetch', reason: 'it has completed, and delivered nothing' }
  }
  if (isOver) return run.isClaimed ? { kind: 'end', outcome: 'error', reason: LOST } : dispatchAgain(run, world, LOST)
  const now = Date.parse(world.now)
  const since = Date.parse(run.dispatched ?? run.created)
  const hasStarted = run.isClaimed || workflow?.jobs.some(({ started }) => started !== null) === true
  const limit = since + (hasStarted ? world.policy.runMinutes : world.policy.startMinutes) * 60_000
  if (now < limit) return { kind: 'wait', until: Math.min(limit, now + POLL_SECONDS * 1000) }
  return hasStarted ? { kind: 'cancel', reason: TIMED_OUT } : dispatchAgain(run, world, NEVER_STARTED)
}

/** Nobody has claimed it, so that the same run can be dispatched once more: whoever comes first for its plan gets it. */
function dispatchAgain(run: RunFacts, world: RefWorld, reason: string): Step {
  return run.dispatches < world.policy.mostDispatches ? { kind: 'dispatch', reason } : { kind: 'end', outcome: 'error', reason }
}

function endDelivered(run: RunFacts, world: RefWorld): Step {
  const atHead = run.commit === world.head?.commit ? world.plugins.find(({ path }) => path === run.path)?.stages : undefined
  const stages = run.stages ?? atHead
  const outcome = stages === undefined ? concludedOutcome(run) : outcomeOfRun(run, stages)
  if (outcome === 'unfinished') return { kind: 'end', outcome: 'error', reason: LOST }
  return {
    kind: 'end',
    outcome,
    reason: outcome === 'passed' ? 'every stage has passed' : outcome === 'failed' ? 'a stage did not pass' : 'a stage could not be finished',
  }
}

function concludedOutcome({ workflow }: RunFacts): 'passed' | 'failed' | 'error' {
  if (workflow?.conclusion === 'success') return 'passed'
  return workflow?.conclusion === 'failure' ? 'failed' : 'error'
}

/** The action of a step; none while a run is waited for. */
export function actionOf(run: RunFacts, step: Step | undefined): readonly Action[] {
  switch (step?.kind) {
    case undefined:
    case 'wait':
      return []
    case 'end':
      return [{ kind: 'end-run', run: run.id, outcome: step.outcome, reason: step.reason }]
    case 'cancel':
      return [{ kind: 'cancel-run', run: run.id, reason: step.reason }]
    case 'fetch':
      return [{ kind: 'fetch-records', run: run.id, reason: step.reason }]
    case 'dispatch':
      return [{ kind: 'dispatch', run: run.id, dispatch: run.dispatches + 1, reason: step.reason }]
  }
}

/** How a run has ended, or ends by this step; undefined: it goes on. */
export function endOf(run: RunFacts, step: Step | undefined): RunEnd | undefined {
  if (step?.kind === 'end') return { outcome: step.outcome, reason: step.reason }
  if (step?.kind === 'cancel') return { outcome: 'cancelled', reason: step.reason }
  return isOpen(run) ? undefined : { outcome: run.outcome ?? 'error', reason: run.reason ?? '' }
}

/** Whether an end was a run's time being up. */
export function isTimeout(end: RunEnd): boolean {
  return end.reason === TIMED_OUT
}
