import { setTimeout as sleep } from 'node:timers/promises'
import type { Github, StoredCheck } from './github/api.ts'
import type { Executed } from './killed-app-runner.ts'

/** What somebody does at GitHub, step by step: the next one when the one before has come to its end. */
export type StoryKind = keyof typeof STORIES

/** A story in a repository of its own. */
export interface Story {
  readonly github: Github
  /** `owner/name` */
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly index: number
  /** No story takes longer. */
  readonly limitMs: number
}

const SUMMARY = 'ctss'
const LOOK_MS = 400

const STORIES = {
  /** A pull request that passes, is helped, and is run again by a command. */
  async pull(story: Story) {
    const { github, name, files } = story
    const octocat = github.person('octocat')
    const { commit } = await octocat.push(name, 'feature', files)
    const { number } = await octocat.openPull(name, { head: 'feature' })
    await until(story, 'the check', () => concluded(story, commit) === 'success')
    await until(story, 'the comment', async () => (await ours(story, number)).some(({ body }) => body.includes('passed') || body.includes('cloud')))
    await octocat.comment(name, number, '/ctss help')
    await until(story, 'help', async () => (await ours(story, number)).length === 2)
    await octocat.comment(name, number, '/ctss run build --again')
    await until(story, 'the second run', () => plansOf(story) >= 2 && runsOf(story).every(({ status }) => status === 'completed'))
    await until(story, 'the check after the second run', () => concluded(story, commit) === 'success')
    const next = await octocat.push(name, 'feature', { 'notes.md': 'A commit that changes no input.\n' })
    await until(story, 'the check of a commit that changes nothing', () => concluded(story, next.commit) === 'success')
  },
  /** A fork's pull request that is approved. */
  async fork(story: Story) {
    const { github, name, files, index } = story
    const [octocat, stranger] = [github.person('octocat'), github.person('stranger')]
    const main = await octocat.push(name, 'main', files)
    await until(story, 'the check of main', () => concluded(story, main.commit) === 'success')
    const fork = await stranger.fork(name, `fork-${index}`)
    await stranger.push(fork, `fix-${index}`, { 'main.py': 'from waggle.plugin import Plugin\n' })
    const { number, head } = await stranger.openPull(name, { head: `stranger:fix-${index}` })
    await until(story, 'the check of a fork', () => concluded(story, head) === 'action_required')
    await octocat.comment(name, number, `/ctss approve ${head}`)
    await until(story, 'the approved run', () => concluded(story, head) === 'success')
  },
  /** A version that is released, and a tag that is moved. */
  async release(story: Story) {
    const { github, name, files } = story
    const octocat = github.person('octocat')
    const { commit } = await octocat.push(name, 'main', files)
    await until(story, 'the check of main', () => concluded(story, commit) === 'success')
    await octocat.tag(name, 'v1.2.3', { commit })
    await until(story, 'the release', () => github.releases(name).some(({ draft }) => !draft))
    await until(story, 'the check of the release', () => concluded(story, commit, 'ctss / release (v1.2.3)') === 'success')
    const next = await octocat.push(name, 'main', { 'notes.md': 'After the release.\n' })
    await octocat.tag(name, 'v1.2.3', { commit: next.commit })
    await until(story, 'the refused tag', () => concluded(story, next.commit, 'ctss / release (v1.2.3)') === 'failure')
    await until(story, 'the check after the release', () => concluded(story, next.commit) !== undefined)
  },
  /** More problems than one request takes. */
  async problems(story: Story) {
    const { github, name, files } = story
    const inputs = Array.from({ length: 130 }, (_, n) => `  - {id: input-${n}, type: nonsense}\n`).join('')
    const { commit } = await github.person('octocat').push(name, 'main', { ...files, 'sage.yaml': `${files['sage.yaml']}inputs:\n${inputs}` })
    await until(story, 'the check of a broken manifest', () => concluded(story, commit) === 'failure')
  },
  /** A run that is lost, and another one whose records are fetched. */
  async lost(story: Story) {
    const { github, name, files } = story
    const { commit } = await github.person('octocat').push(name, 'main', { ...files, lossy: 'yes\n' })
    await until(story, 'the check of a run that was lost', () => concluded(story, commit) === 'success')
  },
  /** A stage that is run again by the button of its check. */
  async button(story: Story) {
    const { github, name, files } = story
    const octocat = github.person('octocat')
    const { commit } = await octocat.push(name, 'main', files)
    await until(story, 'the check', () => concluded(story, commit) === 'success')
    const check = checksOf(story, commit).find((one) => one.name === 'ctss / virtual')
    await octocat.rerequestCheck(name, check?.id ?? 0)
    await until(story, 'the second run', () => plansOf(story) >= 2 && runsOf(story).every(({ status }) => status === 'completed'))
    await until(story, 'the check after the second run', () => concluded(story, commit) === 'success')
  },
  /** A repository that becomes a plugin by a pull request of ours. */
  async init(story: Story) {
    const { github, name } = story
    const octocat = github.person('octocat')
    const { number } = await octocat.openIssue(name, 'Make it a plugin')
    await octocat.comment(name, number, '/ctss init')
    await until(story, 'the proposal', () => github.repo(name).pulls().length > 0)
    const [pull] = github.repo(name).pulls()
    await until(story, 'the check of the proposal', () => concluded(story, pull?.head ?? '', 'ctss / validate') === 'success')
  },
} as const satisfies Record<string, (story: Story) => Promise<void>>

