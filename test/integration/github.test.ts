import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { githubForge, type GithubOptions } from '../../adapters/github/github-forge.ts'
import { completeRelease, type ReleaseRequest } from '../../pipeline/forge/complete-release.ts'
import { COMMENT_TEXT_BYTES, commentMarker, composeComment } from '../../pipeline/forge/comment-text.ts'
import { documentAsset } from '../../pipeline/forge/release-assets.ts'
import { upsertComment } from '../../pipeline/forge/upsert-comment.ts'
import type { Forge } from '../../pipeline/ports/forge.ts'
import { describeForgeContract } from '../contract/forge.ts'
import type { Fault, FaultKind } from '../support/github/faults.ts'
import { startGithub, type Github } from '../support/github/github.ts'
import { githubPeople, type People } from '../support/github/people.ts'
import type { Permissions } from '../support/github/upstream.ts'
import { freePort } from '../support/registry-process.ts'

const WRITE = { contents: 'write', pull_requests: 'write' } as const
const QUIET = { step: () => undefined, output: () => undefined }

function open(github: Github, token: string, options: Partial<GithubOptions> = {}): Forge {
  return githubForge({ baseUrl: github.url, owner: github.owner, repository: github.repository, token, ...options })
}

describe('the port', () => {
  let own: Github | undefined
  afterEach(async () => {
    const used = own
    own = undefined
    await used?.[Symbol.asyncDispose]()
    used?.assertFaithful()
  })

  describeForgeContract('GitHub', async () => {
    own = await startGithub()
    return { forge: open(own, await own.workflowToken(WRITE)), people: githubPeople(own) }
  })
})

