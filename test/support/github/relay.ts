/**
 * The app's webhooks: completed to what GitHub's schema asks for, judged by it, signed, sent with GitHub's headers, remembered, and sent again on demand.
 * Deliveries about one repository go out one after the other, as they happened; a test that wants another order holds them back.
 */
import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DeliveryFate, WebhookDelivery, Webhooks } from './api.ts'
import { actionOf, checkWebhook, completeWebhook } from './openapi.ts'
import type { Json } from './world.ts'

/** GitHub waits this long for an answer, and no event is larger than this. */
const TIMEOUT_MS = 10_000
const MOST_BYTES = 25_000_000

/** An event on its way to the app; `make` completes it when somebody wants to see it. */
export interface Event {
  readonly event: string
  readonly make: () => Json
  readonly installation: number | undefined
  readonly repository: { readonly id: number; readonly name: string } | undefined
}

interface Attempt {
  readonly id: number
  readonly guid: string
  readonly event: string
  readonly action: string | null
  readonly repository: string | undefined
  readonly repositoryId: number | null
  readonly installation: number | null
  readonly isRedelivery: boolean
  readonly at: string
  readonly payload: Json
  headers: Readonly<Record<string, string>>
  answer: { readonly headers: Readonly<Record<string, string>>; readonly body: string }
  status: number | undefined
  words: string
  seconds: number
  target: string | undefined
}

export interface RelayOptions {
  readonly appId: number
  readonly secret: () => string
  readonly stamp: () => string
  readonly nextId: () => number
  readonly deviations: Set<string>
}

export type Relay = ReturnType<typeof createRelay>

