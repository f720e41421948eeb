import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { isDigest } from '../../pipeline/digest.ts'
import type { Digest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { BuildRequest, BuildResult, ImageBuilder } from '../../pipeline/ports/image-builder.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import type { Registry } from '../../pipeline/ports/registry.ts'
import { makeWorkFolder } from '../machine/work-folders.ts'
import { run } from '../process/run.ts'
import { buildkitCommand } from './build-command.ts'
import { diagnoseBuild } from './build-diagnosis.ts'
import { BuildLog, reportedSteps } from './build-log.ts'
import { isEmulated } from './emulation.ts'
import type { LayerCache } from './layer-cache.ts'
import { imageBytes } from './image-size.ts'
import { explainPushFailure } from './push-failure.ts'

export interface BuildkitBuilderOptions {
  readonly kind: 'buildkit-remote' | 'buildkit-container'
  /** Name of the buildx builder. */
  readonly builder: string
  /** Platforms that it can build for. */
  readonly platforms: readonly string[]
  readonly registry: Registry
  /** Parent of the folder in which buildx tells the digest; the system's temporary folder without it. */
  readonly workParent?: string
  /** Where the builder's own cache does not outlive it. */
  readonly layerCache?: LayerCache | undefined
  /** For docker: where it finds credentials, say. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** Builds by `docker buildx` on a BuildKit of its own. */
export class BuildkitBuilder implements ImageBuilder {
  readonly kind: 'buildkit-remote' | 'buildkit-container'
  readonly platforms: readonly string[]
  readonly #options: BuildkitBuilderOptions

  constructor(options: BuildkitBuilderOptions) {
    this.kind = options.kind
    this.platforms = options.platforms
    this.#options = options
  }

  async build(request: BuildRequest, progress: Progress, signal: AbortSignal): Promise<BuildResult> {
    const { builder, registry, layerCache, env, workParent = tmpdir() } = this.#options
    const emulated = isEmulated(request.platform)
    await using folder = await makeWorkFolder(workParent, 'buildx')
    const metadataFile = join(folder.path, 'metadata.json')
    const log = new BuildLog(progress)
    const { exitCode } = await run(buildkitCommand(request, { builder, metadataFile, layerCache }), {
      signal,
      ...(env && { env }),
      // The name of its own folder goes into a header, which takes no name that a person may give a folder.
      cwd: request.context,
      onLine: (line, stream) => stream === 'stderr' && log.line(line),
    })
    const logged = log.steps.filter(({ name }) => !isCacheStep(name))
    const steps = reportedSteps(logged)
    if (exitCode === 0) {
      const digest = await readDigest(metadataFile)
      return { kind: 'built', digest, bytes: await imageBytes(registry, request.repository, digest), steps, emulated }
    }
    const diagnosis = diagnoseBuild({
      steps: logged,
      trailer: log.trailer,
      dockerfile: request.dockerfile,
      dockerfileText: await readFile(join(request.context, request.dockerfile), 'utf8'),
      platform: request.platform,
      unavailable: 'builder-unavailable',
    })
    if (diagnosis instanceof Failure) throw await explainPushFailure(diagnosis, registry, request.repository)
    return { kind: 'refused', problem: diagnosis, steps, emulated }
  }
}

/** Work of BuildKit's on a cache in a registry: one that is not there yet is an error of its own, by which no build fails. */
function isCacheStep(name: string): boolean {
  return /^(?:importing cache manifest from|exporting cache to|inferred cache manifest type:) /.test(name)
}

async function readDigest(metadataFile: string): Promise<Digest> {
  const metadata: unknown = JSON.parse(await readFile(metadataFile, 'utf8'))
  const digest = typeof metadata === 'object' && metadata !== null && 'containerimage.digest' in metadata ? metadata['containerimage.digest'] : undefined
  if (typeof digest !== 'string' || !isDigest(digest)) throw new Failure('builder-unavailable', 'docker buildx built the image and did not tell its digest')
  return digest
}
