import type { Clock } from '../../pipeline/ports/clock.ts'
import type { AppForge, ForgeDelivery } from '../../pipeline/ports/app-forge.ts'
import { Failure } from '../../pipeline/failure.ts'
import { machineClock } from '../machine/clock.ts'
import { readApiUse, type ApiMeter } from './api-budget.ts'
import { readApp, readDelivery, readInstallation, readRepository } from './app-answers.ts'
import { appIdentity } from './app-identity.ts'
import { readId, readList, readObject } from './answers.ts'
import { authorized, type TokenSource } from './authorized.ts'
import { byteCache } from './byte-cache.ts'
import { conditionally, type RememberedAnswer } from './conditional-requests.ts'
import { gitObjects, type GitObjectCache } from './git-objects.ts'
import { githubChecks } from './github-checks.ts'
import { githubClient, type GithubClient } from './github-client.ts'
import { githubComments } from './github-comments.ts'
import { githubControl, type ControlRepository } from './github-control.ts'
import { githubProposals } from './github-proposals.ts'
import { githubPulls } from './github-pulls.ts'
import { githubReleases } from './github-releases.ts'
import { githubRepository } from './github-repository.ts'
import { installationTokens, type TokenPermissions } from './installation-tokens.ts'
import { requestGate, type RequestGate } from './request-gate.ts'
import { githubTransport, type Send } from './transport.ts'

export interface GithubAppOptions {
  readonly appId: number
  /** RSA keys in PEM: the one that is used and, while it is being changed, the one before. */
  readonly privateKeys: readonly string[]
  /** `https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise Server. */
  readonly baseUrl: string
  /** Where a checkout's remote lies; by `baseUrl` without it. */
  readonly webUrl?: string
  readonly control: ControlRepository
  /** Hears what is used of GitHub's rate limits. */
  readonly budget: ApiMeter
  readonly clock?: Clock
  /** Ends what is asked for nobody's piece of work: tokens, installations, deliveries. */
  readonly signal?: AbortSignal
  /** Requests at a time, per installation; 10 without it. GitHub takes 100 of an app at once. */
  readonly atOnce?: number
  /** Milliseconds between an installation's writes once ten were sent together; 1,000 without it, 0: none. */
  readonly writeGapMs?: number
  /** Of one request; 30 s without it. */
  readonly timeoutMs?: number
  /** Bytes kept of answers, and again of Git's objects, for all installations together; 64 MiB without it. */
  readonly cacheBytes?: number
  /** Waits before a request is sent again, and between writes. */
  readonly pause?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
}

/** What the app does in a plugin's repository: each is one of app.yml's. */
export const REPOSITORY_PERMISSIONS = {
  metadata: 'read',
  contents: 'write',
  checks: 'write',
  issues: 'write',
  pull_requests: 'write',
} as const satisfies TokenPermissions
/** What it does in the control repository. */
export const CONTROL_PERMISSIONS = { metadata: 'read', actions: 'write' } as const satisfies TokenPermissions
/** What a job may do that is given a token. */
const READ_PERMISSIONS = { metadata: 'read', contents: 'read' } as const satisfies TokenPermissions
/** What it takes to list an installation's repositories. */
const LIST_PERMISSIONS = { metadata: 'read' } as const satisfies TokenPermissions

const CACHE_BYTES = 64 * 2 ** 20
const AT_ONCE = 10
const WRITE_GAP_MS = 1000
/** The app itself, which writes nothing that GitHub counts. */
const APP = 0
const INSTALLATION_PAGES = 100
const REPOSITORY_PAGES = 100
/** GitHub keeps deliveries for three days; what a busy app gets in them. */
const DELIVERY_PAGES = 1000

/**
 * A GitHub App. Asks for nothing by itself. Everything that is shared between pieces of work is here: tokens, what was answered and what Git holds (by their
 * bytes), the turns of each installation. Fails with `forge-refused` where a private key is none.
 */
