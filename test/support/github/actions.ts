/** GitHub Actions: workflows are the files of a repository, a dispatch makes a run, and a runner of the test's executes it. */
import { createHash, randomBytes } from 'node:crypto'
import type { Actions, JobOptions, RunConclusion, Runner, RunStatus, WorkflowJob, WorkflowRun } from './api.ts'
import { entryAt } from './git-routes.ts'
import { invalid, NOT_FOUND, ok, page, text, type Handlers, type Request } from './handled.ts'
import type { LocalAnswer } from './releases.ts'
import type { Oidc } from './oidc.ts'
import { findRepository, fullName, nodeId, repositoryJson, simpleUser, treeOf } from './world.ts'
import { evaluateText, parseWorkflow, type WorkflowFile } from './workflow-file.ts'
import type { Account, Json, Repository, World } from './world.ts'
import { zipOf } from './zip.ts'

/** A download link is good this long. */
const LINK_MS = 60_000
const DAY_MS = 86_400_000
const ARTIFACT_DAYS = 90
/** Repositories made later name themselves by number, too, in the subject of their tokens. */
const NUMBERED_SUBJECTS_SINCE = '2026-07-15'

interface Step {
  readonly name: string
  status: RunStatus
  conclusion: RunConclusion | null
  startedAt: string | null
  completedAt: string | null
}

interface Job {
  readonly id: number
  readonly run: Run
  readonly attempt: number
  readonly name: string
  readonly labels: readonly string[]
  readonly steps: Step[]
  readonly workflow: string
  readonly token: string
  status: RunStatus
  conclusion: RunConclusion | null
  runner: string | undefined
  runnerId: number | null
  readonly createdAt: string
  startedAt: string
  completedAt: string | null
}

interface Artifact {
  readonly id: number
  readonly run: Run
  readonly name: string
  readonly zip: Buffer
  readonly createdMs: number
}

interface Run {
  readonly id: number
  readonly number: number
  readonly repository: Repository
  readonly workflow: Workflow
  readonly title: string
  readonly event: string
  readonly ref: string
  readonly commit: string
  readonly actor: Account
  readonly inputs: Readonly<Record<string, string>>
  readonly createdAt: string
  attempt: number
  status: RunStatus
  conclusion: RunConclusion | null
  startedAt: string
  updatedAt: string
  cancel: AbortController
  readonly jobs: Job[]
}

interface Workflow extends WorkflowFile {
  readonly id: number
}

export type HostedActions = ReturnType<typeof createActions>

