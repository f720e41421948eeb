import { formatPlural } from '../report/format-figures.ts'
import type { WantedCheck } from './action.ts'
import { TITLE_CHARACTERS } from './check-text.ts'
import type { PluginVerdict } from './plugin-verdict.ts'
import { sayPlain } from './say.ts'
import type { RefWorld } from './world.ts'

/** A plugin's folder, and what it has come to. */
export interface SummedPlugin {
  readonly path: string
  readonly verdict: PluginVerdict
}

/** By importance: what is said of all plugins is what is said of the first of these that one has. */
const RANKS = ['failed', 'approval', 'unserved', 'cancelled', 'passed', 'idle'] as const
const CONCLUSIONS = {
  failed: 'failure',
  approval: 'action_required',
  // Where the check is required, nothing is merged that nobody has tested.
  unserved: 'action_required',
  cancelled: 'cancelled',
  passed: 'success',
  idle: 'neutral',
} as const

/** What several plugins come to, in one check: nothing is over while one of them runs. */
export function sumUp(plugins: readonly SummedPlugin[]): Pick<WantedCheck, 'state' | 'title' | 'isProgress'> {
  const running = plugins.filter(({ verdict }) => verdict.kind === 'running')
  const rank = running.length > 0 ? 'running' : (RANKS.find((kind) => plugins.some(({ verdict }) => verdict.kind === kind)) ?? 'idle')
  const [first, ...others] = plugins.filter(({ verdict }) => verdict.kind === rank)
  const passed = plugins.filter(({ verdict }) => verdict.kind === 'passed').length
  const where = plugins.length === 1 || first === undefined ? '' : `${first.path === '' ? 'root' : first.path}: `
  const title =
    plugins.length > 1 && passed === plugins.length
      ? `All ${passed} plugins passed`
      : `${where}${first?.verdict.sentence ?? ''}${others.length > 0 ? ` (and ${formatPlural(others.length, 'more plugin')})` : ''}`
  return {
    state: rank === 'running' ? { status: 'in_progress' } : { status: 'completed', conclusion: CONCLUSIONS[rank] },
    title: sayPlain(title, TITLE_CHARACTERS),
    isProgress: rank === 'running',
  }
}

/** A verdict, unless GitHub has refused what belongs to it: then somebody has to see to that first. */
export function unlessRefused({ refused = [] }: Pick<RefWorld, 'refused'>, sum: ReturnType<typeof sumUp>): ReturnType<typeof sumUp> {
  const isRefused = refused.some(({ isGrave }) => isGrave) && (sum.state.status !== 'completed' || sum.state.conclusion === 'success')
  return isRefused
    ? { state: { status: 'completed', conclusion: 'action_required' }, title: 'GitHub refused something that ctss has to do here', isProgress: false }
    : sum
}
