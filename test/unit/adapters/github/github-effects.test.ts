import { generateKeyPairSync } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { apiBudget } from '../../../../adapters/github/api-budget.ts'
import { githubApp } from '../../../../adapters/github/github-app.ts'
import { blobId } from '../../../../adapters/repository-tree/blob-file.ts'
import type { CheckContent, RepositoryForge } from '../../../../pipeline/ports/app-forge.ts'
import { objectId, scriptedGithub, type ScriptedAnswer, type ScriptedGithub, type ScriptedRequest } from './scripted-github.ts'

const KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const CONTROL = { owner: 'sage', repository: 'control', workflow: 'dispatch.yml', ref: 'main' }
const [COMMIT, BASE, TREE] = ['c', 'b', 'd'].map((digit) => digit.repeat(40)) as [string, string, string]

let github: ScriptedGithub | undefined
afterEach(async () => {
  await github?.[Symbol.asyncDispose]()
  github = undefined
})

/** A repository that answers as a test wants; `line` is without `/repos/sky-lab/plugin`. */
async function repository(answer: (line: string, request: ScriptedRequest) => ScriptedAnswer): Promise<RepositoryForge> {
  github = await scriptedGithub((request) => {
    if (request.line === 'GET /app') return { body: { id: 12, slug: 'ctss' } }
    if (request.line.endsWith('/access_tokens')) return { status: 201, body: { token: 'x', expires_at: new Date(Date.now() + 3_600_000).toISOString() } }
    return answer(request.line.replace('/repos/sky-lab/plugin', ''), request)
  })
  const app = githubApp({
    appId: 12,
    privateKeys: [KEY],
    baseUrl: github.url,
    control: CONTROL,
    budget: apiBudget(),
    writeGapMs: 0,
    pause: async () => undefined,
  })
  return app.open({ installation: 7, id: 42, owner: 'sky-lab', name: 'plugin' })
}

const asked = (): readonly string[] =>
  github!
    .lines()
    .filter((line) => !/access_tokens|^GET \/app$/.test(line))
    .map((line) => line.replace('/repos/sky-lab/plugin', ''))
const sent = (): unknown => JSON.parse(github!.requests.at(-1)!.body)

const CHECK: CheckContent = {
  name: 'ctss / build',
  state: { status: 'completed', conclusion: 'failure' },
  title: 'Failed',
  summary: 'text',
  buttons: [{ label: 'Run again', description: 'Runs everything', identifier: 'run' }],
  detailsUrl: 'https://app/runs/1',
  externalId: 'key',
  annotations: [
    { path: 'a', startLine: 1, endLine: 1, startColumn: 2, endColumn: 3, level: 'failure', message: 'm', title: 't' },
    { path: 'a', startLine: 1, endLine: 2, startColumn: 2, endColumn: 3, level: 'notice', message: 'm', title: 't' },
  ],
}
const PARAMETERS = {
  name: 'ctss / build',
  external_id: 'key',
  status: 'completed',
  conclusion: 'failure',
  details_url: 'https://app/runs/1',
  output: {
    title: 'Failed',
    summary: 'text',
    annotations: [
      { path: 'a', start_line: 1, end_line: 1, start_column: 2, end_column: 3, annotation_level: 'failure', message: 'm', title: 't' },
      { path: 'a', start_line: 1, end_line: 2, annotation_level: 'notice', message: 'm', title: 't' },
    ],
  },
  actions: [{ label: 'Run again', description: 'Runs everything', identifier: 'run' }],
}

describe('a check', () => {
  it('is created as it should be', async () => {
    const forge = await repository(() => ({ status: 201, body: { id: 5 } }))
    expect(await forge.createCheck(COMMIT, CHECK)).toBe(5)
    expect(sent()).toEqual({ head_sha: COMMIT, ...PARAMETERS })
  })

  it('is changed, and says when it is gone', async () => {
    const forge = await repository((line) => (line.endsWith('/5') ? { body: { id: 5 } } : { status: 404, body: {} }))
    expect(await forge.updateCheck(5, CHECK)).toBe(true)
    expect(sent()).toEqual(PARAMETERS)
    expect(await forge.updateCheck(6, CHECK)).toBe(false)
  })

  it.each<readonly [CheckContent['state'], object]>([
    [{ status: 'queued' }, { status: 'queued' }],
    [{ status: 'in_progress' }, { status: 'in_progress' }],
    [
      { status: 'in_progress', started: '2026-01-01T00:00:00Z' },
      { status: 'in_progress', started_at: '2026-01-01T00:00:00Z' },
    ],
  ])('in the state %j needs no conclusion, nor a page', async (state, expected) => {
    const forge = await repository(() => ({ status: 201, body: { id: 5 } }))
    await forge.createCheck(COMMIT, { ...CHECK, state, detailsUrl: undefined })
    const { conclusion: _conclusion, details_url: _url, ...parameters } = PARAMETERS
    expect(sent()).toEqual({ head_sha: COMMIT, ...parameters, ...expected })
  })

  it('is found among our own of a commit', async () => {
    const run = { id: 5, name: 'ctss', external_id: 'key', status: 'completed', conclusion: 'success', output: { annotations_count: 60 } }
    const forge = await repository(() => ({
      body: { total_count: 2, check_runs: [run, { ...run, id: 6, external_id: null, status: 'queued', conclusion: null }] },
    }))
    expect(await forge.checks(COMMIT)).toEqual([
      { id: 5, name: 'ctss', annotationCount: 60 },
      { id: 6, name: 'ctss', annotationCount: 60 },
    ])
    expect(Object.fromEntries(new URL(asked()[0]!.slice(4), 'http://x').searchParams)).toEqual({ app_id: '12', filter: 'all', page: '1', per_page: '100' })
  })
})

