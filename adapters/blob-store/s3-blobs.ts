import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { CompletedPart, S3ClientConfig } from '@aws-sdk/client-s3'

import { asDigest, digestOf } from '../../pipeline/digest.ts'
import type { Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import { writeAtomically } from '../filesystem/atomic-file.ts'
import { errorCode, storageFailure } from '../filesystem/storage-failure.ts'
import { digestOfFile } from './folder-blobs.ts'

export interface S3BlobsOptions {
  /** With `forcePathStyle: true` for anything but Amazon's. */
  readonly client: S3Client
  readonly bucket: string
  /** Put before every key; ends in a slash, or is empty. */
  readonly prefix?: string
  /** Files larger than this go up in parts of this size; at least 5 MiB, 16 MiB without it. */
  readonly partBytes?: number
}

interface Bucket {
  readonly client: S3Client
  readonly bucket: string
  readonly prefix: string
  readonly partBytes: number
}

/** The same with a client of its own, at addresses that any S3 understands; `s3`: region, endpoint and credentials, else those of the SDK's own variables (`AWS_…`). */
export function openS3Blobs({ s3 = {}, ...place }: Omit<S3BlobsOptions, 'client'> & { readonly s3?: S3ClientConfig }): BlobStore {
  return s3Blobs({ ...place, client: new S3Client({ ...s3, forcePathStyle: true }) })
}

/**
 * Blobs as objects `<prefix>sha256/<first two digits>/<hexadecimal digest>`. Written once (`If-None-Match: *`); what is read is verified, as
 * a store on the way may damage it. The bucket exists.
 */
export function s3Blobs({ client, bucket, prefix = '', partBytes = 16 * 2 ** 20 }: S3BlobsOptions): BlobStore {
  const place: Bucket = { client, bucket, prefix, partBytes }
  return {
    put: (content) => attempt(place, () => putBytes(place, content)),
    putFile: (path) => attempt(place, () => putFile(place, path)),
    get: (digest) => attempt(place, () => getBytes(place, digest)),
    getFile: (digest, path) => attempt(place, () => getFile(place, digest, path)),
    has: (digest) => attempt(place, async () => (await sizeOf(place, digest)) !== undefined),
  }
}

function keyOf({ prefix }: Bucket, digest: Digest): string {
  const hex = asDigest(digest).slice('sha256:'.length)
  return `${prefix}sha256/${hex.slice(0, 2)}/${hex}`
}

async function putBytes(place: Bucket, content: Uint8Array): Promise<Digest> {
  const digest = digestOf(content)
  const there = await sizeOf(place, digest)
  // Bytes that are there already need not travel again.
  if (there === content.byteLength) return digest
  const ChecksumSHA256 = Buffer.from(digest.slice('sha256:'.length), 'hex').toString('base64')
  await unlessThere(
    place.client.send(
      new PutObjectCommand({
        Bucket: place.bucket,
        Key: keyOf(place, digest),
        Body: content,
        ContentLength: content.byteLength,
        ChecksumSHA256,
        ...onlyOnce(there),
      }),
    ),
  )
  return digest
}

interface Condition {
  readonly IfNoneMatch?: string
}

/** Never over what another writer has just written; but what has another length is damaged, and is mended. */
function onlyOnce(there: number | undefined): Condition {
  return there === undefined ? { IfNoneMatch: '*' } : {}
}

async function putFile(place: Bucket, path: string): Promise<{ digest: Digest; bytes: number }> {
  const { size } = await stat(path)
  if (size <= place.partBytes) {
    await using handle = await open(path)
    const content = await handle.readFile()
    return { digest: await putBytes(place, content), bytes: content.length }
  }
  const found = await digestOfFile(path)
  const there = await sizeOf(place, found.digest)
  if (there !== found.bytes) await putParts(place, path, found.digest, onlyOnce(there))
  return found
}

/** In parts that are read one after the other: a stream cannot be sent again when a request fails. */
async function putParts(place: Bucket, path: string, digest: Digest, condition: Condition): Promise<void> {
  const object = { Bucket: place.bucket, Key: keyOf(place, digest) }
  const { UploadId } = await place.client.send(new CreateMultipartUploadCommand({ ...object, ChecksumAlgorithm: 'CRC32' }))
  if (UploadId === undefined) throw new Failure('storage-unavailable', 'the store began no upload')
  const upload = { ...object, UploadId }
  const abort = (): Promise<unknown> => place.client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined)
  try {
    await using handle = await open(path)
    const Parts = await sendParts(place, handle, upload, digest)
    const isOurs = await unlessThere(place.client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...condition })))
    if (!isOurs) await abort()
  } catch (error) {
    await abort()
    throw error
  }
}

