import type { Digest } from '../digest.ts'

export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string }
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

export interface ManifestAnswer {
  readonly digest: Digest
  readonly mediaType: string
  readonly content: Buffer
}

/**
 * An OCI distribution registry. References are `host/repository:tag` or `host/repository@sha256:…`.
 * Everything fails with `registry-unavailable`, or `registry-refused` for an answer that a retry does not change; a full disk is `storage-full`.
 */
export interface Registry {
  /** A manifest or index, verified against its digest; undefined when there is none. At most 4 MiB. */
  manifest(reference: string): Promise<ManifestAnswer | undefined>
  /** Stores a manifest or index under its digest, and under a tag where one is given; read back and compared. */
  putManifest(repository: string, content: string, mediaType: string, tag?: string): Promise<Digest>
  /** Every tag of a repository, in no order; none where there is no such repository. */
  tags(repository: string): Promise<readonly string[]>
  /** A blob's bytes, verified; undefined when there is none. */
  blob(repository: string, digest: Digest, limitBytes: number): Promise<Buffer | undefined>
  putBlob(repository: string, content: Uint8Array): Promise<Digest>
  /** Copies an index or manifest with everything below it to another repository of the same registry, by mounting, digests unchanged. */
  promote(from: string, digest: Digest, to: string): Promise<void>
  /** Descriptors of what refers to a manifest, whether the registry has a referrers API or only the tag scheme. */
  referrers(repository: string, digest: Digest): Promise<readonly Descriptor[]>
  /** Attaches bytes as an artifact whose subject is the manifest, and reads it back. The same again changes nothing. */
  attach(
    repository: string,
    subject: Descriptor,
    artifactType: string,
    mediaType: string,
    content: Uint8Array,
    annotations?: Readonly<Record<string, string>>,
  ): Promise<Digest>
}
