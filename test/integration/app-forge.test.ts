import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { apiBudget, type ApiBudget } from '../../adapters/github/api-budget.ts'
import type { GithubAppOptions } from '../../adapters/github/github-app.ts'
import { openFolder } from '../../adapters/repository-tree/open.ts'
import { machineMinutes } from '../../app/github/end-run.ts'
import type { AppForge, CheckContent, InstalledRepository } from '../../pipeline/ports/app-forge.ts'
import type { Forge } from '../../pipeline/ports/forge.ts'
import { upsertComment } from '../../pipeline/forge/upsert-comment.ts'
import { describeForgeContract } from '../contract/forge.ts'
import type { Github, GithubOptions } from '../support/github/api.ts'
import { startGithub } from '../support/github/github.ts'
import { githubPeople } from '../support/github/people.ts'
import { git, makeRepository } from '../support/layout.ts'
import { standInApp } from '../support/stand-in-app.ts'

const WORKFLOW =
  'on: { workflow_dispatch: { inputs: { plan: { required: true } } } }\nrun-name: ctss ${{ inputs.plan }}\njobs: { run: { runs-on: ubuntu-24.04, steps: [{ run: echo }] } }\n'
const CONTROL = { name: 'sage/control', isPrivate: true, files: { '.github/workflows/dispatch.yml': WORKFLOW } }
const FILES = { 'sage.yaml': 'name: x\n', 'app/main.py': 'print()\n' }

let used: Github | undefined
let folder: string | undefined
afterEach(async () => {
  const github = used
  used = undefined
  await github?.[Symbol.asyncDispose]()
  if (folder !== undefined) await rm(folder, { recursive: true })
  folder = undefined
})

interface World {
  readonly github: Github
  readonly app: AppForge
  readonly budget: ApiBudget
  readonly plugin: InstalledRepository
}

async function start(options: GithubOptions = {}, own: Partial<GithubAppOptions> = {}): Promise<World> {
  const github = await startGithub({ repositories: [{ name: 'sage/plugin', files: FILES }, CONTROL], ...options })
  used = github
  const budget = apiBudget()
  const app = standInApp(github, { budget, pause: async () => undefined, ...own })
  return { github, app, budget, plugin: { installation: github.installation('sage').id, id: github.repo('sage/plugin').id, owner: 'sage', name: 'plugin' } }
}

/** Lines of the requests that something took, without the repository. */
async function calls(github: Github, act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = github.log.length
  await act()
  return github.log
    .slice(before)
    .map(({ line, status }) => `${line.replace('/repos/sage/plugin', '').replace(/[0-9a-f]{40}/g, 'ID')}${status === 304 ? ' 304' : ''}`)
}

describe('the port', () => {
  describeForgeContract('a GitHub App', async () => {
    const { github, app, plugin } = await start()
    return { forge: app.open(plugin) satisfies Forge, people: githubPeople(github) }
  })
})

