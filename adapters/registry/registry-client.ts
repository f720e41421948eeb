import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../pipeline/failure.ts'
import { readLimited } from '../http/read-limited.ts'

/** User name and password (or token) of a registry. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** Credentials of a host; undefined: anonymous. */
export type FindCredentials = (host: string) => Promise<Credentials | undefined>

export interface RegistryClientOptions {
  readonly credentials?: FindCredentials
  /** Of one request; 60 s without it, 10 min for one that uploads. A download that is read as a stream may take longer, as long as bytes come. */
  readonly timeoutMs?: number
  /** Waits before a request is sent again that a registry turned away for now; 0.2 s, 1 s, 5 s without it, or what `Retry-After` asks for. */
  readonly retryDelaysMs?: readonly number[]
  readonly signal?: AbortSignal
  /** What to do about a registry that wants somebody else, or does not answer; what helps on a laptop without it. */
  readonly suggest?: (host: string, code: 'registry-refused' | 'registry-unavailable') => string
}

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** `/v2/…`, or a whole address on the same registry, as an upload's Location is. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | ReadableStream<Uint8Array>
  /** Statuses that the caller understands; any other is a `Failure`. */
  readonly expect: readonly number[]
  /** Token scope, for instance `repository:library/debian:pull`. */
  readonly scope: string
}

const DEFAULT_TIMEOUT_MS = 60_000
/** As long as GHCR gives an upload (GitHub's documentation of the container registry). */
const UPLOAD_TIMEOUT_MS = 600_000
const RETRY_DELAYS_MS = [200, 1000, 5000]
/** A registry that asks for more patience than this counts as down. */
const RETRY_AFTER_LIMIT_MS = 30_000
const BUSY = [429, 502, 503, 504]
/** distribution answers a question with 500, too, where it reads a tag that is being written at that moment. */
const BUSY_READING = [...BUSY, 500]
const ERROR_BODY_BYTES = 16_384
const SUGGEST: NonNullable<RegistryClientOptions['suggest']> = (host, code) =>
  code === 'registry-refused' ? `sign in with \`docker login ${host}\`` : 'check that it runs (`ctss doctor`) and that the network reaches it'
const TOKEN_BYTES = 65_536

/** HTTP to one registry: scheme, tokens, and the two kinds of failure that a registry has. */
export class RegistryClient {
  readonly #host: string
  readonly #origin: string
  readonly #options: RegistryClientOptions
  readonly #authorizations = new Map<string, string>()

  constructor(host: string, options: RegistryClientOptions = {}) {
    this.#host = host
    this.#origin = `${isLoopback(host) ? 'http' : 'https'}://${host === 'docker.io' ? 'registry-1.docker.io' : host}`
    this.#options = options
  }

  /**
   * Sends a request, once more with a token when the registry asks for one, and again when it is busy.
   * Fails with `registry-unavailable`, `registry-refused`, `storage-full`, `cancelled`.
   */
  async send(request: RegistryRequest): Promise<Response> {
    return this.#send(request, undefined)
  }

  /** As `send`, for a body of any length: the time limit holds for each piece of it, not for the whole. `chunks` fails as `send` does. */
  async open(request: RegistryRequest): Promise<{ readonly response: Response; readonly chunks: AsyncIterable<Uint8Array> }> {
    const stall = new Stall(this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    try {
      const response = await this.#send(request, stall)
      return { response, chunks: this.#read(response, stall) }
    } finally {
      stall.end()
    }
  }

  async *#read(response: Response, stall: Stall): AsyncGenerator<Uint8Array> {
    const body: ReadableStream<Uint8Array> | null = response.body
    stall.begin()
    try {
      for await (const chunk of body ?? []) {
        // Whoever writes the bytes away may take its time.
        stall.end()
        yield chunk
        stall.begin()
      }
    } catch (cause) {
      if (this.#options.signal?.aborted) throw this.#cancelled(cause)
      throw this.unavailable('broke off its answer', cause)
    } finally {
      stall.end()
    }
  }

  async #send(request: RegistryRequest, stall: Stall | undefined): Promise<Response> {
    // A body that is a stream has been read by now.
    const delays = request.body instanceof ReadableStream ? [] : (this.#options.retryDelaysMs ?? RETRY_DELAYS_MS)
    const busy = request.method === 'GET' || request.method === 'HEAD' ? BUSY_READING : BUSY
    for (const delay of delays) {
      const response = await this.#authorized(request, stall)
      if (!busy.includes(response.status)) return this.#expected(response, request)
      const failure = await this.#failureOf(response, request)
      const asked = retryAfterMs(response)
      if (failure.code !== 'registry-unavailable' || (asked ?? 0) > RETRY_AFTER_LIMIT_MS) throw failure
      await this.#wait(asked ?? delay)
    }
    return this.#expected(await this.#authorized(request, stall), request)
  }

  async #expected(response: Response, request: RegistryRequest): Promise<Response> {
    if (request.expect.includes(response.status)) return response
    throw await this.#failureOf(response, request)
  }

  async #wait(ms: number): Promise<void> {
    const { signal } = this.#options
    try {
      await sleep(ms, undefined, signal && { signal })
    } catch (cause) {
      throw this.#cancelled(cause)
    }
  }

