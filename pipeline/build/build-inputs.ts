import type { Json } from '../digest.ts'
import type { Pipeline } from '../pipeline.ts'
import type { ResolvedBase } from './base-images.ts'
import { join } from './build-context.ts'
import type { BuildContext } from './build-context.ts'
import { keyLabels } from './image-labels.ts'

export interface BuildKeyFacts {
  readonly manifest: Pipeline['manifest']
  readonly platforms: readonly string[]
  readonly context: BuildContext
  readonly bases: readonly ResolvedBase[]
}

/**
 * Everything that can change what a build makes: files that it can read (mode, blob id, path), Dockerfile, build arguments, platforms, model,
 * digests of the base images, labels. Not in it: the commit, files that are not read, times, the builder.
 */
export function buildInputs({ manifest, platforms, context, bases }: BuildKeyFacts): Json {
  const { directory, dockerfile, dockerfileText, files, model } = context
  return {
    directory,
    dockerfile: { path: dockerfile, text: dockerfileText },
    files: files.map(({ mode, blob, path }) => [mode, blob, join(directory, path)]),
    buildArgs: { ...manifest.buildArgs },
    platforms: [...platforms],
    model: model ? { path: model.path, digest: model.model.digest } : null,
    bases: bases.map(({ image, digest }) => [image, digest ?? null]),
    labels: { ...keyLabels(manifest) },
  }
}
