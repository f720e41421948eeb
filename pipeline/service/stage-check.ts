import type { CheckButton, WantedCheck } from './action.ts'
import { annotateProblems } from './check-annotations.ts'
import { externalIdOf, stageCheckName } from './check-identity.ts'
import { joinParagraphs, listProblems, sayRest } from './check-text.ts'
import { isBad, type StageStatus } from './stage-status.ts'
import type { RefWorld } from './world.ts'

/** Labels ≤ 20, descriptions ≤ 40, identifiers ≤ 20 characters (docs.github.com, REST "Check runs"); read by `readDelivery`. */
export const BUTTONS = {
  run: { label: 'Re-run', description: 'Run what has not passed', identifier: 'run' },
  again: { label: 'Re-run', description: 'Run this stage again', identifier: 'again' },
  approve: { label: 'Approve', description: 'Let this commit run', identifier: 'approve' },
  record: { label: 'Record golden', description: 'Propose these results as expected', identifier: 'record' },
} as const satisfies Readonly<Record<string, CheckButton>>

/** What the check of one stage is made of. `canRecord`: what was measured may be proposed as expected. */
export interface StageCheckFacts {
  readonly path: string
  readonly run: string | undefined
  readonly status: StageStatus
  readonly canRecord: boolean
}

/** The check of one stage of one plugin. */
export function stageCheck({ ref }: RefWorld, commit: string, { path, run, status, canRecord }: StageCheckFacts): WantedCheck {
  const { annotations, unplaced, rest } = annotateProblems(status.problems, path)
  const isOver = status.state.status === 'completed'
  return {
    name: stageCheckName(status.stage, path),
    externalId: externalIdOf(ref, path),
    commit,
    state: status.state,
    title: status.title,
    summary: joinParagraphs([status.text, ...listProblems(unplaced), sayRest(rest)], status.title),
    annotations,
    buttons: isOver ? stageButtons(status, canRecord) : [],
    ...(run !== undefined && { run }),
    isProgress: !isOver,
  }
}

function stageButtons(status: StageStatus, canRecord: boolean): readonly CheckButton[] {
  if (!isBad(status) || status.stage === 'validate') return []
  const isMeasured = status.stage === 'virtual' && status.problems.length > 0 && canRecord
  return [BUTTONS.again, ...(isMeasured ? [BUTTONS.record] : [])]
}
