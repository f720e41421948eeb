import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fetchDispatchedRun } from '../../../actions/dispatched-run.ts'
import { startApp, type AppAnswer, type AppServer } from '../../support/app-server.ts'
import { makeRunPlan } from '../../support/run-plan.ts'

const PLAN = makeRunPlan()
const never = new AbortController().signal

let servers: AppServer[] = []
beforeEach(() => {
  servers = []
  // What the runner is told is no output of the tests.
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  await Promise.all(servers.map(async (server) => server[Symbol.asyncDispose]()))
})

async function start(answer: AppAnswer, env?: Readonly<Record<string, string>>): Promise<AppServer> {
  const server = await startApp(answer)
  servers.push(server)
  for (const [name, value] of Object.entries({ ...server.env, ...env })) vi.stubEnv(name, value)
  return server
}

const usual: AppAnswer = (path, response) => {
  if (path === 'GET /api/v1/runs/run_1/plan') response.end(JSON.stringify(PLAN))
  else if (path === 'POST /api/v1/runs/run_1/token') response.end('{"token": "ghs_secret"}')
  else response.writeHead(404).end()
}

describe('a run that the app has planned', () => {
  it('gets its plan and a token, for the identity that GitHub gives to the job', async () => {
    const { origin, requests } = await start(usual)

    expect(await fetchDispatchedRun({ app: `${origin}/some/page?x=1`, reference: 'run_1' }, never, [])).toEqual({ plan: PLAN, token: 'ghs_secret' })
    expect(requests).toEqual([
      { method: 'GET', url: `/oidc?api-version=2.0&audience=${encodeURIComponent(origin)}`, authorization: 'Bearer request-token' },
      { method: 'GET', url: '/api/v1/runs/run_1/plan', authorization: `Bearer token for ${origin}` },
      { method: 'POST', url: '/api/v1/runs/run_1/token', authorization: `Bearer token for ${origin}` },
    ])
  })

  it.each([['http://app.example.org'], ['ftp://127.0.0.1'], ['app.example.org'], ['http://127.0.0.1.example.org'], ['javascript:alert(1)'], ['']])(
    'does not trust the app at %j',
    async (app) => {
      await expect(fetchDispatchedRun({ app, reference: 'run_1' }, never, [])).rejects.toMatchObject({ complaints: ['input `app` is no https address'] })
    },
  )

  it.each([['../../admin'], ['a/b'], ['a?b'], [''], ['x'.repeat(129)], ['é']])('has no reference like %j', async (reference) => {
    await expect(fetchDispatchedRun({ app: 'https://app.example.org', reference }, never, [])).rejects.toMatchObject({
      complaints: ['input `plan` is no reference of a plan'],
    })
  })

  it('says which permission is missing when GitHub gives no identity', async () => {
    const { origin, requests } = await start(usual, { ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'another' })
    const failure = { code: 'forge-unavailable', suggestion: 'Give the job the permission `id-token: write`.' }

    await expect(fetchDispatchedRun({ app: origin, reference: 'run_1' }, never, [])).rejects.toMatchObject(failure)
    vi.stubEnv('ACTIONS_ID_TOKEN_REQUEST_URL', undefined)
    await expect(fetchDispatchedRun({ app: origin, reference: 'run_1' }, never, [])).rejects.toMatchObject(failure)
    expect(requests.every(({ url }) => url.startsWith('/oidc'))).toBe(true)
  })

  it.each<[string, AppAnswer, string, string]>([
    ['does not know it', (_, response) => response.writeHead(404).end(), 'forge-refused', 'answered 404: it does not know this run'],
    [
      'has given it to another job',
      (_, response) => response.writeHead(409).end(),
      'forge-refused',
      'answered 409: another job was first, so this one has nothing to do',
    ],
    ['knows that it has ended', (_, response) => response.writeHead(410).end(), 'forge-refused', 'answered 410: the run has ended'],
    ['says why', (_, response) => response.writeHead(422).end('{"detail": "no\\u001b[31m such run"}'), 'forge-refused', 'answered 422: no such run'],
    ['does not know the job', (_, response) => response.writeHead(401).end('{}'), 'forge-refused', 'answered 401'],
    ['is broken', (_, response) => response.writeHead(503).end(), 'forge-unavailable', 'answered 503'],
    ['sends it elsewhere', (_, response) => response.writeHead(302, { location: 'https://example.org/' }).end(), 'forge-unavailable', 'does not answer'],
    ['hangs up', (_, response) => void response.destroy(), 'forge-unavailable', 'does not answer'],
    [
      'hangs up in the middle',
      (_, response) => {
        response.writeHead(200, { 'content-length': '1000' })
        response.write('{"schema"', () => response.destroy())
      },
      'forge-unavailable',
      'does not answer',
    ],
    ['answers with a page', (_, response) => response.end('<html>'), 'storage-corrupt', 'the plan run_1 is not a plan of this version'],
    ['answers without content', (_, response) => response.writeHead(204).end(), 'storage-corrupt', 'the plan run_1 is not a plan of this version'],
    [
      'answers with what has no token',
      (path, response) => response.end(path.endsWith('plan') ? JSON.stringify(PLAN) : '{"token": ""}'),
      'storage-corrupt',
      'the app answered without a token',
    ],
    [
      'answers with a page for a token',
      (path, response) => response.end(path.endsWith('plan') ? JSON.stringify(PLAN) : '<html>'),
      'storage-corrupt',
      'the app answered without a token',
    ],
    [
      'answers without an end',
      (_, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(2 ** 20)));
        }
        response.on('drain', more)
        more()
      },
      'storage-corrupt',
      'the app answered with more than 64 MiB',
    ],
  ])('fails when the app %s', async (_, answer, code, sentence) => {
    const { origin } = await start(answer)

    await expect(fetchDispatchedRun({ app: origin, reference: 'run_1' }, never, [])).rejects.toMatchObject({ code, message: expect.stringContaining(sentence) })
  })

  it('fails when nobody listens', async () => {
    const { origin } = await start(usual)
    const gone = await startApp(usual)
    await gone[Symbol.asyncDispose]()

    await expect(fetchDispatchedRun({ app: gone.origin, reference: 'run_1' }, never, [])).rejects.toMatchObject({ code: 'forge-unavailable' })
    expect(origin).not.toBe(gone.origin)
  })

  it('asks again while the app is out of reach, and no longer than it may', async () => {
    let asked = 0
    const { origin, requests } = await start((path, response) => {
      if (++asked % 2 === 1) response.writeHead(503).end()
      else usual(path, response)
    })

    expect(await fetchDispatchedRun({ app: origin, reference: 'run_1' }, never, [1, 1])).toMatchObject({ token: 'ghs_secret' })
    // GitHub is asked once: its token is good for a few minutes.
    expect(requests.map(({ url }) => url.split('?')[0])).toEqual([
      '/oidc',
      ...Array(2).fill('/api/v1/runs/run_1/plan'),
      ...Array(2).fill('/api/v1/runs/run_1/token'),
    ])
  })

  it('gives up when it is cancelled between two questions', async () => {
    const controller = new AbortController()
    const { origin } = await start((_, response) => {
      response.writeHead(503).end()
      setTimeout(() => controller.abort(new Error('interrupted')), 20)
    })

    await expect(fetchDispatchedRun({ app: origin, reference: 'run_1' }, controller.signal, [60_000])).rejects.toThrow()
  })

  it('stops waiting when the job is cancelled', async () => {
    const controller = new AbortController()
    const reason = new Error('interrupted')
    const { origin } = await start(() => controller.abort(reason))

    await expect(fetchDispatchedRun({ app: origin, reference: 'run_1' }, controller.signal, [])).rejects.toBe(reason)
  })
})
