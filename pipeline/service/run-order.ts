import { trustClassOf, type TrustDecision } from './decide-trust.ts'
import { kindOfWorld } from './ref-kind.ts'
import type { RefWorld, RunFacts } from './world.ts'

/** Whether a run has not ended. */
export function isOpen({ state }: RunFacts): boolean {
  return state !== 'ended'
}

/** Runs of the head that count for a plugin: of its trust class, and releases for tags alone. Those under way first, then the newest; those that others have replaced are left out. */
export function runsOfPlugin(world: RefWorld, trust: TrustDecision, path: string): readonly RunFacts[] {
  const isRelease = kindOfWorld(world) === 'tag'
  const candidates = world.runs.filter(
    (run) => run.commit === world.head?.commit && run.path === path && run.release === isRelease && run.trust === trustClassOf(trust),
  )
  const replaced = new Set(candidates.map(({ cause }) => cause))
  return candidates.filter(({ id }) => !replaced.has(`instead:${id}`)).toSorted((one, other) => RANKS[one.state] - RANKS[other.state] || byAge(other, one))
}

const RANKS = { running: 0, dispatched: 0, queued: 1, ended: 2 } as const

/** The oldest first; the same order each time. */
export function byAge(one: RunFacts, other: RunFacts): number {
  return one.created < other.created ? -1 : one.created > other.created ? 1 : one.id < other.id ? -1 : 1
}
