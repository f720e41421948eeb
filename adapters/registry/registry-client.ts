import { Failure } from '../../pipeline/failure.ts'

/** User name and password (or token) of a registry. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

export interface RegistryClientOptions {
  /** Credentials of a host; undefined: anonymous. */
  readonly credentials?: (host: string) => Promise<Credentials | undefined>
  /** Of one request; 60 s without it, 10 min for one that uploads. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
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
const UPLOAD_TIMEOUT_MS = 600_000
const ERROR_BODY_BYTES = 16_384
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

  /** Sends a request, once more with a token when the registry asks for one. Fails with `registry-unavailable`, `registry-refused`, `storage-full`, `cancelled`. */
  async send(request: RegistryRequest): Promise<Response> {
    let response = await this.#fetch(request)
    const challenge = response.status === 401 ? response.headers.get('www-authenticate') : null
    const authorization = challenge === null ? undefined : await this.#authorize(challenge, request.scope)
    if (authorization !== undefined) {
      await response.body?.cancel()
      this.#authorizations.set(request.scope, authorization)
      // A body that is a stream has been read by now; uploads begin with a POST, whose token they share.
      response = await this.#fetch(request)
    }
    if (request.expect.includes(response.status)) return response
    throw await this.#failureOf(response, request)
  }

  async #fetch({ method, path, headers, body, scope }: RegistryRequest): Promise<Response> {
    const url = new URL(path, this.#origin)
    const authorization = this.#authorizations.get(scope)
    // A registry may send an upload to another host; our token is for its own.
    const own = url.origin === this.#origin
    return this.#reach(url, {
      method,
      headers: { 'user-agent': 'ctss', ...headers, ...(own && authorization !== undefined && { authorization }) },
      ...(body && { body }),
      ...(body instanceof ReadableStream && { duplex: 'half' }),
    })
  }

  async #reach(url: URL, init: RequestInit): Promise<Response> {
    const { signal, timeoutMs = init.body ? UPLOAD_TIMEOUT_MS : DEFAULT_TIMEOUT_MS } = this.#options
    const limit = AbortSignal.timeout(timeoutMs)
    try {
      return await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit })
    } catch (cause) {
      if (signal?.aborted) throw new Failure('cancelled', `the request to ${this.#host} was cancelled`, { cause })
      throw this.unavailable(limit.aborted ? `did not answer in ${timeoutMs / 1000} s` : `cannot be reached (${reasonOf(cause)})`, cause)
    }
  }

  /** The failure of a registry that is down, or that broke off. */
  unavailable(what: string, cause?: unknown): Failure {
    return new Failure('registry-unavailable', `the registry ${this.#host} ${what}`, {
      cause,
      suggestion: 'check that it runs (`ctss doctor`) and that the network reaches it',
    })
  }

  async #failureOf(response: Response, { method, path }: RegistryRequest): Promise<Failure> {
    const body = (await readLimited(response, ERROR_BODY_BYTES)).content.toString('utf8')
    const what = `${method} ${path.split('?')[0]} answered ${response.status} ${body.slice(0, 500).trim()}`.trim()
    if (isStorageFull(response.status, body))
      return new Failure('storage-full', `the registry ${this.#host} has no space left: ${what}`, { suggestion: 'free space on its disk' })
    if (response.status >= 500 || response.status === 429) return this.unavailable(`is not working: ${what}`)
    return new Failure('registry-refused', `the registry ${this.#host} refused: ${what}`, {
      ...((response.status === 401 || response.status === 403) && { suggestion: `sign in with \`docker login ${this.#host}\`` }),
    })
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
    url.searchParams.set('scope', parameters.get('scope') ?? scope)
    const service = parameters.get('service')
    if (service !== undefined) url.searchParams.set('service', service)
    const response = await this.#reach(url, { headers: { 'user-agent': 'ctss', ...(basic && { authorization: basic }) } })
    const { content } = await readLimited(response, TOKEN_BYTES)
    return response.ok ? bearerOf(content.toString('utf8')) : undefined
  }
}

/** Reads at most a limit of a response's body, and drops the rest. */
export async function readLimited(response: Response, limitBytes: number): Promise<{ readonly content: Buffer; readonly complete: boolean }> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  const body: ReadableStream<Uint8Array> | null = response.body
  for await (const chunk of body ?? []) {
    chunks.push(chunk)
    bytes += chunk.length
    // Leaving the loop cancels the body.
    if (bytes > limitBytes) return { content: Buffer.concat(chunks).subarray(0, limitBytes), complete: false }
  }
  return { content: Buffer.concat(chunks), complete: true }
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
