/**
 * A GitHub on this machine (`README.md`). Every request goes this way:
 *
 *   who asks? → judged by GitHub's own OpenAPI document: what GitHub would not understand is answered 422, and remembered
 *             → a fault, where one is armed → limits → may this token do it? → answered here, or by `emulate` (`upstream.ts`)
 *
 * and what it changed becomes the webhooks of the app (`relay.ts`).
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createActions } from './actions.ts'
import { PEOPLE } from './api.ts'
import type { Github, GithubOptions, HostedRepository, Level, LoggedRequest, Permissions, Person, RepositoryOptions, Violation } from './api.ts'
import { createApps } from './apps.ts'
import { createChecks } from './checks.ts'
import { createComments } from './comments.ts'
import { faultAnswer, type Fault } from './faults.ts'
import { createGitHttp } from './git-http.ts'
import { entryAt, gitHandlers } from './git-routes.ts'
import { FORBIDDEN, NOT_FOUND, ok, type Handler, type Identity, type Request } from './handled.ts'
import { createOidc } from './oidc.ts'
import { checkAnswer, checkRequest, completeAnswer, findRoute, type Route } from './openapi.ts'
import { allows, needsOf, roleFor } from './permissions.ts'
import { makePerson, putEntries, writeFiles } from './persons.ts'
import { createPulls } from './pulls.ts'
import { createReviews } from './reviews.ts'
import { createRelay } from './relay.ts'
import { releaseStore, type LocalAnswer, type LocalRequest, type LocalRoute, type ReleaseSettings, type StoredRelease } from './releases.ts'
import { startUpstream, type Upstream } from './upstream.ts'
import { createWeather, type Weather } from './weather.ts'
import {
  accountOf,
  findRepository,
  fullName,
  fullRef,
  makeRepository,
  moveRef,
  nodeId,
  putCommit,
  reaches,
  repositoryJson,
  resolveCommit,
  roleOf,
  simpleUser,
  treeOf,
} from './world.ts'
import type { Account, Json, Repository, World } from './world.ts'

export type { Github, GithubOptions } from './api.ts'

const MOST_COMMENT_CHARACTERS = 65_536
/** Not GitHub's: what has happened so far, for a test in another process. */
const CONTROL = 'GET /_stand-in'
/** GitHub's own app behind the tokens of workflows. */
const WORKFLOW_APP = 15_368
const WORKFLOW_LOGIN = 'github-actions[bot]'
const MAINTAINER = 'octocat'
const STRANGER = 'stranger'
const TOKENS: Readonly<Record<string, string>> = { [MAINTAINER]: 'token-of-the-maintainer', [STRANGER]: 'token-of-a-stranger' }
/** What emulate does well; anything else that is not answered here is not played. */
const FORWARDED =
  /^(?:issues|users|orgs|search|meta|emojis|teams)\/|^repos\/(?:list-forks|list-languages|get-all-topics|list-for-user|list-for-org|list-for-authenticated-user)$/
/** Operations of the app itself, by its JSON Web Token. */
const APPS_OWN =
  /^apps\/(?:get-authenticated|list-installations|get-installation|create-installation-access-token|delete-installation|get-(?:repo|org|user)-installation|(?:list|get|redeliver)-webhook-.*)$/
