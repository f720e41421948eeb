import { blobId } from '../adapters/repository-tree/blob-file.ts'
import type { RepositoryTree, TreeEntry } from '../pipeline/ports/repository-tree.ts'
import { indexTree, resolveTreePath, sortEntries, treeDigest } from '../pipeline/tree.ts'

/** A tree in which some files have other contents, or are there in the first place: what it would be if they were written. Nothing can be taken out of it. */
export async function overlayTree(tree: RepositoryTree, files: ReadonlyMap<string, Buffer>): Promise<RepositoryTree> {
  const present = new Map((await tree.entries()).map((entry) => [entry.path, entry]))
  for (const [path, content] of files) {
    const mode = present.get(path)?.mode ?? '100644'
    present.set(path, { path, mode, blob: blobId(content), bytes: content.length } satisfies TreeEntry)
  }
  const entries = sortEntries([...present.values()])
  const index = indexTree(entries)
  return {
    subject: async () => tree.subject(),
    entries: async () => entries,
    async read(path, limitBytes) {
      const found = resolveTreePath(index, path)
      const content = found.kind === 'file' ? files.get(found.path) : undefined
      return content === undefined ? tree.read(path, limitBytes) : content.subarray(0, limitBytes + 1)
    },
    materialise: async (paths, folder, signal) => tree.materialise(paths, folder, signal),
    digest: async () => treeDigest(entries),
  }
}
