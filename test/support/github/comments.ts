/** What is said in issues and pull requests, which emulate keeps: who said it, by which rights, and reactions, which emulate lacks. */
import type { StoredComment } from './api.ts'
import { created, FORBIDDEN, NOT_FOUND, ok, page, text, type Handlers, type Identity, type Request } from './handled.ts'
import type { LocalAnswer } from './releases.ts'
import type { Pulls } from './pulls.ts'
import { fullName, nodeId, reaches, roleOf, simpleUser } from './world.ts'
import type { Account, Json, Repository, World } from './world.ts'

interface Reaction {
  readonly id: number
  /** `repository/comment/7` or `repository/issue/7`. */
  readonly of: string
  readonly content: string
  readonly by: Account
  readonly at: string
}

const CONTENTS = ['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'rocket', 'eyes']

export type Comments = ReturnType<typeof createComments>

export function createComments(world: World, pulls: Pulls) {
  const reactions: Reaction[] = []
  const ask = async (repository: Repository, path: string, by = 'octocat'): Promise<Json | undefined> =>
    world.upstream.ask('GET', `/repos/${fullName(repository)}${path}`, by).catch(() => undefined)

  /** All pages of a list of emulate's; its path ends in a query. */
  const list = async (repository: Repository, path: string): Promise<readonly Json[]> => {
    const all: Json[] = []
    for (let at = 1; ; at++) {
      const some = (await ask(repository, `${path}&per_page=100&page=${at}`)) as readonly Json[] | undefined
      all.push(...(some ?? []))
      if ((some?.length ?? 0) < 100) return all
    }
  }

  const summary = (of: string, url: string): Json => {
    const here = reactions.filter((one) => one.of === of)
    return {
      url,
      total_count: here.length,
      ...Object.fromEntries(CONTENTS.map((content) => [content, here.filter((one) => one.content === content).length])),
    }
  }
  const whose = (json: Json): Account | undefined => world.accounts.get(String((json['user'] as { readonly login?: string } | null)?.login).toLowerCase())
  /** Emulate's comment with what GitHub says besides. */
  const mendComment = (repository: Repository, comment: Json): Json => {
    const account = whose(comment)
    const id = Number(comment['id'])
    const number = Number(/\d+$/.exec(String(comment['issue_url']))?.[0] ?? 0)
    const isPull = pulls.of(repository).has(number)
    const html = String(comment['html_url'])
    return {
      ...comment,
      html_url: isPull ? html.replace('/issues/', '/pull/') : html,
      ...(account && { user: simpleUser(world, account), author_association: pulls.association(repository, account) }),
      reactions: summary(`${repository.id}/comment/${id}`, `${world.url}/repos/${fullName(repository)}/issues/comments/${id}/reactions`),
    }
  }
  /** Emulate's issue; one that is a pull request says so. */
  const mendIssue = (repository: Repository, issue: Json): Json => {
    const account = whose(issue)
    const pull = pulls.of(repository).get(Number(issue['number']))
    const html = `${world.url}/${fullName(repository)}/pull/${pull?.number}`
    return {
      ...issue,
      ...(account && { user: simpleUser(world, account), author_association: pulls.association(repository, account) }),
      ...(pull && {
        html_url: html,
        draft: pull.isDraft,
        pull_request: {
          url: `${world.url}/repos/${fullName(repository)}/pulls/${pull.number}`,
          html_url: html,
          diff_url: `${html}.diff`,
          patch_url: `${html}.patch`,
          merged_at: pull.mergedAt,
        },
      }),
    }
  }
  const emit = async (repository: Repository, comment: Json, action: string, by: Account, more: Json = {}): Promise<void> => {
    const number = Number(/\d+$/.exec(String(comment['issue_url']))?.[0] ?? 0)
    const issue = await ask(repository, `/issues/${number}`)
    if (issue !== undefined) world.emit('issue_comment', { action, issue: mendIssue(repository, issue), comment, ...more }, { repository, by })
  }
  const find = async (repository: Repository, id: string | number): Promise<Json | undefined> => {
    const comment = await ask(repository, `/issues/comments/${id}`)
    return comment && mendComment(repository, comment)
  }
  const isOwn = ({ login, account }: Identity, comment: Json): boolean => whose(comment) === account || whose(comment)?.login === login
  const mayChange = (request: Request, comment: Json): boolean =>
    isOwn(request.identity, comment) || (request.identity.permissions === undefined ? reaches(roleOf(request.hosted, request.login), 'write') : true)

  const create = async (repository: Repository, number: number, by: Account, body: string): Promise<Json | undefined> => {
    const made = await world.upstream.ask('POST', `/repos/${fullName(repository)}/issues/${number}/comments`, by.login, { body }).catch(() => undefined)
    if (made === undefined) return undefined
    const comment = mendComment(repository, made)
    await emit(repository, comment, 'created', by)
    return comment
  }
  /** Undefined, or false: somebody deleted it meanwhile. */
  const edit = async (repository: Repository, comment: Json, by: Account, body: string): Promise<Json | undefined> => {
    const path = `/repos/${fullName(repository)}/issues/comments/${Number(comment['id'])}`
    const changed = await world.upstream.ask('PATCH', path, by.login, { body }).catch(() => undefined)
    if (changed === undefined) return undefined
    const mended = mendComment(repository, changed)
    await emit(repository, mended, 'edited', by, { changes: { body: { from: comment['body'] } } })
    return mended
  }
  const remove = async (repository: Repository, comment: Json, by: Account): Promise<boolean> => {
    const path = `/repos/${fullName(repository)}/issues/comments/${Number(comment['id'])}`
    const isGone = await world.upstream.ask('DELETE', path, by.login).then(
      () => false,
      () => true,
    )
    if (!isGone) await emit(repository, comment, 'deleted', by)
    return !isGone
  }
  const reactionJson = ({ id, content, by, at }: Reaction): Json => ({ id, node_id: nodeId('REA', id), user: simpleUser(world, by), content, created_at: at })
  const react = (request: Request, of: string): LocalAnswer => {
    const content = text(request, 'content') ?? ''
    const known = reactions.find((one) => one.of === of && one.content === content && one.by === request.identity.account)
    if (known !== undefined) return ok(reactionJson(known))
    const reaction = { id: world.nextId(), of, content, by: request.identity.account, at: world.stamp() }
    reactions.push(reaction)
    return created(reactionJson(reaction))
  }
  const listReactions = (request: Request, of: string): LocalAnswer => {
    const content = request.url.searchParams.get('content')
    return page(request, reactions.filter((one) => one.of === of && (content === null || one.content === content)).map(reactionJson))
  }
  const unreact = ({ identity }: Request, id: string): LocalAnswer => {
    const known = reactions.find((one) => one.id === Number(id))
    if (known === undefined) return NOT_FOUND
    if (known.by !== identity.account) return FORBIDDEN
    reactions.splice(reactions.indexOf(known), 1)
    return { status: 204 }
  }
  const withComment = async (request: Request, id: string, work: (comment: Json) => Promise<LocalAnswer> | LocalAnswer): Promise<LocalAnswer> => {
    const comment = await find(request.hosted, id)
    return comment === undefined ? NOT_FOUND : work(comment)
  }
  const handlers: Handlers = {
    'issues/create-comment': async (request, number = '') => {
      const comment = await create(request.hosted, Number(number), request.identity.account, text(request, 'body') ?? '')
      return comment === undefined ? NOT_FOUND : created(comment)
    },
    // Emulate takes `comments` for the number of an issue.
    'issues/list-comments-for-repo': async (request) => {
      const { searchParams } = request.url
      const issues = await list(request.hosted, '/issues?state=all')
      const all = (await Promise.all(issues.map(async (issue) => list(request.hosted, `/issues/${Number(issue['number'])}/comments?`)))).flat()
      const since = searchParams.get('since')
      const kept = all.filter((one) => since === null || String(one['updated_at']) >= since).map((one) => mendComment(request.hosted, one))
      const key = searchParams.get('sort') === 'updated' ? 'updated_at' : 'created_at'
      kept.sort((one, other) => String(one[key]).localeCompare(String(other[key])) || Number(one['id']) - Number(other['id']))
      return page(request, searchParams.get('direction') === 'desc' ? kept.toReversed() : kept)
    },
    // Of a pull request, the pull request itself changes.
    'issues/update': async (request, number = '') => {
      const pull = pulls.of(request.hosted).get(Number(number))
      if (pull === undefined) return undefined
      await pulls.edit(pull, request.identity.account, { title: text(request, 'title'), body: text(request, 'body') })
      if (text(request, 'state') === 'closed') await pulls.close(pull, request.identity.account)
      if (text(request, 'state') === 'open' && pull.state === 'closed') await pulls.reopen(pull, request.identity.account)
      const issue = await ask(request.hosted, `/issues/${number}`)
      return issue === undefined ? NOT_FOUND : ok(mendIssue(request.hosted, issue))
    },
    'issues/get-comment': (request, id = '') => withComment(request, id, ok),
    'issues/update-comment': (request, id = '') =>
      withComment(request, id, async (comment) => {
        if (!mayChange(request, comment)) return FORBIDDEN
        const changed = await edit(request.hosted, comment, request.identity.account, text(request, 'body') ?? '')
        return changed === undefined ? NOT_FOUND : ok(changed)
      }),
    'issues/delete-comment': (request, id = '') =>
      withComment(request, id, async (comment) => {
        if (!mayChange(request, comment)) return FORBIDDEN
        return (await remove(request.hosted, comment, request.identity.account)) ? { status: 204 } : NOT_FOUND
      }),
    'reactions/create-for-issue-comment': (request, id = '') => withComment(request, id, () => react(request, `${request.hosted.id}/comment/${id}`)),
    'reactions/list-for-issue-comment': (request, id = '') => withComment(request, id, () => listReactions(request, `${request.hosted.id}/comment/${id}`)),
    'reactions/delete-for-issue-comment': (request, _, id = '') => unreact(request, id),
    'reactions/create-for-issue': (request, number = '') => react(request, `${request.hosted.id}/issue/${number}`),
    'reactions/list-for-issue': (request, number = '') => listReactions(request, `${request.hosted.id}/issue/${number}`),
    'reactions/delete-for-issue': (request, _, id = '') => unreact(request, id),
  }
  return {
    handlers,
    create,
    edit,
    remove,
    find,
    /** What emulate answered about comments and issues, mended. */
    mend(repository: Repository, operation: string, body: unknown): unknown {
      const isOf = (...names: readonly string[]): boolean => names.includes(operation)
      if (isOf('issues/list-comments', 'issues/list-comments-for-repo') && Array.isArray(body)) return body.map((one: Json) => mendComment(repository, one))
      if (isOf('issues/list-for-repo') && Array.isArray(body)) return body.map((one: Json) => mendIssue(repository, one))
      if (isOf('issues/get', 'issues/update', 'issues/create') && typeof body === 'object' && body !== null && 'number' in body)
        return mendIssue(repository, body as Json)
      return body
    },
    async stored(repository: Repository, number: number): Promise<readonly StoredComment[]> {
      const all = await list(repository, `/issues/${number}/comments?`)
      return all.map((comment) => ({
        id: Number(comment['id']),
        login: whose(comment)?.login ?? '',
        body: String(comment['body']),
        created: String(comment['created_at']),
        updated: String(comment['updated_at']),
        reactions: reactions
          .filter(({ of }) => of === `${repository.id}/comment/${Number(comment['id'])}`)
          .map(({ by, content }) => ({ login: by.login, content })),
      }))
    },
  }
}