describe('the app', () => {
  it('knows itself, where it is installed, and in which repositories', async () => {
    const { app, github, plugin } = await start()
    expect(await app.self()).toEqual({ id: github.app.id, slug: 'ctss', login: 'ctss[bot]' })
    expect(await app.installations()).toEqual([
      { id: plugin.installation, owner: 'sage', isSuspended: false, permissions: expect.objectContaining({ checks: 'write' }) as unknown },
    ])
    expect(await app.installation(plugin.installation)).toEqual((await app.installations())[0])
    expect(await app.installation(1)).toBeUndefined()
    expect(await app.repositoriesOf(plugin.installation)).toEqual([
      { ...plugin, isArchived: false, defaultBranch: 'main' },
      { installation: plugin.installation, id: github.repo('sage/control').id, owner: 'sage', name: 'control', isArchived: false, defaultBranch: 'main' },
    ])
  })

  it('is known by its other key while one is being changed', async () => {
    const { github, app } = await start()
    const old = github.app.privateKey
    const next = github.app.addKey()
    const both = standInApp(github, { privateKeys: [next, old] })
    expect(await both.self()).toMatchObject({ slug: 'ctss' })
    github.app.removeKey(next)
    expect(await app.self()).toMatchObject({ slug: 'ctss' })
    expect(await both.installations()).toHaveLength(1)
  })

  it('gives a job a token that reads one repository and writes nothing', async () => {
    const { app, github, plugin } = await start()
    const { token, expires } = await app.readToken(plugin)
    expect(Date.parse(expires)).toBeGreaterThan(Date.now())
    const ask = async (method: string, path: string, body?: object): Promise<number> =>
      (
        await fetch(`${github.url}${path}`, {
          method,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          ...(body && { body: JSON.stringify(body) }),
        })
      ).status
    expect(await ask('GET', '/repos/sage/plugin/git/ref/heads/main')).toBe(200)
    expect(await ask('GET', '/repos/sage/control/git/ref/heads/main')).toBe(404)
    expect(await ask('POST', '/repos/sage/plugin/git/blobs', { content: 'x' })).toBe(403)
  })

  it('sees what was delivered, and has it delivered again', async () => {
    const { app, github } = await start()
    const since = new Date(Date.now() - 60_000).toISOString()
    await github.person('octocat').push('sage/plugin', 'main', { a: 'x' })
    await github.settle()
    const pushed = github.webhooks.deliveries.find(({ event }) => event === 'push')
    const [delivery] = (await app.deliveries(since)).filter(({ guid }) => guid === pushed?.guid)
    expect(delivery).toMatchObject({ succeeded: false })
    await app.redeliver(delivery!.id)
    await github.settle()
    expect((await app.deliveries(since)).filter(({ guid }) => guid === delivery!.guid)).toHaveLength(2)
    expect(await app.deliveries(new Date(Date.now() + 60_000).toISOString())).toEqual([])
  })

  it.each([
    ['uninstalled', async (github: Github) => github.installation('sage').uninstall(), /no longer installed/],
    ['suspended', async (github: Github) => github.installation('sage').suspend(), /suspended/],
    ['kept from the repository', async (github: Github) => github.installation('sage').removeRepositories('sage/plugin'), /not given this repository/],
  ] as const)('says in words that it was %s', async (_, change, message) => {
    const { app, github, plugin } = await start({ installations: [{ account: 'sage', repositories: ['sage/plugin', 'sage/control'] }] })
    await change(github)
    await expect(app.open(plugin).openPulls()).rejects.toMatchObject({ code: 'forge-refused', message: expect.stringMatching(message) as string })
  })

  it('says which permission it lacks, and does what it still may', async () => {
    const { app, github, plugin } = await start()
    await github.installation('sage').setPermission('checks', undefined)
    const forge = app.open(plugin)
    const head = (await forge.refCommit('refs/heads/main'))!
    await expect(forge.checks(head)).rejects.toMatchObject({ code: 'forge-refused', suggestion: expect.stringContaining('`checks: read`') as string })
    expect(await forge.facts()).toMatchObject({ name: 'plugin' })
  })

  it('asks for a token once, and again when it ends or is taken back', async () => {
    let aheadMs = 0
    const clock = { now: () => new Date(Date.now() + aheadMs).toISOString(), monotonicMs: () => performance.now() }
    const { app, github, plugin } = await start({}, { clock })
    const minted = (): number => github.calls(/access_tokens$/).length
    for (let times = 0; times < 2; times += 1) await Promise.all([app.open(plugin).facts(), app.open(plugin).openPulls()])
    expect(minted()).toBe(1)
    aheadMs = 3_700_000
    github.passTime(aheadMs)
    expect(await app.open(plugin).facts()).toBeDefined()
    expect(minted()).toBe(2)
  })
})

