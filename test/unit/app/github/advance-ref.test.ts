import { describe, expect, it } from 'vitest'
import { HEALTHY_PLUGIN } from '../../../support/healthy-plugin.ts'
import { digestOf } from '../../../../pipeline/digest.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import type { ReleaseSummary } from '../../../../pipeline/ports/catalogue.ts'
import { makeAppWorld, PASSING, PLUGIN, STRANGER, WRITER, type AppWorld } from '../../../support/app-world.ts'
import { putRelease } from '../../../support/github/memory-forge.ts'

const MAIN = 'refs/heads/main'
const FEATURE = 'refs/heads/feature'

/** What the checks of a commit say: the newest of each name. */
function checksOf({ repository }: AppWorld, commit: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    repository.checks
      .filter((check) => check.commit === commit)
      .map(({ name, state }) => [name, state.status === 'completed' ? state.conclusion : state.status]),
  )
}

function bodiesOf({ repository }: AppWorld, pull: number): readonly string[] {
  return (repository.forge.comments.get(pull) ?? []).filter(({ author }) => author === 'ctss[bot]').map(({ body }) => body)
}

/** Everything is done that somebody waits for. */
async function finish(world: AppWorld): Promise<void> {
  await world.settle()
  await world.runWorkflows()
  await world.settle(120_000)
}

describe('a push', () => {
  it('gets its checks, runs, and passes', async () => {
    await using world = await makeAppWorld()
    const commit = await world.push(MAIN)
    await world.settle()
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'in_progress', 'ctss / validate': 'success', 'ctss / build': 'queued', 'ctss / train': 'skipped' })
    expect(world.github.runs).toHaveLength(1)
    expect(world.github.runs[0]!.inputs).toMatchObject({ repository: 'sage/plugin', commit, app: 'https://ctss.example', path: '.', registry: 'registry.test' })
    await world.runWorkflows()
    await world.settle(120_000)
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'success', 'ctss / build': 'success', 'ctss / virtual': 'success', 'ctss / publish': 'success' })
    expect(world.bugs).toEqual([])
    expect(world.due(MAIN)).toBeUndefined()
  })

  it('stays below the budget of calls, and costs little when it changes nothing', async () => {
    await using world = await makeAppWorld()
    await world.push(MAIN)
    await world.openPull(MAIN)
    await finish(world)
    // Two requests show a workflow run and its jobs.
    const cost = (): number => world.github.calls.length + world.github.calls.filter((call) => call.startsWith('control.run')).length
    const whole = cost()
    expect(whole).toBeLessThanOrEqual(40)
    await world.push(MAIN, { 'docs/notes.md': 'Nothing that anything depends on.\n' })
    await world.settle()
    expect(world.github.runs).toHaveLength(1)
    expect(cost() - whole).toBeLessThanOrEqual(12)
    const again = cost()
    await world.deliver({ address: { repository: world.repository.id, ref: MAIN } })
    await world.settle()
    expect(cost() - again).toBeLessThanOrEqual(4)
  })

  it('says from which commit its results come when nothing has changed', async () => {
    await using world = await makeAppWorld()
    const first = await world.push(MAIN)
    await finish(world)
    const second = await world.push(MAIN, { 'docs/notes.md': 'text\n' })
    await world.settle()
    expect(checksOf(world, second)).toMatchObject({ ctss: 'success', 'ctss / build': 'success', 'ctss / virtual': 'success' })
    const build = world.repository.checks.find(({ name, commit }) => name === 'ctss / build' && commit === second)
    expect(build?.title).toContain(first.slice(0, 7))
  })

  it('with a broken manifest is told so at its lines, and runs nothing', async () => {
    await using world = await makeAppWorld()
    const inputs = Array.from({ length: 130 }, (_, n) => `  - {id: input-${n}, type: nonsense}\n`).join('')
    const commit = await world.push(MAIN, { ...PASSING, 'sage.yaml': `${HEALTHY_PLUGIN['sage.yaml']}inputs:\n${inputs}` })
    await world.settle()
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'failure', 'ctss / validate': 'failure' })
    const validate = world.repository.checks.find(({ name }) => name === 'ctss / validate')
    expect(validate?.annotations.length).toBeGreaterThan(50)
    expect(new Set(validate?.annotations.map((annotation) => JSON.stringify(annotation))).size).toBe(validate?.annotations.length)
    expect(world.github.runs).toEqual([])
  })

  it('takes the place of the one before', async () => {
    await using world = await makeAppWorld()
    const first = await world.push(FEATURE)
    await world.settle()
    const second = await world.push(FEATURE, { 'main.py': 'print(2)\n' })
    await world.settle()
    expect(world.github.runs.map(({ conclusion }) => conclusion)).toEqual(['cancelled', null])
    expect(checksOf(world, first)).toMatchObject({ ctss: 'cancelled', 'ctss / build': 'cancelled' })
    expect(checksOf(world, second)).toMatchObject({ ctss: 'in_progress' })
  })

  it('that deletes the branch stops its run', async () => {
    await using world = await makeAppWorld()
    await world.push(FEATURE)
    await world.settle()
    world.repository.refs.delete(FEATURE)
    await world.deliver({ address: { repository: world.repository.id, ref: FEATURE } })
    await world.settle()
    expect(world.github.runs.map(({ conclusion }) => conclusion)).toEqual(['cancelled'])
    expect(await world.services.state.openRuns()).toEqual([])
  })

  it('of several plugins gives each its checks', async () => {
    await using world = await makeAppWorld()
    const files = Object.entries(PASSING).flatMap(([path, text]) =>
      ['bird', 'cloud'].map((plugin) => [`plugins/${plugin}/${path}`, text.replace('name: cloud-counter', `name: ${plugin}-counter`)]),
    )
    const commit = await world.push(MAIN, Object.fromEntries(files))
    await finish(world)
    await finish(world)
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'success', 'ctss / build (plugins/bird)': 'success', 'ctss / build (plugins/cloud)': 'success' })
    expect(world.github.runs.map(({ inputs }) => inputs['path'])).toEqual(['plugins/bird', 'plugins/cloud'])
  })
})

