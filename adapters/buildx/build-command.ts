import type { BuildRequest } from '../../pipeline/ports/image-builder.ts'
import type { Command } from '../process/run.ts'

export interface BuildkitCommandOptions {
  /** Name of the buildx builder. */
  readonly builder: string
  /** Where buildx writes the image's digest. */
  readonly metadataFile: string
  /** True: layers are kept in the registry, too, for builders whose own cache does not outlive them. */
  readonly registryCache: boolean
}

/**
 * One platform's build by BuildKit: an OCI image, pushed by digest alone. Attestations are off, because they would turn the image into an index,
 * whose digests would change with every build; publish makes its own.
 */
export function buildkitCommand(request: BuildRequest, { builder, metadataFile, registryCache }: BuildkitCommandOptions): Command {
  const cache = `type=registry,ref=${request.repository}:cache-${request.platform.replaceAll('/', '-')}`
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
      ...(registryCache ? [`--cache-from=${cache}`, `--cache-to=${cache},mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true`] : []),
      `--metadata-file=${metadataFile}`,
      '--',
      request.context,
    ],
  }
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