async function sendParts(
  place: Bucket,
  handle: FileHandle,
  upload: { Bucket: string; Key: string; UploadId: string },
  digest: Digest,
): Promise<CompletedPart[]> {
  const hash = createHash('sha256')
  const parts: CompletedPart[] = []
  const buffer = Buffer.allocUnsafe(place.partBytes)
  for (let position = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) break
    const Body = buffer.subarray(0, bytesRead)
    hash.update(Body)
    const part = await place.client.send(new UploadPartCommand({ ...upload, PartNumber: parts.length + 1, Body, ContentLength: bytesRead }))
    parts.push({ PartNumber: parts.length + 1, ETag: part.ETag, ...(part.ChecksumCRC32 !== undefined && { ChecksumCRC32: part.ChecksumCRC32 }) })
    position += bytesRead
  }
  if (`sha256:${hash.digest('hex')}` !== digest) throw new Failure('digest-mismatch', 'a file changed while it was being stored')
  return parts
}

/** False: another writer was first, and what lies under a digest is the same content. */
async function unlessThere(request: Promise<unknown>): Promise<boolean> {
  try {
    await request
    return true
  } catch (error) {
    if (error instanceof S3ServiceException && (statusOf(error) === 412 || statusOf(error) === 409)) return false
    throw error
  }
}

async function getBytes(place: Bucket, digest: Digest): Promise<Buffer | undefined> {
  const body = await openObject(place, digest)
  if (body === undefined) return undefined
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  const content = Buffer.concat(chunks)
  if (digestOf(content) !== digest) throw mismatch(digest)
  return content
}

async function getFile(place: Bucket, digest: Digest, path: string): Promise<boolean> {
  const body = await openObject(place, digest)
  if (body === undefined) return false
  await writeAtomically(path, async (handle) => {
    const hash = createHash('sha256')
    for await (const chunk of body) {
      hash.update(chunk)
      await handle.writeFile(chunk)
    }
    if (`sha256:${hash.digest('hex')}` !== digest) throw mismatch(digest)
  })
  return true
}

function mismatch(digest: Digest): Failure {
  return new Failure('digest-mismatch', `the store answers another content than ${digest}`, {
    suggestion: 'delete the object, then run the stage that made it again, with --force',
  })
}

async function openObject(place: Bucket, digest: Digest): Promise<AsyncIterable<Uint8Array> | undefined> {
  try {
    const { Body } = await place.client.send(new GetObjectCommand({ Bucket: place.bucket, Key: keyOf(place, digest) }))
    if (!(Body instanceof Readable)) throw new TypeError('in Node an S3 body is a stream')
    // A wrong checksum of an empty body is an event before anybody reads; whoever reads later gets the same error.
    Body.on('error', () => undefined)
    return readBody(Body, digest)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** The client compares what comes with the checksum that the store keeps. */
async function* readBody(body: Readable, digest: Digest): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) if (chunk instanceof Uint8Array) yield chunk
  } catch (error) {
    throw error instanceof Error && error.message.startsWith('Checksum mismatch') ? mismatch(digest) : error
  }
}

async function sizeOf(place: Bucket, digest: Digest): Promise<number | undefined> {
  try {
    return (await place.client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: keyOf(place, digest) }))).ContentLength
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** HEAD has no body, so its 404 carries no code: a missing bucket looks the same until something is written. */
function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && error.name !== 'NoSuchBucket' && statusOf(error) === 404
}

function statusOf(error: S3ServiceException): number | undefined {
  return error.$metadata.httpStatusCode
}

/** Names by which stores say that they are full: versitygw and MinIO beside HTTP's own 507. */
const FULL = /QuotaExceeded|StorageFull|InsufficientCapacity|NoSpace/

async function attempt<T>(place: Bucket, act: () => Promise<T>): Promise<T> {
  const where = `s3://${place.bucket}/${place.prefix}`
  try {
    return await act()
  } catch (error) {
    if (error instanceof Failure) throw error
    if (error instanceof S3ServiceException) {
      const isFull = FULL.test(error.name) || statusOf(error) === 507
      throw new Failure(isFull ? 'storage-full' : 'storage-unavailable', `${where}: ${error.name}${error.message === '' ? '' : `, ${error.message}`}`, {
        cause: error,
      })
    }
    throw asFailure(error, where)
  }
}

/** Errors of sockets and name look-ups carry codes too; the client packs some of them into an AggregateError or a TimeoutError. */
function asFailure(error: unknown, where: string): unknown {
  const failure = storageFailure(error, where)
  if (failure instanceof Failure || !(error instanceof Error)) return failure
  const isNetwork =
    /^E[A-Z]+$/.test(errorCode(error) ?? '') || error instanceof AggregateError || ['TimeoutError', 'RequestTimeout', 'NetworkingError'].includes(error.name)
  return isNetwork ? new Failure('storage-unavailable', `${where}: ${error.message || error.name}`, { cause: error }) : error
}
