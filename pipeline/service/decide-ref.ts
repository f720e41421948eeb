import type { Action, Decision } from './action.ts'
import { decideChecks } from './decide-checks.ts'
import { decideComments } from './decide-comment.ts'
import { completeRelease, decideRelease } from './decide-release.ts'
import { decideRuns } from './decide-runs.ts'
import { decideSuggestions } from './decide-suggestions.ts'
import { decideTrust } from './decide-trust.ts'
import { decideWishes } from './decide-wish.ts'
import { judgePlugins } from './plugin-verdict.ts'
import { kindOfWorld } from './ref-kind.ts'
import type { RefWorld } from './world.ts'

/**
 * What is to be done about a ref: the same world gives the same decision, and a world in which it was carried out gives nothing new to do.
 * The order matters: checks of a run are brought to their end before the run is, and a wish is answered when everything else is done.
 */
export function decideRef(world: RefWorld): Decision {
  // The number of a pull request whose branch is in the repository: the branch is the ref, and what was asked here is handed on to it.
  if (kindOfWorld(world) === 'fork' && world.pullRequests.some(({ isFork }) => !isFork)) return { actions: [] }
  if (!isWritable(world)) return leaveAlone(world)
  const trust = decideTrust(world)
  const release = decideRelease(world, trust)
  const scope = scopeOf(world, release)
  const wishes = decideWishes(scope, trust)
  const runs = decideRuns(scope, trust, wishes, sayRefusal(release))
  const judged = judgePlugins(runs.plugins)
  const actions = [
    ...wishes.actions,
    ...decideChecks(scope, { judged, former: runs.former, release, trust }),
    ...runs.actions,
    ...decideComments(scope, judged, trust),
    ...decideSuggestions(scope),
    ...completeRelease(scope, release),
    ...wishes.answers,
  ]
  return withWake(actions, [...wishes.wakeTimes, ...runs.wakeTimes])
}

function isWritable({ repository }: RefWorld): boolean {
  return repository.installation.kind === 'installed' && !repository.isArchived
}

/** Nothing can be written there: what runs is stopped, and what was asked is done with. */
function leaveAlone(world: RefWorld): Decision {
  const none = { starts: new Map(), cancelled: new Map(), actions: [], answers: [], wakeTimes: [] } as const
  const { actions } = decideRuns({ ...world, plugins: [] }, { kind: 'held', reason: '' }, none, undefined)
  const answers = world.wishes.map(({ wish }) => ({ kind: 'answer', wish: wish.id, reason: 'nothing can be written there' }) as const)
  return { actions: [...actions, ...answers] }
}

/** Why a run of a tag has to end. */
function sayRefusal(release: ReturnType<typeof decideRelease>): string | undefined {
  if (release.kind === 'untold') return 'nobody knows who pushed the tag'
  return release.kind === 'refused' ? release.title : undefined
}

/** A tag is about one plugin; one that is no release is about none. Of a fork's commit that is a branch's, too, the branch tells. */
function scopeOf(world: RefWorld, release: ReturnType<typeof decideRelease>): RefWorld {
  if (kindOfWorld(world) === 'fork' && world.head?.isBranchHead === true) return { ...world, plugins: [] }
  if (kindOfWorld(world) !== 'tag') return world
  return { ...world, plugins: release.kind === 'release' ? [release.plugin] : [] }
}

function withWake(actions: readonly Action[], times: readonly number[]): Decision {
  return times.length === 0 ? { actions } : { actions, wakeAt: new Date(Math.min(...times)).toISOString() }
}
