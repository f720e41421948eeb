import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf } from '../../pipeline/digest.ts'
import type { Digest } from '../../pipeline/digest.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'

export interface BlobStoreUnderTest {
  readonly store: BlobStore
  /** Replaces the stored bytes behind the store's back. */
  damage(digest: Digest, content: Buffer): Promise<void>
}

/** Every blob store passes this. */
export function describeBlobStoreContract(name: string, make: () => Promise<BlobStoreUnderTest>): void {
  describe(`${name}, as a blob store`, () => {
    let folder = ''
    let store: BlobStore
    let damage: BlobStoreUnderTest['damage']
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
      const made = await make()
      store = made.store
      damage = made.damage.bind(made)
    })
    afterEach(() => rm(folder, { recursive: true }))

    it.each([0, 1, 1000, 3_000_000])('gives back %d bytes under their digest', async (length) => {
      const content = randomBytes(length)
      expect(await store.put(content)).toBe(digestOf(content))
      expect((await store.get(digestOf(content)))?.equals(content)).toBe(true)
      expect(await store.has(digestOf(content))).toBe(true)
    })

    it('has nothing under a digest that nobody stored', async () => {
      const digest = digestOf(randomBytes(8))
      expect(await store.has(digest)).toBe(false)
      expect(await store.get(digest)).toBeUndefined()
      expect(await store.getFile(digest, join(folder, 'none'))).toBe(false)
      await expect(readFile(join(folder, 'none'))).rejects.toThrow('ENOENT')
    })

    it('changes nothing when the same is stored again', async () => {
      const content = randomBytes(100)
      await store.put(content)
      expect(await store.put(content)).toBe(digestOf(content))
      expect(await store.get(digestOf(content))).toStrictEqual(content)
    })

    it('stores the same content from twenty writers at once', async () => {
      const content = randomBytes(50_000)
      const digests = await Promise.all(Array.from({ length: 20 }, () => store.put(content)))
      expect(new Set(digests)).toStrictEqual(new Set([digestOf(content)]))
      expect(await store.get(digestOf(content))).toStrictEqual(content)
    })

    it.each([0, 10, 12_000_001])('stores a file of %d bytes and writes it out again', async (length) => {
      const content = randomBytes(length)
      await writeFile(join(folder, 'in'), content)
      const { digest, bytes } = await store.putFile(join(folder, 'in'))
      expect([digest, bytes]).toStrictEqual([digestOf(content), length])
      expect(await store.putFile(join(folder, 'in'))).toStrictEqual({ digest, bytes })
      expect(await store.getFile(digest, join(folder, 'out'))).toBe(true)
      expect((await readFile(join(folder, 'out'))).equals(content)).toBe(true)
    })

    it('never passes on content that is not what its digest says', async () => {
      const content = randomBytes(2000)
      for (const wrong of [randomBytes(2000), content.subarray(0, 1000), Buffer.alloc(0)]) {
        const digest = await store.put(content)
        await damage(digest, wrong)
        await expect(store.getFile(digest, join(folder, 'out'))).rejects.toMatchObject({ code: 'digest-mismatch' })
        await expect(readFile(join(folder, 'out'))).rejects.toThrow('ENOENT')
        await store.put(content)
        await damage(digest, wrong)
        await expect(store.get(digest)).rejects.toMatchObject({ code: 'digest-mismatch' })
      }
    })
  })
}
