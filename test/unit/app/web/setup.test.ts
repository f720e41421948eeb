import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { openLog } from '../../../../app/log.ts'
import { readAppManifest } from '../../../../app/manifest.ts'
import { EVENTS } from '../../../../app/webhook.ts'
import { setupRoutes } from '../../../../app/web/setup.ts'

const TOKEN = 'o'.repeat(32)
const BASIC = `Basic ${Buffer.from(`me:${TOKEN}`).toString('base64')}`
const PEM = '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n'

let folder: string
let github: Server
let codes: string[]
let answer: { status: number; body: unknown }
let nowMs: number

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ctss-setup-'))
  codes = []
  nowMs = 1_000_000
  answer = { status: 201, body: { id: 77, html_url: 'https://github.com/apps/ctss', pem: PEM, webhook_secret: 'hook secret of GitHub', client_secret: 'x' } }
  github = createServer((request, response) => {
    codes.push(`${request.method} ${request.url}`)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => github.listen(0, '127.0.0.1', resolve))
})

afterEach(() => {
  github.close()
  rmSync(folder, { recursive: true })
})

function open(log = openLog('silent'), stateFolder = folder) {
  const api = `http://127.0.0.1:${(github.address() as AddressInfo).port}`
  const environment = { publicUrl: 'https://ctss.example.org', operatorToken: TOKEN, stateFolder, github: { api, web: 'https://github.com', issuer: '' } }
  const routes = setupRoutes({ environment, log, now: () => nowMs })
  return async (path: string, headers: Record<string, string> = {}) => routes.request(path, { headers: { authorization: BASIC, ...headers } })
}

/** What the browser brings back from GitHub. */
async function begin(get: ReturnType<typeof open>): Promise<{ state: string; cookie: string; text: string }> {
  const page = await get('/')
  const text = await page.text()
  const state = /apps\/new\?state=([^"]+)"/.exec(text)?.[1] ?? ''
  return { state, cookie: (page.headers.get('set-cookie') ?? '').split(';')[0] ?? '', text }
}

describe('the set-up', () => {
  it('is for operators', async () => {
    const get = open()
    for (const path of ['/', '/registered?code=x&state=y']) {
      const refused = await get(path, { authorization: 'Bearer wrong' })
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="CTSS set-up", charset="UTF-8"'])
    }
  })

  it('posts what app.yml says, and where the service is', async () => {
    const { text } = await begin(open())
    const posted = /name="manifest" value="([^"]+)"/.exec(text)?.[1]?.replaceAll('&quot;', '"').replaceAll('&amp;', '&') ?? ''
    const file = parse(readFileSync('app.yml', 'utf8')) as Record<string, unknown>
    expect(JSON.parse(posted)).toEqual({
      name: file['name'],
      description: file['description'],
      url: file['url'],
      public: file['public'],
      default_permissions: file['default_permissions'],
      default_events: file['default_events'],
      hook_attributes: { url: 'https://ctss.example.org/api/github/webhooks', active: true },
      redirect_url: 'https://ctss.example.org/setup/registered',
    })
  })

  it('asks for an organisation where it is named', async () => {
    const get = open()
    expect(await (await get('/?organisation=sage')).text()).toContain('action="https://github.com/organizations/sage/settings/apps/new?state=')
    expect((await get('/?organisation=a/b')).status).toBe(400)
  })

  it('keeps key and secrets where only the service can read them, and shows none', async () => {
    const lines: string[] = []
    const get = open(openLog('info', { write: (line: string) => void lines.push(line) }))
    const { state, cookie } = await begin(get)
    const page = await get(`/registered?code=abc123&state=${state}`, { cookie })
    const text = await page.text()
    expect([page.status, codes]).toEqual([200, ['POST /app-manifests/abc123/conversions']])
    const path = join(folder, 'app.env')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(parseEnv(readFileSync(path, 'utf8'))).toEqual({
      APP_ID: '77',
      PRIVATE_KEY: PEM,
      WEBHOOK_SECRET: 'hook secret of GitHub',
      LINK_SECRET: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(text).toContain(path)
    expect(text + lines.join('')).not.toMatch(/hook secret|BEGIN RSA/)
  })

  it('never writes over a file that is there: it shows them once, and no cache keeps them', async () => {
    writeFileSync(join(folder, 'app.env'), 'APP_ID="1"\n')
    const get = open()
    const { state, cookie } = await begin(get)
    const page = await get(`/registered?code=abc&state=${state}`, { cookie })
    const text = await page.text()
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(readFileSync(join(folder, 'app.env'), 'utf8')).toBe('APP_ID="1"\n')
    expect(text).toContain('WEBHOOK_SECRET=&quot;hook secret of GitHub&quot;')
  })

  it.each([
    ['another state', (state: string) => state.replace(/^.{4}/, '0000'), undefined],
    ['no cookie', (state: string) => state, ''],
    ['somebody else’s cookie', (state: string) => state, 'ctss-setup=other'],
    ['a code that is none', (state: string) => `${state}&code=../x`, undefined],
  ])('refuses %s', async (_, change, given) => {
    const get = open()
    const { state, cookie } = await begin(get)
    const code = change(state).includes('code=') ? '' : '&code=abc'
    const refused = await get(`/registered?state=${change(state)}${code}`, { cookie: given ?? cookie })
    expect([refused.status, codes]).toEqual([400, []])
  })

  it('refuses a state that is too old', async () => {
    const get = open()
    const { state, cookie } = await begin(get)
    nowMs += 3_601_000
    expect((await get(`/registered?code=abc&state=${state}`, { cookie })).status).toBe(400)
  })

  it.each([
    [404, {}],
    [201, { id: 'x', html_url: 'y', pem: 'z', webhook_secret: 'w' }],
    [201, { id: 5 }],
  ])('says so where GitHub answers %i %j', async (status, body) => {
    answer = { status, body }
    const get = open()
    const { state, cookie } = await begin(get)
    expect((await get(`/registered?code=abc&state=${state}`, { cookie })).status).toBe(502)
  })
})

describe('app.yml', () => {
  it('names every event that is kept, but those that every app is told of', () => {
    const always = ['installation', 'installation_repositories']
    expect(readAppManifest().events.toSorted()).toEqual(EVENTS.filter((event) => !always.includes(event)))
  })

  it('says why for each permission and event', () => {
    const lines = readFileSync('app.yml', 'utf8').split('\n')
    const bare = lines.filter((line, index) => /^ {2}(?:- )?[a-z_]+/.test(line) && !/^ {2}# [A-Z"]/.test(lines[index - 1] ?? ''))
    expect(bare).toEqual([])
  })

  it.each(['[]', 'name: x', 'name: x\ndescription: y\nurl: z\ndefault_permissions: {}'])('is refused where it is %j', (text) => {
    expect(() => readAppManifest(text)).toThrow('app.yml')
  })
})
