import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MEDIA_TYPES } from '../../pipeline/build/oci-documents.ts'
import { digestOf } from '../../pipeline/digest.ts'
import type { Descriptor, Registry } from '../../pipeline/ports/registry.ts'

export interface RegistryUnderTest {
  readonly registry: Registry
  /** Host and a prefix of repositories that nobody else uses. */
  readonly prefix: string
}

const MISSING = digestOf('nobody has this')

/** Every registry passes this. */
export function describeRegistryContract(name: string, make: () => Promise<RegistryUnderTest>): void {
  describe(`${name}, as a registry`, () => {
    const open = async () => {
      const { registry, prefix } = await make()
      const repository = `${prefix}/a-${randomUUID()}`
      return { registry, repository, prefix }
    }

    async function putImage(registry: Registry, repository: string, content: string, type: 'manifest' | 'dockerManifest' = 'manifest'): Promise<Descriptor> {
      const config = JSON.stringify({ os: 'linux', architecture: 'amd64', content })
      const layer = `layer ${content}`
      const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES[type],
        config: { mediaType: MEDIA_TYPES.config, digest: await registry.putBlob(repository, Buffer.from(config)), size: config.length },
        layers: [0, 1].map(() => ({ mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(layer), size: layer.length })),
      })
      await registry.putBlob(repository, Buffer.from(layer))
      return { mediaType: MEDIA_TYPES[type], digest: await registry.putManifest(repository, manifest, MEDIA_TYPES[type]), size: manifest.length }
    }

    async function putIndex(registry: Registry, repository: string, images: readonly Descriptor[], tag?: string): Promise<Descriptor> {
      const index = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: images })
      return { mediaType: MEDIA_TYPES.index, digest: await registry.putManifest(repository, index, MEDIA_TYPES.index, tag), size: index.length }
    }

    it('has nothing that nobody put there', async () => {
      const { registry, repository } = await open()
      expect(await registry.manifest(`${repository}:latest`)).toBeUndefined()
      expect(await registry.manifest(`${repository}@${MISSING}`)).toBeUndefined()
      expect(await registry.blob(repository, MISSING, 100)).toBeUndefined()
      expect(await registry.referrers(repository, MISSING)).toEqual([])
      expect(await registry.tags(repository)).toEqual([])
    })

    it('keeps blobs, the same ones once, and gives no more than was asked for', async () => {
      const { registry, repository } = await open()
      const content = Buffer.from('x'.repeat(100_000))
      const digest = await registry.putBlob(repository, content)
      expect(digest).toBe(digestOf(content))
      expect(await registry.putBlob(repository, content)).toBe(digest)
      expect((await registry.blob(repository, digest, content.length))?.equals(content)).toBe(true)
      await expect(registry.blob(repository, digest, content.length - 1)).rejects.toMatchObject({ code: 'registry-refused' })
      expect(await registry.blob(repository, await registry.putBlob(repository, Buffer.alloc(0)), 0)).toHaveLength(0)
    })

    it('keeps manifests under digest and tag, a tag always the newest', async () => {
      const { registry, repository } = await open()
      const image = await putImage(registry, repository, 'one')
      expect(await registry.manifest(`${repository}@${image.digest}`)).toMatchObject({ digest: image.digest, mediaType: MEDIA_TYPES.manifest })
      const first = await putIndex(registry, repository, [image], '1.0')
      expect(await registry.manifest(`${repository}:1.0`)).toMatchObject({ digest: first.digest, mediaType: MEDIA_TYPES.index })
      const second = await putIndex(registry, repository, [image, image], '1.0')
      expect((await registry.manifest(`${repository}:1.0`))?.digest).toBe(second.digest)
      expect(digestOf((await registry.manifest(`${repository}@${first.digest}`))!.content)).toBe(first.digest)
    })

    it('lists every tag, and nothing that has none', async () => {
      const { registry, repository } = await open()
      const image = await putImage(registry, repository, 'one')
      expect(await registry.tags(repository)).toEqual([])
      for (const tag of ['1.0', 'b', 'record-0'] as const) await putIndex(registry, repository, [image], tag)
      expect((await registry.tags(repository)).toSorted()).toEqual(['1.0', 'b', 'record-0'])
    })

    it('refuses a manifest whose parts are not there', async () => {
      const { registry, repository } = await open()
      await expect(putIndex(registry, repository, [{ mediaType: MEDIA_TYPES.manifest, digest: MISSING, size: 1 }])).rejects.toMatchObject({
        code: 'registry-refused',
      })
    })

    it('promotes an index with all below it, and again without a change', async () => {
      const { registry, repository, prefix } = await open()
      const images = [await putImage(registry, repository, 'one'), await putImage(registry, repository, 'two')]
      const index = await putIndex(registry, repository, images)
      const target = `${prefix}/b-${randomUUID()}`
      for (let times = 0; times < 2; times++) await registry.promote(repository, index.digest, target)
      expect((await registry.manifest(`${target}@${index.digest}`))?.content).toEqual((await registry.manifest(`${repository}@${index.digest}`))?.content)
      for (const { digest } of images) {
        const manifest = JSON.parse((await registry.manifest(`${target}@${digest}`))!.content.toString('utf8')) as { layers: { digest: typeof digest }[] }
        expect(await registry.blob(target, manifest.layers[0]!.digest, 1000)).toBeDefined()
      }
      await registry.promote(repository, index.digest, repository)
    })

    it('promotes nothing that is not there', async () => {
      const { registry, repository, prefix } = await open()
      await expect(registry.promote(repository, MISSING, `${prefix}/c-${randomUUID()}`)).rejects.toMatchObject({ code: 'registry-refused' })
    })

    it('attaches artifacts to what they are about, the same ones once', async () => {
      const { registry, repository } = await open()
      const subject = await putIndex(registry, repository, [await putImage(registry, repository, 'one')])
      const attach = (content: string) =>
        registry.attach(repository, subject, 'application/vnd.test.profile', 'application/json', Buffer.from(content), { 'org.test': content })
      const first = await attach('{"a":1}')
      expect(await attach('{"a":1}')).toBe(first)
      const second = await attach('{"a":2}')
      const found = await registry.referrers(repository, subject.digest)
      expect(found.map((descriptor) => descriptor.digest).toSorted()).toEqual([first, second].toSorted())
      expect(found.find((descriptor) => descriptor.digest === first)).toMatchObject({
        mediaType: MEDIA_TYPES.manifest,
        artifactType: 'application/vnd.test.profile',
        annotations: { 'org.test': '{"a":1}' },
      })
      const manifest = JSON.parse((await registry.manifest(`${repository}@${first}`))!.content.toString('utf8')) as {
        layers: { digest: typeof first }[]
        subject: Descriptor
      }
      expect(manifest.subject.digest).toBe(subject.digest)
      expect((await registry.blob(repository, manifest.layers[0]!.digest, 100))?.toString()).toBe('{"a":1}')
    })

    it('attaches many artifacts at once, and loses none', async () => {
      const { registry, repository } = await open()
      const subject = await putImage(registry, repository, 'one')
      const attached = await Promise.all(
        Array.from({ length: 8 }, async (_, number) => registry.attach(repository, subject, 'application/vnd.test', 'text/plain', Buffer.from(`${number}`))),
      )
      expect((await registry.referrers(repository, subject.digest)).map((descriptor) => descriptor.digest).toSorted()).toEqual(attached.toSorted())
    })
  })
}
