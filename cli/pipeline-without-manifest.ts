import { basename } from 'node:path'
import { Failure } from '../pipeline/failure.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { RepositoryTree } from '../pipeline/ports/repository-tree.ts'
import { defaultPipeline } from '../pipeline/validate/complete.ts'

/** What `ctss build` and `ctss test` do with a folder that has only a Dockerfile: build it for this machine, run it without arguments. */
export async function pipelineWithoutManifest(place: string, tree: RepositoryTree, nativePlatform: string): Promise<Pipeline> {
  if ((await tree.entries()).every(({ path }) => path !== 'Dockerfile'))
    throw new Failure('testbed-unavailable', `${place} has neither a manifest nor a Dockerfile.`, {
      suggestion: 'Name the folder of a plugin repository, or write a Dockerfile.',
    })
  return defaultPipeline(basename(place.replace(/\/+$/, '')), [nativePlatform])
}
