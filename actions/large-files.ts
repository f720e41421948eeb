import type { BlobStore } from '../pipeline/ports/blob-store.ts'
import { InputError } from './read-inputs.ts'

const ADDRESS = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w./=-]*))?$/

/** Where files go that are too large for an artifact: `s3://bucket/prefix`, with the credentials of the SDK's own variables (`AWS_…`). Throws an `InputError`. */
export async function openLargeFiles(address: string | undefined): Promise<BlobStore | undefined> {
  if (address === undefined) return undefined
  const [, bucket, prefix = ''] = ADDRESS.exec(address) ?? []
  if (bucket === undefined) throw new InputError(['input `large-files` is no address like s3://bucket/prefix'])
  // Large, and needed by few.
  const { openS3Blobs } = await import('../adapters/blob-store/s3-blobs.ts')
  const folder = prefix.replace(/\/+$/, '')
  return openS3Blobs({ bucket, prefix: folder === '' ? '' : `${folder}/` })
}
