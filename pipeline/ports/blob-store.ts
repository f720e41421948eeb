import type { Digest } from '../digest.ts'

/** Bytes under their own digest. */
export interface BlobStore {
  /** Stores bytes; storing the same again changes nothing. Fails with `storage-full`, `storage-unavailable`. */
  put(content: Uint8Array): Promise<Digest>
  /** Stores a local file without holding it in memory. */
  putFile(path: string): Promise<{ digest: Digest; bytes: number }>
  /** The bytes; undefined when there are none. What is read is verified: another content is a `Failure` `digest-mismatch`. */
  get(digest: Digest): Promise<Buffer | undefined>
  /** Writes the bytes to a local file, verified, without holding them in memory. False when there are none. */
  getFile(digest: Digest, path: string): Promise<boolean>
  has(digest: Digest): Promise<boolean>
}
