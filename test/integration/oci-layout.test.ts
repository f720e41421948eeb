import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { exportImage } from '../../adapters/oci-layout/export-image.ts'
import { importImage } from '../../adapters/oci-layout/import-image.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { MEDIA_TYPES, readOciDocument } from '../../pipeline/build/oci-documents.ts'
import { digestOf, type Digest } from '../../pipeline/digest.ts'
import { noSmallDisk, startFullRegistry, startRegistryProcess } from '../support/registry-process.ts'
import type { RegistryProcess } from '../support/registry-process.ts'

const registry = new OciRegistry()
let running: RegistryProcess
let root = ''
let folder = ''
beforeAll(async () => {
  running = await startRegistryProcess()
  root = await mkdtemp(join(tmpdir(), 'ctss-layout-'))
})
beforeEach(() => {
  folder = join(root, randomUUID())
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await rm(root, { recursive: true })
})

const newRepository = () => `${running.host}/images/${randomUUID()}`
const blobFile = (digest: string, where = folder) => join(where, 'blobs/sha256', digest.replace('sha256:', ''))

/** An index of two images that share a layer, in a repository. */
async function stage(
  repository: string,
  layer = randomBytes(100_000),
): Promise<{ readonly index: Digest; readonly images: readonly Digest[]; readonly layer: Digest }> {
  const shared = await registry.putBlob(repository, layer)
  const manifests = []
  for (const architecture of ['amd64', 'arm64']) {
    const config = JSON.stringify({ os: 'linux', architecture })
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: { mediaType: MEDIA_TYPES.config, digest: await registry.putBlob(repository, Buffer.from(config)), size: config.length },
      layers: [shared, await registry.putBlob(repository, Buffer.from(architecture))].map((digest, place) => ({
        mediaType: MEDIA_TYPES.layerGzip,
        digest,
        size: place === 0 ? layer.length : 5,
      })),
    })
    const digest = await registry.putManifest(repository, manifest, MEDIA_TYPES.manifest)
    manifests.push({ mediaType: MEDIA_TYPES.manifest, digest, size: manifest.length, platform: { os: 'linux', architecture } })
  }
  const index = await registry.putManifest(repository, JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests }), MEDIA_TYPES.index)
  return { index, images: manifests.map(({ digest }) => digest), layer: shared }
}

