import { createHash } from 'node:crypto'

import { asDigest } from './digest.ts'
import type { Digest } from './digest.ts'
import type { TreeEntry } from './ports/repository-tree.ts'

/** A tree's entries, ready for questions about paths. */
export interface TreeIndex {
  readonly entries: ReadonlyMap<string, TreeEntry>
  /** Every folder that holds something, without the root. */
  readonly folders: ReadonlySet<string>
}

/** Where a path leads once its symbolic links are followed. */
export type TreePath =
  | { readonly kind: 'file'; readonly path: string; readonly entry: TreeEntry }
  /** `path` is `.` for the root. */
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'submodule'; readonly path: string }
  | { readonly kind: 'missing'; readonly path: string }
  /** It leaves the repository, or goes round in circles; `link` is the symbolic link that is to blame, if any. */
  | { readonly kind: 'outside'; readonly link?: string }
  | { readonly kind: 'loop'; readonly link: string }

/** PATH_MAX of Linux: nothing longer can be opened. */
const MAX_PATH = 4096

/** As many as Linux follows. */
const MAX_LINKS = 40

/** Prepares entries for `resolveTreePath`. */
export function indexTree(entries: readonly TreeEntry[]): TreeIndex {
  const folders = new Set<string>()
  for (const { path } of entries) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end)
      if (folders.has(folder)) break
      folders.add(folder)
    }
  }
  return { entries: new Map(entries.map((entry) => [entry.path, entry])), folders }
}

/** Follows a path from the root of a tree, links included, without touching any file system. */
export function resolveTreePath(index: TreeIndex, path: string): TreePath {
  if (path.startsWith('/')) return { kind: 'outside' }
  if (path.length > MAX_PATH) return { kind: 'missing', path }
  const pending = path.split('/').toReversed()
  const done: string[] = []
  let links = 0
  let link: string | undefined
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (done.pop() === undefined) return { kind: 'outside', ...(link !== undefined && { link }) }
      continue
    }
    done.push(part)
    const entry = index.entries.get(done.join('/'))
    if (entry?.mode === '160000') return { kind: 'submodule', path: entry.path }
    if (entry?.mode !== '120000') continue
    link = entry.path
    if (entry.target === undefined || entry.target.startsWith('/') || entry.target.length > MAX_PATH) return { kind: 'outside', link }
    if (++links > MAX_LINKS) return { kind: 'loop', link }
    done.pop()
    pending.push(...entry.target.split('/').toReversed())
  }
  return lookUp(index, done.join('/'))
}

function lookUp(index: TreeIndex, path: string): TreePath {
  if (path === '') return { kind: 'folder', path: '.' }
  const entry = index.entries.get(path)
  if (entry !== undefined) return { kind: 'file', path, entry }
  return index.folders.has(path) ? { kind: 'folder', path } : { kind: 'missing', path }
}

/** Entries in the one order that every tree has: bytewise by path. */
export function sortEntries(entries: readonly TreeEntry[]): readonly TreeEntry[] {
  return entries
    .map((entry) => ({ entry, key: Buffer.from(entry.path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ entry }) => entry)
}

/** Digest of a whole tree: SHA-256 over `<mode> <blob>\t<path>\0` of its sorted entries. Names, modes and contents count; times and owners don't. */
export function treeDigest(sorted: readonly TreeEntry[]): Digest {
  const hash = createHash('sha256')
  for (const { mode, blob, path } of sorted) hash.update(`${mode} ${blob}\t${path}\0`)
  return asDigest(`sha256:${hash.digest('hex')}`)
}
