import { generateKeyPairSync } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { apiBudget } from '../../../../adapters/github/api-budget.ts'
import { readAppManifest } from '../../../../app/manifest.ts'
import { CONTROL_PERMISSIONS, githubApp, REPOSITORY_PERMISSIONS, type GithubAppOptions } from '../../../../adapters/github/github-app.ts'
import type { AppForge, CheckContent } from '../../../../pipeline/ports/app-forge.ts'
import { scriptedGithub, type ScriptedAnswer, type ScriptedGithub, type ScriptedRequest } from './scripted-github.ts'

const [KEY, OLD_KEY] = [0, 1].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()) as [
  string,
  string,
]
const REPOSITORY = { installation: 7, id: 42, owner: 'sky-lab', name: 'plugin' }
const CONTROL = { owner: 'sage', repository: 'control', workflow: 'dispatch.yml', ref: 'main' }
const COMMIT = 'c'.repeat(40)
const FACTS = { id: 42, owner: { login: 'sky-lab' }, name: 'plugin', private: false, archived: false, default_branch: 'main' }

let server: ScriptedGithub | undefined
afterEach(async () => {
  await server?.[Symbol.asyncDispose]()
  server = undefined
})

interface World {
  readonly app: AppForge
  readonly github: ScriptedGithub
  readonly budget: ReturnType<typeof apiBudget>
  /** What was asked since, without the tokens. */
  asked(): readonly string[]
}

type Routes = Readonly<Record<string, ScriptedAnswer | ((request: ScriptedRequest) => ScriptedAnswer)>>

/** Routes are beginnings of lines; the longest that fits answers. */
async function world(routes: Routes, options: Partial<GithubAppOptions> = {}): Promise<World> {
  let tokens = 0
  const all: Routes = {
    'GET /app': { body: { id: 12, slug: 'ctss' } },
    'GET /repos/sage/control/installation': { body: { id: 9 } },
    'POST /app/installations/7/access_tokens': () => ({ status: 201, body: { token: `ghs_${++tokens}`, expires_at: '2026-11-21T13:00:00Z' } }),
    'POST /app/installations/9/access_tokens': () => ({ status: 201, body: { token: `ghs_control_${++tokens}`, expires_at: '2026-11-21T13:00:00Z' } }),
    ...routes,
  }
  const github = await scriptedGithub((request) => {
    const key = Object.keys(all)
      .filter((start) => request.line.startsWith(start))
      .toSorted((one, other) => other.length - one.length)[0]
    const answer = key === undefined ? 'missing' : all[key]
    return typeof answer === 'function' ? answer(request) : answer
  })
  server = github
  const budget = apiBudget()
  const clock = { now: () => '2026-11-21T12:00:00.000Z', monotonicMs: () => 0 }
  const app = githubApp({
    appId: 12,
    privateKeys: [KEY],
    baseUrl: github.url,
    control: CONTROL,
    budget,
    clock,
    writeGapMs: 0,
    pause: async () => undefined,
    ...options,
  })
  return { app, github, budget, asked: () => github.lines().filter((line) => !/access_tokens|^GET \/app$|\/installation$/.test(line)) }
}

