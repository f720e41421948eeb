/** What the stand-in knows of accounts, repositories and their refs, and how it shows them. */
import type { Level, Permissions, Pushed } from './api.ts'
import { gitObjects, type Commit, type GitObjects, type Signature } from './git-objects.ts'
import type { Upstream } from './upstream.ts'

export type Json = Readonly<Record<string, unknown>>

export interface Account {
  readonly login: string
  readonly id: number
  readonly kind: 'User' | 'Organization' | 'Bot'
}

/** A movement of a ref, as `GET …/activity` tells it. */
export interface Move extends Pushed {
  readonly id: number
  readonly by: Account
  readonly at: string
  readonly kind: 'push' | 'force_push' | 'branch_creation' | 'branch_deletion' | 'pr_merge'
}

export interface Repository {
  readonly id: number
  owner: Account
  name: string
  isPrivate: boolean
  isArchived: boolean
  isDeleted: boolean
  readonly defaultBranch: string
  readonly createdAt: string
  pushedAt: string
  readonly roles: Map<string, Level>
  /** What it was forked from. */
  readonly parent: Repository | undefined
  /** Shared with its forks. */
  readonly objects: GitObjects
  /** Full refs. */
  readonly refs: Map<string, string>
  readonly moves: Move[]
  /** As emulate shows it. */
  upstream: Json
}

export interface EmitOptions {
  readonly repository?: Repository
  readonly by: Account
  /** For events about an installation itself. */
  readonly installation?: number
}

export interface World {
  readonly url: string
  readonly upstream: Upstream
  readonly accounts: ReadonlyMap<string, Account>
  readonly repositories: Map<number, Repository>
  /** By name in lower case, former names too. */
  readonly names: Map<string, number>
  /** Tells the app, if it listens. */
  emit(event: string, payload: Json, options: EmitOptions): void
  /** Hears of each ref that has moved, after its webhooks. */
  readonly onMove: ((repository: Repository, move: Move) => void)[]
  readonly deviations: Set<string>
  nowMs(): number
  /** RFC 3339 with whole seconds, as GitHub writes it. */
  stamp(): string
  nextId(): number
}

export const NOBODY = '0'.repeat(40)

/** Throws where nobody has this login. */
export function accountOf(world: World, login: string): Account {
  const account = world.accounts.get(login.toLowerCase())
  if (account === undefined) throw new Error(`nobody is called ${login} at the stand-in for GitHub: name it in \`people\``)
  return account
}

/** By its name, or one that it had; undefined: there is none. */
export function findRepository(world: World, name: string): Repository | undefined {
  const found = world.repositories.get(world.names.get(name.toLowerCase()) ?? 0)
  return found?.isDeleted ? undefined : found
}

export function fullName({ owner, name }: Repository): string {
  return `${owner.login}/${name}`
}

/** What somebody may do there: an owner and an organisation's admin all, everybody may read what is public. */
export function roleOf(repository: Repository, login: string): Level | undefined {
  if (repository.owner.login.toLowerCase() === login.toLowerCase()) return 'admin'
  return repository.roles.get(login.toLowerCase()) ?? (repository.isPrivate ? undefined : 'read')
}

const LEVELS = { read: 1, write: 2, admin: 3 } as const

/** Whether a level is enough. */
export function reaches(has: Level | undefined, needs: Level): boolean {
  return has !== undefined && LEVELS[has] >= LEVELS[needs]
}

/** A user as it stands in answers and webhooks. */
export function simpleUser({ url }: Pick<World, 'url'>, { login, id, kind }: Account): Json {
  const own = `${url}/users/${encodeURIComponent(login)}`
  const isBot = kind === 'Bot'
  return {
    login,
    id,
    node_id: nodeId(kind, id),
    avatar_url: `${url}/avatars/u/${id}`,
    gravatar_id: '',
    url: own,
    html_url: isBot ? `${url}/apps/${login.replace('[bot]', '')}` : `${url}/${login}`,
    followers_url: `${own}/followers`,
    following_url: `${own}/following{/other_user}`,
    gists_url: `${own}/gists{/gist_id}`,
    starred_url: `${own}/starred{/owner}{/repo}`,
    subscriptions_url: `${own}/subscriptions`,
    organizations_url: `${own}/orgs`,
    repos_url: `${own}/repos`,
    events_url: `${own}/events{/privacy}`,
    received_events_url: `${own}/received_events`,
    type: kind,
    user_view_type: 'public',
    site_admin: false,
  }
}

