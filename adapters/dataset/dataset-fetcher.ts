import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, copyFile, mkdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pipeline } from 'node:stream/promises'
import { asDigest, listingDigest, type Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { DatasetAnswer, DatasetRequest, Datasets } from '../../pipeline/ports/datasets.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import { error } from '../../pipeline/problem.ts'
import { entriesBelow, repositoryPath } from '../../pipeline/train/train-inputs.ts'
import { FolderReader } from '../untrusted-folder/folder-reader.ts'
import { downloadFile } from './download.ts'
import type { S3Options } from './s3-download.ts'
import { Refusal } from './refusal.ts'

/** Ours: what one data set may hold. */
const FILES = 100_000
const BYTES = 64 * 2 ** 30

export interface DatasetFetcherOptions {
  /** Keeps downloads under their digest, for later runs. */
  readonly cacheFolder: string
  readonly limitBytes?: number
  readonly s3?: S3Options
}

/** Where a data set lies on this machine, not yet verified. */
interface Found {
  readonly folder: string
  /** Set when the data set is one file: its name in the folder. */
  readonly file?: string
}

/** Data sets in the repository, in files of this machine (read in place), behind https and in S3 (a folder when the address ends with a slash). Nothing is unpacked. */
export class DatasetFetcher implements Datasets {
  readonly #cacheFolder: string
  readonly #limitBytes: number
  readonly #s3: S3Options
  readonly #reader = new FolderReader()

  constructor({ cacheFolder, limitBytes = BYTES, s3 = {} }: DatasetFetcherOptions) {
    this.#cacheFolder = cacheFolder
    this.#limitBytes = limitBytes
    this.#s3 = s3
  }

  async fetch(request: DatasetRequest, progress: Progress, signal: AbortSignal): Promise<DatasetAnswer> {
    try {
      return await this.#fetch(request, progress, signal)
    } catch (cause) {
      if (signal.aborted) throw new Failure('cancelled', `fetching data set ${request.dataset.name} was cancelled`, { cause })
      if (cause instanceof Refusal) return refuse(request, cause)
      if (cause instanceof Failure || codeOf(cause) === undefined) throw cause
      throw new Failure(
        codeOf(cause) === 'ENOSPC' ? 'storage-full' : 'storage-unavailable',
        `data set ${request.dataset.name} cannot be stored: ${messageOf(cause)}`,
        { cause },
      )
    }
  }

  async #fetch(request: DatasetRequest, progress: Progress, signal: AbortSignal): Promise<DatasetAnswer> {
    const { dataset } = request
    if (repositoryPath(dataset.uri) !== undefined) return this.#verify(request, await this.#takeFromRepository(request, signal), signal)
    const url = readAddress(dataset.uri)
    if (url.protocol === 'file:') return this.#verify(request, await takeFromMachine(url, request.scratch), signal)
    return (await this.#takeFromCache(request, url, signal)) ?? this.#download(request, url, progress, signal)
  }

  async #takeFromRepository({ dataset, tree, scratch }: DatasetRequest, signal: AbortSignal): Promise<Found> {
    const path = repositoryPath(dataset.uri) ?? '.'
    const entries = entriesBelow(path, await tree.entries())
    if (entries.length === 0) throw new Refusal('dataset-missing', `the repository has no ${dataset.uri}`)
    const link = entries.find(({ mode }) => mode === '120000' || mode === '160000')
    if (link) throw new Refusal('dataset-invalid', `${link.path} is a ${link.mode === '120000' ? 'symbolic link' : 'submodule'}: a data set is regular files`)
    this.#checkSize(
      entries.length,
      entries.reduce((sum, { bytes }) => sum + bytes, 0),
    )
    await mkdir(scratch, { recursive: true })
    await tree.materialise(
      entries.map((entry) => entry.path),
      scratch,
      signal,
    )
    const single = entries.length === 1 && entries[0]?.path === path
    return single ? { folder: join(scratch, dirname(path)), file: basename(path) } : { folder: join(scratch, path) }
  }

  /** A download that is kept is verified again; what no longer fits is thrown away. */
  async #takeFromCache(request: DatasetRequest, url: URL, signal: AbortSignal): Promise<DatasetAnswer | undefined> {
    const folder = join(this.#cacheFolder, request.dataset.sha256)
    const present = await stat(folder).catch(() => undefined)
    if (!present) return undefined
    const answer = await this.#verify(request, { folder, ...fileIn(url) }, signal).catch((cause: unknown) =>
      cause instanceof Refusal || codeOf(cause) === 'ENOENT' ? undefined : Promise.reject(cause),
    )
    if (answer === undefined) await rm(folder, { recursive: true, force: true })
    return answer
  }

  async #download(request: DatasetRequest, url: URL, progress: Progress, signal: AbortSignal): Promise<DatasetAnswer> {
    const part = join(this.#cacheFolder, `part-${randomUUID()}`)
    await mkdir(part, { recursive: true })
    try {
      progress.step(`downloading data set ${request.dataset.name}`)
      if (url.protocol === 's3:') {
        // The SDK is large, and needed by few.
        const { downloadObjects } = await import('./s3-download.ts')
        await downloadObjects(url, part, { limitBytes: this.#limitBytes, limitFiles: FILES, s3: this.#s3 }, signal)
      } else await downloadFile(url, join(part, nameIn(url)), this.#limitBytes, signal)
      const answer = await this.#verify(request, { folder: part, ...fileIn(url) }, signal)
      if (answer.kind === 'refused') return answer
      const folder = join(this.#cacheFolder, request.dataset.sha256)
      // Another run may have kept the same meanwhile.
      await rename(part, folder).catch((cause: unknown) => (['EEXIST', 'ENOTEMPTY'].includes(codeOf(cause) ?? '') ? undefined : Promise.reject(cause)))
      return { ...answer, folder }
    } finally {
      await rm(part, { recursive: true, force: true })
    }
  }

  async #verify(request: DatasetRequest, { folder, file }: Found, signal: AbortSignal): Promise<DatasetAnswer> {
    const digest = file === undefined ? await this.#digestOfFolder(folder, signal) : await digestOfFile(join(folder, file), signal)
    const declared = asDigest(`sha256:${request.dataset.sha256}`)
    if (digest === declared) return { kind: 'verified', folder, digest }
    throw new Refusal('dataset-mismatch', `it has sha256 ${digest.slice(7)}, but ctss.yaml says ${request.dataset.sha256}`)
  }

  async #digestOfFolder(folder: string, signal: AbortSignal): Promise<Digest> {
    const { entries, complete } = await this.#reader.list(folder, FILES)
    const wrong = entries.find(({ kind }) => kind !== 'file')
    if (wrong)
      throw new Refusal(
        'dataset-invalid',
        `${wrong.path} is ${wrong.kind === 'link' ? 'a symbolic link' : 'not a regular file with a plain name'}: a data set is regular files`,
      )
    if (entries.length === 0) throw new Refusal('dataset-missing', 'the folder is empty')
    this.#checkSize(
      complete ? entries.length : Infinity,
      entries.reduce((sum, { bytes }) => sum + bytes, 0),
    )
    const files: { path: string; digest: Digest }[] = []
    for (const { path } of entries) files.push({ path, digest: await digestOfFile(join(folder, path), signal) })
    return listingDigest(files)
  }

  #checkSize(files: number, bytes: number): void {
    if (files > FILES) throw new Refusal('dataset-too-large', `it has more than ${FILES} files`)
    if (bytes > this.#limitBytes) throw new Refusal('dataset-too-large', `it has ${bytes} bytes; at most ${this.#limitBytes} are taken`)
  }
}

