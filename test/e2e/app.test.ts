import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { registryCatalogue } from '../../adapters/catalogue/registry-catalogue.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { initControlCommand } from '../../cli/commands/init-control.ts'
import { listInboxCommand } from '../../cli/commands/inbox.ts'
import { OURS } from '../support/act/lay-out-release.ts'
import { makeGround, type Ground } from '../support/act/story.ts'
import { startAppProcess, type AppProcess } from '../support/app/app-process.ts'
import type { Github, StoredCheck } from '../support/github/api.ts'
import { startGithub } from '../support/github/github.ts'
import { git } from '../support/layout.ts'
import { readFiles } from '../support/mini-runner/hosted-files.ts'
import { hostedRunner } from '../support/mini-runner/hosted-runner.ts'
import type { WorkflowRun } from '../support/mini-runner/github.ts'
import { provideVersitygw, startVersitygw, type S3Server } from '../support/versitygw.ts'

const PLUGIN = 'sage/smoke-detector'
const CONTROL = 'sage/ctss-control'
const FILE = '.github/workflows/dispatch.yml'
const MINUTE_MS = 60_000

/** Blobs are in S3 where there is a server for it, else in the state folder. */
function blobsIn(s3: S3Server | undefined): Readonly<Record<string, string>> {
  if (s3 === undefined) return {}
  const { endpoint, accessKeyId, secretAccessKey, bucket } = s3
  return {
    S3_ADDRESS: `s3://${bucket}/app`,
    S3_ENDPOINT: endpoint,
    S3_REGION: 'us-east-1',
    S3_ACCESS_KEY_ID: accessKeyId,
    S3_SECRET_ACCESS_KEY: secretAccessKey,
  }
}

