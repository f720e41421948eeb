import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunPlan } from '../../schemas/generated/types.ts'
import { PASSING } from '../support/app-world.ts'
import { CONTROL, DISPATCH_WORKFLOW, PUBLIC_URL, startAppStory, type AppStory } from '../support/app-story.ts'
import type { Files, Github, Person, WorkflowJob, WorkflowRun } from '../support/github/api.ts'
import { makeRecord } from '../support/stage-record.ts'

/** Each test has a repository of its own. */
const REPOSITORIES = Array.from({ length: 80 }, (_, index) => `sage/plugin-${index + 1}`)
/** Where the app is not installed. */
const FOREIGN = 'other/plugin'
/** Of somebody who installs the app himself, and whom the operator does not list. */
const UNLISTED = 'ganon/plugin'

let story: AppStory
let github: Github
let octocat: Person
let stranger: Person
let used = 0

beforeAll(async () => {
  story = await startAppStory({ repositories: [...REPOSITORIES, FOREIGN, UNLISTED], people: ['zelda', 'evil-helper[bot]'] })
  github = story.github
  octocat = github.person('octocat')
  stranger = github.person('stranger')
})

afterAll(async () => story?.[Symbol.asyncDispose]())

/** A repository in which nobody has pushed a plugin yet. */
function makePlugin(): string {
  return REPOSITORIES[used++]!
}

interface ForkPull {
  readonly fork: string
  readonly number: number
  readonly head: string
}

async function openForkPull(
  plugin: string,
  files: Files = { 'main.py': 'print("a fix")\n' },
  { by = stranger, branch = 'fix', message = 'A fix', ...pull }: { by?: Person; branch?: string; message?: string; title?: string; body?: string } = {},
): Promise<ForkPull> {
  const fork = await by.fork(plugin)
  await by.push(fork, branch, { ...PASSING, ...files }, { message })
  const { number, head } = await by.openPull(plugin, { head: `${by.login}:${branch}`, ...pull })
  await story.settle()
  return { fork, number, head }
}

/** Runs that were dispatched, or wait to be. */
async function spent(plugin: string): Promise<readonly string[]> {
  await story.settle()
  const { id } = github.repo(plugin)
  const open = (await story.store.state.openRuns()).filter(({ repository }) => repository === id)
  return [
    ...story.dispatches(plugin).map(({ inputs }) => `dispatched ${inputs['commit']}`),
    ...open.filter(({ state }) => state === 'queued').map(({ commit }) => `waits ${commit}`),
  ]
}

async function expectNothingSpent(plugin: string): Promise<void> {
  expect(await spent(plugin)).toEqual([])
  expect(github.releases(plugin)).toEqual([])
  expect(
    github
      .repo(plugin)
      .pulls()
      .filter(({ author }) => author === 'ctss[bot]'),
  ).toEqual([])
}

/** Reactions and answers of the app. */
async function answers(plugin: string, number: number): Promise<readonly string[]> {
  const comments = await github.repo(plugin).comments(number)
  return comments.flatMap(({ login, body, reactions }) => [
    ...(login === 'ctss[bot]' ? [body] : []),
    ...reactions.filter((reaction) => reaction.login === 'ctss[bot]').map(({ content }) => content),
  ])
}

/** What was held back, one after the other, with a look after each. */
async function deliverHeld(isTurned: boolean, look: () => Promise<void>): Promise<void> {
  const held = isTurned ? github.webhooks.held.toReversed() : [...github.webhooks.held]
  await github.webhooks.release(() => [])
  for (const { event, guid, payload } of held) {
    expect(await story.deliver(event, payload, { 'x-github-delivery': guid })).toBe(202)
    await look()
  }
}

/** The payload of the newest delivery of an event, as it went out. */
function lastPayload(event: string, action: string): Record<string, unknown> {
  const found = github.webhooks.deliveries.findLast((delivery) => delivery.event === event && delivery.action === action)
  if (found === undefined) throw new Error(`no ${event}.${action} was delivered`)
  return structuredClone(found.payload) as Record<string, unknown>
}

describe('somebody with write access', () => {
  it('approves a fork’s head, and exactly that one runs, without rights', async () => {
    const plugin = makePlugin()
    const { fork, number, head } = await openForkPull(plugin)
    expect(await spent(plugin)).toEqual([])
    await octocat.comment(plugin, number, `/ctss approve ${head}`)
    expect(await spent(plugin)).toEqual([`dispatched ${head}`])
    const [run] = story.dispatches(plugin)
    expect((await story.store.state.run(run!.inputs['plan']!))?.plan).toMatchObject({ trust: 'untrusted', staging: 'archive', release: false })
    const { commit } = await stranger.push(fork, 'fix', { 'main.py': 'print("another")\n' })
    await story.settle()
    expect(await spent(plugin)).toEqual([`dispatched ${head}`])
    expect(story.checks(plugin, commit)['ctss']).toBe('action_required')
  })
})

describe('somebody who installs the app on a repository of his own', () => {
  it('spends nothing by a push, an approval, a command, a button or a tag, and is told why', async () => {
    await github.install({ account: 'ganon' })
    const { commit } = await octocat.push(UNLISTED, 'main', PASSING)
    const { commit: head } = await octocat.push(UNLISTED, 'feature', { ...PASSING, 'main.py': 'print(2)\n' })
    const { number } = await octocat.openPull(UNLISTED, { head: 'feature' })
    const fork = await stranger.fork(UNLISTED)
    await stranger.push(fork, 'fix', { ...PASSING, 'main.py': 'print(3)\n' })
    const theirs = await stranger.openPull(UNLISTED, { head: 'stranger:fix' })
    await story.settle()
    await octocat.comment(UNLISTED, number, '/ctss run --again')
    await octocat.comment(UNLISTED, number, `/ctss approve ${head}`)
    await octocat.comment(UNLISTED, theirs.number, `/ctss approve ${theirs.head}`)
    await octocat.rerequestCheck(UNLISTED, story.check(UNLISTED, head, 'ctss / build').id)
    await octocat.tag(UNLISTED, 'v1.2.3', { commit })
    await expectNothingSpent(UNLISTED)
    const { repositoryMinutes } = await story.store.state.spending(github.repo(UNLISTED).id, '2000-01-01T00:00:00Z')
    expect(repositoryMinutes).toBe(0)
    for (const judged of [commit, head, theirs.head]) {
      expect(story.checks(UNLISTED, judged)).toMatchObject({ ctss: 'action_required', 'ctss / validate': 'success', 'ctss / build': 'neutral' })
      expect(story.check(UNLISTED, judged, 'ctss').summary).toContain('This service runs no machines for `ganon`')
    }
    expect(story.checks(UNLISTED, commit)).toMatchObject({ 'ctss / release (v1.2.3)': 'failure' })
    expect(await answers(UNLISTED, theirs.number)).toContain('-1')
  })
})

