import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf, isDigest } from '../../pipeline/digest.ts'
import type { Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import { readImageReference, referenceSuffix } from '../../pipeline/build/image-reference.ts'
import { MEDIA_TYPES, readOciDocument } from '../../pipeline/build/oci-documents.ts'
import type { OciDocument } from '../../pipeline/build/oci-documents.ts'
import type { Descriptor, ManifestAnswer, Registry } from '../../pipeline/ports/registry.ts'
import { writeAtomically } from '../filesystem/atomic-file.ts'
import { storageFailure } from '../filesystem/storage-failure.ts'
import { readLimited } from '../http/read-limited.ts'
import { RegistryClient } from './registry-client.ts'
import type { RegistryClientOptions } from './registry-client.ts'

const MANIFEST_BYTES = 4 * 2 ** 20
const ACCEPT = [MEDIA_TYPES.index, MEDIA_TYPES.manifest, MEDIA_TYPES.dockerIndex, MEDIA_TYPES.dockerManifest].join(', ')
const EMPTY_CONFIG = { mediaType: MEDIA_TYPES.empty, content: Buffer.from('{}') }
/** Two writers of the tag-schema index can overwrite each other; each reads back and writes again this often. */
const REFERRERS_ATTEMPTS = 8
const MAX_DEPTH = 4
/** distribution 2 writes in place: of two who push the same content at once, one may be told that the half that it found there is wrong. */
const RACE_ATTEMPTS = 4
const RACE_DELAY_MS = 150
const TAGS_PER_PAGE = 1000
/** A repository with more tags than pages of these is read only so far. */
const TAG_PAGES = 20

function isRace(error: unknown): boolean {
  return error instanceof Failure && error.code === 'registry-refused' && /\b(?:DIGEST_INVALID|MANIFEST_BLOB_UNKNOWN)\b/.test(error.message)
}

interface Repository {
  readonly host: string
  readonly name: string
  readonly client: RegistryClient
}

/** A registry behind the OCI distribution API (1.1; 1.0 with the referrers tag schema). Plain HTTP on loopback addresses, HTTPS elsewhere. */
export class OciRegistry implements Registry {
  readonly #options: RegistryClientOptions
  readonly #clients = new Map<string, RegistryClient>()
  /** Writers of one subject's referrers in this process wait for each other. */
  readonly #referrerWrites = new Map<string, Promise<unknown>>()

  constructor(options: RegistryClientOptions = {}) {
    this.#options = options
  }

  async manifest(reference: string): Promise<ManifestAnswer | undefined> {
    const parsed = readImageReference(reference)
    if (!parsed) throw new Failure('registry-refused', `not an image reference: ${reference.slice(0, 200)}`)
    return this.#getManifest(this.#repository(`${parsed.host}/${parsed.repository}`), referenceSuffix(parsed).slice(1))
  }

  async putManifest(repository: string, content: string, mediaType: string, tag?: string): Promise<Digest> {
    const { digest } = await this.#putManifest(this.#repository(repository), content, mediaType, tag)
    return digest
  }

  async blob(repository: string, digest: Digest, limitBytes: number): Promise<Buffer | undefined> {
    const { name, client } = this.#repository(repository)
    const response = await client.send({ method: 'GET', path: `/v2/${name}/blobs/${digest}`, expect: [200, 404], scope: pull(name) })
    if (response.status === 404) {
      await response.body?.cancel()
      return undefined
    }
    const { content, complete } = await readBody(client, response, limitBytes)
    if (!complete) throw new Failure('registry-refused', `blob ${digest} of ${repository} is larger than ${limitBytes} bytes`)
    verify(digestOf(content), digest, repository)
    return content
  }

  async putBlob(repository: string, content: Uint8Array): Promise<Digest> {
    const target = this.#repository(repository)
    const digest = digestOf(content)
    if (await hasBlob(target, digest)) return digest
    await finishUpload(target, await beginUpload(target, [202]), digest, content, content.length)
    return digest
  }

  async tags(repository: string): Promise<readonly string[]> {
    const { name, client } = this.#repository(repository)
    const tags: string[] = []
    let path: string | undefined = `/v2/${name}/tags/list?n=${TAGS_PER_PAGE}`
    for (let page = 0; path !== undefined && page < TAG_PAGES; page++) {
      const response: Response = await client.send({ method: 'GET', path, expect: [200, 404], scope: pull(name) })
      const { content } = await readBody(client, response, MANIFEST_BYTES)
      if (response.status === 404) return tags
      tags.push(...tagsIn(content.toString('utf8')))
      path = nextPage(response)
    }
    return tags
  }

  async hasBlob(repository: string, digest: Digest): Promise<boolean> {
    const target = this.#repository(repository)
    return hasBlob(target, digest, pull(target.name))
  }

  /**
   * Writes a blob to a local file without holding it in memory, verified, whole or not at all. False when there is none.
   * Fails with `digest-mismatch`, also where it is longer than `limitBytes`, and as the port does.
   */
  async pullBlob(repository: string, digest: Digest, path: string, limitBytes = Infinity): Promise<boolean> {
    const { name, client } = this.#repository(repository)
    const { response, chunks } = await client.open({ method: 'GET', path: `/v2/${name}/blobs/${digest}`, expect: [200, 404], scope: pull(name) })
    if (response.status === 404) {
      await response.body?.cancel()
      return false
    }
    try {
      await writeAtomically(path, async (file) => {
        const hash = createHash('sha256')
        let bytes = 0
        for await (const chunk of chunks) {
          bytes += chunk.length
          if (bytes > limitBytes) throw new Failure('digest-mismatch', `${repository} sends more than ${limitBytes} bytes as ${digest}`)
          hash.update(chunk)
          await file.writeFile(chunk)
        }
        verify(`sha256:${hash.digest('hex')}`, digest, repository)
      })
    } catch (cause) {
      throw storageFailure(cause, `writing ${path}`)
    }
    return true
  }

  /** Stores a local file, whose digest and length the caller has measured, without holding it in memory. */
  async pushBlob(repository: string, path: string, { digest, bytes }: { readonly digest: Digest; readonly bytes: number }): Promise<void> {
    const target = this.#repository(repository)
    if (await hasBlob(target, digest)) return
    try {
      await using file = await open(path)
      const body = bytes === 0 ? Buffer.alloc(0) : Readable.toWeb(file.createReadStream({ autoClose: false, highWaterMark: 2 ** 20 }))
      await finishUpload(target, await beginUpload(target, [202]), digest, body, bytes)
    } catch (cause) {
      throw storageFailure(cause, `reading ${path}`)
    }
  }

  /**
   * Whether the registry lets us write to a repository. Only an upload that is begun tells, since no API does; it is taken back at once.
   * Fails with `registry-unavailable` where the registry does not answer.
   */
  async mayPush(repository: string): Promise<boolean> {
    const target = this.#repository(repository)
    // A mirror answers 405, a registry in which one may not make repositories 404.
    const upload = await beginUpload(target, [202, 401, 403, 404, 405])
    await upload.body?.cancel()
    if (upload.status !== 202) return false
    const location = uploadLocation(target, upload)
    // One that cannot be taken back ends by itself.
    const end = await target.client.send({ method: 'DELETE', path: location.href, expect: [204, 404, 405], scope: push(target.name) }).catch(() => undefined)
    await end?.body?.cancel()
    return true
  }

  async promote(from: string, digest: Digest, to: string): Promise<void> {
    const source = this.#repository(from)
    const target = this.#repository(to)
    if (source.host !== target.host) throw new TypeError(`${from} and ${to} are on two registries`)
    if (source.name !== target.name) await this.#promoteManifest(source, digest, target, 0)
  }

  async referrers(repository: string, digest: Digest): Promise<readonly Descriptor[]> {
    const target = this.#repository(repository)
    const { client, name } = target
    const response = await client.send({
      method: 'GET',
      path: `/v2/${name}/referrers/${digest}`,
      headers: { accept: MEDIA_TYPES.index },
      expect: [200, 404],
      scope: pull(name),
    })
    const { content } = await readBody(client, response, MANIFEST_BYTES)
    const listed = response.status === 200 ? (readOciDocument(content.toString('utf8'))?.manifests ?? []) : []
    // Some registries answer the API with an empty list and keep what was attached under the tag alone (GHCR).
    return listed.length > 0 ? listed : this.#taggedReferrers(target, digest)
  }

  async attach(
    repository: string,
    subject: Descriptor,
    artifactType: string,
    mediaType: string,
    content: Uint8Array,
    annotations?: Readonly<Record<string, string>>,
  ): Promise<Digest> {
    const target = this.#repository(repository)
    const config = await this.putBlob(repository, EMPTY_CONFIG.content)
    const layer = await this.putBlob(repository, content)
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      artifactType,
      config: { mediaType: EMPTY_CONFIG.mediaType, digest: config, size: EMPTY_CONFIG.content.length },
      layers: [{ mediaType, digest: layer, size: content.length }],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
      ...(annotations && { annotations }),
    })
    const { digest, indexed } = await this.#putManifest(target, text, MEDIA_TYPES.manifest)
    if (!indexed) {
      const entry = { mediaType: MEDIA_TYPES.manifest, digest, size: Buffer.byteLength(text), artifactType, ...(annotations && { annotations }) }
      await this.#oneAtATime(`${repository}@${subject.digest}`, () => this.#addTaggedReferrer(target, subject.digest, entry))
    }
    const found = await this.referrers(repository, subject.digest)
    if (!found.some((descriptor) => descriptor.digest === digest)) {
      throw new Failure('registry-refused', `${repository} took the artifact ${digest}, and does not list it with ${subject.digest}`)
    }
    return digest
  }

  #repository(reference: string): Repository {
    const parsed = readImageReference(reference)
    if (!parsed) throw new Failure('registry-refused', `not a repository: ${reference.slice(0, 200)}`)
    const client = this.#clients.get(parsed.host) ?? new RegistryClient(parsed.host, this.#options)
    this.#clients.set(parsed.host, client)
    return { host: parsed.host, name: parsed.repository, client }
  }

  async #getManifest({ client, name }: Repository, suffix: string): Promise<ManifestAnswer | undefined> {
    const response = await client.send({
      method: 'GET',
      path: `/v2/${name}/manifests/${suffix}`,
      headers: { accept: ACCEPT },
      expect: [200, 404],
      scope: pull(name),
    })
    const { content, complete } = await readBody(client, response, MANIFEST_BYTES)
    if (response.status === 404) return undefined
    if (!complete) throw new Failure('registry-refused', `the manifest ${name}@${suffix} is larger than 4 MiB`)
    if (isDigest(suffix)) verify(digestOf(content), suffix, name)
    const declared = response.headers.get('content-type')?.split(';')[0]?.trim()
    return { digest: digestOf(content), mediaType: readOciDocument(content.toString('utf8'))?.mediaType ?? declared ?? '', content }
  }

  async #putManifest(target: Repository, content: string, mediaType: string, tag?: string): Promise<{ readonly digest: Digest; readonly indexed: boolean }> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#putManifestOnce(target, content, mediaType, tag)
      } catch (error) {
        if (attempt === RACE_ATTEMPTS || !isRace(error)) throw error
        await sleep(RACE_DELAY_MS * attempt)
      }
    }
  }

  async #putManifestOnce(
    target: Repository,
    content: string,
    mediaType: string,
    tag: string | undefined,
  ): Promise<{ readonly digest: Digest; readonly indexed: boolean }> {
    const { client, name } = target
    const digest = digestOf(content)
    const response = await client.send({
      method: 'PUT',
      path: `/v2/${name}/manifests/${tag ?? digest}`,
      headers: { 'content-type': mediaType },
      body: Buffer.from(content),
      expect: [200, 201, 202],
      scope: push(name),
    })
    await response.body?.cancel()
    const stored = await this.#getManifest(target, tag ?? digest)
    // A tag may have been moved by another writer since; the digest may not.
    if (stored?.digest !== digest && !(tag !== undefined && (await this.#getManifest(target, digest)))) {
      throw new Failure('digest-mismatch', `${name}: what was stored as ${digest} reads back as ${stored?.digest ?? 'nothing'}`)
    }
    return { digest, indexed: response.headers.has('oci-subject') }
  }

  async #promoteManifest(source: Repository, digest: Digest, target: Repository, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) throw new Failure('registry-refused', `${source.name}@${digest} nests too deeply`)
    // A registry takes a manifest only with all that it points at, so one that is there is whole.
    if (await this.#hasManifest(target, digest)) return
    const answer = await this.#getManifest(source, digest)
    const document = answer && readOciDocument(answer.content.toString('utf8'))
    if (!answer || !document) throw new Failure('registry-refused', `${source.host}/${source.name} has no image ${digest}`)
    for (const child of document.manifests) await this.#promoteManifest(source, child.digest, target, depth + 1)
    const blobs = document.config ? [document.config, ...document.layers] : []
    await Promise.all([...new Set(blobs.map((blob) => blob.digest))].map((blob) => mountBlob(source, blob, target)))
    await this.#putManifest(target, answer.content.toString('utf8'), answer.mediaType)
  }

  async #hasManifest({ client, name }: Repository, digest: Digest): Promise<boolean> {
    const response = await client.send({
      method: 'HEAD',
      path: `/v2/${name}/manifests/${digest}`,
      headers: { accept: ACCEPT },
      expect: [200, 404],
      scope: push(name),
    })
    return response.status === 200
  }

  async #taggedReferrers(target: Repository, subject: Digest): Promise<readonly Descriptor[]> {
    const answer = await this.#getManifest(target, referrersTag(subject))
    return (answer && readOciDocument(answer.content.toString('utf8'))?.manifests) ?? []
  }

  /** Read, add, write, read back: the registry offers no compare-and-set (distribution 2.8 sends no ETag for it). */
  async #addTaggedReferrer(target: Repository, subject: Digest, entry: Descriptor): Promise<void> {
    for (let attempt = 0; attempt < REFERRERS_ATTEMPTS; attempt++) {
      const present = await this.#taggedReferrers(target, subject)
      if (present.some((descriptor) => descriptor.digest === entry.digest)) return
      const index: Pick<OciDocument, 'mediaType' | 'manifests'> & { schemaVersion: 2 } = {
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.index,
        manifests: [...present, entry],
      }
      await this.#putManifest(target, JSON.stringify(index), MEDIA_TYPES.index, referrersTag(subject))
    }
  }

  async #oneAtATime<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#referrerWrites.get(key) ?? Promise.resolve()).then(work, work)
    this.#referrerWrites.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#referrerWrites.get(key) === turn) this.#referrerWrites.delete(key)
    }
  }
}

