import { isDigest } from '../digest.ts'
import type { Digest } from '../digest.ts'

/** An image's address, with every default of Docker's short forms filled in. */
export interface ImageReference {
  /** For instance `docker.io`, `127.0.0.1:5055`. */
  readonly host: string
  /** For instance `library/debian`. */
  readonly repository: string
  readonly tag: string | undefined
  readonly digest: Digest | undefined
}

const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const TAG = /^\w[\w.-]{0,127}$/
const HOST = /^(?:localhost|[\w.-]+\.[\w.-]+|[\w.-]+:\d+|\[[\da-fA-F:]+\](?::\d+)?)(?::\d+)?$/

/**
 * Reads `debian`, `debian:bookworm`, `waggle/plugin-base:1.1.1-base`, `host:5000/a/b@sha256:…` by the rules of Docker
 * (distribution/reference: a first part with a dot, a colon or `localhost` is a host; `library/` for single names). Undefined: not a reference.
 */
export function readImageReference(text: string): ImageReference | undefined {
  const [named = '', digest, ...more] = text.split('@')
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) return undefined
  const slash = named.indexOf('/')
  const first = named.slice(0, Math.max(slash, 0))
  const host = slash > 0 && HOST.test(first) ? first : undefined
  const rest = host === undefined ? named : named.slice(slash + 1)
  const colon = rest.lastIndexOf(':')
  const path = colon > 0 ? rest.slice(0, colon) : rest
  const tag = colon > 0 ? rest.slice(colon + 1) : undefined
  const repository = isDockerHub(host) && !path.includes('/') ? `library/${path}` : path
  if (!REPOSITORY.test(repository) || (tag !== undefined && !TAG.test(tag))) return undefined
  return { host: isDockerHub(host) ? 'docker.io' : (host ?? 'docker.io'), repository, tag, digest }
}

function isDockerHub(host: string | undefined): boolean {
  return host === undefined || host === 'docker.io' || host === 'index.docker.io'
}

/** The part after the repository: `@sha256:…` when there is a digest, else `:tag`, `latest` by default. */
export function referenceSuffix({ tag, digest }: ImageReference): string {
  return digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`
}
