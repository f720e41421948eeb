import { once } from 'node:events'
import { pack, type Pack } from 'tar-stream'
import { Failure } from '../failure.ts'
import type { RepositoryTree, TreeEntry } from '../ports/repository-tree.ts'
import { error, type Problem } from '../problem.ts'

/** Held in memory while it is packed; GitHub refuses single files of 100 MiB, so that sources stay far below. */
export const SOURCE_ARCHIVE_LIMIT_BYTES = 256 * 2 ** 20

export type SourceArchive = { readonly kind: 'packed'; readonly content: Buffer } | { readonly kind: 'too-large'; readonly problem: Problem }

/**
 * The tree as a tar file that depends on nothing but paths, modes and contents: sorted, no times, no owners.
 * A symbolic link is stored as the file that it leads to inside the tree; one that leads out, or to a folder, and submodules are left out.
 * A file that disappears meanwhile is a `Failure` `interrupted`.
 */
export async function packSource(tree: RepositoryTree, signal: AbortSignal, limitBytes = SOURCE_ARCHIVE_LIMIT_BYTES): Promise<SourceArchive> {
  const entries = await tree.entries()
  if (sum(entries) > limitBytes) return { kind: 'too-large', problem: tooLarge(entries, limitBytes) }
  const archive = pack()
  const chunks: Buffer[] = []
  archive.on('data', (chunk: Buffer) => chunks.push(chunk))
  let left = limitBytes
  for (const entry of entries) {
    signal.throwIfAborted()
    left -= await addFile(archive, entry, tree, left)
    if (left < 0) return { kind: 'too-large', problem: tooLarge(entries, limitBytes) }
  }
  const ended = once(archive, 'end')
  archive.finalize()
  await ended
  return { kind: 'packed', content: Buffer.concat(chunks) }
}

async function addFile(archive: Pack, entry: TreeEntry, tree: RepositoryTree, limitBytes: number): Promise<number> {
  if (entry.mode === '160000') return 0
  const content = await tree.read(entry.path, limitBytes)
  if (content === undefined) {
    if (entry.mode === '120000') return 0
    throw new Failure('interrupted', `${entry.path} disappeared while the source was being archived`)
  }
  const mode = entry.mode === '100755' ? 0o755 : 0o644
  archive.entry({ name: entry.path, mode, mtime: new Date(0), uid: 0, gid: 0, size: content.length, type: 'file' }, content)
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