describe('GitHub in bad weather', () => {
  let github: Github
  let people: People
  let token = ''
  let number = 0
  let pauses: number[] = []
  beforeAll(async () => {
    github = await startGithub()
    people = githubPeople(github)
    token = await github.workflowToken(WRITE)
    number = (await people.push()).number
  })
  afterEach(() => {
    github.disarm()
    pauses = []
  })
  afterAll(async () => {
    await github[Symbol.asyncDispose]()
    github.assertFaithful()
  })

  const COMMENTS = /^GET .*\/comments$/
  const NEW_COMMENT = /^POST .*\/comments$/
  const forge = (options: Partial<GithubOptions> = {}): Forge => open(github, token, { pause: async (ms) => void pauses.push(ms), ...options })
  const sent = (pattern: RegExp): number => github.log.filter(({ line }) => pattern.test(line)).length
  const release = async (tag: string): Promise<ReleaseRequest> => ({
    tag,
    commit: await people.tag(tag),
    version: tag.slice(1),
    title: tag,
    text: 'What is new',
    assets: [documentAsset('bundle.json', 'application/json', '{}'), documentAsset('report.html', 'text/html', '<p>')],
  })

  it.each<readonly [FaultKind, readonly number[]]>([
    ['unavailable', [1000]],
    ['bad-gateway', [1000]],
    ['cut-before', [1000]],
    ['cut-after', [1000]],
    ['cut-amid', [1000]],
    ['endless', [1000]],
    ['too-many', [7000]],
    ['secondary', [7000]],
    ['unnamed-limit', [60_000]],
  ])('reads again after %s', async (kind, expected) => {
    github.arm({ kind, on: COMMENTS, seconds: 7 })
    expect(await forge().comments(number)).toEqual(expect.any(Array))
    expect(pauses).toEqual(expected)
  })

  it("reads again when the hour's requests are given anew", async () => {
    github.arm({ kind: 'primary', on: COMMENTS, seconds: 30 })
    await forge().comments(number)
    expect(pauses).toHaveLength(1)
    expect(pauses[0]).toBeGreaterThan(25_000)
    expect(pauses[0]).toBeLessThanOrEqual(31_000)
  })

  it.each<FaultKind>(['unavailable', 'cut-before', 'too-many'])('gives up reading after the fourth %s', async (kind) => {
    const before = sent(COMMENTS)
    github.arm({ kind, on: COMMENTS, times: 99 })
    await expect(forge().comments(number)).rejects.toMatchObject({ code: 'forge-unavailable' })
    expect(sent(COMMENTS) - before).toBe(4)
    expect(pauses).toEqual(kind === 'too-many' ? [1000, 1000, 1000] : [1000, 3000, 9000])
  })

  it('does not wait for hours, but says how long it would be', async () => {
    github.arm({ kind: 'primary', on: COMMENTS, seconds: 3000 })
    const failure = await forge()
      .comments(number)
      .catch((cause: unknown) => cause)
    expect(failure).toMatchObject({ code: 'forge-unavailable', message: expect.stringContaining('rate limit') as string, suggestion: 'Run again in 51 min.' })
    expect(pauses).toEqual([])
  })

  it.each<FaultKind>(['unavailable', 'bad-gateway', 'cut-before', 'cut-after', 'cut-amid'])('does not make anything twice after %s', async (kind) => {
    const before = sent(NEW_COMMENT)
    github.arm({ kind, on: NEW_COMMENT })
    await expect(forge().createComment(number, 'text')).rejects.toMatchObject({ code: 'forge-unavailable' })
    expect(sent(NEW_COMMENT) - before).toBe(1)
    expect(pauses).toEqual([])
  })

  it.each<FaultKind>(['too-many', 'secondary', 'primary', 'unnamed-limit'])('makes it after all where %s turned it away', async (kind) => {
    github.arm({ kind, on: NEW_COMMENT })
    expect(await forge().createComment(number, 'text')).toMatchObject({ body: 'text' })
    expect(pauses).toHaveLength(1)
  })

  it.each<FaultKind>(['unavailable', 'cut-after', 'cut-amid'])('edits and deletes again after %s', async (kind) => {
    const { id } = await forge().createComment(number, 'text')
    github.arm({ kind, on: /^PATCH/ })
    expect(await forge().updateComment(id, 'other')).toBe(true)
    github.arm({ kind, on: /^DELETE/ })
    await forge().deleteComment(id)
    expect(pauses).toEqual([1000, 1000])
  })

  it.each<readonly [FaultKind, RegExp]>([
    ['unauthorized', /not valid/],
    ['forbidden', /pull-requests: write/],
    ['missing', /pull-requests: write/],
    ['locked', /unlock/],
    ['archived', /archived/],
    ['invalid', /refused again/],
  ])('takes %s for a refusal, and says what to do', async (kind, suggestion) => {
    github.arm({ kind, on: NEW_COMMENT })
    const failure = await forge()
      .createComment(number, 'text')
      .catch((cause: unknown) => cause)
    expect(failure).toMatchObject({ code: 'forge-refused', suggestion: expect.stringMatching(suggestion) as string })
    expect(pauses).toEqual([])
  })

  it.each<FaultKind>(['not-json', 'other-shape'])('does not take %s for an answer', async (kind) => {
    github.arm({ kind, on: COMMENTS })
    await expect(forge().comments(number)).rejects.toMatchObject({ code: 'forge-unavailable', message: expect.stringContaining('not understood') as string })
  })

  it('waits no longer than it may for an answer', async () => {
    github.arm({ kind: 'silent', on: COMMENTS, times: 99 })
    await expect(forge({ timeoutMs: 50 }).comments(number)).rejects.toMatchObject({ message: expect.stringContaining('did not answer in 0.05 s') as string })
  })

  it('is cancelled while it waits for an answer, and while it waits to ask again', async () => {
    github.arm({ kind: 'silent', on: COMMENTS })
    const first = new AbortController()
    const before = github.log.length
    const asking = forge({ signal: first.signal }).comments(number)
    while (github.log.length === before) await setImmediate()
    first.abort()
    await expect(asking).rejects.toMatchObject({ code: 'cancelled' })

    github.arm({ kind: 'secondary', on: COMMENTS, seconds: 100 })
    const second = new AbortController()
    const pause = async (_: number, signal: AbortSignal | undefined): Promise<void> => {
      second.abort()
      signal?.throwIfAborted()
    }
    await expect(forge({ signal: second.signal, pause }).comments(number)).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('waits by itself', async () => {
    github.arm({ kind: 'secondary', on: COMMENTS, seconds: 0 })
    expect(await open(github, token).comments(number)).toEqual(expect.any(Array))
  })

  it('says when nobody is there', async () => {
    const baseUrl = `http://127.0.0.1:${await freePort()}`
    await expect(forge({ baseUrl }).comments(number)).rejects.toMatchObject({ message: expect.stringContaining('cannot be reached') as string })
  })

  it.each<FaultKind>(['cut-after', 'cut-amid', 'cut-before', 'unavailable'])('ends with one comment after %s', async (kind) => {
    const { number: pullRequest } = await people.push()
    github.arm({ kind, on: NEW_COMMENT })
    await upsertComment(forge(), { pullRequest, plugin: '.', text: 'text' })
    expect(await forge().comments(pullRequest)).toHaveLength(1)
  })

  it('ends with one comment where the list lags behind', async () => {
    const { number: pullRequest } = await people.push()
    await people.comment(pullRequest, 'a stranger speaks')
    github.arm({ kind: 'lagging', on: COMMENTS, after: 1, times: 99 })
    expect(await upsertComment(forge(), { pullRequest, plugin: '.', text: 'text' })).toMatchObject({ kind: 'created' })
    github.disarm()
    expect(await forge().comments(pullRequest)).toHaveLength(2)
  })

  it.each<readonly [string, Omit<Fault, 'on'>, RegExp]>([
    ['a draft whose answer is lost', { kind: 'cut-after' }, /^POST .*\/releases$/],
    ['a draft whose answer breaks off', { kind: 'cut-amid' }, /^POST .*\/releases$/],
    ['an upload that breaks off', { kind: 'starter' }, /^POST .*\/assets$/],
    ['an upload whose answer is lost', { kind: 'cut-after', after: 1 }, /^POST .*\/assets$/],
    ['a publication whose answer is lost', { kind: 'cut-after' }, /^PATCH .*\/releases\/\d+$/],
    ['a deletion that fails', { kind: 'bad-gateway' }, /^(?:POST .*\/assets|DELETE .*)$/],
  ])('ends with one whole release after %s', async (what, fault, on) => {
    const tag = `v1.0.${github.releases().length}`
    github.arm({ ...fault, on })
    expect(await completeRelease(forge(), await release(tag), QUIET), what).toMatchObject({ kind: 'published', problems: [] })
    const found = github.releases().filter((candidate) => candidate.tag === tag)
    expect(found).toMatchObject([{ draft: false, makeLatest: 'legacy' }])
    expect(found[0]!.assets.map(({ name, state }) => `${name} ${state}`).toSorted()).toEqual([
      'SHA256SUMS uploaded',
      'bundle.json uploaded',
      'report.html uploaded',
    ])
  })

  it('asks no more than it needs', async () => {
    const { number: pullRequest, head } = await people.push()
    const count = async (act: () => Promise<unknown>): Promise<readonly string[]> => {
      const before = github.log.length
      await act()
      return github.log.slice(before).map(({ line }) => line.replace(/\/repos\/sage\/plugin/, '').replace(/\d{3,}/g, 'N'))
    }
    const request = { pullRequest, plugin: '.', text: 'text', commit: head }
    const [get, comments] = [`GET /pulls/${pullRequest}`, `/issues/${pullRequest}/comments`]
    expect(await count(() => upsertComment(forge(), request))).toEqual([get, 'POST /graphql', `GET ${comments}`, `POST ${comments}`, `GET ${comments}`])
    expect(await count(() => upsertComment(forge({ author: 'github-actions[bot]' }), request))).toEqual([get, `GET ${comments}`])
    const wanted = await release('v7.0.0')
    const look = ['GET /git/ref/tags/v7.0.0', 'GET /releases', 'GET /releases/N/assets']
    const assets = Array.from({ length: 3 }, () => 'POST /releases/N/assets')
    expect(await count(() => completeRelease(forge(), wanted, QUIET))).toEqual([...look.slice(0, 2), 'POST /releases', ...assets, 'PATCH /releases/N', ...look])
    expect(await count(() => completeRelease(forge(), wanted, QUIET))).toEqual(look)
  })
})

describe('what a token may do', () => {
  let github: Github
  let people: People
  beforeAll(async () => {
    github = await startGithub()
    people = githubPeople(github)
  })
  afterAll(async () => {
    await github[Symbol.asyncDispose]()
    github.assertFaithful()
  })
  const withToken = async (permissions: Permissions): Promise<Forge> => open(github, await github.workflowToken(permissions))
  const request = async (tag: string): Promise<ReleaseRequest> => ({
    tag,
    commit: await people.tag(tag),
    version: tag,
    title: tag,
    text: '',
    assets: [documentAsset('bundle.json', 'application/json', '{}')],
  })

  it.each<Permissions>([{ pull_requests: 'write' }, { issues: 'write' }])('comments with %j', async (permissions) => {
    const { number } = await people.push()
    expect(await upsertComment(await withToken(permissions), { pullRequest: number, plugin: '.', text: 'text' })).toMatchObject({ kind: 'created' })
  })

  it('does not comment from a fork, and says why', async () => {
    const { number } = await people.push()
    const forge = await withToken({ contents: 'read', pull_requests: 'read' })
    await expect(upsertComment(forge, { pullRequest: number, plugin: '.', text: 'text' })).rejects.toMatchObject({
      code: 'forge-refused',
      message: `GitHub refused to comment on pull request ${number}: Resource not accessible by integration (403)`,
      suggestion: expect.stringContaining('permissions: { pull-requests: write }') as string,
    })
  })

  it('does not release with a token that only reads, and says why', async () => {
    await expect(completeRelease(await withToken({ contents: 'read' }), await request('v1'), QUIET)).rejects.toMatchObject({
      code: 'forge-refused',
      suggestion: expect.stringContaining('permissions: { contents: write }') as string,
    })
  })

  it('does nothing with a token that is none', async () => {
    await expect(open(github, 'ghs_1_x.y.z').comments(1)).rejects.toMatchObject({
      code: 'forge-refused',
      message: expect.stringContaining('Bad credentials') as string,
    })
  })

  it('releases a commit that changes workflows where its tag is there, since the commit need not be named', async () => {
    const wanted = await request('v2')
    github.settings.workflowCommits.add(wanted.commit)
    expect(await completeRelease(await withToken({ contents: 'write' }), wanted, QUIET)).toMatchObject({ kind: 'published' })
  })

  it('releases where no digests are told, and leaves the release alone afterwards', async () => {
    github.settings.tellsDigests = false
    const [forge, wanted] = [await withToken({ contents: 'write' }), await request('v5')]
    expect(await completeRelease(forge, wanted, QUIET)).toMatchObject({ kind: 'published', problems: [] })
    expect(await completeRelease(forge, wanted, QUIET)).toMatchObject({ kind: 'unchanged', problems: [] })
    github.settings.tellsDigests = true
  })

  it('says what may be wrong where such a commit must be named', async () => {
    const commit = await people.commit()
    github.settings.workflowCommits.add(commit)
    await expect(completeRelease(await withToken({ contents: 'write' }), { ...(await request('v3')), tag: 'v3.1', commit }, QUIET)).rejects.toMatchObject({
      code: 'forge-refused',
      message: 'GitHub refused to draft the release v3.1: Not Found (404)',
      suggestion: expect.stringContaining('.github/workflows') as string,
    })
  })

  it('edits no comment of a stranger who copied ours', async () => {
    const { number } = await people.push()
    await people.comment(number, composeComment(commentMarker('.'), 'All is fine, merge me'))
    const forge = await withToken(WRITE)
    await upsertComment(forge, { pullRequest: number, plugin: '.', text: 'Nothing is fine' })
    expect((await forge.comments(number)).map(({ author }) => author)).toEqual(['stranger', 'github-actions[bot]'])
  })

  it('comments as the person whose token it is', async () => {
    const { number } = await people.push()
    const forge = open(github, github.people.maintainer)
    for (let times = 0; times < 2; times += 1) await upsertComment(forge, { pullRequest: number, plugin: '.', text: 'text' })
    expect((await forge.comments(number)).map(({ author }) => author)).toEqual(['octocat'])
  })

  it('writes the longest comment that there can be', async () => {
    const { number } = await people.push()
    const forge = await withToken(WRITE)
    const plugin = 'ü'.repeat(1000)
    for (const text of ['x'.repeat(COMMENT_TEXT_BYTES), 'ü'.repeat(COMMENT_TEXT_BYTES / 2)])
      expect(await upsertComment(forge, { pullRequest: number, plugin, text })).toMatchObject({ kind: text.startsWith('x') ? 'created' : 'updated' })
  })

  it('never leaves GitHub for another place', async () => {
    const forge = await withToken(WRITE)
    const draft = await forge.createDraft('v4', { title: '', text: '', isPrerelease: false, commit: await people.commit() })
    for (const uploadUrl of [
      'https://evil.example/assets{?name}',
      'not an address',
      github.url.replace('http:', 'https:'),
      `http://uploads.${new URL(github.url).host}/`,
    ])
      await expect(forge.uploadAsset({ ...draft, uploadUrl }, 'a', 'text/plain', Buffer.from('a'))).rejects.toMatchObject({ code: 'forge-refused' })
  })
})

describe('the stand-in for GitHub', () => {
  it('refuses what GitHub would not understand, and remembers it', async () => {
    await using github = await startGithub()
    const ask = async (method: string, path: string, body?: object): Promise<number> => {
      const headers = { authorization: `Bearer ${github.people.maintainer}`, 'content-type': 'application/json' }
      return (await fetch(`${github.url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })).status
    }
    expect(await ask('GET', '/repos/sage/plugin')).toBe(200)
    expect(await ask('GET', '/api/v3/repos/sage/plugin/releases?per_page=5')).toBe(200)
    expect(github.violations).toEqual([])
    expect(() => github.assertFaithful()).not.toThrow()
    for (const [method, path, body] of [
      ['POST', '/repos/sage/plugin/issues/1/comments', {}],
      ['POST', '/repos/sage/plugin/issues/1/comments', { body: 7 }],
      ['POST', '/repos/sage/plugin/issues/1/comments', { body: 'x', bogus: 1 }],
      ['POST', '/repos/sage/plugin/releases', { tag_name: 'v1', make_latest: 'maybe' }],
      ['POST', '/repos/sage/plugin/check-runs', { name: 'x' }],
      ['GET', '/repos/sage/plugin/issues?page_size=3', undefined],
      ['GET', '/repos/sage/plugin/issues?per_page=many', undefined],
      ['POST', '/repos/sage/plugin/releases/1/assets', undefined],
      ['PUT', '/repos/sage/plugin/nope', {}],
      ['POST', '/graphql', { query: '{ viewer { email } }' }],
    ] as const)
      expect(await ask(method, path, body), `${method} ${path}`).toBe(422)
    expect(github.violations.map(({ errors }) => errors[0])).toEqual([
      "body: (root) must have required property 'body'",
      'body: /body must be string',
      'body: /bogus unknown',
      'body: /make_latest must be equal to one of the allowed values: true | false | legacy',
      expect.stringContaining('head_sha'),
      'query page_size: unknown',
      'query per_page: (root) must be integer',
      'query name: missing',
      'no such operation: PUT /repos/sage/plugin/nope',
      'no such operation: POST /graphql',
    ])
    expect(() => github.assertFaithful()).toThrow('bogus unknown')
  })

  it('lets a draft lose its tag, as GitHub does, when a change does not repeat it', async () => {
    await using github = await startGithub()
    const forge = open(github, github.people.maintainer)
    const { id } = await forge.createDraft('v1', { title: '', text: '', isPrerelease: false })
    const headers = { authorization: `Bearer ${github.people.maintainer}`, 'content-type': 'application/json' }
    await fetch(`${github.url}/repos/sage/plugin/releases/${id}`, { method: 'PATCH', headers, body: '{"name": "x"}' })
    expect(await forge.releases('v1')).toEqual([])
    expect(await forge.release(id)).toMatchObject({ tag: `untagged-${id}` })
  })

  it('runs as a process of its own, for those who come from elsewhere', async () => {
    const port = await freePort()
    const child = spawn(process.execPath, [new URL('../support/github/serve.ts', import.meta.url).pathname, String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      const { url, owner, repository, token } = JSON.parse(line.toString('utf8')) as { url: string; owner: string; repository: string; token: string }
      expect(new URL(url).port).toBe(String(port))
      const forge = githubForge({ baseUrl: url, owner, repository, token })
      expect(await forge.author()).toBe('github-actions[bot]')
      expect(await forge.releases('v1')).toEqual([])
      const seen = (await (await fetch(`${url}/_stand-in`)).json()) as { violations: unknown[]; log: { line: string }[] }
      expect(seen).toMatchObject({ violations: [], log: [{ line: 'POST /graphql' }, { line: 'GET /repos/sage/plugin/releases' }] })
    } finally {
      child.kill()
      await once(child, 'exit')
    }
  })
})

describe('an answer', () => {
  it('is taken page by page, for as long as GitHub names a next one, but not for ever', async () => {
    const server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json')
      response.setHeader('link', `<http://${request.headers.host}/next>; rel="next"`).end('[]')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const address = server.address()
      const baseUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
      expect(await githubForge({ baseUrl, owner: 'sage', repository: 'plugin', token: 'x' }).comments(1)).toEqual([])
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })
})
