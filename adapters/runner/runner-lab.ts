import type Docker from 'dockerode'

import { Failure } from '../../pipeline/failure.ts'
import type { ImageBuilder } from '../../pipeline/ports/image-builder.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import type { Registry } from '../../pipeline/ports/registry.ts'
import { BuildkitBuilder } from '../buildx/buildkit-builder.ts'
import { EngineBuilder } from '../buildx/engine-builder.ts'
import type { LayerCache } from '../buildx/layer-cache.ts'
import { sweepLeftovers } from '../virtual-waggle/sweep-leftovers.ts'
import { connectRunnerEngine } from './runner-engine.ts'
import { openRunnerBuilder, removeBuilder, type RunnerBuilder } from './runner-builder.ts'

export interface RunnerLabOptions {
  /** `$DOCKER_HOST`; undefined: the default socket. The docker client reads the variable itself. */
  readonly dockerHost: string | undefined
  /** Added to docker's environment (`openDockerConfig`). */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly registry: Registry
  /** Parent of work folders, which the engine sees under the same path. */
  readonly workParent: string
  /** On everything that is created, so that what a killed run left can be swept. */
  readonly runId: string
  /** That are to be built or run; a runner that can do neither is refused before anything begins. */
  readonly platforms?: readonly string[] | undefined
  /** Where layers are kept in the registry; used where the builder goes with the job. */
  readonly layerCache?: LayerCache | undefined
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** What a job builds with: an engine that is there, and the best builder that can be had. Disposing removes the builder that was made. */
export interface RunnerLab extends AsyncDisposable {
  readonly docker: Docker
  readonly builder: ImageBuilder
}

/**
 * Opens what a runner offers. Nothing is installed, and no daemon is started: what is missing is a failure that says what to put into the workflow.
 * Fails with `engine-unavailable`, `missing-tool`, `builder-unavailable`, `cancelled`.
 */
export async function openRunnerLab(options: RunnerLabOptions): Promise<RunnerLab> {
  const { env, progress, runId, signal, workParent } = options
  const docker = await connectRunnerEngine(options.dockerHost)
  await sweepLeftovers({ docker, workParent })
  const chosen = await openRunnerBuilder(runId, progress, { env, signal })
  const dispose = async (): Promise<void> => {
    if (chosen.isOwn) await removeBuilder(chosen.name, { env })
  }
  try {
    requirePlatforms(chosen, options.platforms ?? [])
  } catch (failure) {
    await dispose()
    throw failure
  }
  return {
    docker,
    builder: makeBuilder(chosen, options),
    [Symbol.asyncDispose]: dispose,
  }
}

/** Fails with `builder-unavailable` where a platform can neither be built natively nor emulated, and says which action helps. */
function requirePlatforms(builder: RunnerBuilder, platforms: readonly string[]): void {
  const missing = platforms.filter((platform) => !builder.platforms.includes(platform))
  if (missing.length === 0) return
  throw new Failure('builder-unavailable', `this runner can neither run nor emulate ${missing.join(', ')}, only ${builder.platforms.join(', ')}`, {
    suggestion:
      'put a step `uses: docker/setup-qemu-action` before this one, which makes it emulate, or run the job on a runner of that architecture, such as ubuntu-24.04-arm',
  })
}

function makeBuilder({ kind, name, platforms, isOwn }: RunnerBuilder, { registry, workParent, env, layerCache }: RunnerLabOptions): ImageBuilder {
  if (kind === 'engine') return new EngineBuilder({ platforms, registry, env })
  // A builder that stays keeps its layers itself, faster than any registry.
  return new BuildkitBuilder({ kind, builder: name, platforms, registry, workParent, env, ...(isOwn && { layerCache }) })
}
