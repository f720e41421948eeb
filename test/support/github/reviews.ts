/** Reviews of pull requests, whose comments must stand at lines that the diff shows. */
import type { StoredReview } from './api.ts'
import { invalid, NOT_FOUND, ok, page, text, type Handlers, type Request } from './handled.ts'
import type { Pull, Pulls } from './pulls.ts'
import type { LocalAnswer } from './releases.ts'
import { fullName, nodeId, simpleUser, treeOf } from './world.ts'
import type { Account, Json, Repository, World } from './world.ts'

interface ReviewComment {
  readonly id: number
  readonly path: string
  readonly line: number | null
  readonly startLine: number | null
  readonly side: string
  readonly body: string
}

interface Review {
  readonly id: number
  readonly pull: Pull
  readonly by: Account
  readonly state: string
  readonly body: string
  readonly commit: string
  readonly at: string
  readonly comments: readonly ReviewComment[]
}

const ZERO_REACTIONS = { total_count: 0, '+1': 0, '-1': 0, laugh: 0, hooray: 0, confused: 0, heart: 0, rocket: 0, eyes: 0 }

export function createReviews(world: World, pulls: Pulls) {
  const reviews: Review[] = []

  const reviewJson = ({ id, pull, by, state, body, commit, at }: Review): Json => {
    const api = `${world.url}/repos/${fullName(pull.repository)}/pulls/${pull.number}`
    const html = `${world.url}/${fullName(pull.repository)}/pull/${pull.number}#pullrequestreview-${id}`
    return {
      id,
      node_id: nodeId('PullRequestReview', id),
      user: simpleUser(world, by),
      body,
      state,
      html_url: html,
      pull_request_url: api,
      author_association: pulls.association(pull.repository, by),
      _links: { html: { href: html }, pull_request: { href: api } },
      submitted_at: at,
      commit_id: commit,
    }
  }
  const reviewCommentJson = ({ pull, by, id: review, commit, at }: Review, { id, path, line, startLine, side, body }: ReviewComment): Json => {
    const api = `${world.url}/repos/${fullName(pull.repository)}/pulls`
    const html = `${world.url}/${fullName(pull.repository)}/pull/${pull.number}#discussion_r${id}`
    return {
      url: `${api}/comments/${id}`,
      pull_request_review_id: review,
      id,
      node_id: nodeId('PullRequestReviewComment', id),
      diff_hunk: '',
      path,
      position: 1,
      original_position: 1,
      commit_id: commit,
      original_commit_id: commit,
      user: simpleUser(world, by),
      body,
      created_at: at,
      updated_at: at,
      html_url: html,
      pull_request_url: `${api}/${pull.number}`,
      author_association: pulls.association(pull.repository, by),
      _links: { self: { href: `${api}/comments/${id}` }, html: { href: html }, pull_request: { href: `${api}/${pull.number}` } },
      line,
      original_line: line,
      start_line: startLine,
      original_start_line: startLine,
      side,
      start_side: startLine === null ? null : side,
      subject_type: 'line',
      reactions: { url: `${api}/comments/${id}/reactions`, ...ZERO_REACTIONS },
    }
  }
  const review = (request: Request, pull: Pull): LocalAnswer => {
    const { body, identity } = request
    const commit = text(request, 'commit_id') ?? pull.head
    if (!pulls.commitsOf(pull).includes(commit)) return invalid('Unprocessable Entity: commit_id is not part of the pull request')
    const event = text(request, 'event')
    if ((event === 'COMMENT' || event === 'REQUEST_CHANGES') && (text(request, 'body') ?? '') === '' && body['comments'] === undefined)
      return invalid('Unprocessable Entity')
    if (event === 'APPROVE' && pull.author === identity.account) return invalid('Unprocessable Entity: Can not approve your own pull request')
    const wanted = (body['comments'] ?? []) as readonly {
      readonly path: string
      readonly body: string
      readonly line?: number
      readonly start_line?: number
      readonly side?: string
      readonly position?: number
    }[]
    const { objects } = pull.repository
    const base = pulls.baseOf(pull)
    const common = base === undefined ? undefined : objects.mergeBase(base, commit)
    const files = objects.diff(common && treeOf(objects, common), treeOf(objects, commit))
    for (const { path, line, start_line: start, position } of wanted) {
      const file = files.find((one) => one.path === path)
      if (file === undefined) return invalid('Unprocessable Entity: Path could not be resolved')
      const lines = start === undefined ? [line] : Array.from({ length: (line ?? 0) - start + 1 }, (_, index) => start + index)
      if (start !== undefined && line !== undefined && start >= line) return invalid('Unprocessable Entity: start_line must precede the end line')
      // Those of the left side and bare positions are not judged here.
      if (position === undefined && lines.some((one) => one === undefined || !file.lines.has(one)))
        return invalid('Unprocessable Entity: Line could not be resolved')
    }
    const made: Review = {
      id: world.nextId(),
      pull,
      by: identity.account,
      state:
        ({ COMMENT: 'COMMENTED', APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED' } as Readonly<Record<string, string>>)[event ?? ''] ?? 'PENDING',
      body: text(request, 'body') ?? '',
      commit,
      at: world.stamp(),
      comments: wanted.map((one) => ({
        id: world.nextId(),
        path: one.path,
        body: one.body,
        line: one.line ?? null,
        startLine: one.start_line ?? null,
        side: one.side ?? 'RIGHT',
      })),
    }
    reviews.push(made)
    pulls.countReviewComments(pull, made.comments.length)
    return ok(reviewJson(made))
  }

  const found = (request: Request, number: string, work: (pull: Pull) => LocalAnswer): LocalAnswer => {
    const pull = pulls.of(request.hosted).get(Number(number))
    return pull === undefined ? NOT_FOUND : work(pull)
  }
  const handlers: Handlers = {
    'pulls/create-review': (request, number = '') => found(request, number, (pull) => review(request, pull)),
    'pulls/list-reviews': (request, number = '') => found(request, number, (pull) => page(request, reviews.filter((one) => one.pull === pull).map(reviewJson))),
    'pulls/get-review': (_request, _, id = '') => {
      const one = reviews.find((candidate) => candidate.id === Number(id))
      return one === undefined ? NOT_FOUND : ok(reviewJson(one))
    },
    'pulls/list-comments-for-review': (request, _, id = '') => {
      const one = reviews.find((candidate) => candidate.id === Number(id))
      return one === undefined
        ? NOT_FOUND
        : page(
            request,
            one.comments.map((comment) => reviewCommentJson(one, comment)),
          )
    },
    'pulls/list-review-comments': (request, number = '') =>
      found(request, number, (pull) =>
        page(
          request,
          reviews.filter((one) => one.pull === pull).flatMap((one) => one.comments.map((comment) => reviewCommentJson(one, comment))),
        ),
      ),
  }
  return {
    handlers,
    stored: (repository: Repository, number: number): readonly StoredReview[] =>
      reviews
        .filter(({ pull }) => pull.repository === repository && pull.number === number)
        .map(({ id, by, state, body, commit, comments }) => ({ id, login: by.login, state, body, commit, comments })),
  }
}
