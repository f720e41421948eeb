import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { layeredBlobs } from '../../../../adapters/blob-store/layered-blobs.ts'
import { digestOf, type Digest } from '../../../../pipeline/digest.ts'
import { describeBlobStoreContract } from '../../../contract/blob-store.ts'
import { memoryBlobs } from '../../../support/memory-blobs.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

describeBlobStoreContract('a store in front of another', async () => {
  const near = new Map<Digest, Buffer>()
  return { store: layeredBlobs(memoryBlobs(near), memoryBlobs()), damage: async (digest, content) => void near.set(digest, content) }
})

describe('a store in front of another', () => {
  const open = async () => {
    const [near, far] = [new Map<Digest, Buffer>(), new Map<Digest, Buffer>()]
    const digest = await memoryBlobs(far).put(Buffer.from('far away'))
    return { near, far, digest, store: layeredBlobs(memoryBlobs(near), memoryBlobs(far)) }
  }

  it('reads what the near one lacks from the far one, and keeps it', async () => {
    const { near, far, digest, store } = await open()
    expect(await store.has(digest)).toBe(true)
    expect((await store.get(digest))?.toString()).toBe('far away')
    far.clear()
    expect((await store.get(digest))?.toString()).toBe('far away')
    expect([...near.keys()]).toEqual([digest])
  })

  it('keeps what it wrote to a file, too', async () => {
    const { near, digest, store } = await open()
    expect(await store.getFile(digest, join(folder, 'out'))).toBe(true)
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('far away')
    expect(near.get(digest)?.toString()).toBe('far away')
  })

  it('writes to the near one alone', async () => {
    const { near, far, store } = await open()
    const digest = await store.put(Buffer.from('new'))
    expect([near.has(digest), far.has(digest)]).toEqual([true, false])
  })

  it('never keeps what the far one damaged', async () => {
    const { near, far, digest, store } = await open()
    far.set(digest, Buffer.from('other'))
    await expect(store.get(digest)).rejects.toMatchObject({ code: 'digest-mismatch' })
    expect(near.size).toBe(0)
    expect(await store.has(digestOf('nowhere'))).toBe(false)
  })
})
