/** What people do at the stand-in for GitHub, by its API, so that their requests are judged as well. */
import { randomUUID } from 'node:crypto'
import { Octokit } from '@octokit/rest'
import type { ForgeUnderTest } from '../../contract/forge.ts'
import type { Github } from './github.ts'

export type People = ForgeUnderTest['people']

/** A maintainer who pushes and tags, and a stranger who comments. */
export function githubPeople(github: Github): People {
  const place = { owner: github.owner, repo: github.repository }
  const as = (auth: string): Octokit => new Octokit({ auth, baseUrl: github.url })
  const [maintainer, stranger] = [as(github.people.maintainer), as(github.people.stranger)]

  const openBranch = async (): Promise<string> => {
    const branch = `branch-${randomUUID()}`
    const main = (await maintainer.rest.git.getRef({ ...place, ref: 'heads/main' })).data.object.sha
    await maintainer.rest.git.createRef({ ...place, ref: `refs/heads/${branch}`, sha: main })
    return branch
  }
  const commit = async (branch: string): Promise<string> => {
    const file = { path: `${randomUUID()}.txt`, message: 'change', content: Buffer.from('text').toString('base64') }
    return (await maintainer.rest.repos.createOrUpdateFileContents({ ...place, branch, ...file })).data.commit.sha ?? ''
  }
  return {
    commit: async () => commit(await openBranch()),
    async push(number) {
      const branch = number === undefined ? await openBranch() : (await maintainer.rest.pulls.get({ ...place, pull_number: number })).data.head.ref
      const head = await commit(branch)
      return { number: number ?? (await maintainer.rest.pulls.create({ ...place, title: 'change', head: branch, base: 'main' })).data.number, head }
    },
    async comment(number, body) {
      await stranger.rest.issues.createComment({ ...place, issue_number: number, body })
    },
    async tag(name, { isAnnotated = false } = {}) {
      const head = await commit(await openBranch())
      const object = { ...place, tag: name, message: 'tag' }
      const sha = isAnnotated ? (await maintainer.rest.git.createTag({ ...object, object: head, type: 'commit' })).data.sha : head
      await maintainer.rest.git.createRef({ ...place, ref: `refs/tags/${name}`, sha })
      return head
    },
    makeReleasesImmutable() {
      github.settings.immutableReleases = true
    },
  }
}