describe('an image as a folder', () => {
  it('goes from one registry to another with every digest, shared layers once', async () => {
    const from = newRepository()
    const { index, images, layer } = await stage(from)
    const exported = await exportImage({ registry, repository: from, digest: index, folder })
    expect(exported).toMatchObject({ digest: index, mediaType: MEDIA_TYPES.index })
    expect((await readdir(folder)).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout'])
    // An index, two images with a configuration and a layer each, and the layer that they share.
    expect(await readdir(join(folder, 'blobs/sha256'))).toHaveLength(8)
    await using other = await startRegistryProcess()
    const to = `${other.host}/elsewhere`
    expect(await importImage({ registry, repository: to, folder })).toEqual(exported)
    for (const digest of [index, ...images])
      expect((await registry.manifest(`${to}@${digest}`))?.content).toEqual((await registry.manifest(`${from}@${digest}`))?.content)
    expect(await registry.hasBlob(to, layer)).toBe(true)
    // And back again, and again.
    for (let times = 0; times < 2; times++) await importImage({ registry, repository: newRepository(), folder })
    expect(await exportImage({ registry, repository: to, digest: index, folder })).toEqual(exported)
  })

  it('may be one image alone', async () => {
    const from = newRepository()
    const { images } = await stage(from)
    const to = newRepository()
    await exportImage({ registry, repository: from, digest: images[1]!, folder })
    expect(await importImage({ registry, repository: to, folder })).toMatchObject({ digest: images[1], mediaType: MEDIA_TYPES.manifest })
    const document = readOciDocument((await registry.manifest(`${to}@${images[1]}`))!.content.toString())
    expect((await registry.blob(to, document!.config!.digest, 100))?.toString()).toContain('arm64')
  })

  it('is a layout of image-spec 1.1, in which every file has its own digest as its name', async () => {
    const { index } = await stage(`${running.host}/images/spec`)
    await exportImage({ registry, repository: `${running.host}/images/spec`, digest: index, folder })
    expect(JSON.parse(await readFile(join(folder, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' })
    const top = readOciDocument(await readFile(join(folder, 'index.json'), 'utf8'))
    expect(top).toMatchObject({ mediaType: MEDIA_TYPES.index, manifests: [{ digest: index, mediaType: MEDIA_TYPES.index }] })
    for (const name of await readdir(join(folder, 'blobs/sha256'))) expect(digestOf(await readFile(join(folder, 'blobs/sha256', name)))).toBe(`sha256:${name}`)
  })

  it('is exported over what lay there', async () => {
    const repository = newRepository()
    const { index } = await stage(repository)
    await mkdir(join(folder, 'blobs'), { recursive: true })
    await writeFile(join(folder, 'blobs/old'), 'x')
    await exportImage({ registry, repository, digest: index, folder })
    expect(await readdir(join(folder, 'blobs'))).toEqual(['sha256'])
  })

  it('is not exported where something is missing, and leaves no layout then', async () => {
    const repository = newRepository()
    await expect(exportImage({ registry, repository, digest: digestOf('none'), folder })).rejects.toMatchObject({ code: 'registry-refused' })
    expect(await readdir(folder)).toEqual([])
  })

  it('is not exported to where nothing can be written', async () => {
    const repository = newRepository()
    const { index } = await stage(repository)
    await writeFile(folder, 'a file')
    await expect(exportImage({ registry, repository, digest: index, folder: join(folder, 'below') })).rejects.toMatchObject({ code: 'storage-unavailable' })
  })

  it('is not imported into a registry that is full', async (test) => {
    test.skip(noSmallDisk !== '', noSmallDisk)
    const repository = newRepository()
    const { index } = await stage(repository, randomBytes(8 * 2 ** 20))
    await exportImage({ registry, repository, digest: index, folder })
    await using full = await startFullRegistry()
    await expect(importImage({ registry, repository: `${full.host}/x`, folder })).rejects.toMatchObject({ code: 'storage-full' })
  })
})

describe('a folder that somebody tampered with', () => {
  let good = ''
  let digests: Awaited<ReturnType<typeof stage>>
  beforeAll(async () => {
    good = join(root, 'good')
    const repository = newRepository()
    digests = await stage(repository)
    await exportImage({ registry, repository, digest: digests.index, folder: good })
  })
  beforeEach(async () => cp(good, folder, { recursive: true }))

  const refuse = async (reason: RegExp): Promise<void> => {
    const repository = newRepository()
    await expect(importImage({ registry, repository, folder })).rejects.toMatchObject({
      code: 'storage-corrupt',
      retryable: false,
      message: expect.stringMatching(reason),
    })
    // Nothing that is whole has come of it.
    expect(await registry.manifest(`${repository}@${digests.index}`)).toBeUndefined()
  }

  /** Puts a document in the place of the image, under its own right digest. */
  const become = async (document: object | string, mediaType: string = MEDIA_TYPES.index): Promise<Digest> => {
    const text = typeof document === 'string' ? document : JSON.stringify(document)
    await writeFile(blobFile(digestOf(text)), text)
    const manifests = [{ mediaType, digest: digestOf(text), size: Buffer.byteLength(text) }]
    await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
    return digestOf(text)
  }
  const image = () => ({ mediaType: MEDIA_TYPES.manifest, digest: digests.images[0]!, size: 1 })

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['no oci-layout', async () => rm(join(folder, 'oci-layout')), /oci-layout is missing/],
    ['another version', async () => writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"9"}'), /does not say version 1.0.0/],
    ['an oci-layout that is none', async () => writeFile(join(folder, 'oci-layout'), 'x'), /does not say version/],
    ['an oci-layout without end', async () => truncate(join(folder, 'oci-layout'), 2 ** 30), /longer than 4096 bytes/],
    ['no index.json', async () => rm(join(folder, 'index.json')), /index.json is missing/],
    ['an index.json without end', async () => truncate(join(folder, 'index.json'), 2 ** 30), /longer than 4194304 bytes/],
    ['an index.json that is a link', async () => swap('index.json', '/etc/passwd'), /index.json is not a regular file/],
    ['an index.json that is a pipe', async () => pipe('index.json'), /index.json is not a regular file/],
    ['two images', async () => writeFile(join(folder, 'index.json'), JSON.stringify({ manifests: [image(), image()] })), /does not name one image/],
    ['no image', async () => writeFile(join(folder, 'index.json'), '{"manifests":[]}'), /does not name one image/],
    [
      'a digest that leaves the folder',
      async () => writeFile(join(folder, 'index.json'), '{"manifests":[{"mediaType":"x","digest":"sha256:../../x","size":1}]}'),
      /does not name one image/,
    ],
    ['a manifest that is missing', async () => rm(blobFile(digests.images[1]!)), /is missing/],
    ['a manifest of another length', async () => become({ mediaType: MEDIA_TYPES.index, manifests: [image()] }), /bytes long, not 1/],
    ['a manifest with another content', async () => change(digests.images[0]!), /has another content/],
    ['a manifest that is no text', async () => become('{"manifests":[],"x":"\ufffd"}').then((digest) => swapBytes(digest)), /has another content/],
    ['a manifest that is none', async () => become('{"hello":1}', MEDIA_TYPES.manifest), /is not what it is said to be/],
    ['a manifest that says another type', async () => become({ mediaType: MEDIA_TYPES.dockerIndex, manifests: [] }), /is not what it is said to be/],
    ['a manifest that is both', async () => become({ manifests: [], config: image(), layers: [] }), /is not what it is said to be/],
    ['a manifest of an unknown type', async () => become({ manifests: [] }, 'text/html'), /is not what it is said to be, text\/html/],
    ['a manifest without end', async () => truncate(blobFile(digests.index), 2 ** 30), /longer than 4194304 bytes/],
    ['a layer that is missing', async () => rm(blobFile(digests.layer)), /is missing/],
    ['a layer with another content', async () => change(digests.layer), /has another content/],
    ['a layer of another length', async () => truncate(blobFile(digests.layer), 7), /is 7 bytes long/],
    ['a layer that is a link', async () => swap(blobFile(digests.layer).slice(folder.length + 1), '/etc/passwd'), /is not a regular file/],
    ['a layer that is a pipe', async () => pipe(blobFile(digests.layer).slice(folder.length + 1)), /is not a regular file/],
    [
      'blobs elsewhere',
      async () => rename(join(folder, 'blobs'), join(folder, 'real')).then(() => symlink(join(folder, 'real'), join(folder, 'blobs'))),
      /blobs is not a folder/,
    ],
    ['indexes within indexes without end', async () => nest(10), /nests too deeply/],
  ])('is refused for %s', async (_, tamper, reason) => {
    await tamper()
    await refuse(reason)
  })

  const swap = async (path: string, target: string): Promise<void> => rm(join(folder, path)).then(() => symlink(target, join(folder, path)))
  const pipe = async (path: string): Promise<void> => rm(join(folder, path)).then(() => void execFileSync('mkfifo', [join(folder, path)]))
  const change = async (digest: Digest): Promise<void> => {
    const content = await readFile(blobFile(digest))
    await writeFile(blobFile(digest), Buffer.concat([content.subarray(0, -1), Buffer.from('?')]))
  }
  /** The same length, one character as a byte that is no UTF-8. */
  const swapBytes = async (digest: Digest): Promise<void> => {
    const bytes = Buffer.from((await readFile(blobFile(digest))).toString('latin1').replace('ï¿½', '\xff\xff\xff'), 'latin1')
    await writeFile(blobFile(digest), bytes)
  }
  const nest = async (levels: number): Promise<void> => {
    let manifests: object[] = [{ ...image(), size: (await readFile(blobFile(digests.images[0]!))).length }]
    for (let level = 0; level < levels; level++) {
      const text = JSON.stringify({ mediaType: MEDIA_TYPES.index, manifests })
      await writeFile(blobFile(digestOf(text)), text)
      manifests = [{ mediaType: MEDIA_TYPES.index, digest: digestOf(text), size: text.length }]
    }
    await writeFile(join(folder, 'index.json'), JSON.stringify({ manifests }))
  }

  it('is read only as far as its image goes: other files are nobody’s business', async () => {
    await writeFile(join(folder, 'blobs/sha256/other'), 'x')
    await symlink('/etc/passwd', join(folder, 'passwd'))
    expect(await importImage({ registry, repository: newRepository(), folder })).toMatchObject({ digest: digests.index })
  })

  it('costs no more than what it holds: the same image a thousand times is one', async () => {
    const entry = { ...image(), size: (await readFile(blobFile(digests.images[0]!))).length }
    let manifests: object[] = Array.from({ length: 1000 }, () => entry)
    for (let level = 0; level < 2; level++) {
      const text = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests })
      await writeFile(blobFile(digestOf(text)), text)
      manifests = Array.from({ length: level === 0 ? 1000 : 1 }, () => ({ mediaType: MEDIA_TYPES.index, digest: digestOf(text), size: text.length }))
    }
    await writeFile(join(folder, 'index.json'), JSON.stringify({ manifests }))
    expect(await importImage({ registry, repository: newRepository(), folder })).toMatchObject({ mediaType: MEDIA_TYPES.index })
  })
})
