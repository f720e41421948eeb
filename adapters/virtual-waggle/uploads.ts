import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type Header } from 'tar-stream'
import type { UploadedFile } from '../../schemas/generated/types.ts'
import type { Digest } from '../../pipeline/digest.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import { EARLIEST_NS, formatNanoseconds, LATEST_NS } from '../../pipeline/virtual/timestamp.ts'
import { isWireObject, readWireJson } from '../../pipeline/virtual/wire-json.ts'

/** pywaggle's name of a staging folder: nanoseconds, and the SHA-1 of the file. */
const STAGING = /^(\d{1,19})-[0-9a-f]{40}$/
const META_BYTES = 64 * 1024
const KEPT_UPLOADS = 1000
const NAME_CHARACTERS = 255

export interface Uploads {
  readonly files: readonly UploadedFile[]
  /** Staging folders of `files`. */
  readonly staged: ReadonlySet<string>
  /** What a node's upload agent would not ship, with the reason. */
  readonly refused: readonly { readonly reason: string; readonly example: string }[]
}

export const UPLOAD_REASONS = {
  incomplete: 'upload without data or meta: a node never ships it',
  notRegular: 'upload that is no regular file: a node never ships it',
  tooMany: `more than ${KEPT_UPLOADS} uploads`,
  tooLarge: 'uploads are larger than the disk limit',
  missing: 'upload message without a file in /run/waggle/uploads',
} as const

interface Staged {
  data?: { readonly digest: Digest; readonly bytes: number }
  meta?: Readonly<Record<string, string>>
}

/**
 * Reads the upload folder from a tar (`./<ns>-<sha1>/{data,meta}`) into the blob store. Written by a stranger: only regular files in
 * folders of pywaggle's naming count, links are never followed, and reading ends at `limitBytes`.
 */
export async function readUploads(
  archive: Readable,
  { blobs, folder, limitBytes }: { readonly blobs: BlobStore; readonly folder: string; readonly limitBytes: number },
): Promise<Uploads> {
  const staged = new Map<string, Staged>()
  const refused: { reason: string; example: string }[] = []
  const parser = extract()
  archive.pipe(parser)
  archive.once('error', (error) => parser.destroy(error))
  let bytes = 0
  for await (const entry of parser) {
    const place = placeOf(entry.header)
    bytes += entry.header.size
    if (bytes > limitBytes) {
      refused.push({ reason: UPLOAD_REASONS.tooLarge, example: showName(entry.header) })
      break
    }
    if (place === undefined) {
      entry.resume()
      continue
    }
    const problem = entry.header.type === 'file' ? undefined : UPLOAD_REASONS.notRegular
    const known = staged.get(place.staging)
    if (problem !== undefined || (known === undefined && staged.size >= KEPT_UPLOADS)) {
      refused.push({ reason: problem ?? UPLOAD_REASONS.tooMany, example: showName(entry.header) })
      entry.resume()
      continue
    }
    const upload = known ?? {}
    staged.set(place.staging, upload)
    if (place.part === 'meta') upload.meta = readLabels(await readStart(entry, META_BYTES))
    else upload.data = await keep(entry, blobs, folder)
  }
  archive.unpipe(parser)
  archive.destroy()
  return collect(staged, refused)
}

function placeOf({ name, type }: Header): { readonly staging: string; readonly part: 'data' | 'meta' } | undefined {
  const [staging, part, ...deeper] = name.replace(/^(\.\/)+/, '').split('/')
  if (type === 'directory' || staging === undefined || deeper.length > 0 || !STAGING.test(staging)) return undefined
  return part === 'data' || part === 'meta' ? { staging, part } : undefined
}

async function readStart(entry: AsyncIterable<unknown>, limitBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of entry) {
    if (!(chunk instanceof Uint8Array)) continue
    bytes += chunk.length
    if (bytes <= limitBytes) chunks.push(chunk)
  }
  return bytes <= limitBytes ? Buffer.concat(chunks) : undefined
}

async function keep(entry: AsyncIterable<unknown>, blobs: BlobStore, folder: string): Promise<{ digest: Digest; bytes: number }> {
  const path = join(folder, 'upload')
  await pipeline(Readable.from(entry), createWriteStream(path))
  try {
    return await blobs.putFile(path)
  } finally {
    await rm(path, { force: true })
  }
}

/** Labels that are texts; a broken meta file has none. */
function readLabels(content: Buffer | undefined): Record<string, string> {
  const document = content === undefined ? undefined : readWireJson(content.toString('utf8'))
  const labels = isWireObject(document) ? document.get('labels') : undefined
  if (!isWireObject(labels)) return {}
  return Object.fromEntries([...labels].filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

function collect(staged: ReadonlyMap<string, Staged>, refused: { reason: string; example: string }[]): Uploads {
  const files: UploadedFile[] = []
  const complete = new Set<string>()
  for (const [staging, { data, meta }] of [...staged].sort(([a], [b]) => compareStaging(a, b))) {
    if (data === undefined || meta === undefined) {
      refused.push({ reason: UPLOAD_REASONS.incomplete, example: staging })
      continue
    }
    complete.add(staging)
    files.push({ name: safeName(meta['filename']) ?? staging, timestamp: timeOf(staging), bytes: data.bytes, digest: data.digest, labels: meta })
  }
  return { files, staged: complete, refused }
}

/** The last part of what the plugin calls its file, without what could move a cursor or leave a folder. */
function safeName(filename: string | undefined): string | undefined {
  const name = filename
    ?.split(/[/\\]/)
    .at(-1)
    ?.replace(/[\u0000-\u001f\u007f-\u009f]/g, '')
    .slice(0, NAME_CHARACTERS)
  return name === undefined || name === '' || name === '.' || name === '..' ? undefined : name
}

function compareStaging(a: string, b: string): number {
  const [first, second] = [nanoseconds(a), nanoseconds(b)]
  return first === second ? (a < b ? -1 : 1) : first < second ? -1 : 1
}

function nanoseconds(staging: string): bigint {
  return BigInt(STAGING.exec(staging)?.[1] ?? 0)
}

function timeOf(staging: string): string {
  const ns = nanoseconds(staging)
  return formatNanoseconds(ns < EARLIEST_NS || ns > LATEST_NS ? 0n : ns)
}

function showName({ name }: Header): string {
  return name.slice(0, NAME_CHARACTERS)
}
