import type { CheckContent, RepositoryForge } from '../../pipeline/ports/app-forge.ts'
import { readCheck } from './app-answers.ts'
import { readId, readObject } from './answers.ts'
import type { GithubClient } from './github-client.ts'

/** 1,000 of one name are the most that a commit has at GitHub. */
const CHECK_PAGES = 20

/** The app's own check runs. One call each, but for more than 100 of them. */
export function githubChecks(
  { octokit, place, ask, find, list }: GithubClient,
  appId: () => Promise<number>,
): Pick<RepositoryForge, 'checks' | 'createCheck' | 'updateCheck'> {
  return {
    async checks(commit) {
      const call = { what: `list the checks of ${commit}`, permission: 'checks: read' }
      // Also those that a newer one of the same name stands before: they are ours to mend.
      const app = await appId()
      const send = (page: { readonly page: number; readonly per_page: number }) =>
        octokit.rest.checks.listForRef({ ...place, ...page, ref: commit, app_id: app, filter: 'all' })
      return list(call, send, readCheck, CHECK_PAGES, { member: 'check_runs' })
    },
    async createCheck(commit, content) {
      const call = { what: `create the check ${content.name}`, permission: 'checks: write' }
      return ask(
        call,
        () => octokit.request('POST /repos/{owner}/{repo}/check-runs', { ...place, head_sha: commit, ...parametersOf(content) }),
        (data) => readId(readObject(data, 'a check run')),
      )
    },
    async updateCheck(id, content) {
      const call = { what: `change the check ${content.name}`, permission: 'checks: write' }
      const parameters = { ...place, check_run_id: id, ...parametersOf(content) }
      const found = await find(
        call,
        () => octokit.request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', parameters),
        () => true,
      )
      return found ?? false
    },
  }
}

function parametersOf({ name, state, title, summary, annotations, buttons, detailsUrl, externalId }: CheckContent) {
  return {
    name,
    external_id: externalId,
    status: state.status,
    ...(state.status === 'completed' && { conclusion: state.conclusion }),
    ...(state.status === 'in_progress' && state.started !== undefined && { started_at: state.started }),
    ...(detailsUrl !== undefined && { details_url: detailsUrl }),
    output: {
      title,
      summary,
      annotations: annotations.map(({ path, startLine, endLine, startColumn, endColumn, level, message, title: heading }) => ({
        path,
        start_line: startLine,
        end_line: endLine,
        // GitHub takes columns only where both lines are the same.
        ...(startLine === endLine && startColumn !== undefined && { start_column: startColumn }),
        ...(startLine === endLine && endColumn !== undefined && { end_column: endColumn }),
        annotation_level: level,
        message,
        title: heading,
      })),
    },
    actions: buttons.map(({ label, description, identifier }) => ({ label, description, identifier })),
  }
}