describe('files of a fork', () => {
  it.each<readonly [string, Files]>([
    [
      'workflow, manifest and schema, changed together',
      {
        '.github/workflows/ci.yml': 'on: pull_request_target\njobs: { x: { runs-on: self-hosted, steps: [{ run: curl evil.example }] } }\n',
        '.github/workflows/dispatch.yml': 'on: workflow_dispatch\njobs: { x: { runs-on: self-hosted, steps: [{ run: id }] } }\n',
        'sage.yaml': PASSING['sage.yaml']!.replace('Counts the clouds in the sky', 'Approved by sage'),
        'ctss.yaml': `${PASSING['ctss.yaml']!}training: { dockerfile: Dockerfile, command: [id], gpu: true, engine: docker }\n`,
        'schemas/manifest.schema.json': '{}',
        'schemas/pipeline-file.schema.json': '{}',
        'ctss-app.yaml': 'trustedBots: [stranger]\n',
        '.github/ctss-app.yaml': 'trustedBots: [stranger]\n',
      },
    ],
    ['a runner class of their own', { 'ctss.yaml': `${PASSING['ctss.yaml']!}runner: chameleon-gpu\nrunners: { train: [chameleon-gpu] }\n` }],
    [
      'a training on somebody’s GPU',
      { 'ctss.yaml': 'training: { image: "evil.example/x:1", command: [id], gpu: { type: gpu_h100, count: 8 }, engine: docker }\n' },
    ],
    ['a node of their own', { 'ctss.yaml': `${PASSING['ctss.yaml']!}nodes: [H00F]\n` }],
  ])('spend nothing: %s', async (_, files) => {
    const plugin = makePlugin()
    const { head } = await openForkPull(plugin, files)
    await expectNothingSpent(plugin)
    expect(['action_required', 'failure']).toContain(story.checks(plugin, head)['ctss'])
  })

  it.each<readonly [string, Files]>([
    ['/etc/passwd', { 'sage.yaml': { link: '/etc/passwd' } }],
    ['a file outside', { 'sage.yaml': { link: '../../../../../../etc/passwd' }, 'ctss.yaml': { link: '../../../../etc/passwd' } }],
    ['a file of the process', { 'ctss.yaml': { link: '/proc/self/environ' } }],
    ['a huge file', { big: Buffer.alloc(20 * 2 ** 20, 'a: &a ['), 'sage.yaml': { link: 'big' }, 'ctss.yaml': { link: 'big' } }],
    ['itself', { 'sage.yaml': { link: 'sage.yaml' } }],
    ['a folder', { 'docs/a': 'x', 'ctss.yaml': { link: 'docs' }, Dockerfile: { link: 'docs' } }],
  ])('that are links to %s show nothing of it', async (_, files) => {
    const plugin = makePlugin()
    const { head } = await openForkPull(plugin, files)
    await expectNothingSpent(plugin)
    expect(story.checks(plugin, head)).toMatchObject({ 'ctss / validate': 'failure' })
    expect((await story.written(plugin)).join('\n')).not.toMatch(/root:|\/bin\/(?:ba)?sh|OPERATOR_TOKEN|PATH=/)
  })

  it.each<readonly [string, () => Files]>([
    [
      'aliases that grow',
      () => ({
        'sage.yaml': `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
          .split('')
          .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`)
          .join('\n')}\n`,
      }),
    ],
    ['50 MB', () => ({ 'sage.yaml': Buffer.alloc(50_000_000, 'name: x, ') })],
    ['deep nesting', () => ({ 'sage.yaml': '['.repeat(100_000) })],
    ['a pattern that takes long', () => ({ 'sage.yaml': PASSING['sage.yaml']!.replace('"1.2.3"', `"${'1.'.repeat(50_000)}"`) })],
  ])('that are bombs are refused: a manifest of %s', async (_, files) => {
    const plugin = makePlugin()
    const { head } = await openForkPull(plugin, files())
    await expectNothingSpent(plugin)
    expect(['failure', 'action_required']).toContain(story.checks(plugin, head)['ctss'])
  })

  it.each<readonly [string, () => Files]>([
    ['65 links', () => Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`links/${index}`, { link: `${index}` }]))],
  ])('that are too many are refused with a word: %s', async (_, files) => {
    const plugin = makePlugin()
    const { head } = await openForkPull(plugin, files())
    await expectNothingSpent(plugin)
    expect(story.checks(plugin, head)).toHaveProperty('ctss')
    expect(await story.store.inbox.parked(10)).toEqual([])
  })
})

describe('an approval', () => {
  it.each<readonly [string, (fork: ForkPull, approve: () => Promise<unknown>, push: () => Promise<unknown>, plugin: string) => Promise<unknown>]>([
    ['of no commit, a push right behind it', async (_, approve, push) => (await approve(), push())],
    ['of no commit, right after a push', async (_, approve, push) => (await push(), approve())],
  ])('%s, in any order of their deliveries, approves nothing', async (_, act) => {
    for (const isTurned of [false, true]) {
      const plugin = makePlugin()
      const pull = await openForkPull(plugin)
      github.webhooks.steer(() => 'hold')
      await act(
        pull,
        async () => octocat.comment(plugin, pull.number, '/ctss approve'),
        async () => stranger.push(pull.fork, 'fix', { 'main.py': 'import os\n' }),
        plugin,
      )
      github.webhooks.steer(undefined)
      await deliverHeld(isTurned, async () => expectNothingSpent(plugin))
      // It is refused, or waits to be told of the push, which makes it no better.
      const ref = `refs/pull/${pull.number}/head`
      const waits = await story.store.state.openWishes({ repository: github.repo(plugin).id, ref })
      expect(waits.length === 1 || /Nothing was (?:done|approved)/.test((await answers(plugin, pull.number)).join('\n'))).toBe(true)
    }
  })

  it.each<readonly [string, (plugin: string, number: number, head: string) => Promise<unknown>]>([
    ['by its id', async (plugin, number, head) => octocat.comment(plugin, number, `/ctss approve ${head}`)],
    ['by the button of its check', async (plugin, _, head) => octocat.pressButton(plugin, story.check(plugin, head, 'ctss').id, 'approve')],
    ['by its first letters', async (plugin, number, head) => octocat.comment(plugin, number, `/ctss approve ${head.slice(0, 12)}`)],
    ['by a run that is asked for', async (plugin, number) => octocat.comment(plugin, number, '/ctss run --again')],
    ['by GitHub’s own button', async (plugin, _, head) => octocat.rerequestCheck(plugin, story.check(plugin, head, 'ctss').id)],
  ])('of the commit before a push, %s, approves nothing, whichever is told first', async (_, approve) => {
    for (const isTurned of [false, true]) {
      const plugin = makePlugin()
      const { fork, number, head } = await openForkPull(plugin)
      github.webhooks.steer(() => 'hold')
      await stranger.push(fork, 'fix', { 'main.py': 'import os\n' })
      await approve(plugin, number, head)
      github.webhooks.steer(undefined)
      await deliverHeld(isTurned, async () => expectNothingSpent(plugin))
    }
  })

  it.each<readonly [string, (plugin: string, pull: ForkPull) => Promise<unknown>]>([
    ['its author', async (plugin, { number, head }) => stranger.comment(plugin, number, `/ctss approve ${head}`)],
    ['somebody else', async (plugin, { number, head }) => github.person('zelda').comment(plugin, number, `/ctss approve ${head}`)],
    ['a bot', async (plugin, { number, head }) => github.person('evil-helper[bot]').comment(plugin, number, `/ctss approve ${head}`)],
    ['a bot whose pushes are trusted', async (plugin, { number, head }) => github.person('dependabot[bot]').comment(plugin, number, `/ctss approve ${head}`)],
    ['somebody called as the app', async (plugin, { number, head }) => github.person('ctss-bot').comment(plugin, number, `/ctss approve ${head}`)],
    [
      'a workflow of the repository',
      async (plugin, { number, head }) => github.person('github-actions[bot]').comment(plugin, number, `/ctss approve ${head}\n/ctss run`),
    ],
    [
      'two people without the right',
      async (plugin, { number, head }) => {
        await stranger.comment(plugin, number, `/ctss approve ${head}`)
        await github.person('zelda').comment(plugin, number, `/ctss approve ${head}`)
      },
    ],
  ])('by %s approves nothing', async (_, approve) => {
    const plugin = makePlugin()
    const pull = await openForkPull(plugin)
    await approve(plugin, pull)
    await expectNothingSpent(plugin)
    expect(story.checks(plugin, pull.head)['ctss']).toBe('action_required')
  })

  it('by somebody whose access was removed approves nothing: before, or while it is on its way', async () => {
    const zelda = github.person('zelda')
    for (const isOnItsWay of [false, true]) {
      const plugin = makePlugin()
      const { number, head } = await openForkPull(plugin)
      github.repo(plugin).setRole('zelda', 'write')
      github.webhooks.steer(() => 'hold')
      if (isOnItsWay) await zelda.comment(plugin, number, `/ctss approve ${head}`)
      github.repo(plugin).setRole('zelda', undefined)
      if (!isOnItsWay) await zelda.comment(plugin, number, `/ctss approve ${head}`)
      github.webhooks.steer(undefined)
      await github.webhooks.release()
      await expectNothingSpent(plugin)
    }
  })

  it('by somebody who has just lost the access that was just used approves nothing', async () => {
    const zelda = github.person('zelda')
    const plugin = makePlugin()
    github.repo(plugin).setRole('zelda', 'write')
    const first = await openForkPull(plugin)
    await zelda.comment(plugin, first.number, `/ctss help`)
    await story.settle()
    github.repo(plugin).setRole('zelda', undefined)
    await zelda.comment(plugin, first.number, `/ctss approve ${first.head}`)
    await expectNothingSpent(plugin)
  })

  it('by a button that somebody without the right presses approves nothing, nor by the button of another app', async () => {
    const plugin = makePlugin()
    const { head } = await openForkPull(plugin)
    await octocat.rerequestCheck(plugin, story.check(plugin, head, 'ctss').id)
    await story.settle()
    const pressed = { ...lastPayload('check_run', 'rerequested'), action: 'requested_action', requested_action: { identifier: 'approve' } } as Record<
      string,
      unknown
    >
    const person = (login: string, type = 'User') => ({ login, id: 1, type })
    expect(await story.deliver('check_run', { ...pressed, sender: person('stranger') })).toBe(202)
    expect(await story.deliver('check_run', { ...pressed, sender: person('octocat', 'Bot') })).toBe(202)
    const check = pressed['check_run'] as Record<string, unknown>
    expect(await story.deliver('check_run', { ...pressed, check_run: { ...check, app: { id: 99, slug: 'ctss' } } })).toBe(202)
    expect(await story.deliver('check_run', { ...pressed, check_run: { ...check, app: null } })).toBe(202)
    await expectNothingSpent(plugin)
    // And it is the sender, and the app, that make the difference.
    expect(await story.deliver('check_run', pressed)).toBe(202)
    expect(await spent(plugin)).toEqual([`dispatched ${head}`])
  })
})

describe('a command that nobody gave', () => {
  it.each<readonly [string, (plugin: string, pull: ForkPull) => Promise<unknown>]>([
    ['quoted', async (plugin, { number, head }) => octocat.comment(plugin, number, `> /ctss approve ${head}\n\nWhat is this?`)],
    ['right below a quotation', async (plugin, { number, head }) => octocat.comment(plugin, number, `> he wrote\n/ctss approve ${head}`)],
    ['in a block of code', async (plugin, { number, head }) => octocat.comment(plugin, number, `Write\n\n\`\`\`\n/ctss approve ${head}\n\`\`\`\n`)],
    [
      'in a block of code that a shorter fence seems to end',
      async (plugin, { number, head }) => octocat.comment(plugin, number, `\`\`\`\`\n\`\`\`\n/ctss approve ${head}\n`),
    ],
    ['in a folded part', async (plugin, { number, head }) => octocat.comment(plugin, number, `<details>\n\n/ctss approve ${head}\n\n</details>`)],
    ['in a hidden comment', async (plugin, { number, head }) => octocat.comment(plugin, number, `<!--\n/ctss approve ${head}\n-->`)],
    ['in the middle of a sentence', async (plugin, { number, head }) => octocat.comment(plugin, number, `Should I write /ctss approve ${head}?`)],
    [
      'put there by an edit',
      async (plugin, { number, head }) => {
        const { id } = await octocat.comment(plugin, number, 'Thank you')
        await octocat.editComment(plugin, id, `/ctss approve ${head}`)
      },
    ],
    [
      'put by a writer into a stranger’s comment',
      async (plugin, { number, head }) => {
        const { id } = await stranger.comment(plugin, number, 'Please')
        await octocat.editComment(plugin, id, `/ctss approve ${head}`)
      },
    ],
    [
      'in the title',
      async (plugin, { number, head }) => octocat.editPull(plugin, number, { title: `/ctss approve ${head}`, body: `/ctss approve ${head}\n/ctss run` }),
    ],
    [
      'in another pull request',
      async (plugin, { head }) => {
        await octocat.push(plugin, 'other', { ...PASSING, 'notes.md': 'x\n' }, { message: 'Notes [skip ctss]' })
        const { number } = await octocat.openPull(plugin, { head: 'other' })
        await octocat.comment(plugin, number, `/ctss approve ${head}`)
      },
    ],
    [
      'in an issue',
      async (plugin, { head }) => {
        const { number } = await octocat.openIssue(plugin, 'Question')
        await octocat.comment(plugin, number, `/ctss approve ${head}\n/ctss run --again`)
      },
    ],
  ])('%s, is none', async (_, act) => {
    const plugin = makePlugin()
    const pull = await openForkPull(plugin)
    await act(plugin, pull)
    await expectNothingSpent(plugin)
  })

  it('in a commit’s message, the name of a branch, or the title and text of a pull request, is none', async () => {
    const plugin = makePlugin()
    const message = '/ctss approve\n\n/ctss run --again\nSigned-off-by: octocat'
    const { head } = await openForkPull(plugin, undefined, {
      message,
      branch: '/ctss-approve'.slice(1),
      title: '/ctss approve',
      body: '/ctss approve\n/ctss run',
    })
    await expectNothingSpent(plugin)
    expect(story.checks(plugin, head)['ctss']).toBe('action_required')
  })
})