describe('a review', () => {
  it('suggests at lines', async () => {
    const forge = await repository(() => ({ body: { id: 1 } }))
    const comments = [
      { path: 'a', startLine: 3, line: 3, body: 'one' },
      { path: 'a', startLine: 3, line: 5, body: 'two' },
    ]
    expect(await forge.suggest(1, COMMIT, comments)).toBe(true)
    expect(sent()).toEqual({
      commit_id: COMMIT,
      event: 'COMMENT',
      comments: [
        { path: 'a', body: 'one', line: 3, side: 'RIGHT' },
        { path: 'a', body: 'two', line: 5, side: 'RIGHT', start_line: 3, start_side: 'RIGHT' },
      ],
    })
  })

  it.each([
    [422, false],
    [200, true],
  ])('answered %i is %s', async (status, expected) => {
    const forge = await repository(() => ({ status, body: { message: 'line must be part of the diff' } }))
    expect(await forge.suggest(1, COMMIT, [{ path: 'a', startLine: 1, line: 1, body: 'x' }])).toBe(expected)
  })

  it('knows its own comments', async () => {
    const forge = await repository(() => ({
      body: [
        { user: { login: 'ctss[bot]', type: 'Bot' }, body: 'ours' },
        { user: { login: 'octocat', type: 'User' }, body: 'a person' },
        { user: null, body: 'nobody' },
      ],
    }))
    expect(await forge.reviewComments(1)).toEqual(['ours'])
    expect(await forge.author()).toBe('ctss[bot]')
  })
})

describe('a reaction', () => {
  it.each([201, 200, 404])('is given, answered %i', async (status) => {
    const forge = await repository(() => ({ status, body: {} }))
    await forge.react(9, '+1')
    expect(asked()).toEqual(['POST /issues/comments/9/reactions'])
    expect(sent()).toEqual({ content: '+1' })
  })
})

