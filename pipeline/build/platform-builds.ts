import type { Digest } from '../digest.ts'
import { Failure } from '../failure.ts'
import type { BuildRequest, BuildResult, ImageBuilder } from '../ports/image-builder.ts'
import type { Progress } from '../ports/progress.ts'
import type { Problem } from '../problem.ts'
import type { StageContext } from '../stage.ts'

/** What became of one platform's build. */
export interface PlatformBuild {
  readonly platform: string
  readonly result: BuildResult
  readonly seconds: number
  /** The end of its log. */
  readonly log: string
}

export type PlatformRequest = Omit<BuildRequest, 'platform'>

/** Builds beside each other: more would only compete for the same cores. */
const PARALLEL = 4
const LOG_CHARACTERS = 2 ** 20

/**
 * Builds for every platform, in parallel, and waits for all: one that is refused leaves the others' results.
 * A failure ends the others and is thrown, once all have ended.
 */
export async function buildPlatforms(
  { clock, progress, signal }: Pick<StageContext, 'clock' | 'progress' | 'signal'>,
  builder: ImageBuilder,
  platforms: readonly string[],
  request: PlatformRequest,
): Promise<readonly PlatformBuild[]> {
  const missing = platforms.filter((platform) => !builder.platforms.includes(platform))
  if (missing.length > 0) {
    throw new Failure('builder-unavailable', `the builder cannot build for ${missing.join(', ')}, only for ${builder.platforms.join(', ')}`, {
      suggestion: 'install qemu-user-static, which emulates other architectures, or choose with --platform',
    })
  }
  const others = new AbortController()
  const either = AbortSignal.any([signal, others.signal])
  const builds: PlatformBuild[] = []
  const failures: unknown[] = []
  const queue = [...platforms]
  const work = async (): Promise<void> => {
    for (let platform = queue.shift(); platform !== undefined; platform = queue.shift()) {
      const started = clock.monotonicMs()
      const { listener, log } = recordLog(platform, progress)
      try {
        const result = await builder.build({ ...request, platform }, listener, either)
        builds.push({ platform, result, seconds: Math.round(clock.monotonicMs() - started) / 1000, log: log() })
      } catch (failure) {
        failures.push(failure)
        queue.length = 0
        others.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL, platforms.length) }, work))
  // The first is the cause; the others were ended because of it.
  if (failures.length > 0) throw failures[0]
  return builds.toSorted((a, b) => platforms.indexOf(a.platform) - platforms.indexOf(b.platform))
}

/** The problems of refused builds, placed in the repository; the same on several platforms is one problem that names them all. */
export function platformProblems(builds: readonly PlatformBuild[], pathOf: (dockerfile: string) => string): readonly Problem[] {
  const groups = new Map<string, { readonly problem: Problem; readonly platforms: string[] }>()
  for (const { platform, result } of builds) {
    if (result.kind !== 'refused') continue
    const { code, message, place } = result.problem
    const group = groups.get(JSON.stringify([code, message, place?.line])) ?? { problem: result.problem, platforms: [] }
    group.platforms.push(platform)
    groups.set(JSON.stringify([code, message, place?.line]), group)
  }
  return [...groups.values()].map(({ problem, platforms }) => ({
    ...problem,
    message:
      builds.length === 1 || platforms.every((platform) => problem.message.includes(platform))
        ? problem.message
        : `${problem.message} on ${platforms.length === builds.length ? 'every platform' : platforms.join(', ')}`,
    ...(problem.place && { place: { ...problem.place, file: pathOf(problem.place.file) } }),
  }))
}

/** Digest of a build that succeeded. */
export function builtDigest({ result }: PlatformBuild): Digest | undefined {
  return result.kind === 'built' ? result.digest : undefined
}

/** Steps and output go on to the person with the platform before them, and are kept. */
function recordLog(platform: string, progress: Progress): { readonly listener: Progress; log(): string } {
  let text = ''
  const keep = (line: string): void => {
    text = `${text}${line}\n`
    // Cut seldom, since each cut copies the whole.
    if (text.length > 2 * LOG_CHARACTERS) text = text.slice(-LOG_CHARACTERS)
  }
  return {
    listener: {
      step(line) {
        keep(`== ${line}`)
        progress.step(`${platform}: ${line}`)
      },
      output(line) {
        keep(line)
        progress.output(`[${platform}] ${line}`)
      },
    },
    log: () => text.slice(-LOG_CHARACTERS),
  }
}