describe('a repository', () => {
  it('is followed through a rename and a transfer, and is gone when it is deleted', async () => {
    const { app, github, plugin } = await start()
    const octocat = github.person('octocat')
    expect(await app.open(plugin).facts()).toEqual({ id: plugin.id, owner: 'sage', name: 'plugin', isPrivate: false, isArchived: false, defaultBranch: 'main' })
    await octocat.renameRepository('sage/plugin', 'renamed')
    const forge = app.open(plugin)
    expect(await forge.facts()).toMatchObject({ name: 'renamed' })
    expect(await forge.refCommit('refs/heads/main')).toBe(github.repo('sage/renamed').head('main'))
    await octocat.archiveRepository('sage/renamed')
    expect(await app.open(plugin).facts()).toMatchObject({ isArchived: true })
    await octocat.unarchiveRepository('sage/renamed')
    await octocat.deleteRepository('sage/renamed')
    expect(await app.open(plugin).facts()).toBeUndefined()
  })

  it('tells commits, refs, and what is on the default branch', async () => {
    const { app, github, plugin } = await start()
    const octocat = github.person('octocat')
    const main = github.repo('sage/plugin').head('main')!
    const { commit } = await octocat.push('sage/plugin', 'side/branch', { a: 'x' }, { message: 'first line\n\nmore' })
    await octocat.tag('sage/plugin', 'v1.0.0', { commit, isAnnotated: true })
    const forge = app.open(plugin)
    expect(await forge.refCommit('refs/heads/side/branch')).toBe(commit)
    expect(await forge.refCommit('refs/tags/v1.0.0')).toBe(commit)
    expect(await forge.refCommit('refs/heads/none')).toBeUndefined()
    expect(await forge.commit(commit)).toEqual({ message: 'first line\n\nmore' })
    expect(await forge.commit('0'.repeat(40))).toBeUndefined()
    expect([await forge.isOnDefaultBranch(main), await forge.isOnDefaultBranch(commit)]).toEqual([true, false])
    expect([await forge.isBranchHead(main), await forge.isBranchHead(commit), await forge.isBranchHead('0'.repeat(40))]).toEqual([true, true, false])
    await octocat.push('sage/plugin', 'main', { b: 'y' })
    expect([await forge.isOnDefaultBranch(main), await forge.isBranchHead(main)]).toEqual([true, false])
  })

  it('that is empty has no commits', async () => {
    const { app, github } = await start({ repositories: [{ name: 'sage/plugin' }, { name: 'sage/empty', files: {} }, CONTROL] })
    const { id } = github.repo('sage/empty')
    const forge = app.open({ installation: github.installation('sage').id, id, owner: 'sage', name: 'empty' })
    expect(await forge.refCommit('refs/heads/main')).toBeUndefined()
    expect(await forge.commit('1'.repeat(40))).toBeUndefined()
  })

  it('tells who may do what, and who pushed', async () => {
    const { app, github, plugin } = await start()
    const { commit } = await github.person('octocat').push('sage/plugin', 'side', { a: 'x' })
    const forge = app.open(plugin)
    expect([await forge.access('octocat'), await forge.access('stranger'), await forge.access('nobody-at-all')]).toEqual(['write', 'read', 'none'])
    expect(await forge.lastPusher('refs/heads/side', commit)).toEqual({ login: 'octocat', kind: 'person' })
    expect(await forge.lastPusher('refs/heads/none', commit)).toBeUndefined()
    await github.person('octocat').push('sage/plugin', 'side', { a: 'y' })
    expect(await forge.lastPusher('refs/heads/side', commit)).toBeUndefined()
  })

  it('tells the pull requests of a branch, of forks, and of forks that are gone', async () => {
    const { app, github, plugin } = await start()
    const [octocat, stranger] = [github.person('octocat'), github.person('stranger')]
    const { commit } = await octocat.push('sage/plugin', 'fix', { a: 'x' })
    const own = await octocat.openPull('sage/plugin', { head: 'fix', isDraft: true })
    const fork = await stranger.fork('sage/plugin')
    await stranger.push(fork, 'fix', { a: 'y' })
    const foreign = await stranger.openPull('sage/plugin', { head: 'stranger:fix' })
    const forge = app.open(plugin)
    const draft = {
      number: own.number,
      isDraft: true,
      isFork: false,
      author: { login: 'octocat', kind: 'person' },
      baseBranch: 'main',
      head: commit,
      headBranch: 'fix',
      isOpen: true,
    }
    expect(await forge.pullRequestsOf('fix')).toEqual([draft])
    expect(await forge.pull(own.number)).toEqual(draft)
    expect(await forge.pull(foreign.number)).toMatchObject({ isFork: true, head: foreign.head, headBranch: 'fix', author: { login: 'stranger' } })
    expect((await forge.openPulls()).map(({ number }) => number).toSorted((one, other) => one - other)).toEqual([own.number, foreign.number])
    await stranger.deleteRepository(fork)
    expect(await forge.pull(foreign.number)).toMatchObject({ isFork: true, head: foreign.head, headBranch: undefined })
    await octocat.closePull('sage/plugin', own.number)
    expect(await forge.pullRequestsOf('fix')).toEqual([])
    expect(await forge.pull(own.number)).toMatchObject({ isOpen: false })
    expect(await forge.pull(987_654)).toBeUndefined()
  })

  it('is read as a checkout of it is', async () => {
    const { app, github, plugin } = await start()
    folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
    const [source, checkout] = [join(folder, 'source'), join(folder, 'checkout')]
    makeRepository(folder, {})
    git(folder, 'init', '-q', source)
    makeRepository(source, { ...FILES, 'run.sh': { program: '#!/bin/sh\n' }, link: { link: 'app/main.py' }, 'ünï/😀': 'x', 'app/up': { link: '../sage.yaml' } })
    const { commit } = await github.person('octocat').mirror('sage/plugin', source, 'HEAD', 'refs/heads/mirrored')
    git(folder, 'clone', '-q', `file://${source}`, checkout)
    git(checkout, 'checkout', '-q', '--detach')
    git(checkout, 'remote', 'set-url', 'origin', 'https://github.com/sage/plugin')
    const forge = app.open(plugin)
    for (const inner of ['', 'app']) {
      const [tree, expected] = [forge.tree(commit, inner), await openFolder(join(checkout, inner))]
      expect(await tree.entries()).toEqual(await expected.entries())
      const { described: _described, ...subject } = await expected.subject()
      expect(await tree.subject()).toEqual(subject)
      expect(await tree.digest()).toBe(await expected.digest())
      for (const { path } of await expected.entries()) expect([path, await tree.read(path, 100)]).toEqual([path, await expected.read(path, 100)])
    }
  })
})

