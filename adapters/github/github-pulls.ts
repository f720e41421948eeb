import type { RepositoryForge } from '../../pipeline/ports/app-forge.ts'
import { readPull, readReviewComment, type PullRequestAnswer } from './app-answers.ts'
import type { GithubClient } from './github-client.ts'
import { statusOf } from './github-failure.ts'

/** More open ones than a repository has that a person looks after. */
const PULL_PAGES = 20
const COMMENT_PAGES = 30
const READ = 'pull-requests: read'
const WRITE = 'pull-requests: write'

/** The pull requests of a repository, with reviews and reactions. One call each, but lists of more than 100. */
export function githubPulls(
  client: GithubClient,
  /** Login of our own comments. */
  login: () => Promise<string>,
): Pick<RepositoryForge, 'pullRequestsOf' | 'pull' | 'openPulls' | 'suggest' | 'reviewComments' | 'react'> {
  const { octokit, place, find, list } = client
  return {
    async pullRequestsOf(branch) {
      return (await openPullsOf(client, branch)).map(withoutUrl)
    },
    async pull(number) {
      const call = { what: `show pull request ${number}`, permission: READ }
      const pull = await find(call, () => octokit.rest.pulls.get({ ...place, pull_number: number }), readPull)
      return pull && withoutUrl(pull)
    },
    async openPulls() {
      const call = { what: 'list the open pull requests', permission: READ }
      const pulls = await list(call, (page) => octokit.rest.pulls.list({ ...place, ...page, state: 'open' }), readPull, PULL_PAGES)
      return pulls.map(withoutUrl)
    },
    async suggest(number, commit, comments) {
      const call = { what: `review pull request ${number}`, permission: WRITE }
      const review = {
        ...place,
        pull_number: number,
        commit_id: commit,
        event: 'COMMENT' as const,
        comments: comments.map(({ path, startLine, line, body }) => ({
          path,
          body,
          line,
          side: 'RIGHT',
          ...(startLine < line && { start_line: startLine, start_side: 'RIGHT' }),
        })),
      }
      // 422: a line, a file or the commit is not (or no longer) part of the pull request.
      const isRefused = (cause: unknown): boolean => statusOf(cause) === 422
      return (
        (await find(
          call,
          () => octokit.rest.pulls.createReview(review),
          () => true,
          isRefused,
        )) ?? false
      )
    },
    async reviewComments(number) {
      const call = { what: `list the review comments of pull request ${number}`, permission: READ }
      const send = (page: { readonly page: number; readonly per_page: number }) =>
        octokit.rest.pulls.listReviewComments({ ...place, ...page, pull_number: number })
      const [own, comments] = await Promise.all([login(), list(call, send, readReviewComment, COMMENT_PAGES)])
      return comments.flatMap(({ author, body }) => (author === own ? [body] : []))
    },
    async react(comment, reaction) {
      const call = { what: `react to the comment ${comment}`, permission: WRITE }
      // A comment that was deleted needs no answer.
      await find(
        call,
        () => octokit.rest.reactions.createForIssueComment({ ...place, comment_id: comment, content: reaction }),
        () => undefined,
      )
    },
  }
}

/** Open pull requests from a branch of this very repository. */
export async function openPullsOf({ octokit, place, list }: GithubClient, branch: string): Promise<readonly PullRequestAnswer[]> {
  const call = { what: `list the pull requests of the branch ${branch}`, permission: READ }
  const head = `${place.owner}:${branch}`
  const pulls = await list(call, (page) => octokit.rest.pulls.list({ ...place, ...page, state: 'open', head }), readPull, 1)
  // An owner may have a fork of his own repository.
  return pulls.filter((pull) => !pull.isFork && pull.headBranch === branch)
}

function withoutUrl({ url: _url, ...pull }: PullRequestAnswer): Omit<PullRequestAnswer, 'url'> {
  return pull
}
