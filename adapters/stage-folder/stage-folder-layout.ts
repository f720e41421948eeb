import { join } from 'node:path'
import type { Digest } from '../../pipeline/digest.ts'

/** What stands where in the folder that one stage leaves for other jobs of its run, and that travels as one artifact. */
export interface StageFolderLayout {
  /** schemas/stage-record.schema.json. */
  readonly record: string
  readonly blobs: string
  blob(digest: Digest): string
  /** An OCI image layout; only where images travel as artifacts. */
  readonly image: string
}

/** The name of the record in a stage folder: a folder without it is none. */
export const RECORD_NAME = 'record.json'

/** Names the places in a stage folder. */
export function stageFolderLayout(folder: string): StageFolderLayout {
  const blobs = join(folder, 'blobs')
  return { record: join(folder, RECORD_NAME), blobs, blob: (digest) => join(blobs, digest.slice('sha256:'.length)), image: join(folder, 'image') }
}
