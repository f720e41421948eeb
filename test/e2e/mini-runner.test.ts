import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACTIONS } from '../../actions/definitions.ts'
import { layOutRelease, OURS } from '../support/act/lay-out-release.ts'
import { makePlugin, tinyFiles, type Plugin, type Stage, type StoryRun } from '../support/act/story.ts'
import { EVERY_JOB, tellStories, tokensOf } from '../support/act/story-suite.ts'
import { makeStandIns } from '../support/act/stand-ins/make-stand-ins.ts'
import { tracesOf } from '../support/ctss-child.ts'
import { Workplace } from '../support/ctss-process.ts'
import { startGithub, type Github } from '../support/github/github.ts'
import { githubPeople } from '../support/github/people.ts'
import { git } from '../support/layout.ts'
import { checkWorkflow } from '../support/mini-runner/check.ts'
import { openAliased, type Aliased } from '../support/mini-runner/commit-aliases.ts'
import { makeMiniGitHub } from '../support/mini-runner/make-github.ts'
import { makeMiniStage } from '../support/mini-runner/mini-stage.ts'
import { pullRequest, push } from '../support/mini-runner/trigger.ts'
import { slowFiles } from '../support/tiny-plugin.ts'

describe("our workflows on GitHub's own parser and evaluator", () => {
  tellStories(makeMiniStage)
})

describe('before anything runs', () => {
  /** Findings that are meant to be, with the reason. */
  const MEANT: Readonly<Record<string, string>> = {
    "ci.yml: job 'actions': sagecontinuum/ctss/actions/build needs 'packages: write'": 'the registry is one of the job',
    "ci.yml: job 'actions': sagecontinuum/ctss/actions/index needs 'packages: write'": 'the registry is one of the job',
    "dispatch.yml: job 'source': sagecontinuum/ctss/actions/setup needs 'packages: read'": 'given a plan, it looks no records up',
    "ci.yml: job 'actions': sagecontinuum/ctss/actions/report needs 'pull-requests: write'": 'it writes no comment',
  }

  it('GitHub has nothing against our workflows, jobs have the rights that they need and no others, and a time limit', async () => {
    await using place = await Workplace.make()
    const release = join(place.folder, 'release')
    await layOutRelease(release)
    const caller = join(process.cwd(), 'examples/smoke-detector')
    const github = await makeMiniGitHub(
      place.folder,
      { ...(await makeStandIns(join(place.folder, 'stand-ins'))), [OURS]: release, 'zelda/plugin': caller },
      { needsOf: (action) => ACTIONS.find(({ name }) => action === `${OURS}/actions/${name}`)?.permissions },
    )
    const findings = []
    for (const [repository, folder] of [
      [OURS, release],
      ['zelda/plugin', caller],
    ] as const)
      for (const name of readdirSync(join(folder, '.github/workflows')))
        findings.push(await checkWorkflow(github, github.repositories[repository]!, `.github/workflows/${name}`))

    expect(findings.flatMap(({ refusals }) => refusals)).toEqual([])
    const faults = new Set(findings.flatMap(({ faults: all }) => all.map((fault) => fault.replace(`${OURS}/.github/workflows/`, ''))))
    expect([...faults].filter((fault) => MEANT[fault] === undefined)).toEqual([])
    expect(Object.keys(MEANT).filter((meant) => !faults.has(meant))).toEqual([])
  })
})

describe('two runs of one caller', () => {
  const resources = new AsyncDisposableStack()
  let stage: Stage
  let plugin: Plugin
  let [good, broken] = ['', '']
  beforeAll(async () => {
    stage = resources.use(await makeMiniStage())
    plugin = await makePlugin(stage, 'zelda/twice')
    good = await plugin.commit(await tinyFiles('twice', slowFiles('twice')))
    // It ends at the manifest: what matters is which run is let go on.
    broken = await plugin.commit({ 'sage.yaml': 'name: Twice\n' })
  })
  afterAll(async () => resources.disposeAsync())

  it('a newer push to a pull request takes the place of the run before, which leaves nothing behind', async () => {
    // From a fork, which gets no comment.
    const pushed = async (commit: string, onLine?: (line: string) => void): Promise<StoryRun> =>
      stage.run(pullRequest(plugin.name, { commit, head: commit, base: good }, 'stranger/twice'), onLine && { onLine })
    let older: Promise<StoryRun> | undefined
    const newer = await new Promise<StoryRun>((resolve, reject) => {
      const push = (): void => void pushed(broken).then(resolve, reject)
      older = pushed(good, (line) => line.endsWith('train: training') && push())
    })
    const replaced = await older

    expect(replaced?.jobs, replaced?.log.join('\n')).toMatchObject({ plan: 'success', train: 'cancelled' })
    expect(newer.jobs).toEqual({ plan: 'failure', report: 'failure' })
    expect(await tracesOf({ folder: stage.folder } as Workplace, [...(replaced?.processes ?? []), ...newer.processes])).toEqual([])
  })

  it('pushes to a branch leave each other alone', async () => {
    const runs = await Promise.all([stage.run(push(plugin.name, broken)), stage.run(push(plugin.name, broken))])

    expect(runs.map(({ jobs }) => jobs['plan'])).toEqual(['failure', 'failure'])
  })
})

describe('with the API of GitHub', () => {
  const resources = new AsyncDisposableStack()
  let github: Github
  let door: Aliased
  let stage: Stage
  beforeAll(async () => {
    github = resources.use(await startGithub())
    door = resources.use(await openAliased(github.url))
    stage = resources.use(await makeMiniStage({ environment: { GITHUB_API_URL: door.url }, issueToken: tokensOf(github) }))
  })
  afterAll(async () => resources.disposeAsync())

  it('two runs of one commit at once, one of them for the tag of the version, end well, and make one release with its assets', async () => {
    const plugin = await makePlugin(stage, `${github.owner}/${github.repository}`)
    const commit = await plugin.commit(await tinyFiles('released'))
    git(plugin.folder, 'tag', 'v0.1.0')
    door.alias(await githubPeople(github).tag('v0.1.0'), commit)
    const runs = await Promise.all([stage.run(push(plugin.name, commit, 'refs/tags/v0.1.0')), stage.run(push(plugin.name, commit))])

    for (const run of runs) {
      expect(Object.keys(run.jobs), run.log.slice(-200).join('\n')).toEqual(EVERY_JOB)
      expect(run.passed, run.log.slice(-200).join('\n')).toBe(true)
      const { details } = run.records['publish']!
      const [name, digest] = (details.kind === 'publish' ? details.reference : '').split(/\/(.*)/)[1]?.split('@') ?? []
      const answer = await fetch(`http://${stage.registry.split('/')[0]}/v2/${name}/manifests/${digest}`, {
        headers: { accept: 'application/vnd.oci.image.index.v1+json' },
      })
      expect(answer.status).toBe(200)
      expect(await tracesOf({ folder: stage.folder } as Workplace, run.processes)).toEqual([])
    }
    const [release, ...others] = github.releases()
    expect(others).toEqual([])
    expect(release).toMatchObject({ draft: false, tag: 'v0.1.0' })
    expect(release?.assets.map(({ name }) => name)).toContain('SHA256SUMS')
    expect(github.violations).toEqual([])
  })
})