function refuse({ dataset, places }: DatasetRequest, { code, message }: Refusal): DatasetAnswer {
  const place = code === 'dataset-mismatch' ? places.sha256 : places.uri
  const suggestion = code === 'dataset-mismatch' ? 'if the data changed on purpose, put their digest into ctss.yaml' : undefined
  return {
    kind: 'refused',
    problem: error(code, `data set ${dataset.name} (${dataset.uri}): ${message}`, { ...(place && { place }), ...(suggestion && { suggestion }) }),
  }
}

function readAddress(uri: string): URL {
  const url = URL.parse(uri)
  if (url && ['file:', 'https:', 's3:'].includes(url.protocol)) return url
  throw new Refusal('dataset-address', 'its address is none that can be fetched: a path in the repository, or file:, https: or s3:')
}

/** Folders are read in place, however large; a single file is copied, so that nothing beside it is mounted. */
async function takeFromMachine(url: URL, scratch: string): Promise<Found> {
  if (url.host !== '') throw new Refusal('dataset-address', 'a file: address has no host')
  const path = fileURLToPath(url)
  const status = await stat(path).catch((cause: unknown) => (['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(cause) ?? '') ? undefined : Promise.reject(cause)))
  if (status?.isDirectory()) return { folder: await realpath(path) }
  if (!status?.isFile()) throw new Refusal('dataset-missing', 'there is no such file or folder on this machine')
  await mkdir(scratch, { recursive: true })
  await copyFile(path, join(scratch, basename(path)))
  await chmod(join(scratch, basename(path)), 0o644)
  return { folder: scratch, file: basename(path) }
}

function fileIn(url: URL): { file?: string } {
  return url.protocol === 's3:' && url.pathname.endsWith('/') ? {} : { file: nameIn(url) }
}

/** The last part of the address, as a file name. */
function nameIn(url: URL): string {
  const last = url.pathname.split('/').at(-1) ?? ''
  const name = decodeURIComponentSafely(last).replaceAll(/[^\w.@+ -]/g, '_')
  return ['', '.', '..'].includes(name) ? 'data' : name.slice(0, 200)
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

async function digestOfFile(path: string, signal: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash, { signal })
  return `sha256:${hash.digest('hex')}`
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
