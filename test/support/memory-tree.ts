import { createHash } from 'node:crypto'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import type { RepositoryTree, TreeEntry } from '../../pipeline/ports/repository-tree.ts'
import { indexTree, resolveTreePath, sortEntries, treeDigest } from '../../pipeline/tree.ts'
import type { Subject } from '../../schemas/generated/types.ts'

/** A file's content, a symbolic link, a program, or a submodule. */
export type MemoryFile = string | Buffer | { readonly link: string } | { readonly program: string } | { readonly submodule: string }

/** A plugin repository in memory: path → content. `subject` changes what it says about itself. */
export function memoryTree(files: Readonly<Record<string, MemoryFile>>, subject: Partial<Subject> = {}): RepositoryTree {
  const entries = sortEntries(Object.entries(files).map(([path, file]) => makeEntry(path, file)))
  const index = indexTree(entries)
  const contentOf = (path: string): Buffer => contentBytes(files[path] ?? '')
  return {
    subject: async () => ({ repository: 'memory', commit: null, dirty: true, tree: treeDigest(entries), ...subject }),
    entries: async () => entries,
    async read(path, limitBytes) {
      const found = resolveTreePath(index, path)
      return found.kind === 'file' ? contentOf(found.path).subarray(0, limitBytes + 1) : undefined
    },
    async materialise(paths, folder, signal) {
      for (const path of paths) {
        signal?.throwIfAborted()
        const entry = index.entries.get(path)
        if (entry === undefined) throw new TypeError(`no entry of the tree: ${path}`)
        const { kind } = resolveTreePath(index, path)
        if (entry.mode === '160000' || kind === 'outside' || kind === 'loop') continue
        await mkdir(dirname(join(folder, path)), { recursive: true })
        if (entry.target !== undefined) await symlink(entry.target, join(folder, path))
        else await writeFile(join(folder, path), contentOf(path))
        if (entry.mode === '100755') await chmod(join(folder, path), 0o755)
      }
    },
    digest: async () => treeDigest(entries),
  }
}

function contentBytes(file: MemoryFile): Buffer {
  if (typeof file === 'string') return Buffer.from(file)
  if (Buffer.isBuffer(file)) return file
  return Buffer.from('link' in file ? file.link : 'program' in file ? file.program : '')
}

function makeEntry(path: string, file: MemoryFile): TreeEntry {
  const content = contentBytes(file)
  const blob = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
  if (typeof file === 'string' || Buffer.isBuffer(file)) return { path, mode: '100644', blob, bytes: content.length }
  if ('submodule' in file) return { path, mode: '160000', blob: file.submodule, bytes: 0 }
  return 'link' in file ? { path, mode: '120000', blob, bytes: content.length, target: file.link } : { path, mode: '100755', blob, bytes: content.length }
}
