import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rename, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { asDigest, digestOf } from '../../pipeline/digest.ts'
import type { Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import { sweepTemporaryFiles, writeAtomically } from '../filesystem/atomic-file.ts'
import { errorCode, storageFailure } from '../filesystem/storage-failure.ts'

/**
 * Blobs as `<folder>/sha256/<first two digits>/<hexadecimal digest>`, written atomically. Content that does not match its name is renamed to `….corrupt`
 * when it is read, so that storing it again mends the store.
 */
export function folderBlobs(folder: string): BlobStore {
  const pathOf = (digest: Digest): string => {
    const hex = asDigest(digest).slice('sha256:'.length)
    return join(folder, 'sha256', hex.slice(0, 2), hex)
  }
  const attempt = async <T>(doing: string, act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (error) {
      throw storageFailure(error, `${doing} ${folder}`)
    }
  }

  return {
    put: (content) =>
      attempt('storing in', async () => {
        const digest = digestOf(content)
        const path = pathOf(digest)
        // A file cut off by a crash has another length, and is written anew.
        if ((await sizeOf(path)) !== content.byteLength) await store(path, (handle) => handle.writeFile(content))
        return digest
      }),
    putFile: (source) =>
      attempt('storing in', async () => {
        const { digest, bytes } = await digestOfFile(source)
        const path = pathOf(digest)
        if ((await sizeOf(path)) !== bytes) await store(path, (handle) => copyVerified(source, handle, digest))
        return { digest, bytes }
      }),
    get: (digest) =>
      attempt('reading from', async () => {
        const path = pathOf(digest)
        const content = await readFile(path).catch(orUndefinedWhenMissing)
        if (content === undefined || digestOf(content) === digest) return content
        throw await corrupt(path, digest)
      }),
    getFile: (digest, target) =>
      attempt('reading from', async () => {
        const path = pathOf(digest)
        if ((await sizeOf(path)) === undefined) return false
        try {
          await writeAtomically(target, (handle) => copyVerified(path, handle, digest))
        } catch (error) {
          throw error instanceof Failure && error.code === 'digest-mismatch' ? await corrupt(path, digest) : error
        }
        return true
      }),
    has: (digest) => attempt('reading from', async () => (await sizeOf(pathOf(digest))) !== undefined),
  }
}

async function store(path: string, fill: (handle: FileHandle) => Promise<void>): Promise<void> {
  await writeAtomically(path, fill)
  await sweepTemporaryFiles(dirname(path))
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(orUndefinedWhenMissing))?.size
}

/** SHA-256 and length of a file, in pieces. Throws file system errors as they are. */
export async function digestOfFile(path: string | Buffer): Promise<{ digest: Digest; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of readChunks(path)) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { digest: asDigest(`sha256:${hash.digest('hex')}`), bytes }
}

/** Copies a file in pieces; a `Failure` `digest-mismatch` when its content is not what the digest says. */
async function copyVerified(source: string, target: FileHandle, digest: Digest): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of readChunks(source)) {
    hash.update(chunk)
    await target.writeFile(chunk)
  }
  if (`sha256:${hash.digest('hex')}` !== digest) throw new Failure('digest-mismatch', `${source} is not ${digest}`)
}

async function* readChunks(path: string | Buffer): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) if (Buffer.isBuffer(chunk)) yield chunk
}

async function corrupt(path: string, digest: Digest): Promise<Failure> {
  await rename(path, `${path}.corrupt`).catch(() => undefined)
  return new Failure('digest-mismatch', `the stored content of ${digest} was changed or damaged; it was set aside`, {
    suggestion: 'run the stage that made it again, with --force',
  })
}

function orUndefinedWhenMissing(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
  throw error
}