export function nodeId(kind: string, id: number): string {
  return Buffer.from(`${kind.length}:${kind}${id}`).toString('base64')
}

/** A repository as it stands in answers and webhooks. */
export function repositoryJson(world: World, repository: Repository): Json {
  const { upstream, isPrivate, isArchived, defaultBranch, parent, owner, pushedAt } = repository
  return {
    ...upstream,
    owner: simpleUser(world, owner),
    private: isPrivate,
    visibility: isPrivate ? 'private' : 'public',
    archived: isArchived,
    default_branch: defaultBranch,
    fork: parent !== undefined,
    pushed_at: pushedAt,
    html_url: `${world.url}/${fullName(repository)}`,
    custom_properties: {},
  }
}

/** What the stand-in makes where a test says nothing. */
export function makeRepository(
  world: World,
  fields: Pick<Repository, 'id' | 'owner' | 'name' | 'isPrivate' | 'defaultBranch' | 'upstream'> & Partial<Pick<Repository, 'parent' | 'roles' | 'createdAt'>>,
): Repository {
  const repository: Repository = {
    isArchived: false,
    isDeleted: false,
    createdAt: world.stamp(),
    pushedAt: world.stamp(),
    roles: new Map(),
    parent: undefined,
    objects: fields.parent?.objects ?? gitObjects(),
    refs: new Map(),
    moves: [],
    ...fields,
  }
  world.repositories.set(repository.id, repository)
  world.names.set(fullName(repository).toLowerCase(), repository.id)
  return repository
}

/** A signature of somebody, now. */
export function signatureOf(world: World, { login, id }: Account): Signature {
  return { name: login, email: `${id}+${login}@users.noreply.github.com`, date: world.stamp() }
}

/** Who wrote a commit, where its address tells. */
export function authorOf(world: World, { email }: Signature): Account | undefined {
  const [, id] = /^(\d+)\+.*@users\.noreply\.github\.com$/.exec(email) ?? []
  return id === undefined ? undefined : [...world.accounts.values()].find((account) => account.id === Number(id))
}

/** Full ref of a short or full one: a branch, unless it says otherwise. */
export function fullRef(ref: string): string {
  return ref.startsWith('refs/') ? ref : `refs/heads/${ref}`
}

/** Commit that a name means: a full ref, a branch, a tag, an id or its beginning. */
export function resolveCommit(repository: Repository, name: string): string | undefined {
  const { refs, objects, defaultBranch } = repository
  const wanted = name === 'HEAD' ? defaultBranch : name
  const id =
    refs.get(wanted) ??
    refs.get(`refs/${wanted}`) ??
    refs.get(`refs/heads/${wanted}`) ??
    refs.get(`refs/tags/${wanted}`) ??
    (/^[0-9a-f]{40}$/.test(wanted) ? wanted : /^[0-9a-f]{7,39}$/.test(wanted) ? objects.find(wanted) : undefined)
  return id === undefined ? undefined : objects.peel(id)
}