  async #authorized(request: RegistryRequest, stall: Stall | undefined): Promise<Response> {
    const response = await this.#fetch(request, stall)
    const challenge = response.status === 401 ? response.headers.get('www-authenticate') : null
    const authorization = challenge === null ? undefined : await this.#authorize(challenge, request.scope)
    if (authorization === undefined) return response
    this.#authorizations.set(request.scope, authorization)
    // What is a stream cannot be sent twice; uploads begin with a POST, whose token they share.
    if (request.body instanceof ReadableStream) return response
    await response.body?.cancel()
    return this.#fetch(request, stall)
  }

  async #fetch({ method, path, headers, body, scope }: RegistryRequest, stall: Stall | undefined): Promise<Response> {
    const url = new URL(path, this.#origin)
    const authorization = this.#authorizations.get(scope)
    // A registry may send an upload to another host; our token is for its own.
    const own = url.origin === this.#origin
    const init = {
      method,
      headers: { 'user-agent': 'ctss', ...headers, ...(own && authorization !== undefined && { authorization }) },
      ...(body && { body }),
      // To follow a redirect, fetch would keep a copy of all that it sends in memory.
      ...(body instanceof ReadableStream && { duplex: 'half' as const, redirect: 'error' as const }),
    }
    return this.#reach(url, init, stall)
  }

  async #reach(url: URL, init: RequestInit, stall?: Stall): Promise<Response> {
    const { signal, timeoutMs = init.body ? UPLOAD_TIMEOUT_MS : DEFAULT_TIMEOUT_MS } = this.#options
    stall?.begin()
    const limit = stall?.signal ?? AbortSignal.timeout(timeoutMs)
    try {
      return await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit })
    } catch (cause) {
      if (signal?.aborted) throw this.#cancelled(cause)
      throw this.unavailable(limit.aborted ? `did not answer in ${timeoutMs / 1000} s` : `cannot be reached (${reasonOf(cause)})`, cause)
    }
  }

  #cancelled(cause: unknown): Failure {
    return new Failure('cancelled', `the request to ${this.#host} was cancelled`, { cause })
  }

  /** The failure of a registry that is down, or that broke off. */
  unavailable(what: string, cause?: unknown): Failure {
    return new Failure('registry-unavailable', `the registry ${this.#host} ${what}`, { cause, suggestion: this.#suggest('registry-unavailable') })
  }

  async #failureOf(response: Response, { method, path }: RegistryRequest): Promise<Failure> {
    const body = (await readLimited(response, ERROR_BODY_BYTES)).content.toString('utf8')
    const what = `${method} ${path.split('?')[0]} answered ${response.status} ${body.slice(0, 500).trim()}`.trim()
    if (isStorageFull(response.status, body))
      return new Failure('storage-full', `the registry ${this.#host} has no space left: ${what}`, { suggestion: 'free space on its disk' })
    if (response.status >= 500 || response.status === 429) return this.unavailable(`is not working: ${what}`)
    return new Failure('registry-refused', `the registry ${this.#host} refused: ${what}`, {
      ...((response.status === 401 || response.status === 403) && { suggestion: this.#suggest('registry-refused') }),
    })
  }

  #suggest(code: 'registry-refused' | 'registry-unavailable'): string {
    return (this.#options.suggest ?? SUGGEST)(this.#host, code)
  }

  /** The Authorization header that answers a challenge; undefined when nothing can. */
  async #authorize(challenge: string, scope: string): Promise<string | undefined> {
    const credentials = await this.#options.credentials?.(this.#host)
    const basic = credentials && `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
    if (/^basic\b/i.test(challenge)) return basic
    const parameters = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name.toLowerCase(), value]))
    const realm = parameters.get('realm')
    if (!/^bearer\b/i.test(challenge) || realm === undefined || !URL.canParse(realm)) return undefined
    const url = new URL(realm)
    // Credentials never leave in the clear, whatever the challenge says.
    if (url.protocol !== 'https:' && !isLoopback(url.host)) return undefined
    // What the challenge asks for is enough for this request alone; the token serves those that follow, too.
    const scopes = [scope, parameters.get('scope') ?? ''].flatMap((list) => list.split(' ')).filter((one) => one !== '')
    for (const one of new Set(scopes)) url.searchParams.append('scope', one)
    const service = parameters.get('service')
    if (service !== undefined) url.searchParams.set('service', service)
    const response = await this.#reach(url, { headers: { 'user-agent': 'ctss', ...(basic && { authorization: basic }) } })
    const { content } = await readLimited(response, TOKEN_BYTES)
    if (response.status >= 500 || response.status === 429) throw this.unavailable(`gives no token: ${url.host} answered ${response.status}`)
    return response.ok ? bearerOf(content.toString('utf8')) : undefined
  }
}

/** A time limit that begins anew with every sign of life. */
class Stall {
  readonly #controller = new AbortController()
  readonly #ms: number
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number) {
    this.#ms = ms
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  begin(): void {
    this.end()
    this.#timer = setTimeout(() => this.#controller.abort(), this.#ms)
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}

/** What a busy registry asks for in `Retry-After`, as seconds or as a date (RFC 9110, 10.2.3). */
function retryAfterMs(response: Response): number | undefined {
  const text = response.headers.get('retry-after')?.trim() ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

/** Whether a registry is on this machine, where plain HTTP is what the engine speaks, too. */
export function isLoopback(host: string): boolean {
  return /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?$/.test(host)
}

/** distribution 2.8 answers 500 with the driver's error, ENOSPC as its number 28, or in words. */
function isStorageFull(status: number, body: string): boolean {
  return status === 507 || (status >= 500 && /no space left|"Err":\s*28\b|quota exceeded/i.test(body))
}

function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  return inner instanceof Error ? inner.message || ('code' in inner ? String(inner.code) : inner.name) : String(inner)
}

function bearerOf(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const token = 'token' in value ? value.token : 'access_token' in value ? value.access_token : undefined
    return typeof token === 'string' ? `Bearer ${token}` : undefined
  } catch {
    return undefined
  }
}
