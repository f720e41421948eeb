import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startGithub, type Github } from '../github/github.ts'
import { githubPeople } from '../github/people.ts'
import { openAliased, type Aliased } from '../mini-runner/commit-aliases.ts'
import type { Permissions } from '../mini-runner/permissions.ts'
import { pullRequest, push } from '../mini-runner/trigger.ts'
import { git } from '../layout.ts'
import { MANIFEST, NATIVE, ONE_TRIAL } from '../tiny-plugin.ts'
import { readOutcomes } from './run-facts.ts'
import { makePlugin, tinyFiles, type Plugin, type Stage, type StageOptions, type StoryRun } from './story.ts'

const FOREIGN = NATIVE === 'linux/amd64' ? 'linux/arm64' : 'linux/amd64'
export const EVERY_JOB = ['plan', 'train', `platform ${NATIVE}`, 'index', 'virtual', 'publish', 'report']

const ended = (conclusion: string, ...jobs: readonly string[]): Record<string, string> => Object.fromEntries(jobs.map((job) => [job, conclusion]))
const outcomes = ({ artifacts }: StoryRun): Readonly<Record<string, string>> => readOutcomes(join(artifacts, 'report'))
const reportOf = ({ artifacts }: StoryRun): string => readFileSync(join(artifacts, 'report/report.md'), 'utf8')
const why = (run: StoryRun): string => run.log.slice(-200).join('\n')

/** Tokens of jobs, as the stand-in for GitHub knows them: it has no packages and no OIDC. */
export function tokensOf(github: Github): (permissions: Permissions) => Promise<string> {
  return async ({ contents = 'none', 'pull-requests': pulls = 'none' }) =>
    github.workflowToken({ ...(contents !== 'none' && { contents }), ...(pulls !== 'none' && { pull_requests: pulls }) })
}

interface Teller {
  /** act 0.2.87 starts no further job when a called workflow has failed, whatever their conditions say: there is no report then. */
  readonly stopsAtFailedCall?: boolean
}