describe('a push that GitHub does not show yet', () => {
  it.each([true, false])('is looked at again in a moment (a new branch: %s)', async (isNew) => {
    await using world = await makeAppWorld()
    if (!isNew) {
      await world.push(FEATURE, { 'README.md': 'text\n' })
      await world.settle()
    }
    world.passTime(1000)
    const before = world.repository.refs.get(FEATURE)
    const commit = await world.push(FEATURE)
    world.repository.refs.delete(FEATURE)
    if (before !== undefined) world.repository.refs.set(FEATURE, before)
    await world.settle()
    expect(world.due(FEATURE)).toBe('2026-11-21T12:00:16.000Z')
    world.repository.refs.set(FEATURE, commit)
    await world.settle(15_000)
    expect(checksOf(world, commit)).toMatchObject({ 'ctss / validate': 'success' })
  })
})

describe('what is not asked of GitHub', () => {
  it('is more than the tree of a commit without a manifest', async () => {
    await using world = await makeAppWorld()
    await world.push(MAIN, { 'README.md': 'text\n' })
    await world.settle()
    expect(world.github.calls.map((call) => call.split(' ')[0])).toEqual(['app.installation', 'facts', 'refCommit', 'tree'])
    expect(world.repository.checks).toEqual([])
  })

  it.each([
    ['an archived repository', (world: AppWorld) => void (world.repository.isArchived = true), ['app.installation 1', 'facts']],
    ['a repository that is gone', (world: AppWorld) => void (world.repository.isDeleted = true), ['app.installation 1', 'facts']],
    ['an installation that is gone', (world: AppWorld) => void world.github.installations.splice(0), ['app.installation 1']],
  ])('is anything more about %s', async (_, change: (world: AppWorld) => void, calls) => {
    await using world = await makeAppWorld()
    await world.push(MAIN)
    change(world)
    await world.settle()
    expect(world.github.calls).toEqual(calls)
  })

  it('is anything about a repository that the app was taken out of, whose runs end', async () => {
    await using world = await makeAppWorld()
    await world.push(FEATURE)
    await world.settle()
    const before = world.github.calls.length
    await world.services.state.putRepository({ id: world.repository.id, owner: 'sage', name: 'plugin', installation: undefined, isSuspended: false })
    await world.deliver({ address: { repository: world.repository.id, ref: FEATURE } })
    await world.settle()
    expect(world.github.calls.slice(before).every((call) => call.startsWith('control.'))).toBe(true)
    expect(await world.services.state.openRuns()).toEqual([])
  })

  it('is a tag that is no version', async () => {
    await using world = await makeAppWorld()
    await world.push('refs/tags/nightly')
    await world.settle()
    expect(world.repository.checks).toEqual([])
    expect(world.github.runs).toEqual([])
  })

  it('is anything about a repository that nobody knows', async () => {
    await using world = await makeAppWorld()
    await world.deliver({ address: { repository: 42, ref: MAIN } })
    await world.settle()
    expect(world.github.calls).toEqual([])
  })
})

