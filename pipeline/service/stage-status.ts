import type { RunPlan } from '../../schemas/generated/types.ts'
import type { Problem } from '../problem.ts'
import { formatPlural, formatSeconds, formatTime } from '../report/format-figures.ts'
import type { StageName } from '../stage.ts'
import type { WantedCheck } from './action.ts'
import type { FormerRun, PluginRuns } from './decide-runs.ts'
import { isTimeout, type RunEnd } from './run-steps.ts'
import { sayCommit, sayPlain, sayText } from './say.ts'
import { readProgress } from './stage-progress.ts'
import { forcedStages, runsStage } from './stage-needs.ts'
import type { RunFacts, StageFacts } from './world.ts'

/** How one stage of one plugin stands, as its check says it. */
export interface StageStatus {
  readonly stage: StageName
  readonly state: WantedCheck['state']
  /** Plain text. */
  readonly title: string
  /** Markdown; empty: the title says it all. */
  readonly text: string
  readonly problems: readonly Problem[]
}

const TITLE_CHARACTERS = 150
const REASON_CHARACTERS = 400

/** What a stage's state is told from. */
interface Context {
  readonly run: RunFacts | undefined
  readonly end: RunEnd | undefined
  /** Of a run that will make its stages' results, and has delivered none. */
  readonly open: RunPlan | undefined
  readonly waits: string | undefined
  readonly hold: PluginRuns['hold']
  /** A stage before this one that did not pass. */
  readonly stopper: StageName | undefined
}

/** Every stage of a plugin at the head. */
export function stageStatuses({ plugin, run, end, created, waits, hold }: PluginRuns): readonly StageStatus[] {
  // The new run has no jobs yet.
  const context =
    created === undefined
      ? { run, end, open: end === undefined ? run?.plan : undefined, waits, hold }
      : { run: undefined, end: undefined, open: created, waits, hold }
  if (plugin.unjudged !== undefined)
    return [
      unjudged(plugin.unjudged),
      ...plugin.stages.filter(({ stage }) => stage !== 'validate').map((facts) => done(facts.stage, 'skipped', 'The plugin could not be judged')),
    ]
  return statusesOf(plugin.stages, context)
}

/** The stages that a run of an earlier commit was to run: the others have had their verdict at the time. */
export function formerStatuses({ run, end }: FormerRun): readonly StageStatus[] {
  const known: readonly StageFacts[] = run.stages ?? run.plan.stages.map(({ stage }) => ({ stage, state: 'planned', reason: '', problems: [] }))
  const context = { run, end, open: end === undefined ? run.plan : undefined, waits: undefined, hold: undefined }
  return statusesOf(known, context).filter(({ stage }) => runsStage(run.plan, stage))
}

/** Whether it has no verdict yet, and will get one without anybody doing anything. */
export function isLive({ state }: StageStatus): boolean {
  return state.status !== 'completed'
}

/** Whether it ended without passing. */
export function isBad({ state }: StageStatus): boolean {
  return state.status === 'completed' && ['failure', 'timed_out', 'cancelled', 'action_required'].includes(state.conclusion)
}

function statusesOf(stages: readonly StageFacts[], context: Omit<Context, 'stopper'>): readonly StageStatus[] {
  const statuses: StageStatus[] = []
  let stopper: StageName | undefined
  for (const facts of stages) {
    statuses.push(statusOf(facts, { ...context, stopper }))
    if (isBadOutcome(facts) && !isMadeAnew(facts, context.open)) stopper ??= facts.stage
  }
  return statuses
}

function statusOf(facts: StageFacts, context: Context): StageStatus {
  const { stage, state, outcome, reason } = facts
  const isAnew = isMadeAnew(facts, context.open)
  if (outcome !== undefined && outcome !== 'skipped' && !isAnew) return verdict(facts, outcome)
  if (!isAnew && (state === 'skipped' || outcome === 'skipped')) return done(stage, 'skipped', `Skipped: ${reason}`)
  if (context.stopper !== undefined) return done(stage, 'skipped', `Skipped: ${context.stopper} did not pass`)
  if (context.open !== undefined) return going(facts, context)
  return context.end === undefined ? held(stage, context) : cutShort(stage, context.end)
}

function isBadOutcome({ outcome }: StageFacts): boolean {
  return outcome === 'failed' || outcome === 'error'
}