const BAD_CREDENTIALS: LocalAnswer = { status: 401, body: { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest', status: '401' } }

interface Gateway {
  readonly world: World
  readonly identify: (token: string) => Identity | string | undefined
  readonly violations: Violation[]
  readonly log: LoggedRequest[]
  readonly faults: { readonly fault: Fault; left: number; after: number }[]
  readonly handlers: ReadonlyMap<string, Handler>
  readonly routes: readonly LocalRoute[]
  readonly mend: (request: Request, body: unknown) => unknown
  readonly weather: Weather
  /** What needs no token, and is no operation of the document. */
  readonly beside: (url: URL, authorization: string | undefined) => LocalAnswer | undefined
}

/** Starts it; without options, with the repository `sage/plugin`, whose default branch is `main`. */
export async function startGithub(options: GithubOptions = {}): Promise<Github> {
  const { port = 0, host = '127.0.0.1' } = options
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`

  const wanted = (options.repositories ?? ['sage/plugin']).map((one): RepositoryOptions => (typeof one === 'string' ? { name: one } : one))
  const appLogin = `${options.app?.slug ?? 'ctss'}[bot]`
  const people = [...new Set([...PEOPLE, appLogin, ...(options.people ?? [])])]
  const ownerOf = (name: string): string => name.split('/')[0] ?? ''
  const owners = [...wanted.map(({ name }) => ownerOf(name)), ...(options.installations ?? []).map(({ account }) => account)]
  const organisations = [...new Set(owners)].filter((owner) => !people.includes(owner))
  // Real ids passed 2^31 long ago.
  let lastId = 9_000_000_000
  let skipMs = 0
  const accounts = [...people, ...organisations].map((login, index): [string, Account] => [
    login.toLowerCase(),
    { login, id: 80_000_001 + index, kind: login.endsWith('[bot]') ? 'Bot' : organisations.includes(login) ? 'Organization' : 'User' },
  ])
  const upstream: Upstream = await startUpstream(url, {
    people,
    organisations,
    repositories: wanted.map(({ name, isPrivate = false, defaultBranch = 'main' }) => ({
      owner: ownerOf(name),
      name: name.split('/')[1] ?? '',
      isPrivate,
      defaultBranch,
    })),
  })
  const deviations = new Set<string>()
  const nowMs = (): number => Date.now() + skipMs
  const world: World = {
    url,
    upstream,
    accounts: new Map(accounts),
    repositories: new Map(),
    names: new Map(),
    emit: (...event) => apps.tell(...event),
    onMove: [],
    deviations,
    nowMs,
    stamp: () => new Date(nowMs()).toISOString().replace(/\.\d+Z$/, 'Z'),
    nextId: () => (lastId += 1),
  }
  const relay = createRelay({ appId: options.app?.id ?? 12_345, secret: () => apps.app.webhookSecret, stamp: world.stamp, nextId: world.nextId, deviations })
  const apps = createApps(world, () => relay, options.app ?? {}, accountOf(world, MAINTAINER))
  for (const { name, isPrivate = false, defaultBranch = 'main', files, roles = { [MAINTAINER]: 'admin' as const }, createdAt } of wanted) {
    const json = await upstream.ask('GET', `/repos/${name}`, MAINTAINER)
    const repository = makeRepository(world, {
      id: Number(json['id']),
      owner: accountOf(world, ownerOf(name)),
      name: name.split('/')[1] ?? '',
      isPrivate,
      defaultBranch,
      upstream: json,
      roles: new Map(Object.entries(roles).map(([login, level]) => [login.toLowerCase(), level])),
      ...(createdAt !== undefined && { createdAt }),
    })
    const first = files ?? { 'README.md': `# ${repository.name}\n` }
    if (Object.keys(first).length === 0) continue
    const entries = [...putEntries(repository, first).values()].filter((entry) => entry !== null)
    const author = accountOf(world, MAINTAINER)
    const commit = putCommit(world, repository, author, { tree: repository.objects.putFiles(entries), parents: [], message: 'Initial commit' })
    moveRef(world, repository, `refs/heads/${defaultBranch}`, commit, author)
  }
  const [first] = world.repositories.values()
  if (first === undefined) throw new Error('the stand-in for GitHub needs a repository')
  const installations = options.installations ?? (first.owner.kind === 'Bot' ? [] : [{ account: first.owner.login }])
  for (const installation of installations) apps.install(installation)

  const workflowApp = {
    ...apps.json(),
    id: WORKFLOW_APP,
    slug: 'github-actions',
    name: 'GitHub Actions',
    node_id: nodeId('App', WORKFLOW_APP),
    html_url: `${url}/apps/github-actions`,
    permissions: {},
    events: [],
  }
  const pulls = createPulls(world)
  const checks = createChecks(world, {
    // The schemas of checks know fewer events than GitHub lets apps listen to.
    json: (id) => ({ ...(id === WORKFLOW_APP ? workflowApp : apps.json()), events: [] }),
    slug: (id) => (id === WORKFLOW_APP ? workflowApp.slug : apps.app.slug),
    opensSuites: (repository) => (apps.installationOf(repository)?.permissions['checks'] === 'write' ? apps.app.id : undefined),
    pullsAt: pulls.at,
  })
  const oidc = createOidc(world)
  const hosted = createActions(world, oidc, pulls.at)
  const comments = createComments(world, pulls)
  const reviews = createReviews(world, pulls)
  const settings: ReleaseSettings = { immutableReleases: false, workflowCommits: new Set(), tellsDigests: true }
  const mustFind = (name: string): Repository => {
    const repository = findRepository(world, name)
    if (repository === undefined) throw new Error(`there is no repository ${name}`)
    return repository
  }
  const store = releaseStore(
    {
      commitOf: async (name, tag) => mustFind(name).refs.get(`refs/tags/${tag}`),
      async create(name, tag, target, login) {
        const repository = mustFind(name)
        const commit = resolveCommit(repository, target)
        if (commit === undefined) return false
        moveRef(world, repository, `refs/tags/${tag}`, commit, accountOf(world, login))
        return true
      },
    },
    settings,
    (request, action, release) => {
      const by = accountOf(world, request.login)
      const whole = completeAnswer(findRoute('GET', `/repos/${request.repository}/releases/1`) as Route, 200, {
        ...(release as object),
        author: simpleUser(world, by),
      })
      world.emit('release', { action, release: whole, ...(action === 'edited' && { changes: {} }) }, { repository: mustFind(request.repository), by })
    },
  )

  const persons = new Map<string, Person>()
  const tokenOf = ({ login }: Account): string => TOKENS[login] ?? `token-of-${login}`
  const personTokens = new Map([...world.accounts.values()].map((account) => [tokenOf(account), account]))
  const workflowTokens = new Map<string, Identity>()
  const gateway: Gateway = {
    world,
    violations: [],
    log: [],
    faults: [],
    routes: store.routes,
    handlers: new Map(
      Object.entries({
        ...gitHandlers(world),
        ...apps.handlers,
        ...pulls.handlers,
        ...reviews.handlers,
        ...checks.handlers,
        ...comments.handlers,
        ...hosted.handlers,
        'repos/get': ({ hosted: repository, identity }: Request) => ok(wholeRepository(world, repository, identity)),
        'rate-limit/get': ({ identity }: Request) => ok(weather.rate(identity)),
      } satisfies Record<string, Handler>),
    ),
    mend: (request, body) => comments.mend(request.hosted, request.route.operation.operationId, mendUsers(world, body)),
    weather: createWeather(options.limits ?? {}, nowMs),
    beside: (asked, authorization) => {
      const found = oidc.answer(asked.pathname)
      return found === undefined ? hosted.answer(asked, authorization) : ok(found)
    },
    identify(token) {
      const account = personTokens.get(token)
      if (account !== undefined) return { login: account.login, kind: 'person', account }
      if (token.startsWith('eyJ')) return apps.identify(token)
      const identity = workflowTokens.get(token) ?? apps.tokens.get(token)
      const isExpired = identity?.expiresMs !== undefined && identity.expiresMs < nowMs()
      const installation = apps.installations.find(({ id }) => id === identity?.installation)
      return isExpired || installation?.isGone === true ? undefined : installation?.suspended === undefined ? identity : 'suspended'
    },
  }
  const { weather } = gateway
  const gitHttp = createGitHttp(world, gateway.identify)
  server.on('request', (incoming, outgoing) => {
    if (gitHttp.answers(incoming, outgoing)) return
    serve(gateway, incoming, outgoing).catch((cause: unknown) => {
      process.stderr.write(`stand-in for GitHub: ${cause instanceof Error ? cause.stack : String(cause)}\n`)
      deviations.add(`the stand-in failed: ${String(cause)}`)
      outgoing.destroy()
    })
  })

  const { violations, log, faults } = gateway
  let isLookedAt = false
  const complain = (): void => {
    const lines = [...violations.map(({ line, errors }) => `${line}: ${errors.join('; ')}`), ...deviations]
    if (lines.length > 0) throw new Error(`not as at GitHub:\n${lines.join('\n')}`)
  }
  const releaseByHand = async (
    repository: Repository,
    by: Account,
    fields: Parameters<Parameters<typeof makePerson>[0]['release']>[2],
  ): Promise<StoredRelease> => {
    const path = `/repos/${fullName(repository)}/releases`
    const { tag, name, body, isDraft, isPrerelease } = fields
    const request: LocalRequest = {
      route: findRoute('POST', path) as Route,
      repository: fullName(repository),
      url: new URL(path, url),
      body: {
        tag_name: tag,
        target_commitish: repository.defaultBranch,
        draft: isDraft,
        prerelease: isPrerelease,
        ...(name !== null && { name }),
        ...(body !== null && { body }),
      },
      raw: Buffer.alloc(0),
      headers: {},
      origin: url,
      login: by.login,
      mayWrite: true,
    }
    const answer = await store.create(request)
    const made = store.of(fullName(repository)).at(-1)
    if (answer.status !== 201 || made === undefined) throw new Error(`no release ${tag}: ${JSON.stringify(answer.body)}`)
    return made
  }
  const parts = { world, pulls, checks, comments, hosted, tokenOf, renamed: store.move, release: releaseByHand }
  const person = (login = MAINTAINER): Person => {
    const account = accountOf(world, login)
    const known = persons.get(account.login) ?? makePerson(parts, account)
    persons.set(account.login, known)
    return known
  }
  const repo = (name = fullName(first)): HostedRepository => {
    const repository = mustFind(name)
    return {
      id: repository.id,
      name: fullName(repository),
      defaultBranch: repository.defaultBranch,
      isArchived: repository.isArchived,
      head: (ref = repository.defaultBranch) => repository.refs.get(fullRef(ref)),
      file(path, at = 'HEAD') {
        const commit = resolveCommit(repository, at)
        const entry = commit && entryAt(repository, treeOf(repository.objects, commit), path)
        return entry && repository.objects.read(entry.id, 'blob')?.toString('utf8')
      },
      checks: (commit) => checks.stored(repository, commit),
      comments: (number) => comments.stored(repository, number),
      pulls: () => pulls.stored(repository),
      reviews: (number) => reviews.stored(repository, number),
      checkOut: (commit, folder) => writeFiles(repository, commit, folder),
      setRole: (login, level: Level | undefined) =>
        void (level === undefined ? repository.roles.delete(login.toLowerCase()) : repository.roles.set(login.toLowerCase(), level)),
    }
  }
  relay.webhooks.emit = async (event, payload, { repository, by = MAINTAINER } = {}) => {
    world.emit(event, payload, { repository: mustFind(repository ?? fullName(first)), by: accountOf(world, by) })
    await relay.settle()
  }
  return {
    url,
    owner: first.owner.login,
    repository: first.name,
    people: { maintainer: TOKENS[MAINTAINER] ?? '', stranger: TOKENS[STRANGER] ?? '' },
    app: apps.app,
    webhooks: relay.webhooks,
    actions: hosted.actions,
    oidc: { url: oidc.url, sign: async (claims) => oidc.sign(claims) },
    person,
    repo,
    installation(account = first.owner.login) {
      const found = account.includes('/') ? apps.installationOf(mustFind(account)) : apps.ofAccount(account)
      if (found === undefined) throw new Error(`the app is not installed in ${account}`)
      return apps.view(found)
    },
    async install(installation) {
      const made = apps.install(installation)
      apps.installed(made)
      return apps.view(made)
    },
    async workflowToken(permissions: Permissions) {
      const token = `ghs_${crypto.randomUUID()}`
      const account = accountOf(world, WORKFLOW_LOGIN)
      workflowTokens.set(token, {
        login: WORKFLOW_LOGIN,
        kind: 'workflow',
        account,
        permissions,
        appId: WORKFLOW_APP,
        sees: (repository) => repository === first,
      })
      return token
    },
    calls: (pattern, by) => log.filter(({ line, login }) => (pattern === undefined || pattern.test(line)) && (by === undefined || login === by)),
    log,
    get violations() {
      isLookedAt = true
      return violations
    },
    deviations,
    forgive(pattern) {
      const kept = violations.filter(({ line }) => !pattern.test(line))
      const gone = violations.filter(({ line }) => pattern.test(line))
      violations.splice(0, violations.length, ...kept)
      return gone
    },
    assertFaithful() {
      isLookedAt = true
      complain()
    },
    settings,
    releases: (name) => store.of(fullName(name === undefined ? first : mustFind(name))),
    arm: (fault) => void faults.push({ fault, left: fault.times ?? 1, after: fault.after ?? 0 }),
    disarm: () => void faults.splice(0),
    lag: weather.setLag,
    passTime: (ms) => void (skipMs += ms),
    async settle(what) {
      if (what === 'webhooks') return relay.settle()
      do {
        await relay.settle()
        await Promise.allSettled(hosted.working)
        await relay.settle(0)
      } while (hosted.working.size > 0)
      return undefined
    },
    async [Symbol.asyncDispose]() {
      relay.webhooks.steer(() => 'drop')
      server.closeAllConnections()
      await Promise.all([new Promise((resolve) => server.close(resolve)), upstream.close(), gitHttp.close()])
      if (!isLookedAt) complain()
    },
  }
}

async function serve(gateway: Gateway, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { world, violations, log, weather } = gateway
  const asked = new URL(incoming.url ?? '/', world.url)
  if (`${incoming.method} ${asked.pathname}` === CONTROL) return send(outgoing, ok({ violations, deviations: [...world.deviations], log }))
  const beside = gateway.beside(asked, incoming.headers.authorization)
  if (beside !== undefined) return send(outgoing, beside)

  const request = await readRequest(gateway, incoming)
  const refusal = typeof request === 'object' && 'answer' in request ? request.answer : undefined
  if (typeof request === 'object' && 'answer' in request) {
    log.push({ ...request.logged, status: request.answer.status, atMs: world.nowMs() })
    return send(outgoing, refusal ?? BAD_CREDENTIALS)
  }
  const refused = refuse(gateway, request)
  const fault = refused === undefined ? takeFault(gateway, request.line) : undefined
  const note = (status: number | undefined): void => {
    log.push({ line: request.line, path: request.path, login: request.login, status, atMs: world.nowMs(), ...(fault && { fault: fault.kind }) })
  }
  if (fault !== undefined) return suffer(gateway, request, fault, incoming, outgoing, note)
  const limited = refused ?? weather.limit(request.identity, request.method, request.isViewerQuery ? '' : request.route.operation.operationId)
  const answer = limited ?? weather.delay(request.line, await answerTo(gateway, request))
  const shown = limited === undefined ? conditionally(request, answer) : answer
  if (shown.status === 304) weather.forgive(request.identity)
  note(shown.status)
  send(outgoing, { ...shown, headers: { ...weather.rateHeaders(request.identity), ...shown.headers } })
}

async function readRequest(
  { world, identify }: Gateway,
  incoming: IncomingMessage,
): Promise<Request | { readonly answer: LocalAnswer; readonly logged: Pick<LoggedRequest, 'line' | 'path' | 'login'> }> {
  const raw = await readAll(incoming)
  const { headers, method = 'GET' } = incoming
  const stripped = (incoming.url ?? '/').replace(/^\/api\/(?:v3|uploads)(?=\/)/, '').replace(/^\/api\/graphql$/, '/graphql')
  // Where a renamed repository's answers lead.
  const path = stripped.replace(/^\/repositories\/(\d+)/, (whole, id: string) => {
    const found = world.repositories.get(Number(id))
    return found === undefined ? whole : `/repos/${fullName(found)}`
  })
  const origin = `http://${headers.host}`
  const url = new URL(path, origin)
  const line = `${method} ${decodeURIComponent(url.pathname)}`
  const parsed = /json/.test(headers['content-type'] ?? 'json') ? parse(raw) : undefined
  const body = typeof parsed === 'object' && parsed !== null ? { ...parsed } : ({} as Readonly<Record<string, unknown>>)
  const route = findRoute(method, path)
  const isFree = route?.operation.operationId === 'apps/create-from-manifest'
  const anybody: Identity = { login: 'nobody', kind: 'nobody', account: accountOf(world, STRANGER) }
  const identity = identify(headers.authorization?.split(' ').at(-1) ?? '') ?? (isFree ? anybody : undefined)
  const logged = { line, path, login: 'nobody' }
  if (identity === 'suspended') return { logged, answer: { status: 403, body: { message: 'This installation has been suspended' } } }
  if (identity === undefined || typeof identity === 'string')
    return { logged, answer: identity === undefined ? BAD_CREDENTIALS : { status: 401, body: { message: identity } } }
  const { login, permissions } = identity
  const name = url.pathname.startsWith('/repos/') ? url.pathname.split('/').slice(2, 4).map(decodeURIComponent).join('/') : ''
  const hosted = findRepository(world, name)
  return {
    line,
    method,
    path,
    url,
    origin,
    headers,
    raw,
    body,
    identity,
    login,
    // Where the document knows none, or there is no such repository, the request is refused before anybody asks for it.
    route: route as Route,
    hosted: hosted as Repository,
    repository: hosted === undefined ? name : fullName(hosted),
    mayWrite: hosted !== undefined && (permissions === undefined ? reaches(roleOf(hosted, login), 'write') : permissions['contents'] === 'write'),
    mayChangeWorkflows: permissions === undefined || permissions['workflows'] === 'write',
    isViewerQuery: line === 'POST /graphql' && /^\{\s*viewer\s*\{\s*login\s*\}\s*\}$/.test(String('query' in body ? body['query'] : '')),
  }
}

/** What no state of the world changes. */
function refuse({ violations }: Gateway, { isViewerQuery, line, route, method, path, body, raw, headers }: Request): LocalAnswer | undefined {
  if (isViewerQuery) return undefined
  const errors = checkRequest(route, { method, path, body: raw.length === 0 ? undefined : body, contentType: headers['content-type']?.toString() })
  if (errors.length > 0) {
    violations.push({ line, errors })
    return { status: 422, body: { message: `GitHub's OpenAPI document says: ${errors.join('; ')}` } }
  }
  const isText = /\/(?:comments|issues|pulls|reviews)(?:\/\d+)?$/.test(line)
  if (!isText || typeof body['body'] !== 'string' || Array.from(body['body']).length <= MOST_COMMENT_CHARACTERS) return undefined
  const message = `Body is too long (maximum is ${MOST_COMMENT_CHARACTERS} characters)`
  return { status: 422, body: { message: 'Validation Failed', errors: [{ resource: 'IssueComment', code: 'unprocessable', field: 'data', message }] } }
}

/** Whether this token may do it. */
function forbid({ world }: Gateway, request: Request): LocalAnswer | undefined {
  const { identity, hosted, method, route, url } = request
  const { operationId } = route.operation
  if (APPS_OWN.test(operationId))
    return identity.kind === 'app' ? missing(request) : { status: 401, body: { message: 'A JSON web token could not be decoded' } }
  if (identity.kind === 'app') return operationId === 'rate-limit/get' ? undefined : BAD_CREDENTIALS
  if (!url.pathname.startsWith('/repos/')) return undefined
  const gone = missing(request)
  if (gone !== undefined) return gone
  const isReading = method === 'GET'
  const needs = needsOf(operationId)
  if (needs === undefined && identity.permissions !== undefined) world.deviations.add(`${operationId}: the stand-in does not know which permission it needs`)
  if (identity.permissions !== undefined) {
    if (identity.sees?.(hosted) !== true) return hosted.isPrivate ? NOT_FOUND : isReading ? undefined : FORBIDDEN
    if (!allows(identity.permissions, needs ?? [])) return FORBIDDEN
  } else {
    const role = roleOf(hosted, identity.login)
    if (role === undefined) return NOT_FOUND
    if (!reaches(role, roleFor(needs ?? []))) return { status: 403, body: { message: 'Must have admin rights to Repository.' } }
  }
  return !isReading && hosted.isArchived ? { status: 403, body: { message: 'Repository was archived so is read-only.' } } : undefined
}

/** There is no such repository, or it has another name now. */
function missing({ url, hosted, repository, method }: Request): LocalAnswer | undefined {
  if (!url.pathname.startsWith('/repos/')) return undefined
  if (hosted === undefined) return NOT_FOUND
  const asked = url.pathname.split('/').slice(2, 4).map(decodeURIComponent).join('/')
  if (asked.toLowerCase() === repository.toLowerCase()) return undefined
  const location = `${url.origin}/repositories/${hosted.id}${url.pathname
    .split('/')
    .slice(4)
    .map((part) => `/${part}`)
    .join('')}${url.search}`
  return {
    status: method === 'GET' ? 301 : 307,
    headers: { location },
    body: { message: 'Moved Permanently', url: location, documentation_url: 'https://docs.github.com/rest' },
  }
}

async function answerTo(gateway: Gateway, request: Request): Promise<LocalAnswer> {
  const { world, handlers, routes } = gateway
  const { route, url, method, isViewerQuery } = request
  if (isViewerQuery) return ok({ data: { viewer: { login: request.login } } })
  const forbidden = forbid(gateway, request)
  if (forbidden !== undefined) return forbidden
  const parts = (route.pattern.exec(url.pathname) ?? [])
    .slice(url.pathname.startsWith('/repos/') ? 3 : 1)
    .map((part: string | undefined) => decodeURIComponent(part ?? ''))
  const answer = await handlers.get(route.operation.operationId)?.(request, ...parts)
  if (answer !== undefined) return complete(world, request, answer)
  for (const [pattern, handle] of routes) {
    const match = pattern.exec(`${method} ${url.pathname}`)
    if (match) return handle(request, match.slice(1))
  }
  if (FORWARDED.test(route.operation.operationId)) return forward(gateway, request)
  world.deviations.add(`${route.operation.operationId}: the stand-in does not play this operation`)
  return { status: 501, body: { message: 'The stand-in for GitHub does not play this operation' } }
}

function complete({ deviations }: World, { route }: Request, answer: LocalAnswer): LocalAnswer {
  if (answer.status >= 300 || answer.body === undefined || Buffer.isBuffer(answer.body)) return answer
  const body = completeAnswer(route, answer.status, answer.body)
  for (const error of checkAnswer(route, answer.status, body)) deviations.add(`${route.operation.operationId}: ${error.replace(/\/\d+/g, '/*')}`)
  return { ...answer, body }
}

async function forward(gateway: Gateway, request: Request): Promise<LocalAnswer> {
  const { method, path, headers, raw, login } = request
  const { upstream } = gateway.world
  const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
  const answer = await upstream.send(method, path, login, sent, raw)
  if (!/json/.test(answer.headers['content-type'] ?? '')) return { status: answer.status, body: answer.content, headers: answer.headers }
  const body = answer.status < 300 ? gateway.mend(request, parse(answer.content)) : parse(answer.content)
  return complete(gateway.world, request, { status: answer.status, body, headers: answer.headers })
}

/** Emulate has numbers of its own, and takes bots for users. */
function mendUsers(world: World, body: unknown): unknown {
  if (Array.isArray(body)) return body.map((item) => mendUsers(world, item))
  if (typeof body !== 'object' || body === null) return body
  const mended = Object.fromEntries(Object.entries(body).map(([name, value]) => [name, mendUsers(world, value)]))
  const account = typeof mended['login'] === 'string' && 'node_id' in mended ? world.accounts.get(mended['login'].toLowerCase()) : undefined
  return account === undefined ? mended : { ...mended, ...simpleUser(world, account) }
}

function wholeRepository(world: World, repository: Repository, { login, permissions }: Identity): Json {
  const role = permissions === undefined ? roleOf(repository, login) : permissions['contents']
  const rights = { admin: role === 'admin', maintain: role === 'admin', push: reaches(role, 'write'), triage: reaches(role, 'write'), pull: true }
  const { parent } = repository
  const origin = parent && !parent.isDeleted ? repositoryJson(world, parent) : undefined
  return { ...repositoryJson(world, repository), permissions: rights, ...(origin && { parent: origin, source: origin }) }
}

/** GET with `if-none-match`: GitHub says only that nothing has changed. */
function conditionally({ method, headers }: Request, answer: LocalAnswer): LocalAnswer {
  if (method !== 'GET' || answer.status !== 200 || answer.body === undefined || Buffer.isBuffer(answer.body)) return answer
  const etag = `W/"${createHash('sha256').update(JSON.stringify(answer.body)).digest('hex')}"`
  const known = String(headers['if-none-match'] ?? '').split(/\s*,\s*/)
  return known.includes(etag) ? { status: 304, headers: { etag } } : { ...answer, headers: { ...answer.headers, etag } }
}

function takeFault({ faults }: Gateway, line: string): Fault | undefined {
  const armed = faults.find((candidate) => {
    if (candidate.left === 0 || !candidate.fault.on.test(line)) return false
    candidate.after -= 1
    return candidate.after < 0
  })
  if (armed !== undefined) armed.left -= 1
  return armed?.fault
}

async function suffer(
  gateway: Gateway,
  request: Request,
  fault: Fault,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  note: (status: number | undefined) => void,
): Promise<void> {
  const instead = faultAnswer(fault)
  if (instead !== undefined) {
    note(instead.status)
    outgoing.writeHead(instead.status, instead.headers).end(instead.body)
    return
  }
  if (fault.kind === 'silent') return note(undefined)
  if (fault.kind === 'cut-before') {
    note(undefined)
    incoming.socket.destroy()
    return
  }
  const answer = await answerTo(gateway, { ...request, isHalfDone: fault.kind === 'starter' })
  if (fault.kind === 'starter' || fault.kind === 'lagging') {
    note(answer.status)
    return send(outgoing, fault.kind === 'starter' ? { status: 502, body: { message: 'Server Error' } } : withoutNewest(answer))
  }
  note(undefined)
  if (fault.kind === 'cut-amid') outgoing.writeHead(answer.status, { 'content-type': 'application/json', 'content-length': 1000 }).write('{"id": 1')
  setImmediate(() => incoming.socket.destroy())
}

function withoutNewest(answer: LocalAnswer): LocalAnswer {
  if (!Array.isArray(answer.body)) return answer
  const idOf = (item: unknown): number => (item as { readonly id: number }).id
  const newest = Math.max(...answer.body.map(idOf))
  return { ...answer, body: answer.body.filter((item: unknown) => idOf(item) !== newest) }
}

function send(outgoing: ServerResponse, { status, body, headers = {} }: LocalAnswer): void {
  const content = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  outgoing.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(content)
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function parse(content: Buffer): unknown {
  try {
    return content.length === 0 ? undefined : JSON.parse(content.toString('utf8'))
  } catch {
    return undefined
  }
}
