import type { RunPlan } from '../../schemas/generated/types.ts'
import type { StageName } from '../stage.ts'
import type { Action } from './action.ts'
import { explainRule, HELP, sayUnknownRule } from './command-help.ts'
import { overBudget } from './budget.ts'
import { isOpen, runsOfPlugin } from './run-order.ts'
import { approvalNumberOf, type TrustDecision } from './decide-trust.ts'
import { hasPermission } from './permissions.ts'
import { kindOfWorld } from './ref-kind.ts'
import { sayCommit, sayPath, sayText } from './say.ts'
import { applicableStages, forceStages, needsRun, runsStage } from './stage-needs.ts'
import type { Wish, WishKind } from './wish.ts'
import type { HeadFacts, PluginFacts, RefWorld, RunFacts, WishFacts } from './world.ts'

/** A run that somebody has asked for. */
export interface WantedRun {
  readonly path: string
  readonly plan: RunPlan
  /** The wish's id. */
  readonly wish: string
}

export type WishDecision =
  | {
      readonly kind: 'granted'
      readonly starts?: readonly WantedRun[]
      readonly cancels?: readonly RunFacts[]
      readonly actions?: readonly Action[]
      /** Markdown. */
      readonly text?: string
    }
  /** `sentence` is Markdown. `misread`: it is no command. */
  | { readonly kind: 'refused' | 'misread'; readonly sentence: string }
  /** Not a word, not a reaction. */
  | { readonly kind: 'ignored' }
  /** What it needs to know may come with a delivery that is late. Milliseconds since 1970. */
  | { readonly kind: 'deferred'; readonly until: number }

/** What all open wishes come to. */
export interface WishesDecision {
  /** By the plugin's folder. */
  readonly starts: ReadonlyMap<string, WantedRun>
  /** Why, by the run's id. */
  readonly cancelled: ReadonlyMap<string, string>
  /** Approvals and proposals; to be done before the answers. */
  readonly actions: readonly Action[]
  readonly answers: readonly Action[]
  /** Milliseconds since 1970. */
  readonly wakeTimes: readonly number[]
}

/** Longer than people and webhooks are on their way: who writes "approve" a moment after a push has not seen it. */
const APPROVAL_SECONDS = 60
/** How long an approval waits to be told of the push that it is about. */
const TOLD_SECONDS = 120
const MEASURED: ReadonlySet<string> = new Set(['passed', 'failed'])

/** Every open wish, the oldest first. Several that ask for runs of one plugin make one run. */
export function decideWishes(world: RefWorld, trust: TrustDecision): WishesDecision {
  const starts = new Map<string, WantedRun>()
  const cancelled = new Map<string, string>()
  const actions: Action[] = []
  const answers: Action[] = []
  const wakeTimes: number[] = []
  for (const facts of world.wishes) {
    const decision = decideWish(facts, world, trust)
    if (decision.kind === 'deferred') wakeTimes.push(decision.until)
    else answers.push(answer(facts.wish, decision))
    if (decision.kind !== 'granted') continue
    for (const start of decision.starts ?? []) starts.set(start.path, mergeStarts(starts.get(start.path), start))
    for (const { id } of decision.cancels ?? []) cancelled.set(id, `${facts.wish.by.login} has cancelled it`)
    actions.push(...(decision.actions ?? []))
  }
  return { starts, cancelled, actions, answers, wakeTimes }
}

/**
 * Whether what somebody asks for is done, and what that is: one function for comments, the checks' buttons and the web. Only people with write access
 * command; what is about a commit that is not the head any more does nothing but say so.
 */
export function decideWish({ wish, access }: WishFacts, world: RefWorld, trust: TrustDecision): WishDecision {
  if (wish.by.kind === 'bot') return { kind: 'ignored' }
  if (access !== 'write') return refuse('Commands are for people with write access to this repository.')
  if (wish.what.kind === 'unknown') return { kind: 'misread', sentence: wish.what.message }
  if (wish.what.kind === 'help') return { kind: 'granted', text: HELP }
  if (wish.what.kind === 'explain') return explain(wish.what.code)
  const { head } = world
  if (head === undefined) return refuse('There is nothing to do it with: the branch, tag or pull request is gone.')
  if (wish.commit !== undefined && wish.commit !== head.commit) {
    return refuse(`Nothing was done: this is about commit ${sayCommit(wish.commit)}, and the newest one is ${sayCommit(head.commit)}.`)
  }
  if (wish.commit === undefined && wish.what.kind !== 'init' && head.since !== undefined && Date.parse(head.since) > Date.parse(wish.at)) {
    return refuse(`Nothing was done: commit ${sayCommit(head.commit)} came after this was written.`)
  }
  if (wish.what.kind === 'init') return proposeInit(wish, world)
  if (wish.what.kind === 'approve') return approve(wish, head, world, trust)
  if (wish.what.kind === 'cancel') return cancel(wish, world)
  if (world.plugins.length === 0) return refuse('There is no plugin here: no folder has a `sage.yaml` or `sage.json`. `/ctss init` proposes one.')
  return wish.what.kind === 'record' ? record(wish, world, trust) : run(wish, wish.what, world, trust)
}

