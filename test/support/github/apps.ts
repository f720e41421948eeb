/** The app, its installations and tokens: who it is, what it may, what it hears of. */
import { createPrivateKey, createPublicKey, createSign, createVerify, generateKeyPairSync, randomBytes } from 'node:crypto'
import { DEFAULT_EVENTS, DEFAULT_PERMISSIONS } from './api.ts'
import type { AppOptions, GithubApp, Installation, InstallationOptions, Level, Permissions } from './api.ts'
import { created, invalid, NOT_FOUND, ok, page, type Handlers, type Identity, type Request } from './handled.ts'
import type { LocalAnswer } from './releases.ts'
import { actionOf } from './openapi.ts'
import { hearsOf } from './permissions.ts'
import type { Relay } from './relay.ts'
import { accountOf, findRepository, fullName, given, nodeId, reaches, repositoriesOf, repositoryJson, simpleUser } from './world.ts'
import type { Account, EmitOptions, Json, Repository, World } from './world.ts'

const TOKEN_MS = 3_600_000
/** A JWT may last ten minutes; GitHub forgives clocks that are off by this much. */
const MOST_JWT_SECONDS = 600
const SKEW_SECONDS = 60
/** GitHub sends these to an app whatever it has subscribed to. */
const ALWAYS = new Set(['installation', 'installation_repositories', 'github_app_authorization', 'ping'])
/** Of checks, an app hears unasked what people do with its own. */
const OWN_CHECKS: Readonly<Record<string, readonly string[]>> = {
  check_run: ['requested_action', 'rerequested'],
  check_suite: ['requested', 'rerequested'],
}

export interface InstallationState {
  readonly id: number
  readonly account: Account
  permissions: Readonly<Record<string, Level>>
  /** Undefined: all of the account. */
  repositories: Set<number> | undefined
  suspended: string | undefined
  isGone: boolean
  readonly created: string
}

/** Keys cost a tenth of a second: one process makes them once. */
const keys: string[] = []

/** The nth private key of this process, PKCS#1. */
export function testKey(index: number): string {
  while (keys.length <= index)
    keys.push(
      generateKeyPairSync('rsa', {
        modulusLength: 2048,
        privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      }).privateKey,
    )
  return keys[index] ?? ''
}

