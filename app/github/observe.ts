import { Failure, type FailureCode } from '../../pipeline/failure.ts'
import { SUMS_NAME } from '../../pipeline/forge/release-assets.ts'
import type { InstalledRepository } from '../../pipeline/ports/app-forge.ts'
import type { KnownRepository, StoredRun } from '../../pipeline/ports/service-state.ts'
import { decideTrust, trustClassOf } from '../../pipeline/service/decide-trust.ts'
import { isReleaseRef, kindOfRef } from '../../pipeline/service/ref-kind.ts'
import { needsRun } from '../../pipeline/service/stage-needs.ts'
import type {
  Access,
  Account,
  ApprovalFacts,
  HeadFacts,
  PluginFacts,
  PullRequestFacts,
  RefAddress,
  RefWorld,
  RepositoryFacts,
  RunFacts,
  TagFacts,
  WishFacts,
} from '../../pipeline/service/world.ts'
import { findPlugins, stagesOfRun, type JudgedPlugin } from './judge-commit.ts'
import type { GithubLook, GithubMemory } from './look-at-github.ts'
import type { AppServices } from './services.ts'

/** What is observed with: `look` is of one piece of work, `memory` of the process. */
export interface Observing {
  readonly services: AppServices
  readonly memory: GithubMemory
  readonly look: GithubLook
  readonly address: RefAddress
  readonly known: KnownRepository
  readonly signal: AbortSignal
}

export type Observation =
  | { readonly kind: 'observed'; readonly world: RefWorld; readonly plugins: readonly JudgedPlugin[]; readonly repository: InstalledRepository }
  /** The head of a pull request from the repository itself: its branch is the ref that counts. */
  | { readonly kind: 'branch'; readonly branch: string }

/** Budgets count what was spent in this time. */
const BUDGET_DAYS = 30

/**
 * Loads the world of a ref, the cheap and decisive facts first: of a repository that is gone or archived, a ref that is deleted, or a commit without a
 * manifest nothing more is asked. Fails as the forge, the state and the registry do.
 */
export async function observeRef(observing: Observing): Promise<Observation> {
  const { services, address, known, look } = observing
  const facts = await observeRepository(observing)
  const repository: InstalledRepository = { id: known.id, owner: facts.owner, name: facts.name, installation: known.installation ?? 0 }
  const isOpen = facts.installation.kind === 'installed' && !facts.isArchived
  const found = isOpen ? await findHead(observing, facts) : undefined
  if (found !== undefined && 'branch' in found) return { kind: 'branch', branch: found.branch }
  const runs = await services.state.runsOf(address, found?.commit)
  const wishes = isOpen ? await services.state.openWishes(address) : []
  const { folders, unreadable } = found === undefined ? { folders: [] } : await look.once('plugins', async () => listPlugins(look, found.commit))
  const isJudged = folders.length > 0 && (kindOfRef(address.ref, facts.defaultBranch) !== 'tag' || isReleaseRef(address.ref))
  const isQuiet = !isJudged && wishes.length === 0
  const [head, pullRequests, workflows, asked, tag] = await Promise.all([
    found && (isQuiet ? { commit: found.commit, message: '', pusher: undefined } : observeHead(observing, facts, found.commit)),
    found === undefined || isQuiet ? [] : observePulls(observing, facts, found),
    observeRuns(observing, runs, found?.commit),
    Promise.all(wishes.map(async (wish): Promise<WishFacts> => ({ wish, access: await observeAccess(observing, wish.by, 'now') }))),
    isJudged && found !== undefined && address.ref.startsWith(TAG) ? observeTag(observing, found.commit) : undefined,
  ])
  const bare: RefWorld = {
    now: services.clock.now(),
    ref: address.ref,
    policy: services.policy,
    repository: facts,
    head,
    pullRequests,
    plugins: [],
    runs: workflows,
    approvals: isQuiet ? [] : await observeApprovals(observing, pullRequests),
    wishes: asked,
    budget: await observeBudget(observing),
    ...(tag && { tag }),
  }
  if (unreadable !== undefined) return { kind: 'observed', world: { ...bare, plugins: [unreadable] }, plugins: [], repository }
  if (!isJudged || head === undefined) return { kind: 'observed', world: bare, plugins: [], repository }
  const plugins = await services.judge({
    repository: known.id,
    commit: head.commit,
    tree: (folder) => look.forge.tree(head.commit, folder),
    trust: trustClassOf(decideTrust(bare)),
    release: isReleaseRef(address.ref),
    runs,
    once: look.once,
    signal: observing.signal,
  })
  const world = { ...bare, plugins: plugins.map((plugin) => plugin.facts), head: { ...head, message: await observeMessage(observing, head, plugins) } }
  return { kind: 'observed', world, plugins, repository }
}

