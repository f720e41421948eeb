import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { openFolder, openRemote } from '../adapters/repository-tree/open.ts'
import { Failure } from '../pipeline/failure.ts'
import type { RepositoryTree } from '../pipeline/ports/repository-tree.ts'

export interface OpenRepository extends AsyncDisposable {
  readonly tree: RepositoryTree
  /** Folder on this machine, where one was given. */
  readonly folder: string | undefined
}

/** Opens what a person typed: a folder, or a Git URL (`https://…`, `ssh://…`, `git@host:…`, `file:///…`). */
export async function openRepository(place: string, ref: string | undefined, signal: AbortSignal): Promise<OpenRepository> {
  if (/^(https?|ssh|git|file):\/\/|^[\w.-]+@[\w.-]+:/.test(place)) {
    const remote = await openRemote(place, { ...(ref !== undefined && { ref }), signal })
    return { tree: remote.tree, folder: undefined, [Symbol.asyncDispose]: async () => remote[Symbol.asyncDispose]() }
  }
  const folder = resolve(place)
  const found = await stat(folder).catch(() => undefined)
  if (!found?.isDirectory()) throw new Failure('storage-unavailable', `${folder} is ${found === undefined ? 'not there' : 'not a folder'}.`, { suggestion: 'Name the folder of a plugin repository, or its Git URL.' })
  return { tree: await openFolder(folder), folder, [Symbol.asyncDispose]: async () => {} }
}
