import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOfFile } from '../../adapters/blob-store/folder-blobs.ts'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
import { digestOf } from '../../pipeline/digest.ts'
import { describeRegistryContract } from '../contract/registry.ts'
import { freePort, noSmallDisk, startFullRegistry, startRegistryProcess } from '../support/registry-process.ts'
import type { RegistryProcess } from '../support/registry-process.ts'

describe('distribution', () => {
  let running: RegistryProcess | undefined
  beforeAll(async () => {
    running = await startRegistryProcess()
  })
  afterAll(async () => running?.[Symbol.asyncDispose]())

  describeRegistryContract('distribution, by the OCI API', async () => ({ registry: new OciRegistry(), prefix: `${running?.host}/contract` }))

  it('is shared by writers in several processes without losing an artifact', async () => {
    const repository = `${running?.host}/shared`
    const one = new OciRegistry()
    const config = await one.putBlob(repository, Buffer.from('{}'))
    const content = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 2 },
      layers: [],
    })
    const subject = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: await one.putManifest(repository, content, 'application/vnd.oci.image.manifest.v1+json'),
      size: content.length,
    }
    // Each has its own queue, as a process has; one after the other, since the tag schema cannot promise more.
    for (const number of [1, 2, 3]) await new OciRegistry().attach(repository, subject, 'application/vnd.test', 'text/plain', Buffer.from(`${number}`))
    expect(await one.referrers(repository, subject.digest)).toHaveLength(3)
  })
})

describe('a file as a blob', () => {
  let running: RegistryProcess
  let folder = ''
  beforeAll(async () => {
    running = await startRegistryProcess()
    folder = await mkdtemp(join(tmpdir(), 'ctss-registry-files-'))
  })
  afterAll(async () => {
    await running[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  it.each([0, 1, 9_000_001])('of %d bytes goes up and comes down', async (bytes) => {
    const content = randomBytes(bytes)
    const registry = new OciRegistry()
    const repository = `${running.host}/files`
    await writeFile(join(folder, 'in'), content)
    expect(await registry.hasBlob(repository, digestOf(content))).toBe(false)
    for (let times = 0; times < 2; times++) await registry.pushBlob(repository, join(folder, 'in'), { digest: digestOf(content), bytes })
    expect(await registry.hasBlob(repository, digestOf(content))).toBe(true)
    expect(await registry.pullBlob(repository, digestOf(content), join(folder, 'out'), bytes)).toBe(true)
    expect((await readFile(join(folder, 'out'))).equals(content)).toBe(true)
    await rm(join(folder, 'out'))
  })

  it('of any size goes up and comes down without being held in memory', async () => {
    const path = join(folder, 'large')
    const bytes = 256 * 2 ** 20
    await writeFile(path, randomBytes(64))
    await truncate(path, bytes)
    const file = await digestOfFile(path)
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers - before)), 5)
    await new OciRegistry().pushBlob(`${running.host}/files`, path, file)
    await new OciRegistry().pullBlob(`${running.host}/files`, file.digest, join(folder, 'large-out'), bytes)
    clearInterval(watch)
    expect(most).toBeLessThan(bytes / 2)
    await Promise.all(['large', 'large-out'].map((name) => rm(join(folder, name))))
  })

  it('that is not what it is said to be is refused by the registry', async () => {
    await writeFile(join(folder, 'in'), 'this')
    const upload = new OciRegistry().pushBlob(`${running.host}/files`, join(folder, 'in'), { digest: digestOf('that'), bytes: 4 })
    await expect(upload).rejects.toMatchObject({ code: 'registry-refused' })
  })

  it('that is not there any more is a failure of the disk', async () => {
    const upload = new OciRegistry().pushBlob(`${running.host}/files`, join(folder, 'gone'), { digest: digestOf('gone'), bytes: 4 })
    await expect(upload).rejects.toMatchObject({ code: 'storage-unavailable' })
  })

  it('comes down no further than it may, and leaves nothing then', async () => {
    const registry = new OciRegistry()
    const digest = await registry.putBlob(`${running.host}/files`, Buffer.alloc(1000))
    await expect(registry.pullBlob(`${running.host}/files`, digest, join(folder, 'out'), 999)).rejects.toMatchObject({ code: 'digest-mismatch' })
    expect(await registry.pullBlob(`${running.host}/files`, digestOf('none'), join(folder, 'out'))).toBe(false)
    expect(await readdir(folder)).toEqual(['in'])
  })

  it('may take longer than an answer may, as long as bytes come; one that stops coming is a failure', async () => {
    const pieces = ['a', 'b', 'c', 'd']
    const slow = createServer((request, response) => {
      const more = request.url?.includes('/stops/') ? pieces.slice(0, 1) : pieces
      response.writeHead(200)
      for (const [index, piece] of more.entries()) setTimeout(() => response[piece === 'd' ? 'end' : 'write'](piece), index * 900)
    })
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
    const address = slow.address()
    const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    const registry = new OciRegistry({ timeoutMs: 2000 })
    expect(await registry.pullBlob(`${host}/slow`, digestOf('abcd'), join(folder, 'slow'))).toBe(true)
    await expect(registry.pullBlob(`${host}/stops`, digestOf('abcd'), join(folder, 'stops'))).rejects.toMatchObject({ code: 'registry-unavailable' })
    slow.closeAllConnections()
    slow.close()
  })

  it('may be written where one may write', async () => {
    expect(await new OciRegistry().mayPush(`${running.host}/anywhere/at-all`)).toBe(true)
    expect(await new OciRegistry().tags(`${running.host}/anywhere/at-all`)).toEqual([])
  })
})

describe('a registry that is not there', () => {
  it('is a failure that a retry may mend', async () => {
    const registry = new OciRegistry()
    const repository = `127.0.0.1:${await freePort()}/x`
    for (const attempt of [
      registry.manifest(`${repository}:1`),
      registry.putBlob(repository, Buffer.from('x')),
      registry.putManifest(repository, '{}', 'text/plain'),
    ]) {
      await expect(attempt).rejects.toMatchObject({ code: 'registry-unavailable', retryable: true, message: expect.stringContaining('cannot be reached') })
    }
  })
})

describe('a registry whose disk is full', () => {
  it('says so', async (test) => {
    test.skip(noSmallDisk !== '', noSmallDisk)
    await using full = await startFullRegistry()
    await expect(new OciRegistry().putBlob(`${full.host}/full`, Buffer.alloc(8 * 2 ** 20))).rejects.toMatchObject({ code: 'storage-full', retryable: false })
  })
})