interface FoundPlugins {
  /** Of the plugins of a commit, in the repository. */
  readonly folders: readonly string[]
  /** In their place: the tree is more, or something else, than is ever judged. */
  readonly unreadable?: PluginFacts
}

/** A tree that cannot be read is the repository's fault, and its author is told; everything else fails. */
async function listPlugins({ forge }: GithubLook, commit: string): Promise<FoundPlugins> {
  try {
    return { folders: await findPlugins(forge.tree(commit)) }
  } catch (error) {
    if (!(error instanceof Failure) || !UNREADABLE.has(error.code)) throw error
    const unjudged = [error.message, error.suggestion].filter((part) => part !== undefined).join('. ')
    return { folders: [], unreadable: { path: '', name: undefined, version: undefined, stages: [], plan: undefined, fixes: [], unjudged } }
  }
}

/** What a tree fails with that no other attempt would read: see `RepositoryTree`. */
const UNREADABLE: ReadonlySet<FailureCode> = new Set<FailureCode>(['storage-corrupt', 'storage-unavailable'])
const BRANCH = 'refs/heads/'
const TAG = 'refs/tags/'

async function observeRepository({ services, memory, look, known }: Observing): Promise<RepositoryFacts> {
  const { id, owner, name, installation, isSuspended } = known
  const removed: RepositoryFacts = { id, owner, name, isPrivate: true, isArchived: false, defaultBranch: '', installation: { kind: 'removed' } }
  if (installation === undefined || isSuspended) return removed
  const lacking = await memory.lacking(services, installation)
  if (lacking === undefined) return removed
  const facts = await memory.facts(services, { id, owner, name, installation }, look.forge)
  if (facts === undefined) return removed
  if (facts.owner !== owner || facts.name !== name) await services.state.putRepository({ ...known, owner: facts.owner, name: facts.name })
  return { ...facts, id, installation: { kind: 'installed', lacking } }
}

type FoundHead = { readonly commit: string; readonly pull?: PullRequestFacts } | { readonly branch: string }

async function findHead({ address: { ref }, look }: Observing, { defaultBranch }: RepositoryFacts): Promise<FoundHead | undefined> {
  const { forge } = look
  if (kindOfRef(ref, defaultBranch) !== 'fork') {
    const commit = await look.once('head', async () => forge.refCommit(ref))
    return commit === undefined ? undefined : { commit }
  }
  const number = Number(/^refs\/pull\/(\d{1,12})\/head$/.exec(ref)?.[1] ?? Number.NaN)
  const pull = Number.isNaN(number) ? undefined : await look.once('pull', async () => forge.pull(number))
  if (pull === undefined) return undefined
  const { head, isOpen, headBranch, ...facts } = pull
  if (!pull.isFork && headBranch !== undefined) return { branch: `${BRANCH}${headBranch}` }
  return isOpen ? { commit: head, pull: facts } : undefined
}

async function observeHead(observing: Observing, { defaultBranch }: RepositoryFacts, commit: string): Promise<HeadFacts> {
  const { services, look, address } = observing
  const isFork = kindOfRef(address.ref, defaultBranch) === 'fork'
  const [told, push] = await Promise.all([services.state.pusher(address, commit), services.state.lastPush(address)])
  // Whoever pushes to a fork gains nothing by it.
  const pusher = told ?? (isFork ? undefined : await look.once('pusher', async () => look.forge.lastPusher(address.ref, commit)))
  const isBranchHead = isFork && (await look.once('branch head', async () => look.forge.isBranchHead(commit)))
  const access = pusher === undefined || isFork ? 'none' : await observeAccess(observing, pusher)
  return {
    commit,
    message: '',
    pusher: pusher && { login: pusher.login, kind: pusher.kind, access },
    ...(push?.commit === commit && { since: push.at }),
    ...(isBranchHead && { isBranchHead }),
  }
}