function refuse(sentence: string): WishDecision {
  return { kind: 'refused', sentence }
}

function answer({ id }: Wish, decision: Exclude<WishDecision, { kind: 'deferred' }>): Action {
  switch (decision.kind) {
    case 'ignored':
      return { kind: 'answer', wish: id, reason: 'bots do not command' }
    case 'granted':
      return { kind: 'answer', wish: id, reaction: '+1', ...(decision.text !== undefined && { text: decision.text }), reason: 'it is done' }
    case 'refused':
      return { kind: 'answer', wish: id, reaction: '-1', text: decision.sentence, reason: 'it is refused' }
    case 'misread':
      return { kind: 'answer', wish: id, reaction: 'confused', text: decision.sentence, reason: 'it is no command' }
  }
}

function explain(code: string): WishDecision {
  const text = explainRule(code)
  return text === undefined ? refuse(sayUnknownRule(code)) : { kind: 'granted', text }
}

function proposeInit(wish: Wish, world: RefWorld): WishDecision {
  const [plugin] = world.plugins
  if (plugin === undefined && !canPropose(world)) return refuse(CANNOT_PROPOSE)
  if (plugin !== undefined) return refuse(`There is a plugin already${plugin.path === '' ? '' : ` in ${sayPath(plugin.path)}`}.`)
  return { kind: 'granted', actions: [{ kind: 'propose', proposal: 'init', wish: wish.id, path: '', reason: 'somebody asked for a manifest' }] }
}

const CANNOT_PROPOSE = 'The app may not open a pull request here: an owner grants it `contents` and `pull_requests` under Settings, GitHub Apps.'

function canPropose(world: RefWorld): boolean {
  return hasPermission(world, 'contents') && hasPermission(world, 'pull_requests')
}

function approve(wish: Wish, head: HeadFacts, world: RefWorld, trust: TrustDecision): WishDecision {
  if (kindOfWorld(world) === 'tag') return refuse('A tag needs no approval: it is released when somebody with write access pushes it.')
  if (trust.kind === 'trusted') return refuse('Nothing here waits for approval.')
  if (trust.kind === 'held' && trust.isFinal === true) return refuse(trust.reason)
  if (trust.kind === 'approved') return { kind: 'granted' }
  const toldBy = Date.parse(wish.at) + TOLD_SECONDS * 1000
  if (wish.commit === undefined && wish.comment !== undefined && head.since === undefined && Date.parse(world.now) < toldBy)
    return { kind: 'deferred', until: toldBy }
  if (wish.commit === undefined && !hasSeenHead(wish, head, world)) {
    return refuse(
      `Nothing was approved, because commit ${sayCommit(head.commit)} may have come after you looked. If it is the one that you mean: \`/ctss approve ${head.commit}\``,
    )
  }
  return {
    kind: 'granted',
    actions: [
      { kind: 'approve', pullRequest: approvalNumberOf(world), commit: head.commit, by: wish.by.login, reason: `${wish.by.login} has approved this commit` },
    ],
  }
}

/** Only a comment tells of no commit; whoever wrote it has seen the head if that was long there. */
function hasSeenHead({ at, comment }: Wish, { since }: HeadFacts, { policy }: RefWorld): boolean {
  if (comment === undefined || since === undefined) return false
  return Date.parse(at) - Date.parse(since) > (policy.approvalSeconds ?? APPROVAL_SECONDS) * 1000
}

function cancel({ path }: Wish, world: RefWorld): WishDecision {
  const cancels = world.runs.filter((run) => isOpen(run) && run.ref === world.ref && (path === undefined || run.path === path))
  return cancels.length === 0 ? refuse('Nothing is running.') : { kind: 'granted', cancels }
}

