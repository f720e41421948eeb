import { lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { readOciDocument, type OciDocument } from '../../pipeline/build/oci-documents.ts'
import { digestOf, type Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { Descriptor } from '../../pipeline/ports/registry.ts'
import { digestOfFile } from '../blob-store/folder-blobs.ts'
import { errorCode, storageFailure } from '../filesystem/storage-failure.ts'
import { FolderReader } from '../untrusted-folder/folder-reader.ts'
import {
  blobPath,
  INDEX_FILE,
  isIndexType,
  isManifestType,
  LAYOUT_FILE,
  LAYOUT_VERSION,
  MANIFEST_BYTES,
  MAX_DEPTH,
  MAX_MANIFESTS,
  someAtOnce,
  type ImageTransfer,
} from './layout-files.ts'

const LAYOUT_BYTES = 4096

/**
 * Pushes the one image or index of an OCI image layout, with everything below it, to a registry; digests stay what they are. The layout may come from
 * anywhere: every file is a regular one, of the length and digest that is said of it, and nothing else of the folder is read. Answers the descriptor of
 * what was imported. Fails with `storage-corrupt` where the layout is not whole or not honest, and as a registry does.
 */
export async function importImage(transfer: ImageTransfer): Promise<Descriptor> {
  try {
    const root = await readRoot(transfer.folder)
    await new Import(transfer).manifest(root, 0)
    return root
  } catch (error) {
    throw storageFailure(error, `reading ${transfer.folder}`)
  }
}

async function readRoot(folder: string): Promise<Descriptor> {
  const layout = parse(await readFile(folder, LAYOUT_FILE, LAYOUT_BYTES))
  const version = typeof layout === 'object' && layout !== null && 'imageLayoutVersion' in layout ? layout.imageLayoutVersion : undefined
  if (version !== LAYOUT_VERSION) throw refused(folder, `${LAYOUT_FILE} does not say version ${LAYOUT_VERSION}`)
  const index = readOciDocument((await readFile(folder, INDEX_FILE, MANIFEST_BYTES)).toString('utf8'))
  const [root, ...others] = index?.manifests ?? []
  if (root === undefined || others.length > 0) throw refused(folder, `${INDEX_FILE} does not name one image`)
  return root
}

class Import {
  readonly #transfer: ImageTransfer
  readonly #manifests = new Set<Digest>()
  readonly #blobs = new Set<Digest>()

  constructor(transfer: ImageTransfer) {
    this.#transfer = transfer
  }

  /** What is below first: a registry takes a manifest only with all that it points at. */
  async manifest(descriptor: Descriptor, depth: number): Promise<void> {
    const { folder, registry, repository } = this.#transfer
    const { digest, mediaType } = descriptor
    if (this.#manifests.has(digest)) return
    this.#manifests.add(digest)
    if (depth > MAX_DEPTH) throw refused(folder, `${digest} nests too deeply`)
    if (this.#manifests.size > MAX_MANIFESTS) throw refused(folder, `it names more than ${MAX_MANIFESTS} images`)
    const content = await readFile(folder, blobPath(digest), MANIFEST_BYTES)
    if (content.length !== descriptor.size) throw refused(folder, `${digest} is ${content.length} bytes long, not ${descriptor.size}`)
    const text = content.toString('utf8')
    // The text, which goes to the registry, is what counts: bytes that are no UTF-8 would change.
    if (digestOf(text) !== digest) throw refused(folder, `${digest} has another content`)
    const document = readOciDocument(text)
    if (document === undefined || !isOfType(document, mediaType)) throw refused(folder, `${digest} is not what it is said to be, ${mediaType.slice(0, 100)}`)
    for (const child of document.manifests) await this.manifest(child, depth + 1)
    await someAtOnce(document.config ? [document.config, ...document.layers] : [], (blob) => this.#blob(blob))
    await registry.putManifest(repository, text, mediaType)
  }

  async #blob({ digest, size }: Descriptor): Promise<void> {
    if (this.#blobs.has(digest)) return
    this.#blobs.add(digest)
    const { folder, registry, repository } = this.#transfer
    const path = await findFile(folder, blobPath(digest))
    const file = await digestOfFile(path)
    if (file.bytes !== size) throw refused(folder, `${digest} is ${file.bytes} bytes long, not ${size}`)
    if (file.digest !== digest) throw refused(folder, `${digest} has another content`)
    await registry.pushBlob(repository, path, file)
  }
}

/** An index is one by its media type and by what it holds: some tools believe the one, some the other. */
function isOfType({ mediaType, config, manifests, layers }: OciDocument, said: string): boolean {
  if (mediaType !== undefined && mediaType !== said) return false
  return isIndexType(said) ? config === undefined && layers.length === 0 : isManifestType(said) && config !== undefined && manifests.length === 0
}

/** A regular file in the layout, no part of whose path is a link. */
async function findFile(folder: string, path: string): Promise<string> {
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    const stats = await lstat(join(folder, parent)).catch(orUndefinedWhenMissing)
    if (stats !== undefined && !stats.isDirectory()) throw refused(folder, `${parent} is not a folder`)
  }
  const stats = await lstat(join(folder, path)).catch(orUndefinedWhenMissing)
  if (stats === undefined) throw refused(folder, `${path} is missing`)
  if (!stats.isFile()) throw refused(folder, `${path} is not a regular file`)
  return join(folder, path)
}

async function readFile(folder: string, path: string, limitBytes: number): Promise<Buffer> {
  await findFile(folder, path)
  const content = await new FolderReader().read(folder, path, limitBytes)
  if (content === undefined || content.length > limitBytes) throw refused(folder, `${path} is longer than ${limitBytes} bytes`)
  return content
}

function parse(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch {
    return undefined
  }
}

function refused(folder: string, what: string): Failure {
  return new Failure('storage-corrupt', `${folder} is no whole image: ${what}`, { suggestion: 'run the job again that made it' })
}

function orUndefinedWhenMissing(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
  throw error
}
