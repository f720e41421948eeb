import type { WantedCheck } from './action.ts'
import { externalIdOf, releaseCheckName, SUMMARY_CHECK } from './check-identity.ts'
import { joinParagraphs } from './check-text.ts'
import type { FormerRun } from './decide-runs.ts'
import type { PluginVerdict } from './plugin-verdict.ts'
import { kindOfWorld, nameOfRef } from './ref-kind.ts'
import { sayCommit } from './say.ts'
import { stageCheck } from './stage-check.ts'
import { formerStatuses, isBad, type StageStatus } from './stage-status.ts'
import { sumUp } from './sum-up.ts'
import type { RefWorld } from './world.ts'

/** Checks of an earlier commit, which nobody else will bring to an end. */
export function formerChecks(world: RefWorld, former: readonly FormerRun[]): readonly WantedCheck[] {
  const commits = [...new Set(former.map(({ run }) => run.commit))]
  return commits.flatMap((commit) => {
    const runs = former.filter(({ run }) => run.commit === commit)
    const judged = runs.map((entry) => ({ entry, statuses: formerStatuses(entry) }))
    const isTag = kindOfWorld(world) === 'tag'
    const stages = isTag
      ? []
      : judged.flatMap(({ entry: { run }, statuses }) =>
          statuses.map((status) => stageCheck(world, commit, { path: run.path, run: run.id, status, canRecord: false })),
        )
    return [...stages.map((check) => ({ ...check, buttons: [] })), formerSummary(world, commit, judged)]
  })
}

function formerSummary(
  world: RefWorld,
  commit: string,
  judged: readonly { readonly entry: FormerRun; readonly statuses: readonly StageStatus[] }[],
): WantedCheck {
  const { state, title, isProgress } = sumUp(judged.map(({ entry: { run, end }, statuses }) => ({ path: run.path, verdict: formerVerdict(end, statuses) })))
  const [first] = judged
  return {
    name: kindOfWorld(world) === 'tag' ? releaseCheckName(nameOfRef(world.ref)) : SUMMARY_CHECK,
    externalId: externalIdOf(world.ref, ''),
    commit,
    state,
    title,
    summary: joinParagraphs(world.head === undefined ? [] : [`The newest commit is ${sayCommit(world.head.commit)}.`], title),
    annotations: [],
    buttons: [],
    ...(first !== undefined && { run: first.entry.run.id }),
    isProgress,
  }
}

function formerVerdict(end: FormerRun['end'], statuses: readonly StageStatus[]): PluginVerdict {
  const bad = statuses.find((status) => isBad(status))
  if (end === undefined) return { kind: 'running', sentence: 'Stages of this commit still run' }
  if (end.outcome === 'cancelled') return { kind: 'cancelled', sentence: `Cancelled: ${end.reason}` }
  if (end.outcome === 'passed') return { kind: 'passed', sentence: 'Passed' }
  return { kind: 'failed', sentence: bad === undefined ? 'Did not pass' : `${bad.stage}: ${bad.title}` }
}