describe('a name that looks like another', () => {
  it.each([
    ['a bot that nobody trusts', 'renovate[bot]', 'push'],
    ['a bot that calls itself a helper', 'evil-helper[bot]', 'push'],
    ['somebody called as a trusted bot', 'dependabot-bot', 'fork'],
    ['somebody called as the app', 'ctss-bot', 'fork'],
  ] as const)('gives no right: %s', async (_, login, how) => {
    const plugin = makePlugin()
    const person = github.person(login)
    if (how === 'fork') await openForkPull(plugin, undefined, { by: person })
    else {
      const { commit } = await person.push(plugin, 'renovate/pywaggle', { ...PASSING, 'main.py': 'print("bumped")\n' })
      await person.openPull(plugin, { head: 'renovate/pywaggle' })
      await story.settle()
      expect(story.checks(plugin, commit)['ctss']).toBe('action_required')
    }
    await expectNothingSpent(plugin)
  })

  it('spends what it is trusted with only where it is the bot itself', async () => {
    const plugin = makePlugin()
    const { commit } = await github.person('dependabot[bot]').push(plugin, 'dependabot/pip', { ...PASSING, 'main.py': 'print("bumped")\n' })
    expect(await spent(plugin)).toEqual([`dispatched ${commit}`])
  })

  it('a comment that pretends to be the app’s is neither taken for it nor touched', async () => {
    const plugin = makePlugin()
    await octocat.push(plugin, 'feature', { ...PASSING, 'sage.yaml': PASSING['sage.yaml']!.replace('linux/arm64', 'linux/mips') })
    const { number } = await octocat.openPull(plugin, { head: 'feature' })
    await story.settle()
    const [own] = await story.said(plugin, number)
    const { id } = await stranger.comment(plugin, number, own!.replace(/failed|problem/gi, 'passed'))
    const before = (await github.repo(plugin).comments(number)).find((comment) => comment.id === id)?.body
    await octocat.push(plugin, 'feature', { ...PASSING, 'sage.yaml': PASSING['sage.yaml']!.replace('linux/arm64', 'linux/sparc') })
    await story.settle()
    expect(await story.said(plugin, number)).toHaveLength(1)
    expect((await github.repo(plugin).comments(number)).find((comment) => comment.id === id)?.body).toBe(before)
    await expectNothingSpent(plugin)
  })
})

