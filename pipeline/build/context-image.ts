import type { BuildStep } from '../../schemas/generated/types.ts'
import type { Digest } from '../digest.ts'
import type { ImageBuilder } from '../ports/image-builder.ts'
import type { Problem } from '../problem.ts'
import type { StageContext } from '../stage.ts'
import { readBuildContext, writeBuildContext } from './build-context.ts'
import { buildPlatforms, platformProblems } from './platform-builds.ts'

export interface ContextImageRequest {
  /** Build context inside the repository; `.` is the root. */
  readonly directory: string
  /** Relative to the directory. */
  readonly dockerfile: string
  /** The file that names the Dockerfile, for problems' places. */
  readonly declaredIn: string
  readonly buildArgs: Readonly<Record<string, string>>
  readonly platform: string
  /** Registry host and repository that take the image by digest. */
  readonly repository: string
  readonly builder: ImageBuilder
  /** A folder that the context is written to; it need not exist, and is empty if it does. */
  readonly folder: string
}

export type ContextImage =
  | { readonly kind: 'ready'; readonly reference: string; readonly digest: Digest; readonly steps: readonly BuildStep[] }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

/** Builds one folder of the repository for one platform, as the training image is. Fails as the builder does. */
export async function buildContextImage(
  context: Pick<StageContext, 'tree' | 'blobs' | 'clock' | 'progress' | 'signal'>,
  request: ContextImageRequest,
): Promise<ContextImage> {
  const { directory, dockerfile, declaredIn, buildArgs, platform, repository, builder, folder } = request
  const reading = await readBuildContext(context.tree, { directory, dockerfile, declaredIn })
  if (reading.kind === 'refused') return reading
  const written = await writeBuildContext(context, reading.context, folder)
  const builds = await buildPlatforms(context, builder, [platform], { ...written, buildArgs, labels: {}, repository })
  const result = builds[0]?.result
  if (result?.kind !== 'built') return { kind: 'refused', problems: platformProblems(builds, () => reading.context.dockerfile) }
  return { kind: 'ready', reference: `${repository}@${result.digest}`, digest: result.digest, steps: result.steps }
}
