import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import { MEDIA_TYPES, readOciDocument } from '../../pipeline/build/oci-documents.ts'
import type { BuildRequest, BuildResult, ImageBuilder } from '../../pipeline/ports/image-builder.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import type { Descriptor, Registry } from '../../pipeline/ports/registry.ts'
import { run, type RunOptions } from '../process/run.ts'
import { engineCommand } from './build-command.ts'
import { diagnoseBuild } from './build-diagnosis.ts'
import { BuildLog, reportedSteps } from './build-log.ts'
import { isEmulated } from './emulation.ts'
import { imageBytes } from './image-size.ts'
import { explainPushFailure } from './push-failure.ts'

export interface EngineBuilderOptions {
  /** Platforms that it can build for. */
  readonly platforms: readonly string[]
  readonly registry: Registry
  /** For docker: where it finds credentials, say. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

const OCI_TYPES: Readonly<Record<string, string>> = {
  [MEDIA_TYPES.dockerManifest]: MEDIA_TYPES.manifest,
  [MEDIA_TYPES.dockerConfig]: MEDIA_TYPES.config,
  [MEDIA_TYPES.dockerLayerGzip]: MEDIA_TYPES.layerGzip,
}

/**
 * Builds with the engine's own builder. Before 23.0 it can neither push by digest nor write OCI images, so the image is pushed under a tag of its own,
 * and a manifest with OCI's names for the same configuration and layers is stored beside it.
 */
export class EngineBuilder implements ImageBuilder {
  readonly kind = 'engine'
  readonly platforms: readonly string[]
  readonly #registry: Registry
  readonly #env: { readonly env?: Readonly<Record<string, string>> }

  constructor({ platforms, registry, env }: EngineBuilderOptions) {
    this.platforms = platforms
    this.#registry = registry
    this.#env = env ? { env } : {}
  }

  async build(request: BuildRequest, progress: Progress, signal: AbortSignal): Promise<BuildResult> {
    const tag = `${request.repository}:build-${randomUUID()}`
    const emulated = isEmulated(request.platform)
    const log = new BuildLog(progress)
    const { exitCode } = await run(engineCommand(request, tag), {
      ...this.#env,
      signal,
      cwd: request.context,
      onLine: (line, stream) => stream === 'stderr' && log.line(line),
    })
    const steps = reportedSteps(log.steps)
    if (exitCode !== 0) {
      const diagnosis = diagnoseBuild({
        steps: log.steps,
        trailer: log.trailer,
        dockerfile: request.dockerfile,
        dockerfileText: await readFile(join(request.context, request.dockerfile), 'utf8'),
        platform: request.platform,
        unavailable: 'engine-unavailable',
      })
      if (diagnosis instanceof Failure) throw diagnosis
      return { kind: 'refused', problem: diagnosis, steps, emulated }
    }
    try {
      await push(this.#registry, request.repository, tag, progress, { ...this.#env, signal })
    } finally {
      await run({ command: 'docker', args: ['image', 'rm', '--no-prune', tag] })
    }
    const digest = await storeAsOci(this.#registry, request.repository, tag)
    return { kind: 'built', digest, bytes: await imageBytes(this.#registry, request.repository, digest), steps, emulated }
  }
}

async function push(registry: Registry, repository: string, tag: string, progress: Progress, options: RunOptions): Promise<void> {
  progress.step('pushing the image')
  const { exitCode, stderr, stdout } = await run({ command: 'docker', args: ['push', '--quiet', tag] }, options)
  if (exitCode === 0) return
  // With no step and no Dockerfile to blame, the diagnosis can only be about the world.
  const diagnosis = diagnoseBuild({
    steps: [],
    trailer: `ERROR: failed to push: ${stderr.trim() || stdout.trim()}`,
    dockerfile: '',
    dockerfileText: '',
    platform: '',
    unavailable: 'engine-unavailable',
  })
  throw diagnosis instanceof Failure ? await explainPushFailure(diagnosis, registry, repository) : new Failure('registry-unavailable', diagnosis.message)
}

/** The same blobs under a manifest of OCI's media types. */
async function storeAsOci(registry: Registry, repository: string, tag: string): Promise<Digest> {
  const answer = await registry.manifest(tag)
  const document = answer && readOciDocument(answer.content.toString('utf8'))
  if (!answer || !document?.config) throw new Failure('registry-refused', `${tag} was pushed, and is not there`)
  if (answer.mediaType === MEDIA_TYPES.manifest) return answer.digest
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.manifest, config: ociDescriptor(document.config), layers: document.layers.map(ociDescriptor) }
  return registry.putManifest(repository, JSON.stringify(manifest), MEDIA_TYPES.manifest)
}

function ociDescriptor({ mediaType, digest, size }: Descriptor): Pick<Descriptor, 'mediaType' | 'digest' | 'size'> {
  return { mediaType: OCI_TYPES[mediaType] ?? mediaType, digest, size }
}