describe('a token of an installation', () => {
  it('reaches one repository, may what is needed, and serves all who ask at once and later', async () => {
    const { app, github } = await world({ 'GET /repositories/42': { body: FACTS } })
    await Promise.all([1, 2, 3].map(async () => app.open(REPOSITORY).facts()))
    await app.open(REPOSITORY).facts()
    const minted = github.requests.filter(({ line }) => line.endsWith('/access_tokens'))
    expect(minted).toHaveLength(1)
    expect(JSON.parse(minted[0]!.body)).toEqual({ repository_ids: [42], permissions: REPOSITORY_PERMISSIONS })
    expect(decodeJwt(minted[0]!.headers.authorization!.replace('Bearer ', '')).iss).toBe('12')
    expect(new Set(github.requests.filter(({ line }) => line.includes('/repositories/')).map(({ headers }) => headers.authorization))).toEqual(
      new Set(['Bearer ghs_1']),
    )
  })

  it.each([
    ['2026-11-21T12:05:01Z', 1],
    ['2026-11-21T12:04:59Z', 2],
  ])('that ends at %s is asked for %i times', async (expires_at, times) => {
    const { app, github } = await world({
      'GET /repositories/42': { body: FACTS },
      'POST /app/installations/7/access_tokens': { status: 201, body: { token: `ghs_${'long.'.repeat(400)}`, expires_at } },
    })
    for (let count = 0; count < 2; count += 1) expect(await app.open(REPOSITORY).facts()).toBeDefined()
    expect(github.lines().filter((line) => line.endsWith('/access_tokens'))).toHaveLength(times)
  })

  it('that GitHub no longer takes is asked for anew, once', async () => {
    let isRevoked = true
    const { app, github } = await world({
      'GET /repositories/42': ({ headers }) =>
        headers.authorization === 'Bearer ghs_1' ? { status: 401, body: { message: 'Bad credentials' } } : { body: FACTS },
      'GET /repos/sky-lab/plugin/pulls/1': () => (isRevoked ? { status: 401, body: { message: 'Bad credentials' } } : undefined),
    })
    expect(await app.open(REPOSITORY).facts()).toMatchObject({ name: 'plugin' })
    expect(github.lines().filter((line) => line.endsWith('/access_tokens'))).toHaveLength(2)
    await expect(app.open(REPOSITORY).pull(1)).rejects.toMatchObject({ code: 'forge-refused', suggestion: expect.stringContaining('installed') as string })
    expect(github.lines().filter((line) => line.includes('/pulls/1'))).toHaveLength(2)
    isRevoked = false
  })

  it('is asked for again where an answer is lost', async () => {
    let isLost = true
    const { app } = await world({
      'GET /repositories/42': { body: FACTS },
      'POST /app/installations/7/access_tokens': () => {
        const answer = isLost ? undefined : { status: 201, body: { token: 'x', expires_at: '2026-11-21T13:00:00Z' } }
        isLost = false
        return answer
      },
    })
    expect(await app.open(REPOSITORY).facts()).toBeDefined()
  })

  it.each<readonly [string, ScriptedAnswer, RegExp, RegExp]>([
    ['removed', { status: 404, body: { message: 'Not Found' } }, /no longer installed/, /Install/],
    ['suspended', { status: 403, body: { message: 'This installation has been suspended' } }, /suspended/, /Unsuspend/],
    [
      'not given the repository',
      { status: 422, body: { message: 'There is at least one repository that does not exist or is not accessible to the parent installation.' } },
      /not given this repository/,
      /Repository access/,
    ],
    ['unknown to GitHub', { status: 401, body: { message: 'A JSON web token could not be decoded' } }, /could not be decoded/, /./],
  ])('of an app that was %s is a refusal that says so', async (_, answer, message, suggestion) => {
    const { app } = await world({ 'POST /app/installations/7/access_tokens': answer })
    await expect(app.open(REPOSITORY).pull(1)).rejects.toMatchObject({
      code: 'forge-refused',
      message: expect.stringMatching(message) as string,
      suggestion: expect.stringMatching(suggestion) as string,
    })
  })

  it('is without what was not granted, so that only what needs it is refused, and is soon asked for again', async () => {
    let minutes = 0
    const clock = { now: () => new Date(Date.parse('2026-11-21T12:00:00Z') + minutes * 60_000).toISOString(), monotonicMs: () => 0 }
    const { app, github } = await world(
      {
        'GET /repositories/42': { body: FACTS },
        'GET /app/installations/7': {
          body: {
            id: 7,
            account: { login: 'sky-lab' },
            suspended_at: null,
            permissions: { metadata: 'read', contents: 'read', issues: 'write', pull_requests: 'admin' },
          },
        },
        'POST /app/installations/7/access_tokens': ({ body }) =>
          body.includes('checks')
            ? { status: 422, body: { message: 'The permissions requested are not granted to this installation.' } }
            : { status: 201, body: { token: 'x', expires_at: '2026-11-21T13:00:00Z' } },
      },
      { clock },
    )
    expect(await app.open(REPOSITORY).facts()).toBeDefined()
    expect(JSON.parse(github.requests.filter(({ line }) => line.endsWith('/access_tokens')).at(-1)!.body)).toEqual({
      repository_ids: [42],
      permissions: { metadata: 'read', contents: 'read', issues: 'write', pull_requests: 'write' },
    })
    const minted = (): number => github.lines().filter((line) => line.endsWith('/access_tokens')).length
    expect(minted()).toBe(2)
    for (minutes of [4, 6]) await app.open(REPOSITORY).facts()
    expect(minted()).toBe(4)
  })

  it.each([
    ['a plugin’s repository', REPOSITORY_PERMISSIONS],
    ['the control repository', CONTROL_PERMISSIONS],
  ])('in %s asks for nothing that app.yml does not ask for: GitHub would refuse each one first', (_, permissions) => {
    expect(readAppManifest().permissions).toMatchObject(permissions)
  })

  it('is refused where everything is granted that GitHub says is not', async () => {
    const { app } = await world({
      'GET /app/installations/7': { body: { id: 7, account: { login: 'x' }, permissions: REPOSITORY_PERMISSIONS } },
      'POST /app/installations/7/access_tokens': { status: 422, body: { message: 'The permissions requested are not granted to this installation.' } },
    })
    await expect(app.open(REPOSITORY).pull(1)).rejects.toMatchObject({ code: 'forge-refused', message: expect.stringContaining('not granted') as string })
  })

  it('for a job is its own, and reads', async () => {
    const { app, github } = await world({})
    expect(await app.readToken(REPOSITORY)).toEqual({ token: 'ghs_1', expires: '2026-11-21T13:00:00Z' })
    expect(await app.readToken(REPOSITORY)).toMatchObject({ token: 'ghs_2' })
    expect(JSON.parse(github.requests[0]!.body)).toEqual({ repository_ids: [42], permissions: { metadata: 'read', contents: 'read' } })
  })

  it('is not waited for by whoever is cancelled, but by the others', async () => {
    const { promise: wait, resolve } = Promise.withResolvers<undefined>()
    const held: (() => void)[] = []
    const { app, github } = await world({ 'GET /repositories/42': { body: FACTS } })
    const slow = await scriptedGithub(async ({ line }) => {
      if (!line.endsWith('/access_tokens')) return { body: FACTS }
      for (const call of held) call()
      await wait
      return { status: 201, body: { token: 'x', expires_at: '2026-11-21T13:00:00Z' } }
    })
    await using _slow = slow
    expect(github.requests).toEqual([])
    const other = githubApp({ appId: 12, privateKeys: [KEY], baseUrl: slow.url, control: CONTROL, budget: apiBudget() })
    const controller = new AbortController()
    held.push(() => controller.abort())
    const [first, second] = [other.open(REPOSITORY, controller.signal).facts(), other.open(REPOSITORY).facts()]
    await expect(first).rejects.toMatchObject({ code: 'cancelled' })
    resolve(undefined)
    expect(await second).toMatchObject({ name: 'plugin' })
    await expect(other.open(REPOSITORY, AbortSignal.abort()).facts()).rejects.toMatchObject({ code: 'cancelled' })
    expect(await app.self()).toEqual({ id: 12, slug: 'ctss', login: 'ctss[bot]' })
  })
})

