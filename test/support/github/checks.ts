/** Check runs and suites as GitHub keeps them: annotations add up, a conclusion completes, and only apps write. */
import type { StoredCheck } from './api.ts'
import { created, FORBIDDEN, invalid, NOT_FOUND, ok, page, text, type Handlers, type Request } from './handled.ts'
import type { LocalAnswer } from './releases.ts'
import { fullName, nodeId, resolveCommit, simpleUser } from './world.ts'
import type { Account, Json, Move, Repository, World } from './world.ts'

/** What only the prose of GitHub's document says, in bytes. */
const MOST_MESSAGE_BYTES = 64 * 1024
const MOST_OUTPUT_CHARACTERS = 65_535
/** Older ones of the same name in a suite are no longer shown. */
const MOST_OF_A_NAME = 1000

interface Suite {
  readonly id: number
  readonly app: number
  readonly repository: Repository
  readonly commit: string
  readonly branch: string | null
  readonly before: string
  readonly at: string
}

interface CheckRun {
  readonly id: number
  readonly suite: Suite
  readonly app: number
  name: string
  readonly commit: string
  externalId: string
  detailsUrl: string | null
  status: string
  conclusion: string | null
  startedAt: string
  completedAt: string | null
  title: string | null
  summary: string | null
  text: string | null
  annotations: Json[]
  actions: StoredCheck['actions']
}

export interface AppLook {
  /** As it stands in a check run. */
  readonly json: (id: number) => Json
  readonly slug: (id: number) => string
  /** Installed there, and with `checks: write`. */
  readonly opensSuites: (repository: Repository) => number | undefined
  readonly pullsAt: (repository: Repository, commit: string) => readonly Json[]
}

export type Checks = ReturnType<typeof createChecks>

