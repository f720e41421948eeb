import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { listInboxCommand, replayInboxCommand } from '../../../cli/commands/inbox.ts'
import { runProgram } from '../../../cli/program.ts'

const TOKEN = 'operator-token'.repeat(3)
const PARKED = {
  address: { repository: 7, ref: 'refs/heads/main' },
  cause: 'push',
  attempts: 12,
  error: 'GitHub does not answer\u001b[31m',
  at: '2026-11-21T12:00:00.000Z',
}
const RETRYING = { address: { repository: 9, ref: 'refs/tags/v1' }, cause: 'create', error: 'GitHub is away\u001b[31m', at: '2026-11-21T12:15:00.000Z' }
const COUNTS = { waiting: 1, active: 2, retrying: 3, parked: 1 }

let server: Server
let app = ''
let parked: (typeof PARKED)[] = []
let listed = 500
let status = 0
let body: string | undefined
let requests: string[] = []
let said = ''
beforeEach(async () => {
  ;[parked, listed, status, body, requests, said] = [[PARKED], 500, 0, undefined, [], '']
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      said += String(text)
      return true
    })
  server = createServer((request, response) => {
    let sent = ''
    request.on('data', (data: Buffer) => (sent += data.toString()))
    request.on('end', () => {
      requests.push(`${request.method} ${request.url} ${sent}`)
      if (status !== 0) response.writeHead(status, status === 302 ? { location: 'https://example.org' } : {}).end()
      else if (request.headers.authorization !== `Bearer ${TOKEN}`) response.writeHead(401).end()
      else if (request.method === 'GET') response.end(body ?? JSON.stringify({ counts: COUNTS, parked: parked.slice(0, listed), retrying: [RETRYING] }))
      else if (parked.some(({ address }) => sent === JSON.stringify(address))) {
        parked = parked.filter(({ address }) => sent !== JSON.stringify(address))
        response.end('{"replayed": true}')
      } else response.writeHead(404).end('{"detail": "this ref is not parked"}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  app = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const access = { appUrl: undefined, operatorToken: TOKEN }

describe('ctss inbox', () => {
  it('shows what is parked and what is tried again, without what a terminal would obey, and what to do', async () => {
    expect(await listInboxCommand({ app }, access)).toBe(1)
    expect(said).toBe(
      '1 waiting, 2 in hand, 3 to be tried again, 1 parked\n' +
        '9 refs/tags/v1  create, tried again at 2026-11-21T12:15:00.000Z\n    GitHub is away\n' +
        '7 refs/heads/main  push, 12 attempts until 2026-11-21T12:00:00.000Z\n    GitHub does not answer\n' +
        'Once the cause is mended: ctss inbox replay REPOSITORY REF, or ctss inbox replay --all\n',
    )
  })

  it('is content where nothing is parked', async () => {
    parked = []
    expect(await listInboxCommand({ app: undefined }, { ...access, appUrl: app })).toBe(0)
    expect(await replayInboxCommand(undefined, { app }, access)).toBe(0)
    expect(said).toContain('nothing is parked')
  })

  it('is JSON where that is asked for', async () => {
    await listInboxCommand({ app, json: true }, access)

    expect(JSON.parse(said)).toEqual({ counts: COUNTS, parked: [PARKED], retrying: [RETRYING] })
  })

  it('hands one on, or all', async () => {
    expect(await replayInboxCommand(PARKED.address, { app }, access)).toBe(0)
    parked = [PARKED]
    expect(await replayInboxCommand(undefined, { app }, access)).toBe(0)
    expect(requests).toEqual([
      'POST /api/v1/inbox/replay {"repository":7,"ref":"refs/heads/main"}',
      'GET /api/v1/inbox ',
      'POST /api/v1/inbox/replay {"repository":7,"ref":"refs/heads/main"}',
      'GET /api/v1/inbox ',
    ])
    expect(said).toContain('7 refs/heads/main: handed on')
  })

  it('hands all on, also where the app lists a part of them', async () => {
    parked = [1, 2, 3, 4, 5].map((repository) => ({ ...PARKED, address: { ...PARKED.address, repository } }))
    listed = 2
    expect(await replayInboxCommand(undefined, { app }, access)).toBe(0)
    expect([parked, said.match(/handed on/g)]).toEqual([[], Array.from({ length: 5 }, () => 'handed on')])
  })

  it('leaves what is parked again at once', async () => {
    body = JSON.stringify({ counts: COUNTS, parked: [PARKED], retrying: [] })
    expect(await replayInboxCommand(undefined, { app }, access)).toBe(0)
    expect(requests.filter((request) => request.startsWith('POST'))).toHaveLength(1)
  })

  it('says which one is not parked', async () => {
    expect(await replayInboxCommand({ repository: 8, ref: 'refs/heads/main' }, { app }, access)).toBe(1)
    expect(said).toContain('8 refs/heads/main: it is not parked')
  })

  it('shows the token to nobody but the app', async () => {
    await expect(listInboxCommand({ app }, { ...access, operatorToken: 'another' })).rejects.toMatchObject({
      message: expect.stringContaining('does not know the token'),
      suggestion: expect.stringContaining('$CTSS_OPERATOR_TOKEN'),
    })
    await expect(listInboxCommand({ app: 'http://ctss.example.org' }, access)).rejects.toThrow('is no https address')
    await expect(listInboxCommand({ app: 'ctss' }, access)).rejects.toThrow('is no https address')
    status = 302
    await expect(listInboxCommand({ app }, access)).rejects.toMatchObject({ code: 'forge-unavailable' })
  })

  it.each<[string, Parameters<typeof listInboxCommand>[1], number, string | undefined, string]>([
    ['no token', { operatorToken: undefined }, 0, undefined, '$CTSS_OPERATOR_TOKEN is not set'],
    ['an app that is ill', access, 503, undefined, 'answered 503'],
    ['something else', access, 404, undefined, 'it is no app of ctss'],
    ['a page', access, 0, '<html>', 'does not answer'],
    ['another list', access, 0, '{"counts": {}, "parked": [], "retrying": []}', 'something else than its inbox'],
    ['another entry', access, 0, JSON.stringify({ counts: COUNTS, parked: [{ address: {} }], retrying: [] }), 'something else than its inbox'],
    ['no entry', access, 0, JSON.stringify({ counts: COUNTS, parked: [], retrying: [7] }), 'something else than its inbox'],
    ['no list', access, 0, JSON.stringify({ counts: COUNTS, parked: 7, retrying: [] }), 'something else than its inbox'],
  ])('says what is wrong: %s', async (_, given, answered, text, message) => {
    ;[status, body] = [answered, text]

    await expect(listInboxCommand({ app }, given)).rejects.toThrow(message)
  })

  it('needs to know which app', async () => {
    await expect(listInboxCommand({ app: undefined }, access)).rejects.toThrow('Neither --app nor $CTSS_APP')
  })
})

describe('the command line', () => {
  const ctss = async (...args: readonly string[]): Promise<number> => runProgram(['node', 'ctss', ...args], '1.2.3')
  beforeEach(() => {
    vi.stubEnv('CTSS_APP', app)
    vi.stubEnv('CTSS_OPERATOR_TOKEN', TOKEN)
  })

  it.each([
    [['inbox'], 1],
    [['inbox', 'list', '--json'], 1],
    [['inbox', 'replay', '7', 'refs/heads/main'], 0],
    [['inbox', 'replay', '--all', '--app', 'APP'], 0],
    [['inbox', 'replay'], 1],
    [['inbox', 'replay', '7'], 1],
    [['inbox', 'replay', '7', 'refs/heads/main', '--all'], 1],
    [['inbox', 'replay', 'seven', 'refs/heads/main'], 1],
    [['inbox', '--app', 'http://127.0.0.1:1'], 2],
  ])('%j ends with %d', async (args, code) => {
    expect(await ctss(...args.map((arg) => (arg === 'APP' ? app : arg)))).toBe(code)
  })
})
