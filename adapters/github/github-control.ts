import { Failure } from '../../pipeline/failure.ts'
import type { ControlForge } from '../../pipeline/ports/app-forge.ts'
import { readLimited } from '../http/read-limited.ts'
import { readArtifact, readJob, readWorkflowRun } from './app-answers.ts'
import { readCount, readObject } from './answers.ts'
import type { GithubClient } from './github-client.ts'
import { statusOf } from './github-failure.ts'

/** The control repository, and the workflow that is dispatched in it. */
export interface ControlRepository {
  readonly owner: string
  readonly repository: string
  /** `dispatch.yml`. */
  readonly workflow: string
  /** Branch or tag at which it is dispatched. */
  readonly ref: string
}

const READ = 'actions: read'
const WRITE = 'actions: write'
/** As many runs as are looked through for one that was dispatched a moment ago. */
const RUN_PAGES = 10
/** GitHub's clock and ours may differ by this much. */
const SKEW_MS = 60_000
/** A matrix has 256 jobs at most, and our workflow one. */
const JOB_PAGES = 5
const ARTIFACT_PAGES = 5
const DOWNLOAD_MS = 120_000

/** The control repository at GitHub. `run` takes two calls, and one more for each further 100 jobs; a download two; the others one. */
export function githubControl(client: GithubClient, { workflow, ref }: ControlRepository, signal?: AbortSignal): ControlForge {
  const { octokit, place, ask, find, list } = client
  return {
    async dispatch(inputs) {
      const call = { what: `start the workflow ${workflow}`, permission: WRITE, hint: 'Or the control repository has no such workflow at its default branch.' }
      const parameters = { ...place, workflow_id: workflow, ref, inputs, return_run_details: true }
      return ask(call, () => octokit.rest.actions.createWorkflowDispatch(parameters), readRunId)
    },
    async findRuns(text, since) {
      const call = { what: 'list the runs of the control repository', permission: READ }
      const send = (page: { readonly page: number; readonly per_page: number }) => octokit.rest.actions.listWorkflowRunsForRepo({ ...place, ...page })
      // The newest come first. Asked for those of an event, a workflow or a time, GitHub answers from an index, which lags behind (max-sixty/tend#348).
      const sinceMs = Date.parse(since) - SKEW_MS
      const isOlder = ({ created }: { readonly created: string }): boolean => Date.parse(created) < sinceMs
      const runs = await list(call, send, readWorkflowRun, RUN_PAGES, { member: 'workflow_runs', isEnough: (items) => items.some(isOlder) })
      // GitHub numbers them as they come.
      return runs
        .filter((run) => run.title.includes(text) && !isOlder(run))
        .map(({ id }) => id)
        .toSorted((one, other) => one - other)
    },
    async run(id) {
      const call = { what: `show the run ${id}`, permission: READ }
      const found = await find(call, () => octokit.rest.actions.getWorkflowRun({ ...place, run_id: id }), readWorkflowRun)
      if (found === undefined) return { id, status: 'missing', conclusion: null, url: '', jobs: [] }
      const { title: _title, created: _created, ...run } = found
      const send = (page: { readonly page: number; readonly per_page: number }) =>
        octokit.rest.actions.listJobsForWorkflowRun({ ...place, ...page, run_id: id })
      return { ...run, jobs: await list(call, send, readJob, JOB_PAGES, { member: 'jobs' }) }
    },
    async cancel(id) {
      const call = { what: `cancel the run ${id}`, permission: WRITE }
      // 409: it has ended.
      const isOver = (cause: unknown): boolean => statusOf(cause) === 409 || statusOf(cause) === 404
      await find(
        call,
        () => octokit.rest.actions.cancelWorkflowRun({ ...place, run_id: id }),
        () => undefined,
        isOver,
      )
    },
    async artifacts(run) {
      const call = { what: `list the artifacts of the run ${run}`, permission: READ }
      const send = (page: { readonly page: number; readonly per_page: number }) =>
        octokit.rest.actions.listWorkflowRunArtifacts({ ...place, ...page, run_id: run })
      const artifacts = await list(call, send, readArtifact, ARTIFACT_PAGES, { member: 'artifacts' })
      return artifacts.filter(({ isExpired }) => !isExpired).map(({ id, name, bytes }) => ({ id, name, bytes }))
    },
    async downloadArtifact(id, limitBytes) {
      const call = { what: `hand out the artifact ${id}`, permission: READ }
      const request = { redirect: 'manual' as const }
      let location: string | undefined
      const send = async () => {
        const answer = await octokit.rest.actions.downloadArtifact({ ...place, artifact_id: id, archive_format: 'zip', request })
        location = answer.headers.location
        return answer
      }
      await ask(call, send, () => undefined)
      return download(location, client.options.baseUrl, limitBytes, signal)
    },
  }
}

/** An older Enterprise Server answers without the run's number. */
function readRunId(data: unknown): number {
  if (typeof data === 'object' && data !== null) return readCount(readObject(data, 'a dispatch'), 'workflow_run_id')
  throw new Failure('forge-unavailable', 'GitHub did not say which run it started')
}

/** The link is good for a minute, and leads to another host: our token stays here. */
async function download(location: string | undefined, baseUrl: string, limitBytes: number, signal: AbortSignal | undefined): Promise<Buffer> {
  const url = URL.parse(location ?? '')
  if (url === null || (url.protocol !== 'https:' && url.protocol !== new URL(baseUrl).protocol))
    throw new Failure('forge-unavailable', 'GitHub did not say where the artifact lies')
  const limit = AbortSignal.timeout(DOWNLOAD_MS)
  const broken = (cause?: unknown): Failure => {
    if (signal?.aborted === true) return new Failure('cancelled', 'the download of the artifact was cancelled', { cause })
    return new Failure('forge-unavailable', `${url.host} did not give the artifact`, { cause, suggestion: 'Ask again: the link is good for a minute.' })
  }
  const { content, complete } = await fetch(url, { redirect: 'error', signal: signal ? AbortSignal.any([signal, limit]) : limit })
    .then(async (response) => {
      if (response.ok) return readLimited(response, limitBytes)
      await response.body?.cancel()
      throw new Error(`answered ${response.status}`)
    })
    .catch((cause: unknown) => {
      throw broken(cause)
    })
  if (!complete) throw new Failure('storage-corrupt', `the artifact has more than ${limitBytes.toLocaleString('en')} bytes`)
  return content
}
