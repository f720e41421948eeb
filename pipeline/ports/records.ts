import type { Digest } from '../digest.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'

/** Stage records by key. The newest of a key wins. */
export interface Records {
  /** The record of a key; undefined when there is none, or what lies there is not one (corrupt, foreign, of another schema: set aside, never trusted). */
  find(key: Digest): Promise<StageRecord | undefined>
  /** Keeps a record, atomically: a reader sees the old one or the new one, whole. Fails with `storage-full`, `storage-unavailable`. */
  put(record: StageRecord): Promise<void>
}
