import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

import { digestOf } from '../../pipeline/digest.ts'
import type { Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'

/** A blob store in memory; what it keeps can be passed in, to look at or to damage. */
export function memoryBlobs(contents = new Map<Digest, Buffer>()): BlobStore {
  const put = (content: Uint8Array): Digest => {
    const digest = digestOf(content)
    contents.set(digest, Buffer.from(content))
    return digest
  }
  const get = (digest: Digest): Buffer | undefined => {
    const content = contents.get(digest)
    if (content !== undefined && digestOf(content) !== digest) throw new Failure('digest-mismatch', `not ${digest}`)
    return content && Buffer.from(content)
  }
  return {
    put: async (content) => put(content),
    async putFile(path) {
      const content = await readFile(path)
      return { digest: put(content), bytes: content.length }
    },
    get: async (digest) => get(digest),
    async getFile(digest, path) {
      const content = get(digest)
      if (content === undefined) return false
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content)
      return true
    },
    has: async (digest) => contents.has(digest),
  }
}
