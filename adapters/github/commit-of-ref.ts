import { readPointer } from './answers.ts'
import type { GithubClient } from './github-client.ts'
import { statusOf } from './github-failure.ts'

/** An annotated tag may point to another one; nobody does so on purpose. */
const TAG_DEPTH = 5
const READ = 'contents: read'

/** Commit that a ref (without `refs/`) names, also through an annotated tag; undefined: there is no such ref. `what` completes "GitHub refused to …". */
export async function commitOfRef({ octokit, place, ask, find }: GithubClient, ref: string, what: string): Promise<string | undefined> {
  const call = { what, permission: READ }
  // 409: the repository is empty.
  const isNone = (cause: unknown): boolean => statusOf(cause) === 404 || statusOf(cause) === 409
  let pointer = await find(call, () => octokit.rest.git.getRef({ ...place, ref }), readPointer, isNone)
  for (let depth = 0; pointer?.type === 'tag' && depth < TAG_DEPTH; depth += 1) {
    const { sha } = pointer
    pointer = await ask(call, () => octokit.rest.git.getTag({ ...place, tag_sha: sha }), readPointer)
  }
  return pointer?.sha
}