describe('a pull request', () => {
  it('has one comment, that ends in the report', async () => {
    await using world = await makeAppWorld()
    await world.push(FEATURE)
    await world.openPull(FEATURE)
    await world.settle()
    expect(bodiesOf(world, 1)).toHaveLength(1)
    expect(bodiesOf(world, 1)[0]).toContain('| build |')
    expect(bodiesOf(world, 1)[0]).toMatch(/\[How it goes\]\(https:\/\/ctss\.example\/runs\/[0-9a-f-]{36}\)/)
    await world.runWorkflows()
    await world.settle(120_000)
    expect(bodiesOf(world, 1)).toHaveLength(1)
    expect(bodiesOf(world, 1)[0]!.match(/Passed: local\/cloud-counter/g)).toHaveLength(1)
  })

  it('gets its comment again when somebody has deleted it, and there is something new to say', async () => {
    await using world = await makeAppWorld()
    await world.push(FEATURE)
    await world.openPull(FEATURE)
    await world.settle()
    world.repository.forge.comments.clear()
    await world.runWorkflows()
    await world.settle(120_000)
    expect(bodiesOf(world, 1)).toHaveLength(1)
  })

  it('gets suggestions for what can be mended safely, once', async () => {
    await using world = await makeAppWorld()
    await world.push(FEATURE, { ...PASSING, 'sage.yaml': PASSING['sage.yaml']!.replace('version: "1.2.3"', 'version: 1.2') })
    await world.openPull(FEATURE)
    await world.settle()
    await world.push(FEATURE, { 'docs/notes.md': 'text\n' })
    await world.settle()
    expect(world.repository.reviews).toHaveLength(1)
    expect(world.repository.reviews[0]!.bodies).toHaveLength(1)
    expect(world.repository.reviews[0]!.bodies[0]).toContain('suggestion\nversion: "1.2')
  })

  it('from a fork waits for an approval of exactly its head', async () => {
    await using world = await makeAppWorld()
    await world.push(MAIN)
    await finish(world)
    const runs = world.github.runs.length
    const head = world.github.push(world.repository, 'refs/heads/their-fix', { 'main.py': 'print(3)\n' })
    await world.openPull('refs/heads/their-fix', { fork: 'fix', author: STRANGER })
    world.repository.refs.delete('refs/heads/their-fix')
    await world.settle()
    expect(world.github.runs).toHaveLength(runs)
    expect(checksOf(world, head)).toMatchObject({ ctss: 'action_required', 'ctss / validate': 'success' })
    expect(bodiesOf(world, 1)[0]).toMatch(new RegExp(`### ❗ Waits for approval.*\n\n.*/ctss approve .?${head}`))
    await world.ask('refs/pull/1/head', { kind: 'approve' }, { by: STRANGER, pull: 1, commit: head, id: 'comment:1' })
    await world.settle()
    expect(world.github.runs).toHaveLength(runs)
    await world.ask('refs/pull/1/head', { kind: 'approve' }, { by: WRITER, pull: 1, commit: head, id: 'comment:2' })
    await finish(world)
    expect(world.github.runs).toHaveLength(runs + 1)
    expect(checksOf(world, head)).toMatchObject({ 'ctss / build': 'success', 'ctss / publish': 'skipped' })
    const next = world.github.push(world.repository, 'refs/pull/1/head', { 'main.py': 'print(4)\n' })
    await world.deliver({ address: { repository: world.repository.id, ref: 'refs/pull/1/head' } })
    await world.settle()
    expect(world.github.runs).toHaveLength(runs + 1)
    expect(checksOf(world, next)).toMatchObject({ ctss: 'action_required' })
  })

  it('from a fork whose head is a branch of ours changes nothing of what is said of that branch', async () => {
    await using world = await makeAppWorld()
    await world.push(MAIN)
    await finish(world)
    const head = await world.push(FEATURE)
    await finish(world)
    const before = checksOf(world, head)
    await world.openPull(FEATURE, { fork: 'fix', author: STRANGER })
    await world.settle()
    expect(before).toMatchObject({ ctss: 'success' })
    expect(checksOf(world, head)).toEqual(before)
  })

  it('from the repository itself has its wishes moved to the branch', async () => {
    await using world = await makeAppWorld()
    await world.push(FEATURE)
    await world.openPull(FEATURE)
    await finish(world)
    await world.ask('refs/pull/1/head', { kind: 'run', stages: ['build'], again: true }, { pull: 1, id: 'comment:77' })
    await finish(world)
    expect(world.github.runs).toHaveLength(2)
    expect([...world.repository.reactions].map((reaction) => reaction.split(' ')[1])).toEqual(['+1'])
    expect(await world.services.state.openWishes({ repository: world.repository.id, ref: 'refs/pull/1/head' })).toEqual([])
    expect(await world.services.state.openWishes({ repository: world.repository.id, ref: FEATURE })).toEqual([])
  })
})

