import { createHmac, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { openLog } from '../../../app/log.ts'
import { openProbot, webhook, type WebhookEvent, type WebhookOptions } from '../../../app/webhook.ts'
import { Failure } from '../../../pipeline/failure.ts'

const SECRET = 'the present secret'
const PREVIOUS = 'the one before'
const BODY = JSON.stringify({ ref: 'refs/heads/main', text: 'Grüße' })

function sign(body: string | Uint8Array, secret = SECRET): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}

function deliver(change: { body?: string | Uint8Array | ReadableStream<Uint8Array>; headers?: Record<string, string | undefined> } = {}): Request {
  const headers = Object.entries({
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': 'd6b0c1d0-0000-11ee-8000-000000000000',
    'x-hub-signature-256': sign(BODY),
    ...change.headers,
  }).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return new Request('http://x/api/github/webhooks', { method: 'POST', body: change.body ?? BODY, headers, duplex: 'half' } as RequestInit)
}

function open(change: Partial<WebhookOptions> = {}) {
  const kept: WebhookEvent[] = []
  const counted: string[] = []
  const lines: string[] = []
  const answer = webhook({
    secrets: [SECRET, PREVIOUS],
    receive: async (event) => void kept.push(event),
    isDraining: () => false,
    count: (event, how) => void counted.push(`${event} ${how}`),
    log: openLog('debug', { write: (line: string) => void lines.push(line) }),
    ...change,
  })
  return { answer, kept, counted, lines }
}