/** A JSON Web Token by RS256. */
export function signJwt(header: Json, claims: Json, key: string): string {
  const text = [{ alg: 'RS256', typ: 'JWT', ...header }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${createSign('RSA-SHA256').update(text).sign(createPrivateKey(key), 'base64url')}`
}

/** `by` does what an account's owner does on the settings page. */
export function createApps(world: World, relay: () => Relay, options: AppOptions, by: Account) {
  const id = options.id ?? 12_345
  const slug = options.slug ?? 'ctss'
  const login = `${slug}[bot]`
  let permissions = given(options.permissions ?? DEFAULT_PERMISSIONS)
  const events = options.events ?? DEFAULT_EVENTS
  const secrets = [options.webhookSecret ?? 's3cr3t']
  const privateKeys: string[] = []
  let nextKey = 0
  const addKey = (): string => {
    const key = testKey(nextKey++)
    privateKeys.push(key)
    return key
  }
  const theKey = (): string => privateKeys.at(-1) ?? addKey()
  const clientId = `Iv23li${String(id).padStart(14, '0')}`
  const codes = new Set<string>()
  const installations: InstallationState[] = []
  const tokens = new Map<string, Identity>()
  const bot = accountOf(world, login)

  const covers = (installation: InstallationState, { id: repository, owner }: Repository): boolean =>
    !installation.isGone &&
    owner.id === installation.account.id &&
    owner.kind === installation.account.kind &&
    (installation.repositories?.has(repository) ?? true)
  const installationOf = (repository: Repository): InstallationState | undefined => installations.find((candidate) => covers(candidate, repository))
  const repositories = (installation: InstallationState): readonly Repository[] =>
    repositoriesOf(world, installation.account.login).filter((repository) => covers(installation, repository))

  const installationJson = (installation: InstallationState): Json => ({
    id: installation.id,
    client_id: clientId,
    account: simpleUser(world, installation.account),
    repository_selection: installation.repositories === undefined ? 'all' : 'selected',
    access_tokens_url: `${world.url}/app/installations/${installation.id}/access_tokens`,
    repositories_url: `${world.url}/installation/repositories`,
    html_url: `${world.url}/settings/installations/${installation.id}`,
    app_id: id,
    app_slug: slug,
    target_id: installation.account.id,
    target_type: installation.account.kind,
    permissions: installation.permissions,
    events,
    created_at: installation.created,
    updated_at: installation.created,
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: installation.suspended === undefined ? null : simpleUser(world, by),
    suspended_at: installation.suspended ?? null,
  })
  const appJson = (): Json => ({
    id,
    slug,
    client_id: clientId,
    node_id: nodeId('App', id),
    owner: simpleUser(world, installations[0]?.account ?? by),
    name: slug.toUpperCase(),
    description: '',
    external_url: 'https://example.org',
    html_url: `${world.url}/apps/${slug}`,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    permissions,
    events,
    installations_count: installations.filter(({ isGone }) => !isGone).length,
  })
  const shortRepository = ({ id: repository, name, owner, isPrivate }: Repository): Json => ({
    id: repository,
    node_id: nodeId('Repository', repository),
    name,
    full_name: `${owner.login}/${name}`,
    private: isPrivate,
  })

  const mint = (installation: InstallationState, wanted: { readonly repositories?: readonly number[]; readonly permissions?: Permissions }): string => {
    const random = (bytes: number): string => randomBytes(bytes).toString('base64url')
    // Long since 2026-04-27, and nothing that anybody should look into.
    const token = `ghs_${id}_${random(60)}.${random(180)}.${random(64)}`
    const narrowed = wanted.repositories === undefined ? undefined : new Set(wanted.repositories)
    const granted = (): Permissions =>
      wanted.permissions === undefined
        ? installation.permissions
        : given(
            Object.fromEntries(
              Object.entries(given(wanted.permissions)).filter(([name, level]) =>
                reaches(installation.permissions[name] ?? (name === 'metadata' ? 'read' : undefined), level),
              ),
            ),
          )
    tokens.set(token, {
      login,
      kind: 'installation',
      account: bot,
      appId: id,
      installation: installation.id,
      get permissions() {
        return granted()
      },
      sees: (repository) => covers(installation, repository) && (narrowed?.has(repository.id) ?? true),
      expiresMs: world.nowMs() + TOKEN_MS,
    })
    return token
  }

  const emitInstallation = (event: string, installation: InstallationState, payload: Json): void =>
    world.emit(event, { installation: installationJson(installation), ...payload }, { by, installation: installation.id })

  const view = (installation: InstallationState): Installation => ({
    id: installation.id,
    account: installation.account.login,
    token: ({ repositories: names, permissions: wanted } = {}) => {
      const ids = names?.map((name) => must(name.includes('/') ? name : `${installation.account.login}/${name}`).id)
      return mint(installation, { ...(ids && { repositories: ids }), ...(wanted && { permissions: wanted }) })
    },
    async setPermission(name, level) {
      installation.permissions = given({ ...installation.permissions, [name]: level } as Permissions)
      emitInstallation('installation', installation, { action: 'new_permissions_accepted', repositories: repositories(installation).map(shortRepository) })
    },
    async suspend() {
      installation.suspended = world.stamp()
      emitInstallation('installation', installation, { action: 'suspend', repositories: repositories(installation).map(shortRepository) })
    },
    async unsuspend() {
      installation.suspended = undefined
      emitInstallation('installation', installation, { action: 'unsuspend', repositories: repositories(installation).map(shortRepository) })
    },
    async uninstall() {
      const before = repositories(installation).map(shortRepository)
      installation.isGone = true
      emitInstallation('installation', installation, { action: 'deleted', repositories: before })
    },
    async addRepositories(...names) {
      const added = names.map((name) => must(name))
      installation.repositories ??= new Set()
      for (const repository of added) installation.repositories.add(repository.id)
      emitInstallation('installation_repositories', installation, {
        action: 'added',
        repository_selection: 'selected',
        repositories_added: added.map(shortRepository),
        repositories_removed: [],
        requester: null,
      })
    },
    async removeRepositories(...names) {
      const removed = names.map((name) => must(name))
      installation.repositories ??= new Set(repositories(installation).map((repository) => repository.id))
      for (const repository of removed) installation.repositories.delete(repository.id)
      emitInstallation('installation_repositories', installation, {
        action: 'removed',
        repository_selection: 'selected',
        repositories_added: [],
        repositories_removed: removed.map(shortRepository),
        requester: null,
      })
    },
  })
  const must = (name: string): Repository => {
    const repository = findRepository(world, name)
    if (repository === undefined) throw new Error(`there is no repository ${name}`)
    return repository
  }

  const install = (wanted: InstallationOptions): InstallationState => {
    const installation: InstallationState = {
      id: world.nextId(),
      account: accountOf(world, wanted.account),
      permissions: given(wanted.permissions ?? permissions),
      repositories: wanted.repositories && new Set(wanted.repositories.map((name) => must(name).id)),
      suspended: undefined,
      isGone: false,
      created: world.stamp(),
    }
    installations.push(installation)
    return installation
  }

  const asked = (request: Request): InstallationState | undefined =>
    installations.find((candidate) => !candidate.isGone && candidate.id === Number(request.url.pathname.split('/')[3]))
  const shown = (installation: InstallationState | undefined): LocalAnswer => (installation === undefined ? NOT_FOUND : ok(installationJson(installation)))
  const ofAccount = (name: string): InstallationState | undefined =>
    installations.find((candidate) => !candidate.isGone && candidate.account.login.toLowerCase() === name.toLowerCase())

  const makeToken = (request: Request): LocalAnswer => {
    const installation = asked(request)
    if (installation === undefined) return NOT_FOUND
    if (installation.suspended !== undefined) return { status: 403, body: { message: 'This installation has been suspended' } }
    const { body } = request
    const wanted = body['permissions'] as Permissions | undefined
    const excess = Object.entries(wanted ?? {}).filter(
      ([name, level]) => level !== undefined && name !== 'metadata' && !reaches(installation.permissions[name], level),
    )
    if (excess.length > 0) return invalid('The permissions requested are not granted to this installation.')
    const available = repositories(installation)
    const names = (body['repositories'] as readonly string[] | undefined)?.map(
      (name) => available.find((one) => one.name.toLowerCase() === name.toLowerCase())?.id,
    )
    const ids = (body['repository_ids'] as readonly number[] | undefined)?.map((number) => available.find((one) => one.id === number)?.id)
    const chosen = [...(names ?? []), ...(ids ?? [])]
    if (chosen.includes(undefined)) return invalid('There is at least one repository that does not exist or is not accessible to the parent installation.')
    const isNarrow = names !== undefined || ids !== undefined
    const kept = chosen.filter((one): one is number => one !== undefined)
    const token = mint(installation, { ...(isNarrow && { repositories: kept }), ...(wanted && { permissions: wanted }) })
    const isSelected = isNarrow || installation.repositories !== undefined
    return created({
      token,
      expires_at: new Date(world.nowMs() + TOKEN_MS).toISOString().replace(/\.\d+Z$/, 'Z'),
      permissions: wanted === undefined ? installation.permissions : given(wanted),
      repository_selection: isSelected ? 'selected' : 'all',
      ...(isNarrow && { repositories: available.filter((one) => kept.includes(one.id)).map((one) => repositoryJson(world, one)) }),
    })
  }

  const handlers: Handlers = {
    'apps/get-authenticated': () => ok(appJson()),
    'apps/list-installations': (request) => page(request, installations.filter(({ isGone }) => !isGone).map(installationJson)),
    'apps/get-installation': (request) => shown(asked(request)),
    'apps/create-installation-access-token': makeToken,
    'apps/delete-installation': (request) => {
      const installation = asked(request)
      if (installation === undefined) return NOT_FOUND
      void view(installation).uninstall()
      return { status: 204 }
    },
    'apps/get-repo-installation': ({ hosted }) => shown(installationOf(hosted)),
    'apps/get-org-installation': ({ url }) => shown(ofAccount(url.pathname.split('/')[2] ?? '')),
    'apps/get-user-installation': ({ url }) => shown(ofAccount(url.pathname.split('/')[2] ?? '')),
    'apps/list-repos-accessible-to-installation': (request) => {
      const installation = installations.find((candidate) => candidate.id === request.identity.installation)
      if (installation === undefined)
        return { status: 403, body: { message: 'You must authenticate with an installation access token in order to list repositories for an installation.' } }
      const visible = repositories(installation).filter((repository) => request.identity.sees?.(repository) ?? true)
      const answer = page(
        request,
        visible.map((repository) => repositoryJson(world, repository)),
        'repositories',
      )
      return { ...answer, body: { ...(answer.body as object), repository_selection: installation.repositories === undefined ? 'all' : 'selected' } }
    },
    'apps/list-webhook-deliveries': (request) => {
      const { searchParams } = request.url
      const [cursor, perPage, status] = [searchParams.get('cursor'), Number(searchParams.get('per_page') ?? 30), searchParams.get('status')]
      const failed = (code: number | undefined): boolean => code === 0 || (code !== undefined && code >= 400)
      const all = relay()
        .attempts.filter((attempt) => attempt.status !== undefined && (status === null || (status === 'failure') === failed(attempt.status)))
        .toReversed()
      const start = cursor === null ? 0 : all.findIndex((attempt) => `v1_${attempt.id}` === cursor)
      const shownNow = all.slice(start, start + perPage)
      const next = all[start + perPage]
      const url = new URL(request.url)
      if (next !== undefined) url.searchParams.set('cursor', `v1_${next.id}`)
      return { status: 200, body: shownNow.map(relay().show), ...(next && { headers: { link: `<${url.href}>; rel="next"` } }) }
    },
    'apps/get-webhook-delivery': ({ url }) => {
      const attempt = relay().attempts.find((candidate) => candidate.id === Number(url.pathname.split('/')[4]))
      return attempt === undefined ? NOT_FOUND : ok({ ...relay().show(attempt), ...relay().details(attempt) })
    },
    'apps/redeliver-webhook-delivery': ({ url }) => {
      const number = Number(url.pathname.split('/')[4])
      if (!relay().attempts.some((candidate) => candidate.id === number)) return NOT_FOUND
      void relay().webhooks.redeliver(number)
      return { status: 202, body: {} }
    },
    'apps/create-from-manifest': ({ url }) => {
      // A code is good once, for an hour.
      if (!codes.delete(url.pathname.split('/')[2] ?? '')) return NOT_FOUND
      return created({ ...appJson(), client_secret: randomBytes(20).toString('hex'), webhook_secret: secrets.at(-1), pem: theKey() })
    },
  }

  const app: GithubApp = {
    id,
    slug,
    login,
    clientId,
    get privateKey() {
      return theKey()
    },
    get webhookSecret() {
      return secrets.at(-1) ?? ''
    },
    get permissions() {
      return permissions
    },
    events,
    addKey: () => (theKey(), addKey()),
    removeKey: (key) => void privateKeys.splice(privateKeys.indexOf(key), privateKeys.includes(key) ? 1 : 0),
    useSecret: (secret) => void secrets.push(secret),
    setPermission(name, level, where = 'everywhere') {
      permissions = given({ ...permissions, [name]: level } as Permissions)
      if (where === 'everywhere')
        for (const installation of installations) installation.permissions = given({ ...installation.permissions, [name]: level } as Permissions)
    },
    jwt: () => {
      const now = Math.floor(world.nowMs() / 1000)
      return signJwt({}, { iat: now - SKEW_SECONDS, exp: now + 540, iss: String(id) }, theKey())
    },
    manifestCode: () => {
      const code = randomBytes(20).toString('hex')
      codes.add(code)
      return code
    },
  }
  return {
    app,
    tokens,
    handlers,
    json: appJson,
    install,
    view,
    installations,
    installationOf,
    installed: (installation: InstallationState): void =>
      emitInstallation('installation', installation, { action: 'created', repositories: repositories(installation).map(shortRepository), requester: null }),
    ofAccount,
    /** Sends an event to the app, if it is to hear of it. */
    tell(event: string, payload: Json, { repository, by: sender, installation: number }: EmitOptions): void {
      const found = repository === undefined ? installations.find((candidate) => candidate.id === number) : installationOf(repository)
      const isOwnCheck = OWN_CHECKS[event]?.includes(actionOf(payload)) === true
      if (found === undefined || !(events.includes(event) || ALWAYS.has(event) || isOwnCheck)) return
      if (!ALWAYS.has(event) && (found.suspended !== undefined || !hearsOf(found.permissions, event))) return
      const owner = repository?.owner
      // A snapshot: what happens later must not change what was told.
      const thin = structuredClone({
        ...payload,
        ...(repository && { repository: repositoryJson(world, repository) }),
        ...(owner?.kind === 'Organization' && { organization: organisationJson(world, owner) }),
        sender: simpleUser(world, sender),
        installation: payload['installation'] ?? { id: found.id, node_id: nodeId('IntegrationInstallation', found.id) },
      })
      relay().send({ event, make: () => thin, installation: found.id, repository: repository && { id: repository.id, name: fullName(repository) } })
    },
    /** Who shows this JSON Web Token; a text: why nobody. */
    identify(token: string): Identity | string {
      const [header = '', claims = '', signature = ''] = token.split('.')
      const undecodable = 'A JSON web token could not be decoded'
      const read = (part: string): Json => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Json
      try {
        const { alg } = read(header)
        const { iss, exp, iat } = read(claims)
        const verifies = (key: string): boolean => createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(createPublicKey(key), signature, 'base64url')
        if (alg !== 'RS256' || (String(iss) !== String(id) && iss !== clientId) || !privateKeys.some(verifies)) return undecodable
        const now = world.nowMs() / 1000
        if (typeof exp !== 'number' || exp < now)
          return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
        if (exp > now + MOST_JWT_SECONDS + SKEW_SECONDS) return "'Expiration time' claim ('exp') is too far in the future"
        if (typeof iat === 'number' && iat > now + SKEW_SECONDS)
          return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        return { login: slug, kind: 'app', account: bot, appId: id }
      } catch {
        return undecodable
      }
    },
  }
}

function organisationJson(world: World, { login, id }: Account): Json {
  const own = `${world.url}/orgs/${login}`
  return {
    login,
    id,
    node_id: nodeId('Organization', id),
    url: own,
    repos_url: `${own}/repos`,
    events_url: `${own}/events`,
    hooks_url: `${own}/hooks`,
    issues_url: `${own}/issues`,
    members_url: `${own}/members{/member}`,
    public_members_url: `${own}/public_members{/member}`,
    avatar_url: `${world.url}/avatars/u/${id}`,
    description: '',
  }
}
