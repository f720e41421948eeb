import { buffer as collect } from 'node:stream/consumers'
import { pack, type Pack } from 'tar-stream'
import { Failure } from '../failure.ts'
import type { RepositoryTree, TreeEntry } from '../ports/repository-tree.ts'
import { error, type Problem } from '../problem.ts'

/** Held in memory while it is packed; GitHub refuses single files of 100 MiB, so that sources stay far below. */
export const SOURCE_ARCHIVE_LIMIT_BYTES = 256 * 2 ** 20

export type SourceArchive = { readonly kind: 'packed'; readonly content: Buffer } | { readonly kind: 'too-large'; readonly problem: Problem }

/**
 * The tree as a tar file that depends on nothing but paths, modes and contents: sorted, no times, no owners.
 * A symbolic link is stored as it is written, wherever it points; submodules have no content here and are left out. A file that disappears meanwhile is a `Failure` `interrupted`.
 */
export async function packSource(tree: RepositoryTree, signal: AbortSignal, limitBytes = SOURCE_ARCHIVE_LIMIT_BYTES): Promise<SourceArchive> {
  const entries = await tree.entries()
  if (sum(entries) > limitBytes) return { kind: 'too-large', problem: tooLarge(entries, limitBytes) }
  const archive = pack()
  const content = collect(archive)
  let left = limitBytes
  for (const entry of entries) {
    signal.throwIfAborted()
    left -= await addFile(archive, entry, tree, left)
    if (left < 0) return { kind: 'too-large', problem: tooLarge(entries, limitBytes) }
  }
  archive.finalize()
  return { kind: 'packed', content: await content }
}

/** Answers how many bytes of content were added. */
async function addFile(archive: Pack, { path, mode, target }: TreeEntry, tree: RepositoryTree, limitBytes: number): Promise<number> {
  const header = { name: path, mode: mode === '100755' ? 0o755 : 0o644, mtime: new Date(0), uid: 0, gid: 0 }
  if (mode === '160000') return 0
  if (mode === '120000') {
    archive.entry({ ...header, type: 'symlink', linkname: target ?? '' })
    return 0
  }
  const content = await tree.read(path, limitBytes)
  if (content === undefined) throw new Failure('interrupted', `${path} disappeared while the source was being archived`)
  archive.entry({ ...header, type: 'file', size: content.length }, content)
  return content.length
}

function tooLarge(entries: readonly TreeEntry[], limitBytes: number): Problem {
  const largest = entries.toSorted((a, b) => b.bytes - a.bytes).slice(0, 10)
  return error('source-too-large', `the repository's files are more than ${limitBytes / 2 ** 20} MiB, so that their archive cannot be kept with the bundle`, {
    suggestion: 'Keep data and models out of the repository: declare them in ctss.yaml with uri and sha256.',
    detail: largest.map(({ path, bytes }) => `${bytes} bytes  ${path}`).join('\n'),
  })
}

function sum(entries: readonly TreeEntry[]): number {
  return entries.reduce((total, { bytes }) => total + bytes, 0)
}
