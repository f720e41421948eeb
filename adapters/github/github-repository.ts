import type { RepositoryForge } from '../../pipeline/ports/app-forge.ts'
import { readAccess, readActivity, readRepository } from './app-answers.ts'
import { readList, readObject, readText } from './answers.ts'
import { commitOfRef } from './commit-of-ref.ts'
import type { GitObjects } from './git-objects.ts'
import type { GithubClient } from './github-client.ts'
import { statusOf } from './github-failure.ts'
import { githubTree } from './github-tree.ts'
import { isNotGiven } from './installation-tokens.ts'

export interface RepositoryOptions {
  /** GitHub's number of the repository. */
  readonly id: number
  /** `https://github.com`. */
  readonly webUrl: string
  readonly objects: GitObjects
  readonly signal?: AbortSignal
}

type Facts = NonNullable<Awaited<ReturnType<RepositoryForge['facts']>>>

/** What a repository is, what it holds, and who may do what in it. One call each, but where it says otherwise. */
export function githubRepository(
  client: GithubClient,
  { id, webUrl, objects, signal }: RepositoryOptions,
): Pick<RepositoryForge, 'facts' | 'refCommit' | 'commit' | 'isOnDefaultBranch' | 'isBranchHead' | 'access' | 'lastPusher' | 'tree'> {
  const { octokit, place, find } = client
  let known: Facts | undefined

  async function facts(): Promise<Facts | undefined> {
    const call = { what: `show the repository ${place.owner}/${place.repo}`, permission: 'metadata: read' }
    // By its number, which a rename keeps; GitHub leads an old name here, too, but only until somebody else takes it.
    const send = () => octokit.request('GET /repositories/{repository_id}', { repository_id: id })
    const found = await find(call, send, readRepository).catch((cause: unknown) => {
      if (isNotGiven(cause)) return undefined
      throw cause
    })
    if (found !== undefined) client.move(found.owner, found.name)
    known = found
    return found
  }

  return {
    facts,
    async refCommit(ref) {
      return commitOfRef(client, ref.replace(/^refs\//, ''), `show ${ref}`)
    },
    async commit(sha) {
      const commit = await objects.commit(sha)
      return commit && { message: commit.message }
    },
    // Two calls where the facts were not asked for before.
    async isOnDefaultBranch(commit) {
      const branch = (known ?? (await facts()))?.defaultBranch
      if (branch === undefined) return false
      const call = { what: `compare ${commit} with ${branch}`, permission: 'contents: read' }
      // One commit a page: what lies between them is not of interest.
      const comparison = { ...place, basehead: `${branch}...${commit}`, per_page: 1 }
      const status = await find(
        call,
        () => octokit.rest.repos.compareCommitsWithBasehead(comparison),
        (data) => readText(readObject(data, 'a comparison'), 'status'),
      )
      return status === 'identical' || status === 'behind'
    },
    async isBranchHead(commit) {
      const call = { what: `tell which branches end at ${commit}`, permission: 'contents: read' }
      const branches = await find(
        call,
        () => octokit.rest.repos.listBranchesForHeadCommit({ ...place, commit_sha: commit }),
        (data) => readList(data, (branch) => readText(readObject(branch, 'a branch'), 'name')),
        // A commit that the repository does not have is refused by 422.
        (cause) => [404, 422].includes(statusOf(cause) ?? 0),
      )
      return branches !== undefined && branches.length > 0
    },
    async access(login) {
      const call = { what: `tell what ${login} may do`, permission: 'metadata: read' }
      return (await find(call, () => octokit.rest.repos.getCollaboratorPermissionLevel({ ...place, username: login }), readAccess)) ?? 'none'
    },
    async lastPusher(ref, commit) {
      const call = { what: `tell who pushed ${ref}`, permission: 'contents: read' }
      // 404: an Enterprise Server that keeps no such log.
      const activities = await find(
        call,
        () => octokit.rest.repos.listActivities({ ...place, ref, per_page: 1 }),
        (data) => readList(data, readActivity),
      )
      // Whoever has moved it on since has not pushed this commit.
      return activities?.[0]?.after === commit ? activities[0].actor : undefined
    },
    tree(commit, folder = '') {
      return githubTree({ objects, repository: `${webUrl}/${place.owner}/${place.repo}`, commit, folder, ...(signal && { signal }) })
    },
  }
}
