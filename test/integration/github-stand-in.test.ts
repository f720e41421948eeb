import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { getIDToken } from '@actions/core'
import { Octokit } from '@octokit/rest'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { DEFAULT_EVENTS, DEFAULT_PERMISSIONS, type GithubOptions, type Person, type WorkflowRun } from '../support/github/api.ts'
import { startGithub, type Github } from '../support/github/github.ts'
import { git, makeRepository } from '../support/layout.ts'

interface Heard {
  readonly event: string
  readonly guid: string
  readonly signature: string
  readonly body: string
  readonly payload: Readonly<Record<string, unknown>>
}

const PLACE = { owner: 'sage', repo: 'plugin' }
const DISPATCH = `name: Dispatch
run-name: \${{ inputs.repository }} · \${{ inputs.plan || 'none' }}
on:
  workflow_dispatch:
    inputs:
      repository: { type: string, required: true }
      plan: { type: string, default: '' }
jobs:
  ctss:
    uses: sagecontinuum/ctss/.github/workflows/dispatch.yml@v1
`

describe('the stand-in for GitHub', () => {
  let github: Github
  let octocat: Person
  let stranger: Person
  let receiver: Server
  let heard: Heard[] = []
  let answerWith = 200

  const start = async (options: GithubOptions = {}): Promise<void> => {
    github = await startGithub(options)
    octocat = github.person('octocat')
    stranger = github.person('stranger')
    const address = receiver.address()
    github.webhooks.connect(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/`)
  }
  const as = (token: string): Octokit => new Octokit({ auth: token, baseUrl: github.url, log: { debug() {}, info() {}, warn() {}, error() {} } })
  const asApp = (): Octokit => as(github.installation().token())
  const status = (call: Promise<unknown>): Promise<number | string> =>
    call.then(
      (answer) => (answer as { status: number }).status,
      (cause: { status: number; message: string }) => `${cause.status} ${cause.message.split(' - ')[0]}`,
    )
  const events = (): readonly string[] =>
    heard.map(({ event, payload }) => [event, ...(typeof payload['action'] === 'string' ? [payload['action']] : [])].join('.'))
  const settled = async (): Promise<readonly string[]> => {
    await github.settle()
    const all = events()
    heard = []
    return all
  }

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8')
        const { headers } = request
        heard.push({
          event: String(headers['x-github-event']),
          guid: String(headers['x-github-delivery']),
          signature: String(headers['x-hub-signature-256']),
          body,
          payload: JSON.parse(body) as Heard['payload'],
        })
        response.writeHead(answerWith).end('fine')
      })
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    receiver.closeAllConnections()
    receiver.close()
  })
  beforeEach(() => {
    heard = []
    answerWith = 200
  })
  afterEach(async () => {
    await github.settle()
    await github[Symbol.asyncDispose]()
  })

  describe('the app', () => {
    it('shows who it is by its key, until the key is taken away', async () => {
      await start()
      expect((await as(github.app.jwt()).rest.apps.getAuthenticated()).data).toMatchObject({ id: 12_345, slug: 'ctss' })
      const old = github.app.privateKey
      const jwt = github.app.jwt()
      expect(github.app.addKey()).not.toBe(old)
      expect(await status(as(jwt).rest.apps.getAuthenticated())).toBe(200)
      github.app.removeKey(old)
      expect(await status(as(jwt).rest.apps.getAuthenticated())).toBe('401 A JSON web token could not be decoded')
      expect(await status(as(github.app.jwt()).rest.apps.getAuthenticated())).toBe(200)
      expect(await status(as(github.app.jwt()).rest.repos.get(PLACE))).toBe('401 Bad credentials')
      expect(await status(as(github.people.maintainer).rest.apps.listInstallations())).toBe('401 A JSON web token could not be decoded')
    })

    it('fetches tokens for repositories and permissions, which end after an hour', async () => {
      await start({ repositories: ['sage/plugin', { name: 'sage/secret', isPrivate: true }, { name: 'other/secret', isPrivate: true }] })
      const jwt = as(github.app.jwt())
      const { data: installation } = await jwt.rest.apps.getRepoInstallation(PLACE)
      expect(installation).toMatchObject({ id: github.installation('sage').id, app_slug: 'ctss', account: { login: 'sage', type: 'Organization' } })
      const make = async (options: object) => (await jwt.rest.apps.createInstallationAccessToken({ installation_id: installation.id, ...options })).data
      const { token, expires_at: expires } = await make({ repositories: ['secret'], permissions: { contents: 'read' } })
      expect(token).toMatch(/^ghs_12345_[\w-]+\.[\w-]+\.[\w-]+$/)
      expect(token.length).toBeGreaterThan(200)
      expect(Date.parse(expires)).toBeGreaterThan(Date.now() + 3_500_000)
      const narrow = as(token)
      expect(await status(narrow.rest.repos.getContent({ owner: 'sage', repo: 'secret', path: 'README.md' }))).toBe(200)
      expect(await status(narrow.rest.git.createBlob({ owner: 'sage', repo: 'secret', content: 'x' }))).toBe('403 Resource not accessible by integration')
      expect(await status(narrow.rest.repos.get({ owner: 'other', repo: 'secret' }))).toBe('404 Not Found')
      expect(await status(narrow.rest.git.createBlob({ ...PLACE, content: 'x' }))).toBe('403 Resource not accessible by integration')
      expect((await narrow.rest.apps.listReposAccessibleToInstallation()).data.repositories.map(({ name }) => name)).toEqual(['secret'])
      expect(await status(make({ repositories: ['nowhere'] }))).toContain('422')
      expect(await status(make({ permissions: { packages: 'write' } }))).toContain('422')
      expect((await asApp().rest.apps.listReposAccessibleToInstallation()).data.total_count).toBe(2)
      github.passTime(3_600_001)
      expect(await status(narrow.rest.repos.get({ owner: 'sage', repo: 'secret' }))).toBe('401 Bad credentials')
    })

    it.each([
      ['checks', (octokit: Octokit, sha: string) => octokit.rest.checks.create({ ...PLACE, name: 'x', head_sha: sha })],
      ['contents', (octokit: Octokit, sha: string) => octokit.rest.git.getTree({ ...PLACE, tree_sha: sha })],
      ['actions', (octokit: Octokit) => octokit.rest.actions.listWorkflowRunsForRepo(PLACE)],
      ['pull_requests', (octokit: Octokit) => octokit.rest.pulls.list(PLACE)],
      ['issues', (octokit: Octokit) => octokit.rest.issues.create({ ...PLACE, title: 'x' })],
    ] as const)('needs %s, and hears nothing that it may not read', async (permission, call) => {
      await start()
      const sha = github.repo().head() ?? ''
      expect(await status(call(asApp(), sha))).toSatisfy((code) => code === 200 || code === 201)
      github.app.setPermission(permission, undefined)
      expect(await status(call(asApp(), sha))).toBe('403 Resource not accessible by integration')
      await github.settle()
      heard = []
      await octocat.push('sage/plugin', 'x', { a: '1' })
      expect((await settled()).includes('push')).toBe(permission !== 'contents')
    })

    it('is installed, suspended, given repositories, and removed again', async () => {
      await start({ repositories: ['sage/plugin', 'zelda/own'], people: ['zelda'] })
      await octocat.push('sage/plugin', 'x', { a: '1' })
      expect(await settled()).toContain('push')
      const zeldas = await github.install({ account: 'zelda', repositories: ['zelda/own'] })
      await github.installation('sage').suspend()
      await octocat.push('sage/plugin', 'x', { a: '2' })
      expect(await status(asApp().rest.repos.get(PLACE))).toBe('403 This installation has been suspended')
      await github.installation('sage').unsuspend()
      await zeldas.removeRepositories('zelda/own')
      await zeldas.addRepositories('zelda/own')
      await github.person('zelda').push('zelda/own', 'main', { a: '1' })
      await zeldas.uninstall()
      await github.person('zelda').push('zelda/own', 'main', { a: '2' })
      const told = await settled()
      expect(told.filter((event) => event === 'push')).toHaveLength(1)
      expect(told.filter((event) => event.startsWith('installation'))).toEqual([
        'installation.created',
        'installation.suspend',
        'installation.unsuspend',
        'installation_repositories.removed',
        'installation_repositories.added',
        'installation.deleted',
      ])
      expect((await as(github.app.jwt()).rest.apps.listInstallations()).data.map(({ id }) => id)).toEqual([github.installation('sage').id])
    })

    it('is made from a manifest, once', async () => {
      await start()
      const code = github.app.manifestCode()
      const make = (): Promise<Response> => fetch(`${github.url}/app-manifests/${code}/conversions`, { method: 'POST' })
      const made = await make()
      expect(made.status).toBe(201)
      expect(await made.json()).toMatchObject({ id: 12_345, slug: 'ctss', pem: github.app.privateKey, webhook_secret: 's3cr3t' })
      expect((await make()).status).toBe(404)
    })
  })

  describe('Git', () => {
    it('takes a local repository over with equal ids, and shows it', async () => {
      await start()
      const folder = mkdtempSync(join(tmpdir(), 'ctss-github-'))
      try {
        makeRepository(folder, {
          'sage.yaml': 'name: x\n',
          'src/run': { program: '#!/bin/sh\n' },
          link: { link: 'sage.yaml' },
          'bytes.bin': Buffer.from([0, 255, 10]),
        })
        git(folder, 'commit', '-q', '--allow-empty', '--cleanup=verbatim', '-m', 'no newline at the end')
        git(folder, 'tag', '-a', 'v1', '-m', 'first')
        const commit = git(folder, 'rev-parse', 'HEAD')
        expect(await octocat.mirror('sage/plugin', folder, 'HEAD', 'mine')).toMatchObject({ ref: 'refs/heads/mine', commit, before: '0'.repeat(40) })
        expect(await octocat.mirror('sage/plugin', folder, 'v1')).toMatchObject({ ref: 'refs/tags/v1', commit: git(folder, 'rev-parse', 'v1') })
        const octokit = asApp()
        const { data: tree } = await octokit.rest.git.getTree({ ...PLACE, tree_sha: commit, recursive: '1' })
        expect(tree.tree.map(({ mode, path, sha }) => `${mode} ${sha} ${path}`)).toEqual(
          git(folder, 'ls-tree', '-r', '-t', 'HEAD')
            .split('\n')
            .map((line) => line.replace(/^(\d+) \w+ (\w+)\t/, '$1 $2 ')),
        )
        const { data: blob } = await octokit.rest.git.getBlob({ ...PLACE, file_sha: tree.tree.find(({ path }) => path === 'bytes.bin')?.sha ?? '' })
        expect([...Buffer.from(blob.content, 'base64')]).toEqual([0, 255, 10])
        const { data: ref } = await octokit.rest.git.getRef({ ...PLACE, ref: 'tags/v1' })
        expect(ref.object.type).toBe('tag')
        expect((await octokit.rest.git.getTag({ ...PLACE, tag_sha: ref.object.sha })).data.object.sha).toBe(commit)
        expect((await octokit.rest.repos.getCommit({ ...PLACE, ref: 'mine' })).data.commit.message).toBe('no newline at the end')
        const out = join(folder, 'out')
        await github.repo().checkOut(commit, out)
        expect(readFileSync(join(out, 'link'), 'utf8')).toBe('name: x\n')
      } finally {
        rmSync(folder, { recursive: true })
      }
    })

    it('is cloned with a token for this one repository, and with no other', async () => {
      await start({
        repositories: [
          { name: 'sage/plugin', isPrivate: true },
          { name: 'sage/other', isPrivate: true },
        ],
      })
      const { commit } = await octocat.push('sage/plugin', 'main', { 'sage.yaml': 'name: x\n' })
      const folder = mkdtempSync(join(tmpdir(), 'ctss-github-'))
      const clone = async (name: string, token: string) => {
        const address = `${github.url.replace('http://', `http://x-access-token:${token}@`)}/${name}`
        await promisify(execFile)('git', ['clone', '-q', '--filter=blob:none', address, join(folder, name)], {
          env: { ...process.env, GIT_TERMINAL_PROMPT: '0' },
        })
        return git(join(folder, name), 'rev-parse', 'HEAD')
      }
      try {
        const token = github.installation().token({ repositories: ['plugin'], permissions: { contents: 'read' } })
        expect(await clone('sage/plugin', token)).toBe(commit)
        expect(readFileSync(join(folder, 'sage/plugin/sage.yaml'), 'utf8')).toBe('name: x\n')
        await expect(clone('sage/other', token)).rejects.toThrow('not found')
        await expect(clone('sage/other', stranger.token)).rejects.toThrow('not found')
        await expect(clone('sage/other', github.installation().token({ permissions: { checks: 'write' } }))).rejects.toThrow('not found')
      } finally {
        rmSync(folder, { recursive: true })
      }
    })

    it('hashes what is made by the API as Git does', async () => {
      await start()
      const octokit = asApp()
      const { data: blob } = await octokit.rest.git.createBlob({ ...PLACE, content: 'hello\n' })
      expect(blob.sha).toBe('ce013625030ba8dba906f756967f9e9ca394464a')
      const base = github.repo().head() ?? ''
      const { data: from } = await octokit.rest.git.getCommit({ ...PLACE, commit_sha: base })
      const { data: tree } = await octokit.rest.git.createTree({
        ...PLACE,
        base_tree: from.tree.sha,
        tree: [
          { path: 'a/b.txt', mode: '100644', type: 'blob', sha: blob.sha },
          { path: 'README.md', mode: '100644', type: 'blob', sha: null },
        ],
      })
      const { data: commit } = await octokit.rest.git.createCommit({ ...PLACE, message: 'made', tree: tree.sha, parents: [base] })
      await octokit.rest.git.createRef({ ...PLACE, ref: 'refs/heads/made', sha: commit.sha })
      expect(github.repo().file('a/b.txt', 'made')).toBe('hello\n')
      expect(github.repo().file('README.md', 'made')).toBeUndefined()
      expect(await settled()).toEqual(['create', 'push', 'check_suite.requested'])
      expect(await status(octokit.rest.git.createRef({ ...PLACE, ref: 'refs/heads/made', sha: commit.sha }))).toContain('Reference already exists')
      expect(await status(octokit.rest.git.updateRef({ ...PLACE, ref: 'heads/made', sha: base }))).toContain('not a fast forward')
      const { data: comparison } = await octokit.rest.repos.compareCommitsWithBasehead({ ...PLACE, basehead: 'main...made' })
      expect(comparison).toMatchObject({
        status: 'ahead',
        ahead_by: 1,
        behind_by: 0,
        files: [
          { filename: 'README.md', status: 'removed' },
          { filename: 'a/b.txt', additions: 1 },
        ],
      })
    })

    it('lets nobody without the right change workflows', async () => {
      await start({ app: { permissions: { contents: 'write' } } })
      const make = async (octokit: Octokit, branch: string) => {
        const { data: tree } = await octokit.rest.git.createTree({
          ...PLACE,
          tree: [{ path: '.github/workflows/x.yml', mode: '100644', type: 'blob', content: branch }],
        })
        const { data: commit } = await octokit.rest.git.createCommit({ ...PLACE, message: 'made', tree: tree.sha, parents: [] })
        return status(octokit.rest.git.createRef({ ...PLACE, ref: `refs/heads/${branch}`, sha: commit.sha }))
      }
      expect(await make(asApp(), 'one')).toContain('without `workflows` permission')
      github.app.setPermission('workflows', 'write')
      expect(await make(asApp(), 'two')).toBe(201)
    })

    it('tells what happened to refs, and who did it', async () => {
      await start()
      const main = github.repo().head() ?? ''
      const { commit: first } = await octocat.push('sage/plugin', 'work', { a: '1' })
      const { commit: second } = await octocat.push('sage/plugin', 'work', { a: '2' }, { onto: main })
      await octocat.tag('sage/plugin', 'v1', { commit: second, isAnnotated: true })
      await octocat.deleteRef('sage/plugin', 'work')
      await github.settle()
      const pushes = heard.filter(({ event }) => event === 'push').map(({ payload }) => payload)
      expect(pushes).toMatchObject([
        {
          ref: 'refs/heads/work',
          created: true,
          forced: false,
          after: first,
          commits: [{ id: first, added: ['a'] }],
          head_commit: { id: first },
          pusher: { name: 'octocat' },
        },
        { ref: 'refs/heads/work', created: false, forced: true, before: first, after: second, installation: { id: github.installation().id } },
        { ref: 'refs/tags/v1', created: true, commits: [], head_commit: { id: second }, base_ref: null },
        { ref: 'refs/heads/work', deleted: true, after: '0'.repeat(40), head_commit: null },
      ])
      expect(pushes[2]?.['after']).not.toBe(second)
      expect(
        heard
          .filter(({ event }) => /create|delete/.test(event))
          .map(({ event, payload }) => `${event} ${String(payload['ref_type'])} ${String(payload['ref'])}`),
      ).toEqual(['create branch work', 'create tag v1', 'delete branch work'])
      const { data: activity } = await asApp().rest.repos.listActivities({ ...PLACE, ref: 'refs/heads/work' })
      expect(activity.map((one) => `${one.activity_type} ${one.actor?.login} ${one.after.slice(0, 7)}`)).toEqual([
        'branch_deletion octocat 0000000',
        `force_push octocat ${second.slice(0, 7)}`,
        `branch_creation octocat ${first.slice(0, 7)}`,
      ])
      await expect(stranger.push('sage/plugin', 'main', { a: '1' })).rejects.toThrow('stranger may not write')
      // An app pushes as a bot; a person whose name looks like one does not.
      await github.person('renovate[bot]').push('sage/plugin', 'renovate/x', { a: '1' })
      await github.settle()
      expect(heard.findLast(({ event }) => event === 'push')?.payload).toMatchObject({ sender: { login: 'renovate[bot]', type: 'Bot' } })
      await expect(github.person('dependabot-bot').push('sage/plugin', 'main', { a: '1' })).rejects.toThrow('may not write')
    })

    it('says what people may do, as GitHub does', async () => {
      await start({ repositories: [{ name: 'sage/plugin', isPrivate: true, roles: { octocat: 'write' } }] })
      const ask = (username: string) => asApp().rest.repos.getCollaboratorPermissionLevel({ ...PLACE, username })
      expect((await ask('octocat')).data).toMatchObject({ permission: 'write', role_name: 'write', user: { login: 'octocat' } })
      expect((await ask('stranger')).data.permission).toBe('none')
      expect(await status(ask('dependabot[bot]'))).toBe('404 dependabot[bot] is not a user')
      expect((await ask('dependabot-bot')).data.permission).toBe('none')
      expect(await status(ask('nobody-at-all'))).toBe('404 Not Found')
      expect((await asApp().rest.users.getByUsername({ username: 'ctss[bot]' })).data).toMatchObject({ login: 'ctss[bot]', type: 'Bot' })
      expect((await asApp().rest.repos.getContent({ ...PLACE, path: '' })).data).toMatchObject([{ name: 'README.md', type: 'file' }])
      expect(await status(as(stranger.token).rest.repos.get(PLACE))).toBe('404 Not Found')
      github.repo().setRole('stranger', 'read')
      expect(await status(as(stranger.token).rest.repos.get(PLACE))).toBe(200)
    })
  })

  describe('repositories', () => {
    it('are renamed, transferred, archived and deleted; the old name leads on', async () => {
      await start({ repositories: [{ name: 'sage/plugin', roles: { octocat: 'admin' } }, 'other/thing'] })
      const { id } = github.repo()
      await github.install({ account: 'other' })
      await octocat.release('sage/plugin', 'v1')
      await settled()
      expect(await octocat.renameRepository('sage/plugin', 'better')).toBe('sage/better')
      expect((await asApp().rest.repos.get(PLACE)).data).toMatchObject({ id, full_name: 'sage/better' })
      expect(await octocat.transferRepository('sage/better', 'other')).toBe('other/better')
      expect(github.releases('sage/plugin')).toMatchObject([{ tag: 'v1' }])
      await octocat.archiveRepository('sage/plugin')
      const other = as(github.installation('other').token())
      expect((await other.rest.repos.get({ owner: 'other', repo: 'better' })).data.archived).toBe(true)
      expect(await status(other.rest.git.createBlob({ owner: 'other', repo: 'better', content: 'x' }))).toBe('403 Repository was archived so is read-only.')
      await octocat.unarchiveRepository('other/better')
      await octocat.deleteRepository('other/better')
      expect(await status(other.rest.repos.get({ owner: 'other', repo: 'better' }))).toBe('404 Not Found')
      expect(await settled()).toEqual(['repository.renamed', 'repository.transferred', 'repository.archived', 'repository.unarchived', 'repository.deleted'])
    })
  })

  describe('pull requests', () => {
    it('follow their branch, are edited, drafted, closed, reopened and merged', async () => {
      await start()
      const main = github.repo().head() ?? ''
      await octocat.push('sage/plugin', 'work', { a: '1' })
      const { number, head } = await octocat.openPull('sage/plugin', { head: 'work', isDraft: true })
      const { commit } = await octocat.push('sage/plugin', 'work', { a: '2' })
      await octocat.readyForReview('sage/plugin', number)
      await octocat.convertToDraft('sage/plugin', number)
      await octocat.readyForReview('sage/plugin', number)
      await octocat.editPull('sage/plugin', number, { title: 'better' })
      await octocat.closePull('sage/plugin', number)
      await octocat.reopenPull('sage/plugin', number)
      const octokit = asApp()
      expect((await octokit.rest.pulls.get({ ...PLACE, pull_number: number })).data).toMatchObject({
        title: 'better',
        head: { sha: commit, ref: 'work', repo: { full_name: 'sage/plugin' } },
        base: { sha: main },
        mergeable: true,
        changed_files: 1,
        commits: 2,
      })
      expect((await octokit.rest.pulls.list({ ...PLACE, head: 'sage:work' })).data).toHaveLength(1)
      expect((await octokit.rest.pulls.list({ ...PLACE, head: 'sage:main' })).data).toHaveLength(0)
      expect((await octokit.rest.issues.get({ ...PLACE, issue_number: number })).data.pull_request?.url).toContain(`/pulls/${number}`)
      expect((await octokit.rest.git.getRef({ ...PLACE, ref: `pull/${number}/head` })).data.object.sha).toBe(commit)
      expect(await status(as(octocat.token).rest.pulls.create({ ...PLACE, head: 'work', base: 'main', title: 'twin' }))).toContain('already exists')
      const { commit: merged } = await octocat.mergePull('sage/plugin', number)
      expect(github.repo().head()).toBe(merged)
      expect((await octokit.rest.pulls.get({ ...PLACE, pull_number: number })).data).toMatchObject({ merged: true, state: 'closed', merge_commit_sha: merged })
      await github.settle()
      const pulls = heard.filter(({ event }) => event === 'pull_request').map(({ payload }) => payload)
      expect(pulls.map(({ action }) => action)).toEqual([
        'opened',
        'synchronize',
        'ready_for_review',
        'converted_to_draft',
        'ready_for_review',
        'edited',
        'closed',
        'reopened',
        'closed',
      ])
      expect(pulls[1]).toMatchObject({ number, before: head, after: commit, pull_request: { draft: true, head: { sha: commit } } })
    })

    it('come from forks, and outlive them', async () => {
      await start()
      const fork = await stranger.fork('sage/plugin')
      expect(fork).toBe('stranger/plugin')
      await expect(stranger.openPull('sage/plugin', { head: 'main' })).rejects.toThrow('No commits between')
      const { commit } = await stranger.push(fork, 'fix', { a: '1' })
      const { number } = await stranger.openPull('sage/plugin', { head: 'stranger:fix' })
      const octokit = asApp()
      expect((await octokit.rest.repos.get({ owner: 'stranger', repo: 'plugin' })).data).toMatchObject({ fork: true, parent: { full_name: 'sage/plugin' } })
      const { data: pull } = await octokit.rest.pulls.get({ ...PLACE, pull_number: number })
      expect(pull).toMatchObject({ head: { sha: commit, label: 'stranger:fix', repo: { full_name: fork, fork: true } }, author_association: 'NONE' })
      const basehead = 'main...stranger:fix'
      expect((await octokit.rest.repos.compareCommitsWithBasehead({ ...PLACE, basehead })).data).toMatchObject({ ahead_by: 1, status: 'ahead' })
      // A fork's commits are read in the repository that it wants to change.
      expect(await status(octokit.rest.git.getTree({ ...PLACE, tree_sha: commit }))).toBe(200)
      await stranger.deleteRepository(fork)
      expect((await octokit.rest.pulls.get({ ...PLACE, pull_number: number })).data.head).toMatchObject({
        repo: null,
        user: { login: 'stranger' },
        sha: commit,
      })
      expect(await settled()).toEqual(['pull_request.opened'])
    })

    it('go through a merge queue', async () => {
      await start({ app: { permissions: { ...DEFAULT_PERMISSIONS, merge_queues: 'read' }, events: [...DEFAULT_EVENTS, 'merge_group'] } })
      await octocat.push('sage/plugin', 'work', { a: '1' })
      const { number, head } = await octocat.openPull('sage/plugin', { head: 'work' })
      const { branch, commit } = await octocat.enqueue('sage/plugin', number)
      expect(branch).toMatch(/^gh-readonly-queue\/main\/pr-\d+-[0-9a-f]{40}$/)
      await octocat.dequeue('sage/plugin', branch, true)
      expect(github.repo().head()).toBe(commit)
      await github.settle()
      expect(heard.find(({ event }) => event === 'merge_group')?.payload).toMatchObject({
        action: 'checks_requested',
        merge_group: { head_sha: commit, head_ref: `refs/heads/${branch}` },
      })
      expect(github.repo().pulls()).toMatchObject([{ number, head, isMerged: true }])
    })

    it('take reviews with suggestions where the diff shows the lines', async () => {
      await start({ repositories: [{ name: 'sage/plugin', files: { a: Array.from({ length: 40 }, (_, index) => `line ${index}\n`).join('') } }] })
      await octocat.push('sage/plugin', 'work', { a: Array.from({ length: 40 }, (_, index) => (index === 9 ? 'changed\n' : `line ${index}\n`)).join('') })
      const { number, head } = await octocat.openPull('sage/plugin', { head: 'work' })
      const review = (line: number, start?: number) =>
        status(
          asApp().rest.pulls.createReview({
            ...PLACE,
            pull_number: number,
            commit_id: head,
            event: 'COMMENT',
            comments: [{ path: 'a', line, body: '```suggestion\nx\n```', ...(start !== undefined && { start_line: start }) }],
          }),
        )
      expect(await review(10)).toBe(200)
      expect(await review(13, 8)).toBe(200)
      expect(await review(30)).toContain('Line could not be resolved')
      expect(await review(14, 8)).toContain('Line could not be resolved')
      expect(github.repo().reviews(number)).toMatchObject([
        { login: 'ctss[bot]', state: 'COMMENTED', comments: [{ path: 'a', line: 10 }] },
        { comments: [{ line: 13, startLine: 8 }] },
      ])
    })
  })

  describe('comments', () => {
    it('are told, answered by reactions, and limited', async () => {
      await start()
      await octocat.push('sage/plugin', 'work', { a: '1' })
      const { number } = await octocat.openPull('sage/plugin', { head: 'work' })
      const { id } = await stranger.comment('sage/plugin', number, '/ctss run')
      await stranger.editComment('sage/plugin', id, '/ctss run again')
      const octokit = asApp()
      const react = () => octokit.rest.reactions.createForIssueComment({ ...PLACE, comment_id: id, content: 'eyes' })
      expect([await status(react()), await status(react())]).toEqual([201, 200])
      const { data: own } = await octokit.rest.issues.createComment({ ...PLACE, issue_number: number, body: 'x'.repeat(65_536) })
      expect(own.user).toMatchObject({ login: 'ctss[bot]', type: 'Bot' })
      expect(await status(octokit.rest.issues.createComment({ ...PLACE, issue_number: number, body: 'x'.repeat(65_537) }))).toContain('422')
      expect(await github.repo().comments(number)).toMatchObject([
        { id, login: 'stranger', body: '/ctss run again', reactions: [{ login: 'ctss[bot]', content: 'eyes' }] },
        { id: own.id, login: 'ctss[bot]' },
      ])
      await expect(stranger.deleteComment('sage/plugin', own.id)).rejects.toThrow('may not change')
      await octocat.deleteComment('sage/plugin', own.id)
      expect(await status(octokit.rest.issues.updateComment({ ...PLACE, comment_id: own.id, body: 'x' }))).toBe('404 Not Found')
      await github.settle()
      const told = heard.filter(({ event }) => event === 'issue_comment').map(({ payload }) => payload)
      expect(told.map(({ action }) => action)).toEqual(['created', 'edited', 'created', 'deleted'])
      expect(told[1]).toMatchObject({
        changes: { body: { from: '/ctss run' } },
        comment: { id, body: '/ctss run again', user: { login: 'stranger', type: 'User' }, author_association: 'NONE' },
        issue: { number, pull_request: { url: expect.stringContaining('/pulls/') as string } },
      })
      expect(told[2]).toMatchObject({ sender: { login: 'ctss[bot]', type: 'Bot' } })
    })
  })

  describe('checks', () => {
    it('add annotations up, complete with a conclusion, and are written by apps alone', async () => {
      await start()
      const sha = github.repo().head() ?? ''
      const octokit = asApp()
      const note = (line: number) => ({ path: 'sage.yaml', start_line: line, end_line: line, annotation_level: 'warning' as const, message: `${line}` })
      const notes = (from: number, count: number) => ({
        title: 't',
        summary: 's',
        annotations: Array.from({ length: count }, (_, index) => note(from + index)),
      })
      expect(await status(as(octocat.token).rest.checks.create({ ...PLACE, name: 'x', head_sha: sha }))).toBe('403 You must authenticate via a GitHub App.')
      expect(await status(octokit.rest.checks.create({ ...PLACE, name: 'x', head_sha: sha, output: notes(1, 51) }))).toContain('422')
      expect(github.forgive(/check-runs/)).toHaveLength(1)
      const { data: check } = await octokit.rest.checks.create({
        ...PLACE,
        name: 'ctss',
        head_sha: sha,
        status: 'in_progress',
        external_id: 'key',
        output: notes(1, 50),
      })
      await octokit.rest.checks.update({ ...PLACE, check_run_id: check.id, output: notes(51, 10) })
      await octokit.rest.checks.update({
        ...PLACE,
        check_run_id: check.id,
        conclusion: 'neutral',
        actions: [{ label: 'Run again', description: 'Once more', identifier: 'rerun' }],
      })
      expect(await status(octokit.rest.checks.update({ ...PLACE, check_run_id: check.id, output: { title: 't', summary: 'x'.repeat(65_536) } }))).toContain(
        '65535',
      )
      expect(github.forgive(/check-runs/)).toHaveLength(1)
      expect((await octokit.paginate(octokit.rest.checks.listAnnotations, { ...PLACE, check_run_id: check.id })).map(({ start_line }) => start_line)).toEqual(
        Array.from({ length: 60 }, (_, index) => index + 1),
      )
      const list = async (app?: number) =>
        (await octokit.rest.checks.listForRef({ ...PLACE, ref: 'main', ...(app !== undefined && { app_id: app }) })).data.check_runs
      expect(await list(12_345)).toMatchObject([
        { id: check.id, status: 'completed', conclusion: 'neutral', external_id: 'key', output: { annotations_count: 60 } },
      ])
      expect(await list(7)).toEqual([])
      await settled()
      await octocat.pressButton('sage/plugin', check.id, 'rerun')
      await octocat.rerequestCheck('sage/plugin', check.id)
      // What becomes of it is the app's to say.
      expect(github.repo().checks(sha)[0]).toMatchObject({ id: check.id, status: 'completed', conclusion: 'neutral' })
      await octocat.rerequestSuite('sage/plugin', github.repo().checks(sha)[0]?.suite ?? 0)
      await expect(octocat.pressButton('sage/plugin', check.id, 'other')).rejects.toThrow('has no button')
      await expect(stranger.pressButton('sage/plugin', check.id, 'rerun')).rejects.toThrow('may not write')
      await github.settle()
      expect(heard[0]?.payload).toMatchObject({
        action: 'requested_action',
        requested_action: { identifier: 'rerun' },
        check_run: { id: check.id, external_id: 'key' },
      })
      expect(await settled()).toEqual(['check_run.requested_action', 'check_run.rerequested', 'check_suite.rerequested'])
      expect(
        await status(as(await github.workflowToken({ checks: 'write' })).rest.checks.update({ ...PLACE, check_run_id: check.id, name: 'mine' })),
      ).toContain('403')
    })
  })

  describe('webhooks', () => {
    it('are signed, judged, remembered, and sent again under the same GUID', async () => {
      await start()
      answerWith = 503
      await octocat.push('sage/plugin', 'work', { a: '1' })
      await github.settle()
      const push = heard.find(({ event }) => event === 'push')
      expect(push?.signature).toBe(
        `sha256=${createHmac('sha256', 's3cr3t')
          .update(push?.body ?? '')
          .digest('hex')}`,
      )
      const jwt = as(github.app.jwt())
      const { data: failed } = await jwt.rest.apps.listWebhookDeliveries({ status: 'failure' })
      const found = failed.find(({ event }) => event === 'push')
      expect(found).toMatchObject({ guid: push?.guid, status_code: 503, redelivery: false })
      expect((await jwt.rest.apps.getWebhookDelivery({ delivery_id: found?.id ?? 0 })).data).toMatchObject({
        request: { payload: { ref: 'refs/heads/work' } },
        response: { payload: 'fine' },
      })
      answerWith = 200
      github.app.useSecret('other')
      heard = []
      await jwt.rest.apps.redeliverWebhookDelivery({ delivery_id: found?.id ?? 0 })
      await github.settle()
      expect(heard).toMatchObject([
        {
          guid: push?.guid,
          body: push?.body,
          signature: `sha256=${createHmac('sha256', 'other')
            .update(push?.body ?? '')
            .digest('hex')}`,
        },
      ])
      const pages = await jwt.paginate(jwt.rest.apps.listWebhookDeliveries, { per_page: 1 })
      expect(pages.map(({ id }) => id)).toEqual(github.webhooks.deliveries.map(({ id }) => id).toReversed())
      const { data: all } = await jwt.rest.apps.listWebhookDeliveries({ per_page: 1 })
      expect(all).toMatchObject([{ guid: push?.guid, status: 'OK', redelivery: true }])
    })

    it('are dropped, doubled, held back and mixed as a test wants', async () => {
      await start({ app: { events: ['push'] } })
      const hear = async (fate: 'drop' | 'double' | 'hold') => {
        github.webhooks.steer(({ event }) => (event === 'push' ? fate : 'drop'))
        for (const branch of ['a', 'b']) await octocat.push('sage/plugin', branch, { file: `${fate} ${branch}` })
        await github.settle()
        const refs = heard.map(({ payload }) => String(payload['ref']).at(-1))
        heard = []
        return refs
      }
      expect(await hear('drop')).toEqual([])
      expect(await hear('double')).toEqual(['a', 'a', 'b', 'b'])
      expect(await hear('hold')).toEqual([])
      expect(github.webhooks.held).toHaveLength(2)
      await github.webhooks.release((held) => [...held.toReversed(), ...held])
      expect(heard.map(({ payload }) => String(payload['ref']).at(-1))).toEqual(['b', 'a', 'a', 'b'])
      expect(new Set(heard.map(({ guid }) => guid)).size).toBe(2)
      const dropped = github.webhooks.deliveries.find(({ event, status: code }) => event === 'push' && code === 0)
      await github.webhooks.redeliver(dropped?.id ?? 0)
      expect(heard.at(-1)?.guid).toBe(dropped?.guid)
    })

    it('wait for an answer no longer than they may', async () => {
      await start()
      github.webhooks.timeoutMs = 50
      const slow = createServer(() => undefined)
      await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
      const address = slow.address()
      const part = github.webhooks.connect(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/`)
      await octocat.push('sage/plugin', 'work', { a: '1' })
      await github.settle()
      part()
      slow.closeAllConnections()
      slow.close()
      // Two receivers take turns.
      expect(github.webhooks.deliveries.filter(({ status: code }) => code === 0).length).toBeGreaterThan(0)
      expect(github.webhooks.deliveries.filter(({ status: code }) => code === 200).length).toBeGreaterThan(0)
    })
  })

  describe('Actions', () => {
    const CONTROL = { owner: 'sage', repo: 'control' }
    const withControl = (): Promise<void> =>
      start({ repositories: ['sage/plugin', { name: 'sage/control', isPrivate: true, files: { '.github/workflows/dispatch.yml': DISPATCH } }] })
    const dispatch = (inputs: Record<string, string>, more: object = {}) =>
      asApp().request('POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches', {
        ...CONTROL,
        workflow_id: 'dispatch.yml',
        ref: 'main',
        inputs,
        return_run_details: true,
        ...more,
      })

    it('dispatch a workflow of the repository with the inputs that it takes', async () => {
      await withControl()
      const { data } = await dispatch({ repository: 'sage/plugin', plan: 'run-1' })
      const { data: run } = await asApp().rest.actions.getWorkflowRun({ ...CONTROL, run_id: (data as { workflow_run_id: number }).workflow_run_id })
      expect(run).toMatchObject({
        display_title: 'sage/plugin · run-1',
        status: 'queued',
        event: 'workflow_dispatch',
        name: 'Dispatch',
        path: '.github/workflows/dispatch.yml',
        head_branch: 'main',
      })
      expect(await status(dispatch({ repository: 'sage/plugin' }, { return_run_details: false }))).toBe(204)
      expect(github.actions.runs().map(({ title }) => title)).toEqual(['sage/plugin · run-1', 'sage/plugin · none'])
      expect(await status(dispatch({}))).toContain("Required input 'repository' not provided")
      expect(await status(dispatch({ repository: 'x', bogus: '1' }))).toContain('Unexpected inputs provided: ["bogus"]')
      expect(await status(dispatch({ repository: 'x' }, { ref: 'nowhere' }))).toContain('No ref found')
      expect(await status(dispatch({ repository: 'x' }, { workflow_id: 'other.yml' }))).toBe('404 Not Found')
      await octocat.push('sage/control', 'main', { '.github/workflows/broken.yml': 'on: [' })
      expect(await status(dispatch({ repository: 'x' }, { workflow_id: 'broken.yml' }))).toContain("does not have 'workflow_dispatch' trigger")
      const list = async (more: object) => (await asApp().rest.actions.listWorkflowRunsForRepo({ ...CONTROL, ...more })).data.total_count
      expect([
        await list({ event: 'workflow_dispatch' }),
        await list({ event: 'push' }),
        await list({ created: '>=2020-01-01' }),
        await list({ created: '<2020-01-01' }),
      ]).toEqual([2, 0, 2, 0])
    })

    it('have a runner that reports, whose states become webhooks', async () => {
      await withControl()
      let seen: WorkflowRun | undefined
      github.actions.useRunner(async (run) => {
        seen = run
        const job = await run.job('ctss / source', { steps: ['Ask', 'Check out'] })
        await job.start('node-1')
        job.step('Check out')
        run.artifact('ctss-record', { 'record.json': '{}' })
        await job.complete()
      })
      await dispatch({ repository: 'sage/plugin', plan: 'run-1' })
      expect((await settled()).filter((event) => event.startsWith('workflow'))).toEqual([
        'workflow_run.requested',
        'workflow_job.queued',
        'workflow_run.in_progress',
        'workflow_job.in_progress',
        'workflow_job.completed',
        'workflow_run.completed',
      ])
      expect(seen).toMatchObject({ status: 'completed', conclusion: 'success', inputs: { repository: 'sage/plugin', plan: 'run-1' } })
      const octokit = asApp()
      const { data: jobs } = await octokit.rest.actions.listJobsForWorkflowRun({ ...CONTROL, run_id: seen?.id ?? 0 })
      expect(jobs.jobs).toMatchObject([
        {
          name: 'ctss / source',
          runner_name: 'node-1',
          conclusion: 'success',
          steps: [
            { name: 'Ask', conclusion: 'success' },
            { name: 'Check out', conclusion: 'success' },
          ],
        },
      ])
      const { data: artifacts } = await octokit.rest.actions.listWorkflowRunArtifacts({ ...CONTROL, run_id: seen?.id ?? 0, name: 'ctss-record' })
      const download = `${github.url}/repos/sage/control/actions/artifacts/${artifacts.artifacts[0]?.id}/zip`
      const link =
        (await fetch(download, { headers: { authorization: `token ${github.installation().token()}` }, redirect: 'manual' })).headers.get('location') ?? ''
      const zip = Buffer.from(await (await fetch(link)).arrayBuffer())
      expect([zip.toString('latin1', 0, 4), zip.includes('record.json'), zip.length]).toEqual(['PK\x03\x04', true, artifacts.artifacts[0]?.size_in_bytes])
      github.passTime(60_001)
      expect((await fetch(link)).status).toBe(403)
    })

    it('are cancelled and run again', async () => {
      await withControl()
      let isAborted = false
      github.actions.useRunner(async (run) => {
        await (await run.job('source')).start()
        if (run.attempt === 1)
          await new Promise<void>((resolve) =>
            run.signal.addEventListener('abort', () => {
              isAborted = true
              resolve()
            }),
          )
      })
      await dispatch({ repository: 'sage/plugin' })
      await vi.waitFor(() => expect(github.actions.runs()[0]?.jobs[0]?.status).toBe('in_progress'))
      const [run] = github.actions.runs()
      expect(await status(asApp().rest.actions.cancelWorkflowRun({ ...CONTROL, run_id: run?.id ?? 0 }))).toBe(202)
      await github.settle()
      expect([isAborted, run?.conclusion]).toEqual([true, 'cancelled'])
      expect(await status(asApp().rest.actions.cancelWorkflowRun({ ...CONTROL, run_id: run?.id ?? 0 }))).toContain('409')
      await octocat.rerun('sage/control', run?.id ?? 0)
      await github.settle()
      expect([run?.attempt, run?.jobs.length]).toEqual([2, 1])
    })

    it('give their jobs tokens that the real client asks for, and nobody else', async () => {
      await withControl()
      await dispatch({ repository: 'sage/plugin' })
      const [run] = github.actions.runs()
      const job = await run!.job('source')
      const { url, token } = job.tokenService()
      const quiet = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
      vi.stubEnv('ACTIONS_ID_TOKEN_REQUEST_URL', url)
      vi.stubEnv('ACTIONS_ID_TOKEN_REQUEST_TOKEN', token)
      const jwt = await getIDToken('https://ctss.example').finally(() => {
        quiet.mockRestore()
        vi.unstubAllEnvs()
      })
      const keys = createRemoteJWKSet(new URL(`${github.oidc.url}/.well-known/jwks`))
      const { payload } = await jwtVerify(jwt, keys, { issuer: github.oidc.url, audience: 'https://ctss.example' })
      const { id } = github.repo('sage/control')
      expect(payload).toMatchObject({
        repository: 'sage/control',
        repository_id: String(id),
        job_workflow_ref: 'sagecontinuum/ctss/.github/workflows/dispatch.yml@refs/tags/v1',
        workflow_ref: 'sage/control/.github/workflows/dispatch.yml@refs/heads/main',
        run_id: String(run!.id),
        run_attempt: '1',
        event_name: 'workflow_dispatch',
      })
      expect(payload.sub).toMatch(/^repo:sage@\d+\/control@\d+:ref:refs\/heads\/main$/)
      expect((await fetch(`${url}&audience=x`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
      expect(job.environment()).toMatchObject({ GITHUB_RUN_ID: String(run!.id), ACTIONS_ID_TOKEN_REQUEST_URL: url, GITHUB_REPOSITORY: 'sage/control' })
      await job.complete()
      expect((await fetch(`${url}&audience=x`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(403)
    })
  })

  it('answers what GitHub would, wherever it is asked', async () => {
    await start({ repositories: [{ name: 'sage/plugin', files: { '.github/workflows/x.yml': 'name: X\non: workflow_dispatch\njobs: {}\n', 'a/b': '1' } }] })
    const { commit } = await octocat.push('sage/plugin', 'topic/deep', { 'a/b': '2' })
    await octocat.tag('sage/plugin', 'v1')
    await stranger.fork('sage/plugin')
    const { number } = await octocat.openPull('sage/plugin', { head: 'topic/deep', body: 'why' })
    await stranger.openIssue('sage/plugin', 'an issue')
    await octocat.comment('sage/plugin', number, 'text')
    await octocat.release('sage/plugin', 'v1')
    const octokit = asApp()
    const { data: check } = await octokit.rest.checks.create({ ...PLACE, name: 'x', head_sha: commit, conclusion: 'success' })
    const suite = github.repo().checks(commit)[0]?.suite ?? 0
    const comments = [{ path: 'a/b', line: 1, body: 'x' }]
    const { data: review } = await octokit.rest.pulls.createReview({ ...PLACE, pull_number: number, event: 'COMMENT', comments })
    await octokit.rest.actions.createWorkflowDispatch({ ...PLACE, workflow_id: 'x.yml', ref: 'main' })
    const [run] = github.actions.runs()
    const job = await run!.job('one', { labels: ['self-hosted', 'linux'], steps: ['a'] })
    await job.start()
    run!.artifact('x', { a: '1' })
    const paths = [
      '',
      '/activity',
      '/branches',
      '/branches/topic/deep',
      '/tags',
      '/forks',
      '/labels',
      '/commits?path=a',
      `/commits/${commit}`,
      `/commits/${commit}/pulls`,
      '/compare/main...topic/deep',
      '/contents/a',
      '/contents/a/b?ref=topic/deep',
      '/git/ref/heads/topic/deep',
      '/git/matching-refs/heads',
      `/git/commits/${commit}`,
      `/git/trees/${commit}?recursive=1`,
      `/check-runs/${check.id}`,
      `/check-runs/${check.id}/annotations`,
      `/check-suites/${suite}`,
      `/check-suites/${suite}/check-runs`,
      `/commits/${commit}/check-runs?filter=all`,
      `/commits/${commit}/check-suites`,
      '/pulls?state=all',
      `/pulls/${number}`,
      `/pulls/${number}/files`,
      `/pulls/${number}/commits`,
      `/pulls/${number}/reviews`,
      `/pulls/${number}/reviews/${review.id}`,
      `/pulls/${number}/reviews/${review.id}/comments`,
      `/pulls/${number}/comments`,
      '/issues?state=all',
      `/issues/${number}`,
      `/issues/${number}/comments`,
      '/issues/comments',
      '/releases',
      '/releases/tags/v1',
      '/actions/workflows',
      '/actions/workflows/x.yml',
      '/actions/workflows/x.yml/runs',
      '/actions/runs',
      `/actions/runs/${run!.id}`,
      `/actions/runs/${run!.id}/attempts/1`,
      `/actions/runs/${run!.id}/jobs`,
      `/actions/runs/${run!.id}/attempts/1/jobs`,
      `/actions/jobs/${job.id}`,
      `/actions/runs/${run!.id}/artifacts`,
      '/actions/artifacts',
      '/collaborators/octocat/permission',
    ].map((path) => `/repos/sage/plugin${path}`)
    const headers = { authorization: `token ${github.installation().token()}` }
    for (const path of [...paths, '/rate_limit', '/users/octocat', '/users/ctss%5Bbot%5D', '/orgs/sage', '/installation/repositories'])
      expect((await fetch(`${github.url}${path}`, { headers })).status, path).toBe(200)
    expect([...github.deviations]).toEqual([])
  })

  describe('an older repository', () => {
    it('has no numbers in the subject of its tokens', async () => {
      await start({
        repositories: [{ name: 'sage/plugin', files: { '.github/workflows/x.yml': 'on: workflow_dispatch\njobs: {}\n' }, createdAt: '2026-07-14T00:00:00Z' }],
      })
      await asApp().rest.actions.createWorkflowDispatch({ ...PLACE, workflow_id: 'x.yml', ref: 'main' })
      const [run] = github.actions.runs('sage/plugin')
      const claims = JSON.parse(
        Buffer.from((await (await run!.job('x')).idToken('a', { run_id: 'forged' })).split('.')[1] ?? '', 'base64url').toString(),
      ) as object
      expect(claims).toMatchObject({
        sub: 'repo:sage/plugin:ref:refs/heads/main',
        job_workflow_ref: 'sage/plugin/.github/workflows/x.yml@refs/heads/main',
        run_id: 'forged',
      })
      await run!.remove()
      expect(await status(asApp().rest.actions.getWorkflowRun({ ...PLACE, run_id: run!.id }))).toBe('404 Not Found')
    })
  })

  describe('weather', () => {
    it('limits requests of an hour, points and content of a minute, where a test asks for it', async () => {
      await start({ limits: { perHour: 3 } })
      const get = () => status(asApp().rest.repos.get(PLACE))
      expect([await get(), await get(), await get()]).toEqual([200, 200, 200])
      expect(await get()).toContain('403 API rate limit exceeded')
      github.passTime(3_600_001)
      expect(await get()).toBe(200)
    })

    it.each([
      ['points', { pointsPerMinute: 11 }],
      ['content', { contentPerMinute: 2 }],
    ] as const)('limits the %s of a minute', async (_, limits) => {
      await start({ limits })
      const { number } = await octocat.openIssue('sage/plugin', 'x')
      const octokit = asApp()
      const make = () => status(octokit.rest.issues.createComment({ ...PLACE, issue_number: number, body: 'x' }))
      expect([await make(), await make()]).toEqual([201, 201])
      expect(await make()).toContain('403 You have exceeded a secondary rate limit')
      github.passTime(60_001)
      expect(await make()).toBe(201)
      expect(await github.repo().comments(number)).toHaveLength(3)
    })

    it('answers a conditional request by saying that nothing has changed, for nothing', async () => {
      await start({ limits: { perHour: 2 } })
      const headers = { authorization: `token ${github.installation().token()}` }
      const first = await fetch(`${github.url}/repos/sage/plugin`, { headers })
      const etag = first.headers.get('etag') ?? ''
      for (let times = 0; times < 5; times++)
        expect((await fetch(`${github.url}/repos/sage/plugin`, { headers: { ...headers, 'if-none-match': etag } })).status).toBe(304)
      expect(github.calls(/^GET/, 'ctss[bot]').map(({ status: code }) => code)).toEqual([200, 304, 304, 304, 304, 304])
    })

    it('shows lists that lag behind', async () => {
      await start()
      const sha = github.repo().head() ?? ''
      const octokit = asApp()
      github.lag({ on: /check-runs$/, requests: 2 })
      await octokit.rest.checks.create({ ...PLACE, name: 'x', head_sha: sha })
      const count = async () => (await octokit.rest.checks.listForRef({ ...PLACE, ref: sha })).data.total_count
      expect([await count(), await count(), await count()]).toEqual([0, 0, 1])
      github.lag({ ms: 1000 })
      await octokit.rest.checks.create({ ...PLACE, name: 'y', head_sha: sha })
      expect(await count()).toBe(1)
      github.passTime(1001)
      expect(await count()).toBe(2)
    })

    it('complains when it goes, where no test has looked', async () => {
      const own = await startGithub()
      await fetch(`${own.url}/repos/sage/plugin/nope`, { headers: { authorization: `token ${own.people.maintainer}` } })
      await expect(own[Symbol.asyncDispose]()).rejects.toThrow('no such operation')
      await start()
    })
  })

  describe('releases', () => {
    it('are told when they are made and published, also by hand', async () => {
      await start()
      await octocat.release('sage/plugin', 'v1', { body: 'mine' })
      const octokit = asApp()
      const { data: draft } = await octokit.rest.repos.createRelease({ ...PLACE, tag_name: 'v2', draft: true })
      await octokit.rest.repos.updateRelease({ ...PLACE, release_id: draft.id, tag_name: 'v2', draft: false, prerelease: true })
      expect((await settled()).filter((event) => !event.startsWith('check'))).toEqual([
        'create',
        'push',
        'release.created',
        'release.published',
        'release.released',
        'release.created',
        'create',
        'push',
        'release.published',
        'release.prereleased',
      ])
      expect(github.releases()).toMatchObject([
        { tag: 'v1', body: 'mine', author: 'octocat' },
        { tag: 'v2', author: 'ctss[bot]', draft: false },
      ])
    })
  })
})
