import { constants } from 'node:fs'
import { lstat, open, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { Failure } from '../../pipeline/failure.ts'
import type { UntrustedEntry, UntrustedFolders } from '../../pipeline/ports/untrusted-folder.ts'
import { errorCode } from '../filesystem/storage-failure.ts'

const DEPTH = 32
const PATH_BYTES = 1024
/** A walk that meets this many names below one folder stops: folders without files count too. */
const NAMES = 200_000

/** Reads folders of this machine that a container wrote; the container has ended, so nothing changes under the reader. */
export class FolderReader implements UntrustedFolders {
  async list(folder: string, limit: number): Promise<{ entries: readonly UntrustedEntry[]; complete: boolean }> {
    const entries: UntrustedEntry[] = []
    const complete = await guard(folder, () => walk(folder, [], entries, { limit, names: NAMES }))
    return { entries: entries.toSorted((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path))), complete }
  }

  async read(folder: string, path: string, limitBytes: number): Promise<Buffer | undefined> {
    return guard(folder, async () => ((await leavesFolder(folder, path)) ? undefined : readRegularFile(join(folder, path), limitBytes)))
  }
}

/** Bytes of everything below a folder that is being written; what vanishes meanwhile, and what lies in a folder that we may not enter, counts nothing. */
export async function measureFolder(folder: string): Promise<number> {
  const entries: UntrustedEntry[] = []
  await walk(folder, [], entries, { limit: Infinity, names: NAMES }, allocatedBytes)
  return entries.reduce((sum, { bytes }) => sum + bytes, 0)
}

type Size = (status: { readonly size: number; readonly blocks: number }) => number

function apparentBytes({ size }: { readonly size: number }): number {
  return size
}

function allocatedBytes({ blocks }: { readonly blocks: number }): number {
  return blocks * 512
}

/** True when it saw everything. Only folders that are no links are entered. */
async function walk(
  root: string,
  parts: readonly string[],
  entries: UntrustedEntry[],
  budget: { limit: number; names: number },
  size: Size = apparentBytes,
): Promise<boolean> {
  const path = join(root, ...parts)
  // A link in place of the folder is not followed either.
  if (!(await lstat(path).catch(ignoreMissing))?.isDirectory()) return true
  const folder = await opendir(path).catch((error: unknown) => {
    // Where bytes are counted, one closed folder shall not make all others count nothing.
    if (size === allocatedBytes && errorCode(error) === 'EACCES') return undefined
    return ignoreMissing(error)
  })
  if (folder === undefined) return true
  for await (const { name } of folder) {
    budget.names -= 1
    if (entries.length >= budget.limit || budget.names < 0) return false
    const below = [...parts, name]
    const status = await lstat(join(root, ...below)).catch(ignoreMissing)
    if (status === undefined) {
      // Its bytes are not UTF-8, so that its name does not lead to it; or it has vanished.
      entries.push({ path: below.join('/'), kind: 'unnameable', bytes: 0, modifiedMs: 0 })
    } else if (status.isDirectory() && below.length < DEPTH && isPlain(below)) {
      if (!(await walk(root, below, entries, budget, size))) return false
    } else {
      entries.push({ path: below.join('/'), kind: kindOf(status, below), bytes: size(status), modifiedMs: status.mtimeMs })
    }
  }
  return true
}

function kindOf(status: { isFile(): boolean; isSymbolicLink(): boolean; isDirectory(): boolean }, path: readonly string[]): UntrustedEntry['kind'] {
  if (!isPlain(path) || status.isDirectory()) return 'unnameable'
  if (status.isSymbolicLink()) return 'link'
  return status.isFile() ? 'file' : 'special'
}

/** Names that survive every file system, archive and log: UTF-8 (the replacement character marks bytes that were not), no control characters, not too long. */
function isPlain(path: readonly string[]): boolean {
  const joined = path.join('/')
  return !/[\u0000-\u001f\u007f\\\ufffd]/.test(joined) && Buffer.byteLength(joined) <= PATH_BYTES
}

async function leavesFolder(folder: string, path: string): Promise<boolean> {
  const parts = path.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return true
  for (let length = 1; length < parts.length; length += 1) {
    const status = await lstat(join(folder, ...parts.slice(0, length))).catch(ignoreMissing)
    if (status === undefined || !status.isDirectory()) return true
  }
  return false
}

async function readRegularFile(path: string, limitBytes: number): Promise<Buffer | undefined> {
  // O_NONBLOCK: opening a named pipe must not wait for a writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((cause: unknown) =>
    hasCode(cause, 'ELOOP', 'ENXIO') ? undefined : ignoreMissing(cause),
  )
  if (file === undefined) return undefined
  try {
    if (!(await file.stat()).isFile()) return undefined
    return await buffer(file.createReadStream({ autoClose: false, start: 0, end: limitBytes }))
  } finally {
    await file.close()
  }
}

async function guard<T>(folder: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw new Failure('storage-unavailable', `${folder} cannot be read`, { cause })
  }
}

function ignoreMissing(cause: unknown): undefined {
  if (!hasCode(cause, 'ENOENT', 'ENOTDIR')) throw cause
}

function hasCode(cause: unknown, ...codes: readonly string[]): boolean {
  return cause instanceof Error && 'code' in cause && codes.some((code) => code === cause.code)
}
