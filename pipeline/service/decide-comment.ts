import { escapeMarkdown } from '../report/escape-markdown.ts'
import type { Verdict } from '../report/report.ts'
import { clipText } from '../report/sanitise-text.ts'
import type { Action } from './action.ts'
import { pullRequestsOf, type TrustDecision } from './decide-trust.ts'
import { hasPermission } from './permissions.ts'
import type { JudgedPlugin } from './plugin-verdict.ts'
import { isBad, isLive } from './stage-status.ts'
import type { RefWorld } from './world.ts'

const SENTENCE_CHARACTERS = 300
const RERUN = 'Press Re-run in the check, or comment: /ctss run'

/**
 * One comment per pull request and plugin: a table while stages run, then the report. Drafts, commits that ask to be left alone, and repositories for which
 * nothing runs get one only where validate has found something.
 */
export function decideComments(world: RefWorld, judged: readonly JudgedPlugin[], trust: TrustDecision): readonly Action[] {
  if (!hasPermission(world, 'pull_requests')) return []
  return pullRequestsOf(world).flatMap(({ number }) =>
    judged
      .filter(({ verdict }) => verdict.kind !== 'idle' && verdict.kind !== 'unserved')
      .map((plugin): Action => {
        const { runs, statuses, verdict } = plugin
        const comment = { kind: 'put-comment', pullRequest: number, path: runs.plugin.path } as const
        if (verdict.kind !== 'approval' && statuses.some((status) => isLive(status)))
          return { ...comment, state: 'running', headline: escapeMarkdown(clipText(verdict.sentence, SENTENCE_CHARACTERS)), reason: verdict.sentence }
        const known = serviceVerdict(plugin, world.head?.commit ?? '', trust)
        return { ...comment, state: 'final', ...(known !== undefined && { verdict: known }), reason: verdict.sentence }
      }),
  )
}

/** What the records do not tell: who is waited for, who has stopped a run, and that none is made on somebody's laptop. */
function serviceVerdict(
  { runs: { plugin, end }, statuses, verdict: { kind, sentence } }: JudgedPlugin,
  commit: string,
  trust: TrustDecision,
): Verdict | undefined {
  if (kind === 'approval')
    return { outcome: 'error', sentence, next: `Read the changes, then press Approve in the check ctss, or comment: /ctss approve ${commit}` }
  if (kind === 'cancelled') return { outcome: 'error', sentence, next: RERUN }
  if (kind === 'passed')
    return trust.kind === 'approved'
      ? { outcome: 'passed', sentence, next: 'Merge it: what a fork proposes is tested, and published from the branch.' }
      : undefined
  // The first problem of a stage says better what to do next.
  if (kind !== 'failed' || plugin.stages.some(({ outcome }) => outcome === 'failed')) return undefined
  if (end?.outcome === 'failed') return { outcome: 'failed', sentence, next: 'Open Details of its check: the page of the run tells more.' }
  if (plugin.unjudged !== undefined) return { outcome: 'failed', sentence, next: 'Mend that, and push again.' }
  const isTimeout = statuses.some((status) => isBad(status) && status.state.status === 'completed' && status.state.conclusion === 'timed_out')
  return isTimeout
    ? { outcome: 'failed', sentence, next: 'Make it shorter, or ask the operator for more time.' }
    : { outcome: 'error', sentence, next: `This is not a fault of the repository. ${RERUN}` }
}
