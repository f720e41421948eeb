/**
 * A GitHub on this machine. `emulate` keeps its state (`upstream.ts`); this gateway stands before it:
 *
 *   request → who asks? → judged by GitHub's own OpenAPI document: what GitHub would not understand is answered 422, and remembered
 *           → a fault, where one is armed → answered here, where emulate lacks it or gets it wrong → else by emulate
 *
 * A test ends with `assertFaithful()`. What the document does not say, and GitHub does, is here, too: what the workflow's token may do,
 * the 65,536 characters of a comment, releases and assets (`releases.ts`).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { faultAnswer, type Fault } from './faults.ts'
import { checkAnswer, checkRequest, completeAnswer, findRoute, type Route } from './openapi.ts'
import { releaseStore, type LocalAnswer, type LocalRequest, type LocalRoute, type ReleaseSettings, type StoredRelease } from './releases.ts'
import { startUpstream, WORKFLOW_LOGIN, WORLD, type Permissions, type Upstream } from './upstream.ts'

export interface GithubOptions {
  /** A free one without it. */
  readonly port?: number
  /** `127.0.0.1` without it; from a container nothing but `0.0.0.0` is reached. */
  readonly host?: string
}

export interface LoggedRequest {
  /** For instance `POST /repos/sage/plugin/issues/1/comments`. */
  readonly line: string
  readonly login: string
  /** Undefined: the connection was cut. */
  readonly status: number | undefined
  readonly fault?: Fault['kind']
}

export interface Github extends AsyncDisposable {
  /** Base address of the REST API; `/api/v3` behind it is understood, too. */
  readonly url: string
  readonly owner: string
  readonly repository: string
  /** Tokens of somebody with all rights, and of somebody with none. */
  readonly people: { readonly maintainer: string; readonly stranger: string }
  /** A job's token, which comments as `github-actions[bot]`. */
  workflowToken(permissions: Permissions): Promise<string>
  /** Requests that GitHub would not understand. */
  readonly violations: readonly { readonly line: string; readonly errors: readonly string[] }[]
  /** Answers of emulate that GitHub would not give. */
  readonly deviations: ReadonlySet<string>
  readonly log: readonly LoggedRequest[]
  readonly settings: ReleaseSettings
  /** As GitHub keeps them, with every byte. */
  releases(): readonly StoredRelease[]
  arm(fault: Fault): void
  disarm(): void
  /** Throws when a request was sent that GitHub would not understand, or when emulate answered what GitHub would not. */
  assertFaithful(): void
}

const MOST_COMMENT_CHARACTERS = 65_536
/** Not GitHub's: what has happened so far, for a test in another process. */
const CONTROL = 'GET /_stand-in'

interface Identity {
  readonly login: string
  /** Undefined: a person's token, which may what the person may. */
  readonly permissions?: Permissions
}

interface Gateway {
  readonly identities: Map<string, Identity>
  readonly violations: { readonly line: string; readonly errors: readonly string[] }[]
  readonly deviations: Set<string>
  readonly log: LoggedRequest[]
  readonly faults: { readonly fault: Fault; left: number; after: number }[]
  readonly routes: readonly LocalRoute[]
  readonly upstream: Upstream
}

interface Request extends LocalRequest {
  /** Method and path, without the query. */
  readonly line: string
  readonly method: string
  readonly path: string
  readonly identity: Identity | undefined
  /** `{ viewer { login } }`, the one GraphQL query that is known here. */
  readonly isViewerQuery: boolean
}