/** A commit can ask to be left alone, which only matters where something would run. */
async function observeMessage({ look }: Observing, { commit }: HeadFacts, plugins: readonly JudgedPlugin[]): Promise<string> {
  const isWanted = plugins.some(({ facts: { plan } }) => plan !== undefined && needsRun(plan))
  return isWanted ? look.once(`message ${commit}`, async () => (await look.forge.commit(commit))?.message ?? '') : ''
}

/** Bots are known by their names, and asked about by nobody. `now`: who commands must have the right at this moment. */
async function observeAccess({ services, memory, look, known }: Observing, { login, kind }: Account, when: 'lately' | 'now' = 'lately'): Promise<Access> {
  if (kind === 'bot') return 'none'
  return look.once(`access ${when} ${login}`, async () => (when === 'now' ? look.forge.access(login) : memory.access(services, known.id, look.forge, login)))
}

async function observePulls(
  { address: { ref }, look }: Observing,
  { defaultBranch, installation }: RepositoryFacts,
  found: Exclude<FoundHead, { branch: string }>,
): Promise<readonly PullRequestFacts[]> {
  const kind = kindOfRef(ref, defaultBranch)
  if (kind === 'fork') return found.pull === undefined ? [] : [found.pull]
  // Who does not let us see them is told so by the checks.
  const isRefused = installation.kind === 'installed' && installation.lacking.some((permission) => permission.startsWith('pull_requests'))
  return kind === 'tag' || kind === 'merge-queue' || isRefused ? [] : look.once('pulls', async () => look.forge.pullRequestsOf(ref.slice(BRANCH.length)))
}

async function observeApprovals({ services, known, address }: Observing, pulls: readonly PullRequestFacts[]): Promise<readonly ApprovalFacts[]> {
  const numbers = new Set([...(address.ref.startsWith(BRANCH) ? [0] : []), ...pulls.map(({ number }) => number)])
  return (await Promise.all([...numbers].map(async (number) => services.state.approvals(known.id, number)))).flat()
}

async function observeRuns({ services, look, address }: Observing, runs: readonly StoredRun[], head: string | undefined): Promise<readonly RunFacts[]> {
  return Promise.all(runs.map(async (run) => observeRun(services, look, run, run.ref === address.ref && run.commit !== head)))
}

/** `isFormer`: nothing else tells of its stages any more. */
async function observeRun({ state }: AppServices, look: GithubLook, stored: StoredRun, isFormer: boolean): Promise<RunFacts> {
  const { repository: _, minutes: __, workflowRun, claim, delivered, ...run } = stored
  return {
    ...run,
    workflow: workflowRun === undefined || run.state === 'ended' ? undefined : await look.workflow(workflowRun),
    isClaimed: claim !== undefined,
    isDelivered: delivered !== undefined,
    ...(isFormer && delivered !== undefined && { stages: stagesOfRun(run.plan, await state.recordsOfRun(run.id)) }),
  }
}

async function observeTag({ services, look, address }: Observing, commit: string): Promise<TagFacts> {
  const tag = address.ref.slice(TAG.length)
  const [firstCommit, releases, isReachableFromBranch] = await Promise.all([
    services.state.firstTagCommit(address, commit),
    look.once('releases', async () => look.forge.releases(tag)),
    look.once('reachable', async () => (await look.forge.isOnDefaultBranch(commit)) || look.forge.isBranchHead(commit)),
  ])
  const published = releases.find(({ isDraft }) => !isDraft)
  // The list of sums is attached last of all.
  const isWhole = published?.assets.some(({ name, isWhole: isAttached }) => name === SUMS_NAME && isAttached) === true
  return { firstCommit, release: published === undefined ? (releases.length > 0 ? 'draft' : 'none') : isWhole ? 'whole' : 'published', isReachableFromBranch }
}

async function observeBudget({ services, known }: Observing): Promise<RefWorld['budget']> {
  const since = new Date(Date.parse(services.clock.now()) - BUDGET_DAYS * 86_400_000).toISOString()
  // No runner costs service units before there is a fleet.
  return { ...(await services.state.spending(known.id, since)), ownerServiceUnits: 0 }
}
