import type { BuildDetails, Bundle, Model, Subject, TrainDetails } from '../../schemas/generated/types.ts'
import { canonicalJson, digestOf, digestOfJson, type Digest, type Json } from '../digest.ts'
import { nameOf, type Pipeline } from '../pipeline.ts'

export interface BundleParts {
  readonly pipeline: Pipeline
  readonly subject: Subject
  /** With an index: what was tested is what is published. */
  readonly build: BuildDetails & { readonly index: string }
  readonly train: TrainDetails | undefined
  readonly model: Model | null
  readonly sourceArchive: Digest
  /** Of the manifest file's bytes. */
  readonly manifest: Digest
}

/** The bundle document: what one version is made of, without times, so that the same parts have the same digest. */
export function composeBundle({ pipeline, subject, build, train, model, sourceArchive, manifest }: BundleParts): Bundle {
  return {
    schema: 'ecr.bundle/v1',
    name: nameOf(pipeline),
    version: pipeline.manifest.version,
    source: { repository: subject.repository, commit: subject.commit, dirty: subject.dirty, tree: subject.tree, archive: sourceArchive },
    index: build.index,
    platforms: build.platforms
      .flatMap(({ platform, digest }) => (digest === undefined ? [] : [{ platform, digest }]))
      .toSorted((a, b) => compare(a.platform, b.platform)),
    model: model && {
      digest: model.digest,
      files: model.files.map(({ path, digest, bytes }) => ({ path, digest, bytes })).toSorted((a, b) => compare(a.path, b.path)),
    },
    manifest: { path: pipeline.manifest.path, digest: manifest },
    datasets: (train?.datasets ?? []).map(({ name, digest }) => ({ name, digest })).toSorted((a, b) => compare(a.name, b.name)),
    evaluation: train === undefined ? null : digestOf(evaluationDocument(train)),
  }
}

/** The bundle document's one byte sequence (RFC 8785). */
export function bundleDocument(bundle: Bundle): string {
  return canonicalJson(asJson(bundle))
}

/** A bundle's identity: SHA-256 of its document. */
export function bundleDigest(bundle: Bundle): Digest {
  return digestOf(bundleDocument(bundle))
}

/** Canonical JSON of what evaluation measured; its digest stands in the bundle document. */
export function evaluationDocument({ metrics, slices }: Pick<TrainDetails, 'metrics' | 'slices'>): string {
  return canonicalJson({ metrics: metrics.map(asJson), slices: slices.map(asJson) })
}

/** Whether two documents are the same bundle: image index, model, manifest and source are. Where the repository lies is not its content. */
export function sameBundle(one: Bundle, other: Bundle): boolean {
  return digestOfJson(identityOf(one)) === digestOfJson(identityOf(other))
}

function identityOf({ index, model, manifest, source }: Bundle): Json {
  const { repository: _, ...content } = source
  return { index, model: model?.digest ?? null, manifest, source: content }
}

/** The same value as `Json`: an interface that a schema describes has no index signature of its own. */
export function asJson(value: unknown): Json {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map(asJson)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, asJson(member)]))
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