export function createActions(world: World, oidc: Oidc, pullsAt: (repository: Repository, commit: string) => readonly Json[]) {
  const runs: Run[] = []
  const artifacts: Artifact[] = []
  const links = new Map<string, { readonly artifact: Artifact; readonly untilMs: number }>()
  const workflowIds = new Map<string, number>()
  const working = new Set<Promise<void>>()
  let runner: Runner | undefined
  let machines = 0

  const own = (repository: Repository): string => `${world.url}/repos/${fullName(repository)}`
  const idOf = (repository: Repository, path: string): number => {
    const key = `${repository.id} ${path}`
    return workflowIds.get(key) ?? workflowIds.set(key, world.nextId()).get(key)!
  }
  const readWorkflow = (repository: Repository, commit: string, path: string): Workflow | undefined => {
    const entry = entryAt(repository, treeOf(repository.objects, commit), path)
    const content = entry && repository.objects.read(entry.id, 'blob')
    return content && { ...parseWorkflow(content.toString('utf8'), path), id: idOf(repository, path) }
  }
  const workflowsOf = (repository: Repository): readonly Workflow[] => {
    const head = repository.refs.get(`refs/heads/${repository.defaultBranch}`)
    if (head === undefined) return []
    return [...repository.objects.flatten(treeOf(repository.objects, head)).keys()]
      .filter((path) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path))
      .flatMap((path) => readWorkflow(repository, head, path) ?? [])
  }
  const findWorkflow = (repository: Repository, name: string): Workflow | undefined =>
    workflowsOf(repository).find(({ id, path }) => String(id) === name || path === name || path === `.github/workflows/${name}`)

  const branchOf = ({ ref }: Run): string => ref.replace(/^refs\/(?:heads|tags)\//, '')
  const runJson = (run: Run): Json => {
    const { repository, workflow, commit } = run
    const api = `${own(repository)}/actions/runs/${run.id}`
    const { tree, message, author, committer } = repository.objects.commit(commit)
    const person = ({ name, email }: { readonly name: string; readonly email: string }): Json => ({ name, email })
    return {
      id: run.id,
      name: workflow.name,
      node_id: nodeId('WorkflowRun', run.id),
      check_suite_id: run.id,
      check_suite_node_id: nodeId('CheckSuite', run.id),
      head_branch: branchOf(run),
      head_sha: commit,
      path: workflow.path,
      display_title: run.title,
      run_number: run.number,
      run_attempt: run.attempt,
      event: run.event,
      status: run.status,
      conclusion: run.conclusion,
      workflow_id: workflow.id,
      url: api,
      html_url: `${world.url}/${fullName(repository)}/actions/runs/${run.id}`,
      pull_requests: pullsAt(repository, commit),
      created_at: run.createdAt,
      updated_at: run.updatedAt,
      run_started_at: run.startedAt,
      actor: simpleUser(world, run.actor),
      triggering_actor: simpleUser(world, run.actor),
      referenced_workflows: [],
      jobs_url: `${api}/jobs`,
      logs_url: `${api}/logs`,
      check_suite_url: `${own(repository)}/check-suites/${run.id}`,
      artifacts_url: `${api}/artifacts`,
      cancel_url: `${api}/cancel`,
      rerun_url: `${api}/rerun`,
      previous_attempt_url: run.attempt === 1 ? null : `${api}/attempts/${run.attempt - 1}`,
      workflow_url: `${own(repository)}/actions/workflows/${workflow.id}`,
      head_commit: { id: commit, tree_id: tree, message, timestamp: committer.date, author: person(author), committer: person(committer) },
      repository: repositoryJson(world, repository),
      head_repository: repositoryJson(world, repository),
    }
  }
  const jobJson = (job: Job): Json => {
    const { run } = job
    const api = `${own(run.repository)}/actions/jobs/${job.id}`
    const isTaken = job.runner !== undefined
    return {
      id: job.id,
      run_id: run.id,
      workflow_name: run.workflow.name,
      head_branch: branchOf(run),
      run_url: `${own(run.repository)}/actions/runs/${run.id}`,
      run_attempt: job.attempt,
      node_id: nodeId('CheckRun', job.id),
      head_sha: run.commit,
      url: api,
      html_url: `${world.url}/${fullName(run.repository)}/actions/runs/${run.id}/job/${job.id}`,
      status: job.status,
      conclusion: job.conclusion,
      created_at: job.createdAt,
      started_at: job.startedAt,
      completed_at: job.completedAt,
      name: job.name,
      steps: job.steps.map(({ name, status, conclusion, startedAt, completedAt }, index) => ({
        name,
        status,
        conclusion,
        number: index + 1,
        started_at: startedAt,
        completed_at: completedAt,
      })),
      check_run_url: `${own(run.repository)}/check-runs/${job.id}`,
      labels: job.labels,
      runner_id: isTaken ? job.runnerId : null,
      runner_name: job.runner ?? null,
      runner_group_id: isTaken ? 1 : null,
      runner_group_name: isTaken ? 'GitHub Actions' : null,
    }
  }
  const workflowJson = (repository: Repository, { id, path, name }: Workflow): Json => ({
    id,
    node_id: nodeId('Workflow', id),
    name,
    path,
    state: 'active',
    created_at: repository.createdAt,
    updated_at: repository.createdAt,
    url: `${own(repository)}/actions/workflows/${id}`,
    html_url: `${world.url}/${fullName(repository)}/blob/${repository.defaultBranch}/${path}`,
    badge_url: `${world.url}/${fullName(repository)}/workflows/${encodeURIComponent(name)}/badge.svg`,
  })
  const artifactJson = ({ id, run, name, zip, createdMs }: Artifact): Json => {
    const stamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
    const api = `${own(run.repository)}/actions/artifacts/${id}`
    return {
      id,
      node_id: nodeId('Artifact', id),
      name,
      size_in_bytes: zip.length,
      url: api,
      archive_download_url: `${api}/zip`,
      expired: world.nowMs() > createdMs + ARTIFACT_DAYS * DAY_MS,
      created_at: stamp(createdMs),
      updated_at: stamp(createdMs),
      expires_at: stamp(createdMs + ARTIFACT_DAYS * DAY_MS),
      digest: `sha256:${createHash('sha256').update(zip).digest('hex')}`,
      workflow_run: { id: run.id, repository_id: run.repository.id, head_repository_id: run.repository.id, head_branch: branchOf(run), head_sha: run.commit },
    }
  }
  const emitRun = (run: Run, action: string): void =>
    world.emit(
      'workflow_run',
      { action, workflow_run: runJson(run), workflow: workflowJson(run.repository, run.workflow) },
      { repository: run.repository, by: run.actor },
    )
  const emitJob = (job: Job, action: string): void =>
    world.emit('workflow_job', { action, workflow_job: jobJson(job) }, { repository: job.run.repository, by: job.run.actor })

  const jobsOf = (run: Run): readonly Job[] => run.jobs.filter(({ attempt }) => attempt === run.attempt)
  const endJob = (job: Job, conclusion: RunConclusion): void => {
    if (job.status === 'completed') return
    const isWell = conclusion === 'success'
    for (const step of job.steps)
      if (step.status !== 'completed')
        Object.assign(step, { status: 'completed', conclusion: isWell || step.status === 'in_progress' ? conclusion : 'skipped', completedAt: world.stamp() })
    Object.assign(job, { status: 'completed', conclusion, completedAt: world.stamp() })
    emitJob(job, 'completed')
  }
  const endRun = (run: Run, wanted?: RunConclusion): void => {
    if (run.status === 'completed') return
    for (const job of jobsOf(run)) endJob(job, wanted === 'success' ? 'success' : (wanted ?? 'cancelled'))
    const conclusions = jobsOf(run).map(({ conclusion }) => conclusion)
    const worst = (['failure', 'timed_out', 'cancelled'] as const).find((one) => conclusions.includes(one))
    Object.assign(run, { status: 'completed', conclusion: wanted ?? worst ?? 'success', updatedAt: world.stamp() })
    emitRun(run, 'completed')
  }
  const cancel = (run: Run): void => {
    run.cancel.abort()
    endRun(run, 'cancelled')
  }

  const jobView = (job: Job): WorkflowJob => ({
    id: job.id,
    name: job.name,
    labels: job.labels,
    get status() {
      return job.status
    },
    get conclusion() {
      return job.conclusion
    },
    get runner() {
      return job.runner
    },
    get steps() {
      return job.steps.map(({ name, status, conclusion }) => ({ name, status, conclusion }))
    },
    async start(name) {
      if (job.status !== 'queued') return
      machines += 1
      Object.assign(job, { status: 'in_progress', runner: name ?? `GitHub Actions ${machines}`, runnerId: machines, startedAt: world.stamp() })
      if (job.steps[0] !== undefined) Object.assign(job.steps[0], { status: 'in_progress', startedAt: world.stamp() })
      if (job.run.status === 'queued') {
        Object.assign(job.run, { status: 'in_progress', updatedAt: world.stamp() })
        emitRun(job.run, 'in_progress')
      }
      emitJob(job, 'in_progress')
    },
    step(name) {
      const known = job.steps.find((step) => step.name === name) ?? { name, status: 'queued' as const, conclusion: null, startedAt: null, completedAt: null }
      if (!job.steps.includes(known)) job.steps.push(known)
      for (const step of job.steps)
        if (step.status === 'in_progress') Object.assign(step, { status: 'completed', conclusion: 'success', completedAt: world.stamp() })
      Object.assign(known, { status: 'in_progress', startedAt: world.stamp() })
    },
    complete: async (conclusion = 'success') => endJob(job, conclusion),
    tokenService: () => ({ url: `${world.url}/_actions/token?job=${job.id}`, token: job.token }),
    idToken: async (audience, claims) => oidc.sign({ ...claimsOf(job, audience), ...claims }),
    environment: () => environmentOf(job),
  })
  const claimsOf = (job: Job, audience: string): Json => {
    const { run } = job
    const { repository } = run
    const { owner } = repository
    const isNumbered = repository.createdAt >= NUMBERED_SUBJECTS_SINCE
    const name = isNumbered ? `${owner.login}@${owner.id}/${repository.name}@${repository.id}` : fullName(repository)
    const workflow = `${fullName(repository)}/${run.workflow.path}@${run.ref}`
    return {
      sub: `repo:${name}:ref:${run.ref}`,
      aud: audience,
      repository: fullName(repository),
      repository_id: String(repository.id),
      repository_owner: owner.login,
      repository_owner_id: String(owner.id),
      repository_visibility: repository.isPrivate ? 'private' : 'public',
      ref: run.ref,
      ref_type: run.ref.startsWith('refs/tags/') ? 'tag' : 'branch',
      ref_protected: 'false',
      sha: run.commit,
      workflow: run.workflow.name,
      workflow_ref: workflow,
      workflow_sha: run.commit,
      job_workflow_ref: job.workflow,
      job_workflow_sha:
        findRepository(world, job.workflow.split('/').slice(0, 2).join('/')) === repository
          ? run.commit
          : createHash('sha1').update(job.workflow).digest('hex'),
      event_name: run.event,
      run_id: String(run.id),
      run_number: String(run.number),
      run_attempt: String(job.attempt),
      runner_environment: job.labels.includes('self-hosted') ? 'self-hosted' : 'github-hosted',
      check_run_id: String(job.id),
      actor: run.actor.login,
      actor_id: String(run.actor.id),
      head_ref: '',
      base_ref: '',
    }
  }
  const environmentOf = (job: Job): Readonly<Record<string, string>> => ({
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_API_URL: world.url,
    GITHUB_SERVER_URL: world.url,
    GITHUB_GRAPHQL_URL: `${world.url}/graphql`,
    GITHUB_REPOSITORY: fullName(job.run.repository),
    GITHUB_REPOSITORY_ID: String(job.run.repository.id),
    GITHUB_REPOSITORY_OWNER: job.run.repository.owner.login,
    GITHUB_REPOSITORY_OWNER_ID: String(job.run.repository.owner.id),
    GITHUB_RUN_ID: String(job.run.id),
    GITHUB_RUN_NUMBER: String(job.run.number),
    GITHUB_RUN_ATTEMPT: String(job.attempt),
    GITHUB_EVENT_NAME: job.run.event,
    GITHUB_REF: job.run.ref,
    GITHUB_REF_NAME: branchOf(job.run),
    GITHUB_REF_TYPE: job.run.ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    GITHUB_SHA: job.run.commit,
    GITHUB_ACTOR: job.run.actor.login,
    GITHUB_WORKFLOW: job.run.workflow.name,
    GITHUB_WORKFLOW_REF: `${fullName(job.run.repository)}/${job.run.workflow.path}@${job.run.ref}`,
    GITHUB_JOB: job.name,
    RUNNER_NAME: job.runner ?? '',
    ACTIONS_ID_TOKEN_REQUEST_URL: `${world.url}/_actions/token?job=${job.id}`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: job.token,
  })
  const addJob = (run: Run, name: string, { labels = ['ubuntu-24.04'], steps = [], workflow }: JobOptions = {}): Job => {
    const [called] = run.workflow.calls.length === 1 ? run.workflow.calls : []
    const job: Job = {
      id: world.nextId(),
      run,
      attempt: run.attempt,
      name,
      labels,
      steps: steps.map((step) => ({ name: step, status: 'queued', conclusion: null, startedAt: null, completedAt: null })),
      workflow: workflow ?? (called === undefined ? `${fullName(run.repository)}/${run.workflow.path}@${run.ref}` : calledRef(run, called)),
      token: `oidc-${randomBytes(24).toString('base64url')}`,
      status: 'queued',
      conclusion: null,
      runner: undefined,
      runnerId: null,
      createdAt: world.stamp(),
      startedAt: world.stamp(),
      completedAt: null,
    }
    run.jobs.push(job)
    emitJob(job, 'queued')
    return job
  }
  const runView = (run: Run): WorkflowRun => ({
    id: run.id,
    get attempt() {
      return run.attempt
    },
    repository: fullName(run.repository),
    path: run.workflow.path,
    name: run.workflow.name,
    title: run.title,
    event: run.event,
    ref: run.ref,
    commit: run.commit,
    actor: run.actor.login,
    inputs: run.inputs,
    get status() {
      return run.status
    },
    get conclusion() {
      return run.conclusion
    },
    get jobs() {
      return jobsOf(run).map(jobView)
    },
    get artifacts() {
      return artifacts.filter((one) => one.run === run).map(({ name }) => name)
    },
    get signal() {
      return run.cancel.signal
    },
    job: async (name, options) => jobView(addJob(run, name, options)),
    artifact(name, files) {
      // The same name again replaces it, as `overwrite: true` does.
      const old = artifacts.findIndex((one) => one.run === run && one.name === name)
      if (old >= 0) artifacts.splice(old, 1)
      artifacts.push({ id: world.nextId(), run, name, zip: zipOf(files), createdMs: world.nowMs() })
    },
    complete: async (conclusion) => endRun(run, conclusion),
    async remove() {
      run.cancel.abort()
      Object.assign(run, { status: 'completed', conclusion: run.conclusion ?? 'cancelled' })
      runs.splice(runs.indexOf(run), runs.includes(run) ? 1 : 0)
    },
  })
  const execute = (run: Run): void => {
    if (runner === undefined) return
    const [chosen, attempt] = [runner, run.attempt]
    const work = (async () => {
      // GitHub has answered the dispatch by then.
      await new Promise((resolve) => setImmediate(resolve))
      try {
        await chosen(runView(run))
        if (run.attempt === attempt) endRun(run)
      } catch (cause) {
        if (!run.cancel.signal.aborted) process.stderr.write(`a runner of the stand-in for GitHub: ${cause instanceof Error ? cause.stack : String(cause)}\n`)
        if (run.attempt === attempt) endRun(run, 'failure')
      }
    })()
    working.add(work)
    void work.finally(() => working.delete(work))
  }
  const start = (run: Run): void => {
    emitRun(run, 'requested')
    execute(run)
  }
  const rerun = (run: Run): LocalAnswer => {
    if (run.status !== 'completed') return { status: 403, body: { message: 'The workflow run is already running' } }
    Object.assign(run, {
      attempt: run.attempt + 1,
      status: 'queued',
      conclusion: null,
      startedAt: world.stamp(),
      updatedAt: world.stamp(),
      cancel: new AbortController(),
    })
    start(run)
    return { status: 201, body: {} }
  }

  const dispatch = (request: Request, name: string): LocalAnswer => {
    const { hosted, identity, body } = request
    if (findWorkflow(hosted, name) === undefined) return NOT_FOUND
    const wanted = text(request, 'ref') ?? ''
    const ref = [wanted, `refs/heads/${wanted}`, `refs/tags/${wanted}`].find((one) => one.startsWith('refs/') && hosted.refs.has(one))
    const commit = ref === undefined ? undefined : hosted.objects.peel(hosted.refs.get(ref) ?? '')
    if (ref === undefined || commit === undefined) return invalid(`No ref found for: ${wanted}`)
    const workflow = readWorkflow(hosted, commit, findWorkflow(hosted, name)?.path ?? '')
    if (workflow?.inputs === undefined) return invalid("Workflow does not have 'workflow_dispatch' trigger")
    const sent = Object.fromEntries(Object.entries((body['inputs'] ?? {}) as Json).map(([key, value]) => [key, String(value)]))
    const unexpected = Object.keys(sent).filter((key) => !(key in (workflow.inputs ?? {})))
    if (unexpected.length > 0) return invalid(`Unexpected inputs provided: ${JSON.stringify(unexpected)}`)
    const missing = Object.entries(workflow.inputs).find(
      ([key, { required }]) => required === true && (sent[key] ?? '') === '' && workflow.inputs?.[key]?.default === undefined,
    )
    if (missing !== undefined) return invalid(`Required input '${missing[0]}' not provided`)
    const wrong = Object.entries(workflow.inputs).find(
      ([key, { type, options }]) => type === 'choice' && sent[key] !== undefined && options?.includes(sent[key]) !== true,
    )
    if (wrong !== undefined) return invalid(`Provided value '${sent[wrong[0]]}' for input '${wrong[0]}' not in the list of allowed values`)
    const plain = (value: unknown): string => (typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value))
    const inputs = Object.fromEntries(Object.entries(workflow.inputs).map(([key, input]) => [key, sent[key] ?? plain(input.default)]))
    const typed = Object.fromEntries(
      Object.entries(inputs).map(([key, value]) => [
        key,
        workflow.inputs?.[key]?.type === 'boolean' ? value === 'true' : workflow.inputs?.[key]?.type === 'number' ? Number(value) : value,
      ]),
    )
    const id = world.nextId()
    const number = runs.filter((run) => run.repository === hosted && run.workflow.id === workflow.id).length + 1
    const short = ref.replace(/^refs\/(?:heads|tags)\//, '')
    const github = {
      event: { inputs },
      event_name: 'workflow_dispatch',
      ref,
      ref_name: short,
      sha: commit,
      repository: fullName(hosted),
      repository_owner: hosted.owner.login,
      actor: identity.login,
      run_id: String(id),
      run_number: String(number),
      run_attempt: '1',
      workflow: workflow.name,
    }
    const title = workflow.runName === undefined ? '' : evaluateText(workflow.runName, { github, inputs: typed, vars: {} }).trim()
    const run: Run = {
      id,
      number,
      repository: hosted,
      workflow,
      title: title === '' ? workflow.name : title,
      event: 'workflow_dispatch',
      ref,
      commit,
      actor: identity.account,
      inputs,
      createdAt: world.stamp(),
      attempt: 1,
      status: 'queued',
      conclusion: null,
      startedAt: world.stamp(),
      updatedAt: world.stamp(),
      cancel: new AbortController(),
      jobs: [],
    }
    runs.push(run)
    start(run)
    if (body['return_run_details'] !== true) return { status: 204 }
    const { url, html_url } = runJson(run)
    return ok({ workflow_run_id: id, run_url: url, html_url })
  }

  const find = ({ hosted }: Request, id: string): Run | undefined => runs.find((run) => run.id === Number(id) && run.repository === hosted)
  const withRun = (request: Request, id: string, work: (run: Run) => LocalAnswer): LocalAnswer => {
    const run = find(request, id)
    return run === undefined ? NOT_FOUND : work(run)
  }
  const listRuns = (request: Request, list: readonly Run[]): LocalAnswer => {
    const { searchParams } = request.url
    const wanted = (name: string, value: string | null): boolean => searchParams.get(name) === null || searchParams.get(name) === value
    const status = searchParams.get('status')
    const kept = list.filter(
      (run) =>
        wanted('event', run.event) &&
        wanted('branch', branchOf(run)) &&
        wanted('actor', run.actor.login) &&
        wanted('head_sha', run.commit) &&
        (status === null || run.status === status || run.conclusion === status) &&
        isWithin(run.createdAt, searchParams.get('created')),
    )
    return page(request, kept.toReversed().map(runJson), 'workflow_runs')
  }
  const listJobs = (request: Request, jobs: readonly Job[]): LocalAnswer => page(request, jobs.map(jobJson), 'jobs')
  const listArtifacts = (request: Request, list: readonly Artifact[]): LocalAnswer => {
    const name = request.url.searchParams.get('name')
    return page(
      request,
      list
        .filter((one) => name === null || one.name === name)
        .toReversed()
        .map(artifactJson),
      'artifacts',
    )
  }
  const stop = (request: Request, id: string): LocalAnswer =>
    withRun(request, id, (run) => {
      if (run.status === 'completed') return { status: 409, body: { message: 'Cannot cancel a workflow run that is completed.' } }
      cancel(run)
      return { status: 202, body: {} }
    })
  const handlers: Handlers = {
    'actions/list-repo-workflows': (request) =>
      page(
        request,
        workflowsOf(request.hosted).map((workflow) => workflowJson(request.hosted, workflow)),
        'workflows',
      ),
    'actions/get-workflow': ({ hosted }, name = '') => {
      const workflow = findWorkflow(hosted, name)
      return workflow === undefined ? NOT_FOUND : ok(workflowJson(hosted, workflow))
    },
    'actions/create-workflow-dispatch': dispatch,
    'actions/list-workflow-runs': (request, name = '') => {
      const workflow = findWorkflow(request.hosted, name)
      if (workflow === undefined) return NOT_FOUND
      return listRuns(
        request,
        runs.filter((run) => run.repository === request.hosted && run.workflow.id === workflow.id),
      )
    },
    'actions/list-workflow-runs-for-repo': (request) =>
      listRuns(
        request,
        runs.filter((run) => run.repository === request.hosted),
      ),
    'actions/get-workflow-run': (request, id = '') => withRun(request, id, (run) => ok(runJson(run))),
    'actions/get-workflow-run-attempt': (request, id = '', attempt = '') =>
      withRun(request, id, (run) => (Number(attempt) === run.attempt ? ok(runJson(run)) : NOT_FOUND)),
    'actions/list-jobs-for-workflow-run': (request, id = '') =>
      withRun(request, id, (run) => listJobs(request, request.url.searchParams.get('filter') === 'all' ? run.jobs : jobsOf(run))),
    'actions/list-jobs-for-workflow-run-attempt': (request, id = '', attempt = '') =>
      withRun(request, id, (run) =>
        listJobs(
          request,
          run.jobs.filter((job) => job.attempt === Number(attempt)),
        ),
      ),
    'actions/get-job-for-workflow-run': ({ hosted }, id = '') => {
      const job = runs
        .filter((run) => run.repository === hosted)
        .flatMap((run) => run.jobs)
        .find((one) => one.id === Number(id))
      return job === undefined ? NOT_FOUND : ok(jobJson(job))
    },
    'actions/cancel-workflow-run': stop,
    'actions/force-cancel-workflow-run': stop,
    'actions/re-run-workflow': (request, id = '') => withRun(request, id, rerun),
    'actions/re-run-workflow-failed-jobs': (request, id = '') => withRun(request, id, rerun),
    'actions/list-artifacts-for-repo': (request) =>
      listArtifacts(
        request,
        artifacts.filter(({ run }) => run.repository === request.hosted),
      ),
    'actions/list-workflow-run-artifacts': (request, id = '') =>
      withRun(request, id, (run) =>
        listArtifacts(
          request,
          artifacts.filter((one) => one.run === run),
        ),
      ),
    'actions/get-artifact': ({ hosted }, id = '') => {
      const artifact = artifacts.find((one) => one.id === Number(id) && one.run.repository === hosted)
      return artifact === undefined ? NOT_FOUND : ok(artifactJson(artifact))
    },
    'actions/delete-artifact': ({ hosted }, id = '') => {
      const at = artifacts.findIndex((one) => one.id === Number(id) && one.run.repository === hosted)
      if (at < 0) return NOT_FOUND
      artifacts.splice(at, 1)
      return { status: 204 }
    },
    'actions/download-artifact': ({ hosted }, id = '', format = '') => {
      const artifact = artifacts.find((one) => one.id === Number(id) && one.run.repository === hosted)
      if (artifact === undefined || format !== 'zip') return NOT_FOUND
      if (artifactJson(artifact)['expired'] === true) return { status: 410, body: { message: 'Artifact has expired' } }
      const key = randomBytes(16).toString('hex')
      links.set(key, { artifact, untilMs: world.nowMs() + LINK_MS })
      return { status: 302, headers: { location: `${world.url}/_artifacts/${key}` } }
    },
  }
  const actions: Actions = {
    useRunner: (next) => void (runner = next),
    runs: (repository) => runs.filter((run) => repository === undefined || run.repository === findRepository(world, repository)).map(runView),
  }
  const must = (repository: Repository, id: number): Run => {
    const run = runs.find((one) => one.id === id && one.repository === repository)
    if (run === undefined) throw new Error(`there is no run ${id} in ${fullName(repository)}`)
    return run
  }
  return {
    actions,
    handlers,
    working,
    cancel: (repository: Repository, id: number): void => cancel(must(repository, id)),
    rerun: (repository: Repository, id: number): void => void rerun(must(repository, id)),
    /** Links and the token service, which need no token of GitHub's. */
    answer(url: URL, authorization: string | undefined): LocalAnswer | undefined {
      const [, place, key = ''] = url.pathname.split('/')
      if (place === '_artifacts') {
        const link = links.get(key)
        if (link === undefined || link.untilMs < world.nowMs()) return { status: 403, body: { message: 'Server failed to authenticate the request.' } }
        return { status: 200, body: link.artifact.zip, headers: { 'content-type': 'application/zip' } }
      }
      if (place !== '_actions') return undefined
      const job = runs.flatMap((run) => run.jobs).find((one) => String(one.id) === url.searchParams.get('job'))
      if (job === undefined || authorization !== `Bearer ${job.token}`) return { status: 401, body: { message: 'Unauthorized' } }
      // A job that has ended gets no more.
      if (job.status === 'completed') return { status: 403, body: { message: 'The job has ended' } }
      return ok({ value: oidc.sign(claimsOf(job, url.searchParams.get('audience') ?? `https://github.com/${job.run.repository.owner.login}`)) })
    },
  }
}