/** All of them. */
export const STORY_KINDS = Object.keys(STORIES) as readonly StoryKind[]

/** Tells one to its end. Throws where the end does not come in time, with what did not. */
export async function tellStory(kind: StoryKind, story: Story): Promise<void> {
  await STORIES[kind](story)
}

/** Everything that people see in a repository, without numbers that are drawn, times, and what tells it from others: a line for each thing. */
export async function tellOutcome(github: Github, name: string, executed: readonly Executed[]): Promise<string> {
  const repository = github.repo(name)
  const commits: string[] = []
  const commitOf = (commit: string): number => {
    if (!commits.includes(commit)) commits.push(commit)
    return commits.indexOf(commit)
  }
  const checks = repository.checks().toSorted((one, other) => one.id - other.id)
  const numbers = [...new Set([...repository.pulls().map(({ number }) => number), 1, 2])].toSorted((one, other) => one - other)
  const comments = await Promise.all(numbers.map(async (number) => repository.comments(number).catch(() => [])))
  const own = executed.filter((one) => one.repository === name)
  return [
    ...checks.map(
      ({ commit, name: check, status, conclusion, title, annotations }) =>
        `check of commit ${commitOf(commit)}: ${check} ${status} ${conclusion} ${neutral(title ?? '')}, ${annotations.length} annotations`,
    ),
    ...comments.flatMap((all, at) =>
      all.map(({ login, body, reactions }) => {
        const said = reactions.map((one) => `${one.login} ${one.content}`).toSorted()
        return `comment on ${numbers[at]} by ${login}: ${neutral(body).replaceAll('\n', '⏎')}; ${said.join(', ')}`
      }),
    ),
    ...github.releases(name).map(
      ({ tag, draft, assets }) =>
        `release ${tag}${draft ? ' (draft)' : ''}: ${assets
          .map((asset) => asset.name)
          .toSorted()
          .join(', ')}`,
    ),
    ...repository
      .pulls()
      .map(({ title, author, headRef, state }) => `pull request by ${author} from ${headRef.replace(/\d+/g, 'N')}: ${neutral(title)}, ${state}`),
    ...numbers.flatMap((number) => repository.reviews(number).map(({ login, comments: lines }) => `review on ${number} by ${login}: ${lines.length} lines`)),
    ...own.filter(({ fate }) => fate === 'claimed').map(({ stages }) => `run: ${stages.join(', ')}`),
  ]
    .toSorted()
    .join('\n')
}

function neutral(text: string): string {
  return (
    text
      .replace(/(?<=charts\/)[\w.-]+/g, '<ticket>')
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<run>')
      .replace(/\b[0-9a-f]{40}\b|\b[0-9a-f]{7,12}\b|sha256:[0-9a-f]{64}/g, '<hash>')
      .replace(/sage\/p\d+|(?:cloud-counter|fork|fix|p)-?\d+/g, '<name>')
      .replace(/\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?)?|\d\d:\d\d(?::\d\d)?/g, '<time>')
      .replace(/\d+(?:\.\d+)? ?(?:ms|s|min|h|KiB|MiB|kB|MB|B)\b/g, '<amount>')
      // Of a stage that took no time there is none.
      .replaceAll(', <amount>', '')
      .replace(/runs\/\d+/g, 'runs/<number>')
      .replace(/comment%3A\d+/g, 'comment%3A<number>')
  )
}

async function until(story: Story, what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + story.limitMs; ;) {
    if (await look()) return
    if (performance.now() > end) {
      const checks = checksOf(story).map(({ name, commit, status, conclusion, title }) => `${name} ${commit.slice(0, 7)} ${status} ${conclusion} ${title}`)
      const runs = runsOf(story).map(({ id, status, conclusion }) => `run ${id} ${status} ${conclusion}`)
      throw new Error(`${what} did not come\n  ${[...checks, ...runs].join('\n  ')}`)
    }
    await sleep(LOOK_MS)
  }
}

function checksOf({ github, name }: Story, commit?: string): readonly StoredCheck[] {
  return github.repo(name).checks(commit)
}

/** Of the newest check run of a name; undefined: it has none. */
function concluded(story: Story, commit: string, name = SUMMARY): string | undefined {
  const newest = checksOf(story, commit)
    .filter((check) => check.name === name)
    .toSorted((one, other) => other.id - one.id)[0]
  return newest?.status === 'completed' ? (newest.conclusion ?? undefined) : undefined
}

async function ours({ github, name }: Story, number: number) {
  return (await github.repo(name).comments(number)).filter(({ login }) => login === github.app.login)
}

/** Of a plan that was lost there are several workflow runs. */
function plansOf(story: Story): number {
  return new Set(runsOf(story).map(({ title }) => title)).size
}

function runsOf({ github, name }: Story) {
  return github.actions.runs('sage/control').filter(({ inputs }) => inputs['repository'] === name)
}
