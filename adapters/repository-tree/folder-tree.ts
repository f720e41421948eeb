import { lstatSync, readlinkSync } from 'node:fs'
import { chmod, mkdir, open, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'

import { Failure } from '../../pipeline/failure.ts'
import type { RepositoryTree, TreeEntry } from '../../pipeline/ports/repository-tree.ts'
import { indexTree, resolveTreePath, sortEntries, treeDigest } from '../../pipeline/tree.ts'
import type { TreeIndex } from '../../pipeline/tree.ts'
import type { Subject } from '../../schemas/generated/types.ts'
import { errorCode, storageFailure } from '../filesystem/storage-failure.ts'
import { READ_SAFELY, blobId, changed, copyHashed, readBlobId } from './blob-file.ts'
import type { Location } from './blob-file.ts'
import { listByWalking, listWithGit, readableName } from './folder-listing.ts'
import type { Candidate } from './folder-listing.ts'
import { readGitState } from './git-state.ts'
import { areLfsFiles } from './lfs.ts'

interface Listing {
  readonly entries: readonly TreeEntry[]
  readonly index: TreeIndex
  /** Only for names that are not UTF-8, whose path in the tree is written with escapes. */
  readonly locations: ReadonlyMap<string, Buffer>
  readonly fromGit: boolean
}

/** The tree of a folder that exists; see `openFolder`. */
export function folderTree(folder: string, signal?: AbortSignal): RepositoryTree {
  let listing: Promise<Listing> | undefined
  let subject: Promise<Subject> | undefined
  const list = (): Promise<Listing> => (listing ??= attempt(folder, () => listFolder(folder, signal)))

  return {
    subject: () => (subject ??= attempt(folder, () => describe(folder, list, signal))),
    async entries() {
      return (await list()).entries
    },
    async read(file, limitBytes) {
      const { index, locations } = await list()
      const found = resolveTreePath(index, file)
      if (found.kind !== 'file') return undefined
      return attempt(folder, () => readVerified(locationOf(folder, found.entry, locations), found.entry, limitBytes))
    },
    async materialise(paths, target, cancel) {
      const { index, locations } = await list()
      await attempt(folder, () => copyEntries(paths, { folder, target, index, locations, ...(cancel && { signal: cancel }) }))
    },
    async digest() {
      return treeDigest((await list()).entries)
    },
  }
}

async function describe(folder: string, list: () => Promise<Listing>, signal: AbortSignal | undefined): Promise<Subject> {
  const [listing, git] = await Promise.all([list(), readGitState(folder, signal)])
  const tree = treeDigest(listing.entries)
  if (!listing.fromGit) return { repository: basename(folder), commit: null, dirty: true, tree }
  const dirty = git.commit === null || !(await isCommitted(folder, listing, git.committed, signal))
  return {
    repository: git.repository ?? basename(folder),
    commit: git.commit,
    dirty,
    tree,
    tags: [...git.tags],
    ...(git.prefix !== undefined && { prefix: git.prefix }),
    ...(git.branch !== undefined && { branch: git.branch }),
    ...(git.described !== undefined && { described: git.described }),
  }
}

async function attempt<T>(folder: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw new Failure('cancelled', `reading ${folder} was cancelled`, { cause: error })
    throw storageFailure(error, `reading ${folder}`)
  }
}

async function listFolder(folder: string, signal: AbortSignal | undefined): Promise<Listing> {
  const known = await listWithGit(folder, signal)
  const candidates = known ?? (await listByWalking(folder, { ...(signal && { signal }) }))
  const entries: TreeEntry[] = []
  const locations = new Map<string, Buffer>()
  const isFolder = makeFolderCheck(folder)
  for (const [position, candidate] of candidates.entries()) {
    // Lets Ctrl-C and the progress line through.
    if (position % 256 === 255) await setImmediate()
    signal?.throwIfAborted()
    const path = readableName(candidate.name)
    const location = locate(folder, path, candidate.name)
    const entry = isFolder(path, candidate.name) ? await readEntry(path, location, candidate) : undefined
    if (entry === undefined) continue
    entries.push(entry)
    if (typeof location !== 'string') locations.set(path, location)
  }
  const sorted = sortEntries(entries)
  return { entries: sorted, index: indexTree(sorted), locations, fromGit: known !== undefined }
}

/** Undefined: it is gone, or nothing that Git keeps (a socket, a FIFO, a device). */
async function readEntry(path: string, location: Location, candidate: Candidate): Promise<TreeEntry | undefined> {
  if (candidate.submodule !== undefined) return { path, mode: '160000', blob: candidate.submodule, bytes: 0 }
  const stats = lstatSync(location, { throwIfNoEntry: false })
  if (stats === undefined) return undefined
  if (stats.isSymbolicLink()) {
    const target = readlinkSync(location, { encoding: 'buffer' })
    return { path, mode: '120000', blob: blobId(target), bytes: target.length, target: readableName(target) }
  }
  if (!stats.isFile()) return undefined
  // As Git does: the owner's bit decides.
  return { path, mode: (stats.mode & 0o100) === 0 ? '100644' : '100755', ...(await readBlobId(location, stats.size)) }
}