export function createChecks(world: World, apps: AppLook) {
  const suites: Suite[] = []
  const runs: CheckRun[] = []

  const suiteOf = (repository: Repository, app: number, commit: string, branch: string | null, before: string): Suite => {
    const known = suites.find((suite) => suite.repository === repository && suite.app === app && suite.commit === commit)
    if (known !== undefined) return known
    const suite = { id: world.nextId(), app, repository, commit, branch, before, at: world.stamp() }
    suites.push(suite)
    return suite
  }
  const branchOf = (repository: Repository, commit: string): string | null => {
    const found = [...repository.refs].find(([ref, id]) => ref.startsWith('refs/heads/') && id === commit)
    return found === undefined ? null : found[0].slice('refs/heads/'.length)
  }
  const own = (repository: Repository): string => `${world.url}/repos/${fullName(repository)}`
  const annotationsUrl = (run: CheckRun): string => `${own(run.suite.repository)}/check-runs/${run.id}/annotations`
  const runJson = (run: CheckRun): Json => ({
    id: run.id,
    name: run.name,
    node_id: nodeId('CheckRun', run.id),
    head_sha: run.commit,
    external_id: run.externalId,
    url: `${own(run.suite.repository)}/check-runs/${run.id}`,
    html_url: `${world.url}/${fullName(run.suite.repository)}/runs/${run.id}`,
    details_url: run.detailsUrl ?? 'https://example.org',
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: { title: run.title, summary: run.summary, text: run.text, annotations_count: run.annotations.length, annotations_url: annotationsUrl(run) },
    check_suite: { id: run.suite.id },
    app: apps.json(run.app),
    pull_requests: apps.pullsAt(run.suite.repository, run.commit),
  })
  const runsOf = (suite: Suite): readonly CheckRun[] => runs.filter((run) => run.suite === suite)
  const suiteJson = (suite: Suite): Json => {
    const { repository, commit } = suite
    const inside = runsOf(suite)
    const isDone = inside.length > 0 && inside.every(({ status }) => status === 'completed')
    const worst = ['failure', 'timed_out', 'action_required', 'cancelled', 'neutral', 'success', 'skipped'].find((one) =>
      inside.some(({ conclusion }) => conclusion === one),
    )
    const { tree, message, author, committer } = repository.objects.commit(commit)
    const person = ({ name, email }: { readonly name: string; readonly email: string }): Json => ({ name, email })
    return {
      id: suite.id,
      node_id: nodeId('CheckSuite', suite.id),
      head_branch: suite.branch,
      head_sha: commit,
      status: isDone ? 'completed' : inside.length === 0 ? 'queued' : 'in_progress',
      conclusion: isDone ? (worst ?? null) : null,
      url: `${own(repository)}/check-suites/${suite.id}`,
      before: suite.before,
      after: commit,
      pull_requests: apps.pullsAt(repository, commit),
      app: apps.json(suite.app),
      created_at: suite.at,
      updated_at: suite.at,
      rerequestable: true,
      runs_rerequestable: true,
      latest_check_runs_count: inside.length,
      check_runs_url: `${own(repository)}/check-suites/${suite.id}/check-runs`,
      head_commit: { id: commit, tree_id: tree, message, timestamp: committer.date, author: person(author), committer: person(committer) },
    }
  }
  const emitRun = (run: CheckRun, action: string, by: Account, more: Json = {}): void =>
    world.emit(
      'check_run',
      { action, check_run: { ...runJson(run), check_suite: suiteJson(run.suite), actions: run.actions }, ...more },
      { repository: run.suite.repository, by },
    )
  /** A check run has its conclusion, and with the last one the suite. */
  const emitDone = (run: CheckRun, by: Account): void => {
    emitRun(run, 'completed', by)
    if (runsOf(run.suite).every(({ status }) => status === 'completed')) emitSuite(run.suite, 'completed', by)
  }
  const emitSuite = (suite: Suite, action: string, by: Account): void =>
    world.emit('check_suite', { action, check_suite: suiteJson(suite) }, { repository: suite.repository, by })

  world.onMove.push((repository: Repository, { ref, commit, before, by, kind }: Move) => {
    const app = apps.opensSuites(repository)
    if (app === undefined || !ref.startsWith('refs/heads/') || kind === 'branch_deletion') return
    const count = suites.length
    const suite = suiteOf(repository, app, commit, ref.slice('refs/heads/'.length), before)
    if (suites.length > count) emitSuite(suite, 'requested', by)
  })

  /** What the document's schema does not say. */
  const refuse = ({ body, identity }: Request): LocalAnswer | undefined => {
    if (identity.appId === undefined) return { status: 403, body: { message: 'You must authenticate via a GitHub App.' } }
    const output = body['output'] as { readonly summary?: string; readonly text?: string; readonly annotations?: readonly Json[] } | undefined
    const tooLong = (['summary', 'text'] as const).find((name) => Array.from(output?.[name] ?? '').length > MOST_OUTPUT_CHARACTERS)
    if (tooLong !== undefined) return invalid(`Invalid request.\n\nOnly ${MOST_OUTPUT_CHARACTERS} characters are allowed; ${tooLong} has more.`)
    const wrong = output?.annotations?.find((one) => Buffer.byteLength(String(one['message'])) > MOST_MESSAGE_BYTES)
    if (wrong !== undefined) return invalid('Invalid request.\n\nmessage exceeds a maximum bytesize of 64 KB.')
    const columns = output?.annotations?.find((one) => one['start_column'] !== undefined && one['start_line'] !== one['end_line'])
    if (columns !== undefined) return invalid('Invalid request.\n\nstart_column and end_column may only be given for annotations on one line.')
    return undefined
  }
  const change = (run: CheckRun, { body }: Request): void => {
    const string = (name: string): string | undefined => (typeof body[name] === 'string' ? body[name] : undefined)
    const output = body['output'] as
      | { readonly title?: string; readonly summary?: string; readonly text?: string; readonly annotations?: readonly Json[] }
      | undefined
    run.name = string('name') ?? run.name
    run.externalId = string('external_id') ?? run.externalId
    run.detailsUrl = string('details_url') ?? run.detailsUrl
    run.startedAt = string('started_at') ?? run.startedAt
    run.conclusion = string('conclusion') ?? run.conclusion
    run.status = string('conclusion') === undefined ? (string('status') ?? run.status) : 'completed'
    if (run.status === 'completed') run.completedAt = string('completed_at') ?? run.completedAt ?? world.stamp()
    else Object.assign(run, { conclusion: null, completedAt: null })
    if (output !== undefined) {
      run.title = output.title ?? run.title
      run.summary = output.summary ?? run.summary
      run.text = output.text ?? run.text
      run.annotations.push(...(output.annotations ?? []))
    }
    if (Array.isArray(body['actions'])) run.actions = body['actions'] as StoredCheck['actions']
  }
  const find = ({ hosted }: Request, id: string): CheckRun | undefined => runs.find((run) => run.id === Number(id) && run.suite.repository === hosted)
  const findSuite = ({ hosted }: Request, id: string): Suite | undefined => suites.find((suite) => suite.id === Number(id) && suite.repository === hosted)
  const shown = ({ url }: Request, list: readonly CheckRun[]): readonly CheckRun[] => {
    const { searchParams } = url
    const [name, status, app] = [searchParams.get('check_name'), searchParams.get('status'), searchParams.get('app_id')]
    const kept = list.filter(
      (run) => (name === null || run.name === name) && (status === null || run.status === status) && (app === null || run.app === Number(app)),
    )
    const newest = kept.filter((run) => !kept.some((other) => other.id > run.id && other.name === run.name && other.suite === run.suite))
    return (searchParams.get('filter') === 'all' ? kept.slice(-MOST_OF_A_NAME) : newest).toReversed()
  }
  // "The check run itself is not updated" (GitHub's API description, checks/rerequest-run): that is left to the app.
  const rerequestRun = (run: CheckRun, by: Account): void => emitRun(run, 'rerequested', by)
  const handlers: Handlers = {
    'checks/create': (request) => {
      const { hosted, identity } = request
      const refused = refuse(request)
      if (refused !== undefined) return refused
      const commit = text(request, 'head_sha') ?? ''
      if (hosted.objects.read(commit, 'commit') === undefined) return invalid(`No commit found for SHA: ${commit}`)
      const app = identity.appId ?? 0
      const suite = suiteOf(hosted, app, commit, branchOf(hosted, commit), '0'.repeat(40))
      const run: CheckRun = {
        id: world.nextId(),
        suite,
        app,
        name: text(request, 'name') ?? '',
        commit,
        externalId: '',
        detailsUrl: null,
        status: 'queued',
        conclusion: null,
        startedAt: world.stamp(),
        completedAt: null,
        title: null,
        summary: null,
        text: null,
        annotations: [],
        actions: [],
      }
      if (text(request, 'status') === 'completed' && text(request, 'conclusion') === undefined)
        return invalid('Invalid request.\n\nMissing required parameter conclusion.')
      change(run, request)
      runs.push(run)
      emitRun(run, 'created', identity.account)
      if (run.status === 'completed') emitDone(run, identity.account)
      return created(runJson(run))
    },
    'checks/update': (request, id = '') => {
      const refused = refuse(request)
      if (refused !== undefined) return refused
      const run = find(request, id)
      if (run === undefined) return NOT_FOUND
      if (run.app !== request.identity.appId)
        return {
          status: 403,
          body: { message: 'Invalid app_id `' + String(request.identity.appId) + '` - check run can only be modified by the GitHub App that created it.' },
        }
      if (text(request, 'status') === 'completed' && text(request, 'conclusion') === undefined)
        return invalid('Invalid request.\n\nMissing required parameter conclusion.')
      const wasDone = run.status === 'completed'
      change(run, request)
      if (run.status === 'completed' && !wasDone) emitDone(run, request.identity.account)
      return ok(runJson(run))
    },
    'checks/get': (request, id = '') => {
      const run = find(request, id)
      return run === undefined ? NOT_FOUND : ok(runJson(run))
    },
    'checks/list-annotations': (request, id = '') => {
      const run = find(request, id)
      const blob = (path: unknown): string => `${world.url}/${fullName(request.hosted)}/blob/${run?.commit}/${String(path)}`
      return run === undefined
        ? NOT_FOUND
        : page(
            request,
            run.annotations.map((one) => ({ start_column: null, end_column: null, title: null, raw_details: null, ...one, blob_href: blob(one['path']) })),
          )
    },
    'checks/list-for-ref': (request, ref = '') => {
      const commit = resolveCommit(request.hosted, ref)
      if (commit === undefined) return invalid(`No commit found for SHA: ${ref}`)
      const here = runs.filter((run) => run.suite.repository === request.hosted && run.commit === commit)
      return page(request, shown(request, here).map(runJson), 'check_runs')
    },
    'checks/list-for-suite': (request, id = '') => {
      const suite = findSuite(request, id)
      return suite === undefined ? NOT_FOUND : page(request, shown(request, runsOf(suite)).map(runJson), 'check_runs')
    },
    'checks/get-suite': (request, id = '') => {
      const suite = findSuite(request, id)
      return suite === undefined ? NOT_FOUND : ok({ ...suiteJson(suite), repository: { id: request.hosted.id, ...minimal(request.hosted) } })
    },
    'checks/list-suites-for-ref': (request, ref = '') => {
      const commit = resolveCommit(request.hosted, ref)
      if (commit === undefined) return invalid(`No commit found for SHA: ${ref}`)
      const app = request.url.searchParams.get('app_id')
      const here = suites.filter((suite) => suite.repository === request.hosted && suite.commit === commit && (app === null || suite.app === Number(app)))
      return page(
        request,
        here.map((suite) => ({ ...suiteJson(suite), repository: { id: request.hosted.id, ...minimal(request.hosted) } })),
        'check_suites',
      )
    },
    'checks/create-suite': (request) => {
      if (request.identity.appId === undefined) return FORBIDDEN
      const commit = text(request, 'head_sha') ?? ''
      if (request.hosted.objects.read(commit, 'commit') === undefined) return invalid(`No commit found for SHA: ${commit}`)
      const suite = suiteOf(request.hosted, request.identity.appId, commit, branchOf(request.hosted, commit), '0'.repeat(40))
      return created({ ...suiteJson(suite), repository: { id: request.hosted.id, ...minimal(request.hosted) } })
    },
    'checks/rerequest-run': (request, id = '') => {
      const run = find(request, id)
      if (run === undefined) return NOT_FOUND
      rerequestRun(run, request.identity.account)
      return created({})
    },
    'checks/rerequest-suite': (request, id = '') => {
      const suite = findSuite(request, id)
      if (suite === undefined) return NOT_FOUND
      emitSuite(suite, 'rerequested', request.identity.account)
      return created({})
    },
  }
  const minimal = (repository: Repository): Json => ({ name: repository.name, full_name: fullName(repository), owner: simpleUser(world, repository.owner) })
  const must = (repository: Repository, id: number): CheckRun => {
    const run = runs.find((one) => one.id === id && one.suite.repository === repository)
    if (run === undefined) throw new Error(`there is no check run ${id} in ${fullName(repository)}`)
    return run
  }
  return {
    handlers,
    press(repository: Repository, id: number, identifier: string, by: Account): void {
      const run = must(repository, id)
      if (!run.actions.some((action) => action.identifier === identifier)) throw new Error(`check run ${id} (${run.name}) has no button ${identifier}`)
      emitRun(run, 'requested_action', by, { requested_action: { identifier } })
    },
    rerequestRun: (repository: Repository, id: number, by: Account): void => rerequestRun(must(repository, id), by),
    rerequestSuite(repository: Repository, id: number, by: Account): void {
      const suite = suites.find((one) => one.id === id && one.repository === repository)
      if (suite === undefined) throw new Error(`there is no check suite ${id} in ${fullName(repository)}`)
      emitSuite(suite, 'rerequested', by)
    },
    stored: (repository: Repository, commit?: string): readonly StoredCheck[] =>
      runs
        .filter((run) => run.suite.repository === repository && (commit === undefined || run.commit === commit))
        .map(({ suite, app, annotations, ...run }) => ({ ...run, suite: suite.id, app: apps.slug(app), annotations: [...annotations] })),
  }
}