/** Starts the stand-in with the repository `sage/plugin`, whose default branch is `main`. */
export async function startGithub({ port = 0, host = '127.0.0.1' }: GithubOptions = {}): Promise<Github> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`
  const upstream = await startUpstream(url)
  const settings: ReleaseSettings = { immutableReleases: false, workflowCommits: new Set(), tellsDigests: true }
  const store = releaseStore(upstream.tags, settings)
  const gateway: Gateway = {
    identities: new Map([
      [WORLD.maintainer, { login: 'octocat' }],
      [WORLD.stranger, { login: 'stranger' }],
    ]),
    violations: [],
    deviations: new Set(),
    log: [],
    faults: [],
    routes: store.routes,
    upstream,
  }
  server.on('request', (incoming, outgoing) => {
    serve(gateway, incoming, outgoing).catch((cause: unknown) => {
      process.stderr.write(`stand-in for GitHub: ${cause instanceof Error ? cause.stack : String(cause)}\n`)
      outgoing.destroy()
    })
  })
  const { violations, deviations, log, faults } = gateway
  return {
    url,
    owner: WORLD.owner,
    repository: WORLD.repository,
    people: WORLD,
    violations,
    deviations,
    log,
    settings,
    async workflowToken(permissions) {
      const token = await upstream.mint(permissions)
      gateway.identities.set(token, { login: WORKFLOW_LOGIN, permissions })
      return token
    },
    releases: () => store.of(`${WORLD.owner}/${WORLD.repository}`),
    arm: (fault) => void faults.push({ fault, left: fault.times ?? 1, after: fault.after ?? 0 }),
    disarm: () => void faults.splice(0),
    assertFaithful() {
      const lines = [...violations.map(({ line, errors }) => `${line}: ${errors.join('; ')}`), ...deviations]
      if (lines.length > 0) throw new Error(`not as at GitHub:\n${lines.join('\n')}`)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await Promise.all([new Promise((resolve) => server.close(resolve)), upstream.close()])
    },
  }
}

async function serve(gateway: Gateway, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const request = await readRequest(gateway, incoming)
  const { violations, deviations, log } = gateway
  if (request.line === CONTROL) return send(outgoing, { status: 200, body: { violations, deviations: [...deviations], log } })
  const refusal = refuse(gateway, request)
  const fault = refusal === undefined ? takeFault(gateway, request.line) : undefined
  const note = (status: number | undefined): void => {
    log.push({ line: request.line, login: request.login, status, ...(fault && { fault: fault.kind }) })
  }
  if (fault !== undefined) return suffer(gateway, request, fault, incoming, outgoing, note)
  const answer = refusal ?? (await answerTo(gateway, request))
  note(answer.status)
  send(outgoing, answer)
}

async function readRequest({ identities }: Gateway, incoming: IncomingMessage): Promise<Request> {
  const raw = await readAll(incoming)
  const { headers, method = 'GET' } = incoming
  const path = (incoming.url ?? '/').replace(/^\/api\/(?:v3|uploads)(?=\/)/, '').replace(/^\/api\/graphql$/, '/graphql')
  const origin = `http://${headers.host}`
  const url = new URL(path, origin)
  const line = `${method} ${decodeURIComponent(url.pathname)}`
  const parsed = /json/.test(headers['content-type'] ?? 'json') ? parse(raw) : undefined
  const body = typeof parsed === 'object' && parsed !== null ? { ...parsed } : ({} as Readonly<Record<string, unknown>>)
  const identity = identities.get(headers.authorization?.split(' ').at(-1) ?? '')
  const { login = 'nobody', permissions } = identity ?? {}
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
    // Where the document knows none, the request is refused before anybody asks for it.
    route: findRoute(method, path) as Route,
    repository: url.pathname.split('/').slice(2, 4).join('/'),
    mayWrite: permissions === undefined ? login === 'octocat' : permissions.contents === 'write',
    isViewerQuery: line === 'POST /graphql' && /^\{\s*viewer\s*\{\s*login\s*\}\s*\}$/.test(String('query' in body ? body['query'] : '')),
  }
}

/** What no state of the world changes. */
function refuse({ violations }: Gateway, { identity, isViewerQuery, line, route, method, path, body, raw, headers }: Request): LocalAnswer | undefined {
  if (identity === undefined) return { status: 401, body: { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest' } }
  if (isViewerQuery) return undefined
  const errors = checkRequest(route, { method, path, body: raw.length === 0 ? undefined : body, contentType: headers['content-type']?.toString() })
  if (errors.length > 0) {
    violations.push({ line, errors })
    return { status: 422, body: { message: `GitHub's OpenAPI document says: ${errors.join('; ')}` } }
  }
  const isComment = /\/comments(?:\/\d+)?$/.test(line)
  if (!isComment || typeof body['body'] !== 'string' || Array.from(body['body']).length <= MOST_COMMENT_CHARACTERS) return undefined
  const message = `Body is too long (maximum is ${MOST_COMMENT_CHARACTERS} characters)`
  return { status: 422, body: { message: 'Validation Failed', errors: [{ resource: 'IssueComment', code: 'unprocessable', field: 'data', message }] } }
}

async function answerTo(gateway: Gateway, request: Request): Promise<LocalAnswer> {
  if (request.isViewerQuery) return { status: 200, body: { data: { viewer: { login: request.login } } } }
  for (const [pattern, handle] of gateway.routes) {
    const match = pattern.exec(`${request.method} ${request.url.pathname}`)
    if (match) return handle(request, match.slice(1))
  }
  return forward(gateway, request)
}

async function forward({ upstream, deviations }: Gateway, { method, path, headers, raw, route, repository }: Request): Promise<LocalAnswer> {
  const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
  const answer = await upstream.send(method, path, sent, raw)
  // In GitHub's words, which people search for.
  if (answer.status === 403) return { status: 403, body: { message: 'Resource not accessible by integration' } }
  if (!/json/.test(answer.headers['content-type'] ?? '')) return { status: answer.status, body: answer.content, headers: answer.headers }
  const body = completeAnswer(route, answer.status, parse(answer.content))
  for (const error of checkAnswer(route, answer.status, body)) deviations.add(`${route.operation.operationId}: ${error.replace(/\/\d+/g, '/*')}`)
  if (route.operation.operationId === 'pulls/get' && answer.status === 200) await moveHead(upstream, repository, body)
  return { status: answer.status, body, headers: answer.headers }
}

/** emulate leaves a pull request at the commit that it was opened with. */
async function moveHead(upstream: Upstream, repository: string, body: unknown): Promise<void> {
  const { head } = body as { readonly head: { readonly ref: string; sha: string } }
  head.sha = (await upstream.headOf(repository, head.ref)) ?? head.sha
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