/** A run delivers at its end, so that what is known of a stage that it runs is an earlier run's, and counts if it may be used again. */
function isMadeAnew(facts: StageFacts, open: RunPlan | undefined): boolean {
  if (open === undefined || !runsStage(open, facts.stage)) return false
  return facts.outcome !== 'passed' || forcedStages(open).includes(facts.stage)
}

function verdict(facts: StageFacts, outcome: 'passed' | 'failed' | 'error'): StageStatus {
  const { stage, problems, reason } = facts
  const conclusion = outcome === 'passed' ? 'success' : 'failure'
  const title = outcome === 'error' ? `Could not be finished: ${reason}` : outcome === 'failed' ? sayFailed(problems) : sayPassed(facts)
  return {
    ...done(stage, conclusion, title),
    text: [sayReuse(facts), outcome === 'error' ? 'This is not a fault of the repository: run it again.' : ''].filter(Boolean).join('\n\n'),
    problems,
  }
}

function sayFailed(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const [first] = errors
  if (first === undefined) return 'Did not pass'
  return `${first.message}${errors.length > 1 ? ` (and ${formatPlural(errors.length - 1, 'more problem')})` : ''}`
}

function sayPassed({ stage, state, from, seconds, problems }: StageFacts): string {
  const notes = [
    ...(problems.length > 0 ? [formatPlural(problems.length, 'remark')] : []),
    ...(state === 'reused' && from !== undefined ? [`result of ${from.commit === null ? 'an earlier run' : `commit ${from.commit.slice(0, 7)}`}`] : []),
    // Validate is timed anew in every round, and its check would never come to rest.
    ...(state === 'ran' && stage !== 'validate' && seconds !== undefined ? [formatSeconds(seconds)] : []),
  ]
  return notes.length === 0 ? 'Passed' : `Passed, ${notes.join(', ')}`
}

function sayReuse({ state, from }: StageFacts): string {
  if (state !== 'reused' || from === undefined) return ''
  const source = from.commit === null ? 'an earlier run' : `commit ${sayCommit(from.commit)}`
  return `Nothing that it depends on has changed since ${source}, so that the result of ${formatTime(from.ended)} counts.`
}

function going(facts: StageFacts, { run, waits }: Context): StageStatus {
  const progress = readProgress(run, facts)
  const state: WantedCheck['state'] =
    progress.status === 'queued' ? { status: 'queued' } : { status: 'in_progress', ...(progress.started !== undefined && { started: progress.started }) }
  return { stage: facts.stage, state, title: progress.title, text: waits ?? '', problems: [] }
}

function held(stage: StageName, { hold }: Context): StageStatus {
  switch (hold?.kind) {
    case 'draft':
      return { ...done(stage, 'neutral', 'Not run: the pull request is a draft'), text: hold.reason }
    case 'skip':
      return { ...done(stage, 'neutral', 'Not run: the commit message says so'), text: hold.reason }
    case 'owner':
      return { ...done(stage, 'neutral', 'Not run: this service runs no machines here'), text: hold.reason }
    case 'approval':
      return { ...waiting(stage, 'Waits for approval'), text: hold.reason }
    case 'budget':
      return { ...waiting(stage, 'Waits: the budget is spent'), text: hold.reason }
    case undefined:
      return waiting(stage, 'Waits')
  }
}

/** A run has ended, and left no record of this stage. */
function cutShort(stage: StageName, end: RunEnd): StageStatus {
  if (end.outcome === 'passed') return done(stage, 'success', 'Passed')
  if (end.outcome === 'failed') return { ...done(stage, 'failure', 'The run did not pass'), text: 'Its page tells more.' }
  if (end.outcome === 'error')
    return { ...done(stage, 'failure', `Could not be finished: ${end.reason}`), text: 'This is not a fault of the repository: run it again.' }
  return isTimeout(end)
    ? { ...done(stage, 'timed_out', `Stopped: ${end.reason}`), text: 'Make it shorter, or ask the operator for more time.' }
    : done(stage, 'cancelled', `Cancelled: ${end.reason}`)
}

function unjudged(sentence: string): StageStatus {
  return { ...done('validate', 'failure', 'Could not be judged'), text: sayText(sentence, REASON_CHARACTERS) }
}

function done(stage: StageName, conclusion: Extract<WantedCheck['state'], { status: 'completed' }>['conclusion'], title: string): StageStatus {
  return { stage, state: { status: 'completed', conclusion }, title: sayPlain(title, TITLE_CHARACTERS), text: '', problems: [] }
}

function waiting(stage: StageName, title: string): StageStatus {
  return { stage, state: { status: 'queued' }, title, text: '', problems: [] }
}