describe('what GitHub refuses', () => {
  it('is said by the summary check, and keeps nothing else from being done', async () => {
    await using world = await makeAppWorld()
    const commit = await world.push(FEATURE)
    await world.openPull(FEATURE)
    world.github.onCall = (call, isDone) => {
      if (!isDone && call.startsWith('createComment'))
        throw new Failure('forge-refused', 'GitHub refused to comment: the conversation is locked', { suggestion: 'Unlock it.' })
    }
    await finish(world)
    // A comment is not what a merge waits for.
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'success', 'ctss / validate': 'success' })
    const summary = (): string => world.repository.checks.find(({ name }) => name === 'ctss')?.summary ?? ''
    expect(summary()).toContain('the conversation is locked. Unlock it.')
    expect(world.github.runs).toHaveLength(1)

    const writes = (): number => world.github.calls.filter((call) => call.startsWith('updateCheck')).length
    const before = writes()
    await world.deliver({ address: { repository: world.repository.id, ref: FEATURE } })
    await world.settle()
    expect(writes()).toBe(before)

    world.github.onCall = () => undefined
    await world.deliver({ address: { repository: world.repository.id, ref: FEATURE } })
    await world.settle()
    expect(summary()).not.toContain('locked')
  })

  it('of the checks of the stages keeps anything from having passed', async () => {
    await using world = await makeAppWorld()
    const commit = await world.push(FEATURE)
    world.github.onCall = (call, isDone) => {
      if (!isDone && call.startsWith('createCheck') && world.repository.checks.length >= 2) throw new Failure('forge-refused', 'GitHub refused the check')
    }
    await finish(world)
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'action_required', 'ctss / validate': 'success' })
  })

  it('of a proposal is answered to whoever asked for it', async () => {
    await using world = await makeAppWorld()
    await world.push(FEATURE, PLUGIN)
    await world.openPull(FEATURE)
    await finish(world)
    world.github.onCall = (call, isDone) => {
      if (!isDone && call.startsWith('propose')) throw new Failure('forge-refused', 'the branch ctss/golden is there with other files')
    }
    await world.ask(FEATURE, { kind: 'record' }, { id: 'comment:1', pull: 1 })
    await world.settle()
    expect([...world.repository.reactions].map((reaction) => reaction.split(' ')[1])).toEqual(['-1'])
    expect([...world.repository.forge.comments.values()].flat().map(({ body }) => body)).toContainEqual(expect.stringContaining('is there with other files'))
  })

  it('is left for a person where even that is refused, and looked at afresh', async () => {
    await using world = await makeAppWorld()
    await world.push(FEATURE)
    world.github.onCall = (call, isDone) => {
      if (!isDone && call.startsWith('createCheck')) throw new Failure('forge-refused', 'Resource not accessible by integration')
    }
    await expect(world.settle()).rejects.toMatchObject({ code: 'forge-refused' })
    world.github.onCall = () => undefined
    world.github.installations[0]!.permissions = {}
    await world.deliver({ address: { repository: world.repository.id, ref: FEATURE } })
    await world.settle()
    expect(world.repository.checks).toEqual([])
  })

  it('in the control repository is the operator’s business: authors read nothing of it', async () => {
    await using world = await makeAppWorld()
    const commit = await world.push(FEATURE)
    world.github.onCall = (call, isDone) => {
      if (!isDone && call.startsWith('control.dispatch')) throw new Failure('forge-refused', 'GitHub refused to start the workflow of sage/control')
    }
    await expect(world.settle()).rejects.toMatchObject({ code: 'forge-refused' })
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'in_progress', 'ctss / build': 'queued' })
    expect(JSON.stringify(world.repository.checks)).not.toContain('sage/control')
  })

  it('for a moment is tried again by whoever woke the ref', async () => {
    await using world = await makeAppWorld()
    await world.push(FEATURE)
    world.github.onCall = (call, isDone) => {
      if (!isDone && call.startsWith('control.dispatch')) throw new Failure('forge-unavailable', 'GitHub is not working')
    }
    await expect(world.settle()).rejects.toMatchObject({ code: 'forge-unavailable' })
    world.github.onCall = () => undefined
    await world.deliver({ address: { repository: world.repository.id, ref: FEATURE } })
    await world.settle()
    expect(world.github.runs).toHaveLength(1)
  })
})

