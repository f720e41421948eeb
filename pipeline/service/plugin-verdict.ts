import type { Problem } from '../problem.ts'
import { decideVerdict } from '../report/decide-verdict.ts'
import { formatList } from '../report/format-figures.ts'
import type { StageSummary } from '../run.ts'
import type { PluginRuns } from './decide-runs.ts'
import { sayPlain } from './say.ts'
import { DONE_TITLE } from './stage-progress.ts'
import { isBad, isLive, stageStatuses, type StageStatus } from './stage-status.ts'
import type { PluginFacts } from './world.ts'

const SENTENCE_CHARACTERS = 200

/** What a plugin's checks come to. */
export interface PluginVerdict {
  readonly kind: 'failed' | 'approval' | 'unserved' | 'cancelled' | 'running' | 'passed' | 'idle'
  /** Plain text, verdict first. */
  readonly sentence: string
}

/** A plugin with what its checks say. */
export interface JudgedPlugin {
  readonly runs: PluginRuns
  readonly statuses: readonly StageStatus[]
  readonly verdict: PluginVerdict
}

/** What every plugin at the head has come to. */
export function judgePlugins(plugins: readonly PluginRuns[]): readonly JudgedPlugin[] {
  return plugins.map((runs) => {
    const statuses = stageStatuses(runs)
    return { runs, statuses, verdict: pluginVerdict(runs, statuses) }
  })
}

/** The run whose page tells of plugins; of several, the first's. */
export function runOf(judged: readonly JudgedPlugin[]): { readonly run?: string } {
  const run = judged.flatMap(({ runs }) => runs.run?.id ?? [])[0]
  return run === undefined ? {} : { run }
}

/** The answer for one plugin, in a sentence; of what still runs, what is known already. */
export function pluginVerdict({ plugin, hold, end, created }: PluginRuns, statuses: readonly StageStatus[]): PluginVerdict {
  const name = plugin.name ?? (plugin.path === '' ? 'the plugin' : plugin.path)
  const bad = statuses.find((status) => isBad(status))
  const isHeld = end === undefined && created === undefined && statuses.some((status) => isLive(status))
  if (bad === undefined && isHeld && hold?.kind === 'approval') return say('approval', 'Waits for approval by somebody with write access; validate has passed')
  if (bad === undefined && isHeld && hold?.kind === 'budget') return say('running', 'Waits: the budget is spent')
  const live = statuses.filter((status) => isLive(status))
  if (live.length > 0) return sayLive(live, bad)
  if (bad !== undefined) return sayBad(bad, name, plugin)
  const hasPassed = statuses.every(({ state }) => state.status === 'completed' && (state.conclusion === 'success' || state.conclusion === 'skipped'))
  if (!hasPassed && hold?.kind === 'owner') return say('unserved', 'Only validated: this service runs no machines here')
  if (!hasPassed) return say('idle', hold?.kind === 'draft' ? 'Only validated: the pull request is a draft' : 'Only validated: the commit message says so')
  return say('passed', decideVerdict(name, { stages: summariesOf(plugin) }).sentence)
}

function say(kind: PluginVerdict['kind'], sentence: string): PluginVerdict {
  return { kind, sentence: sayPlain(sentence, SENTENCE_CHARACTERS) }
}

function sayLive(live: readonly StageStatus[], bad: StageStatus | undefined): PluginVerdict {
  const begun = live.filter(({ state }) => state.status === 'in_progress')
  const running = begun.filter(({ title }) => title !== DONE_TITLE).map(({ stage }) => stage)
  const waiting = begun.length === 0 ? 'Queued' : 'Waits for the next machine, or for the results'
  const going = running.length === 0 ? waiting : `${formatList(running)} ${running.length === 1 ? 'runs' : 'run'}`
  return say('running', bad === undefined ? going : `${bad.stage} did not pass; ${going}`)
}

function sayBad(bad: StageStatus, name: string, plugin: PluginFacts): PluginVerdict {
  if (plugin.unjudged !== undefined) return say('failed', `Could not be judged: ${plugin.unjudged}`)
  if (bad.state.status === 'completed' && bad.state.conclusion === 'cancelled') return say('cancelled', bad.title)
  const summaries = summariesOf(plugin)
  const isDecided = summaries.some(({ outcome }) => outcome === 'failed' || outcome === 'error')
  return say('failed', isDecided ? decideVerdict(name, { stages: summaries }).sentence : bad.title)
}

function summariesOf({ path, stages }: PluginFacts): readonly StageSummary[] {
  return stages.flatMap(({ stage, outcome, state, seconds, reason, problems }) =>
    outcome === undefined
      ? []
      : [{ stage, outcome, ran: state === 'ran', seconds: seconds ?? 0, key: null, reason, problems: problems.map((problem) => inRepository(path, problem)) }],
  )
}

function inRepository(folder: string, problem: Problem): Problem {
  const { place } = problem
  return folder === '' || place === undefined ? problem : { ...problem, place: { ...place, file: `${folder}/${place.file}` } }
}