/** The stories of a plugin author's runs, told by whatever runs workflows. */
export function tellStories(makeStage: (options: StageOptions) => Promise<Stage>, { stopsAtFailedCall = false }: Teller = {}): void {
  const resources = new AsyncDisposableStack()
  let stage: Stage
  let github: Github
  let door: Aliased
  const fresh = async (name: string, files: Parameters<typeof tinyFiles>[1] = {}): Promise<{ plugin: Plugin; commit: string }> => {
    const plugin = await makePlugin(stage, `zelda/${name}`)
    return { plugin, commit: await plugin.commit(await tinyFiles(name, files)) }
  }
  /** Whether the registry knows a repository below the namespace of the stage. */
  const hasTags = async (repository: string): Promise<boolean> => {
    const [host, namespace] = stage.registry.split('/')
    const answer = await fetch(`http://${host}/v2/${namespace}/${repository}/tags/list`)
    await answer.body?.cancel()
    return answer.ok
  }
  beforeAll(async () => {
    github = resources.use(await startGithub())
    door = resources.use(await openAliased(github.url))
    stage = await makeStage({ environment: { GITHUB_API_URL: door.url }, issueToken: tokensOf(github) })
    resources.use(stage)
  })
  afterAll(async () => resources.disposeAsync())

  it('a good plugin goes through every stage, and a push that changes nothing ends after the plan', async () => {
    const { plugin, commit } = await fresh('good')
    const first = await stage.run(push(plugin.name, commit))

    expect(first.jobs, why(first)).toEqual(ended('success', ...EVERY_JOB))
    expect(outcomes(first)).toEqual({ ...ended('passed', 'validate', 'train', 'build', 'virtual', 'publish'), node: 'skipped' })
    expect(Object.keys(first.records).toSorted()).toEqual(['build', `build-${NATIVE.replaceAll('/', '-')}`, 'publish', 'train', 'validate', 'virtual'])
    expect(reportOf(first)).toContain('faults/good')
    expect(first.summaries.join('\n')).toContain('faults/good')
    expect(first.annotations.filter(({ level }) => level === 'error')).toEqual([])
    const { details } = first.records['publish']!
    expect(details.kind === 'publish' && details.reference).toMatch(new RegExp(`^${stage.registry}/faults/good@sha256:`))
    expect(await hasTags('faults/good')).toBe(true)

    const second = await stage.run(push(plugin.name, await plugin.commit({ 'README.md': 'One more line.\n' })))
    expect(second.jobs, why(second)).toEqual(ended('success', 'plan'))
    expect(second.passed).toBe(true)
  })

  it('a broken manifest is told at its lines, and nothing else runs', async () => {
    const { plugin, commit } = await fresh('broken', { 'sage.yaml': MANIFEST.replace('name: tiny-plugin', 'name: Broken Name') })
    const run = await stage.run(push(plugin.name, commit))

    expect(run.passed).toBe(false)
    expect(run.jobs, why(run)).toEqual({ plan: 'failure', report: 'failure' })
    expect(run.annotations).toContainEqual(expect.objectContaining({ level: 'error', properties: expect.objectContaining({ file: 'sage.yaml', line: '1' }) }))
    expect(outcomes(run)).toMatchObject({ validate: 'failed', train: 'skipped', publish: 'skipped' })
    expect(reportOf(run)).toContain('sage.yaml')
  })

  it('a gate that fails stops the run after training, and says what it found', async () => {
    const pipeline = `training:\n  dockerfile: train/Dockerfile\n  command: [sh, /train.sh]\n  gates: [{metric: accuracy, min: 0.95}]\nmodel: {path: model, from: train}\n${ONE_TRIAL}`
    const { plugin, commit } = await fresh('gated', { 'ctss.yaml': pipeline })
    const run = await stage.run(push(plugin.name, commit))

    expect(run.passed).toBe(false)
    expect(run.jobs, why(run)).toEqual({ plan: 'success', train: 'failure', ...(stopsAtFailedCall ? {} : { report: 'failure' }) })
    // A gate is decided anew in every run: the training itself has passed, and its record says so.
    expect(run.records['train']?.outcome).toBe('passed')
    expect(run.annotations.map(({ message }) => message).join('\n')).toMatch(/accuracy is 0\.91/)
    if (stopsAtFailedCall) return
    expect(outcomes(run)).toMatchObject({ validate: 'passed', train: 'failed', build: 'skipped', publish: 'skipped' })
    expect(reportOf(run)).toContain('0.95')
  })

  it('one architecture that fails leaves the other', async () => {
    const { plugin, commit } = await fresh('half', {
      'sage.yaml': MANIFEST.replace(`[${NATIVE}]`, `[${NATIVE}, ${FOREIGN}]`),
      Dockerfile: `FROM debian:bookworm-slim\nRUN [ "$(dpkg --print-architecture)" = ${NATIVE.slice('linux/'.length)} ]\nCOPY model /model\nCOPY main.sh /\nENTRYPOINT ["sh", "/main.sh"]\n`,
    })
    const run = await stage.run(push(plugin.name, commit))

    expect(run.passed).toBe(false)
    expect(run.jobs, why(run)).toEqual({
      ...ended('success', 'plan', 'train', `platform ${NATIVE}`),
      ...ended('failure', `platform ${FOREIGN}`, 'index', ...(stopsAtFailedCall ? [] : ['report'])),
    })
    expect(run.records[`build-${NATIVE.replaceAll('/', '-')}`]?.outcome).toBe('passed')
    expect(run.records[`build-${FOREIGN.replaceAll('/', '-')}`]?.outcome).toBe('failed')
    expect(run.records['build']?.outcome).toBe('failed')
    expect(await hasTags('faults/half')).toBe(false)
    if (stopsAtFailedCall) return
    expect(outcomes(run)).toMatchObject({ train: 'passed', build: 'failed', virtual: 'skipped' })
    expect(reportOf(run)).toContain(FOREIGN)
  })

  it('a pull request from a fork gets images in archives, no secrets, and publishes nothing', async () => {
    const { plugin, commit } = await fresh('forked')
    const head = await plugin.commit({ 'main.sh': 'cat /model/weights.txt\necho changed\n' })
    git(plugin.folder, 'update-ref', 'refs/pull/7/head', head)
    const run = await stage.run(pullRequest(plugin.name, { commit: head, head, base: commit }, 'stranger/forked'))

    expect(run.jobs, why(run)).toEqual(ended('success', ...EVERY_JOB.filter((job) => job !== 'publish')))
    expect(readdirSync(join(run.artifacts, 'ctss-build'))).toContain('image')
    expect(run.records['build']?.subject.commit).toBe(head)
    expect(reportOf(run)).toContain('faults/forked')
    for (const place of ['faults', 'staging/trusted/faults', 'staging/untrusted/faults']) expect(await hasTags(`${place}/forked`), place).toBe(false)
  })

  it('a pull request has one comment, which its runs keep up to date', async () => {
    const people = githubPeople(github)
    const plugin = await makePlugin(stage, `${github.owner}/${github.repository}`)
    const comments = async (number: number): Promise<readonly string[]> => {
      const answer = await fetch(`${github.url}/repos/${plugin.name}/issues/${number}/comments`, {
        headers: { authorization: `token ${github.people.maintainer}` },
      })
      return ((await answer.json()) as { readonly body: string }[]).map(({ body }) => body)
    }
    const base = await plugin.commit(await tinyFiles('commented', { 'sage.yaml': 'name: Commented\n' }))
    const opened = await people.push()
    const commit = await plugin.commit({ 'main.sh': 'echo changed\n' })
    door.alias(opened.head, commit)
    const first = await stage.run(pullRequest(plugin.name, { commit, head: commit, base }, plugin.name, opened.number))
    expect(first.jobs, why(first)).toEqual({ plan: 'failure', report: 'failure' })
    expect(await comments(opened.number)).toEqual([expect.stringContaining('There is no description')])

    const pushed = await people.push(opened.number)
    const mended = await plugin.commit({ 'sage.yaml': 'name: Commented\ndescription: Comments\n' })
    door.alias(pushed.head, mended)
    await stage.run(pullRequest(plugin.name, { commit: mended, head: mended, base }, plugin.name, opened.number))
    expect(await comments(opened.number)).toEqual([expect.not.stringContaining('There is no description')])
    expect(github.violations).toEqual([])
  })
}