/** Whether the folder that a path lies in is a real one. What Git tracks as `a/b` lies outside when `a` has become a link. */
function makeFolderCheck(folder: string): (path: string, name: Buffer) => boolean {
  const checked = new Map<string, boolean>()
  const check = (parent: Buffer): boolean => {
    const key = parent.toString('latin1')
    const known = checked.get(key)
    if (known !== undefined) return known
    const end = parent.lastIndexOf('/')
    const isReal =
      (end === -1 || check(parent.subarray(0, end))) &&
      lstatSync(locate(folder, readableName(parent), parent), { throwIfNoEntry: false })?.isDirectory() === true
    checked.set(key, isReal)
    return isReal
  }
  return (_path, name) => {
    const end = name.lastIndexOf('/')
    return end === -1 || check(name.subarray(0, end))
  }
}

function locate(folder: string, path: string, name: Buffer): Location {
  return Buffer.from(path).equals(name) ? join(folder, path) : Buffer.concat([Buffer.from(join(folder, '/')), name])
}

function locationOf(folder: string, entry: TreeEntry, locations: ReadonlyMap<string, Buffer>): Location {
  return locations.get(entry.path) ?? join(folder, entry.path)
}

async function readVerified(location: Location, entry: TreeEntry, limitBytes: number): Promise<Buffer> {
  await using handle = await open(location, READ_SAFELY).catch(asChanged(entry.path))
  const content = Buffer.alloc(Math.min(entry.bytes, limitBytes + 1))
  const { bytesRead } = await handle.read(content, 0, content.length, 0)
  if (bytesRead !== content.length || (entry.bytes <= limitBytes && blobId(content) !== entry.blob)) throw changed(entry.path)
  return content
}

interface Copying {
  readonly folder: string
  readonly target: string
  readonly index: TreeIndex
  readonly locations: ReadonlyMap<string, Buffer>
  readonly signal?: AbortSignal
}

async function copyEntries(paths: readonly string[], { folder, target, index, locations, signal }: Copying): Promise<void> {
  const made = new Set<string>()
  for (const path of paths) {
    signal?.throwIfAborted()
    const entry = index.entries.get(path)
    if (entry === undefined) throw new TypeError(`no entry of the tree: ${path.slice(0, 200)}`)
    if (entry.mode === '160000') continue
    const end = path.lastIndexOf('/')
    const name = locations.get(path)?.subarray(Buffer.byteLength(join(folder, '/')))
    const parent = end === -1 ? '' : path.slice(0, end)
    if (!made.has(parent))
      await mkdir(name === undefined ? join(target, parent) : locate(target, parent, name.subarray(0, Math.max(0, name.lastIndexOf('/')))), { recursive: true })
    made.add(parent)
    const destination = name === undefined ? join(target, path) : locate(target, path, name)
    if (entry.mode === '120000') await copyLink(entry, destination, index)
    else await copyFile(locationOf(folder, entry, locations), destination, entry)
  }
}

async function copyLink(entry: TreeEntry, destination: Location, index: TreeIndex): Promise<void> {
  const found = resolveTreePath(index, entry.path)
  if (entry.target === undefined || found.kind === 'outside' || found.kind === 'loop') return
  await symlink(entry.target, destination)
}

async function copyFile(source: Location, destination: Location, entry: TreeEntry): Promise<void> {
  await using from = await open(source, READ_SAFELY).catch(asChanged(entry.path))
  await using to = await open(destination, 'wx', 0o644)
  const { blob } = await copyHashed(from, to)
  if (blob !== entry.blob) throw changed(entry.path)
  await chmod(destination, entry.mode === '100755' ? 0o755 : 0o644)
}

/** A file that has gone, or has become a link, since it was listed. */
function asChanged(path: string): (error: unknown) => never {
  return (error) => {
    throw ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errorCode(error) ?? '') ? changed(path) : error
  }
}

async function isCommitted(
  folder: string,
  { entries, locations }: Listing,
  committed: ReadonlyMap<string, string>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (entries.length !== committed.size) return false
  const others = entries.filter((entry) => committed.get(entry.path) !== `${entry.mode} ${entry.blob}`)
  if (others.length === 0) return true
  const differences = others.flatMap((entry) => {
    const [mode, blob] = committed.get(entry.path)?.split(' ') ?? []
    const isFile = mode === entry.mode && mode.startsWith('100') && blob !== undefined
    return isFile ? [{ location: locationOf(folder, entry, locations), bytes: entry.bytes, committed: blob }] : []
  })
  return differences.length === others.length && areLfsFiles(folder, differences, signal)
}
