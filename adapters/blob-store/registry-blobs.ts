import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import { storageFailure } from '../filesystem/storage-failure.ts'
import type { OciRegistry } from '../registry/oci-registry.ts'
import { digestOfFile } from './folder-blobs.ts'

export interface RegistryBlobsOptions {
  readonly registry: OciRegistry
  /** Registry host and repository, for instance `ghcr.io/waggle-sensor/staging/trusted/zelda/smoke-detector`. */
  readonly repository: string
}

/** Larger ones are read by `getFile`. */
const MEMORY_BYTES = 2 ** 31

/**
 * Blobs of one repository of a registry. A registry keeps for good only what a manifest names (`registryRecords` writes one).
 * Fails as a registry does: `registry-unavailable`, `registry-refused`, `storage-full`.
 */
export function registryBlobs({ registry, repository }: RegistryBlobsOptions): BlobStore {
  return {
    put: (content) => registry.putBlob(repository, content),
    async putFile(path) {
      const file = await digestOfFile(path).catch((cause: unknown) => Promise.reject(storageFailure(cause, `reading ${path}`)))
      await registry.pushBlob(repository, path, file)
      return file
    },
    get: (digest) => registry.blob(repository, digest, MEMORY_BYTES),
    getFile: (digest, path) => registry.pullBlob(repository, digest, path),
    has: (digest) => registry.hasBlob(repository, digest),
  }
}
