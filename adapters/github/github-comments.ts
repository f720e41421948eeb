import type { ForgeComments } from '../../pipeline/ports/forge.ts'
import { readComment, readPullRequest, readViewer } from './answers.ts'
import type { GithubClient } from './github-client.ts'

/** "Commenting is disabled on issues with more than 2500 comments" (GitHub's own answer): there are never many more. */
const COMMENT_PAGES = 30

/** The conversation of a repository's pull requests: a pull request is an issue, too. */
export function githubComments({ octokit, place, options, ask, find, list }: GithubClient): ForgeComments {
  let author = options.author
  return {
    async author() {
      // `GET /user` is refused to the tokens of apps, the workflow's among them; this works with every token.
      const call = { what: 'tell whose token this is', permission: 'contents: read' }
      author ??= await ask(call, async () => ({ data: await octokit.graphql('{ viewer { login } }'), headers: {} }), readViewer)
      return author
    },
    async pullRequest(number) {
      const call = { what: `show pull request ${number}`, permission: 'pull-requests: read' }
      return find(call, () => octokit.rest.pulls.get({ ...place, pull_number: number }), readPullRequest)
    },
    async comments(number) {
      const call = { what: `list the comments of pull request ${number}`, permission: 'pull-requests: read' }
      return list(call, (page) => octokit.rest.issues.listComments({ ...place, ...page, issue_number: number }), readComment, COMMENT_PAGES)
    },
    async createComment(number, body) {
      const call = { what: `comment on pull request ${number}`, permission: 'pull-requests: write' }
      return ask(call, () => octokit.rest.issues.createComment({ ...place, issue_number: number, body }), readComment)
    },
    async updateComment(id, body) {
      const call = { what: `edit the comment ${id}`, permission: 'pull-requests: write' }
      return (await find(call, () => octokit.rest.issues.updateComment({ ...place, comment_id: id, body }), readComment)) !== undefined
    },
    async deleteComment(id) {
      const call = { what: `delete the doubled comment ${id}`, permission: 'pull-requests: write' }
      await find(
        call,
        () => octokit.rest.issues.deleteComment({ ...place, comment_id: id }),
        () => undefined,
      )
    },
  }
}