const CHECK: CheckContent = {
  name: 'ctss / build',
  state: { status: 'in_progress' },
  title: 'Building',
  summary: 'text',
  buttons: [{ label: 'Run again', description: 'Runs everything', identifier: 'run' }],
  detailsUrl: 'https://app.example.org/runs/1',
  externalId: 'key',
  annotations: [],
}

describe('what the app writes', () => {
  it('are checks, which grow and end', async () => {
    const { app, github, plugin } = await start()
    const forge = app.open(plugin)
    const head = (await forge.refCommit('refs/heads/main'))!
    const annotations = Array.from({ length: 50 }, (_, index) => ({
      path: 'sage.yaml',
      startLine: 1,
      endLine: 1,
      level: 'failure' as const,
      message: `m ${index}`,
      title: 't',
    }))
    const id = await forge.createCheck(head, { ...CHECK, annotations })
    expect(await forge.updateCheck(id, { ...CHECK, state: { status: 'completed', conclusion: 'failure' }, annotations: annotations.slice(0, 10) })).toBe(true)
    expect(await forge.checks(head)).toEqual([{ id, name: 'ctss / build', annotationCount: 60 }])
    expect(github.repo('sage/plugin').checks(head)).toMatchObject([
      { externalId: 'key', status: 'completed', conclusion: 'failure', title: 'Building', detailsUrl: CHECK.detailsUrl, actions: CHECK.buttons },
    ])
    expect(await forge.updateCheck(987_654, CHECK)).toBe(false)
    await expect(forge.createCheck('1'.repeat(40), CHECK)).rejects.toMatchObject({ code: 'forge-refused' })
  })

  it('are one comment, reactions, and suggestions at lines of the diff', async () => {
    const { app, github, plugin } = await start()
    const octocat = github.person('octocat')
    const { commit } = await octocat.push('sage/plugin', 'fix', { 'sage.yaml': 'name: y\nversion: "1"\n' })
    const { number } = await octocat.openPull('sage/plugin', { head: 'fix' })
    const { id } = await octocat.comment('sage/plugin', number, '/ctss run')
    const forge = app.open(plugin)
    for (let times = 0; times < 2; times += 1) await upsertComment(forge, { pullRequest: number, plugin: '.', text: 'report', commit })
    for (let times = 0; times < 2; times += 1) await forge.react(id, '+1')
    await forge.react(987_654, 'eyes')
    expect(await github.repo('sage/plugin').comments(number)).toMatchObject([
      { login: 'octocat', reactions: [{ login: 'ctss[bot]', content: '+1' }] },
      { login: 'ctss[bot]', body: expect.stringContaining('report') as string },
    ])
    expect(await forge.suggest(number, commit, [{ path: 'sage.yaml', startLine: 1, line: 2, body: '```suggestion\nname: z\n```' }])).toBe(true)
    expect(await forge.suggest(number, commit, [{ path: 'app/main.py', startLine: 1, line: 1, body: 'x' }])).toBe(false)
    expect(await forge.reviewComments(number)).toEqual(['```suggestion\nname: z\n```'])
    expect(github.repo('sage/plugin').reviews(number)).toMatchObject([{ commit, comments: [{ path: 'sage.yaml', line: 2, startLine: 1 }] }])
  })

  it('are proposals, one of a branch, and never over what somebody else has there', async () => {
    const { app, github, plugin } = await start()
    const files = [
      { path: 'ctss.yaml', content: Buffer.from('schema: x\n') },
      { path: 'icon.png', content: Buffer.from([0xff, 0, 0xfe]) },
    ]
    const proposal = { branch: 'ctss/init', base: 'main', title: 'Add a pipeline', body: 'text', files }
    const forge = app.open(plugin)
    const first = await forge.propose(proposal)
    expect(await forge.propose(proposal)).toEqual(first)
    const repository = github.repo('sage/plugin')
    expect(repository.pulls()).toMatchObject([{ number: first.number, title: 'Add a pipeline', headRef: 'ctss/init', base: 'main', author: 'ctss[bot]' }])
    expect([repository.file('ctss.yaml', 'ctss/init'), repository.file('sage.yaml', 'ctss/init')]).toEqual(['schema: x\n', 'name: x\n'])
    await github.person('octocat').closePull('sage/plugin', first.number)
    const second = await forge.propose(proposal)
    expect(second.number).toBeGreaterThan(first.number)
    const { commit } = await github.person('octocat').push('sage/plugin', 'theirs', { 'ctss.yaml': 'mine\n' })
    await expect(forge.propose({ ...proposal, branch: 'theirs' })).rejects.toMatchObject({ code: 'forge-refused' })
    expect(repository.head('theirs')).toBe(commit)
  })
})

