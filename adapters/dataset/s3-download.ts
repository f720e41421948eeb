import { GetObjectCommand, paginateListObjectsV2, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { Failure } from '../../pipeline/failure.ts'
import { saveStream } from './download.ts'
import { Refusal } from './refusal.ts'

/** Endpoint, region and keys; without them the SDK's own environment variables and files count (AWS_ENDPOINT_URL, AWS_REGION, …). */
export type S3Options = Pick<S3ClientConfig, 'endpoint' | 'region' | 'credentials'>

export interface S3DownloadLimits {
  readonly limitBytes: number
  readonly limitFiles: number
  readonly s3: S3Options
}

interface S3Object {
  readonly key: string
  /** Path below the target folder. */
  readonly path: string
}

/** Downloads `s3://bucket/key`, or everything below `s3://bucket/prefix/`, into a folder. Throws a `Refusal`, or fails with `download-failed`. */
export async function downloadObjects(url: URL, folder: string, limits: S3DownloadLimits, signal: AbortSignal): Promise<void> {
  const client = new S3Client({ ...limits.s3, forcePathStyle: true })
  const bucket = url.host
  const key = decodeURIComponent(url.pathname.slice(1))
  try {
    const objects =
      key === '' || key.endsWith('/')
        ? await listObjects(client, bucket, key, limits.limitFiles, signal)
        : [{ key, path: safePath(key.split('/').at(-1) ?? '') }]
    let left = limits.limitBytes
    for (const object of objects) left -= await downloadObject(client, bucket, object, folder, left, signal)
  } catch (cause) {
    throw signal.aborted ? cause : translate(cause, url)
  } finally {
    client.destroy()
  }
}

async function listObjects(client: S3Client, bucket: string, prefix: string, limitFiles: number, signal: AbortSignal): Promise<S3Object[]> {
  const objects: S3Object[] = []
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }, { abortSignal: signal })) {
    const keys = (page.Contents ?? []).flatMap(({ Key }) => Key ?? [])
    // Consoles make an empty object for the folder itself.
    objects.push(...keys.filter((key) => !key.endsWith('/')).map((key) => ({ key, path: safePath(key.slice(prefix.length)) })))
    if (objects.length > limitFiles) throw new Refusal('dataset-too-large', `it has more than ${limitFiles} files`)
  }
  if (objects.length === 0) throw new Refusal('dataset-missing', 'there is nothing below this address')
  return objects
}

/** Keys are any text; only those that are paths below a folder are taken. */
function safePath(path: string): string {
  if (path.split('/').some((part) => ['', '.', '..'].includes(part)) || path.includes('\0'))
    throw new Refusal('dataset-invalid', `the key ${path} is no path of a file`)
  return path
}

async function downloadObject(
  client: S3Client,
  bucket: string,
  { key, path }: S3Object,
  folder: string,
  limitBytes: number,
  signal: AbortSignal,
): Promise<number> {
  const target = join(folder, path)
  await mkdir(dirname(target), { recursive: true })
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal })
  if (!(Body instanceof Readable)) throw new Failure('download-failed', `s3://${bucket} answered with no content`)
  return saveStream(Body, target, limitBytes, `s3://${bucket}`, signal)
}

function translate(cause: unknown, url: URL): unknown {
  if (cause instanceof Refusal || cause instanceof Failure) return cause
  const name = cause instanceof Error ? cause.name : ''
  if (['NoSuchKey', 'NoSuchBucket', 'NotFound', 'AccessDenied'].includes(name)) return new Refusal('dataset-missing', `S3 answered ${name}`)
  if (cause instanceof Error && 'path' in cause) return cause
  return new Failure('download-failed', `s3://${url.host} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
    suggestion: 'see AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  })
}