export function createRelay({ appId, secret, stamp, nextId, deviations }: RelayOptions) {
  const targets: string[] = []
  const attempts: Attempt[] = []
  const held: Attempt[] = []
  const lanes = new Map<string, Promise<unknown>>()
  const underway = new Set<Promise<unknown>>()
  let turn = 0
  let fate: ((delivery: WebhookDelivery) => DeliveryFate) | undefined

  const send = async (attempt: Attempt): Promise<void> => {
    const target = targets.length === 0 ? undefined : targets[turn++ % targets.length]
    const body = Buffer.from(JSON.stringify(attempt.payload))
    attempt.headers = headersOf(attempt, body, appId, secret())
    attempt.target = target
    const started = performance.now()
    if (target === undefined || body.length > MOST_BYTES) Object.assign(attempt, { status: 0, words: 'failed to connect to host' })
    else
      try {
        const answer = await fetch(target, {
          method: 'POST',
          headers: attempt.headers,
          body,
          signal: AbortSignal.timeout(webhooks.timeoutMs),
          redirect: 'manual',
        })
        attempt.answer = { headers: Object.fromEntries(answer.headers), body: await answer.text() }
        Object.assign(attempt, { status: answer.status, words: answer.ok ? 'OK' : answer.statusText || 'Error' })
      } catch (cause) {
        const isLate = cause instanceof Error && cause.name === 'TimeoutError'
        Object.assign(attempt, { status: 0, words: isLate ? 'timed out' : 'failed to connect to host' })
      }
    attempt.seconds = (performance.now() - started) / 1000
  }
  /** After what is on its way in the same lane. */
  const queue = (lane: string, work: () => Promise<void>): Promise<void> => {
    const done = (lanes.get(lane) ?? Promise.resolve()).then(work).catch((cause: unknown) => void deviations.add(`a delivery failed: ${String(cause)}`))
    lanes.set(lane, done)
    underway.add(done)
    void done.finally(() => underway.delete(done))
    return done
  }
  const laneOf = ({ repositoryId }: Attempt): string => String(repositoryId ?? '')
  const again = (attempt: Attempt, isRedelivery: boolean): Attempt => {
    const next = { ...attempt, id: nextId(), isRedelivery, at: stamp(), status: undefined, words: 'pending', target: undefined }
    attempts.push(next)
    return next
  }
  const dispatch = (attempt: Attempt): void => {
    const decided = fate?.(view(attempt)) ?? 'deliver'
    if (decided === 'drop') Object.assign(attempt, { status: 0, words: 'timed out' })
    if (decided === 'hold') held.push(attempt)
    if (decided === 'deliver' || decided === 'double') void queue(laneOf(attempt), () => send(attempt))
    if (decided === 'double') {
      const twin = again(attempt, false)
      void queue(laneOf(attempt), () => send(twin))
    }
  }
  const webhooks: Webhooks = {
    timeoutMs: TIMEOUT_MS,
    connect(url) {
      targets.push(url)
      return () => void targets.splice(targets.indexOf(url), targets.includes(url) ? 1 : 0)
    },
    get deliveries() {
      return attempts.map(view)
    },
    steer: (next) => void (fate = next),
    get held() {
      return held.map(view)
    },
    async release(order = (all) => all) {
      const waiting = held.splice(0)
      const sent = new Set<number>()
      for (const { id } of order(waiting.map(view))) {
        const attempt = waiting.find((candidate) => candidate.id === id)
        if (attempt === undefined) throw new Error(`no delivery ${id} is held back`)
        const next = sent.has(id) ? again(attempt, false) : attempt
        sent.add(id)
        await queue(laneOf(next), () => send(next))
      }
      for (const attempt of waiting) if (!sent.has(attempt.id)) Object.assign(attempt, { status: 0, words: 'timed out' })
    },
    async redeliver(id) {
      const attempt = attempts.find((candidate) => candidate.id === id)
      if (attempt === undefined) throw new Error(`there is no delivery ${id}`)
      const next = again(attempt, true)
      await queue(laneOf(next), () => send(next))
    },
    emit: () => Promise.reject(new Error('only a whole stand-in emits')),
  }
  return {
    webhooks,
    attempts,
    /** Sends an event, unless a test holds it back. */
    send({ event, make, installation, repository }: Event): void {
      const thin = make()
      let whole: Json | undefined
      const attempt: Attempt = {
        id: nextId(),
        guid: randomUUID(),
        event,
        action: actionOf(thin) || null,
        repository: repository?.name,
        repositoryId: repository?.id ?? null,
        installation: installation ?? null,
        isRedelivery: false,
        at: stamp(),
        get payload() {
          whole ??= judge(event, thin, deviations)
          return whole
        },
        headers: {},
        answer: { headers: {}, body: '' },
        status: undefined,
        words: 'pending',
        seconds: 0,
        target: undefined,
      }
      attempts.push(attempt)
      dispatch(attempt)
    },
    /** Waits until nothing has been on its way for a moment. */
    async settle(quietMs = 20): Promise<void> {
      do {
        while (underway.size > 0) await Promise.allSettled(underway)
        await sleep(quietMs)
      } while (underway.size > 0)
    },
    /** As `GET /app/hook/deliveries` shows it. */
    show: (attempt: Attempt): Json => ({
      id: attempt.id,
      guid: attempt.guid,
      delivered_at: attempt.at,
      redelivery: attempt.isRedelivery,
      duration: attempt.seconds,
      status: attempt.words,
      status_code: attempt.status ?? 0,
      event: attempt.event,
      action: attempt.action,
      installation_id: attempt.installation,
      repository_id: attempt.repositoryId,
      throttled_at: null,
    }),
    /** What was sent and what came back. */
    details: (attempt: Attempt): Json => ({
      url: attempt.target ?? '',
      request: { headers: attempt.headers, payload: attempt.payload },
      response: { headers: attempt.answer.headers, payload: attempt.answer.body },
    }),
  }
}

function judge(event: string, thin: Json, deviations: Set<string>): Json {
  const whole = completeWebhook(event, thin)
  for (const error of checkWebhook(event, whole)) deviations.add(`webhook ${event} ${actionOf(thin)}: ${error.replace(/\/\d+/g, '/*')}`)
  return whole
}

function headersOf(attempt: Attempt, body: Buffer, appId: number, secret: string): Readonly<Record<string, string>> {
  const sign = (hash: string): string => createHmac(hash, secret).update(body).digest('hex')
  return {
    'content-type': 'application/json',
    // A receiver that was started anew must not be asked by an old connection.
    connection: 'close',
    accept: '*/*',
    'user-agent': 'GitHub-Hookshot/0c3ab1d',
    'x-github-event': attempt.event,
    'x-github-delivery': attempt.guid,
    'x-github-hook-id': '1',
    'x-github-hook-installation-target-id': String(appId),
    'x-github-hook-installation-target-type': 'integration',
    'x-hub-signature': `sha1=${sign('sha1')}`,
    'x-hub-signature-256': `sha256=${sign('sha256')}`,
  }
}

function view(attempt: Attempt): WebhookDelivery {
  const { id, guid, event, action, repository, isRedelivery, status, target } = attempt
  return {
    id,
    guid,
    event,
    action,
    repository,
    isRedelivery,
    status,
    target,
    get payload() {
      return attempt.payload
    },
  }
}