describe('what people ask for', () => {
  it('to be recorded is proposed as a file', async () => {
    await using world = await makeAppWorld()
    await world.push(FEATURE, PLUGIN)
    await finish(world)
    await world.ask(FEATURE, { kind: 'record' }, { id: 'button:1' })
    await world.settle()
    expect(world.repository.proposals).toHaveLength(1)
    expect(world.repository.proposals[0]).toMatchObject({ base: 'feature' })
    expect(Object.keys(world.repository.proposals[0]!.files)).toEqual(['tests/golden.ndjson'])
    expect(Object.values(world.repository.proposals[0]!.files)[0]).toContain('"env.test"')
  })

  it('that nothing can be recorded of proposes nothing', async () => {
    await using world = await makeAppWorld()
    await world.push(FEATURE)
    await finish(world)
    await world.ask(FEATURE, { kind: 'record' }, { id: 'button:1' })
    await world.settle()
    expect(world.repository.proposals).toEqual([])
  })

  it('is a pull request of a fork to be made a plugin, which goes to the default branch', async () => {
    await using world = await makeAppWorld()
    await world.push(MAIN, { 'README.md': 'text\n' })
    await world.openPull(MAIN, { fork: 'fix', author: STRANGER })
    await world.ask('refs/pull/1/head', { kind: 'init' }, { pull: 1, id: 'comment:1' })
    await world.settle()
    expect(world.repository.proposals).toMatchObject([{ branch: 'ctss/init', base: 'main' }])
  })

  it('with `[skip ctss]` is left to be validated alone', async () => {
    await using world = await makeAppWorld()
    const commit = await world.push(FEATURE, PASSING, { message: 'wip [skip ctss]' })
    await world.settle()
    expect(world.github.runs).toEqual([])
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'neutral', 'ctss / validate': 'success', 'ctss / build': 'neutral' })
  })
})

