/** Pull requests and the merge queue; their conversation is an issue of emulate. */
import type { StoredPull } from './api.ts'
import { commitJson, fileJson } from './git-routes.ts'
import { created, invalid, NOT_FOUND, ok, page, text, type Handlers, type Request } from './handled.ts'
import type { LocalAnswer } from './releases.ts'
import type { FileDiff } from './git-objects.ts'
import { fullName, fullRef, moveRef, nodeId, putCommit, reaches, repositoryJson, roleOf, simpleUser, treeOf } from './world.ts'
import type { Account, Json, Move, Repository, World } from './world.ts'

export interface Pull {
  readonly id: number
  readonly number: number
  readonly repository: Repository
  readonly author: Account
  title: string
  body: string | null
  state: 'open' | 'closed'
  isDraft: boolean
  readonly headRepository: Repository
  /** Short. */
  readonly headRef: string
  head: string
  baseRef: string
  readonly createdAt: string
  updatedAt: string
  closedAt: string | null
  mergedAt: string | null
  mergedBy: Account | undefined
  mergeCommit: string | null
}

interface QueueEntry {
  readonly pull: Pull
  readonly repository: Repository
  readonly ref: string
  readonly base: string
  readonly commit: string
}

export type Pulls = ReturnType<typeof createPulls>

