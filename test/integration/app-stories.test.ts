import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refAdvancer } from '../../app/github/advance-ref.ts'
import { commitJudge } from '../../app/github/judge-commit.ts'
import type { AppServices } from '../../app/github/services.ts'
import { takeRecords } from '../../app/api/take-records.ts'
import { keepDelivery } from '../../app/keep-delivery.ts'
import { readAppManifest } from '../../app/manifest.ts'
import { startServer, type RunningServer } from '../../app/server.ts'
import { compareWorld } from '../../app/sweeps/compare-world.ts'
import { redeliverLost } from '../../app/sweeps/redeliver-lost.ts'
import { webhook } from '../../app/webhook.ts'
import { machineClock } from '../../adapters/machine/clock.ts'
import { makeRunPlan } from '../../pipeline/plan/make-run-plan.ts'
import { DEFAULT_RUNNERS } from '../../pipeline/runner-classes.ts'
import { readPipeline } from '../../pipeline/validate/read-pipeline.ts'
import { TESTBED_VERSION } from '../../pipeline/virtual/testbed-version.ts'
import { PASSING, POLICY, runPlan } from '../support/app-world.ts'
import type { Github, Person, StoredCheck } from '../support/github/api.ts'
import { startGithub } from '../support/github/github.ts'
import { memoryBlobs } from '../support/memory-blobs.ts'
import { memoryPorts } from '../support/memory-ports.ts'
import { memoryServiceStore } from '../support/memory-service-store.ts'
import { standInApp } from '../support/stand-in-app.ts'

const PLUGIN = 'sage/plugin'
const CONTROL = 'sage/control'
const WORKFLOW = `on:
  workflow_dispatch:
    inputs: { repository: { required: true }, commit: { required: true }, plan: { default: '' }, app: { default: '' }, path: { default: . } }
run-name: \${{ inputs.repository }} · \${{ inputs.plan }}
jobs: { source: { runs-on: ubuntu-24.04, steps: [{ run: echo }] } }
`

