import type { Digest } from '../digest.ts'
import type { Subject } from '../../schemas/generated/types.ts'

/** One file of a tree. Folders have no entry; submodules have mode 160000 and no content. */
export interface TreeEntry {
  /** Path from the root, with forward slashes, never leading with one, never holding `..`. */
  readonly path: string
  readonly mode: '100644' | '100755' | '120000' | '160000'
  /** Git blob id (SHA-1, hexadecimal): the same for a folder, a commit and GitHub's trees. */
  readonly blob: string
  readonly bytes: number
  /** Of a symbolic link: where it points to, as written in it. */
  readonly target?: string
}

/** A plugin repository at one state: a folder on this machine, a commit, or GitHub's trees. */
export interface RepositoryTree {
  /** Repository, commit and tree digest. */
  subject(): Promise<Subject>
  /** Every file, sorted by path bytewise. At most 50,000 entries; more is a `Failure` (`storage-unavailable`). */
  entries(): Promise<readonly TreeEntry[]>
  /**
   * A regular file's content; of a symbolic link, its target's when that is a file inside the tree, else undefined.
   * Undefined when there is no such file, or the path leaves the tree. More than `limitBytes` long: only that many plus one are returned.
   */
  read(path: string, limitBytes: number): Promise<Buffer | undefined>
  /**
   * Writes the given files (and links that stay inside) below a folder, with their modes.
   * `folder` exists and is empty. Fails with `storage-full`, `storage-unavailable`.
   */
  materialise(paths: readonly string[], folder: string, signal?: AbortSignal): Promise<void>
  /** Digest over every entry's mode, blob and path. */
  digest(): Promise<Digest>
}
