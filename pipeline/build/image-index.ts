import type { Digest } from '../digest.ts'
import { Failure } from '../failure.ts'
import type { Descriptor, Registry } from '../ports/registry.ts'
import { error } from '../problem.ts'
import type { Place, Problem } from '../problem.ts'
import { isForPlatform, MEDIA_TYPES, platformObject, readImageConfig, readOciDocument } from './oci-documents.ts'
import type { ImageConfig } from './oci-documents.ts'

export interface PlatformImage {
  readonly platform: string
  readonly digest: Digest
}

const CONFIG_BYTES = 4 * 2 ** 20

/** Reads an image back and checks that it is one for its platform; a problem where it is for another (`FROM --platform=` pins one, say). */
export async function verifyImage(
  registry: Registry,
  repository: string,
  { platform, digest }: PlatformImage,
  place: Place,
): Promise<{ readonly descriptor: Descriptor } | { readonly problem: Problem }> {
  const answer = await registry.manifest(`${repository}@${digest}`)
  const config = answer && (await readConfig(registry, repository, answer.content))
  if (!answer || !config) throw new Failure('registry-refused', `${repository} does not give back the image ${digest}, which was just pushed`)
  if (!isForPlatform(config, platform)) {
    const found = [config.os, config.architecture, config.variant].filter(Boolean).join('/')
    return {
      problem: error('image-platform', `the image that was built for ${platform} is one for ${found}`, {
        place,
        suggestion: 'take a --platform out of FROM, and check that the base image is what it says',
      }),
    }
  }
  return { descriptor: { mediaType: answer.mediaType, digest, size: answer.content.length, platform: platformObject(platform) } }
}

/** Joins images to one OCI index, in the given order, and reads it back. The same images and annotations give the same digest. */
export async function joinIndex(
  registry: Registry,
  repository: string,
  images: readonly Descriptor[],
  annotations: Readonly<Record<string, string>>,
): Promise<Digest> {
  const manifests = images.map(({ mediaType, digest, size, platform }) => ({ mediaType, digest, size, platform }))
  return registry.putManifest(repository, JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests, annotations }), MEDIA_TYPES.index)
}

async function readConfig(registry: Registry, repository: string, manifest: Buffer): Promise<ImageConfig | undefined> {
  const config = readOciDocument(manifest.toString('utf8'))?.config
  const content = config && (await registry.blob(repository, config.digest, CONFIG_BYTES))
  return content && readImageConfig(content.toString('utf8'))
}