describe('the control repository', () => {
  it('starts a run, finds it, follows it, and fetches what it left', async () => {
    const { app, github } = await start()
    const control = app.openControl()
    const since = new Date(Date.now() - 60_000).toISOString()
    const id = await control.dispatch({ plan: 'plan-1' })
    await control.dispatch({ plan: 'plan-2' })
    expect(await control.findRuns('plan-1', since)).toEqual([id])
    expect(await control.run(id)).toMatchObject({ id, status: 'queued', conclusion: null, jobs: [] })
    const run = github.actions.runs('sage/control').find((one) => one.id === id)!
    const job = await run.job('build', { steps: ['checkout', 'build'] })
    await job.start('node-1')
    job.step('build')
    expect(await control.run(id)).toMatchObject({ status: 'in_progress', jobs: [{ name: 'build', status: 'in_progress', runner: 'node-1', step: 'build' }] })
    run.artifact('ctss-build', { 'record.json': '{}' })
    await job.complete()
    await run.complete()
    expect(await control.run(id)).toMatchObject({
      status: 'completed',
      conclusion: 'success',
      jobs: [{ status: 'completed', conclusion: 'success', step: null }],
    })
    const [artifact] = await control.artifacts(id)
    expect(artifact).toMatchObject({ name: 'ctss-build' })
    expect((await control.downloadArtifact(artifact!.id, 10_000)).subarray(0, 2).toString()).toBe('PK')
    await expect(control.downloadArtifact(artifact!.id, 10)).rejects.toMatchObject({ code: 'storage-corrupt' })
    await control.cancel(id)
  })

  it('tells when its jobs ended, so that they cost nothing after that, and what was skipped nothing at all', async () => {
    const { app, github } = await start()
    const id = await app.openControl().dispatch({ plan: 'plan-1' })
    const run = github.actions.runs('sage/control').find((one) => one.id === id)!
    const [build, skipped] = [await run.job('build'), await run.job('publish')]
    await build.start('node-1')
    await build.complete()
    await skipped.complete('skipped')
    await run.complete()
    const facts = await app.openControl().run(id)
    expect(facts.jobs.map(({ conclusion, ended }) => [conclusion, typeof ended])).toEqual([
      ['success', 'string'],
      ['skipped', 'string'],
    ])
    expect(machineMinutes(facts, new Date(Date.now() + 86_400_000).toISOString())).toBeLessThanOrEqual(1)
  })

  it('cancels a run, and knows when there is none', async () => {
    const { app, github } = await start()
    const control = app.openControl()
    const id = await control.dispatch({ plan: 'plan-1' })
    await control.cancel(id)
    await github.settle()
    expect(await control.run(id)).toMatchObject({ status: 'completed', conclusion: 'cancelled' })
    expect(await control.run(1)).toMatchObject({ status: 'missing' })
  })

  it('leaves open whether a run was started where the answer is lost', async () => {
    const { app, github } = await start()
    const since = new Date(Date.now() - 60_000).toISOString()
    github.arm({ kind: 'cut-after', on: /dispatches$/ })
    await expect(app.openControl().dispatch({ plan: 'plan-1' })).rejects.toMatchObject({ code: 'forge-unavailable' })
    expect(await app.openControl().findRuns('plan-1', since)).toHaveLength(1)
  })
})

