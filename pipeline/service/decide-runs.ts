import type { RunPlan } from '../../schemas/generated/types.ts'
import { formatCount } from '../report/format-figures.ts'
import type { Action } from './action.ts'
import { pullRequestsOf, trustClassOf, type TrustDecision } from './decide-trust.ts'
import type { WishesDecision } from './decide-wish.ts'
import { kindOfWorld } from './ref-kind.ts'
import { forcedStages, forceStages, needsRun, outcomeOfRun } from './stage-needs.ts'
import type { PluginFacts, RefWorld, RunFacts, RunOutcome } from './world.ts'

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
const POLL_SECONDS = 60
/** How often a budget that is spent is looked at again. */
const BUDGET_SECONDS = 3600

/** `[skip ctss]`, as the systems that people know read it: anywhere in the message, whatever its case. */
const SKIP = /\[(?:skip ctss|ctss skip)\]/i

/** Why nothing more of a plugin is run for now. `reason` is a sentence in Markdown. */
export interface Hold {
  /** `approval` waits for a person, `budget` for time to pass; `draft` and `skip` are meant so. */
  readonly kind: 'approval' | 'budget' | 'draft' | 'skip'
  readonly reason: string
}

/** How a plugin at the head stands after this decision. */
export interface PluginRuns {
  readonly plugin: PluginFacts
  /** The newest that counts for the head. */
  readonly run: RunFacts | undefined
  /** How this decision, or an earlier one, has ended it. */
  readonly end: RunEnd | undefined
  /** Of the one that is made now; it will be the newest. */
  readonly created: RunPlan | undefined
  /** Why a run that waits waits, in Markdown. */
  readonly waits: string | undefined
  readonly hold: Hold | undefined
}

export interface RunEnd {
  readonly outcome: RunOutcome
  readonly reason: string
}

/** A run of another commit that goes on or ends: its checks have to be brought to their end, too. */
export interface FormerRun {
  readonly run: RunFacts
  readonly end: RunEnd | undefined
}

export interface RunsDecision {
  readonly actions: readonly Action[]
  readonly plugins: readonly PluginRuns[]
  readonly former: readonly FormerRun[]
  /** Milliseconds since 1970; the earliest counts. */
  readonly wakeTimes: readonly number[]
}

type Step =
  | { readonly kind: 'wait'; readonly until: number; readonly why?: string }
  | { readonly kind: 'end'; readonly outcome: Exclude<RunOutcome, 'cancelled'>; readonly reason: string }
  | { readonly kind: 'cancel' | 'fetch' | 'dispatch'; readonly reason: string }

/** What becomes of every run of the ref: those that are left behind go, those under way go on, and what the head needs is begun. `refusal`: why a tag is not released. */
export function decideRuns(world: RefWorld, trust: TrustDecision, wishes: WishesDecision, refusal: string | undefined): RunsDecision {
  const own = world.runs.filter((run) => run.ref === world.ref && isOpen(run)).toSorted(byAge)
  const steps = stepRuns(own, world, { trust, wishes, refusal })
  const plugins = world.plugins.map((plugin) => decidePlugin(plugin, world, trust, wishes, steps))
  return {
    actions: [...own.flatMap((run) => actionOf(run, steps.get(run.id))), ...plugins.flatMap(({ actions }) => actions)],
    plugins: plugins.map(({ standing }) => standing),
    former: own.filter((run) => run.commit !== world.head?.commit).map((run) => ({ run, end: endOf(run, steps.get(run.id)) })),
    wakeTimes: wakeTimes(
      world,
      steps,
      plugins.map(({ standing }) => standing),
    ),
  }
}

/** Whether a run has not ended. */
export function isOpen({ state }: RunFacts): boolean {
  return state !== 'ended'
}

/** Why no minute may be spent now, as a sentence in Markdown. */
export function overBudget({ policy: { budgets }, budget }: RefWorld): string | undefined {
  const spent = [
    ['The repository', budget.repositoryMinutes, budgets.repositoryMinutes, 'minutes'],
    ['The owner', budget.ownerMinutes, budgets.ownerMinutes, 'minutes'],
    ['The owner', budget.ownerServiceUnits, budgets.ownerServiceUnits, 'service units'],
  ] as const
  const over = spent.find(([, used, most]) => most !== undefined && used >= most)
  if (over === undefined) return undefined
  const [who, used, most = 0, unit] = over
  return `${who} has used ${formatCount(Math.round(used))} of ${formatCount(most)} ${unit} in the last 30 days.`
}