let github: Github
let octocat: Person
let stranger: Person
let services: AppServices
let server: RunningServer
let folder: string
const ending: AbortController[] = []
const working: Promise<void>[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-stories-'))
  github = await startGithub({
    repositories: [
      { name: PLUGIN, files: { 'README.md': 'A plugin to come.\n' } },
      { name: CONTROL, isPrivate: true, files: { '.github/workflows/dispatch.yml': WORKFLOW } },
    ],
    installations: [{ account: 'sage' }],
  })
  octocat = github.person('octocat')
  stranger = github.person('stranger')
  const blobs = memoryBlobs()
  const stagePorts = { ...memoryPorts(blobs, folder), testbedVersion: TESTBED_VERSION }
  const { state, inbox } = memoryServiceStore({ backoffMs: 20 })
  const forge = standInApp(github, { pause: async () => undefined })
  const log = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' })
  services = {
    forge,
    state,
    inbox,
    judge: commitJudge({
      isolated: {
        judge: async (tree, options) => ({ kind: 'judged', reading: await readPipeline(tree, options), fixes: [] }),
        plan: async (request) => ({ kind: 'planned', ...(await makeRunPlan(request)) }),
      },
      state,
      planning: stagePorts,
      runners: DEFAULT_RUNNERS,
      users: new Map(),
      clock: machineClock,
      toolVersion: '0.1.0',
      onBug(error) {
        throw error
      },
    }),
    blobs,
    images: { registry: stagePorts.registry, namespace: stagePorts.registryRoot },
    catalogue: stagePorts.catalogue,
    releaseBefore: async () => undefined,
    clock: machineClock,
    log,
    policy: POLICY,
    githubUrl: 'https://github.com',
    publicUrl: 'https://ctss.example',
    runUrl: (run, isPrivate) => `https://ctss.example/runs/${run}${isPrivate ? '?key=secret' : ''}`,
    dispatchInputs: {},
    permissions: readAppManifest().permissions,
    toolVersion: '0.1.0',
    settleMs: 200,
    pause: async (ms, signal) => sleep(ms, undefined, { signal }),
  }
  const receive = webhook({
    secrets: [github.app.webhookSecret],
    receive: async (event) =>
      keepDelivery(event, { ...services, put: async (deliveries) => void (await services.inbox.putAll(deliveries)), appId: github.app.id }),
    isDraining: () => false,
    count: () => undefined,
    log,
  })
  server = await startServer({ fetch: receive }, { host: '127.0.0.1', port: 0 })
  github.webhooks.connect(`http://127.0.0.1:${server.port}/`)
  github.actions.useRunner(async (workflow) => {
    const run = await state.run(workflow.inputs['plan'] ?? '')
    if (run === undefined) throw new Error('nobody has dispatched it')
    const source = await workflow.job('source')
    await source.start()
    await state.claimRun(run.id, { workflowRun: workflow.id, attempt: 1, at: machineClock.now() })
    await state.moveRun(run.id, { state: 'running', now: machineClock.now(), workflowRun: workflow.id })
    await source.complete()
    const build = await workflow.job('pipeline / build / linux/amd64')
    await build.start('runner-1')
    const { id, owner, name, installation = 0 } = (await state.repository(run.repository))!
    const tree = forge.open({ id, owner, name, installation }).tree(run.commit, run.path === '' ? undefined : run.path)
    const records = await runPlan(run.plan, { tree, folder, stagePorts, blobs, clock: machineClock })
    if (workflow.signal.aborted) return
    await build.complete()
    const taken = await takeRecords(
      run,
      { records },
      { state, inbox, blobs, clock: machineClock, registry: stagePorts.registry, namespace: stagePorts.registryRoot },
    )
    if (taken.kind !== 'taken') throw new Error(JSON.stringify(taken))
    await workflow.complete('success')
  })
  startWorker()
  await compareWorld(services, new AbortController().signal)
  await settle()
})

afterEach(async () => {
  for (const end of ending.splice(0)) end.abort()
  await Promise.all(working.splice(0))
  server.cut()
  await server.close()
  await rm(folder, { recursive: true, force: true })
  await github[Symbol.asyncDispose]()
})

/** Nothing has two check runs at a commit. */
function expectNoCheckTwice(commit: string): void {
  const names = github
    .repo(PLUGIN)
    .checks(commit)
    .map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
}

/** One more replica. */
function startWorker(): void {
  const end = new AbortController()
  const advance = refAdvancer(services)
  ending.push(end)
  working.push(services.inbox.work(advance, { parallel: 4, signal: end.signal }))
}

/** Until nothing is under way, at GitHub and here; what sleeps for longer is left asleep. */
async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 3;) {
    await github.settle()
    const { waiting, active, retrying } = await services.inbox.counts()
    quiet = waiting + active + retrying === 0 ? quiet + 1 : 0
    await sleep(20)
  }
  expect(await services.inbox.parked(10)).toEqual([])
}

function checksOf(commit: string): Readonly<Record<string, string>> {
  const checks: readonly StoredCheck[] = github.repo(PLUGIN).checks(commit)
  return Object.fromEntries(checks.toSorted((one, other) => one.id - other.id).map(({ name, status, conclusion }) => [name, conclusion ?? status]))
}

/** Requests of the app that GitHub counts. */
function requests(): number {
  return github.log.filter(({ login, status }) => login.startsWith('ctss') && status !== 304).length
}

/** Comments of the app on a pull request. */
async function commentsOn(number: number) {
  return (await github.repo(PLUGIN).comments(number)).filter(({ login }) => login === 'ctss[bot]')
}

function dispatches(): number {
  return github.actions.runs(CONTROL).length
}

