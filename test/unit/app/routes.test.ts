import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { inboxRoutes } from '../../../app/api/inbox-routes.ts'
import { openLog } from '../../../app/log.ts'
import { openMetrics } from '../../../app/metrics.ts'
import { serviceRoutes, type RouteOptions } from '../../../app/routes.ts'
import { Failure } from '../../../pipeline/failure.ts'
import type { ParkedRef, RetryingRef } from '../../../pipeline/ports/inbox.ts'
import type { StoredRun } from '../../../pipeline/ports/service-state.ts'

const TOKEN = 'token-of-the-operators'
const OPERATOR = { authorization: `Bearer ${TOKEN}` }

function open(change: Partial<RouteOptions> = {}) {
  const lines: string[] = []
  const options = { githubUrl: 'https://github.com', metrics: undefined, operatorToken: TOKEN, isReady: async () => true, mounts: [], ...change }
  const routes = serviceRoutes({ log: openLog('debug', { write: (line: string) => void lines.push(line) }), ...options })
  return { routes, lines }
}

describe('the service', () => {
  it('tells whether it lives, and whether it can work', async () => {
    const { routes } = open({ isReady: async () => false })
    expect([(await routes.request('/healthz')).status, (await routes.request('/readyz')).status]).toEqual([200, 503])
    expect((await open().routes.request('/readyz')).status).toBe(200)
  })

  it.each([
    [new Failure('storage-unavailable', 'secret host'), 503],
    [new Error('secret text'), 500],
  ])('says nothing of its own errors to strangers', async (error, status) => {
    const failing = new Hono().get('/fails', () => {
      throw error
    })
    const { routes, lines } = open({ mounts: [['/', failing]] })
    const answer = await routes.request('/fails')
    expect([answer.status, (await answer.text()).includes('secret')]).toEqual([status, false])
    expect(lines.join('')).toContain('secret')
  })

  it('logs routes, never addresses', async () => {
    const { routes, lines } = open({ mounts: [['/', new Hono().get('/runs/:id', () => new Response('x'))]] })
    await routes.request('/runs/17?key=hidden')
    expect(lines.join('')).toContain('"route":"/runs/:id","status":200')
    expect(lines.join('')).not.toMatch(/hidden|\/17/)
  })
})

describe('metrics', () => {
  const run = (state: StoredRun['state'], created: string, claim?: StoredRun['claim']): StoredRun => ({ state, created, claim }) as StoredRun
  const metrics = openMetrics({
    inbox: { counts: async () => ({ waiting: 1, active: 2, retrying: 3, parked: 4 }) },
    state: {
      openRuns: async () => [run('queued', '2026-11-21T12:00:00.000Z'), run('running', '2026-11-21T11:00:00.000Z', { workflowRun: 1, attempt: 1, at: '' })],
    },
    uses: () => [
      { installation: 7, remaining: 4900, limit: 5000, calls: 110, notModified: 10 },
      { installation: 8, remaining: undefined, limit: undefined, calls: 1, notModified: 0 },
    ],
    now: () => Date.parse('2026-11-21T12:05:00.000Z'),
  })

  it('are for operators', async () => {
    expect((await open({ metrics }).routes.request('/metrics')).status).toBe(401)
  })

  it('tell of deliveries, inbox, runs, waits, and what is left of GitHub', async () => {
    metrics.countDelivery('push', 'kept')
    metrics.observeRef(0.3, 'done')
    const { routes } = open({ metrics })
    await routes.request('/healthz')
    await routes.request('/nothing')
    const text = await (await routes.request('/metrics', { headers: OPERATOR })).text()
    for (const line of [
      'ctss_deliveries_total{event="push",answer="kept"} 1',
      'ctss_inbox_refs{state="parked"} 4',
      'ctss_runs{state="queued"} 1',
      'ctss_runs{state="running"} 1',
      'ctss_queue_wait_seconds 300',
      'ctss_github_requests_remaining{installation="7"} 4900',
      'ctss_github_calls{installation="7"} 110',
      'ctss_github_calls_not_modified{installation="7"} 10',
      'ctss_ref_seconds_count{outcome="done"} 1',
      'ctss_request_seconds_count{route="/*",status="404"} 1',
    ])
      expect(text).toContain(line)
    expect(text).not.toMatch(/^ctss.* nan$/im)
  })
})

describe('the inbox, for operators', () => {
  const address = { repository: 1, ref: 'refs/heads/main' }
  const parked: ParkedRef = { address, cause: 'push', attempts: 8, error: 'failed for ghs_16C7e42F292c6912E7710c838347Ae178B4a', at: 'x' }
  const retrying: RetryingRef = { address, cause: 'push', error: 'GitHub refuses ghs_16C7e42F292c6912E7710c838347Ae178B4a', at: 'y' }
  const inbox = {
    counts: async () => ({ waiting: 0, active: 0, retrying: 1, parked: 1 }),
    parked: async () => [parked],
    retrying: async () => [retrying],
    replay: async ({ ref }: { ref: string }) => ref === address.ref,
  }
  const routes = inboxRoutes(inbox, TOKEN)
  const replay = async (body: string): Promise<number> => (await routes.request('/inbox/replay', { method: 'POST', headers: OPERATOR, body })).status

  it('shows what waits for a person, and what is tried again', async () => {
    expect((await routes.request('/inbox')).status).toBe(401)
    expect((await routes.request('/inbox/replay', { method: 'POST', headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
    const answer = await routes.request('/inbox', { headers: OPERATOR })
    expect(await answer.json()).toEqual({
      counts: { waiting: 0, active: 0, retrying: 1, parked: 1 },
      parked: [{ ...parked, error: 'failed for [token]' }],
      retrying: [{ ...retrying, error: 'GitHub refuses [token]' }],
    })
  })

  it('wakes it', async () => {
    expect(await replay(JSON.stringify(address))).toBe(200)
    expect(await replay(JSON.stringify({ ...address, ref: 'refs/heads/other' }))).toBe(404)
    const nul = JSON.stringify({ ...address, ref: 'refs/heads/\0' })
    for (const body of ['', '[]', '{"repository":"1","ref":"refs/heads/main"}', '{"repository":1}', '{"repository":1,"ref":"main"}', nul, 'x'.repeat(20_000)])
      expect(await replay(body)).toBe(400)
  })
})