export function githubApp(options: GithubAppOptions): AppForge {
  const { baseUrl, control, clock = machineClock } = options
  const nowMs = (): number => Date.parse(clock.now())
  const cacheBytes = options.cacheBytes ?? CACHE_BYTES
  const answers = byteCache<RememberedAnswer>(cacheBytes)
  const objects: GitObjectCache = { commits: byteCache(cacheBytes / 8), trees: byteCache(cacheBytes / 4), blobs: byteCache(cacheBytes / 2) }
  const gates = new Map<number, RequestGate>()
  const webUrl = options.webUrl ?? webUrlOf(baseUrl)

  function gateOf(installation: number): RequestGate {
    const gate =
      gates.get(installation) ??
      requestGate({
        atOnce: options.atOnce ?? AT_ONCE,
        writeGapMs: installation === APP ? 0 : (options.writeGapMs ?? WRITE_GAP_MS),
        nowMs: () => clock.monotonicMs(),
        ...(options.pause && { pause: options.pause }),
      })
    gates.set(installation, gate)
    return gate
  }

  function sendAs(installation: number, source: TokenSource, signal?: AbortSignal): Send {
    const transport = githubTransport({
      ...(signal && { signal }),
      ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
      ...(options.pause && { pause: options.pause }),
      gate: gateOf(installation),
      heard: (status, headers) => options.budget.note(readApiUse(installation, status, headers)),
    })
    return authorized(transport, source)
  }

  const identity = appIdentity({ appId: options.appId, privateKeys: options.privateKeys, nowMs })
  const client = githubClient({ baseUrl, owner: control.owner, repository: control.repository, asker: 'app' }, sendAs(APP, identity, options.signal))
  const tokens = installationTokens(client, nowMs)

  let known: ReturnType<AppForge['self']> | undefined
  const self: AppForge['self'] = async () => {
    known ??= client
      .ask({ what: 'show the app', permission: 'metadata: read' }, () => client.octokit.rest.apps.getAuthenticated(), readApp)
      .then(({ id, slug }) => ({ id, slug, login: `${slug}[bot]` }))
    return known.catch((cause: unknown) => {
      known = undefined
      throw cause
    })
  }

  let controlled: Promise<number> | undefined
  const controlInstallation = async (): Promise<number> => {
    const { owner, repository } = control
    const call = { what: `show the app's installation in the control repository ${owner}/${repository}`, permission: 'metadata: read' }
    controlled ??= client.ask(
      call,
      () => client.octokit.rest.apps.getRepoInstallation({ owner, repo: repository }),
      (data) => readId(readObject(data, 'an installation')),
    )
    return controlled.catch((cause: unknown) => {
      controlled = undefined
      throw cause
    })
  }

  const openClient = ({ owner, name }: { readonly owner: string; readonly name: string }, send: Send): GithubClient =>
    githubClient({ baseUrl, owner, repository: name, asker: 'app' }, send)

  return {
    self,
    async installations() {
      const call = { what: "list the app's installations", permission: 'metadata: read' }
      return client.list(call, (page) => client.octokit.rest.apps.listInstallations(page), readInstallation, INSTALLATION_PAGES)
    },
    async installation(id) {
      const call = { what: `show the installation ${id}`, permission: 'metadata: read' }
      return client.find(call, () => client.octokit.rest.apps.getInstallation({ installation_id: id }), readInstallation)
    },
    async repositoriesOf(installation) {
      const send = sendAs(installation, tokens.source({ installation, permissions: LIST_PERMISSIONS }), options.signal)
      const { octokit, list } = openClient({ owner: '', name: '' }, send)
      const call = { what: 'list the repositories in which the app is installed', permission: 'metadata: read' }
      const found = await list(call, (page) => octokit.rest.apps.listReposAccessibleToInstallation(page), readRepository, REPOSITORY_PAGES, {
        member: 'repositories',
      })
      return found.map(({ id, owner, name, isArchived, defaultBranch }) => ({ installation, id, owner, name, isArchived, defaultBranch }))
    },
    open(repository, signal) {
      const { id, installation } = repository
      const source = whileWanted(tokens.source({ installation, repository: id, permissions: REPOSITORY_PERMISSIONS }), signal)
      const scope = `${installation}/${id}`
      const send = conditionally(sendAs(installation, source, signal), answers, scope)
      const own = openClient(repository, send)
      const git = gitObjects(own, send, objects, scope)
      const login = async (): Promise<string> => (await self()).login
      return {
        ...githubComments(own),
        ...githubReleases(own),
        ...githubRepository(own, { id, webUrl, objects: git, ...(signal && { signal }) }),
        ...githubPulls(own, login),
        ...githubChecks(own, async () => (await self()).id),
        ...githubProposals(own, git),
        author: login,
      }
    },
    openControl(signal) {
      const { owner, repository: name } = control
      const send: Send = async (url, init, limits) => {
        const installation = await unlessCancelled(controlInstallation(), signal)
        const source = whileWanted(tokens.source({ installation, repository: name, permissions: CONTROL_PERMISSIONS }), signal)
        const sendThere = conditionally(sendAs(installation, source, signal), answers, `${installation}/control`)
        return sendThere(url, init, limits).catch((cause: unknown) => {
          // It may have been installed there anew, under another number.
          if (cause instanceof Failure && cause.code === 'forge-refused') controlled = undefined
          throw cause
        })
      }
      return githubControl(openClient({ owner, name }, send), control, signal)
    },
    async readToken({ installation, id }) {
      return tokens.mint({ installation, repository: id, permissions: READ_PERMISSIONS })
    },
    async deliveries(since) {
      const call = { what: 'list what it delivered', permission: 'metadata: read' }
      const found: ForgeDelivery[] = []
      let cursor: string | undefined
      for (let page = 0; page < DELIVERY_PAGES; page += 1) {
        let link: string | undefined
        const send = async () => {
          const answer = await client.octokit.rest.apps.listWebhookDeliveries({ per_page: 100, ...(cursor !== undefined && { cursor }) })
          link = answer.headers.link
          return answer
        }
        const deliveries = await client.ask(call, send, (data) => readList(data, readDelivery))
        found.push(...deliveries.filter(({ at }) => Date.parse(at) >= Date.parse(since)))
        cursor = nextCursor(link)
        if (cursor === undefined || deliveries.some(({ at }) => Date.parse(at) < Date.parse(since))) break
      }
      return found
    },
    async redeliver(id) {
      const call = { what: `deliver ${id} again`, permission: 'metadata: read' }
      // Octokit leaves a BigInt out of the address (octokit/endpoint.js#546), so that it is a text here.
      const request = { method: 'POST', url: '/app/hook/deliveries/{delivery_id}/attempts', delivery_id: String(id) } as const
      await client.ask(
        call,
        () => client.octokit.request(request),
        () => undefined,
      )
    },
  }
}

function webUrlOf(baseUrl: string): string {
  const { origin, hostname } = new URL(baseUrl)
  return hostname === 'api.github.com' ? 'https://github.com' : origin
}

/** The cursor of the next page, from the header `link`. */
function nextCursor(link: string | undefined): string | undefined {
  const [, address] = /<([^<>]+)>; rel="next"/.exec(link ?? '') ?? []
  return URL.parse(address ?? '')?.searchParams.get('cursor') ?? undefined
}

/** A token is asked for by several at once: whoever is cancelled only stops waiting for it. */
function whileWanted(source: TokenSource, signal: AbortSignal | undefined): TokenSource {
  return { ...source, token: async () => unlessCancelled(source.token(), signal) }
}

async function unlessCancelled<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise
  const { promise: cancelled, reject } = Promise.withResolvers<never>()
  const leave = (): void => reject(new Failure('cancelled', 'the request to GitHub was cancelled', { cause: signal.reason }))
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  return Promise.race([promise, cancelled]).finally(() => signal.removeEventListener('abort', leave))
}
