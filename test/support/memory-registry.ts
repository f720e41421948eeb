import { MEDIA_TYPES, readOciDocument } from '../../pipeline/build/oci-documents.ts'
import { digestOf, type Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { Descriptor, ManifestAnswer, Registry } from '../../pipeline/ports/registry.ts'

interface Repository {
  readonly manifests: Map<Digest, ManifestAnswer>
  readonly tags: Map<string, Digest>
  readonly blobs: Map<Digest, Buffer>
}

/** An OCI registry in memory, by the rules of the port. */
export function memoryRegistry(): Registry {
  const repositories = new Map<string, Repository>()

  function open(name: string): Repository {
    const repository = repositories.get(name) ?? { manifests: new Map(), tags: new Map(), blobs: new Map() }
    repositories.set(name, repository)
    return repository
  }

  function find(reference: string): ManifestAnswer | undefined {
    const [, name = '', tag, digest] = /^(.*?)(?::([^:/@]+))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(reference) ?? []
    const repository = open(name)
    return repository.manifests.get((digest as Digest | undefined) ?? repository.tags.get(tag ?? 'latest') ?? digestOf(''))
  }

  function put(repository: Repository, content: string, mediaType: string, tag?: string): Digest {
    const digest = digestOf(content)
    const document = readOciDocument(content)
    const missing = [
      ...(document?.manifests ?? []).filter((child) => !repository.manifests.has(child.digest)),
      ...[document?.config, ...(document?.layers ?? [])].filter((blob) => blob && !repository.blobs.has(blob.digest)),
    ]
    if (document === undefined || missing.length > 0)
      throw new Failure('registry-refused', `the registry refuses ${digest}: ${missing.map((part) => part?.digest).join(', ')} missing`)
    repository.manifests.set(digest, { digest, mediaType, content: Buffer.from(content) })
    if (tag !== undefined) repository.tags.set(tag, digest)
    return digest
  }

  function putBlob(repository: Repository, content: Uint8Array): Digest {
    repository.blobs.set(digestOf(content), Buffer.from(content))
    return digestOf(content)
  }

  function copy(source: Repository, digest: Digest, target: Repository): void {
    const answer = source.manifests.get(digest)
    const document = answer && readOciDocument(answer.content.toString('utf8'))
    if (!answer || !document) throw new Failure('registry-refused', `there is no image ${digest}`)
    for (const child of document.manifests) copy(source, child.digest, target)
    for (const blob of document.config ? [document.config, ...document.layers] : []) target.blobs.set(blob.digest, source.blobs.get(blob.digest)!)
    target.manifests.set(digest, answer)
  }

  function referrers(repository: Repository, subject: Digest): readonly Descriptor[] {
    return [...repository.manifests.values()].flatMap(({ digest, mediaType, content }) => {
      const document = readOciDocument(content.toString('utf8'))
      if (document?.subject?.digest !== subject) return []
      return [
        {
          mediaType,
          digest,
          size: content.length,
          ...(document.artifactType !== undefined && { artifactType: document.artifactType }),
          ...(document.annotations && { annotations: document.annotations }),
        },
      ]
    })
  }

  return {
    manifest: async (reference) => find(reference),
    putManifest: async (name, content, mediaType, tag) => put(open(name), content, mediaType, tag),
    tags: async (name) => [...open(name).tags.keys()],
    async blob(name, digest, limitBytes) {
      const content = open(name).blobs.get(digest)
      if (content !== undefined && content.length > limitBytes) throw new Failure('registry-refused', `${digest} is larger than ${limitBytes} bytes`)
      return content
    },
    putBlob: async (name, content) => putBlob(open(name), content),
    promote: async (from, digest, to) => copy(open(from), digest, open(to)),
    referrers: async (name, digest) => referrers(open(name), digest),
    async attach(name, subject, artifactType, mediaType, content, annotations) {
      const repository = open(name)
      const config = Buffer.from('{}')
      return put(
        repository,
        JSON.stringify({
          schemaVersion: 2,
          mediaType: MEDIA_TYPES.manifest,
          artifactType,
          config: { mediaType: MEDIA_TYPES.empty, digest: putBlob(repository, config), size: config.length },
          layers: [{ mediaType, digest: putBlob(repository, content), size: content.length }],
          subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
          ...(annotations && { annotations }),
        }),
        MEDIA_TYPES.manifest,
      )
    },
  }
}
