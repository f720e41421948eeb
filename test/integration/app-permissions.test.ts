import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { describe, expect, it } from 'vitest'
import { PASSING } from '../support/app-world.ts'
import { startAppStory, type AppStory } from '../support/app-story.ts'
import type { Permissions } from '../support/github/api.ts'

const MANIFEST = parse(readFileSync('app.yml', 'utf8')) as { readonly default_permissions: Permissions; readonly default_events: readonly string[] }
const BROKEN = { ...PASSING, 'sage.yaml': PASSING['sage.yaml']!.replace('linux/arm64', 'linux/mips') }

/** What people do, and then what has to be seen of it at GitHub. */
interface Story {
  readonly name: string
  /** Answers how to look whether it went well. */
  tell(story: AppStory, repository: string): Promise<() => Promise<boolean>>
}

const STORIES: readonly Story[] = [
  {
    name: 'a push gets its checks',
    async tell({ github, checks }, repository) {
      const { commit } = await github.person('octocat').push(repository, 'main', BROKEN)
      return async () => checks(repository, commit)['ctss'] === 'failure'
    },
  },
  {
    name: 'a push is dispatched, and a deleted branch cancels its run',
    async tell({ github, settle, dispatches }, repository) {
      const octocat = github.person('octocat')
      await octocat.push(repository, 'feature', PASSING)
      await settle()
      await octocat.deleteRef(repository, 'refs/heads/feature')
      return async () => dispatches(repository).some(({ conclusion }) => conclusion === 'cancelled')
    },
  },
  {
    name: 'a pull request gets its comment',
    async tell({ github, said }, repository) {
      const octocat = github.person('octocat')
      await octocat.push(repository, 'feature', BROKEN)
      const { number } = await octocat.openPull(repository, { head: 'feature' })
      return async () => (await said(repository, number)).length === 1
    },
  },
  {
    name: 'a fork’s pull request waits for approval',
    async tell({ github, checks, settle }, repository) {
      await github.person('octocat').push(repository, 'main', PASSING, { message: 'A plugin [skip ctss]' })
      await settle()
      const stranger = github.person('stranger')
      const fork = await stranger.fork(repository)
      await stranger.push(fork, 'fix', { 'main.py': 'print(1)\n' })
      const { head } = await stranger.openPull(repository, { head: 'stranger:fix' })
      return async () => checks(repository, head)['ctss'] === 'action_required'
    },
  },
  {
    name: 'a button of a check is obeyed',
    async tell({ github, settle, check, dispatches }, repository) {
      const octocat = github.person('octocat')
      await octocat.push(repository, 'main', PASSING, { message: 'A plugin [skip ctss]' })
      await settle()
      const stranger = github.person('stranger')
      await stranger.push(await stranger.fork(repository), 'fix', { 'main.py': 'print(1)\n' })
      const { head } = await stranger.openPull(repository, { head: 'stranger:fix' })
      await settle()
      await octocat.pressButton(repository, check(repository, head, 'ctss').id, 'approve')
      return async () => dispatches(repository).length === 1
    },
  },
  {
    name: 'a command in a pull request is answered',
    async tell({ github }, repository) {
      const octocat = github.person('octocat')
      await octocat.push(repository, 'feature', BROKEN)
      const { number } = await octocat.openPull(repository, { head: 'feature' })
      const { id } = await octocat.comment(repository, number, '/ctss help')
      return async () => (await github.repo(repository).comments(number)).some((comment) => comment.id === id && comment.reactions.length === 1)
    },
  },
  {
    name: 'a safe fix is suggested at its line',
    async tell({ github }, repository) {
      const octocat = github.person('octocat')
      await octocat.push(repository, 'feature', { ...PASSING, 'sage.yaml': PASSING['sage.yaml']!.replace('description:', 'descripton:') })
      const { number } = await octocat.openPull(repository, { head: 'feature' })
      return async () => github.repo(repository).reviews(number).length === 1
    },
  },
  {
    name: 'a manifest that is asked for in an issue comes as a pull request',
    async tell({ github }, repository) {
      const octocat = github.person('octocat')
      const { number } = await octocat.openIssue(repository, 'Make it a plugin')
      await octocat.comment(repository, number, '/ctss init')
      return async () =>
        github
          .repo(repository)
          .pulls()
          .some(({ author }) => author === 'ctss[bot]')
    },
  },
  {
    name: 'a commit in a merge queue is judged',
    async tell({ github, checks, settle }, repository) {
      const octocat = github.person('octocat')
      await octocat.push(repository, 'feature', PASSING)
      const { number } = await octocat.openPull(repository, { head: 'feature' })
      await settle()
      const { commit } = await octocat.enqueue(repository, number)
      return async () => checks(repository, commit)['ctss'] !== undefined && checks(repository, commit)['ctss'] !== 'action_required'
    },
  },
]

/** Names of the stories that fail at an app with these permissions. */
async function failing(permissions: Permissions): Promise<readonly string[]> {
  const repositories = STORIES.map((_, index) => `sage/plugin-${index + 1}`)
  await using story = await startAppStory({ repositories, app: { permissions, events: MANIFEST.default_events } })
  const outcomes = await Promise.all(
    STORIES.map(async ({ tell }, index) =>
      tell(story, repositories[index]!).catch((error: unknown) => {
        if (error instanceof Error && !/no button|checks are called/.test(error.message)) throw error
        return async () => false
      }),
    ),
  )
  await story.settle()
  const failed: string[] = []
  for (const [index, look] of outcomes.entries()) if (!(await look())) failed.push(STORIES[index]!.name)
  return failed
}

/** The story that each permission is there for; `read`: and which one fails where it may only read. */
const NEEDED: Readonly<Record<string, { readonly without: string; readonly read: string }>> = {
  contents: { without: 'a push gets its checks', read: 'a manifest that is asked for in an issue comes as a pull request' },
  checks: { without: 'a push gets its checks', read: 'a push gets its checks' },
  pull_requests: { without: 'a fork’s pull request waits for approval', read: 'a safe fix is suggested at its line' },
  issues: { without: 'a command in a pull request is answered', read: 'a command in a pull request is answered' },
  actions: { without: 'a push is dispatched, and a deleted branch cancels its run', read: 'a push is dispatched, and a deleted branch cancels its run' },
}
/** Every app has it. */
const ALWAYS = 'metadata'

describe('the permissions of app.yml', () => {
  it('are enough for every story, and each is there for one', async () => {
    expect(await failing(MANIFEST.default_permissions)).toEqual([])
    expect(Object.keys(MANIFEST.default_permissions).toSorted()).toEqual([ALWAYS, ...Object.keys(NEEDED)].toSorted())
  })

  it.each(Object.entries(NEEDED))('are needed: %s', async (name, { without }) => {
    const { [name]: _, ...others } = MANIFEST.default_permissions
    expect(await failing(others)).toContain(without)
  })

  it.each(Object.entries(NEEDED))('are needed at their level: %s', async (name, { read }) => {
    expect(MANIFEST.default_permissions[name]).toBe('write')
    expect(await failing({ ...MANIFEST.default_permissions, [name]: 'read' })).toContain(read)
  })
})