function checkNamed(name: string, commit: string): StoredCheck {
  const found = github
    .repo(PLUGIN)
    .checks(commit)
    .filter((check) => check.name === name)
  if (found.length !== 1) throw new Error(`${found.length} checks are called ${name}`)
  return found[0]!
}

describe('stories at GitHub', () => {
  it('a push with every stage takes 40 requests at most, one that changes nothing 12', async () => {
    await octocat.push(PLUGIN, 'feature', { 'README.md': 'Something to talk about.\n' })
    await octocat.openPull(PLUGIN, { head: 'feature' })
    await settle()
    const before = requests()
    const { commit } = await octocat.push(PLUGIN, 'feature', PASSING)
    await settle()
    const first = requests() - before
    expect(checksOf(commit)).toMatchObject({ ctss: 'success', 'ctss / build': 'success', 'ctss / virtual': 'success', 'ctss / publish': 'success' })
    expect(await commentsOn(1)).toHaveLength(1)
    const { commit: same } = await octocat.push(PLUGIN, 'feature', { 'docs/notes.md': 'text\n' })
    await settle()
    const second = requests() - before - first
    expect(checksOf(same)).toMatchObject({ ctss: 'success', 'ctss / build': 'success' })
    expect(dispatches()).toBe(1)
    console.log(`requests: ${first} for a push with every stage, ${second} for one that changes nothing`)
    expect(first).toBeLessThanOrEqual(40)
    expect(second).toBeLessThanOrEqual(12)
  })

  it('a push with a mistake gets its line annotated, and spends nothing', async () => {
    const { commit } = await octocat.push(PLUGIN, 'main', { ...PASSING, 'sage.yaml': PASSING['sage.yaml']!.replace('linux/arm64', 'linux/mips') })
    await settle()
    expect(checksOf(commit)).toMatchObject({ ctss: 'failure', 'ctss / validate': 'failure', 'ctss / build': 'skipped' })
    expect(checkNamed('ctss / validate', commit).annotations).toHaveLength(1)
    expect(dispatches()).toBe(0)
  })

  it('a pull request from a fork runs when its head is approved, and not before, and not its next one', async () => {
    await octocat.push(PLUGIN, 'main', PASSING)
    await settle()
    const before = dispatches()
    const fork = await stranger.fork(PLUGIN)
    await stranger.push(fork, 'fix', { 'main.py': 'from waggle.plugin import Plugin\n' })
    const { number, head } = await stranger.openPull(PLUGIN, { head: 'stranger:fix' })
    await settle()
    expect(dispatches()).toBe(before)
    expect(checksOf(head)).toMatchObject({ ctss: 'action_required', 'ctss / validate': 'success' })
    await stranger.comment(PLUGIN, number, `/ctss approve ${head}`)
    await settle()
    expect(dispatches()).toBe(before)
    await octocat.pressButton(PLUGIN, checkNamed('ctss', head).id, 'approve')
    await settle()
    expect(dispatches()).toBe(before + 1)
    expect(checksOf(head)).toMatchObject({ 'ctss / build': 'success', 'ctss / publish': 'skipped' })
    const { commit } = await stranger.push(fork, 'fix', { 'main.py': 'from waggle.plugin import Plugin\n\n' })
    await settle()
    expect(dispatches()).toBe(before + 1)
    expect(checksOf(commit)).toMatchObject({ ctss: 'action_required' })
  })

  it('a force-push takes the place of what runs, and deleting the branch stops it', async () => {
    github.actions.useRunner(undefined)
    const { commit: first } = await octocat.push(PLUGIN, 'feature', PASSING)
    await settle()
    const { commit: second } = await octocat.push(PLUGIN, 'feature', { 'main.py': 'print(2)\n' }, { onto: github.repo(PLUGIN).head('main')!, isWhole: false })
    await settle()
    expect(checksOf(first)).toMatchObject({ ctss: 'cancelled' })
    expect(checksOf(second)).toEqual({})
    await octocat.push(PLUGIN, 'other', PASSING)
    await settle()
    await octocat.deleteRef(PLUGIN, 'refs/heads/other')
    await settle()
    expect(github.actions.runs(CONTROL).map(({ conclusion }) => conclusion)).toEqual(['cancelled', 'cancelled'])
  })

  it('a command is answered once, and runs a stage again', async () => {
    await octocat.push(PLUGIN, 'feature', PASSING)
    const { number } = await octocat.openPull(PLUGIN, { head: 'feature' })
    await settle()
    const { id } = await octocat.comment(PLUGIN, number, '/ctss run build --again')
    await settle()
    expect(dispatches()).toBe(2)
    const asked = (await github.repo(PLUGIN).comments(number)).find((comment) => comment.id === id)
    expect(asked?.reactions.map(({ content }) => content)).toEqual(['+1'])
    await stranger.comment(PLUGIN, number, '/ctss run')
    await octocat.comment(PLUGIN, number, '/ctss help')
    await settle()
    expect(dispatches()).toBe(2)
    expect(await commentsOn(number)).toHaveLength(3)
  })

  it('a stage is run again by the buttons of its check', async () => {
    const { commit } = await octocat.push(PLUGIN, 'feature', PASSING)
    await settle()
    await octocat.rerequestCheck(PLUGIN, checkNamed('ctss / virtual', commit).id)
    await settle()
    expect(dispatches()).toBe(2)
    expect(checksOf(commit)).toMatchObject({ ctss: 'success', 'ctss / virtual': 'success' })
  })

  it.each([
    ['a tag', false],
    ['an annotated tag', true],
  ])('%s is released with its assets, and not again when it moves', async (_, isAnnotated) => {
    const { commit } = await octocat.push(PLUGIN, 'main', PASSING)
    await settle()
    await octocat.tag(PLUGIN, 'v1.2.3', { commit, isAnnotated })
    await settle()
    expect(checksOf(commit)).toMatchObject({ 'ctss / release (v1.2.3)': 'success' })
    const [release] = github.releases(PLUGIN)
    expect(release?.assets.map(({ name }) => name)).toContain('SHA256SUMS')
    expect(release).toMatchObject({ tag: 'v1.2.3', draft: false })
    const next = await octocat.push(PLUGIN, 'main', { 'main.py': 'print(2)\n' })
    await octocat.tag(PLUGIN, 'v1.2.3', { commit: next.commit, isAnnotated })
    await settle()
    expect(checksOf(next.commit)).toMatchObject({ 'ctss / release (v1.2.3)': 'failure' })
    expect(github.releases(PLUGIN)).toHaveLength(1)
  })

  it('a patch is released from the head of its own branch, and from nowhere else off the default branch', async () => {
    const { commit: first } = await octocat.push(PLUGIN, 'release/1.2', PASSING)
    const { commit: head } = await octocat.push(PLUGIN, 'release/1.2', { 'main.py': 'print(2)\n' })
    await settle()
    await octocat.tag(PLUGIN, '1.2.3', { commit: first })
    await settle()
    expect(checksOf(first)).toMatchObject({ 'ctss / release (1.2.3)': 'failure' })
    await octocat.tag(PLUGIN, 'v1.2.3', { commit: head })
    await settle()
    expect(checksOf(head)).toMatchObject({ 'ctss / release (v1.2.3)': 'success' })
  })

  it('what a database that was down did not take is asked for again', async () => {
    github.webhooks.steer(() => 'drop')
    const { commit } = await octocat.push(PLUGIN, 'main', PASSING)
    await settle()
    expect(checksOf(commit)).toEqual({})
    github.webhooks.steer(undefined)
    const later = { ...services, clock: { ...machineClock, now: () => new Date(Date.now() + 120_000).toISOString() } }
    const { asked } = await redeliverLost(later, new Date(Date.now() - 600_000).toISOString(), new AbortController().signal)
    expect(asked).toBeGreaterThan(0)
    await settle()
    expect(checksOf(commit)).toMatchObject({ ctss: 'success' })
  })

  it('every delivery doubled, to two workers, makes nothing twice', async () => {
    startWorker()
    github.webhooks.steer(() => 'double')
    const { commit } = await octocat.push(PLUGIN, 'feature', PASSING)
    await octocat.openPull(PLUGIN, { head: 'feature' })
    await settle()
    expect(dispatches()).toBe(1)
    expect(await commentsOn(1)).toHaveLength(1)
    expectNoCheckTwice(commit)
  })

  it.each([1, 2, 3, 4, 5])('events that come late, doubled and in any order end in the same (%i)', async (seed) => {
    github.webhooks.steer(() => 'hold')
    await octocat.push(PLUGIN, 'feature', PASSING)
    const { number } = await octocat.openPull(PLUGIN, { head: 'feature' })
    await octocat.comment(PLUGIN, number, '/ctss help')
    await octocat.tag(PLUGIN, 'v1.2.3', { commit: github.repo(PLUGIN).head('feature')! })
    const { commit } = await octocat.push(PLUGIN, 'feature', { 'main.py': 'print(2)\n' })
    let state = seed
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    await github.webhooks.release((held) => [...held, ...held].toSorted(() => random() - 0.5))
    github.webhooks.steer(undefined)
    await settle()
    expect(checksOf(commit)).toMatchObject({ ctss: 'success', 'ctss / virtual': 'success', 'ctss / publish': 'success' })
    expect(await commentsOn(number)).toHaveLength(2)
    expectNoCheckTwice(commit)
    const commits = github.actions.runs(CONTROL).map(({ inputs }) => inputs['commit'])
    expect(new Set(commits).size).toBe(commits.length)
    expect(await services.state.openRuns()).toEqual([])
  })

  it('lost answers make nothing twice', async () => {
    for (const on of [/POST .*\/check-runs$/, /POST .*\/comments$/, /POST .*\/dispatches$/]) github.arm({ kind: 'cut-after', on, times: 1 })
    const { commit } = await octocat.push(PLUGIN, 'feature', PASSING)
    await octocat.openPull(PLUGIN, { head: 'feature' })
    await settle()
    await settle()
    expect(checksOf(commit)).toMatchObject({ ctss: 'success' })
    expect(dispatches()).toBe(1)
    expect(await commentsOn(1)).toHaveLength(1)
    expectNoCheckTwice(commit)
  })

  it('a permission that is lacking is told in words', async () => {
    github.app.setPermission('pull_requests', 'read')
    const { commit } = await octocat.push(PLUGIN, 'feature', PASSING)
    await octocat.openPull(PLUGIN, { head: 'feature' })
    await settle()
    expect(checkNamed('ctss', commit).summary).toContain('pull\\_requests')
  })

  it('an installation that goes stops what runs', async () => {
    github.actions.useRunner(undefined)
    await octocat.push(PLUGIN, 'feature', PASSING)
    await settle()
    await github.installation('sage').removeRepositories(PLUGIN)
    await settle()
    expect(await services.state.openRuns()).toEqual([])
    expect(github.actions.runs(CONTROL).map(({ conclusion }) => conclusion)).toEqual(['cancelled'])
  })

  it('a repository without a manifest gets one by a pull request', async () => {
    await octocat.push(PLUGIN, 'main', { 'README.md': 'To be a plugin.\n' })
    const { number } = await octocat.openIssue(PLUGIN, 'Make it a plugin')
    await octocat.comment(PLUGIN, number, '/ctss init')
    await settle()
    const [proposed] = github.repo(PLUGIN).pulls()
    expect(proposed).toMatchObject({ author: 'ctss[bot]', base: 'main', state: 'open' })
    expect(checksOf(proposed!.head)).toMatchObject({ 'ctss / validate': 'success' })
  })
})