describe('a tag', () => {
  it('in a fork, or on a commit that only a fork has, releases nothing', async () => {
    const plugin = makePlugin()
    const { fork, head } = await openForkPull(plugin)
    await stranger.tag(fork, 'v1.2.3', { commit: head })
    await expectNothingSpent(plugin)
    // Somebody was talked into it.
    await octocat.pushRef(plugin, 'refs/tags/v1.2.3', head)
    await expectNothingSpent(plugin)
    expect(story.checks(plugin, head)['ctss / release (v1.2.3)']).toBe('failure')
  })

  it('that a bot without trust has made releases nothing', async () => {
    const plugin = makePlugin()
    const { commit } = await octocat.push(plugin, 'main', PASSING, { message: 'A plugin [skip ctss]' })
    await story.settle()
    await github.person('renovate[bot]').tag(plugin, 'v1.2.3', { commit })
    await expectNothingSpent(plugin)
  })
})

describe('a pull request', () => {
  it('whose fork is deleted spends nothing', async () => {
    const plugin = makePlugin()
    const { fork, number, head } = await openForkPull(plugin)
    await stranger.deleteRepository(fork)
    await stranger.comment(plugin, number, `/ctss approve ${head}`)
    await octocat.rerequestCheck(plugin, story.check(plugin, head, 'ctss').id)
    await expectNothingSpent(plugin)
  })

  it('of a fork’s branch that is called as the default branch, or as one of a writer, spends nothing', async () => {
    const plugin = makePlugin()
    await openForkPull(plugin, { 'main.py': 'print("main")\n' }, { branch: 'main' })
    await openForkPull(plugin, { 'main.py': 'print("queue")\n' }, { by: github.person('zelda'), branch: 'gh-readonly-queue/main/pr-1-abc' })
    await expectNothingSpent(plugin)
  })

  it('that turns somebody’s own commit into a fork’s does not change its checks', async () => {
    const plugin = makePlugin()
    const { commit } = await octocat.push(plugin, 'feature', { ...PASSING, 'sage.yaml': PASSING['sage.yaml']!.replace('linux/arm64', 'linux/mips') })
    await story.settle()
    const before = story.checks(plugin, commit)
    const fork = await stranger.fork(plugin)
    await stranger.pushRef(fork, 'refs/heads/theirs', commit)
    await stranger.openPull(plugin, { head: 'stranger:theirs' })
    await expectNothingSpent(plugin)
    expect(story.checks(plugin, commit)).toEqual(before)
  })

  it('fifty at once cost what fifty cost, and keep nobody else waiting behind them', async () => {
    const [plugin, other] = ['sage/attacked', 'sage/other']
    await using busy = await startAppStory({ repositories: [plugin, other], database: 'embedded' })
    const [attacker, victim] = [busy.github.person('stranger'), busy.github.person('octocat')]
    const fork = await attacker.fork(plugin)
    const requests = busy.github.log.length
    const heads: string[] = []
    busy.github.webhooks.steer(() => 'hold')
    for (let index = 0; index < 50; index += 1) {
      await attacker.push(fork, `fix-${index}`, { ...PASSING, 'main.py': `print(${index})\n` })
      heads.push((await attacker.openPull(plugin, { head: `stranger:fix-${index}` })).head)
    }
    const { commit } = await victim.push(other, 'feature', { 'sage.yaml': 'name: [\n' })
    busy.github.webhooks.steer(undefined)
    const told = [...busy.github.webhooks.held]
    await busy.github.webhooks.release(() => [])
    await Promise.all(told.map(async ({ event, guid, payload }) => busy.deliver(event, payload, { 'x-github-delivery': guid })))
    const isJudged = (name: string, head: string): boolean => !['queued', undefined].includes(busy.checks(name, head)['ctss'])
    while (!isJudged(other, commit)) await sleep(20)
    const before = heads.filter((head) => isJudged(plugin, head)).length
    await busy.settle()
    expect(heads.every((head) => busy.checks(plugin, head)['ctss'] === 'action_required')).toBe(true)
    expect(busy.github.actions.runs(CONTROL)).toEqual([])
    // Seven checks and a comment each, and what has to be known for them.
    expect((busy.github.log.length - requests) / 51).toBeLessThan(25)
    expect(before).toBeLessThan(25)
  })
})

