import { createHmac, timingSafeEqual } from 'node:crypto'
import { Probot } from 'probot'
import { Failure } from '../pipeline/failure.ts'
import { withLogContext, type Logger } from './log.ts'
import { refuse } from './problem-details.ts'
import { openBodyRoom, parseJson, type BodyRefusal } from './read-body.ts'

/** What GitHub tells the app about: the events of app.yml, and those that every app is told of. Others are answered and forgotten. */
export const EVENTS = [
  'check_run',
  'check_suite',
  'create',
  'delete',
  'installation',
  'installation_repositories',
  'issue_comment',
  'pull_request',
  'push',
  'release',
  'repository',
  'workflow_job',
  'workflow_run',
] as const

type EventName = (typeof EVENTS)[number]

/** A delivery whose signature was right. */
export interface WebhookEvent {
  /** `X-GitHub-Delivery`, the same whenever it is delivered again. */
  readonly id: string
  readonly name: string
  readonly payload: unknown
}

/** How many of each event were answered how. */
export type CountDelivery = (event: string, answer: 'kept' | 'ignored' | 'refused' | 'failed') => void

export interface WebhookOptions {
  /** Each is good. */
  readonly secrets: readonly string[]
  readonly receive: (event: WebhookEvent) => Promise<void>
  readonly isDraining: () => boolean
  readonly count: CountDelivery
  readonly log: Logger
  /** GitHub gives up after 10 s: 8,000. */
  readonly timeoutMs?: number
  /** How long a body may take to arrive: 10,000, after which GitHub has given up. */
  readonly arrivalMs?: number
}

/** docs.github.com, "Webhook events and payloads": payloads are capped at 25 MB. */
const PAYLOAD_BYTES = 25 * 2 ** 20
/** Of all that arrive or are handled at a time: a stranger's are read before their signature can be looked at. */
const PAYLOADS_BYTES = 128 * 2 ** 20
const ARRIVAL_MS = 10_000
const TIMEOUT_MS = 8000
const UNREAD: Readonly<Record<BodyRefusal, readonly [status: number, detail: string]>> = {
  'too-large': [413, `the payload is more than ${PAYLOAD_BYTES / 2 ** 20} MiB`],
  'too-slow': [408, 'the payload took too long to arrive'],
  'no-room': [503, 'too many payloads arrive at a time; it may be delivered again'],
}
const GUID = /^[\w-]{1,100}$/
const NAME = /^[a-z_]{1,60}$/

/**
 * GitHub's deliveries. Probot's own endpoint is not used, since it takes a body of any length before it looks at the signature, knows one secret, answers with
 * the status of whatever error reaches it (also 200), and says 202 after 9 s to what then fails. Here bodies are capped, each and all together, the signature
 * is checked over the bytes, and 202 means: kept. Everything else is an error that GitHub shows, and that the sweep of deliveries mends.
 */
export function webhook(options: WebhookOptions): (request: Request) => Promise<Response> {
  const { secrets, receive, isDraining, count, log, timeoutMs = TIMEOUT_MS, arrivalMs = ARRIVAL_MS } = options
  const readInRoom = openBodyRoom(PAYLOADS_BYTES, arrivalMs)
  return async (request) => {
    const name = request.headers.get('x-github-event') ?? ''
    const id = request.headers.get('x-github-delivery') ?? ''
    const answer = (status: number, detail: string): Response => {
      count(labelOf(name), status === 503 ? 'failed' : 'refused')
      log.warn({ status, detail }, 'a delivery was refused')
      return refuse(status, detail, status === 503 ? { 'retry-after': '30' } : { connection: 'close' })
    }
    return withLogContext({ delivery: GUID.test(id) ? id : 'none', event: NAME.test(name) ? name : 'none' }, async () => {
      if (isDraining()) return answer(503, 'the service is being stopped')
      if (!GUID.test(id) || !NAME.test(name)) return answer(400, 'these are not the headers of a webhook of GitHub')
      if (!/^application\/json\b/i.test(request.headers.get('content-type') ?? '')) return answer(415, 'the webhook has to be set to application/json')
      using body = await readInRoom(request, PAYLOAD_BYTES)
      const { content } = body
      if (typeof content === 'string') return answer(...UNREAD[content])
      if (!isSigned(content, request.headers.get('x-hub-signature-256') ?? '', secrets)) return answer(401, 'the signature is not that of the webhook secret')
      const payload = parseJson(content.toString('utf8'))
      if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return answer(400, 'the payload is no JSON object')
      if (!isEventName(name)) {
        count('other', 'ignored')
        return Response.json({ kept: false }, { status: 202 })
      }
      try {
        await withinMs(receive({ id, name, payload }), timeoutMs)
      } catch (error) {
        log.error({ err: firstOf(error) }, 'a delivery could not be kept')
        return answer(503, 'the delivery could not be kept; it may be delivered again')
      }
      count(name, 'kept')
      return Response.json({ kept: true }, { status: 202 })
    })
  }
}

function labelOf(name: string): string {
  return isEventName(name) ? name : 'other'
}

function isEventName(name: string): name is EventName {
  return EVENTS.some((event) => event === name)
}

/** Over the bytes as they came; with every secret that is good, in a time that tells nothing. */
function isSigned(content: Buffer, signature: string, secrets: readonly string[]): boolean {
  const given = Buffer.from(/^sha256=([0-9a-f]{64})$/.exec(signature)?.[1] ?? '', 'hex')
  return given.length === 32 && secrets.some((secret) => timingSafeEqual(createHmac('sha256', secret).update(content).digest(), given))
}

async function withinMs(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Failure('timed-out', `keeping a delivery took more than ${limitMs / 1000} s`)), limitMs)
  })
  try {
    await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** Probot collects what handlers throw. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError ? error.errors[0] : error
}

export interface ProbotOptions {
  readonly appId: number
  readonly privateKey: string
  readonly secret: string
  /** GitHub's API. */
  readonly baseUrl: string
  readonly log: Logger
}

/** Probot with one handler, which keeps every event that the app knows. Its Octokit is never asked for anything: GitHub is spoken to by the worker, later. */
export async function openProbot(
  { appId, privateKey, secret, baseUrl, log }: ProbotOptions,
  keep: (event: WebhookEvent) => Promise<void>,
): Promise<WebhookOptions['receive']> {
  const quiet = log.child({ name: 'probot' }, { level: log.level === 'silent' ? 'silent' : 'fatal' })
  const probot = new Probot({ appId, privateKey, secret, baseUrl, log: quiet })
  await probot.ready()
  probot.on([...EVENTS], async ({ id, name, payload }) => keep({ id, name, payload }))
  return async (event) => {
    if (isProbotEvent(event)) await probot.receive(event)
  }
}

/** What Probot takes is what has come: payloads are read by guards of ours, whatever types it gives them. */
function isProbotEvent(event: WebhookEvent): event is WebhookEvent & Parameters<Probot['receive']>[0] {
  return isEventName(event.name) && typeof event.payload === 'object' && event.payload !== null
}