/** Before an upload with the token of the upload. */
async function hasBlob({ client, name }: Repository, digest: Digest, scope = push(name)): Promise<boolean> {
  const response = await client.send({ method: 'HEAD', path: `/v2/${name}/blobs/${digest}`, expect: [200, 404], scope })
  return response.status === 200
}

/** Makes a blob of one repository one of another's: by reference where the registry can, else by copying its bytes. */
async function mountBlob(source: Repository, digest: Digest, target: Repository): Promise<void> {
  if (await hasBlob(target, digest)) return
  const { client, name } = target
  const query = new URLSearchParams({ mount: digest, from: source.name })
  const scope = `${push(name)} ${pull(source.name)}`
  const answer = await client.send({ method: 'POST', path: `/v2/${name}/blobs/uploads/?${query.toString()}`, expect: [201, 202], scope })
  if (answer.status === 201) {
    await answer.body?.cancel()
    return
  }
  const blob = await client.open({ method: 'GET', path: `/v2/${source.name}/blobs/${digest}`, expect: [200], scope: pull(source.name) })
  await finishUpload(target, answer, digest, ReadableStream.from(blob.chunks), Number(blob.response.headers.get('content-length') ?? 0), scope)
}

async function beginUpload({ client, name }: Repository, expect: readonly number[]): Promise<Response> {
  return client.send({ method: 'POST', path: `/v2/${name}/blobs/uploads/`, expect, scope: push(name) })
}

