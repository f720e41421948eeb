import { spawn, type ChildProcess } from 'node:child_process'
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AppEnvironment, RegisteredApp } from '../../app/environment.ts'
import { openLinks } from '../../app/links.ts'
import { openLog } from '../../app/log.ts'
import { startService, type RunningService } from '../../app/service.ts'
import { DEFAULT_RUNNERS } from '../../pipeline/runner-classes.ts'
import { makeRunPlan } from '../support/run-plan.ts'
import { openServiceStore, type ServiceStore } from '../../adapters/service-state/open-service-store.ts'

const OPERATOR = 'o'.repeat(40)
const SECRET = 'the secret of the webhook'
const KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
/** Nobody answers there: what needs GitHub waits. */
const NOWHERE = 'http://127.0.0.1:9'
const WAIT_MS = 60_000
const RUN = '0198a5c0-0000-4000-8000-000000000001'

const folders: string[] = []
const children: ChildProcess[] = []

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ctss-server-'))
  folders.push(folder)
  return folder
}

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function registered(stateFolder: string): AppEnvironment & { readonly app: RegisteredApp } {
  return {
    publicUrl: 'https://ctss.example.org',
    host: '127.0.0.1',
    port: 0,
    logLevel: 'info',
    operatorToken: OPERATOR,
    stateFolder,
    databaseUrl: undefined,
    github: { api: NOWHERE, web: 'https://github.com', issuer: NOWHERE },
    app: {
      appId: 12,
      privateKeys: [KEY],
      webhookSecrets: [SECRET],
      linkSecret: 'l'.repeat(32),
      control: { owner: 'sage', name: 'control', workflow: 'dispatch.yml', ref: 'main' },
      dispatchWorkflows: ['sage/ctss/.github/workflows/dispatch.yml@refs/tags/v1.0.0'],
      registry: 'registry.example.org/sage',
      registryLogin: undefined,
      baseRegistries: [],
      runners: DEFAULT_RUNNERS,
      runnersText: '',
      sageUsers: new Map(),
      s3: undefined,
      parallelRefs: 2,
      policy: {
        owners: ['sage'],
        trustedBots: [],
        drafts: 'validate',
        mostDispatches: 3,
        startMinutes: 60,
        runMinutes: 1440,
        budgets: { repositoryMinutes: undefined, ownerMinutes: undefined, ownerServiceUnits: undefined, repositoryRuns: 3, ownerRuns: 10 },
      },
    },
  }
}

/** What the worker does with a ref; nothing, unless a test says so. */
const handlers = new Map<string, () => Promise<void>>()
const lines: string[] = []
let folder: string
let store: ServiceStore
let service: RunningService
let url: string

/** One service for most tests, on a real embedded database, whole but for the worker. */
beforeAll(async () => {
  folder = scratch()
  store = await openServiceStore({ place: { folder: join(folder, 'database') }, backoffSeconds: 1 })
  service = await startService(registered(folder), {
    log: openLog('debug', { write: (line: string) => void lines.push(line) }),
    store,
    advance: async ({ ref }) => handlers.get(ref)?.(),
  })
  url = `http://127.0.0.1:${service.port}`
})

function push(ref = 'refs/heads/main', repository = 101): string {
  return JSON.stringify({
    ref,
    after: 'a'.repeat(40),
    repository: { id: repository, name: 'counter', owner: { login: 'zelda' } },
    sender: { login: 'zelda', type: 'User' },
    installation: { id: 7 },
  })
}

async function deliver(url: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
  const signature = `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`
  return fetch(`${url}/api/github/webhooks`, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { 'content-type': 'application/json', 'x-github-event': 'push', 'x-github-delivery': randomUUID(), 'x-hub-signature-256': signature, ...headers },
  })
}

