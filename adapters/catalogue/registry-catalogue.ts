import semver from 'semver'
import { v7 as uuidv7 } from 'uuid'
import { readOciDocument, type OciDocument } from '../../pipeline/build/oci-documents.ts'
import { asDigest, digestOf, type Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { Catalogue, Publication, PublicationRequest, ReleaseSummary } from '../../pipeline/ports/catalogue.ts'
import type { Descriptor, ManifestAnswer, Registry } from '../../pipeline/ports/registry.ts'
import { ARTIFACT_TYPES } from '../../pipeline/publish/attachments.ts'
import { bundleDocument, sameBundle } from '../../pipeline/publish/bundle.ts'
import type { Bundle } from '../../schemas/generated/types.ts'
import { validateBundle, validateReleaseSummary } from '../../schemas/generated/validators.js'

export interface RegistryCatalogueOptions {
  readonly registry: Registry
  /** Registry host and repository that hold the published images of a plugin, `namespace/name`. */
  readonly repositoryOf: (name: string) => string
}

/** A catalogue that also knows what came before a release. */
export interface RegistryCatalogue extends Catalogue {
  /** The newest release of `namespace/name` that is older than a version, by Semantic Versioning. */
  releaseBefore(name: string, version: string): Promise<ReleaseSummary | undefined>
}

/** Artifact types of what the catalogue adds to an index, beside what is attached to every published one. */
export const CATALOGUE_ARTIFACTS = {
  /** The bundle document, with its id and time as annotations: what a row is in a database. */
  entry: 'application/vnd.sage.ecr.entry.v1+json',
  /** `schemas/release-summary.schema.json`. */
  release: 'application/vnd.sage.ecr.release.v1+json',
} as const

const ID_ANNOTATION = 'org.sagecontinuum.ecr.id'
const TITLE_ANNOTATION = 'org.opencontainers.image.title'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const DOCUMENT_BYTES = 16 * 2 ** 20
/** Tags that are asked for a release, newest first: the first is one, unless somebody tags images by hand. */
const TAGS_ASKED = 10
const READ_AT_ONCE = 8

interface Place {
  readonly registry: Registry
  /** Registry host and repository. */
  readonly repository: string
}

interface Artifact {
  readonly artifactType: string | undefined
  readonly layer: Descriptor
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * The Edge Code Repository's rows without a database: every bundle is an artifact on its image index, a release has its summary there, too, and the tag of
 * its version is the name. The tag is claimed last, so that whoever was killed has claimed nothing; what a run finds done it leaves as it is.
 *
 * A registry has no compare-and-set for tags. Within one process two that come for one name wait for each other; the tag is read back; but of two processes
 * that claim a free name in the same second, both may believe that they have it, and the later one has. The lock is the caller's: a workflow publishes
 * in a concurrency group of the plugin.
 *
 * What the registry refuses to show counts as not there, as some answer like that for what does not exist (GHCR). Fails with `registry-unavailable`,
 * `registry-refused`, `storage-full`, and `storage-corrupt` where the document of a release is gone. `bundle` looks where this catalogue has been asked
 * to look before.
 */
export function registryCatalogue({ registry, repositoryOf }: RegistryCatalogueOptions): RegistryCatalogue {
  const known = new Set<string>()
  const turns = new Map<string, Promise<unknown>>()
  const open = (name: string): Place => {
    const repository = repositoryOf(name)
    known.add(repository)
    return { registry, repository }
  }
  return {
    async publish(request) {
      const place = open(request.bundle.name)
      const turn = (turns.get(place.repository) ?? Promise.resolve()).then(() => publish(place, request))
      turns.set(
        place.repository,
        turn.catch(() => undefined),
      )
      return turn
    },
    newestRelease: async (name) => unlessRefused(newestRelease(open(name), name)),
    releaseBefore: async (name, version) => unlessRefused(newestRelease(open(name), name, (tag) => newestFirst(tag, version) > 0)),
    async bundle(digest) {
      for (const repository of known) {
        const bundle = await unlessRefused(readBundle({ registry, repository }, digest))
        if (bundle !== undefined) return bundle
      }
      return undefined
    },
  }
}

async function publish(place: Place, { bundle, release, summary, now }: PublicationRequest): Promise<Publication> {
  const { registry, repository } = place
  const index = await registry.manifest(`${repository}@${bundle.index}`)
  if (index === undefined) throw new Failure('registry-refused', `${repository} has no image index ${bundle.index} to publish`)
  if (release) {
    const taken = await compareWithNamed(place, bundle)
    if (taken !== undefined) return taken
  }
  const document = bundleDocument(bundle)
  const digest = digestOf(document)
  const { id, isNew } = await ensureEntry(place, index, document, now)
  if (!release) return { kind: isNew ? 'published' : 'unchanged', id, digest }
  await ensureSummary(place, index, { ...summary, digest, published: now })
  await registry.putManifest(repository, index.content.toString('utf8'), index.mediaType, bundle.version)
  const named = await findNamed(place, bundle)
  // Somebody else was at it in the same moment, and is the one who is found.
  if (named?.digest !== digest) return (await compareWithNamed(place, bundle)) ?? nameTaken(named?.digest ?? index.digest, digest)
  return { kind: 'published', id, digest }
}

/** What publishing comes to where the name is taken; undefined where it is free. */
async function compareWithNamed(place: Place, offered: Bundle): Promise<Publication | undefined> {
  const named = await findNamed(place, offered)
  if (named === undefined) return undefined
  const digest = digestOf(bundleDocument(offered))
  // A tag that is no release of ours is a claim, too; on the offered index itself it is the rest of a publication that was cut off.
  if (named.digest === undefined) return named.index === offered.index ? undefined : nameTaken(named.index, digest)
  const existing = await readBundle(place, named.digest)
  if (existing === undefined) {
    throw new Failure('storage-corrupt', `${place.repository} has lost the bundle ${named.digest}, which is released as ${offered.version}`, {
      suggestion: 'Publish under another version; the registry may have a backup.',
    })
  }
  if (!sameBundle(existing, offered)) return nameTaken(named.digest, digest)
  const index = await place.registry.manifest(`${place.repository}@${named.index}`)
  if (index === undefined) throw new Failure('registry-refused', `${place.repository} does not give back the index ${named.index} that it has tagged`)
  const { id } = await ensureEntry(place, index, bundleDocument(existing), named.published ?? '')
  return { kind: 'unchanged', id, digest: named.digest }
}

function nameTaken(existing: Digest, offered: Digest): Publication {
  return { kind: 'name-taken', existing, offered }
}

/** The index that the tag of a version names, and the release there, when there is one. */
async function findNamed(
  place: Place,
  { name, version }: Pick<Bundle, 'name' | 'version'>,
): Promise<{ readonly index: Digest; readonly digest?: Digest; readonly published?: string } | undefined> {
  const tagged = await place.registry.manifest(`${place.repository}:${version}`)
  if (tagged === undefined) return undefined
  const release = await findRelease(place, tagged.digest, name, version)
  return { index: tagged.digest, ...(release && { digest: release.digest, published: release.published }) }
}

/** The release of a version on an index: the newest summary, as the one of a run that was killed before it claimed the name may lie there, too. */
async function findRelease(place: Place, index: Digest, name: string, version: string): Promise<ReleaseSummary | undefined> {
  const artifacts = (await listArtifacts(place, index)).filter(
    ({ artifactType, annotations }) => artifactType === CATALOGUE_ARTIFACTS.release && annotations[TITLE_ANNOTATION] === `${name}:${version}`,
  )
  const summaries = await Promise.all(artifacts.map(async ({ layer }) => readSummary(place, layer)))
  return summaries
    .filter((summary) => summary !== undefined)
    .filter((summary) => summary.name === name && summary.version === version && summary.index === index)
    .toSorted((a, b) => compare(b.published, a.published) || compare(b.digest, a.digest))[0]
}

async function newestRelease(place: Place, name: string, counts: (tag: string) => boolean = () => true): Promise<ReleaseSummary | undefined> {
  const tags = (await place.registry.tags(place.repository)).filter((tag) => !/^sha256-[0-9a-f]{64}/.test(tag) && counts(tag))
  for (const tag of tags.toSorted(newestFirst).slice(0, TAGS_ASKED)) {
    const tagged = await place.registry.manifest(`${place.repository}:${tag}`)
    const release = tagged && (await findRelease(place, tagged.digest, name, tag))
    if (release !== undefined) return release
  }
  return undefined
}

/** By Semantic Versioning; what is no version of it comes last, `1.10` before `1.9`. */
function newestFirst(one: string, other: string): number {
  const [a, b] = [semver.valid(one), semver.valid(other)]
  if (a !== null && b !== null) return semver.rcompare(a, b)
  if (a === null && b === null) return other.localeCompare(one, 'en', { numeric: true })
  return a === null ? 1 : -1
}

/** The id of a bundle on its index, and whether it was given just now. */
async function ensureEntry(
  place: Place,
  index: ManifestAnswer,
  document: string,
  published: string,
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const digest = digestOf(document)
  const ids = (await listArtifacts(place, index.digest)).flatMap(({ artifactType, layer, annotations }) => {
    const id = annotations[ID_ANNOTATION]
    return artifactType === CATALOGUE_ARTIFACTS.entry && layer.digest === digest && id !== undefined && UUID.test(id) ? [id] : []
  })
  // Two that came at once left two: a version 7 begins with its time, so the first is the older one.
  const [oldest] = ids.toSorted(compare)
  if (oldest !== undefined) return { id: oldest, isNew: false }
  const id = uuidv7()
  const annotations = { [ID_ANNOTATION]: id, 'org.opencontainers.image.created': published }
  await place.registry.attach(place.repository, descriptorOf(index), CATALOGUE_ARTIFACTS.entry, ARTIFACT_TYPES.bundle, Buffer.from(document), annotations)
  return { id, isNew: true }
}

async function ensureSummary(place: Place, index: ManifestAnswer, release: ReleaseSummary): Promise<void> {
  const present = await findRelease(place, index.digest, release.name, release.version)
  if (present?.digest === release.digest) return
  const annotations = { [TITLE_ANNOTATION]: `${release.name}:${release.version}` }
  const { registry, repository } = place
  await registry.attach(
    repository,
    descriptorOf(index),
    CATALOGUE_ARTIFACTS.release,
    CATALOGUE_ARTIFACTS.release,
    Buffer.from(JSON.stringify(release)),
    annotations,
  )
}

function descriptorOf({ mediaType, digest, content }: ManifestAnswer): Descriptor {
  return { mediaType, digest, size: content.length }
}

/** What refers to an index, as the artifacts themselves say it: GHCR's list of referrers reports wrong artifact types. */
async function listArtifacts({ registry, repository }: Place, index: Digest): Promise<readonly Artifact[]> {
  const referrers = await registry.referrers(repository, index)
  const artifacts: Artifact[] = []
  for (let first = 0; first < referrers.length; first += READ_AT_ONCE) {
    const answers = await Promise.all(referrers.slice(first, first + READ_AT_ONCE).map(async ({ digest }) => registry.manifest(`${repository}@${digest}`)))
    artifacts.push(...answers.flatMap((answer) => readArtifact(answer && readOciDocument(answer.content.toString('utf8')))))
  }
  return artifacts
}

function readArtifact(document: OciDocument | undefined): readonly Artifact[] {
  const [layer] = document?.layers ?? []
  return document === undefined || layer === undefined ? [] : [{ artifactType: document.artifactType, layer, annotations: document.annotations ?? {} }]
}

async function readSummary({ registry, repository }: Place, { digest }: Descriptor): Promise<ReleaseSummary | undefined> {
  const value = parse(await registry.blob(repository, digest, DOCUMENT_BYTES))
  return validateReleaseSummary(value) ? { ...value, digest: asDigest(value.digest), index: asDigest(value.index) } : undefined
}

async function readBundle({ registry, repository }: Place, digest: Digest): Promise<Bundle | undefined> {
  const value = parse(await registry.blob(repository, digest, DOCUMENT_BYTES))
  return validateBundle(value) ? value : undefined
}

function parse(content: Buffer | undefined): unknown {
  try {
    return content && JSON.parse(content.toString('utf8'))
  } catch {
    return undefined
  }
}

async function unlessRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Failure && error.code === 'registry-refused') return undefined
    throw error
  }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
