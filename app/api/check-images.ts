import { readImageReference } from '../../pipeline/build/image-reference.ts'
import { readOciDocument } from '../../pipeline/build/oci-documents.ts'
import { asDigest } from '../../pipeline/digest.ts'
import type { Registry } from '../../pipeline/ports/registry.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'

/** What the registry says of images that a record names. */
export interface ImagePorts {
  readonly registry: Pick<Registry, 'manifest'>
  /** Host and namespace: nothing else is asked, whatever a record names. */
  readonly namespace: string
}

/**
 * Reads again from the registry what a build or a publication says it has pushed. A text tells what is not so; undefined: everything is there.
 * `staging` of the plan: images in archives are nowhere to be read, and are never published. Fails as the registry does.
 */
export async function checkImages({ stage, outcome, details }: StageRecord, staging: 'registry' | 'archive', ports: ImagePorts): Promise<string | undefined> {
  if (outcome !== 'passed') return undefined
  if (details.kind === 'build' && staging === 'registry') {
    const digests = details.platforms.flatMap(({ digest }) => (digest === undefined ? [] : [digest]))
    return details.index === undefined
      ? checkEach(stage, details.repository, digests, ports)
      : checkIndex(stage, details.repository, details.index, digests, ports)
  }
  if (details.kind !== 'publish') return undefined
  if (staging === 'archive') return `${stage}: this run may publish nothing`
  const [repository = '', digest] = details.reference.split('@')
  return digest === details.index ? checkIndex(stage, repository, details.index, [], ports) : `${stage}: its reference is not its index`
}

async function checkIndex(stage: string, repository: string, index: string, listed: readonly string[], ports: ImagePorts): Promise<string | undefined> {
  const answer = await read(repository, index, ports)
  const manifests = answer && readOciDocument(answer.content.toString('utf8'))?.manifests.map(({ digest }) => digest)
  if (manifests === undefined) return `${stage}: the registry has no such index`
  return listed.every((digest) => manifests.includes(asDigest(digest))) ? undefined : `${stage}: the index does not list its platforms`
}

async function checkEach(stage: string, repository: string, digests: readonly string[], ports: ImagePorts): Promise<string | undefined> {
  for (const digest of digests) if ((await read(repository, digest, ports)) === undefined) return `${stage}: the registry has no such image`
  return undefined
}

/** Only of our own namespace: a record must not make the service ask an address of its choice. */
async function read(repository: string, digest: string, { registry, namespace }: ImagePorts) {
  const reference = `${repository}@${digest}`
  const isOurs = repository.startsWith(`${namespace}/`) && readImageReference(reference)?.digest === digest
  return isOurs ? registry.manifest(reference) : undefined
}