describe('the service', () => {
  it('keeps a delivery, answers, and hands its ref to the worker', async () => {
    const handled = vi.fn(async () => undefined)
    handlers.set('refs/heads/main', handled)
    const id = randomUUID()
    expect((await deliver(url, push(), { 'x-github-delivery': id })).status).toBe(202)
    await vi.waitFor(() => expect(handled).toHaveBeenCalledTimes(1), WAIT_MS)
    expect((await deliver(url, push(), { 'x-github-delivery': id })).status).toBe(202)
    const kept = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg, delivery }) => msg === 'a delivery was kept' && delivery === id)
    expect(kept).toMatchObject([
      { event: 'push', refs: 1 },
      { event: 'push', refs: 1 },
    ])
    expect(handled).toHaveBeenCalledTimes(1)
  })

  it('gives up a body above 25 MB, and lives on', async () => {
    const answer = await deliver(url, new Uint8Array(26 * 2 ** 20)).catch(() => undefined)
    // The connection may be cut before everything was sent, in which case there is no answer to read.
    expect([413, undefined]).toContain(answer?.status)
    expect((await deliver(url, push())).status).toBe(202)
  })

  it('answers garbage on the line, and lives on', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(service.port, '127.0.0.1', () => socket.write('NONSENSE\r\n\r\n'))
      socket.on('close', () => resolve())
      socket.resume()
    })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('is ready, shows pages, metrics and its inbox, and nothing that is not there', async () => {
    const get = async (path: string, token?: string): Promise<number> =>
      (await fetch(`${url}${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })).status
    expect([await get('/healthz'), await get('/readyz'), await get('/'), await get('/assets/style.css')]).toEqual([200, 200, 200, 200])
    expect([await get('/metrics'), await get('/metrics', OPERATOR), await get('/api/v1/inbox'), await get('/api/v1/inbox', OPERATOR)]).toEqual([
      401, 200, 401, 200,
    ])
    const others = [
      await get('/setup', OPERATOR),
      await get(`/runs/${RUN}`),
      await get(`/api/v1/runs/${RUN}/plan`),
      await get(`/api/v1/runs/${RUN}/plan`, 'x.y.z'),
    ]
    expect(others).toEqual([404, 404, 401, 401])
  })

  it('tries again what failed, and logs why without its tokens', async () => {
    let tries = 0
    handlers.set('refs/heads/fails', async () => {
      tries += 1
      if (tries === 1) throw new Error('failed with ghs_16C7e42F292c6912E7710c838347Ae178B4a')
    })
    await deliver(url, push('refs/heads/fails'))
    await vi.waitFor(() => expect(tries).toBe(2), WAIT_MS)
    expect(lines.filter((line) => line.includes('"ref":"refs/heads/fails"')).join('')).toContain('failed with [token]')
    expect(lines.join('')).not.toContain('16C7e42F292c6912E7710c838347Ae178B4a')
  })

  it('tells a run as it goes, until it is over', async () => {
    await store.state.putRepository({ id: 101, owner: 'zelda', name: 'counter', installation: undefined, isSuspended: false })
    const now = new Date().toISOString()
    const plan = makeRunPlan()
    const run = {
      id: RUN,
      repository: 101,
      ref: 'refs/heads/main',
      commit: plan.subject.commit ?? '',
      path: '',
      trust: 'trusted',
      release: false,
      plan,
      cause: 'push',
      now,
    } as const
    await store.state.createRun(run)
    const { pathname, search } = new URL(openLinks({ publicUrl: 'https://ctss.example.org', linkSecret: 'l'.repeat(32) }).run(RUN, true))
    // GitHub cannot say whether the repository is public.
    expect((await fetch(`${url}${pathname}`)).status).toBe(404)
    expect(await (await fetch(`${url}${pathname}${search}`)).text()).toContain('waits for its turn')

    const events = await fetch(`${url}${pathname}/events${search}`)
    let text = ''
    const reading = (async () => {
      for await (const chunk of events.body ?? []) text += Buffer.from(chunk as Uint8Array).toString('utf8')
    })()
    await vi.waitFor(() => expect(text).toContain('waits for its turn'), WAIT_MS)
    await store.state.moveRun(RUN, { state: 'ended', now, outcome: 'cancelled' })
    await reading
    expect(text).toMatch(/was cancelled.*event: end/s)
  })

  it('leaves nothing open where it cannot start', async () => {
    const close = vi.fn(async () => undefined)
    const starting = startService({ ...registered(scratch()), port: service.port }, { log: openLog('silent'), store: { ...store, close } })
    await expect(starting).rejects.toMatchObject({ code: 'workstation-unsupported', message: expect.stringContaining(`127.0.0.1:${service.port}`) })
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('finishes what is under way when it is stopped, answers 503 meanwhile, and then nothing', async () => {
    const finish = Promise.withResolvers<void>()
    const done: string[] = []
    handlers.set('refs/heads/slow', async () => {
      done.push('began')
      await finish.promise
      done.push('ended')
    })
    await deliver(url, push('refs/heads/slow'))
    await vi.waitFor(() => expect(done).toEqual(['began']), WAIT_MS)
    const stopped = service.stop()
    expect([(await deliver(url, push())).status, (await fetch(`${url}/readyz`)).status, (await fetch(`${url}/healthz`)).status]).toEqual([503, 503, 200])
    finish.resolve()
    expect([await stopped, done]).toEqual([true, ['began', 'ended']])
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  })
})

describe('the process', () => {
  const environment = (folder: string): NodeJS.ProcessEnv => ({
    PATH: process.env['PATH'],
    PUBLIC_URL: 'http://127.0.0.1:3000',
    OPERATOR_TOKEN: OPERATOR,
    STATE_FOLDER: folder,
    PORT: '0',
    GITHUB_URL: NOWHERE,
  })
  const whole = {
    APP_ID: '12',
    PRIVATE_KEY: KEY,
    WEBHOOK_SECRET: SECRET,
    LINK_SECRET: 'l'.repeat(32),
    CONTROL_REPOSITORY: 'sage/control',
    REGISTRY: 'registry.example.org/sage',
    DISPATCH_WORKFLOW: 'sage/ctss/.github/workflows/dispatch.yml@refs/tags/v1.0.0',
  }

  function run(env: NodeJS.ProcessEnv) {
    const child = spawn(process.execPath, ['app/main.ts'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    children.push(child)
    let [output, errors] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    const port = async (): Promise<number> =>
      vi.waitFor(() => Number(/"port":(\d+)/.exec(output)?.[1] ?? expect.fail(output + errors)), { timeout: 60_000, interval: 50 })
    return { child, ended, port, output: () => output, errors: () => errors }
  }

  it('says everything that is wrong with its environment, and ends', async () => {
    const { ended, errors } = run({ PATH: process.env['PATH'], APP_ID: 'x' })
    expect(await ended).toBe(2)
    expect(errors()).toContain('PUBLIC_URL is missing.')
    expect(errors()).toContain('APP_ID is no whole number')
  })

  it.each([
    ['the whole service', whole],
    ['the set-up', {}],
  ])('says that the port is taken, and ends: %s', async (_, app) => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { ended, errors } = run({ ...environment(scratch()), ...app, PORT: String(port) })
    expect(await ended).toBe(2)
    expect(errors()).toBe(
      `the service cannot listen on 127.0.0.1:${port}: another process listens there (EADDRINUSE)\n  End it, or set PORT to a port that is free.\n`,
    )
    taken.close()
  })

  it('says that the host is none of this machine, and ends', async () => {
    const { ended, errors } = run({ ...environment(scratch()), HOST: '192.0.2.1' })
    expect([await ended, errors()]).toEqual([2, expect.stringContaining('Set HOST to one that it has')])
  })

  it('shows the set-up alone while there is no app', async () => {
    const { child, ended, port, errors } = run(environment(scratch()))
    const url = `http://127.0.0.1:${await port()}`
    const authorization = `Basic ${Buffer.from(`x:${OPERATOR}`).toString('base64')}`
    expect((await fetch(`${url}/setup`)).status).toBe(401)
    expect((await fetch(url, { headers: { authorization }, redirect: 'manual' })).headers.get('location')).toBe('/setup')
    expect(await (await fetch(`${url}/setup`, { headers: { authorization } })).text()).toContain('Register at GitHub')
    expect((await deliver(url, push())).status).toBe(404)
    child.kill('SIGTERM')
    expect([await ended, errors()]).toEqual([0, ''])
  })

  it('ends with 0 when it is told to, and takes up after a kill what it had answered for', async () => {
    const folder = scratch()
    const first = run({ ...environment(folder), ...whole })
    expect((await deliver(`http://127.0.0.1:${await first.port()}`, push())).status).toBe(202)
    first.child.kill('SIGKILL')
    await first.ended

    const second = run({ ...environment(folder), ...whole })
    const url = `http://127.0.0.1:${await second.port()}`
    // GitHub is asked for the ref, which nobody was told of but the process that was killed; it cannot be reached, so that the ref waits.
    const handled = (): readonly Record<string, unknown>[] =>
      second
        .output()
        .split('\n')
        .filter((line) => line.includes('a ref could not be brought'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    await vi.waitFor(() => expect(handled()).not.toEqual([]), { timeout: WAIT_MS, interval: 50 })
    expect(handled()[0]).toMatchObject({ repository: 101, ref: 'refs/heads/main', err: { code: 'forge-unavailable' } })
    const inbox = async (): Promise<unknown> => (await fetch(`${url}/api/v1/inbox`, { headers: { authorization: `Bearer ${OPERATOR}` } })).json()
    await vi.waitFor(async () => expect(await inbox()).toMatchObject({ counts: { retrying: 1 } }), { timeout: WAIT_MS, interval: 50 })
    await vi.waitFor(() => expect(second.output()).toContain('look at APP_ID, PRIVATE_KEY and GITHUB_URL'), { timeout: WAIT_MS, interval: 50 })
    // What the database writes in its folder has rights of its own: nobody else gets into the folder.
    for (const name of readdirSync(folder)) expect([name, statSync(join(folder, name)).mode & 0o077]).toEqual([name, 0])
    second.child.kill('SIGTERM')
    expect([await second.ended, second.errors()]).toEqual([0, ''])
    expect(second.output()).toContain('"isWhole":true')
    expect(second.output() + first.output()).not.toMatch(/BEGIN PRIVATE KEY|the secret of the webhook|o{40}/)
  })
})
