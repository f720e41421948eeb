import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { Failure } from '../../pipeline/failure.ts'
import type { RepositoryTree } from '../../pipeline/ports/repository-tree.ts'
import { errorCode } from '../filesystem/storage-failure.ts'
import { folderTree } from './folder-tree.ts'

/**
 * A folder on this machine as it is now, uncommitted changes included: in a Git working tree what Git tracks or would add, elsewhere everything but `.git`.
 * Every file counts by its content, read once; a file that changes later is a `Failure` `interrupted`, never a mixture.
 * Fails with `storage-unavailable` (no such folder, unreadable, more than 50,000 files), `cancelled`.
 */
export async function openFolder(path: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<RepositoryTree> {
  const folder = resolve(path)
  const stats = await stat(folder).catch((error: unknown) => {
    throw new Failure('storage-unavailable', `${path}: ${errorCode(error) === 'ENOENT' ? 'there is no such folder' : 'it cannot be read'}`, { cause: error })
  })
  if (!stats.isDirectory()) throw new Failure('storage-unavailable', `${path} is not a folder`)
  return folderTree(folder, signal)
}

export interface RemoteOptions {
  /** A branch, a tag or a full commit id; the remote's default branch without it. */
  readonly ref?: string
  readonly signal?: AbortSignal
  /** Where the copy lies while it is used; the machine's temporary folder without it. */
  readonly parent?: string
  /** Largest download; 1 GiB without it. */
  readonly limitBytes?: number
}

export interface RemoteRepository extends AsyncDisposable {
  readonly tree: RepositoryTree
}

/**
 * A Git repository elsewhere, at one commit, without its history; nothing in it is run. Disposing removes the copy.
 * Fails with `download-failed` (not there, no access, no such ref, too large), `missing-tool` (no git), `timed-out`, `cancelled`, `storage-full`.
 */
export async function openRemote(url: string, { ref, signal, parent = tmpdir(), limitBytes = 2 ** 30 }: RemoteOptions = {}): Promise<RemoteRepository> {
  const { cloneRemote } = await import('./remote-clone.ts')
  const folder = await mkdtemp(join(parent, 'ctss-clone-'))
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    await cloneRemote(url, { folder, ref, limitBytes, ...(signal && { signal }) })
    return { tree: folderTree(folder, signal), [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}
