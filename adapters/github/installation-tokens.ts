import { Failure } from '../../pipeline/failure.ts'
import { readInstallation } from './app-answers.ts'
import { readObject, readText } from './answers.ts'
import type { TokenSource } from './authorized.ts'
import type { GithubClient } from './github-client.ts'
import { statusOf } from './github-failure.ts'

/** As GitHub names them in `POST /app/installations/{id}/access_tokens`. */
export type TokenPermissions = Readonly<Record<string, 'read' | 'write'>>

/** What a token may reach. */
export interface TokenScope {
  readonly installation: number
  /** By its number or its name; all of the installation's without it. */
  readonly repository?: number | string
  readonly permissions: TokenPermissions
}

export interface InstallationToken {
  readonly token: string
  /** RFC 3339. */
  readonly expires: string
}

export interface InstallationTokens {
  /** A source of tokens for requests; one token is used by all, until five minutes before its end. */
  source(scope: TokenScope): TokenSource
  /** A token that nobody else has. */
  mint(scope: TokenScope): Promise<InstallationToken>
}

interface Kept {
  readonly token: string
  /** It is not begun with after this time. */
  readonly untilMs: number
}

/** One that ends within this time is not begun with: a request may wait for a rate limit. */
const MARGIN_MS = 300_000
/** One with less than is needed is used this long: somebody may grant the rest at any moment, and a token does not grow. */
const LACKING_MS = 300_000
/** Tokens that are kept, one per repository that was spoken for within the hour. */
const MOST_KEPT = 5000

/**
 * Tokens of the app's installations, narrowed to one repository and to what is needed. `client` asks as the app itself.
 * Fails with `forge-refused` where the app is not installed (any more), was suspended, or has not been given the repository.
 */
export function installationTokens(client: GithubClient, nowMs: () => number): InstallationTokens {
  const kept = new Map<string, Kept>()
  const asked = new Map<string, Promise<Kept>>()

  async function ask({ installation, repository, permissions }: TokenScope): Promise<InstallationToken> {
    const send = () =>
      client.octokit.request({
        method: 'POST',
        url: '/app/installations/{installation_id}/access_tokens',
        installation_id: installation,
        permissions,
        ...(typeof repository === 'number' && { repository_ids: [repository] }),
        ...(typeof repository === 'string' && { repositories: [repository] }),
      })
    try {
      return await client.ask({ what: `give a token for the installation ${installation}`, permission: 'metadata: read' }, send, readToken)
    } catch (cause) {
      throw cause instanceof Failure ? (knownRefusal(cause, installation) ?? cause) : cause
    }
  }

  /** Without what the installation was not granted: GitHub refuses the whole token for it, and so only what needs it is refused. */
  async function mint(scope: TokenScope): Promise<InstallationToken & { readonly isLacking: boolean }> {
    try {
      return { ...(await ask(scope)), isLacking: false }
    } catch (cause) {
      if (!(cause instanceof Failure) || statusOf(cause.cause) !== 422 || !/permissions/i.test(cause.message)) throw cause
      const call = { what: `show the installation ${scope.installation}`, permission: 'metadata: read' }
      const granted = await client.ask(
        call,
        () => client.octokit.rest.apps.getInstallation({ installation_id: scope.installation }),
        (data) => readInstallation(data).permissions,
      )
      const wanted = Object.entries(scope.permissions)
      const permissions: TokenPermissions = Object.fromEntries(
        wanted.flatMap(([name, level]) => {
          const given = granted[name]
          return given === 'write' || given === 'admin' ? [[name, level] as const] : given === 'read' ? [[name, given] as const] : []
        }),
      )
      if (wanted.every(([name, level]) => permissions[name] === level)) throw cause
      return { ...(await ask({ ...scope, permissions })), isLacking: true }
    }
  }

  function keep(key: string, token: Kept): Kept {
    kept.delete(key)
    kept.set(key, token)
    const [oldest] = kept.keys()
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
    return token
  }

  return {
    async mint(scope) {
      const { token, expires } = await mint(scope)
      return { token, expires }
    },
    source(scope) {
      const key = `${scope.installation}/${scope.repository ?? ''}/${JSON.stringify(scope.permissions)}`
      return {
        attempts: 2,
        async token() {
          const known = kept.get(key)
          if (known !== undefined && known.untilMs > nowMs()) return known.token
          const asking =
            asked.get(key) ??
            mint(scope)
              .then(({ token, expires, isLacking }) => {
                const untilMs = Date.parse(expires) - MARGIN_MS
                return keep(key, { token, untilMs: isLacking ? Math.min(untilMs, nowMs() + LACKING_MS) : untilMs })
              })
              .finally(() => asked.delete(key))
          asked.set(key, asking)
          return (await asking).token
        },
        refused(token) {
          if (kept.get(key)?.token === token) kept.delete(key)
        },
      }
    },
  }
}

/** Whether this is the failure of a token for a repository that the app was not given, or that is gone. */
export function isNotGiven(cause: unknown): boolean {
  return cause instanceof Failure && cause.code === 'forge-refused' && statusOf(cause.cause) === 422
}

/** Why an installation gives no token, in words for the people whose repository it is. */
function knownRefusal(cause: Failure, installation: number): Failure | undefined {
  const status = statusOf(cause.cause)
  if (status === 404)
    return new Failure('forge-refused', `The app is no longer installed here: GitHub knows no installation ${installation} of it.`, {
      cause: cause.cause,
      suggestion: 'Install the app on the repository again.',
    })
  if (status === 403 && /suspend/i.test(cause.message))
    return new Failure('forge-refused', 'The app was suspended here, so that it can neither read nor answer.', {
      cause: cause.cause,
      suggestion: 'Unsuspend it where it is installed (Settings → GitHub Apps).',
    })
  if (status === 422 && /repositor/i.test(cause.message))
    return new Failure('forge-refused', 'The app was not given this repository, or no longer.', {
      cause: cause.cause,
      suggestion: 'Add the repository where the app is installed (Settings → GitHub Apps → Repository access).',
    })
  return undefined
}

function readToken(data: unknown): InstallationToken {
  const answer = readObject(data, 'a token')
  return { token: readText(answer, 'token'), expires: readText(answer, 'expires_at') }
}
