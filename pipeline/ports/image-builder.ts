import type { Digest } from '../digest.ts'
import type { Problem } from '../problem.ts'
import type { BuildStep } from '../../schemas/generated/types.ts'
import type { Progress } from './progress.ts'

export interface BuildRequest {
  /** A folder on this machine that holds the whole context, `.dockerignore` applied by the builder. */
  readonly context: string
  /** Relative to the context. */
  readonly dockerfile: string
  readonly platform: string
  readonly buildArgs: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** Registry host and repository that take the image by digest, for instance `127.0.0.1:5055/staging/ctss/smoke-detector`. */
  readonly repository: string
}

export type BuildResult =
  | {
      readonly kind: 'built'
      readonly digest: Digest
      /** Compressed. */ readonly bytes: number
      readonly steps: readonly BuildStep[]
      readonly emulated: boolean
    }
  | { readonly kind: 'refused'; readonly problem: Problem; readonly steps: readonly BuildStep[]; readonly emulated: boolean }

/** Builds one image for one platform and pushes it, as an OCI image, by digest. */
export interface ImageBuilder {
  readonly kind: 'buildkit-remote' | 'buildkit-container' | 'engine'
  /** Platforms that this builder can build for, natively or emulated. */
  readonly platforms: readonly string[]
  /**
   * `refused` when the Dockerfile is wrong or one of its steps fails, with the failing step's place and the end of its output;
   * fails with `builder-unavailable`, `engine-unavailable`, `registry-unavailable`, `base-image-unavailable`, `storage-full`, `cancelled`.
   */
  build(request: BuildRequest, progress: Progress, signal: AbortSignal): Promise<BuildResult>
}
