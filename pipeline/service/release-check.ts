import type { WantedCheck } from './action.ts'
import { externalIdOf, releaseCheckName } from './check-identity.ts'
import { joinParagraphs, sayNotes, stageTable, TITLE_CHARACTERS } from './check-text.ts'
import { isPublished, type ReleaseDecision } from './decide-release.ts'
import { hasPermission } from './permissions.ts'
import { runOf, type JudgedPlugin } from './plugin-verdict.ts'
import { nameOfRef } from './ref-kind.ts'
import { sayPlain } from './say.ts'
import { BUTTONS } from './stage-check.ts'
import { isBad, isLive } from './stage-status.ts'
import { sumUp, unlessRefused } from './sum-up.ts'
import type { RefWorld } from './world.ts'

/** The one check of a tag; none for a tag that is nobody's business. */
export function releaseChecks(world: RefWorld, release: ReleaseDecision, judged: readonly JudgedPlugin[]): readonly WantedCheck[] {
  const { head } = world
  if (head === undefined || release.kind === 'none') return []
  const path = release.kind === 'release' ? release.plugin.path : ''
  const base = {
    name: releaseCheckName(nameOfRef(world.ref)),
    externalId: externalIdOf(world.ref, path),
    commit: head.commit,
    annotations: [],
    ...runOf(judged),
  }
  if (release.kind !== 'release') {
    const title = release.kind === 'untold' ? 'Waits to be told who pushed the tag' : `Not released: ${release.title}`
    return [
      {
        ...base,
        state: release.kind === 'untold' ? { status: 'queued' } : { status: 'completed', conclusion: 'failure' },
        title: sayPlain(title, TITLE_CHARACTERS),
        summary: joinParagraphs([release.reason, release.mend], title),
        buttons: [],
        isProgress: false,
      },
    ]
  }
  return judged.map((plugin) => {
    const { state, title, isProgress } = unlessRefused(world, sumUpRelease(world, release, plugin))
    const isRetried =
      state.status === 'completed' && state.conclusion !== 'success' && plugin.statuses.some((status) => isBad(status) && status.stage !== 'validate')
    return {
      ...base,
      state,
      title,
      summary: joinParagraphs([...sayNotes(world, [plugin], { kind: 'trusted' }), stageTable(plugin, false)], title),
      buttons: isRetried ? [BUTTONS.run] : [],
      isProgress,
    }
  })
}

function sumUpRelease(
  world: RefWorld,
  { plugin }: Extract<ReleaseDecision, { kind: 'release' }>,
  judged: JudgedPlugin,
): Pick<WantedCheck, 'state' | 'title' | 'isProgress'> {
  const isOver = !judged.statuses.some((status) => isLive(status))
  const name = sayPlain(`${plugin.name ?? plugin.path} ${plugin.version ?? ''}`, TITLE_CHARACTERS)
  if (!isOver || !isPublished(plugin)) {
    const summary = sumUp([{ path: plugin.path, verdict: judged.verdict }])
    const isPassed = summary.state.status === 'completed' && summary.state.conclusion === 'success'
    // Everything that ran has passed, and nothing was published: that is no release.
    return isPassed ? { state: { status: 'completed', conclusion: 'failure' }, title: 'Not released: publish has not run', isProgress: false } : summary
  }
  const { tag } = world
  if (tag?.release === 'whole' || tag?.release === 'published' || !hasPermission(world, 'contents'))
    return { state: { status: 'completed', conclusion: 'success' }, title: `Released ${name}`, isProgress: false }
  return { state: { status: 'in_progress' }, title: `Published ${name}; the release at GitHub is being completed`, isProgress: true }
}