const EVIL = 'evil.example'
/** Markdown, HTML, mentions, markers and workflow commands in one line. */
const HOSTILE = `@octocat @sage/everyone [x](https://${EVIL}) ![](https://${EVIL}/a.png) <img src=x onerror=alert(1)> </details></summary> <!-- ctss --> --> ::set-output name=x::y \`\`\` | # ${'`'} $(id) https://${EVIL} octocat/plugin#1`

/** What of a text is alive: everything but code. Escapes are taken away with what they escape. */
function alive(markdown: string): string {
  return markdown
    .replaceAll(/^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1[`~]*\s*$/gm, ' ')
    .replaceAll(/<(code|pre)>[\s\S]*?<\/\1>/g, ' ')
    .replaceAll(/(?<!`)(`+)(?!`)([\s\S]*?[^`])\1(?!`)/g, ' ')
    .replaceAll(/\\[!-/:-@[-`{-~]/g, ' ')
    .replaceAll(/&#?\w+;/g, ' ')
}

describe('a stranger’s text', () => {
  it.each<readonly [string, Files]>([
    [
      'in the manifest',
      { 'sage.yaml': PASSING['sage.yaml']!.replace('name: cloud-counter', `name: ${JSON.stringify(HOSTILE)}`).replace('"1.2.3"', JSON.stringify(HOSTILE)) },
    ],
    ['in a key of the manifest', { 'sage.yaml': `${PASSING['sage.yaml']!}${JSON.stringify(HOSTILE)}: 1\n` }],
    ['in the pipeline file', { 'ctss.yaml': `test: { trials: [{ name: ${JSON.stringify(HOSTILE)}, args: [good] }] }\n${JSON.stringify(HOSTILE)}: 1\n` }],
    ['in the name of a file', { 'sage.yaml': null, [`${HOSTILE.replaceAll('/', '∕')}/sage.yaml`]: 'name: [\n' }],
    ['in the Dockerfile', { Dockerfile: `FROM ${HOSTILE}\nRUN ${HOSTILE}\nCOPY ${HOSTILE} /\n` }],
    ['in YAML that is broken there', { 'sage.yaml': `name: x\n${HOSTILE}\n` }],
  ])('is inert in what the app writes: %s', async (_, files) => {
    const plugin = makePlugin()
    const pull = { message: `${HOSTILE}\n\n${HOSTILE}`, title: HOSTILE, body: HOSTILE, branch: `fix-<img>-$(id)-@octocat-</details>`.replaceAll(' ', '') }
    const { number, head } = await openForkPull(plugin, files, pull)
    await octocat.comment(plugin, number, `/ctss ${HOSTILE}`)
    await octocat.comment(plugin, number, `/ctss explain ${EVIL}/@octocat<img>`)
    await octocat.comment(plugin, number, `/ctss run https://${EVIL}/@octocat`)
    await octocat.push(plugin, 'feature', { ...PASSING, ...files })
    await octocat.openPull(plugin, { head: 'feature', title: HOSTILE, body: HOSTILE })
    await story.settle()
    const checks = github
      .repo(plugin)
      .checks()
      .filter(({ app }) => app === 'ctss')
    expect(checks.some((check) => check.commit === head && check.name === 'ctss')).toBe(true)
    const texts = [
      ...checks.flatMap(({ summary, text }) => [summary ?? '', text ?? '']),
      ...(await story.said(plugin, number)),
      ...(await story.said(plugin, number + 1)),
    ]
    expect(texts.join('').length).toBeGreaterThan(100)
    for (const text of texts) {
      const living = alive(text)
      expect(living).not.toMatch(/(?:https?:\/\/|www\.|\]\([^)]*|<[^>]*)evil\.example/)
      expect(living).not.toMatch(/@octocat|@sage\/|<img|<script|^::set-output|octocat\/plugin#1/m)
      expect(living.match(/<details/g)?.length ?? 0).toBe(living.match(/<\/details/g)?.length ?? 0)
      // A marker of ours stands at the beginning alone.
      expect(living.lastIndexOf('<!--')).toBeLessThanOrEqual(0)
    }
    for (const { title, annotations } of checks)
      for (const shown of [title ?? '', ...annotations.map((annotation) => JSON.stringify(annotation['title'] ?? ''))])
        expect(shown).not.toMatch(/[\n\r\u202E\u001B]|\\[nr]/)
    for (const run of story.dispatches(plugin)) expect(Object.values(run.inputs).join('\n')).not.toContain(EVIL)
  })
})

describe('a delivery', () => {
  it('that GitHub did not sign, or that is too large, is refused', async () => {
    const plugin = makePlugin()
    await octocat.push(plugin, 'docs', { ...PASSING, 'notes.md': 'x\n' }, { message: 'Notes [skip ctss]' })
    await story.settle()
    const payload = github.webhooks.deliveries.findLast(({ event }) => event === 'push')!.payload
    const { commit } = await octocat.push(plugin, 'docs', { ...PASSING, 'notes.md': 'y\n' }, { message: 'Notes [skip ctss]' })
    const forged = { ...payload, ref: 'refs/heads/forged', after: commit }
    const before = await story.store.inbox.counts()
    expect(await story.deliver('push', forged, { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` })).toBe(401)
    expect(await story.deliver('push', forged, { 'x-hub-signature-256': '' })).toBe(401)
    expect(await story.deliver('push', forged, { 'x-hub-signature-256': 'sha1=0' })).toBe(401)
    expect(await story.deliver('push', '[]')).toBe(400)
    expect(await story.deliver('push', 'null')).toBe(400)
    expect(await story.deliver('push', forged, { 'content-type': 'application/x-www-form-urlencoded' })).toBe(415)
    expect(await story.deliver('push', forged, { 'x-github-delivery': '../../etc' })).toBe(400)
    const large = { ...forged, more: 'x'.repeat(26 * 2 ** 20) }
    const answer = await story.deliver('push', large, { 'x-github-delivery': 'too-large' }).catch((error: unknown) => codeOf(error))
    // The rest is not read: whoever still sends may see the connection broken off before he has read the answer.
    expect([413, 'EPIPE', 'ECONNRESET', 'UND_ERR_SOCKET']).toContain(answer)
    const refusals = story
      .log()
      .split('\n')
      .filter((line) => line.includes('"delivery":"too-large"'))
    expect(refusals.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ status: 413, msg: 'a delivery was refused' }])
    expect(before.parked).toBe((await story.store.inbox.counts()).parked)
    await expectNothingSpent(plugin)
  })

  it('that comes again, under its own name or another, does nothing again', async () => {
    const plugin = makePlugin()
    const { fork, number, head } = await openForkPull(plugin)
    await octocat.comment(plugin, number, `/ctss approve ${head}`)
    expect(await spent(plugin)).toEqual([`dispatched ${head}`])
    const [approval] = github.webhooks.deliveries.filter(({ event, repository }) => event === 'issue_comment' && repository === plugin.split('/')[1])
    const payload = lastPayload('issue_comment', 'created')
    const said = (await answers(plugin, number)).length
    if (approval !== undefined) await github.webhooks.redeliver(approval.id)
    expect(await story.deliver('issue_comment', payload)).toBe(202)
    expect(await spent(plugin)).toEqual([`dispatched ${head}`])
    expect(await answers(plugin, number)).toHaveLength(said)
    await stranger.push(fork, 'fix', { 'main.py': 'import os\n' })
    await story.settle()
    expect(await story.deliver('issue_comment', payload)).toBe(202)
    expect(await spent(plugin)).toEqual([`dispatched ${head}`])
  })

  it('that names somebody else’s repository, or an installation that is not its own, reaches nothing there', async () => {
    const plugin = makePlugin()
    const foreign = github.repo(FOREIGN)
    await octocat.push(plugin, 'docs', { ...PASSING, 'notes.md': 'x\n' }, { message: 'Notes [skip ctss]' })
    await story.settle()
    const payload = github.webhooks.deliveries.findLast(({ event }) => event === 'push')!.payload as Record<string, Record<string, unknown>>
    const elsewhere = { ...payload, repository: { ...payload['repository'], id: foreign.id, name: 'plugin', owner: { login: 'other' }, full_name: FOREIGN } }
    expect(await story.deliver('push', elsewhere)).toBe(202)
    expect(await story.deliver('push', { ...payload, installation: { id: 424_242 } })).toBe(202)
    expect(await story.deliver('issue_comment', elsewhere)).toBe(202)
    await story.settle()
    expect(foreign.checks()).toEqual([])
    expect(github.calls(/^(?:POST|PATCH|PUT|DELETE) .*other\/plugin/)).toEqual([])
    expect(await story.store.state.repository(github.repo(plugin).id)).toMatchObject({ installation: github.installation('sage').id })
    await expectNothingSpent(plugin)
  })
})

describe('a job', () => {
  let plugin: string
  let run: WorkflowRun
  let job: WorkflowJob
  let id: string

  /** A run of a trusted branch, dispatched; its first job has begun, and asked for nothing yet. */
  async function dispatch(): Promise<{ plugin: string; run: WorkflowRun; job: WorkflowJob; id: string }> {
    const name = makePlugin()
    await octocat.push(name, 'feature', { ...PASSING, 'main.py': 'print("ours")\n' })
    await story.settle()
    const [made] = story.dispatches(name)
    const first = await made!.job('dispatch / source', { workflow: DISPATCH_WORKFLOW })
    await first.start()
    await story.settle()
    return { plugin: name, run: made!, job: first, id: made!.inputs['plan']! }
  }
  const ask = async (method: string, path: string, token: string, body?: unknown): Promise<number> =>
    (await story.ask(method, `runs/${id}/${path}`, token, body)).status

  beforeAll(async () => {
    ;({ plugin, run, job, id } = await dispatch())
  })

  it.each<readonly [string, Readonly<Record<string, unknown>>, number]>([
    ['another audience', { aud: 'https://other.example.org' }, 401],
    ['an audience that begins as ours', { aud: `${PUBLIC_URL}.evil.example` }, 401],
    ['another issuer', { iss: 'https://evil.example' }, 401],
    ['a time that is over', { iat: 1, nbf: 1, exp: 300 }, 401],
    ['a time to come', { iat: 9_999_999_000, nbf: 9_999_999_000, exp: 9_999_999_999 }, 401],
    ['another repository', { repository_id: '1' }, 403],
    ['another repository of the same name', { repository_id: '1', repository: CONTROL }, 403],
    ['a workflow of its own', { job_workflow_ref: `${CONTROL}/.github/workflows/dispatch.yml@refs/heads/main` }, 403],
    ['another ref of the workflow', { job_workflow_ref: DISPATCH_WORKFLOW.replace('v1.0.0', 'v1.0.1') }, 403],
    ['a ref that begins as ours', { job_workflow_ref: `${DISPATCH_WORKFLOW}-evil` }, 403],
    ['a workflow of a fork', { job_workflow_ref: DISPATCH_WORKFLOW.replace('sage/', 'stranger/') }, 403],
    ['another event', { event_name: 'pull_request_target' }, 403],
    ['no run', { run_id: undefined }, 403],
    ['a run that is no number', { run_id: `${1}e3` }, 403],
  ])('with a token of %s gets nothing', async (_, claims, status) => {
    const token = await job.idToken(PUBLIC_URL, claims)
    expect([await ask('GET', 'plan', token), await ask('POST', 'token', token), await ask('POST', 'records', token, { records: [] })]).toEqual([
      status,
      status,
      status,
    ])
    expect((await story.store.state.run(id))?.claim).toBeUndefined()
  })

  it.each([
    ['unsigned', (token: string) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`],
    ['of changed claims', (token: string) => token.replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ aud: PUBLIC_URL })).toString('base64url')}.`)],
    ['none', () => ''],
    ['the operator’s', () => 'the-token-of-the-operator-of-this-test-0123'],
  ])('with a token that is %s gets nothing', async (_, change) => {
    expect(await ask('GET', 'plan', change(await job.idToken(PUBLIC_URL)))).toBe(401)
  })

  it('of another run gets neither plan, token nor records of this one, not even before its own job came', async () => {
    const other = await dispatch()
    const token = await other.job.idToken(PUBLIC_URL)
    expect([await ask('POST', 'token', token), await ask('POST', 'records', token, { records: [] })]).toEqual([404, 404])
    expect(await ask('GET', 'plan', token)).toBeGreaterThanOrEqual(400)
    expect(await ask('GET', 'plan', await job.idToken(PUBLIC_URL))).toBe(200)
    expect([await ask('GET', 'plan', token), await ask('POST', 'token', token)]).toEqual([409, 404])
  })

  it('of another attempt, or with another run’s number, gets nothing once the plan is taken', async () => {
    expect(await ask('GET', 'plan', await job.idToken(PUBLIC_URL))).toBe(200)
    for (const claims of [{ run_attempt: '2' }, { run_id: String(run.id + 1) }]) {
      const token = await job.idToken(PUBLIC_URL, claims)
      expect([await ask('GET', 'plan', token), await ask('POST', 'token', token), await ask('POST', 'records', token, { records: [] })]).toEqual([
        409, 404, 404,
      ])
    }
  })

  it('gets one token, which reads its repository and nothing else', async () => {
    const token = await job.idToken(PUBLIC_URL)
    await ask('GET', 'plan', token)
    const made = (await (await story.ask('POST', `runs/${id}/token`, token)).json()) as { readonly token: string }
    expect([await ask('POST', 'token', token), await ask('POST', 'token', await job.idToken(PUBLIC_URL))]).toEqual([409, 409])
    const request = async (method: string, path: string, body?: unknown): Promise<number> =>
      (
        await fetch(`${github.url}${path}`, {
          method,
          headers: { authorization: `Bearer ${made.token}`, 'content-type': 'application/json' },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
      ).status
    expect(await request('GET', `/repos/${plugin}/contents/README.md`)).toBe(200)
    expect(await request('GET', `/repos/${CONTROL}/contents/.github/workflows/dispatch.yml`)).toBe(404)
    expect(await request('POST', `/repos/${plugin}/check-runs`, { name: 'ctss', head_sha: github.repo(plugin).head('main') })).toBe(403)
    expect(story.log()).not.toContain(made.token)
    github.forgive(/check-runs/)
  })

  it('with records that are not about what was dispatched is refused, and they count for nothing', async () => {
    const token = await job.idToken(PUBLIC_URL)
    const plan = (await (await story.ask('GET', `runs/${id}/plan`, token)).json()) as RunPlan
    const { subject } = plan
    const foreign = `sha256:${'f'.repeat(64)}`
    const build = { kind: 'build', repository: `${story.registry}/staging/x`, index: foreign, platforms: [{ platform: 'linux/amd64', digest: foreign }] }
    const refused: readonly (readonly [string, unknown])[] = [
      ['no records', {}],
      ['no list', { records: 'all' }],
      ['another commit', { records: [makeRecord('virtual', { subject: { ...subject, commit: 'b'.repeat(40) } })] }],
      ['another tree', { records: [makeRecord('virtual', { subject: { ...subject, tree: foreign } })] }],
      ['changed files', { records: [makeRecord('virtual', { subject: { ...subject, dirty: true } })] }],
      ['a stage that was not to run', { records: [makeRecord('train', { subject })] }],
      ['details of another stage', { records: [makeRecord('virtual', { subject, details: { kind: 'validate', manifest: null } })] }],
      ['two of one stage', { records: [makeRecord('virtual', { subject }), makeRecord('virtual', { subject })] }],
      ['a hundred', { records: Array.from({ length: 100 }, () => makeRecord('virtual', { subject })) }],
      ['images elsewhere', { records: [makeRecord('build', { subject, details: { ...build, repository: 'evil.example/x' } as never })] }],
      ['members that nobody knows', { records: [{ ...makeRecord('virtual', { subject }), approved: true }] }],
      ['a key of the prototype', `{"records":[{"__proto__":{"stage":"virtual"}}]}`],
      ['no JSON', '{'],
    ]
    for (const [what, body] of refused) expect([what, await ask('POST', 'records', token, body)]).toEqual([what, 422])
    expect(await ask('POST', 'records', token, { records: [], more: 'x'.repeat(5 * 2 ** 20) })).toBe(413)
    expect(await story.store.state.recordsOfRun(id)).toEqual([])
    expect((await story.store.state.run(id))?.delivered).toBeUndefined()
  })

  it('puts no file that it was not asked for', async () => {
    const put = async (digest: string, ticket: string): Promise<number> =>
      (await fetch(`${story.url}/api/v1/runs/${id}/blobs/${digest}`, { method: 'PUT', headers: { authorization: `Bearer ${ticket}` }, body: 'x' })).status
    const digest = `sha256:${'1'.repeat(64)}`
    expect([await put(digest, 'x'), await put(digest, await job.idToken(PUBLIC_URL)), await put('..%2f..%2fetc', 'x')]).toEqual([401, 401, 401])
  })

  it('gets nothing any more once its run has ended', async () => {
    const ended = await dispatch()
    const token = await ended.job.idToken(PUBLIC_URL)
    expect((await story.ask('GET', `runs/${ended.id}/plan`, token)).status).toBe(200)
    await octocat.deleteRef(ended.plugin, 'refs/heads/feature')
    await story.settle()
    const statuses = await Promise.all(
      [
        ['GET', 'plan'],
        ['POST', 'token'],
        ['POST', 'records'],
      ].map(async ([method, path]) => (await story.ask(method!, `runs/${ended.id}/${path}`, token, method === 'POST' ? { records: [] } : undefined)).status),
    )
    expect(statuses).toEqual([410, 410, 410])
    expect(ended.run.conclusion ?? ended.run.status).toBe('cancelled')
  })
})

describe('an installation', () => {
  it('that goes in the middle of a run takes its token and its run with it', async () => {
    const plugin = makePlugin()
    const { head } = await openForkPull(plugin)
    await octocat.pressButton(plugin, story.check(plugin, head, 'ctss').id, 'approve')
    expect(await spent(plugin)).toEqual([`dispatched ${head}`])
    const [run] = story.dispatches(plugin)
    const job = await run!.job('dispatch / source', { workflow: DISPATCH_WORKFLOW })
    await job.start()
    const token = await job.idToken(PUBLIC_URL)
    const id = run!.inputs['plan']!
    expect((await story.ask('GET', `runs/${id}/plan`, token)).status).toBe(200)
    await github.installation('sage').removeRepositories(plugin)
    // GitHub itself makes none, whether the app has heard of it or not.
    expect([410, 503]).toContain((await story.ask('POST', `runs/${id}/token`, token)).status)
    await story.settle()
    expect((await story.ask('POST', `runs/${id}/token`, token)).status).toBe(410)
    expect(run!.conclusion).toBe('cancelled')
    const writes = github.calls(new RegExp(`^(?:POST|PATCH) /repos/${plugin}/`)).length
    await octocat.push(plugin, 'main', { ...PASSING, 'main.py': 'print("later")\n' })
    await story.settle()
    expect(github.calls(new RegExp(`^(?:POST|PATCH) /repos/${plugin}/`))).toHaveLength(writes)
  })
})

describe('whatever was tried', () => {
  it('no secret has left the app, and it has written nothing but what it is there for', async () => {
    const written = await Promise.all([UNLISTED, ...REPOSITORIES.slice(0, used)].map(async (name) => story.written(name)))
    expect(story.secretsIn(`${story.log()}${written.flat().join('\n')}`)).toEqual([])
    for (const line of story.log().trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow()
    const writes = github.calls(/^(?:POST|PUT|PATCH|DELETE) /, 'ctss[bot]').map(({ line }) => line)
    const usual =
      /^(?:POST|PATCH) \/repos\/(?:(?:sage\/plugin-\d+|ganon\/plugin)\/(?:check-runs|issues\/(?:\d+|comments\/\d+)\/(?:comments|reactions)|issues\/comments|pulls\/\d+\/reviews)|sage\/control\/actions\/)/
    expect(writes.filter((line) => !usual.test(line))).toEqual([])
  })
})

/** Of the socket, below what `fetch` throws. */
function codeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Error && 'code' in cause) return cause.code
  throw error
}