describe('the app', () => {
  it('is known by its other key while one is being changed', async () => {
    let known: string | undefined
    const { app, github } = await world(
      {
        'GET /app': ({ headers }) => {
          known ??= headers.authorization
          return headers.authorization === known ? { status: 401, body: { message: 'Bad credentials' } } : { body: { id: 12, slug: 'ctss' } }
        },
      },
      { privateKeys: [KEY, OLD_KEY] },
    )
    expect(await app.self()).toMatchObject({ login: 'ctss[bot]' })
    expect(github.requests).toHaveLength(2)
    await app.self()
    expect(github.requests).toHaveLength(2)
  })

  it('asks for nothing any more when the service ends', async () => {
    const controller = new AbortController()
    const { app } = await world({}, { signal: controller.signal })
    controller.abort()
    await expect(app.installations()).rejects.toMatchObject({ code: 'cancelled' })
    await expect(app.repositoriesOf(7)).rejects.toMatchObject({ code: 'cancelled' })
    await expect(app.open(REPOSITORY).facts()).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('asks again who it is after a failure', async () => {
    let isDown = true
    const { app } = await world({ 'GET /app': () => (isDown ? { status: 404, body: {} } : { body: { id: 12, slug: 'ctss' } }) })
    await expect(app.self()).rejects.toMatchObject({ code: 'forge-refused' })
    isDown = false
    expect(await app.self()).toMatchObject({ id: 12 })
  })

  it('lists where it is installed, and what it may there', async () => {
    const { app, github } = await world({
      'GET /app/installations?': ({ line }) =>
        /[?&]page=1\b/.test(line)
          ? {
              body: [{ id: 7, account: { login: 'sky-lab' }, suspended_at: null, permissions: { checks: 'write', odd: 3 } }],
              headers: { link: `<${'x'}>; rel="next"` },
            }
          : { body: [{ id: 8, account: { slug: 'other' }, suspended_at: '2026-01-01T00:00:00Z', permissions: {} }] },
      'GET /installation/repositories': { body: { total_count: 1, repositories: [{ ...FACTS, archived: true }] } },
    })
    expect(await app.installations()).toEqual([
      { id: 7, owner: 'sky-lab', isSuspended: false, permissions: { checks: 'write' } },
      { id: 8, owner: 'other', isSuspended: true, permissions: {} },
    ])
    expect(await app.repositoriesOf(7)).toEqual([{ installation: 7, id: 42, owner: 'sky-lab', name: 'plugin', isArchived: true, defaultBranch: 'main' }])
    expect(JSON.parse(github.requests.find(({ line }) => line.endsWith('/access_tokens'))!.body)).toEqual({ permissions: { metadata: 'read' } })
  })

  it('looks at deliveries back to a time, whose numbers JavaScript does not hold', async () => {
    const delivery = (id: string, at: string, status: number, isRedelivery = false) =>
      `{"id": ${id}, "guid": "g", "delivered_at": "${at}", "event": "push", "status_code": ${status}, "status": "x", "redelivery": ${isRedelivery}}`
    const json = { 'content-type': 'application/json' }
    const { app, asked } = await world({
      'GET /app/hook/deliveries?per_page=100': {
        body: `[${delivery('3804004623172239366', '2026-11-21T11:00:00Z', 200, true)}, ${delivery('5', '2026-11-21T10:00:00Z', 503)}]`,
        headers: { ...json, link: '<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_5>; rel="next"' },
      },
      'GET /app/hook/deliveries?per_page=100&cursor=v1_5': {
        body: `[${delivery('4', '2026-11-21T08:00:00Z', 0)}]`,
        headers: { ...json, link: '<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_4>; rel="next"' },
      },
      'POST /app/hook/deliveries/3804004623172239366/attempts': { status: 202, body: {} },
    })
    const found = await app.deliveries('2026-11-21T09:00:00Z')
    expect(found).toEqual([
      { id: '3804004623172239366', guid: 'g', at: '2026-11-21T11:00:00Z', succeeded: true, isRedelivery: true },
      { id: '5', guid: 'g', at: '2026-11-21T10:00:00Z', succeeded: false, isRedelivery: false },
    ])
    await app.redeliver(found[0]!.id)
    expect(asked()).toEqual([
      'GET /app/hook/deliveries?per_page=100',
      'GET /app/hook/deliveries?per_page=100&cursor=v1_5',
      'POST /app/hook/deliveries/3804004623172239366/attempts',
    ])
  })

  it('says what was used of its limits, by installation', async () => {
    const limits = { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '4000', 'x-ratelimit-reset': '1790000000' }
    const { app, budget } = await world({
      'GET /repos/sky-lab/plugin/pulls/1': ({ headers }) =>
        headers['if-none-match'] === '"e"' ? { status: 304, headers: limits } : { status: 404, body: {}, headers: limits },
      'GET /repositories/42': ({ headers }) =>
        headers['if-none-match'] === '"e"' ? { status: 304, headers: limits } : { body: FACTS, headers: { ...limits, etag: '"e"' } },
    })
    for (let times = 0; times < 3; times += 1) expect(await app.open(REPOSITORY).facts()).toMatchObject({ name: 'plugin' })
    await app.open(REPOSITORY).pull(1)
    expect(budget.uses()).toEqual([
      expect.objectContaining({ installation: 0, calls: 1, remaining: undefined }),
      { installation: 7, calls: 4, notModified: 2, remaining: 4000, limit: 5000, reset: 1_790_000_000 },
    ])
  })
})

describe('a rate limit', () => {
  const limited = (seconds: number): ScriptedAnswer => ({ status: 429, body: { message: 'rate limit' }, headers: { 'retry-after': `${seconds}` } })

  it('that one request has met is not tried by another of its installation, until its time has come', async () => {
    let nowMs = 0
    const clock = { now: () => new Date(Date.parse('2026-11-21T12:00:00Z') + nowMs).toISOString(), monotonicMs: () => nowMs }
    const answers = [limited(600)]
    const other = { ...REPOSITORY, installation: 9, id: 43 }
    const { app, asked } = await world(
      { 'GET /repositories/42': () => answers.shift() ?? { body: FACTS }, 'GET /repositories/43': { body: { ...FACTS, id: 43 } } },
      { clock },
    )
    const refusal = { code: 'forge-unavailable', message: expect.stringContaining('rate limit') as string }
    await expect(app.open(REPOSITORY).facts()).rejects.toMatchObject({ ...refusal, suggestion: 'Run again in 10 min.' })
    nowMs = 300_000
    await expect(app.open(REPOSITORY).facts()).rejects.toMatchObject({ ...refusal, suggestion: 'Run again in 5 min.' })
    expect(await app.open(other).facts()).toBeDefined()
    expect(asked()).toEqual(['GET /repositories/42', 'GET /repositories/43'])
    nowMs = 600_000
    expect(await app.open(REPOSITORY).facts()).toBeDefined()
  })

  it('that is short is waited for by all', async () => {
    const pauses: number[] = []
    const answers = [limited(7)]
    const { app } = await world({ 'GET /repositories/42': () => answers.shift() ?? { body: FACTS } }, { pause: async (ms) => void pauses.push(ms) })
    for (let times = 0; times < 2; times += 1) expect(await app.open(REPOSITORY).facts()).toBeDefined()
    expect(pauses).toEqual([7000, 7000])
  })
})

describe('a repository', () => {
  it('is followed where it moves', async () => {
    const { app, asked } = await world({
      'GET /repositories/42': { body: { ...FACTS, name: 'renamed', owner: { login: 'other-lab' } } },
      'GET /repos/other-lab/renamed/pulls/1': { status: 404, body: {} },
    })
    const forge = app.open(REPOSITORY)
    expect(await forge.facts()).toEqual({ id: 42, owner: 'other-lab', name: 'renamed', isPrivate: false, isArchived: false, defaultBranch: 'main' })
    expect(await forge.pull(1)).toBeUndefined()
    expect(asked()).toEqual(['GET /repositories/42', 'GET /repos/other-lab/renamed/pulls/1'])
  })

  it.each<readonly [string, Routes]>([
    ['deleted', { 'GET /repositories/42': { status: 404, body: {} } }],
    [
      'taken from the app',
      {
        'POST /app/installations/7/access_tokens': {
          status: 422,
          body: { message: 'There is at least one repository that does not exist or is not accessible to the parent installation.' },
        },
      },
    ],
  ])('that was %s is not there', async (_, routes) => {
    const forge = (await world(routes)).app.open(REPOSITORY)
    expect(await forge.facts()).toBeUndefined()
    if (!('POST /app/installations/7/access_tokens' in routes)) expect(await forge.isOnDefaultBranch(COMMIT)).toBe(false)
  })

  it.each([
    ['identical', true],
    ['behind', true],
    ['ahead', false],
    ['diverged', false],
  ])('has a commit on its default branch or not: %s', async (status, expected) => {
    const { app } = await world({
      'GET /repositories/42': { body: FACTS },
      [`GET /repos/sky-lab/plugin/compare/main...${COMMIT}?per_page=1`]: { body: { status } },
    })
    expect(await app.open(REPOSITORY).isOnDefaultBranch(COMMIT)).toBe(expected)
  })

  it.each([
    ['admin', 'write'],
    ['write', 'write'],
    ['read', 'read'],
    ['none', 'none'],
    ['odd', 'none'],
  ])('lets somebody whose level is %s do %s', async (permission, expected) => {
    const { app } = await world({ 'GET /repos/sky-lab/plugin/collaborators/some%5Bbot%5D/permission': { body: { permission } } })
    expect(await app.open(REPOSITORY).access('some[bot]')).toBe(expected)
    expect(await app.open(REPOSITORY).access('nobody')).toBe('none')
  })

  it.each([
    [[{ actor: { login: 'octocat', type: 'User' }, after: COMMIT }], { login: 'octocat', kind: 'person' }],
    [[{ actor: { login: 'renovate[bot]', type: 'Bot' }, after: COMMIT }], { login: 'renovate[bot]', kind: 'bot' }],
    [[{ actor: { login: 'sage', type: 'Organization' }, after: COMMIT }], { login: 'sage', kind: 'bot' }],
    [[{ actor: { login: 'renovate[bot]', type: 'User' }, after: COMMIT }], { login: 'renovate[bot]', kind: 'bot' }],
    [[{ actor: { login: 'octocat', type: 'User' }, after: 'd'.repeat(40) }], undefined],
    [[{ actor: null, after: COMMIT }], undefined],
    [[], undefined],
    [undefined, undefined],
  ])('knows who pushed a commit last: %j', async (body, expected) => {
    const { app } = await world({
      'GET /repos/sky-lab/plugin/activity?ref=refs%2Fheads%2Fmain&per_page=1': body === undefined ? { status: 404, body: {} } : { body },
    })
    expect(await app.open(REPOSITORY).lastPusher('refs/heads/main', COMMIT)).toEqual(expected)
  })

  it('says which permission it takes, where one is missing', async () => {
    const { app } = await world({ 'POST /repos/sky-lab/plugin/check-runs': { status: 403, body: { message: 'Resource not accessible by integration' } } })
    await expect(app.open(REPOSITORY).createCheck(COMMIT, CHECK)).rejects.toMatchObject({
      code: 'forge-refused',
      suggestion: expect.stringContaining('`checks: write`') as string,
    })
  })
})

const CHECK: CheckContent = {
  name: 'ctss',
  state: { status: 'in_progress' },
  title: 'Running',
  summary: 'text',
  buttons: [{ label: 'Run again', description: 'Runs everything', identifier: 'run' }],
  detailsUrl: undefined,
  externalId: 'key',
  annotations: [],
}

describe('a pull request', () => {
  const pull = (number: number, own: object = {}) => ({
    number,
    state: 'open',
    draft: false,
    html_url: `https://github.com/x/pull/${number}`,
    user: { login: 'octocat', type: 'User' },
    head: { ref: 'feature', sha: COMMIT, repo: { id: 42 } },
    base: { ref: 'main', repo: { id: 42 } },
    ...own,
  })

  it.each<readonly [string, object, object]>([
    ['of a branch', {}, { isFork: false, headBranch: 'feature', isOpen: true }],
    ['of a fork', { head: { ref: 'feature', sha: COMMIT, repo: { id: 43 } } }, { isFork: true, headBranch: 'feature' }],
    ['of a fork that is gone', { head: { ref: 'feature', sha: COMMIT, repo: null } }, { isFork: true, headBranch: undefined }],
    ['of nobody any more', { user: null }, { author: undefined }],
    ['that is a closed draft', { draft: true, state: 'closed' }, { isDraft: true, isOpen: false }],
  ])('%s is read', async (_, own, expected) => {
    const { app } = await world({ 'GET /repos/sky-lab/plugin/pulls/3': { body: pull(3, own) } })
    const read = { number: 3, isDraft: false, isFork: false, author: { login: 'octocat', kind: 'person' }, baseBranch: 'main', head: COMMIT }
    expect(await app.open(REPOSITORY).pull(3)).toEqual({ ...read, headBranch: 'feature', isOpen: true, ...expected })
  })

  it('is of a branch only if it is of this repository’s', async () => {
    const fork = pull(4, { head: { ref: 'feature', sha: COMMIT, repo: { id: 43 } } })
    const { app } = await world({ 'GET /repos/sky-lab/plugin/pulls?': { body: [pull(3), fork] } })
    expect((await app.open(REPOSITORY).pullRequestsOf('feature')).map(({ number }) => number)).toEqual([3])
  })

  it.each([
    [{ sha: 'x', ref: 'a', repo: { id: 1 } }, 'an id of Git'],
    [{ sha: COMMIT, repo: { id: 1 } }, '`ref`'],
    [undefined, 'a branch'],
  ])('is not taken from %j', async (head, missing) => {
    const { app } = await world({ 'GET /repos/sky-lab/plugin/pulls/3': { body: pull(3, { head }) } })
    await expect(app.open(REPOSITORY).pull(3)).rejects.toMatchObject({ code: 'forge-unavailable', message: expect.stringContaining(missing) as string })
  })
})

describe('the control repository', () => {
  it('starts runs, with a token for it alone', async () => {
    const { app, github } = await world({
      'POST /repos/sage/control/actions/workflows/dispatch.yml/dispatches': { body: { workflow_run_id: 5, run_url: 'x', html_url: 'y' } },
    })
    expect(await app.openControl().dispatch({ plan: 'p' })).toBe(5)
    expect(JSON.parse(github.requests.at(-1)!.body)).toEqual({ ref: 'main', inputs: { plan: 'p' }, return_run_details: true })
    expect(JSON.parse(github.requests.find(({ line }) => line.endsWith('/access_tokens'))!.body)).toEqual({
      repositories: ['control'],
      permissions: CONTROL_PERMISSIONS,
    })
    await app.openControl().dispatch({})
    expect(github.lines().filter((line) => line.endsWith('/installation'))).toHaveLength(1)
  })

  it('leaves open what was started where GitHub does not say', async () => {
    const { app } = await world({ 'POST /repos/sage/control/actions/workflows/dispatch.yml/dispatches': { status: 204 } })
    await expect(app.openControl().dispatch({})).rejects.toMatchObject({ code: 'forge-unavailable' })
  })

  it('finds where it is installed anew', async () => {
    let id = 8
    const { app } = await world({
      'GET /repos/sage/control/installation': () => ({ body: { id } }),
      'POST /repos/sage/control/actions/runs/5/cancel': { status: 409, body: { message: 'Cannot cancel a workflow run that is completed' } },
    })
    await expect(app.openControl().cancel(5)).rejects.toMatchObject({
      code: 'forge-refused',
      message: expect.stringContaining('no longer installed') as string,
    })
    id = 9
    await app.openControl().cancel(5)
  })

  it('says so where the app is not installed there', async () => {
    const { app } = await world({ 'GET /repos/sage/control/installation': { status: 404, body: { message: 'Not Found' } } })
    await expect(app.openControl().cancel(5)).rejects.toMatchObject({ code: 'forge-refused', message: expect.stringContaining('sage/control') as string })
  })

  it.each([
    ['queued', 'queued'],
    ['waiting', 'queued'],
    ['pending', 'queued'],
    ['in_progress', 'in_progress'],
    ['completed', 'completed'],
  ])('shows a run that is %s, with all its jobs', async (status, expected) => {
    const job = (id: number, own: object = {}) => ({
      id,
      name: `job ${id}`,
      status: 'queued',
      conclusion: null,
      runner_name: null,
      started_at: '2026-01-01T00:00:00Z',
      steps: [],
      ...own,
    })
    const steps = [
      { name: 'one', status: 'completed' },
      { name: 'two', status: 'in_progress' },
    ]
    const { app } = await world({
      'GET /repos/sage/control/actions/runs/5': {
        body: { id: 5, status, conclusion: null, html_url: 'https://github.com/x', created_at: '2026-11-21T00:00:00Z' },
      },
      'GET /repos/sage/control/actions/runs/5/jobs': ({ line }) =>
        /[?&]page=1\b/.test(line)
          ? { body: { jobs: [job(1, { status: 'in_progress', runner_name: 'r', steps })] }, headers: { link: '<x>; rel="next"' } }
          : {
              body: {
                jobs: [
                  job(2, { status: 'completed', conclusion: 'success', completed_at: '2026-01-01T00:03:00Z' }),
                  job(3, { status: 'pending', steps: undefined }),
                  job(4, { status: 'waiting' }),
                ],
              },
            },
    })
    const started = '2026-01-01T00:00:00Z'
    expect(await app.openControl().run(5)).toEqual({
      id: 5,
      status: expected,
      conclusion: null,
      url: 'https://github.com/x',
      jobs: [
        { id: 1, name: 'job 1', status: 'in_progress', conclusion: null, runner: 'r', started, ended: null, step: 'two' },
        { id: 2, name: 'job 2', status: 'completed', conclusion: 'success', runner: null, started, ended: '2026-01-01T00:03:00Z', step: null },
        { id: 3, name: 'job 3', status: 'queued', conclusion: null, runner: null, started: null, ended: null, step: null },
        { id: 4, name: 'job 4', status: 'waiting', conclusion: null, runner: null, started: null, ended: null, step: null },
      ],
    })
  })

  it('shows a run that GitHub knows no longer', async () => {
    const { app } = await world({})
    expect(await app.openControl().run(5)).toEqual({ id: 5, status: 'missing', conclusion: null, url: '', jobs: [] })
    await app.openControl().cancel(5)
  })

  it('finds runs by their names, the oldest first, and looks no further back than it must', async () => {
    const run = (id: number, title: string, created_at: string) => ({
      id,
      status: 'queued',
      conclusion: null,
      html_url: 'https://github.com/x',
      display_title: title,
      created_at,
    })
    const pages = [
      [run(9, 'ctss abc', '2026-11-21T12:02:00Z'), run(8, 'other', '2026-11-21T12:01:30Z')],
      // GitHub's clock is half a minute behind.
      [run(7, 'ctss abc', '2026-11-21T11:59:30Z'), run(6, 'ctss abc', '2026-11-21T11:00:00Z')],
      [run(5, 'ctss abc', '2026-11-20T12:00:00Z')],
    ]
    const { app, asked } = await world({
      'GET /repos/sage/control/actions/runs?': ({ line }) => ({
        body: { workflow_runs: pages[Number(/[?&]page=(\d)/.exec(line)![1]) - 1] },
        headers: { link: '<x>; rel="next"' },
      }),
    })
    expect(await app.openControl().findRuns('abc', '2026-11-21T12:00:00Z')).toEqual([7, 9])
    expect(asked()).toHaveLength(2)
  })
})

describe('an artifact', () => {
  const lists: Routes = {
    'GET /repos/sage/control/actions/runs/5/artifacts': {
      body: {
        artifacts: [
          { id: 1, name: 'ctss-a', size_in_bytes: 3, expired: false },
          { id: 2, name: 'old', size_in_bytes: 3, expired: true },
        ],
      },
    },
  }

  async function stored(answer: ScriptedAnswer): Promise<{ readonly world: World; readonly host: ScriptedGithub }> {
    const host = await scriptedGithub(() => answer)
    const opened = await world({
      ...lists,
      'GET /repos/sage/control/actions/artifacts/1/zip': { status: 302, headers: { location: `${host.url}/link?signature=s` } },
    })
    return { world: opened, host }
  }

  it('is listed while it is there, and fetched from where GitHub says, without our token', async () => {
    const { world: opened, host } = await stored({ body: Buffer.from('zip') })
    await using _host = host
    expect(await opened.app.openControl().artifacts(5)).toEqual([{ id: 1, name: 'ctss-a', bytes: 3 }])
    expect((await opened.app.openControl().downloadArtifact(1, 3)).toString()).toBe('zip')
    expect(host.requests.map(({ line, headers }) => [line, headers.authorization])).toEqual([['GET /link?signature=s', undefined]])
  })

  it('that is too long is not read to its end', async () => {
    const { world: opened, host } = await stored({ body: Buffer.alloc(1000) })
    await using _host = host
    await expect(opened.app.openControl().downloadArtifact(1, 999)).rejects.toMatchObject({ code: 'storage-corrupt' })
  })

  it.each<readonly [string, ScriptedAnswer]>([
    ['its link has ended', { status: 403, body: 'gone' }],
    ['its host is down', undefined],
    ['its host leads on', { status: 302, headers: { location: 'http://169.254.169.254/' } }],
  ])('can be asked for again where %s', async (_, answer) => {
    const { world: opened, host } = await stored(answer)
    await using _host = host
    await expect(opened.app.openControl().downloadArtifact(1, 1000)).rejects.toMatchObject({ code: 'forge-unavailable' })
  })

  it.each(['', 'file:///etc/passwd', 'ftp://x/y', 'relative'])('is not fetched from %j', async (location) => {
    const { app } = await world({ 'GET /repos/sage/control/actions/artifacts/1/zip': { status: 302, headers: { location } } })
    await expect(app.openControl().downloadArtifact(1, 10)).rejects.toMatchObject({
      code: 'forge-unavailable',
      message: expect.stringContaining('where') as string,
    })
  })

  it('that GitHub keeps no longer is refused', async () => {
    const { app } = await world({ 'GET /repos/sage/control/actions/artifacts/1/zip': { status: 410, body: { message: 'Artifact has expired' } } })
    await expect(app.openControl().downloadArtifact(1, 10)).rejects.toMatchObject({
      code: 'forge-refused',
      message: expect.stringContaining('expired') as string,
    })
  })

  it('is not fetched by whoever is cancelled', async () => {
    const controller = new AbortController()
    const host = await scriptedGithub(() => {
      controller.abort()
      return { body: 'x' }
    })
    await using _host = host
    const { app } = await world({ 'GET /repos/sage/control/actions/artifacts/1/zip': { status: 302, headers: { location: host.url } } })
    await expect(app.openControl(controller.signal).downloadArtifact(1, 10)).rejects.toMatchObject({ code: 'cancelled' })
  })
})
