import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from '../../pipeline/failure.ts'
import type { RepositoryTree, TreeEntry } from '../../pipeline/ports/repository-tree.ts'
import { indexTree, resolveTreePath, sortEntries, treeDigest, type TreeIndex } from '../../pipeline/tree.ts'
import { storageFailure } from '../filesystem/storage-failure.ts'
import { readableName } from '../repository-tree/folder-listing.ts'
import type { GitObjects } from './git-objects.ts'

export interface GithubTreeOptions {
  readonly objects: GitObjects
  /** `https://github.com/owner/name`, as a checkout's remote says. */
  readonly repository: string
  readonly commit: string
  /** A folder of the repository, which becomes the root; the whole repository without it. */
  readonly folder?: string
  readonly signal?: AbortSignal
}

interface Listing {
  readonly entries: readonly TreeEntry[]
  readonly index: TreeIndex
}

/** PATH_MAX of Linux: a longer link leads nowhere. */
const LINK_BYTES = 4096
/** Each costs a call. A plugin has few; a packed tree of packages has thousands. */
const MOST_LINKS = 64
/** A file that is larger is not fetched whole where only its beginning is wanted. */
const WHOLE_BYTES = 2 ** 20
/** Calls at a time when many files are wanted. */
const AT_ONCE = 8

/**
 * A commit at GitHub, as a checkout of it without Git LFS is (pointers stay what they are). Two calls tell its entries, one more each link; one call each file
 * that is read for the first time. Fails as the port says, and with `forge-unavailable`, `forge-refused`, `storage-corrupt`, `cancelled`.
 */
export function githubTree({ objects, repository, commit, folder = '', signal }: GithubTreeOptions): RepositoryTree {
  let listing: Promise<Listing> | undefined
  const list = async (): Promise<Listing> => {
    listing ??= listCommit(objects, commit, folder)
    // What failed is asked for again the next time.
    return listing.catch((cause: unknown) => {
      listing = undefined
      throw cause
    })
  }
  const contentOf = (entry: TreeEntry): Promise<Buffer> => objects.blob(entry.blob)

  return {
    async subject() {
      const { entries } = await list()
      return { repository, commit, dirty: false, tree: treeDigest(entries), tags: [], ...(folder !== '' && { prefix: folder }) }
    },
    async entries() {
      return (await list()).entries
    },
    async read(path, limitBytes) {
      const found = resolveTreePath((await list()).index, path)
      if (found.kind !== 'file') return undefined
      const { entry } = found
      if (entry.bytes > limitBytes && entry.bytes > WHOLE_BYTES) return objects.blobStart(entry.blob, limitBytes + 1)
      return Buffer.from((await contentOf(entry)).subarray(0, limitBytes + 1))
    },
    async materialise(paths, target, cancel) {
      const { index } = await list()
      const wanted = paths.map((path) => {
        const entry = index.entries.get(path)
        if (entry === undefined) throw new TypeError(`no entry of the tree: ${path.slice(0, 200)}`)
        return entry
      })
      for (let start = 0; start < wanted.length || start === 0; start += AT_ONCE) {
        if (cancel?.aborted === true || signal?.aborted === true) throw new Failure('cancelled', 'writing the files of the commit was cancelled')
        await Promise.all(wanted.slice(start, start + AT_ONCE).map((entry) => writeEntry(entry, { index, target, contentOf })))
      }
    },
    async digest() {
      return treeDigest((await list()).entries)
    },
  }
}

async function listCommit(objects: GitObjects, commit: string, folder: string): Promise<Listing> {
  const found = await objects.commit(commit)
  if (found === undefined)
    throw new Failure('forge-refused', `GitHub has no commit ${commit} any more`, { suggestion: 'Push again, or run the newest commit.' })
  const prefix = folder === '' ? '' : `${folder}/`
  const listed = (await objects.tree(found.tree))
    .filter(({ path }) => path.startsWith(prefix))
    .map((entry) => ({ ...entry, path: entry.path.slice(prefix.length) }))
  const links = listed.filter(({ mode, bytes }) => mode === '120000' && bytes <= LINK_BYTES)
  if (links.length > MOST_LINKS)
    throw new Failure('storage-unavailable', `The repository holds more than ${MOST_LINKS} symbolic links.`, {
      suggestion: 'Keep installed packages out of Git: they belong into the image.',
    })
  const targets = new Map<string, string>()
  for (const { blob } of links) if (!targets.has(blob)) targets.set(blob, readableName(await objects.blob(blob)))
  const entries = sortEntries(
    listed.map((entry) => {
      const target = entry.mode === '120000' ? targets.get(entry.blob) : undefined
      // No file system takes a link with a NUL; without a target it leads outside.
      return target === undefined || target.includes('\0') ? entry : { ...entry, target }
    }),
  )
  return { entries, index: indexTree(entries) }
}

interface Writing {
  readonly index: TreeIndex
  readonly target: string
  readonly contentOf: (entry: TreeEntry) => Promise<Buffer>
}

/** No folder on the way is a link: a tree that has both is refused when it is listed. */
async function writeEntry(entry: TreeEntry, { index, target, contentOf }: Writing): Promise<void> {
  const { path, mode } = entry
  if (mode === '160000') return
  const kind = mode === '120000' ? resolveTreePath(index, path).kind : 'file'
  if (kind === 'outside' || kind === 'loop') return
  try {
    await mkdir(join(target, dirname(path)), { recursive: true })
    const place = join(target, path)
    if (entry.target !== undefined) return await symlink(entry.target, place)
    await writeFile(place, await contentOf(entry), { flag: 'wx' })
    await chmod(place, mode === '100755' ? 0o755 : 0o644)
  } catch (cause) {
    throw storageFailure(cause, `writing ${target}`)
  }
}