describe('the webhook', () => {
  it('answers 202 once a delivery is kept', async () => {
    const { answer, kept, counted } = open()
    expect((await answer(deliver())).status).toBe(202)
    expect(kept).toEqual([{ id: 'd6b0c1d0-0000-11ee-8000-000000000000', name: 'push', payload: JSON.parse(BODY) }])
    expect(counted).toEqual(['push kept'])
  })

  it('takes the secret before, while it is changed', async () => {
    const { answer, kept } = open()
    expect((await answer(deliver({ headers: { 'x-hub-signature-256': sign(BODY, PREVIOUS) } }))).status).toBe(202)
    expect(kept).toHaveLength(1)
  })

  it('checks the signature over the bytes, whatever they say', async () => {
    const bytes = Buffer.concat([Buffer.from('{"text":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}')])
    const { answer } = open()
    expect((await answer(deliver({ body: bytes, headers: { 'x-hub-signature-256': sign(bytes) } }))).status).toBe(202)
    expect((await answer(deliver({ body: bytes, headers: { 'x-hub-signature-256': sign(bytes.toString('utf8')) } }))).status).toBe(401)
  })

  it.each([
    ['another secret', { headers: { 'x-hub-signature-256': sign(BODY, 'another') } }, 401],
    ['no signature', { headers: { 'x-hub-signature-256': undefined } }, 401],
    ['the old kind of signature', { headers: { 'x-hub-signature-256': 'sha1=aaaa' } }, 401],
    ['another body than was signed', { body: BODY.replace('main', 'evil') }, 401],
    ['no delivery', { headers: { 'x-github-delivery': undefined } }, 400],
    ['no event', { headers: { 'x-github-event': undefined } }, 400],
    ['an event with a line end', { headers: { 'x-github-event': 'push%0a' } }, 400],
    ['a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
    ['no JSON', { body: 'x', headers: { 'x-hub-signature-256': sign('x') } }, 400],
    ['no object', { body: '[]', headers: { 'x-hub-signature-256': sign('[]') } }, 400],
    ['more than GitHub sends, as it says itself', { headers: { 'content-length': String(26 * 2 ** 20) } }, 413],
  ])('refuses %s', async (_, change, status) => {
    const { answer, kept, counted } = open()
    const answered = await answer(deliver(change))
    expect([answered.status, answered.headers.get('content-type'), kept.length]).toEqual([status, 'application/problem+json', 0])
    expect(counted[0]).toMatch(/ refused$/)
  })

  it('stops reading at 25 MB, before it looks at the signature', async () => {
    const { answer } = open()
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 2 ** 20
        controller.enqueue(new Uint8Array(2 ** 20))
      },
    })
    expect((await answer(deliver({ body: endless }))).status).toBe(413)
    expect(sent).toBeLessThan(30 * 2 ** 20)
  })

  it('takes no more while others hold 128 MiB, and goes on when they are done', async () => {
    const { answer, kept, counted } = open()
    const ends: (() => void)[] = []
    const others = Array.from({ length: 5 }, async () => {
      const held = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let mib = 0; mib < 25; mib += 1) controller.enqueue(new Uint8Array(2 ** 20))
          ends.push(() => controller.close())
        },
      })
      return answer(deliver({ body: held }))
    })
    const big = 'x'.repeat(4 * 2 ** 20)
    await vi.waitFor(async () => expect((await answer(deliver({ body: big }))).status).toBe(503))
    const refused = await answer(deliver({ body: big }))
    expect([refused.status, refused.headers.get('retry-after'), counted.at(-1)]).toEqual([503, '30', 'push failed'])
    expect((await answer(deliver())).status).toBe(202)
    for (const end of ends) end()
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([401, 401, 401, 401, 401])
    expect([(await answer(deliver({ body: big }))).status, kept.length]).toEqual([401, 1])
  })

  it('holds no room for a body whose connection breaks', async () => {
    const { answer } = open()
    for (let round = 0; round < 6; round += 1) {
      let isBroken = false
      const broken = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (isBroken) controller.error(new Error('aborted'))
          else controller.enqueue(new Uint8Array(25 * 2 ** 20))
          isBroken = true
        },
      })
      await expect(answer(deliver({ body: broken }))).rejects.toThrow('aborted')
    }
    expect((await answer(deliver())).status).toBe(202)
  })

  it('waits no longer for a body than GitHub would for the answer', async () => {
    const { answer, counted } = open({ arrivalMs: 20 })
    const cancel = vi.fn()
    const slow = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('{')), cancel })
    const answered = await answer(deliver({ body: slow }))
    expect([answered.status, answered.headers.get('connection'), counted]).toEqual([408, 'close', ['push refused']])
    expect(cancel).toHaveBeenCalledTimes(1)
  })

  it('answers events that it does not know, and keeps nothing', async () => {
    const { answer, kept, counted } = open()
    expect((await answer(deliver({ headers: { 'x-github-event': 'star' } }))).status).toBe(202)
    expect([kept, counted]).toEqual([[], ['other ignored']])
  })

  it('answers 503 while the service is stopped', async () => {
    const { answer, kept } = open({ isDraining: () => true })
    const answered = await answer(deliver())
    expect([answered.status, answered.headers.get('retry-after'), kept.length]).toEqual([503, '30', 0])
  })

  it.each([
    ['the database is down', new Failure('storage-unavailable', 'no connection to db:5432')],
    ['an error carries the status 200', Object.assign(new Error('secret text'), { status: 200 })],
    ['an error of Octokit gets out, with its 404', Object.assign(new Error('Not Found'), { name: 'HttpError', status: 404 })],
  ])('answers 503, and nothing of the reason, where %s', async (_, error) => {
    const { answer, counted, lines } = open({ receive: async () => Promise.reject(error) })
    const answered = await answer(deliver())
    expect(answered.status).toBe(503)
    expect(await answered.text()).not.toMatch(/secret|5432|Not Found/)
    expect(counted).toEqual(['push failed'])
    expect(lines.join('')).toContain('"delivery":"d6b0c1d0-0000-11ee-8000-000000000000"')
  })

  it('answers 503 before GitHub gives up, where the database takes its time', async () => {
    const { answer } = open({ receive: async () => new Promise(() => undefined), timeoutMs: 5 })
    expect((await answer(deliver())).status).toBe(503)
  })
})

describe('Probot', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const options = { appId: 1, privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(), secret: SECRET, baseUrl: 'https://api.github.com' }
  const event = { id: 'd1', name: 'push', payload: { ref: 'refs/heads/main', note: 'body of the payload', installation: { id: 1 } } }

  it('hands every event on that the app knows, with its id', async () => {
    const keep = vi.fn(async () => undefined)
    const receive = await openProbot({ ...options, log: openLog('silent') }, keep)
    await receive(event)
    await receive({ id: 'd2', name: 'issue_comment', payload: { action: 'created' } })
    await receive({ id: 'd3', name: 'star', payload: { action: 'created' } })
    expect(keep.mock.calls).toEqual([[event], [{ id: 'd2', name: 'issue_comment', payload: { action: 'created' } }]])
  })

  it('does not log payloads, not even where keeping one fails', async () => {
    const lines: string[] = []
    const log = openLog('debug', { write: (line: string) => void lines.push(line) })
    const receive = await openProbot({ ...options, log }, async () => Promise.reject(new Failure('storage-full', 'the disk is full')))
    const { answer } = open({ receive, log })
    const body = JSON.stringify(event.payload)
    expect((await answer(deliver({ body, headers: { 'x-hub-signature-256': sign(body) } }))).status).toBe(503)
    expect(lines.join('')).toContain('the disk is full')
    expect(lines.join('')).not.toContain('body of the payload')
  })
})
