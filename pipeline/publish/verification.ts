import type { Bundle } from '../../schemas/generated/types.ts'
import { readOciDocument } from '../build/oci-documents.ts'
import { asDigest, type Digest } from '../digest.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { ManifestAnswer, Registry } from '../ports/registry.ts'

export interface VerificationPorts {
  readonly catalogue: Catalogue
  readonly registry: Registry
  readonly blobs: BlobStore
  /** Registry host and repository that hold the published image. */
  readonly repository: string
}

/**
 * Reads a bundle back from everywhere it lies: document, index with every platform, model files, source archive, referrers.
 * Answers a sentence for each fault; none: the bundle is whole. Fails as its ports do.
 */
export async function verifyBundle(digest: Digest, ports: VerificationPorts): Promise<readonly string[]> {
  const bundle = await ports.catalogue.bundle(digest)
  if (bundle === undefined) return [`the catalogue has no bundle ${digest}`]
  return [...(await imageFaults(bundle, ports)), ...(await blobFaults(bundle, ports.blobs)), ...(await referrerFaults(digest, bundle, ports))]
}

async function imageFaults(bundle: Bundle, { registry, repository }: VerificationPorts): Promise<readonly string[]> {
  const index = await registry.manifest(`${repository}@${bundle.index}`)
  if (index === undefined) return [`${repository} has no index ${bundle.index}`]
  const listed = digestsIn(index, 'manifests')
  const faults = await Promise.all(
    bundle.platforms.map(async ({ platform, digest }) => {
      if (!listed.includes(asDigest(digest))) return `the index ${bundle.index} does not list ${digest} for ${platform}`
      return (await registry.manifest(`${repository}@${digest}`)) === undefined ? `${repository} has no image ${digest} for ${platform}` : undefined
    }),
  )
  return faults.filter((fault) => fault !== undefined)
}

async function blobFaults(bundle: Bundle, blobs: BlobStore): Promise<readonly string[]> {
  const wanted = [
    { what: 'the source archive', digest: bundle.source.archive },
    { what: bundle.manifest.path, digest: bundle.manifest.digest },
    ...(bundle.model?.files ?? []).map(({ path, digest }) => ({ what: `the model's ${path}`, digest })),
  ]
  const faults = await Promise.all(
    wanted.map(async ({ what, digest }) => ((await blobs.has(asDigest(digest))) ? undefined : `the blob store has not got ${what} (${digest})`)),
  )
  return faults.filter((fault) => fault !== undefined)
}

/** The bundle document is found from its image, by whoever has only the registry. */
async function referrerFaults(digest: Digest, bundle: Bundle, { registry, repository }: VerificationPorts): Promise<readonly string[]> {
  // Not filtered by artifact type: GHCR's referrers index reports wrong ones.
  const referrers = await registry.referrers(repository, asDigest(bundle.index))
  const layers = await Promise.all(referrers.map(async (referrer) => digestsIn(await registry.manifest(`${repository}@${referrer.digest}`), 'layers')))
  return layers.flat().includes(digest) ? [] : [`no referrer of the index ${bundle.index} holds the bundle document ${digest}`]
}

function digestsIn(answer: ManifestAnswer | undefined, member: 'manifests' | 'layers'): readonly Digest[] {
  const document = answer && readOciDocument(answer.content.toString('utf8'))
  return (document?.[member] ?? []).map(({ digest }) => digest)
}
