/** Something below a folder that a stranger's container has written. Folders themselves are not listed. */
export interface UntrustedEntry {
  /** From the folder, with forward slashes. */
  readonly path: string
  /** `special`: a device, pipe or socket; `unnameable`: its name is not UTF-8, holds control characters, or is too deep or too long. */
  readonly kind: 'file' | 'link' | 'special' | 'unnameable'
  /** Apparent size: a sparse file counts whole. */
  readonly bytes: number
  /** Last change, in milliseconds of the container's choice. */
  readonly modifiedMs: number
}

/** Reads folders that strangers have written, following no link out of them (nor within). */
export interface UntrustedFolders {
  /** Every entry, sorted by path; at most `limit`, `complete` tells whether that was all. A missing folder is an empty one. Fails with `storage-unavailable`. */
  list(folder: string, limit: number): Promise<{ readonly entries: readonly UntrustedEntry[]; readonly complete: boolean }>
  /** A regular file's first `limitBytes` bytes plus one; undefined when there is no such regular file. Fails with `storage-unavailable`. */
  read(folder: string, path: string, limitBytes: number): Promise<Buffer | undefined>
}
