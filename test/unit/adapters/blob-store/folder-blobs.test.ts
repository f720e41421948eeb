import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { folderBlobs } from '../../../../adapters/blob-store/folder-blobs.ts'
import { digestOf, type Digest } from '../../../../pipeline/digest.ts'
import { describeBlobStoreContract } from '../../../contract/blob-store.ts'
import { memoryBlobs } from '../../../support/memory-blobs.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const pathOf = (digest: string) => join(folder, 'blobs/sha256', digest.slice(7, 9), digest.slice(7))

describeBlobStoreContract('a folder', async () => ({
  store: folderBlobs(join(folder, 'blobs')),
  damage: (digest, content) => writeFile(pathOf(digest), content),
}))
describeBlobStoreContract('memory', async () => {
  const contents = new Map<Digest, Buffer>()
  return { store: memoryBlobs(contents), damage: async (digest, content) => void contents.set(digest, content) }
})

describe('a folder of blobs', () => {
  it('mends a blob that a crash cut off when it is stored again', async () => {
    const store = folderBlobs(join(folder, 'blobs'))
    const digest = await store.put(Buffer.from('content'))
    await writeFile(pathOf(digest), 'con')
    await store.put(Buffer.from('content'))
    expect((await store.get(digest))?.toString()).toBe('content')
  })

  it('sets a damaged blob aside, so that it counts as absent afterwards', async () => {
    const store = folderBlobs(join(folder, 'blobs'))
    const digest = await store.put(Buffer.from('content'))
    await writeFile(pathOf(digest), 'CONTENT')
    await expect(store.get(digest)).rejects.toMatchObject({ code: 'digest-mismatch', retryable: false })
    expect(await store.has(digest)).toBe(false)
    expect(await readdir(join(folder, 'blobs/sha256', digest.slice(7, 9)))).toStrictEqual([`${digest.slice(7)}.corrupt`])
  })

  it('fails with storage-unavailable where it cannot write or the file to store is missing', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(folderBlobs(join(folder, 'file')).put(Buffer.from('x'))).rejects.toMatchObject({ code: 'storage-unavailable' })
    await expect(folderBlobs(folder).putFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'storage-unavailable' })
  })

  it('fails with storage-full when the disk is full', async (context) => {
    const full = await writeFile('/dev/full', 'x').then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ENOSPC',
    )
    if (!full) context.skip('this machine has no /dev/full')
    const { storageFailure } = await import('../../../../adapters/filesystem/storage-failure.ts')
    const error = await writeFile('/dev/full', 'x').catch((caught: unknown) => caught)
    expect(storageFailure(error, 'writing')).toMatchObject({ code: 'storage-full', retryable: false })
  })

  it('refuses a digest that is none, which might be a path', async () => {
    await expect(folderBlobs(folder).get('sha256:../../x' as never)).rejects.toThrow(TypeError)
    await expect(folderBlobs(folder).has(digestOf('x').toUpperCase() as never)).rejects.toThrow(TypeError)
  })
})