function record(wish: Wish, world: RefWorld, trust: TrustDecision): WishDecision {
  if (trust.kind !== 'trusted' || kindOfWorld(world) === 'tag')
    return refuse('Expected results are recorded for branches of this repository that somebody with write access has pushed.')
  if (!canPropose(world)) return refuse(CANNOT_PROPOSE)
  const measured = addressed(wish, world).filter(({ stages }) => stages.some(({ stage, outcome }) => stage === 'virtual' && MEASURED.has(outcome ?? '')))
  const failed = measured.filter(({ stages }) => stages.some(({ stage, outcome }) => stage === 'virtual' && outcome === 'failed'))
  const chosen = failed.length > 0 ? failed : measured
  if (chosen.length === 0) return refuse('There is nothing to record: the virtual stage has not measured this commit.')
  const recorded = chosen.filter(({ hasGolden }) => hasGolden === true)
  if (recorded.length === 0) return refuse('There is nothing to record: no trial in `ctss.yaml` names a `golden` file.')
  return {
    kind: 'granted',
    actions: recorded.map(({ path }) => ({ kind: 'propose', proposal: 'golden', wish: wish.id, path, reason: 'somebody asked for expected results' })),
  }
}

function run(wish: Wish, what: Extract<WishKind, { kind: 'run' }>, world: RefWorld, trust: TrustDecision): WishDecision {
  if (trust.kind === 'held') return refuse(trust.isFinal === true ? trust.reason : `${trust.reason} Approve it first: \`/ctss approve\``)
  const asked = what.stages.filter((stage) => stage !== 'validate' && stage !== 'report')
  // These two are made anew in every round.
  if (what.stages.length > 0 && asked.length === 0) return { kind: 'granted' }
  const decided = addressed(wish, world).map((plugin) => planRerun(plugin, wish, what, asked, { world, trust }))
  const starts = decided.flatMap(({ start }) => start ?? [])
  const first = decided[0]
  if (starts.length === 0 && first?.refusal !== undefined && decided.every(({ refusal }) => refusal !== undefined)) return refuse(first.refusal)
  const spent = starts.length === 0 ? undefined : overBudget(world)
  return spent === undefined ? { kind: 'granted', starts } : refuse(spent)
}

function addressed({ path }: Wish, { plugins }: RefWorld): readonly PluginFacts[] {
  return path === undefined ? plugins : plugins.filter((plugin) => plugin.path === path)
}

interface Rerun {
  readonly start?: WantedRun
  /** Markdown; neither: what was asked for is under way. */
  readonly refusal?: string
}

function planRerun(
  plugin: PluginFacts,
  wish: Wish,
  { again, node }: Extract<WishKind, { kind: 'run' }>,
  asked: readonly StageName[],
  { world, trust }: { readonly world: RefWorld; readonly trust: TrustDecision },
): Rerun {
  const { plan } = plugin
  if (plan === undefined || plugin.stages.some(({ stage, outcome }) => stage === 'validate' && outcome === 'failed')) {
    return { refusal: 'Nothing can be run before the problems that validate has found are mended.' }
  }
  const absent = asked.map((name) => plan.stages.find(({ stage, kind }) => stage === name && kind === 'skip')).find((entry) => entry !== undefined)
  if (absent !== undefined) return { refusal: `${absent.stage} does not run here: ${sayText(absent.reason, 200)}.` }
  const refusal = node === undefined ? undefined : refuseNode(plan, node)
  if (refusal !== undefined) return { refusal }
  const wanted = asked.length === 0 ? applicableStages(plan) : asked
  // One that has delivered runs no more, though nobody has ended it yet.
  const open = runsOfPlugin(world, trust, plugin.path).find((candidate) => isOpen(candidate) && !candidate.isDelivered)
  if (open !== undefined && (!again || wanted.every((stage) => runsStage(open.plan, stage)))) return {}
  const next = again ? forceStages(plan, wanted) : plan
  if (!needsRun(next)) return { refusal: 'There is nothing to run: every stage has its verdict for these inputs. `--again` runs it all the same.' }
  return { start: { path: plugin.path, plan: next, wish: wish.id } }
}

function refuseNode({ stages }: RunPlan, node: string): string | undefined {
  const planned = stages.find(({ stage }) => stage === 'node')
  if (planned?.kind === 'run' && planned.runner?.includes(node) === true) return undefined
  return `The node ${sayText(node, 60)} cannot be used: ${planned?.kind === 'skip' ? sayText(planned.reason, 200) : 'this plugin runs on another one'}.`
}

/** Buttons of two checks, pressed one after the other, are one run. */
function mergeStarts(before: WantedRun | undefined, start: WantedRun): WantedRun {
  if (before === undefined) return start
  const forced = start.plan.stages.filter(({ force }) => force === true).map(({ stage }) => stage)
  return { ...before, plan: forceStages(before.plan, [...forced, ...before.plan.stages.filter(({ force }) => force === true).map(({ stage }) => stage)]) }
}