/** Runs of the head that count for a plugin: of its trust class, and releases for tags alone. Those under way first, then the newest; those that others have replaced are left out. */
export function runsOfPlugin(world: RefWorld, trust: TrustDecision, path: string): readonly RunFacts[] {
  const isRelease = kindOfWorld(world) === 'tag'
  const candidates = world.runs.filter(
    (run) => run.commit === world.head?.commit && run.path === path && run.release === isRelease && run.trust === trustClassOf(trust),
  )
  const replaced = new Set(candidates.map(({ cause }) => cause))
  return candidates.filter(({ id }) => !replaced.has(`instead:${id}`)).toSorted((one, other) => RANKS[one.state] - RANKS[other.state] || byAge(other, one))
}

const RANKS = { running: 0, dispatched: 0, queued: 1, ended: 2 } as const

function byAge(one: RunFacts, other: RunFacts): number {
  return one.created < other.created ? -1 : one.created > other.created ? 1 : one.id < other.id ? -1 : 1
}

interface Reasons {
  readonly trust: TrustDecision
  readonly wishes: WishesDecision
  readonly refusal: string | undefined
}

function stepRuns(own: readonly RunFacts[], world: RefWorld, reasons: Reasons): ReadonlyMap<string, Step> {
  const steps = new Map<string, Step>()
  const going: RunFacts[] = []
  for (const run of own) {
    const reason = reasonToCancel(run, world, reasons)
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

function freePlaces({ policy: { budgets }, budget }: RefWorld): number {
  return Math.min(budgets.repositoryRuns - budget.repositoryRuns, budgets.ownerRuns - budget.ownerRuns)
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
  const { repositoryRuns, ownerRuns } = world.policy.budgets
  const isOwn = world.budget.repositoryRuns >= repositoryRuns
  return {
    kind: 'wait',
    until,
    why: `It waits for a place: ${isOwn ? `this repository runs ${formatCount(repositoryRuns)}` : `this owner's repositories run ${formatCount(ownerRuns)}`} at a time.`,
  }
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

function actionOf(run: RunFacts, step: Step | undefined): readonly Action[] {
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

function endOf(run: RunFacts, step: Step | undefined): RunEnd | undefined {
  if (step?.kind === 'end') return { outcome: step.outcome, reason: step.reason }
  if (step?.kind === 'cancel') return { outcome: 'cancelled', reason: step.reason }
  return isOpen(run) ? undefined : { outcome: run.outcome ?? 'error', reason: run.reason ?? '' }
}

interface PluginDecision {
  readonly actions: readonly Action[]
  readonly standing: PluginRuns
}

function decidePlugin(plugin: PluginFacts, world: RefWorld, trust: TrustDecision, wishes: WishesDecision, steps: ReadonlyMap<string, Step>): PluginDecision {
  const runs = runsOfPlugin(world, trust, plugin.path)
  // One that waits behind another makes what that one has not.
  const run = runs.find((candidate) => endOf(candidate, steps.get(candidate.id)) === undefined) ?? runs[0]
  const step = run && steps.get(run.id)
  const end = run && endOf(run, step)
  const hold = run === undefined || end !== undefined ? reasonToHold(plugin, world, trust) : undefined
  const next = trust.kind === 'held' ? undefined : nextPlan(plugin, world, wishes, { run, end, runs, hold })
  const { head } = world
  if (next !== undefined) requirePlanFor(next.plan, world, trust)
  const action: readonly Action[] =
    next === undefined || head === undefined
      ? []
      : [
          {
            kind: 'create-run',
            path: plugin.path,
            commit: head.commit,
            trust: trustClassOf(trust),
            plan: next.plan,
            ...(next.cause !== undefined && { wish: next.cause }),
            reason: next.reason,
          },
        ]
  return {
    actions: action,
    standing: { plugin, run, end, created: next?.plan, waits: step?.kind === 'wait' ? step.why : undefined, hold },
  }
}

/** A plan of another class would give a stranger's commit what is the repository's own: that is a bug of whoever made it, and nothing runs. */
function requirePlanFor(plan: RunPlan, world: RefWorld, trust: TrustDecision): void {
  const isRelease = kindOfWorld(world) === 'tag'
  if (plan.trust !== trustClassOf(trust) || plan.release !== isRelease) {
    throw new Error(`the plan of ${world.ref} was made for a run that is ${plan.trust}${plan.release ? ' and releases' : ''}`)
  }
}

/** Holds that concern what nobody has asked for; who asks by a command means it. */
function reasonToHold(plugin: PluginFacts, world: RefWorld, trust: TrustDecision): Hold | undefined {
  if (plugin.plan === undefined || !needsRun(plugin.plan)) return undefined
  if (trust.kind === 'held') return { kind: 'approval', reason: trust.reason }
  const isTag = kindOfWorld(world) === 'tag'
  if (!isTag && isSkipped(world, trust)) return { kind: 'skip', reason: 'The commit message says `[skip ctss]`.' }
  const pulls = pullRequestsOf(world)
  if (world.policy.drafts === 'validate' && pulls.length > 0 && pulls.every(({ isDraft }) => isDraft)) {
    return { kind: 'draft', reason: 'The pull request is a draft: the stages run when it is ready for review.' }
  }
  const spent = overBudget(world)
  return spent === undefined ? undefined : { kind: 'budget', reason: spent }
}

/** A merge queue's message holds the titles of pull requests, which strangers write. */
function isSkipped(world: RefWorld, trust: TrustDecision): boolean {
  return trust.kind === 'trusted' && kindOfWorld(world) !== 'merge-queue' && SKIP.test(world.head?.message ?? '')
}

interface NextRun {
  readonly plan: RunPlan
  readonly cause: string | undefined
  readonly reason: string
}

interface RunSituation {
  readonly run: RunFacts | undefined
  readonly end: RunEnd | undefined
  readonly runs: readonly RunFacts[]
  readonly hold: Hold | undefined
}

function nextPlan(plugin: PluginFacts, world: RefWorld, wishes: WishesDecision, { run, end, runs, hold }: RunSituation): NextRun | undefined {
  const asked = wishes.starts.get(plugin.path)
  if (asked !== undefined)
    return runs.some(({ cause }) => cause === asked.wish) ? undefined : { plan: asked.plan, cause: asked.wish, reason: 'somebody asked for it' }
  if (hold !== undefined || plugin.plan === undefined) return undefined
  if (run === undefined) return needsRun(plugin.plan) ? { plan: plugin.plan, cause: undefined, reason: 'there is no verdict for this commit yet' } : undefined
  if (end === undefined) return undefined
  const plan = forceStages(plugin.plan, forcedStages(run.plan))
  if (!needsRun(plan) || !isReplaced(run, end, plugin, world)) return undefined
  return { plan, cause: `instead:${run.id}`, reason: end.outcome === 'error' ? end.reason : 'its commit is wanted again' }
}

/** Whether a run that has ended without a verdict is made once more. One that a person has stopped is not. */
function isReplaced(run: RunFacts, end: RunEnd, plugin: PluginFacts, world: RefWorld): boolean {
  if (end.outcome === 'cancelled') return Object.values<string>(REPLACEABLE).includes(end.reason)
  return end.outcome === 'error' && outcomeOfRun(run, plugin.stages) === 'unfinished' && attemptsOf(run, world.runs) < world.policy.mostDispatches
}

/** How often machines were asked for, over all runs that were lost one after the other. */
function attemptsOf(run: RunFacts, runs: readonly RunFacts[]): number {
  const before = predecessor(run, runs)
  return run.dispatches + (before?.outcome === 'error' ? attemptsOf(before, runs) : 0)
}

function predecessor({ id, cause, created }: RunFacts, runs: readonly RunFacts[]): RunFacts | undefined {
  return runs.find((candidate) => candidate.id !== id && cause === `instead:${candidate.id}` && candidate.created <= created)
}

function wakeTimes(world: RefWorld, steps: ReadonlyMap<string, Step>, plugins: readonly PluginRuns[]): readonly number[] {
  const now = Date.parse(world.now)
  return [
    ...[...steps.values()].flatMap((step) => (step.kind === 'wait' ? [step.until] : [])),
    ...plugins.flatMap(({ run, end, hold }) => [
      ...(hold?.kind === 'budget' ? [now + BUDGET_SECONDS * 1000] : []),
      // A run that another ref looks after wakes that one.
      ...(run !== undefined && run.ref !== world.ref && end === undefined ? [now + POLL_SECONDS * 1000] : []),
    ]),
  ]
}

/** Whether an end was a run's time being up. */
export function isTimeout(end: RunEnd): boolean {
  return end.reason === TIMED_OUT
}
