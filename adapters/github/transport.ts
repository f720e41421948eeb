import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../pipeline/failure.ts'
import { readLimited } from '../http/read-limited.ts'
import type { RequestGate } from './request-gate.ts'

export interface TransportOptions {
  readonly signal?: AbortSignal
  /** Of one request; 30 s without it, 10 min for one that uploads. */
  readonly timeoutMs?: number
  /** Waits before a request is sent again; rejects when the signal is aborted. */
  readonly pause?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
  /** Where each attempt waits for its turn. It is closed by a rate limit: what comes while it is waits, or fails at once, and GitHub is not asked. */
  readonly gate?: RequestGate
  /** Hears of every answer, also of those that are not the last. */
  readonly heard?: (status: number, headers: Headers) => void
}

/** As `fetch`; a body that is longer than `cutBytes` is cut there. */
export type Send = (url: string, init: RequestInit, limits?: { readonly cutBytes?: number }) => Promise<Response>

const TIMEOUT_MS = 30_000
const UPLOAD_TIMEOUT_MS = 600_000
/** A hundred comments of 65,536 characters, six bytes each where JSON escapes them, and some room. */
const ANSWER_BYTES = 64 * 2 ** 20
/** Before the second attempt, the third and the last. */
const BACK_OFF_MS = [1000, 3000, 9000] as const
/** A rate limit that lasts longer is for the person to wait for. */
const LONGEST_WAIT_MS = 120_000
/** "Wait for at least one minute" where GitHub names no time (docs.github.com, Rate limits for the REST API). */
const UNNAMED_WAIT_MS = 60_000

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly content: Buffer
}

/**
 * `fetch` for Octokit: time limits, an answer of a limited size that is read whole, and another attempt where that can do no harm. What only reads, and
 * what sets a value, is repeated after a lost connection and after 5xx. What makes something new (POST) is not, since it may have been carried out: its
 * caller looks first. A request that a rate limit turned away was not carried out; it is repeated after the time that GitHub names.
 * Fails with `forge-unavailable`, `cancelled`.
 */
export function githubTransport(options: TransportOptions): Send {
  const { signal, pause = pauseFor, gate } = options
  const orCancelled = (cause: unknown): never => {
    throw signal?.aborted ? cancelled(cause) : cause
  }
  return async (url, init, limits = {}) => {
    // A GraphQL query is sent by POST, and changes nothing; a token that nobody got harms nobody.
    const isRepeatable = init.method !== 'POST' || /\/(?:graphql|access_tokens)$/.test(url)
    const { host } = new URL(url)
    const closedMs = gate?.closedMs() ?? 0
    if (closedMs > LONGEST_WAIT_MS) throw rateLimited(host, closedMs)
    if (closedMs > 0) await pause(closedMs, signal).catch(orCancelled)
    for (let attempt = 0; ; attempt += 1) {
      const turn = await gate?.enter(init.method ?? 'GET', signal).catch(orCancelled)
      const result = await sendOnce(url, init, { ...options, ...limits }).finally(() => turn?.[Symbol.dispose]())
      const limitMs = rateLimitOf(result)
      if (limitMs !== undefined) gate?.close(limitMs)
      const waitMs = waitBefore(result, attempt, isRepeatable)
      if (waitMs === undefined) return toResponse(result, host)
      await pause(waitMs, signal).catch(orCancelled)
    }
  }
}

async function sendOnce(
  url: string,
  init: RequestInit,
  { signal, timeoutMs, heard, cutBytes }: TransportOptions & { readonly cutBytes?: number },
): Promise<Answer | Failure> {
  const limitMs = timeoutMs ?? (init.body instanceof Uint8Array ? UPLOAD_TIMEOUT_MS : TIMEOUT_MS)
  const limit = AbortSignal.timeout(limitMs)
  try {
    const response = await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit })
    heard?.(response.status, response.headers)
    const { content, complete } = await readLimited(response, cutBytes ?? ANSWER_BYTES)
    if (!complete && cutBytes === undefined) throw new RangeError(`answered with more than ${ANSWER_BYTES / 2 ** 20} MiB`)
    return { status: response.status, headers: response.headers, content }
  } catch (cause) {
    if (signal?.aborted) throw cancelled(cause)
    const what =
      cause instanceof RangeError ? cause.message : limit.aborted ? `did not answer in ${limitMs / 1000} s` : `cannot be reached (${reasonOf(cause)})`
    return new Failure('forge-unavailable', `${new URL(url).host} ${what}`, {
      cause,
      suggestion: 'Check that the network reaches it, and its status page (www.githubstatus.com for github.com); then run again.',
    })
  }
}

function toResponse(result: Answer | Failure, host: string): Response {
  if (result instanceof Failure) throw result
  const { status, headers, content } = result
  const limitMs = rateLimitOf(result)
  if (limitMs !== undefined) throw rateLimited(host, limitMs)
  if (status >= 500) throw new Failure('forge-unavailable', `${host} is not working: it answered ${status}`, { suggestion: 'Run again.' })
  // A Response of these may not be given any content, not even an empty one.
  return new Response([204, 205, 304].includes(status) ? null : new Uint8Array(content), { status, headers })
}

/** Milliseconds until the request may be sent again; undefined: it may not, and this is how it ended. */
function waitBefore(result: Answer | Failure, attempt: number, isRepeatable: boolean): number | undefined {
  const backOffMs = BACK_OFF_MS[attempt]
  if (backOffMs === undefined) return undefined
  if (result instanceof Failure) return isRepeatable ? backOffMs : undefined
  const limitMs = rateLimitOf(result)
  if (limitMs !== undefined) return limitMs <= LONGEST_WAIT_MS ? limitMs : undefined
  return result.status >= 500 && isRepeatable ? backOffMs : undefined
}

function rateLimited(host: string, waitMs: number): Failure {
  const seconds = Math.ceil(waitMs / 1000)
  return new Failure('forge-unavailable', `${host} takes no more requests with this token for now: its rate limit is used up`, {
    suggestion: `Run again in ${seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`}.`,
  })
}

/** How long the rate limit lasts that an answer tells of; undefined: it tells of none. */
function rateLimitOf(result: Answer | Failure): number | undefined {
  return !(result instanceof Failure) && isRateLimited(result.status, result.headers, result.content) ? rateLimitWait(result.headers) : undefined
}

/** 403 means many things, and this is one of them. */
function isRateLimited(status: number, headers: Headers, content: Buffer): boolean {
  if (status !== 403) return status === 429
  return headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0' || /rate limit/i.test(content.toString('utf8'))
}

function rateLimitWait(headers: Headers): number {
  const retryAfter = secondsOf(headers.get('retry-after'))
  if (retryAfter !== undefined) return retryAfter * 1000
  const reset = headers.get('x-ratelimit-remaining') === '0' ? secondsOf(headers.get('x-ratelimit-reset')) : undefined
  // The reset is told in whole seconds: one more, so that it is over for sure.
  return reset === undefined ? UNNAMED_WAIT_MS : Math.max(0, reset * 1000 - Date.now()) + 1000
}

function secondsOf(value: string | null): number | undefined {
  return value !== null && /^\d{1,12}$/.test(value) ? Number(value) : undefined
}

function cancelled(cause: unknown): Failure {
  return new Failure('cancelled', 'the request to GitHub was cancelled', { cause })
}

function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  return inner instanceof Error ? inner.message || ('code' in inner ? String(inner.code) : inner.name) : String(inner)
}

async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal })
}