/** `owner/name/.github/workflows/file.yml@refs/…` of a call; GitHub finds out whether it is a tag, here it looks like one or not. */
function calledRef(run: Run, call: string): string {
  const [path = '', version = ''] = call.split('@')
  if (path.startsWith('./')) return `${fullName(run.repository)}/${path.slice(2)}@${run.ref}`
  if (/^[0-9a-f]{40}$/.test(version)) return `${path}@${version}`
  return `${path}@refs/${/^v\d/.test(version) ? 'tags' : 'heads'}/${version}`
}

/** GitHub's search syntax for dates: `>=2026-01-01`, `2026-01-01..2026-02-01`, a day. */
function isWithin(at: string, range: string | null): boolean {
  if (range === null) return true
  const ms = Date.parse(at)
  const [from = '', to = ''] = range.split('..')
  if (range.includes('..')) return (from === '*' || ms >= Date.parse(from)) && (to === '*' || ms <= endOf(to))
  const [, sign = '', date = ''] = /^([<>]=?)?(.*)$/.exec(range) ?? []
  if (sign === '>=') return ms >= Date.parse(date)
  if (sign === '>') return ms > endOf(date)
  if (sign === '<=') return ms <= endOf(date)
  if (sign === '<') return ms < Date.parse(date)
  return ms >= Date.parse(date) && ms <= endOf(date)
}

function endOf(date: string): number {
  return Date.parse(date) + (date.includes('T') ? 999 : DAY_MS - 1)
}
