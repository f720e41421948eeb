import type { Action, WantedCheck } from './action.ts'
import { externalIdOf, stageOfCheck, SUMMARY_CHECK } from './check-identity.ts'
import { joinParagraphs, sayNotes, stageTable } from './check-text.ts'
import type { ReleaseDecision } from './decide-release.ts'
import type { FormerRun } from './decide-runs.ts'
import type { TrustDecision } from './decide-trust.ts'
import { formerChecks } from './former-checks.ts'
import { hasPermission } from './permissions.ts'
import { runOf, type JudgedPlugin } from './plugin-verdict.ts'
import { kindOfWorld } from './ref-kind.ts'
import { releaseChecks } from './release-check.ts'
import { BUTTONS, stageCheck } from './stage-check.ts'
import { isBad } from './stage-status.ts'
import { sumUp, unlessRefused } from './sum-up.ts'
import type { RefWorld } from './world.ts'

/** What the checks are made of. */
export interface ChecksFacts {
  readonly judged: readonly JudgedPlugin[]
  readonly former: readonly FormerRun[]
  readonly release: ReleaseDecision
  readonly trust: TrustDecision
}

/**
 * The checks as they should be: one per stage and plugin, and one that sums up; of a tag a single one. Runs of earlier commits bring theirs to an end.
 * A repository without plugin gets none.
 */
export function decideChecks(world: RefWorld, { judged, former, release, trust }: ChecksFacts): readonly Action[] {
  if (!hasPermission(world, 'checks')) return []
  const checks = kindOfWorld(world) === 'tag' ? releaseChecks(world, release, judged) : headChecks(world, judged, trust)
  return [...formerChecks(world, former), ...checks].map((check) => ({ kind: 'put-check', check, reason: check.title }))
}

function headChecks(world: RefWorld, judged: readonly JudgedPlugin[], trust: TrustDecision): readonly WantedCheck[] {
  const { head } = world
  if (head === undefined || judged.length === 0) return []
  const stages = judged.flatMap(({ runs, statuses }) =>
    statuses.map((status) =>
      stageCheck(world, head.commit, {
        path: runs.plugin.path,
        run: runs.run?.id,
        status,
        canRecord: trust.kind === 'trusted' && runs.plugin.hasGolden === true,
      }),
    ),
  )
  // GitHub takes so many writes at a time: what people wait for goes first, but nothing is said to have passed before all of it has.
  const isVerdict = ({ name }: WantedCheck): boolean => stageOfCheck(name) === 'validate'
  const [verdicts, others] = [stages.filter(isVerdict), stages.filter((check) => !isVerdict(check))]
  const summary = summaryCheck(world, head.commit, judged, trust)
  const hasPassed = summary.state.status === 'completed' && summary.state.conclusion === 'success'
  return hasPassed ? [...verdicts, ...others, summary] : [...verdicts, summary, ...others]
}

function summaryCheck(world: RefWorld, commit: string, judged: readonly JudgedPlugin[], trust: TrustDecision): WantedCheck {
  const { state, title, isProgress } = unlessRefused(world, sumUp(judged.map(({ runs, verdict }) => ({ path: runs.plugin.path, verdict }))))
  const waitsForApproval = judged.some(({ verdict }) => verdict.kind === 'approval')
  const hasFailed = judged.some(
    ({ verdict, statuses }) =>
      verdict.kind === 'cancelled' || (verdict.kind === 'failed' && statuses.some((status) => isBad(status) && status.stage !== 'validate')),
  )
  return {
    name: SUMMARY_CHECK,
    externalId: externalIdOf(world.ref, ''),
    commit,
    state,
    title,
    summary: joinParagraphs(
      [...sayNotes(world, judged, trust), ...(waitsForApproval ? [sayApproval(commit)] : []), ...judged.map((plugin) => stageTable(plugin, judged.length > 1))],
      title,
    ),
    annotations: [],
    buttons: state.status !== 'completed' ? [] : waitsForApproval ? [BUTTONS.approve] : hasFailed ? [BUTTONS.run] : [],
    ...runOf(judged),
    isProgress,
  }
}

function sayApproval(commit: string): string {
  return `Only \`validate\` has run, which runs nothing of this commit. Read the changes first; then press Approve, or comment:\n\n\`\`\`\n/ctss approve ${commit}\n\`\`\`\n\nA new push needs a new approval.`
}
