import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'

import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { StageRecord, Subject } from '../../schemas/generated/types.ts'
import { errorCode, storageFailure } from '../filesystem/storage-failure.ts'
import { namedFiles, type NamedFile } from '../records/named-files.ts'
import { parseRecord, RECORD_BYTES } from '../records/parse-record.ts'
import { FolderReader } from '../untrusted-folder/folder-reader.ts'
import { RECORD_NAME, REUSE_NAME, stageFolderLayout, type StageFolderLayout } from './stage-folder-layout.ts'

/** A folder that another job left, or what is wrong with it. */
export type StageFolder =
  | {
      readonly kind: 'record'
      readonly folder: string
      readonly record: StageRecord
      /** What the run is about that has left it: another state than the record's where the record is an earlier run's. */
      readonly about: Pick<Subject, 'commit' | 'tree'>
      /** Of an OCI image layout, which `importImage` verifies. */
      readonly imageFolder?: string
    }
  | { readonly kind: 'broken'; readonly folder: string; readonly reason: string }

const REUSE_BYTES = 1024
/** More than a run has stages and platforms. */
const FOLDERS = 500

/**
 * Reads every stage folder below a parent (and the parent itself, where it is one), in the order of their names, and stores the files that their records name.
 * What is there may come from anywhere: records are checked by their schema, files by length and digest; links are not followed; a broken folder is an
 * entry of its own. A folder without a record is none; what a record does not name is not looked at; a file that it names may be missing, as large ones
 * travel by other ways. A parent that does not exist holds none. Fails with `storage-full`, `storage-unavailable`, and as the store does.
 */
export async function readStageFolders(parent: string, blobs: BlobStore): Promise<readonly StageFolder[]> {
  try {
    const { folders, complete } = await listFolders(parent)
    const read: StageFolder[] = []
    for (const folder of [parent, ...folders]) {
      const found = await readStageFolder(folder, blobs)
      if (found !== undefined) read.push(found)
    }
    return complete ? read : [...read, { kind: 'broken', folder: parent, reason: `it holds more than ${FOLDERS} folders, and the others were not read` }]
  } catch (error) {
    throw storageFailure(error, `reading ${parent}`)
  }
}

async function listFolders(parent: string): Promise<{ readonly folders: readonly string[]; readonly complete: boolean }> {
  const folders: string[] = []
  if (!(await lstat(parent).catch(orUndefinedWhenMissing))?.isDirectory()) return { folders, complete: true }
  for await (const entry of await opendir(parent)) {
    if (!entry.isDirectory() && !entry.isSymbolicLink()) continue
    if (folders.length === FOLDERS) return { folders: folders.toSorted(), complete: false }
    folders.push(join(parent, entry.name))
  }
  return { folders: folders.toSorted(), complete: true }
}

/** Undefined: it is none. */
async function readStageFolder(folder: string, blobs: BlobStore): Promise<StageFolder | undefined> {
  const broken = (reason: string): StageFolder => ({ kind: 'broken', folder, reason })
  const layout = stageFolderLayout(folder)
  const stats = await lstat(folder).catch(orUndefinedWhenMissing)
  if (stats?.isSymbolicLink()) return broken('it is a link')
  if ((await lstat(layout.record).catch(orUndefinedWhenMissing)) === undefined) return undefined
  const content = await new FolderReader().read(folder, RECORD_NAME, RECORD_BYTES)
  if (content === undefined) return broken(`${RECORD_NAME} is not a regular file`)
  if (content.length > RECORD_BYTES) return broken(`${RECORD_NAME} is longer than ${RECORD_BYTES / 2 ** 20} MiB`)
  const record = parseRecord(content.toString('utf8'))
  if (typeof record === 'string') return broken(`${RECORD_NAME} is ${record}`)
  const fault = await storeFiles(layout, namedFiles(record), blobs)
  if (fault !== undefined) return broken(fault)
  const { commit, tree } = record.subject
  const about = (await readReuse(folder, layout)) ?? { commit, tree }
  if (typeof about === 'string') return broken(about)
  const image = await lstat(layout.image).catch(orUndefinedWhenMissing)
  return { kind: 'record', folder, record, about, ...(image?.isDirectory() && { imageFolder: layout.image }) }
}

/** Undefined: the record is of the run that has left it; a text: what is wrong. */
async function readReuse(folder: string, layout: StageFolderLayout): Promise<Pick<Subject, 'commit' | 'tree'> | string | undefined> {
  if ((await lstat(layout.reuse).catch(orUndefinedWhenMissing)) === undefined) return undefined
  const content = await new FolderReader().read(folder, REUSE_NAME, REUSE_BYTES)
  return parseReuse(content?.toString('utf8') ?? '') ?? `${REUSE_NAME} does not say what it is about`
}

/** What a run is about that hands an earlier one's record on, from the text beside that record; undefined: it does not say. */
export function parseReuse(text: string): Pick<Subject, 'commit' | 'tree'> | undefined {
  const [, commit, tree] = /^\{"commit":(?:null|"([0-9a-f]{40})"),"tree":"([^"\\]{1,200})"\}\n?$/.exec(text) ?? []
  return tree === undefined ? undefined : { commit: commit ?? null, tree }
}

/** A sentence about the first file that is not what the record says. */
async function storeFiles(layout: StageFolderLayout, files: readonly NamedFile[], blobs: BlobStore): Promise<string | undefined> {
  const holder = await lstat(layout.blobs).catch(orUndefinedWhenMissing)
  if (holder === undefined) return undefined
  if (!holder.isDirectory()) return 'blobs is not a folder'
  for (const { digest, bytes } of files) {
    const path = layout.blob(digest)
    const stats = await lstat(path).catch(orUndefinedWhenMissing)
    if (stats === undefined) continue
    if (!stats.isFile()) return `the file ${digest} is not a regular one`
    if (stats.size !== bytes) return `the file ${digest} is ${stats.size} bytes long, and its record says ${bytes}`
    const stored = await blobs.putFile(path)
    if (stored.digest !== digest) return `the file ${digest} has another content, ${stored.digest}`
  }
  return undefined
}

function orUndefinedWhenMissing(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
  throw error
}
