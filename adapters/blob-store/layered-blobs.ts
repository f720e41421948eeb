import type { BlobStore } from '../../pipeline/ports/blob-store.ts'

/** A store in front of another: what the near one lacks is read from the far one, and kept in the near one. Only the near one is written. Fails as both do. */
export function layeredBlobs(near: BlobStore, far: BlobStore): BlobStore {
  return {
    put: (content) => near.put(content),
    putFile: (path) => near.putFile(path),
    async get(digest) {
      const own = await near.get(digest)
      if (own !== undefined) return own
      const content = await far.get(digest)
      if (content !== undefined) await near.put(content)
      return content
    },
    async getFile(digest, path) {
      if (await near.getFile(digest, path)) return true
      if (!(await far.getFile(digest, path))) return false
      await near.putFile(path)
      return true
    },
    has: async (digest) => (await near.has(digest)) || far.has(digest),
  }
}