/** GitHub alone is not real: the app is a process, the workflows run, images are built and tried on Docker, and the registry keeps them. */
describe('the whole loop', () => {
  const resources = new AsyncDisposableStack()
  const ran: WorkflowRun[] = []
  const lines: string[] = []
  let ground: Ground
  let github: Github
  let app: AppProcess
  let plugin = ''
  let number = 0
  let head = ''

  beforeAll(async () => {
    ground = await makeGround()
    resources.defer(async () => rm(ground.folder, { recursive: true, force: true }))
    // A release is a commit, which the control repository names.
    git(ground.release, 'init', '-q')
    git(ground.release, 'add', '--all', '--force')
    git(ground.release, 'commit', '-q', '-m', 'release')
    const release = git(ground.release, 'rev-parse', 'HEAD')
    const control = join(ground.folder, 'control-checkout')
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    await initControlCommand(control, { repository: CONTROL, workflows: `${OURS}@${release}` })
    write.mockRestore()
    const files = Object.fromEntries(Object.entries(readFiles(control)).map(([path, content]) => [path, content.toString('utf8')]))
    github = resources.use(
      await startGithub({
        app: { webhookSecret: 'a-webhook-secret-for-tests' },
        repositories: [
          { name: PLUGIN, files: { 'README.md': 'A plugin to come.\n' } },
          { name: CONTROL, isPrivate: true, files },
        ],
        installations: [],
      }),
    )
    github.actions.useRunner(
      hostedRunner({
        github,
        folder: ground.folder,
        folders: { ...ground.standIns, [OURS]: ground.release },
        onLine: (line) => void lines.push(line),
        onRun: (run) => void ran.push(run),
      }),
    )
    const program = provideVersitygw()
    const s3 = program === undefined ? undefined : resources.use(await startVersitygw(program))
    app = resources.use(
      await startAppProcess({ github, control: CONTROL, workflow: `${OURS}/${FILE}@${release}`, registry: ground.registry, environment: blobsIn(s3) }),
    )
    await github.install({ account: 'sage' })
    plugin = join(ground.folder, 'repositories', PLUGIN)
    await cp('examples/smoke-detector', plugin, { recursive: true, filter: (path) => !/__pycache__|\.pytest_cache|\/\.github$/.test(path) })
    // The app looks base images up where they are named, as the jobs do; Docker Hub is not to be had everywhere, this machine's registry is.
    for (const file of ['Dockerfile', 'train/Dockerfile'])
      await edit(file, (text) => text.replace(/^FROM debian:/m, `FROM ${ground.registry.split('/')[0]}/library/debian:`))
    git(plugin, 'init', '-q')
  })
  afterAll(async () => resources.disposeAsync())

  /** Waits for something at GitHub; what went on meanwhile is shown when it never comes. */
  async function until<Value>(what: string, minutes: number, look: () => Promise<Value | undefined> | Value | undefined): Promise<Value> {
    const deadline = performance.now() + minutes * MINUTE_MS
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      if (performance.now() > deadline)
        throw new Error(
          `${what} did not come.\n${checksText()}\n--- jobs\n${lines.slice(-60).join('\n')}\n--- app\n${app.log().slice(-8000)}\n--- violations\n${JSON.stringify(github.violations)}`,
        )
      await sleep(250)
    }
  }
  const checksText = (): string =>
    github
      .repo(PLUGIN)
      .checks()
      .map(({ name, commit, status, conclusion, title }) => `${name} ${commit.slice(0, 7)} ${status} ${conclusion} ${title}`)
      .join('\n')
  const checkOf = (name: string, commit = head): StoredCheck | undefined =>
    github
      .repo(PLUGIN)
      .checks(commit)
      .find((check) => check.name === name)
  const concluded =
    (name: string, commit = head) =>
    (): StoredCheck | undefined => {
      const check = checkOf(name, commit)
      return check?.status === 'completed' ? check : undefined
    }
  function commit(message: string): string {
    git(plugin, 'add', '--all')
    git(plugin, 'commit', '-q', '--allow-empty', '-m', message)
    return git(plugin, 'rev-parse', 'HEAD')
  }
  async function edit(file: string, change: (text: string) => string): Promise<void> {
    await writeFile(join(plugin, file), change(await readFile(join(plugin, file), 'utf8')))
  }

  it('a manifest with an error is told at its line within seconds, and no machine is asked for', async () => {
    await edit('sage.yaml', (text) => text.replace('name: smoke-detector', 'name: Smoke Detector'))
    head = commit('A plugin')
    git(plugin, 'branch', '-f', 'feature')
    await github.person('octocat').mirror(PLUGIN, plugin, 'refs/heads/feature')
    const summary = await until('the check of a broken manifest', 1, concluded('ctss'))

    expect(summary.conclusion).toBe('failure')
    expect(checkOf('ctss / validate')).toMatchObject({ conclusion: 'failure' })
    expect(checkOf('ctss / validate')?.annotations).toContainEqual(expect.objectContaining({ path: 'sage.yaml', annotation_level: 'failure' }))
    expect(github.actions.runs(CONTROL)).toEqual([])
  })

  it('the mended one goes through every stage on the machines of the control repository, and comes back as checks and one comment', async () => {
    await edit('sage.yaml', (text) => text.replace('name: Smoke Detector', 'name: smoke-detector'))
    head = commit('Mend the name')
    git(plugin, 'branch', '-f', 'feature')
    const octocat = github.person('octocat')
    await octocat.mirror(PLUGIN, plugin, 'refs/heads/feature')
    ;({ number } = await octocat.openPull(PLUGIN, { head: 'feature' }))
    const summary = await until('the verdict over the pull request', 12, concluded('ctss'))

    expect(summary.conclusion, `${checksText()}\n${lines.slice(-100).join('\n')}`).toBe('success')
    for (const stage of ['validate', 'train', 'build', 'virtual', 'publish']) expect(checkOf(`ctss / ${stage}`), stage).toMatchObject({ conclusion: 'success' })
    const [run, ...others] = github.actions.runs(CONTROL)
    expect(others).toEqual([])
    expect(run).toMatchObject({ conclusion: 'success', title: expect.stringContaining(PLUGIN) })
    const [comment, ...more] = await until('the comment', 2, async () => {
      const comments = await github.repo(PLUGIN).comments(number)
      return comments.some(({ body }) => body.includes('env.smoke') || body.includes('accuracy')) ? comments : undefined
    })
    expect(more).toEqual([])
    expect(comment).toMatchObject({ login: github.app.login })
    expect(comment?.body).toContain('smoke-detector')
  })

  it('a tag of the version becomes a release with its assets, and a bundle in the catalogue, from what was tested', async () => {
    const octocat = github.person('octocat')
    await octocat.mirror(PLUGIN, plugin, 'refs/heads/main')
    git(plugin, 'tag', 'v0.1.0')
    await octocat.mirror(PLUGIN, plugin, 'refs/tags/v0.1.0')
    const release = await until('the release', 12, () => github.releases(PLUGIN).find(({ draft, tag }) => !draft && tag === 'v0.1.0'))

    expect(release.assets.map(({ name }) => name).toSorted()).toEqual(expect.arrayContaining(['SHA256SUMS', 'report.html', 'report.json']))
    expect(github.releases(PLUGIN)).toHaveLength(1)
    const catalogue = registryCatalogue({
      registry: new OciRegistry({ credentials: async () => undefined }),
      repositoryOf: (name) => `${ground.registry}/${name}`.toLowerCase(),
    })
    const published = await catalogue.newestRelease('ctss/smoke-detector')
    expect(published).toMatchObject({ name: 'ctss/smoke-detector', version: '0.1.0' })
    // Everything else is what the pull request's run has left.
    const [, second, ...others] = ran
    expect(others).toEqual([])
    expect(second?.jobs.filter(({ conclusion }) => conclusion !== 'skipped').map(({ id }) => id.split('/').at(-1))).toEqual([
      'source',
      'plan',
      'publish',
      'report',
      'deliver',
    ])
    expect(Object.keys(published?.imageBytes ?? {}).toSorted()).toEqual(['linux/amd64', 'linux/arm/v7', 'linux/arm64'])
  })

  it('nothing was lost, doubled, or shown to anybody that must not be', async () => {
    await github.settle()
    expect(github.violations).toEqual([])
    expect(await github.repo(PLUGIN).comments(number)).toHaveLength(1)
    const titles = github.actions.runs(CONTROL).map(({ title }) => title)
    expect(new Set(titles).size).toBe(titles.length)
    expect(ran.flatMap(({ jobs }) => jobs.flatMap(({ orphans }) => orphans))).toEqual([])
    for (const text of [app.log(), lines.join('\n')]) expect(text).not.toMatch(/ghs_[\w-]{10}|BEGIN [A-Z ]*PRIVATE KEY|eyJ[\w-]{20,}\.[\w-]{20,}/)
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    expect(await listInboxCommand({ app: app.url }, { operatorToken: app.operatorToken })).toBe(0)
    write.mockRestore()
  })
})