export function createPulls(world: World) {
  const pulls = new Map<number, Map<number, Pull>>()
  const reviewComments = new Map<Pull, number>()
  const queue: QueueEntry[] = []
  const of = (repository: Repository): Map<number, Pull> => pulls.get(repository.id) ?? pulls.set(repository.id, new Map()).get(repository.id)!
  const all = (): readonly Pull[] => [...pulls.values()].flatMap((some) => [...some.values()])
  const isThere = ({ headRepository }: Pull): boolean => !headRepository.isDeleted
  const baseOf = ({ repository, baseRef }: Pull): string | undefined => repository.refs.get(`refs/heads/${baseRef}`)

  const diffOf = (pull: Pull): readonly FileDiff[] => {
    const { objects } = pull.repository
    const base = baseOf(pull)
    const common = base === undefined ? undefined : objects.mergeBase(base, pull.head)
    return objects.diff(common === undefined ? undefined : treeOf(objects, common), treeOf(objects, pull.head))
  }
  const commitsOf = (pull: Pull): readonly string[] => {
    const { objects } = pull.repository
    const base = pull.mergeCommit === null ? baseOf(pull) : objects.commit(pull.mergeCommit).parents[0]
    const known = base === undefined ? new Set<string>() : objects.ancestors(base)
    return [...objects.ancestors(pull.head)].filter((id) => !known.has(id)).toReversed()
  }
  const mergedTree = (pull: Pull): string | undefined => {
    const { objects } = pull.repository
    const base = baseOf(pull)
    if (base === undefined) return undefined
    const common = objects.mergeBase(base, pull.head)
    return objects.merge(common && treeOf(objects, common), treeOf(objects, base), treeOf(objects, pull.head))
  }
  const association = (repository: Repository, { login }: Account): string => {
    if (repository.owner.login === login) return 'OWNER'
    if (repository.roles.has(login.toLowerCase())) return repository.owner.kind === 'Organization' ? 'MEMBER' : 'COLLABORATOR'
    return 'NONE'
  }

  const json = (pull: Pull, isWhole: boolean): Json => {
    const { repository, headRepository, number } = pull
    const own = `${world.url}/repos/${fullName(repository)}`
    const html = `${world.url}/${fullName(repository)}/pull/${number}`
    const side = (of: Repository | undefined, ref: string, sha: string): Json => ({
      label: `${(of ?? headRepository).owner.login}:${ref}`,
      ref,
      sha,
      user: simpleUser(world, (of ?? headRepository).owner),
      repo: of === undefined ? null : repositoryJson(world, of),
    })
    const files = isWhole ? diffOf(pull) : []
    const sum = (one: 'additions' | 'deletions'): number => files.reduce((total, file) => total + file[one], 0)
    const isOpen = pull.state === 'open'
    const isClean = isWhole && isOpen && mergedTree(pull) !== undefined
    return {
      url: `${own}/pulls/${number}`,
      id: pull.id,
      node_id: nodeId('PullRequest', pull.id),
      html_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      issue_url: `${own}/issues/${number}`,
      commits_url: `${own}/pulls/${number}/commits`,
      review_comments_url: `${own}/pulls/${number}/comments`,
      review_comment_url: `${own}/pulls/comments{/number}`,
      comments_url: `${own}/issues/${number}/comments`,
      statuses_url: `${own}/statuses/${pull.head}`,
      number,
      state: pull.state,
      locked: false,
      active_lock_reason: null,
      title: pull.title,
      body: pull.body,
      user: simpleUser(world, pull.author),
      labels: [],
      milestone: null,
      assignee: null,
      assignees: [],
      requested_reviewers: [],
      requested_teams: [],
      created_at: pull.createdAt,
      updated_at: pull.updatedAt,
      closed_at: pull.closedAt,
      merged_at: pull.mergedAt,
      merge_commit_sha: pull.mergeCommit,
      draft: pull.isDraft,
      head: side(isThere(pull) ? headRepository : undefined, pull.headRef, pull.head),
      base: side(repository, pull.baseRef, baseOf(pull) ?? pull.head),
      author_association: association(repository, pull.author),
      auto_merge: null,
      _links: Object.fromEntries(
        Object.entries({
          self: `${own}/pulls/${number}`,
          html,
          issue: `${own}/issues/${number}`,
          comments: `${own}/issues/${number}/comments`,
          review_comments: `${own}/pulls/${number}/comments`,
          review_comment: `${own}/pulls/comments{/number}`,
          commits: `${own}/pulls/${number}/commits`,
          statuses: `${own}/statuses/${pull.head}`,
        }).map(([name, href]) => [name, { href }]),
      ),
      ...(isWhole && {
        merged: pull.mergedAt !== null,
        mergeable: isOpen ? isClean : null,
        rebaseable: isOpen ? isClean : null,
        mergeable_state: !isOpen ? 'unknown' : pull.isDraft ? 'draft' : isClean ? 'clean' : 'dirty',
        merged_by: pull.mergedBy === undefined ? null : simpleUser(world, pull.mergedBy),
        comments: 0,
        review_comments: reviewComments.get(pull) ?? 0,
        maintainer_can_modify: headRepository !== repository,
        commits: commitsOf(pull).length,
        additions: sum('additions'),
        deletions: sum('deletions'),
        changed_files: files.length,
      }),
    }
  }

  const emit = (pull: Pull, action: string, by: Account, more: Json = {}): void =>
    world.emit('pull_request', { action, number: pull.number, pull_request: json(pull, true), ...more }, { repository: pull.repository, by })

  /** GitHub keeps a ref in the base repository, whatever becomes of the fork. */
  const keepHead = (pull: Pull): void => {
    pull.repository.refs.set(`refs/pull/${pull.number}/head`, pull.head)
    const [tree, base] = [mergedTree(pull), baseOf(pull)]
    if (pull.state !== 'open') pull.repository.refs.delete(`refs/pull/${pull.number}/merge`)
    else if (tree !== undefined && base !== undefined) {
      const message = `Merge ${pull.head} into ${base}`
      pull.mergeCommit = putCommit(world, pull.repository, pull.author, { tree, parents: [base, pull.head], message })
      pull.repository.refs.set(`refs/pull/${pull.number}/merge`, pull.mergeCommit)
    }
  }

  world.onMove.push((repository: Repository, { ref, before, commit, by, kind }: Move) => {
    if (!ref.startsWith('refs/heads/')) return
    const branch = ref.slice('refs/heads/'.length)
    for (const pull of all().filter(({ state }) => state === 'open')) {
      if (pull.headRepository === repository && pull.headRef === branch) {
        if (kind === 'branch_deletion') close(pull, by)
        else {
          Object.assign(pull, { head: commit, updatedAt: world.stamp() })
          keepHead(pull)
          emit(pull, 'synchronize', by, { before, after: commit })
        }
      } else if (pull.repository === repository && pull.baseRef === branch && kind !== 'branch_deletion') {
        // A push that holds the head merges it.
        if (repository.objects.ancestors(commit).has(pull.head)) markMerged(pull, by, commit)
        else keepHead(pull)
      } else if (pull.repository === repository && pull.baseRef === branch) close(pull, by)
    }
  })

  const syncIssue = async (pull: Pull, body: Json): Promise<void> => {
    await world.upstream.ask('PATCH', `/repos/${fullName(pull.repository)}/issues/${pull.number}`, pull.author.login, body)
  }
  const close = (pull: Pull, by: Account): void => {
    Object.assign(pull, { state: 'closed', closedAt: world.stamp(), updatedAt: world.stamp() })
    if (pull.mergedAt === null) pull.mergeCommit = null
    keepHead(pull)
    void syncIssue(pull, { state: 'closed' }).catch(() => undefined)
    emit(pull, 'closed', by)
  }
  const markMerged = (pull: Pull, by: Account, commit: string): void => {
    Object.assign(pull, { mergedAt: world.stamp(), mergedBy: by, mergeCommit: commit })
    close(pull, by)
  }

  const open = async (
    repository: Repository,
    by: Account,
    wanted: {
      readonly head: string
      readonly base?: string | undefined
      readonly title: string
      readonly body?: string | undefined
      readonly isDraft?: boolean | undefined
      readonly headRepository?: string | undefined
    },
  ): Promise<Pull | string> => {
    const [owner, branch] = wanted.head.includes(':') ? wanted.head.split(':') : [repository.owner.login, wanted.head]
    const isNetwork = (one: Repository): boolean => one.objects === repository.objects && !one.isDeleted
    const headRepository =
      owner?.toLowerCase() === repository.owner.login.toLowerCase() && wanted.headRepository === undefined
        ? repository
        : [...world.repositories.values()].find(
            (one) => isNetwork(one) && one.owner.login.toLowerCase() === owner?.toLowerCase() && (wanted.headRepository ?? one.name) === one.name,
          )
    const baseRef = wanted.base ?? repository.defaultBranch
    const head = headRepository?.refs.get(`refs/heads/${branch}`)
    const base = repository.refs.get(`refs/heads/${baseRef}`)
    if (headRepository === undefined || branch === undefined || head === undefined) return 'head'
    if (base === undefined) return 'base'
    if (repository.objects.ancestors(base).has(head)) return `No commits between ${baseRef} and ${wanted.head}`
    const twin = all().find(
      (pull) =>
        pull.state === 'open' &&
        pull.repository === repository &&
        pull.headRepository === headRepository &&
        pull.headRef === branch &&
        pull.baseRef === baseRef,
    )
    if (twin !== undefined) return `A pull request already exists for ${owner}:${branch}.`
    const issue = await world.upstream.ask('POST', `/repos/${fullName(repository)}/issues`, by.login, { title: wanted.title, body: wanted.body ?? '' })
    const pull: Pull = {
      id: world.nextId(),
      number: Number(issue['number']),
      repository,
      author: by,
      title: wanted.title,
      body: wanted.body ?? null,
      state: 'open',
      isDraft: wanted.isDraft === true,
      headRepository,
      headRef: branch,
      head: headRepository.refs.get(`refs/heads/${branch}`) ?? head,
      baseRef,
      createdAt: world.stamp(),
      updatedAt: world.stamp(),
      closedAt: null,
      mergedAt: null,
      mergedBy: undefined,
      mergeCommit: null,
    }
    of(repository).set(pull.number, pull)
    keepHead(pull)
    emit(pull, 'opened', by)
    return pull
  }
  const edit = async (
    pull: Pull,
    by: Account,
    change: { readonly title?: string | undefined; readonly body?: string | undefined; readonly base?: string | undefined },
  ): Promise<void> => {
    const { title, body, base } = change
    const changes = {
      ...(title !== undefined && title !== pull.title && { title: { from: pull.title } }),
      ...(body !== undefined && body !== pull.body && { body: { from: pull.body ?? '' } }),
      ...(base !== undefined && base !== pull.baseRef && { base: { ref: { from: pull.baseRef }, sha: { from: baseOf(pull) ?? '' } } }),
    }
    if (Object.keys(changes).length === 0) return
    Object.assign(pull, { title: title ?? pull.title, body: body ?? pull.body, baseRef: base ?? pull.baseRef, updatedAt: world.stamp() })
    keepHead(pull)
    await syncIssue(pull, { title: pull.title, body: pull.body ?? '' })
    emit(pull, 'edited', by, { changes })
  }
  const reopen = async (pull: Pull, by: Account): Promise<string | undefined> => {
    const head = isThere(pull) ? pull.headRepository.refs.get(`refs/heads/${pull.headRef}`) : undefined
    if (pull.mergedAt !== null || head === undefined) return 'state cannot be changed. The branch was deleted, or merged.'
    Object.assign(pull, { state: 'open', closedAt: null, head, updatedAt: world.stamp() })
    keepHead(pull)
    await syncIssue(pull, { state: 'open' })
    emit(pull, 'reopened', by)
    return undefined
  }
  const setDraft = (pull: Pull, by: Account, isDraft: boolean): void => {
    if (pull.isDraft === isDraft) return
    Object.assign(pull, { isDraft, updatedAt: world.stamp() })
    emit(pull, isDraft ? 'converted_to_draft' : 'ready_for_review', by)
  }
  const merge = (pull: Pull, by: Account): string | undefined => {
    const [tree, base] = [mergedTree(pull), baseOf(pull)]
    if (pull.state !== 'open' || pull.isDraft || tree === undefined || base === undefined) return undefined
    const message = `Merge pull request #${pull.number} from ${pull.headRepository.owner.login}/${pull.headRef}\n\n${pull.title}`
    const commit = putCommit(world, pull.repository, by, { tree, parents: [base, pull.head], message })
    moveRef(world, pull.repository, `refs/heads/${pull.baseRef}`, commit, by, 'pr_merge')
    return commit
  }
  const enqueue = (pull: Pull, by: Account): QueueEntry | undefined => {
    const [tree, base] = [mergedTree(pull), baseOf(pull)]
    if (pull.state !== 'open' || pull.isDraft || tree === undefined || base === undefined) return undefined
    const message = `Merge pull request #${pull.number} from ${pull.headRepository.owner.login}/${pull.headRef}\n\n${pull.title}`
    const commit = putCommit(world, pull.repository, by, { tree, parents: [base, pull.head], message })
    const entry = { pull, repository: pull.repository, base, commit, ref: `refs/heads/gh-readonly-queue/${pull.baseRef}/pr-${pull.number}-${base}` }
    queue.push(entry)
    // The queue is GitHub's own, which pushes as a bot of that name; here as whoever asked.
    moveRef(world, pull.repository, entry.ref, commit, by)
    emit(pull, 'enqueued', by)
    world.emit('merge_group', { action: 'checks_requested', merge_group: groupJson(entry) }, { repository: pull.repository, by })
    return entry
  }
  const dequeue = (repository: Repository, branch: string, isMerged: boolean, by: Account): void => {
    const entry = queue.find((one) => one.repository === repository && one.ref === fullRef(branch))
    if (entry === undefined) throw new Error(`${branch} is no branch of the merge queue`)
    queue.splice(queue.indexOf(entry), 1)
    world.emit('merge_group', { action: 'destroyed', reason: isMerged ? 'merged' : 'dequeued', merge_group: groupJson(entry) }, { repository, by })
    emit(entry.pull, 'dequeued', by, { reason: isMerged ? 'MERGE' : 'MANUAL' })
    if (isMerged) moveRef(world, repository, `refs/heads/${entry.pull.baseRef}`, entry.commit, by, 'pr_merge')
    moveRef(world, repository, entry.ref, undefined, by)
  }
  const groupJson = ({ repository, pull, ref, base, commit }: QueueEntry): Json => {
    const { tree, message, author, committer } = repository.objects.commit(commit)
    const person = ({ name, email }: { readonly name: string; readonly email: string }): Json => ({ name, email })
    const head_commit = { id: commit, tree_id: tree, message, timestamp: committer.date, author: person(author), committer: person(committer) }
    return { head_sha: commit, head_ref: ref, base_sha: base, base_ref: `refs/heads/${pull.baseRef}`, head_commit }
  }

  const found = (request: Request, number: string, work: (pull: Pull) => Promise<LocalAnswer> | LocalAnswer): Promise<LocalAnswer> | LocalAnswer => {
    const pull = of(request.hosted).get(Number(number))
    return pull === undefined ? NOT_FOUND : work(pull)
  }
  const handlers: Handlers = {
    'pulls/list': (request) => {
      const { searchParams } = request.url
      const [state, head, base] = [searchParams.get('state') ?? 'open', searchParams.get('head'), searchParams.get('base')]
      const kept = [...of(request.hosted).values()].filter(
        (pull) =>
          (state === 'all' || pull.state === state) &&
          // Without an owner, GitHub filters nothing.
          (head === null || !head.includes(':') || `${pull.headRepository.owner.login}:${pull.headRef}` === head) &&
          (base === null || pull.baseRef === base),
      )
      const key = searchParams.get('sort') === 'updated' ? 'updatedAt' : 'createdAt'
      kept.sort((one, other) => one[key].localeCompare(other[key]) || one.number - other.number)
      const isOldestFirst = (searchParams.get('direction') ?? 'desc') === 'asc'
      return page(
        request,
        (isOldestFirst ? kept : kept.toReversed()).map((pull) => json(pull, false)),
      )
    },
    'pulls/create': async (request) => {
      const { hosted, identity } = request
      const draft = request.body['draft'] === true
      const wanted = {
        head: text(request, 'head') ?? '',
        base: text(request, 'base'),
        title: text(request, 'title') ?? '',
        body: text(request, 'body'),
        isDraft: draft,
        headRepository: text(request, 'head_repo'),
      }
      const pull = await open(hosted, identity.account, wanted)
      if (typeof pull !== 'string') return created(json(pull, true))
      const where = { resource: 'PullRequest' }
      return invalid('', pull === 'head' || pull === 'base' ? { ...where, field: pull, code: 'invalid' } : { ...where, code: 'custom', message: pull })
    },
    'pulls/get': (request, number = '') => found(request, number, (pull) => ok(json(pull, true))),
    'pulls/update': (request, number = '') =>
      found(request, number, async (pull) => {
        await edit(pull, request.identity.account, { title: text(request, 'title'), body: text(request, 'body'), base: text(request, 'base') })
        const state = text(request, 'state')
        if (state === 'closed' && pull.state === 'open') close(pull, request.identity.account)
        const refused = state === 'open' && pull.state === 'closed' ? await reopen(pull, request.identity.account) : undefined
        return refused === undefined ? ok(json(pull, true)) : invalid('', { resource: 'PullRequest', code: 'custom', field: 'state', message: refused })
      }),
    'pulls/list-files': (request, number = '') =>
      found(request, number, (pull) =>
        page(
          request,
          diffOf(pull).map((file) => fileJson(world, pull.repository, pull.head, file)),
        ),
      ),
    'pulls/list-commits': (request, number = '') =>
      found(request, number, (pull) =>
        page(
          request,
          commitsOf(pull).map((id) => commitJson(world, pull.repository, id)),
        ),
      ),
    'pulls/check-if-merged': (request, number = '') => found(request, number, (pull) => (pull.mergedAt === null ? NOT_FOUND : { status: 204 })),
    'pulls/merge': (request, number = '') =>
      found(request, number, (pull) => {
        if (text(request, 'sha') !== undefined && text(request, 'sha') !== pull.head)
          return { status: 409, body: { message: 'Head branch was modified. Review and try the merge again.' } }
        const commit = merge(pull, request.identity.account)
        if (commit === undefined) return { status: 405, body: { message: 'Pull Request is not mergeable' } }
        return ok({ sha: commit, merged: true, message: 'Pull Request successfully merged' })
      }),
    'repos/list-pull-requests-associated-with-commit': (request, sha = '') =>
      page(
        request,
        [...of(request.hosted).values()].filter((pull) => commitsOf(pull).includes(sha)).map((pull) => json(pull, false)),
      ),
  }
  return {
    handlers,
    of,
    json,
    open,
    edit,
    close: async (pull: Pull, by: Account): Promise<void> => {
      if (pull.state !== 'open') return
      close(pull, by)
      await syncIssue(pull, { state: 'closed' })
    },
    reopen,
    setDraft,
    merge,
    enqueue,
    dequeue,
    association,
    baseOf,
    commitsOf,
    countReviewComments: (pull: Pull, more: number): void => void reviewComments.set(pull, (reviewComments.get(pull) ?? 0) + more),
    /** Open ones whose head is this commit of this repository, as webhooks about checks and runs name them; forks are not seen. */
    at: (repository: Repository, commit: string): readonly Json[] =>
      [...of(repository).values()]
        .filter((pull) => pull.state === 'open' && pull.headRepository === repository && pull.head === commit)
        .map((pull) => {
          const short = { id: repository.id, url: `${world.url}/repos/${fullName(repository)}`, name: repository.name }
          const side = (ref: string, sha: string): Json => ({ ref, sha, repo: short })
          return {
            id: pull.id,
            number: pull.number,
            url: `${world.url}/repos/${fullName(repository)}/pulls/${pull.number}`,
            head: side(pull.headRef, pull.head),
            base: side(pull.baseRef, baseOf(pull) ?? ''),
          }
        }),
    /** For assertions. */
    stored: (repository: Repository): readonly StoredPull[] =>
      [...of(repository).values()].map((pull) => ({
        number: pull.number,
        title: pull.title,
        body: pull.body,
        author: pull.author.login,
        state: pull.state,
        isDraft: pull.isDraft,
        isMerged: pull.mergedAt !== null,
        headRef: pull.headRef,
        headRepository: isThere(pull) ? fullName(pull.headRepository) : undefined,
        head: pull.head,
        base: pull.baseRef,
      })),
    /** Whether somebody may close or edit it: its author, and who may write. */
    mayChange: (pull: Pull, by: Account): boolean => pull.author === by || reaches(roleOf(pull.repository, by.login), 'write'),
    must(repository: Repository, number: number): Pull {
      const pull = of(repository).get(number)
      if (pull === undefined) throw new Error(`there is no pull request ${number} in ${fullName(repository)}`)
      return pull
    },
  }
}
