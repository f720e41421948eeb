import { mkdir, rm } from 'node:fs/promises'

import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { StageRecord, Subject } from '../../schemas/generated/types.ts'
import { writeAtomically } from '../filesystem/atomic-file.ts'
import { storageFailure } from '../filesystem/storage-failure.ts'
import { namedFiles, type NamedFile } from '../records/named-files.ts'
import { stageFolderLayout } from './stage-folder-layout.ts'

/** A file that a record names and that does not travel with it. */
export interface LeftOutFile extends NamedFile {
  readonly reason: 'too-large' | 'missing'
}

/** Larger ones belong into S3: an artifact is one zip file that every later job downloads as a whole. */
const FILE_BYTES = 2 * 2 ** 30

/**
 * Writes a record and the files that it names into a folder, as `readStageFolders` reads it; what an earlier step left there of another record goes.
 * `reusedFor`: the record is an earlier run's, and this is what the run that hands it on is about. Answers the record's file, and what was left out: files of more than 2 GiB, and those that the store has not got. Fails with `storage-full`, `storage-unavailable`, and as the store does.
 */
export async function writeStageFolder(
  folder: string,
  record: StageRecord,
  blobs: BlobStore,
  { limitBytes = FILE_BYTES, reusedFor }: { readonly limitBytes?: number; readonly reusedFor?: Pick<Subject, 'commit' | 'tree'> } = {},
): Promise<{ readonly file: string; readonly leftOut: readonly LeftOutFile[] }> {
  const layout = stageFolderLayout(folder)
  const leftOut: LeftOutFile[] = []
  try {
    await Promise.all([rm(layout.record, { force: true }), rm(layout.reuse, { force: true }), rm(layout.blobs, { recursive: true, force: true })])
    const files = namedFiles(record)
    await mkdir(files.length === 0 ? folder : layout.blobs, { recursive: true })
    for (const file of files) {
      if (file.bytes > limitBytes) leftOut.push({ ...file, reason: 'too-large' })
      else if (!(await blobs.getFile(file.digest, layout.blob(file.digest)))) leftOut.push({ ...file, reason: 'missing' })
    }
    if (reusedFor !== undefined) {
      const { commit, tree } = reusedFor
      await writeAtomically(layout.reuse, (handle) => handle.writeFile(`${JSON.stringify({ commit, tree })}\n`))
    }
    // Last: a folder without it is not read.
    await writeAtomically(layout.record, (handle) => handle.writeFile(`${JSON.stringify(record)}\n`))
  } catch (error) {
    throw storageFailure(error, `writing to ${folder}`)
  }
  return { file: layout.record, leftOut }
}
