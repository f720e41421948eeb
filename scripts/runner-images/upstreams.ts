import { readLimited } from '../../adapters/http/read-limited.ts'
import type { Registry } from '../../pipeline/ports/registry.ts'
import { readRunnerReleases, readToolkit } from './newer.ts'
import type { Found, RunnerRelease } from './newer.ts'
import type { Versions } from './versions.ts'

/** Where upstreams are asked. */
export interface Upstreams {
  /** GitHub's API, for instance `https://api.github.com`. */
  readonly githubApi: string
  /** Raises GitHub's limit on questions; undefined: anonymous. */
  readonly token: string | undefined
  readonly registry: Pick<Registry, 'manifest'>
}

const TIMEOUT_MS = 30_000
/** NVIDIA's list has 1 MB. */
const LIMIT_BYTES = 20 * 2 ** 20

/** The runner's releases, newest first. Throws where GitHub gives no answer: an alarm that cannot ring is one too. */
export async function fetchRunnerReleases({ githubApi, token }: Upstreams): Promise<RunnerRelease[]> {
  const releases = readRunnerReleases(
    JSON.parse(
      await fetchText(`${githubApi}/repos/actions/runner/releases?per_page=50`, {
        accept: 'application/vnd.github+json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      }),
    ),
  )
  if (releases.length === 0) throw new Error(`${githubApi} tells of no release of actions/runner`)
  return releases
}

/** Asks every upstream of the manifest. One that gives no answer is told by `tell`, and stops none of the others. */
export async function fetchFound(versions: Versions, upstreams: Upstreams, tell: (line: string) => void): Promise<Found> {
  const attempt = async <T>(what: string, work: Promise<T>): Promise<T | undefined> =>
    work.catch((cause: unknown) => {
      tell(`${what} gave no answer: ${cause instanceof Error ? cause.message : String(cause)}`)
      return undefined
    })
  const { source, sha256 } = versions['nvidia-container-toolkit']
  const [releases, packages, digests] = await Promise.all([
    attempt("GitHub's runner", fetchRunnerReleases(upstreams)),
    attempt("NVIDIA's package list", fetchText(`${source}/Packages`)),
    Promise.all(
      Object.entries(versions.images).map(async ([name, { reference }]) => {
        const manifest = await attempt(reference, upstreams.registry.manifest(reference))
        return manifest ? [[name, manifest.digest] as const] : []
      }),
    ),
  ])
  return {
    runner: releases?.[0],
    toolkit: packages === undefined ? undefined : readToolkit(packages, Object.keys(sha256)),
    digests: Object.fromEntries(digests.flat()),
  }
}

async function fetchText(address: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const response = await fetch(address, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!response.ok) throw new Error(`${address} answers ${response.status}`)
  const { content, complete } = await readLimited(response, LIMIT_BYTES)
  if (!complete) throw new Error(`${address} answers more than ${LIMIT_BYTES} bytes`)
  return content.toString('utf8')
}