describe('the calls', () => {
  it('are few, and are not counted where nothing has changed', async () => {
    const { app, github, plugin, budget } = await start()
    const octocat = github.person('octocat')
    const { commit } = await octocat.push('sage/plugin', 'fix', { a: 'x' })
    const { number } = await octocat.openPull('sage/plugin', { head: 'fix' })
    const look = async (): Promise<void> => {
      const forge = app.open(plugin)
      await forge.facts()
      await forge.refCommit('refs/heads/fix')
      await forge.commit(commit)
      await forge.pullRequestsOf('fix')
      await forge.checks(commit)
      await forge.comments(number)
      await forge.access('octocat')
      const tree = forge.tree(commit)
      await tree.subject()
      await tree.read('sage.yaml', 1000)
    }
    // The stand-in writes down a repository's name where it was asked for by its number.
    const steady = ['', '/git/ref/heads/fix', '/pulls', '/commits/ID/check-runs', `/issues/${number}/comments`, '/collaborators/octocat/permission']
    const found = await calls(github, look)
    expect(found.filter((line) => !/access_tokens|GET \/app$/.test(line)).toSorted()).toEqual(
      [...steady, '/git/commits/ID', '/git/trees/ID', '/git/blobs/ID'].map((path) => `GET ${path}`).toSorted(),
    )
    const again = await calls(github, look)
    expect(again).toEqual(steady.map((path) => `GET ${path} 304`))
    expect(budget.uses().find(({ installation }) => installation === plugin.installation)).toMatchObject({
      notModified: steady.length,
      limit: expect.any(Number) as number,
    })
  })

  it('are at most so many at once, however many are wanted', async () => {
    const { app, github, plugin } = await start({}, { atOnce: 2 })
    const forge = app.open(plugin)
    await forge.facts()
    github.arm({ kind: 'silent', on: /pulls/, times: 99 })
    const controller = new AbortController()
    const waiting = app.open(plugin, controller.signal)
    const before = github.log.length
    const all = [1, 2, 3, 4].map(async (number) => waiting.pull(number).catch((cause: unknown) => cause))
    while (github.log.length < before + 2) await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    for (const result of await Promise.all(all)) expect(result).toMatchObject({ code: 'cancelled' })
    expect(github.log.length - before).toBe(2)
    github.disarm()
    expect(await forge.refCommit('refs/heads/main')).toBeDefined()
  })
})
