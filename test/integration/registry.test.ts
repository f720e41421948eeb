import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OciRegistry } from '../../adapters/registry/oci-registry.ts'
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
