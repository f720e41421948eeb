import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { makeWorkFolder } from '../adapters/machine/work-folders.ts'
import { openFolder, openRemote } from '../adapters/repository-tree/open.ts'
import { Failure } from '../pipeline/failure.ts'
import type { RepositoryTree } from '../pipeline/ports/repository-tree.ts'
import { isGitUrl } from './git-url.ts'

export interface OpenRepository extends AsyncDisposable {
  readonly tree: RepositoryTree
  /** Folder on this machine, where one was given. */
  readonly folder: string | undefined
}

export interface OpenOptions {
  /** Branch, tag or commit of a Git URL. */
  readonly ref: string | undefined
  /** Below it a clone lies while it is used. */
  readonly workParent: string
  readonly signal: AbortSignal
}

/** Opens what a person typed: a folder, or a Git URL (`https://…`, `ssh://…`, `git@host:…`, `file:///…`). */
export async function openRepository(place: string, { ref, workParent, signal }: OpenOptions): Promise<OpenRepository> {
  if (isGitUrl(place)) {
    await using opened = new AsyncDisposableStack()
    const { path } = opened.use(await makeWorkFolder(workParent, 'clone'))
    const { tree } = opened.use(await openRemote(place, { parent: path, ...(ref !== undefined && { ref }), signal }))
    const kept = opened.move()
    return { tree, folder: undefined, [Symbol.asyncDispose]: async () => kept.disposeAsync() }
  }
  const folder = resolve(place)
  const found = await stat(folder).catch(() => undefined)
  if (!found?.isDirectory())
    throw new Failure('storage-unavailable', `${folder} is ${found === undefined ? 'not there' : 'not a folder'}.`, {
      suggestion: 'Name the folder of a plugin repository, or its Git URL.',
    })
  return { tree: await openFolder(folder), folder, [Symbol.asyncDispose]: async () => {} }
}