/** Moves, makes or removes (`after` undefined) a ref, and tells everybody. */
export function moveRef(world: World, repository: Repository, ref: string, after: string | undefined, by: Account, kind?: Move['kind']): Pushed {
  const before = repository.refs.get(ref) ?? NOBODY
  const commit = after ?? NOBODY
  const pushed = { ref, before, commit }
  if (before === commit) return pushed
  if (after === undefined) repository.refs.delete(ref)
  else repository.refs.set(ref, after)
  const { objects } = repository
  const [from, to] = [before === NOBODY ? undefined : objects.peel(before), after === undefined ? undefined : objects.peel(after)]
  const isForced = from !== undefined && to !== undefined && !objects.ancestors(to).has(from)
  const usual = before === NOBODY ? 'branch_creation' : after === undefined ? 'branch_deletion' : isForced ? 'force_push' : 'push'
  const move: Move = { ...pushed, id: world.nextId(), by, at: world.stamp(), kind: kind ?? usual }
  repository.moves.push(move)
  repository.pushedAt = move.at
  // Heads of pull requests move with their branches, and nobody is told.
  if (ref.startsWith('refs/pull/')) return pushed
  const isBranch = ref.startsWith('refs/heads/')
  const short = ref.replace(/^refs\/(?:heads|tags)\//, '')
  const kinds = { ref: short, ref_type: isBranch ? 'branch' : 'tag', pusher_type: 'user' }
  if (before === NOBODY)
    world.emit('create', { ...kinds, master_branch: repository.defaultBranch, description: repository.upstream['description'] ?? null }, { repository, by })
  if (after === undefined) world.emit('delete', kinds, { repository, by })
  world.emit('push', pushPayload(world, repository, move, { from, to, isForced }), { repository, by })
  for (const hear of world.onMove) hear(repository, move)
  return pushed
}

function pushPayload(
  world: World,
  repository: Repository,
  { ref, before, commit: after, by }: Move,
  { from, to, isForced }: { readonly from: string | undefined; readonly to: string | undefined; readonly isForced: boolean },
): Json {
  const { objects } = repository
  const address = `${world.url}/${fullName(repository)}`
  const show = (id: string): Json => {
    const commit = objects.commit(id)
    const changes = objects.changes(commit.parents[0] === undefined ? undefined : treeOf(objects, commit.parents[0]), commit.tree)
    const paths = (status: string): readonly string[] => changes.filter((change) => change.status === status).map(({ path }) => path)
    return {
      id,
      tree_id: commit.tree,
      distinct: true,
      message: commit.message.replace(/\n$/, ''),
      timestamp: commit.committer.date,
      url: `${address}/commit/${id}`,
      author: pushPerson(world, commit.author),
      committer: pushPerson(world, commit.committer),
      added: paths('added'),
      removed: paths('removed'),
      modified: paths('modified'),
    }
  }
  const known = from === undefined ? new Set<string>() : objects.ancestors(from)
  const isTag = ref.startsWith('refs/tags/')
  // A new branch tells those that no other branch has.
  const others = before === NOBODY ? [...repository.refs].filter(([name]) => name.startsWith('refs/heads/') && name !== ref).map(([, id]) => id) : []
  const reachable = new Set(others.flatMap((id) => [...objects.ancestors(id)]))
  const fresh = to === undefined || isTag ? [] : [...objects.ancestors(to)].filter((id) => !known.has(id) && !reachable.has(id)).toReversed()
  return {
    ref,
    before,
    after,
    base_ref: null,
    created: before === NOBODY,
    deleted: after === NOBODY,
    forced: isForced,
    compare: `${address}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits: fresh.slice(-2048).map(show),
    head_commit: to === undefined ? null : show(to),
    pusher: { name: by.login, email: signatureOf(world, by).email },
  }
}

function pushPerson(world: World, signature: Signature): Json {
  const account = authorOf(world, signature)
  const { name, email, date } = signature
  return { name, email, date, ...(account && { username: account.login }) }
}

/** The tree of a commit. */
export function treeOf(objects: GitObjects, commit: string): string {
  return objects.commit(commit).tree
}

/** Makes a commit. */
export function putCommit(world: World, repository: Repository, by: Account, fields: Pick<Commit, 'tree' | 'parents' | 'message'>): string {
  const author = signatureOf(world, by)
  return repository.objects.putCommit({ ...fields, author, committer: author })
}

/** Repositories of one account. */
export function repositoriesOf(world: World, login: string): readonly Repository[] {
  return [...world.repositories.values()].filter(({ owner, isDeleted }) => !isDeleted && owner.login.toLowerCase() === login.toLowerCase())
}

/** Permissions without those that are not given. */
export function given(permissions: Permissions): Readonly<Record<string, Level>> {
  const kept = Object.entries(permissions).filter((entry): entry is [string, Level] => entry[1] !== undefined)
  return Object.fromEntries([['metadata', 'read'], ...kept]) as Readonly<Record<string, Level>>
}
