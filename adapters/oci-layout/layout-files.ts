import { join } from 'node:path'

import { MEDIA_TYPES } from '../../pipeline/build/oci-documents.ts'
import type { Digest } from '../../pipeline/digest.ts'
import type { OciRegistry } from '../registry/oci-registry.ts'

/** An image in a registry, and the folder of an OCI image layout (image-spec 1.1, image-layout.md) that it goes to or comes from. */
export interface ImageTransfer {
  readonly registry: OciRegistry
  /** Registry host and repository. */
  readonly repository: string
  readonly folder: string
}

/** Files of a layout, relative to its folder. */
export const LAYOUT_FILE = 'oci-layout'
export const INDEX_FILE = 'index.json'
export const LAYOUT_VERSION = '1.0.0'
/** What registries take, and far more than an image of ours has. */
export const MANIFEST_BYTES = 4 * 2 ** 20
export const MAX_DEPTH = 4
export const MAX_MANIFESTS = 1000
/** Blobs that travel at once. */
const PARALLEL = 4

/** Where a blob or manifest lies, relative to the layout's folder. */
export function blobPath(digest: Digest): string {
  return join('blobs', 'sha256', digest.slice('sha256:'.length))
}

/** Whether a media type is one of an index, OCI's or Docker's. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.index || mediaType === MEDIA_TYPES.dockerIndex
}

/** Whether a media type is one of an image manifest, OCI's or Docker's. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPES.manifest || mediaType === MEDIA_TYPES.dockerManifest
}

/** Does work on every item, some at a time; the first failure is thrown when what had begun has ended. */
export async function someAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const failures: unknown[] = []
  const workers = Array.from({ length: Math.min(PARALLEL, queue.length) }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        await work(item)
      } catch (failure) {
        failures.push(failure)
        queue.length = 0
      }
    }
  })
  await Promise.all(workers)
  if (failures.length > 0) throw failures[0]
}
