import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { s3Blobs } from '../../adapters/blob-store/s3-blobs.ts'
import { digestOf, type Digest } from '../../pipeline/digest.ts'
import { describeBlobStoreContract } from '../contract/blob-store.ts'
import { provideVersitygw, startVersitygw, type S3Server } from '../support/versitygw.ts'

const FIVE_MIB = 5 * 2 ** 20
const keyOf = (digest: Digest) => `plugins/sha256/${digest.slice(7, 9)}/${digest.slice(7)}`

let server: S3Server | undefined
let folder = ''
beforeAll(async () => {
  const program = provideVersitygw()
  if (program !== undefined) server = await startVersitygw(program)
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})
const running = (): S3Server => {
  if (server === undefined) throw new Error('versitygw is not running')
  return server
}
const open = () => s3Blobs({ client: running().client, bucket: 'blobs', prefix: 'plugins/', partBytes: FIVE_MIB })

describe('with an S3 server on this machine', () => {
  beforeEach((context) => {
    if (server === undefined) context.skip('versitygw is not installed, and there is no Go to build it with')
  })

  describeBlobStoreContract('S3 (versitygw)', async () => ({ store: open(), damage: (digest, content) => writeFile(running().pathOf(keyOf(digest)), content) }))

  describe('blobs in S3', () => {
    it('stores a file of many parts once, whoever else stores it at the same time', async () => {
      const content = randomBytes(2 * FIVE_MIB + 1)
      await writeFile(join(folder, 'large'), content)
      const answers = await Promise.all(Array.from({ length: 3 }, () => open().putFile(join(folder, 'large'))))
      for (const answer of answers) expect(answer).toStrictEqual({ digest: digestOf(content), bytes: content.length })
      expect((await open().get(digestOf(content)))?.equals(content)).toBe(true)
      const { Uploads } = await running().client.send(new ListMultipartUploadsCommand({ Bucket: 'blobs' }))
      expect(Uploads ?? []).toStrictEqual([])
    })

    it('leaves nothing of an upload that breaks off', async () => {
      const path = join(folder, 'shrinking')
      await writeFile(path, randomBytes(3 * FIVE_MIB))
      const { client } = running()
      let parts = 0
      client.middlewareStack.add(
        (next, { commandName }) =>
          async (call) => {
            if (commandName === 'UploadPartCommand' && ++parts === 1) await truncate(path, FIVE_MIB)
            return next(call)
          },
        { step: 'initialize', name: 'cut' },
      )
      await expect(open().putFile(path)).rejects.toMatchObject({
        code: 'digest-mismatch',
      })
      client.middlewareStack.remove('cut')
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'blobs' }))
      expect(Uploads ?? []).toStrictEqual([])
    })

    it('keeps prefixes apart', async () => {
      const digest = await open().put(Buffer.from('only here'))
      expect(await s3Blobs({ client: running().client, bucket: 'blobs', prefix: 'other/' }).has(digest)).toBe(false)
      expect(await readdir(running().pathOf(`plugins/sha256/${digest.slice(7, 9)}`))).toContain(digest.slice(7))
    })

    it('fails with storage-unavailable when the bucket is missing, or the key is refused', async () => {
      const content = Buffer.from('x')
      const { client } = running()
      await expect(s3Blobs({ client, bucket: 'missing' }).put(content)).rejects.toMatchObject({
        name: 'Failure',
        code: 'storage-unavailable',
        message: expect.stringContaining('NoSuchBucket'),
      })
      await expect(s3Blobs({ client, bucket: 'missing' }).get(digestOf('x'))).rejects.toMatchObject({ code: 'storage-unavailable' })
      const stranger = new S3Client({
        region: 'us-east-1',
        forcePathStyle: true,
        maxAttempts: 1,
        endpoint: await endpoint(client),
        credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' },
      })
      await expect(s3Blobs({ client: stranger, bucket: 'blobs' }).put(content)).rejects.toMatchObject({ code: 'storage-unavailable', retryable: true })
    })
  })
})

describe('without an S3 server', () => {
  it('fails with storage-unavailable, and a retry may help', async () => {
    const client = new S3Client({
      region: 'us-east-1',
      maxAttempts: 1,
      forcePathStyle: true,
      endpoint: 'http://127.0.0.1:9',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    })
    await expect(s3Blobs({ client, bucket: 'blobs' }).has(digestOf('x'))).rejects.toMatchObject({
      name: 'Failure',
      code: 'storage-unavailable',
      retryable: true,
    })
    await expect(s3Blobs({ client, bucket: 'blobs' }).put(Buffer.from('x'))).rejects.toMatchObject({ code: 'storage-unavailable' })
  })
})

async function endpoint(client: S3Client): Promise<string> {
  const { protocol, hostname, port } = await client.config.endpoint!()
  return `${protocol}//${hostname}:${port}`
}
