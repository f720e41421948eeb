import { getIDToken } from '@actions/core'
import { setTimeout as wait } from 'node:timers/promises'
import { readLimited } from '../adapters/http/read-limited.ts'
import { Failure } from '../pipeline/failure.ts'
import { printable } from '../pipeline/printable.ts'
import { InputError } from './read-inputs.ts'

/** A run that the app has planned: `reference` is its id there. */
export interface RunAddress {
  /** `https://…`; plain HTTP only on this machine. */
  readonly app: string
  readonly reference: string
}

/** The app as one job of a run speaks with it: it knows the job by its OIDC token. */
export interface AppRun {
  /** Asks below `/api/v1/runs/{reference}/`, again and again while the app is out of reach. Fails with `forge-unavailable`, `forge-refused`, `storage-corrupt`. */
  ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<string>
  /** Sends bytes to an address that the app has named. Fails with `forge-unavailable`, `forge-refused`. */
  upload(upload: Upload, content: Uint8Array): Promise<void>
}

/** Where the app wants a file: its own address, or one of its store's that is good for this file alone. */
export interface Upload {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** A restart of the app takes less than their sum. */
export const RETRY_DELAYS_MS: readonly number[] = [1_000, 4_000, 15_000, 30_000, 60_000]

const WAIT_MS = 30_000
const UPLOAD_WAIT_MS = 300_000
/** As large as a plan in a file may be. */
const ANSWER_BYTES = 64 * 2 ** 20
const REFERENCE = /^[A-Za-z0-9_-]{1,128}$/
/** GitHub's OIDC tokens are good for five minutes (docs.github.com, "OpenID Connect reference", `exp`). */
const IDENTITY_MS = 180_000

const REFUSALS: ReadonlyMap<number, string> = new Map([
  [404, 'it does not know this run'],
  [409, 'another job was first, so this one has nothing to do'],
  [410, 'the run has ended, or the app is no longer installed in its repository'],
])

/** Checks the address; nothing is asked yet. */
export function openAppRun({ app, reference }: RunAddress, signal: AbortSignal, delaysMs = RETRY_DELAYS_MS): AppRun {
  const origin = originOf(app)
  if (!REFERENCE.test(reference)) throw new InputError(['input `plan` is no reference of a plan'])
  let identity: { readonly token: string; readonly since: number } | undefined
  const identify = async (): Promise<string> => {
    if (identity === undefined || performance.now() - identity.since > IDENTITY_MS) identity = { token: await askGitHub(origin), since: performance.now() }
    return identity.token
  }
  return {
    ask: async (method, path, body) =>
      retrying(delaysMs, signal, async () => {
        const headers = { authorization: `Bearer ${await identify()}`, accept: 'application/json' }
        const answer = await call(`${origin}/api/v1/runs/${reference}/${path}`, {
          method,
          headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
          signal: AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]),
        })
        return answer
      }),
    async upload({ url, headers }, content) {
      if (!isTrusted(url)) throw new Failure('forge-refused', 'the app names an address for a file that is no https address')
      await retrying(delaysMs, signal, async () =>
        call(url, { method: 'PUT', headers, body: new Uint8Array(content), signal: AbortSignal.any([signal, AbortSignal.timeout(UPLOAD_WAIT_MS)]) }),
      )
    },
  }

  async function call(url: string, request: RequestInit): Promise<string> {
    const host = new URL(url).origin
    const unanswered = (cause: unknown): never => {
      if (signal.aborted || cause instanceof Failure) throw cause
      throw new Failure('forge-unavailable', `the app at ${host} does not answer`, { cause, suggestion: 'Run the job again.' })
    }
    // An address may hold a ticket, and so may what answers: neither is shown.
    const answer = await fetch(url, { ...request, redirect: 'error' }).catch(unanswered)
    const { content, complete } = await readLimited(answer, ANSWER_BYTES).catch(unanswered)
    if (answer.status >= 500 || answer.status === 429)
      throw new Failure('forge-unavailable', `the app at ${host} answered ${answer.status}`, { suggestion: 'Run the job again.' })
    const text = content.toString('utf8')
    if (!answer.ok) throw new Failure('forge-refused', `the app at ${host} answered ${answer.status}: ${REFUSALS.get(answer.status) ?? detailOf(text)}`)
    if (!complete) throw new Failure('storage-corrupt', `the app answered with more than ${ANSWER_BYTES / 2 ** 20} MiB`)
    return text
  }
}

async function askGitHub(audience: string): Promise<string> {
  return getIDToken(audience).catch((cause: unknown) => {
    throw new Failure('forge-unavailable', 'GitHub gave this job no OIDC token, by which the app would know it', {
      cause,
      suggestion: 'Give the job the permission `id-token: write`.',
    })
  })
}

async function retrying<Value>(delaysMs: readonly number[], signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
  for (const delayMs of delaysMs) {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted || !(error instanceof Failure) || error.code !== 'forge-unavailable' || error.suggestion?.includes('id-token') === true) throw error
      await wait(delayMs, undefined, { signal })
    }
  }
  return work()
}

/** RFC 9457. */
function detailOf(text: string): string {
  const value = parseJson(text)
  const detail = typeof value === 'object' && value !== null && 'detail' in value && typeof value.detail === 'string' ? value.detail : ''
  return printable(detail) || 'it does not take what this job asks for'
}

/** Undefined: it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function originOf(app: string): string {
  if (isTrusted(app)) return new URL(app).origin
  throw new InputError(['input `app` is no https address'])
}

function isTrusted(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : undefined
  const isLocal = url !== undefined && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)
}