function uploadLocation({ client }: Repository, upload: Response): URL {
  const location = upload.headers.get('location')
  if (location === null || !URL.canParse(location, upload.url)) throw client.unavailable('began an upload and did not say where')
  return new URL(location, upload.url)
}

/** With the token of the request that began it: a body that is a stream cannot be sent again with another. */
async function finishUpload(
  target: Repository,
  upload: Response,
  digest: Digest,
  body: Uint8Array | ReadableStream<Uint8Array>,
  bytes: number,
  scope = push(target.name),
): Promise<void> {
  await upload.body?.cancel()
  const url = uploadLocation(target, upload)
  url.searchParams.set('digest', digest)
  const response = await target.client.send({
    method: 'PUT',
    path: url.href,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes) },
    body,
    expect: [201, 204],
    scope,
  })
  await response.body?.cancel()
}

async function readBody(client: RegistryClient, response: Response, limitBytes: number): Promise<{ readonly content: Buffer; readonly complete: boolean }> {
  try {
    return await readLimited(response, limitBytes)
  } catch (cause) {
    throw client.unavailable('broke off its answer', cause)
  }
}

/** The tags of one page; none where it is no list of them. */
function tagsIn(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text)
    const tags: unknown = typeof value === 'object' && value !== null && 'tags' in value ? value.tags : undefined
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []
  } catch {
    return []
  }
}

/** The path of the next page, as `Link: </v2/…>; rel="next"` tells it (RFC 8288), on the same registry only. */
function nextPage(response: Response): string | undefined {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get('link') ?? '')?.[1]
  const url = target !== undefined && URL.canParse(target, response.url) ? new URL(target, response.url) : undefined
  return url?.origin === new URL(response.url).origin ? `${url.pathname}${url.search}` : undefined
}

function verify(found: Digest, digest: Digest, where: string): void {
  if (found !== digest) throw new Failure('digest-mismatch', `${where} answered ${found} when asked for ${digest}`)
}

function pull(name: string): string {
  return `repository:${name}:pull`
}

function push(name: string): string {
  return `repository:${name}:pull,push`
}

/** The referrers tag schema of OCI distribution-spec 1.1. */
function referrersTag(subject: Digest): string {
  return subject.replace(':', '-')
}
