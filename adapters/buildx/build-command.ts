import type { BuildRequest } from '../../pipeline/ports/image-builder.ts'
import type { Command } from '../process/run.ts'
import { cacheReference, type LayerCache } from './layer-cache.ts'

export interface BuildkitCommandOptions {
  /** Name of the buildx builder. */
  readonly builder: string
  /** Where buildx writes the image's digest. */
  readonly metadataFile: string
  /** Undefined: the builder's own cache is enough. */
  readonly layerCache: LayerCache | undefined
}

/**
 * One platform's build by BuildKit: an OCI image, pushed by digest alone. Attestations are off, because they would turn the image into an index,
 * whose digests would change with every build; publish makes its own.
 */
export function buildkitCommand(request: BuildRequest, { builder, metadataFile, layerCache }: BuildkitCommandOptions): Command {
  return {
    command: 'docker',
    args: [
      'buildx',
      'build',
      '--builder',
      builder,
      ...commonArguments(request),
      `--output=type=image,name=${request.repository},push=true,push-by-digest=true,name-canonical=true,oci-mediatypes=true`,
      '--provenance=false',
      '--sbom=false',
      ...cacheArguments(layerCache, request.platform),
      `--metadata-file=${metadataFile}`,
      '--',
      request.context,
    ],
  }
}

function cacheArguments(layerCache: LayerCache | undefined, platform: string): string[] {
  const [from, to] = [layerCache?.from ?? [], layerCache?.to]
  return [
    ...from.map((place) => `--cache-from=type=registry,ref=${cacheReference(place, platform)}`),
    ...(to ? [`--cache-to=type=registry,ref=${cacheReference(to, platform)},mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true`] : []),
  ]
}

/** One platform's build by the engine's own builder, into the engine, under a tag. */
export function engineCommand(request: BuildRequest, tag: string): Command {
  return { command: 'docker', args: ['buildx', 'build', '--builder', 'default', ...commonArguments(request), '--load', `--tag=${tag}`, '--', request.context] }
}

function commonArguments({ context, dockerfile, platform, buildArgs, labels }: BuildRequest): string[] {
  return [
    `--platform=${platform}`,
    '--progress=rawjson',
    `--file=${context}/${dockerfile}`,
    ...Object.entries(buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...Object.entries(labels).map(([name, value]) => `--label=${name}=${value}`),
  ]
}
