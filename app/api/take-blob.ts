import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { storageFailure } from '../../adapters/filesystem/storage-failure.ts'
import { makeWorkFolder } from '../../adapters/machine/work-folders.ts'
import type { NamedFile } from '../../adapters/records/named-files.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'

/**
 * Stores the body of a request as one file, if it is the one that was asked for: read into a file, never into memory, and no further than it may be long.
 * False: it is another. Fails as the store does.
 */
export async function takeBlob(
  body: AsyncIterable<Uint8Array>,
  { digest, bytes }: NamedFile,
  blobs: Pick<BlobStore, 'putFile'>,
  workParent: string,
): Promise<boolean> {
  await using folder = await makeWorkFolder(workParent, 'upload')
  const path = join(folder.path, 'content')
  if (!(await receive(body, path, digest, bytes))) return false
  await blobs.putFile(path)
  return true
}

async function receive(body: AsyncIterable<Uint8Array>, path: string, digest: string, bytes: number): Promise<boolean> {
  const hash = createHash('sha256')
  let received = 0
  await using file = await open(path, 'wx', 0o600)
  for await (const chunk of body) {
    received += chunk.length
    if (received > bytes) return false
    hash.update(chunk)
    await file.writeFile(chunk).catch((cause: unknown) => {
      throw storageFailure(cause, 'storing an upload')
    })
  }
  return received === bytes && `sha256:${hash.digest('hex')}` === digest
}
