import { clipText } from '../report/sanitise-text.ts'
import { escapeMarkdown } from '../report/escape-markdown.ts'
import type { Action } from './action.ts'
import type { JudgedPlugin } from './plugin-verdict.ts'
import { pullRequestsOf } from './decide-trust.ts'
import { hasPermission } from './permissions.ts'
import { isLive } from './stage-status.ts'
import type { RefWorld } from './world.ts'

const HEADLINE_CHARACTERS = 300

/**
 * One comment per pull request and plugin: a table while stages run, then the report. Drafts and commits that ask to be left alone get one only where
 * validate has found something.
 */
export function decideComments(world: RefWorld, judged: readonly JudgedPlugin[]): readonly Action[] {
  if (!hasPermission(world, 'pull_requests')) return []
  return pullRequestsOf(world).flatMap(({ number }) =>
    judged
      .filter(({ verdict }) => verdict.kind !== 'idle')
      .map(({ runs: { plugin }, statuses, verdict }) => ({
        kind: 'put-comment',
        pullRequest: number,
        path: plugin.path,
        state: verdict.kind !== 'approval' && statuses.some((status) => isLive(status)) ? 'running' : 'final',
        headline: escapeMarkdown(clipText(verdict.sentence, HEADLINE_CHARACTERS)),
        reason: verdict.sentence,
      })),
  )
}