describe('a proposal', () => {
  const text = Buffer.from('name: x\n')
  const binary = Buffer.from([0xff, 0x00])
  const PROPOSAL = { branch: 'ctss/init', base: 'main', title: 'Add', body: 'text', files: [{ path: 'sage.yaml', content: text }] }
  const pull = (own: object = {}) => ({
    number: 3,
    state: 'open',
    html_url: 'https://github.com/x/pull/3',
    user: null,
    head: { ref: 'ctss/init', sha: COMMIT, repo: { id: 42 } },
    base: { ref: 'main', repo: { id: 42 } },
    ...own,
  })

  interface Repository {
    branch?: { readonly tree: string; readonly files: Readonly<Record<string, Buffer>> }
    pull?: boolean
    base?: boolean
    /** Somebody else was faster with the branch, or with the pull request. */
    race?: 'branch' | 'pull'
  }

  async function proposing(state: Repository): Promise<RepositoryForge> {
    return repository((line) => {
      if (line.startsWith('GET /pulls?')) return { body: state.pull === true ? [pull()] : [] }
      if (line === 'GET /git/ref/heads%2Fctss%2Finit') return state.branch ? { body: { object: { type: 'commit', sha: COMMIT } } } : { status: 404, body: {} }
      if (line === 'GET /git/ref/heads%2Fmain') return state.base === false ? { status: 409, body: {} } : { body: { object: { type: 'commit', sha: BASE } } }
      if (line === `GET /git/commits/${BASE}`) return { body: { message: '', tree: { sha: TREE } } }
      if (line === `GET /git/commits/${COMMIT}`) return { body: { message: '', tree: { sha: state.branch?.tree } } }
      if (line.startsWith('GET /git/trees/'))
        return { body: { tree: Object.entries(state.branch?.files ?? {}).map(([path, content]) => ({ path, mode: '100644', sha: blobId(content), size: 1 })) } }
      if (line === 'POST /git/refs' && state.race === 'branch') {
        state.branch = OURS
        return { status: 422, body: { message: 'Reference already exists' } }
      }
      if (line === 'POST /pulls' && state.race === 'pull') {
        state.pull = true
        return { status: 422, body: { message: 'Validation Failed', errors: [{ message: 'A pull request already exists for sky-lab:ctss/init.' }] } }
      }
      if (line === 'POST /pulls') return { status: 201, body: pull() }
      return { status: 201, body: { sha: 'e'.repeat(40), object: {} } }
    })
  }

  const OURS = { tree: treeOf(text), files: { 'sage.yaml': text } }
  const CREATE = ['GET /git/ref/heads%2Fmain', `GET /git/commits/${BASE}`, 'POST /git/trees', 'POST /git/commits', 'POST /git/refs']
  const LOOK = ['GET /pulls?state=open', 'GET /git/ref/heads%2Fctss%2Finit']
  const lines = (): readonly string[] => asked().map((line) => line.replace(/(\?).*/, '?state=open').replace(/(trees\/)\w+.*/, '$1TREE'))

  it('makes a branch and a pull request', async () => {
    const forge = await proposing({})
    expect(await forge.propose(PROPOSAL)).toEqual({ number: 3, url: 'https://github.com/x/pull/3' })
    expect(lines()).toEqual([...LOOK, ...CREATE, 'POST /pulls'])
    const bodies = github!.requests.filter(({ line }) => line.includes('/repos/') && line.startsWith('POST')).map(({ body }) => JSON.parse(body) as unknown)
    expect(bodies).toEqual([
      { base_tree: TREE, tree: [{ path: 'sage.yaml', mode: '100644', type: 'blob', content: 'name: x\n' }] },
      { message: 'Add', tree: 'e'.repeat(40), parents: [BASE] },
      { ref: 'refs/heads/ctss/init', sha: 'e'.repeat(40) },
      { head: 'ctss/init', base: 'main', title: 'Add', body: 'text' },
    ])
  })

  it('keeps files that are no text as they are', async () => {
    const forge = await proposing({})
    await forge.propose({ ...PROPOSAL, files: [{ path: 'icon.png', content: binary }] })
    const made = github!.requests.find(({ line }) => line.endsWith('/git/blobs'))
    expect(JSON.parse(made!.body)).toEqual({ content: binary.toString('base64'), encoding: 'base64' })
    expect(github!.requests.find(({ line }) => line.endsWith('/git/trees'))?.body).toContain(`"sha":"${'e'.repeat(40)}"`)
  })

  it('is answered with the pull request that is there', async () => {
    const forge = await proposing({ pull: true })
    expect(await forge.propose(PROPOSAL)).toMatchObject({ number: 3 })
    expect(lines()).toEqual(LOOK.slice(0, 1))
  })

  it('goes on with a branch that holds the files, and leaves it where it is', async () => {
    const forge = await proposing({ branch: OURS })
    expect(await forge.propose(PROPOSAL)).toMatchObject({ number: 3 })
    expect(lines()).toEqual([...LOOK, `GET /git/commits/${COMMIT}`, 'GET /git/trees/TREE', 'POST /pulls'])
  })

  it('does not touch a branch that holds something else', async () => {
    const forge = await proposing({ branch: { tree: treeOf(binary), files: { 'sage.yaml': binary } } })
    await expect(forge.propose(PROPOSAL)).rejects.toMatchObject({ code: 'forge-refused', message: expect.stringContaining('ctss/init') as string })
    expect(lines().filter((line) => line.startsWith('POST'))).toEqual([])
  })

  it.each(['branch', 'pull'] as const)('ends with one where another was faster with the %s', async (race) => {
    const forge = await proposing({ race })
    expect(await forge.propose(PROPOSAL)).toMatchObject({ number: 3 })
  })

  it('is refused where there is nothing to build upon', async () => {
    const forge = await proposing({ base: false })
    await expect(forge.propose(PROPOSAL)).rejects.toMatchObject({ code: 'forge-refused', message: expect.stringContaining('main') as string })
  })

  it('can be asked for again where the list of pull requests lags behind', async () => {
    const forge = await repository((line) => {
      if (line.startsWith('GET /pulls?')) return { body: [] }
      if (line === 'POST /pulls') return { status: 422, body: { message: 'A pull request already exists for sky-lab:ctss/init.' } }
      if (line.startsWith('GET /git/ref/')) return { body: { object: { type: 'commit', sha: COMMIT } } }
      if (line.startsWith('GET /git/commits/')) return { body: { message: '', tree: { sha: treeOf(text) } } }
      return { body: { tree: [{ path: 'sage.yaml', mode: '100644', sha: blobId(text), size: 1 }] } }
    })
    await expect(forge.propose(PROPOSAL)).rejects.toMatchObject({ code: 'forge-unavailable' })
  })
})

/** Git's id of a folder with one file `sage.yaml`. */
function treeOf(content: Buffer): string {
  return objectId('tree', Buffer.concat([Buffer.from('100644 sage.yaml\0'), Buffer.from(blobId(content), 'hex')]))
}