describe('a run', () => {
  it('that is lost before it has begun is dispatched again', async () => {
    await using world = await makeAppWorld()
    const commit = await world.push(MAIN)
    await world.settle()
    await world.runWorkflows({ fate: 'lost' })
    await finish(world)
    expect(world.github.runs).toHaveLength(2)
    expect(new Set(world.github.runs.map(({ inputs }) => inputs['plan'])).size).toBe(1)
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'success' })
  })

  it('that delivers nothing and leaves nothing is made again, as often as it may', async () => {
    await using world = await makeAppWorld()
    const commit = await world.push(MAIN)
    await world.settle()
    for (let times = 0; times < 5; times += 1) {
      await world.runWorkflows({ fate: 'silent' })
      await world.settle(120_000)
    }
    expect(world.github.runs).toHaveLength(3)
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'failure' })
  })

  it('that cannot deliver is reported from its artifacts', async () => {
    await using world = await makeAppWorld()
    const commit = await world.push(MAIN)
    await world.settle()
    await world.runWorkflows({ fate: 'artifacts' })
    await world.settle(120_000)
    expect(world.github.runs).toHaveLength(1)
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'success', 'ctss / publish': 'success' })
  })

  it('whose stage fails says so in its check, and in the comment', async () => {
    await using world = await makeAppWorld()
    const commit = await world.push(FEATURE, PLUGIN)
    await world.openPull(FEATURE)
    await finish(world)
    expect(checksOf(world, commit)).toMatchObject({ ctss: 'failure', 'ctss / build': 'success', 'ctss / virtual': 'failure', 'ctss / publish': 'skipped' })
    expect(bodiesOf(world, 1)).toHaveLength(1)
    expect(bodiesOf(world, 1)[0]).toContain('golden')
  })

  it('of an earlier commit of the default branch goes on, and tells its own checks', async () => {
    await using world = await makeAppWorld()
    const first = await world.push(MAIN)
    await world.settle()
    const second = await world.push(MAIN, { 'main.py': 'print(2)\n' })
    await world.settle()
    await world.runWorkflows()
    await world.settle(120_000)
    await finish(world)
    expect(checksOf(world, first)).toMatchObject({ ctss: 'success', 'ctss / build': 'success' })
    expect(checksOf(world, second)).toMatchObject({ ctss: 'success', 'ctss / build': 'success' })
  })

  it('shows its charts in the comment of a public repository alone', async () => {
    for (const isPrivate of [false, true]) {
      await using world = await makeAppWorld({
        charts: {
          list: () => [{ name: 'trials', alt: 'Trials', section: 'trials' }],
          renderer: { render: async () => Promise.reject(new Error('a comment draws nothing')) },
          address: (_run, chart, scheme) => `https://ctss.example/charts/${chart}-${scheme}.png`,
        },
      })
      world.repository.isPrivate = isPrivate
      await world.push(FEATURE)
      await world.openPull(FEATURE)
      await finish(world)
      expect(bodiesOf(world, 1)[0]?.includes('https://ctss.example/charts/trials-dark.png')).toBe(!isPrivate)
    }
  })
})

describe('a tag', () => {
  it('releases with what has changed since the version before', async () => {
    const before: ReleaseSummary = {
      name: 'local/cloud-counter',
      version: '1.0.0',
      digest: digestOf('bundle'),
      index: digestOf('index'),
      published: '2026-01-01T00:00:00.000Z',
      metrics: [],
      slices: [],
      profiles: [],
      imageBytes: { 'linux/amd64': 100_000_000 },
    }
    await using world = await makeAppWorld({ releaseBefore: async () => before })
    const commit = await world.push(MAIN)
    await finish(world)
    await world.tag('v1.2.3', MAIN)
    await finish(world)
    expect(checksOf(world, commit)).toMatchObject({ 'ctss / release (v1.2.3)': 'success' })
    expect(world.repository.forge.releases).toHaveLength(1)
    const [release] = world.repository.forge.releases
    expect(release).toMatchObject({ isDraft: false, title: 'local/cloud-counter 1.2.3' })
    expect(release?.text).toContain('1.0.0')
    expect(release?.assets.map(({ name }) => name)).toEqual(expect.arrayContaining(['bundle.json', 'report.html', 'SHA256SUMS']))
    const calls = world.github.calls.length
    await world.deliver({ address: { repository: world.repository.id, ref: 'refs/tags/v1.2.3' } })
    await world.settle()
    expect(world.github.calls.slice(calls).filter((call) => /^(?:create|upload|publish|update)/.test(call))).toEqual([])
  })

  it('is released without its charts where they cannot be drawn', async () => {
    const charts = { list: () => [], renderer: { render: async () => Promise.reject(new Error('the thread has ended')) }, address: () => '' }
    await using world = await makeAppWorld({ charts })
    await world.push(MAIN)
    await finish(world)
    await world.tag('v1.2.3', MAIN)
    await finish(world)
    expect(world.repository.forge.releases).toMatchObject([{ isDraft: false, title: 'local/cloud-counter 1.2.3' }])
  })

  it('whose release somebody has begun by hand is completed, and his words are kept', async () => {
    await using world = await makeAppWorld()
    await world.push(MAIN)
    await finish(world)
    putRelease(world.repository.forge, { tag: 'v1.2.3', title: 'Clouds', text: 'My words.' })
    await world.tag('v1.2.3', MAIN)
    await finish(world)
    expect(world.repository.forge.releases.map(({ title, text, isDraft }) => [title, text, isDraft])).toEqual([['Clouds', 'My words.', false]])
  })
})
