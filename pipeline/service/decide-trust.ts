import { kindOfWorld } from './ref-kind.ts'
import { sayAccount, sayCommit } from './say.ts'
import type { HeadFacts, PullRequestFacts, RefWorld, Trust } from './world.ts'

/** Who pushes a merge queue's branches; only people with write access add to a queue. */
const MERGE_QUEUE_BOT = 'github-merge-queue[bot]'

export type TrustDecision =
  | { readonly kind: 'trusted' }
  /** Somebody with write access has approved exactly this commit: it runs, as untrusted. */
  | { readonly kind: 'approved'; readonly by: string }
  /** Only `validate` runs, which runs nothing of theirs. `reason` is a sentence in Markdown. `isFinal`: nobody with write access can change it. */
  | { readonly kind: 'held'; readonly reason: string; readonly isFinal?: true }

/**
 * Whether the head may spend a machine. Decided from whose repository it is, who pushed where, and approvals alone: nothing that a commit, a title or a
 * branch's name says gives a right. Who is unknown is not trusted. Of a fork's pull request it is the repository that it was opened in that counts.
 */
export function decideTrust(world: RefWorld): TrustDecision {
  const { head } = world
  if (head === undefined) return { kind: 'held', reason: 'There is no commit any more.' }
  if (!isServed(world)) return { kind: 'held', reason: sayUnserved(world), isFinal: true }
  const isFork = kindOfWorld(world) === 'fork'
  if (!isFork && isTrustedPusher(world, head)) return { kind: 'trusted' }
  const approval =
    kindOfWorld(world) === 'tag' ? undefined : world.approvals.find(({ commit, pullRequest }) => commit === head.commit && isAbout(world, pullRequest))
  if (approval !== undefined) return { kind: 'approved', by: approval.by }
  return { kind: 'held', reason: isFork ? `Commit ${sayCommit(head.commit)} comes from a fork.` : sayPusher(head) }
}

/** The class that runs of the head have, and by which records are kept apart. */
export function trustClassOf({ kind }: TrustDecision): Trust {
  return kind === 'trusted' ? 'trusted' : 'untrusted'
}

/** Open pull requests that the ref is the head of; a fork's branch of the same name is another one. */
export function pullRequestsOf(world: RefWorld): readonly PullRequestFacts[] {
  const isFork = kindOfWorld(world) === 'fork'
  return world.pullRequests.filter((pull) => pull.isFork === isFork && (!isFork || world.ref === `refs/pull/${pull.number}/head`))
}

/** Number that an approval of the head is kept under: the pull request's; 0 for a branch without one. */
export function approvalNumberOf(world: RefWorld): number {
  const [, number] = /^refs\/pull\/(\d+)\/head$/.exec(world.ref) ?? []
  return number === undefined ? (pullRequestsOf(world)[0]?.number ?? 0) : Number(number)
}

function isAbout(world: RefWorld, pullRequest: number): boolean {
  const isBranch = kindOfWorld(world) !== 'fork'
  return (isBranch && pullRequest === 0) || approvalNumberOf(world) === pullRequest || pullRequestsOf(world).some(({ number }) => number === pullRequest)
}

function isServed({ policy: { owners }, repository: { owner } }: RefWorld): boolean {
  return owners === undefined || owners.includes(owner.toLowerCase())
}

function sayUnserved({ repository: { owner } }: RefWorld): string {
  return `This service runs no machines for ${sayAccount({ login: owner })}: its operator lists whose plugins it runs (OWNERS).`
}

function isTrustedPusher(world: RefWorld, { pusher }: HeadFacts): boolean {
  if (pusher === undefined) return false
  if (pusher.kind === 'person') return pusher.access === 'write'
  return world.policy.trustedBots.includes(pusher.login) || (kindOfWorld(world) === 'merge-queue' && pusher.login === MERGE_QUEUE_BOT)
}

function sayPusher({ commit, pusher }: HeadFacts): string {
  if (pusher === undefined) return `Nobody knows who pushed commit ${sayCommit(commit)}.`
  const who = sayAccount(pusher)
  return pusher.kind === 'bot' ? `${who} pushed this, and is not among the trusted bots.` : `${who} pushed this, and may not write here.`
}
