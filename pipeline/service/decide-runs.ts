import type { RunPlan } from '../../schemas/generated/types.ts'
import type { Action } from './action.ts'
import { trustClassOf, type TrustDecision } from './decide-trust.ts'
import type { WishesDecision } from './decide-wish.ts'
import { reasonToHold, type Hold } from './hold.ts'
import { kindOfWorld } from './ref-kind.ts'
import { byAge, isOpen, runsOfPlugin } from './run-order.ts'
import { actionOf, BUDGET_SECONDS, endOf, POLL_SECONDS, REPLACEABLE, stepRuns, type RunEnd, type Step } from './run-steps.ts'
import { forcedStages, forceStages, needsRun, outcomeOfRun } from './stage-needs.ts'
import type { PluginFacts, RefWorld, RunFacts } from './world.ts'

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

/** A run of another commit that goes on or ends: its checks have to be brought to their end, too. */
export interface FormerRun {
  readonly run: RunFacts
  readonly end: RunEnd | undefined
}

/** What is done about runs, and what that leaves to be told. */
export interface RunsDecision {
  readonly actions: readonly Action[]
  readonly plugins: readonly PluginRuns[]
  readonly former: readonly FormerRun[]
  /** Milliseconds since 1970; the earliest counts. */
  readonly wakeTimes: readonly number[]
}

/** What becomes of every run of the ref: those that are left behind go, those under way go on, and what the head needs is begun. `refusal`: why a tag is not released. */
export function decideRuns(world: RefWorld, trust: TrustDecision, wishes: WishesDecision, refusal: string | undefined): RunsDecision {
  const own = world.runs.filter((run) => run.ref === world.ref && isOpen(run)).toSorted(byAge)
  const steps = stepRuns(own, world, { trust, wishes, refusal })
  const plugins = world.plugins.map((plugin) => decidePlugin(plugin, world, trust, wishes, steps))
  return {
    actions: [...own.flatMap((run) => actionOf(run, steps.get(run.id))), ...plugins.flatMap(({ actions }) => actions)],
    plugins: plugins.map(({ standing }) => standing),
    former: own.filter((run) => run.commit !== world.head?.commit).map((run) => ({ run, end: endOf(run, steps.get(run.id)) })),
    wakeTimes: [...steps.values()]
      .flatMap((step) => (step.kind === 'wait' ? [step.until] : []))
      .concat(plugins.flatMap(({ standing }) => wakeTimes(world, standing))),
  }
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

function wakeTimes(world: RefWorld, { run, end, hold }: PluginRuns): readonly number[] {
  const now = Date.parse(world.now)
  return [
    ...(hold?.kind === 'budget' ? [now + BUDGET_SECONDS * 1000] : []),
    // A run that another ref looks after wakes that one.
    ...(run !== undefined && run.ref !== world.ref && end === undefined ? [now + POLL_SECONDS * 1000] : []),
  ]
}
