import { isUtf8 } from 'node:buffer'
import { Failure } from '../../pipeline/failure.ts'
import type { ProposedFile, RepositoryForge } from '../../pipeline/ports/app-forge.ts'
import { blobId } from '../repository-tree/blob-file.ts'
import { readObjectId, readPull } from './app-answers.ts'
import { commitOfRef } from './commit-of-ref.ts'
import type { GitObjects } from './git-objects.ts'
import type { GithubClient } from './github-client.ts'
import { statusOf } from './github-failure.ts'
import { openPullsOf } from './github-pulls.ts'

const WRITE = 'contents: write'

/**
 * Pull requests of the app's own. The branch's name makes one of several attempts: a branch that is there is used as it is when it holds the files, and never
 * moved; one that does not is somebody else's (`forge-refused`). Seven calls, and one for each file that is no text; one where the pull request is there.
 */
export function githubProposals(client: GithubClient, objects: GitObjects): Pick<RepositoryForge, 'propose'> {
  const { octokit, place, ask, find } = client

  async function makeBranch(branch: string, base: string, title: string, files: readonly ProposedFile[]): Promise<void> {
    const call = { what: `make the branch ${branch}`, permission: WRITE }
    const parent = await commitOfRef(client, `heads/${base}`, `show the branch ${base}`)
    const tree = parent === undefined ? undefined : (await objects.commit(parent))?.tree
    if (parent === undefined || tree === undefined)
      throw new Failure('forge-refused', `There is no branch ${base} on which a pull request could be made.`, { suggestion: 'Push a first commit to it.' })
    const entries: { path: string; mode: '100644'; type: 'blob'; content?: string; sha?: string }[] = []
    for (const { path, content } of files) {
      const entry = { path, mode: '100644', type: 'blob' } as const
      if (isUtf8(content)) entries.push({ ...entry, content: Buffer.from(content).toString('utf8') })
      else {
        const blob = { ...place, content: Buffer.from(content).toString('base64'), encoding: 'base64' }
        entries.push({ ...entry, sha: await ask(call, () => octokit.rest.git.createBlob(blob), readObjectId) })
      }
    }
    const made = await ask(call, () => octokit.rest.git.createTree({ ...place, base_tree: tree, tree: entries }), readObjectId)
    // Without an author it is the app's, and GitHub signs it.
    const commit = await ask(call, () => octokit.rest.git.createCommit({ ...place, message: title, tree: made, parents: [parent] }), readObjectId)
    // 422: another attempt was faster, and what it made is looked at as what was there before.
    const isThere = (cause: unknown): boolean => statusOf(cause) === 422
    const ref = { ...place, ref: `refs/heads/${branch}`, sha: commit }
    const isOurs = await find(
      call,
      () => octokit.rest.git.createRef(ref),
      () => true,
      isThere,
    )
    if (isOurs !== true) await checkBranch(branch, await commitOfRef(client, `heads/${branch}`, `show the branch ${branch}`), files)
  }

  async function checkBranch(branch: string, head: string | undefined, files: readonly ProposedFile[]): Promise<void> {
    const tree = head === undefined ? undefined : (await objects.commit(head))?.tree
    const entries = tree === undefined ? [] : await objects.tree(tree)
    const blobs = new Map(entries.map(({ path, blob }) => [path, blob]))
    if (files.every(({ path, content }) => blobs.get(path) === blobId(content))) return
    throw new Failure('forge-refused', `There is a branch ${branch} already, with other files than were to be proposed.`, {
      suggestion: 'Delete the branch, or open a pull request of it by hand.',
    })
  }

  return {
    async propose({ branch, base, title, body, files }) {
      const [there] = await openPullsOf(client, branch)
      if (there !== undefined) return { number: there.number, url: there.url }
      const head = await commitOfRef(client, `heads/${branch}`, `show the branch ${branch}`)
      if (head === undefined) await makeBranch(branch, base, title, files)
      else await checkBranch(branch, head, files)
      const call = { what: `open a pull request of ${branch}`, permission: 'pull-requests: write' }
      // 422: another attempt was faster.
      const isThere = (cause: unknown): boolean => statusOf(cause) === 422 && /already exists/i.test(String(cause))
      const made = await find(call, () => octokit.rest.pulls.create({ ...place, head: branch, base, title, body }), readPull, isThere)
      const pull = made ?? (await openPullsOf(client, branch))[0]
      if (pull !== undefined) return { number: pull.number, url: pull.url }
      throw new Failure('forge-unavailable', `GitHub says that ${branch} has a pull request, but does not show it yet`, { suggestion: 'Ask again.' })
    },
  }
}
