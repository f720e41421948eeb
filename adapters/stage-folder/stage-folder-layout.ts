import { join } from 'node:path'
import type { Digest } from '../../pipeline/digest.ts'

/** What stands where in the folder that one stage leaves for other jobs of its run, and that travels as one artifact. */
export interface StageFolderLayout {
  /** schemas/stage-record.schema.json. */
  readonly record: string
  readonly blobs: string
  blob(digest: Digest): string
  /** Commit and tree of the run that has found this record of an earlier one, and goes on with it; only there. */
  readonly reuse: string
  /** An OCI image layout; only where images travel as artifacts. */
  readonly image: string
}

/** The name of the record in a stage folder: a folder without it is none. */
export const RECORD_NAME = 'record.json'
/** The name of the file that says for which state an earlier run's record is handed on. */
export const REUSE_NAME = 'reused-for.json'

/** Names the places in a stage folder. */
export function stageFolderLayout(folder: string): StageFolderLayout {
  const blobs = join(folder, 'blobs')
  return {
    record: join(folder, RECORD_NAME),
    blobs,
    blob: (digest) => join(blobs, digest.slice('sha256:'.length)),
    reuse: join(folder, REUSE_NAME),
    image: join(folder, 'image'),
  }
}
