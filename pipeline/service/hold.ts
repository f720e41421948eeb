import { overBudget } from './budget.ts'
import { pullRequestsOf, type TrustDecision } from './decide-trust.ts'
import { kindOfWorld } from './ref-kind.ts'
import { needsRun } from './stage-needs.ts'
import type { PluginFacts, RefWorld } from './world.ts'

/** `[skip ctss]`, as the systems that people know read it: anywhere in the message, whatever its case. */
const SKIP = /\[(?:skip ctss|ctss skip)\]/i

/** Why nothing more of a plugin is run for now. `reason` is a sentence in Markdown. */
export interface Hold {
  /** `approval` waits for a person, `budget` for time to pass; `draft`, `skip` and `owner` (of whom the operator runs nothing) are meant so. */
  readonly kind: 'approval' | 'budget' | 'draft' | 'owner' | 'skip'
  readonly reason: string
}

/** Holds that concern what nobody has asked for; who asks by a command means it. */
export function reasonToHold(plugin: PluginFacts, world: RefWorld, trust: TrustDecision): Hold | undefined {
  if (plugin.plan === undefined || !needsRun(plugin.plan)) return undefined
  if (trust.kind === 'held') return { kind: trust.isFinal === true ? 'owner' : 'approval', reason: trust.reason }
  const isTag = kindOfWorld(world) === 'tag'
  if (!isTag && isSkipped(world, trust)) return { kind: 'skip', reason: 'The commit message says `[skip ctss]`.' }
  const pulls = pullRequestsOf(world)
  if (world.policy.drafts === 'validate' && pulls.length > 0 && pulls.every(({ isDraft }) => isDraft)) {
    return { kind: 'draft', reason: 'The pull request is a draft: the stages run when it is ready for review.' }
  }
  const spent = overBudget(world)
  return spent === undefined ? undefined : { kind: 'budget', reason: spent }
}

/** A merge queue's message holds the titles of pull requests, which strangers write. */
function isSkipped(world: RefWorld, trust: TrustDecision): boolean {
  return trust.kind === 'trusted' && kindOfWorld(world) !== 'merge-queue' && SKIP.test(world.head?.message ?? '')
}
