import { Failure } from '../../pipeline/failure.ts'
import type { ImageBuilder } from '../../pipeline/ports/image-builder.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import { run, type RunResult } from '../process/run.ts'
import { BUILDER_NAME } from '../workstation/cache-layout.ts'

/** How docker is called on a runner. */
export interface DockerCalls {
  /** Added to the environment: where docker finds credentials, say. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
}

/** The buildx builder that a job builds with. */
export interface RunnerBuilder {
  readonly kind: ImageBuilder['kind']
  readonly name: string
  /** That it builds for, natively or emulated. */
  readonly platforms: readonly string[]
  /** True: it was made for this run, and goes with it; its own cache, too. */
  readonly isOwn: boolean
}

/** The first with `--progress=rawjson` (docker/buildx, release notes of v0.13.0). */
const BUILDX_NEEDED = [0, 13] as const
const ASK_MS = 30_000
/** Pulling BuildKit's image is the longest part. */
const CREATE_MS = 300_000

/** Name of the builder that a run makes for itself, by which its post step finds it. */
export function ownBuilderName(runId: string): string {
  return `${BUILDER_NAME}-${runId}`
}

/** Fails with `missing-tool` where the docker client has no buildx, or one that is too old. */
export async function requireBuildx(calls: DockerCalls): Promise<void> {
  const needed = `${BUILDX_NEEDED.join('.')} or newer`
  const suggestion = 'put a step `uses: docker/setup-buildx-action` before this one, or install the package docker-buildx-plugin on the runner'
  const { exitCode, stdout } = await docker(['buildx', 'version'], calls)
  if (exitCode !== 0) throw new Failure('missing-tool', `the docker client of this runner has no buildx; ${needed} is needed`, { suggestion })
  // A development build has no version, and is new.
  const [, major, minor] = (/\bv?(\d+)\.(\d+)\.\d+/.exec(stdout) ?? []).map(Number)
  if (major === undefined || minor === undefined || major > BUILDX_NEEDED[0] || (major === 0 && minor === 0) || minor >= BUILDX_NEEDED[1]) return
  throw new Failure('missing-tool', `docker buildx ${major}.${minor} of this runner is too old; ${needed} is needed`, { suggestion })
}

/**
 * The builder that `ctss up` keeps on a self-hosted runner, else one in a container for this run alone, else the engine's own, of which a line tells.
 * Fails with `missing-tool`, `builder-unavailable`, `cancelled`.
 */
export async function openRunnerBuilder(runId: string, progress: Progress, calls: DockerCalls): Promise<RunnerBuilder> {
  await requireBuildx(calls)
  const kept = await inspectBuilder(BUILDER_NAME, calls)
  if (kept !== undefined) return { ...kept, isOwn: false }
  const name = ownBuilderName(runId)
  progress.step('starting BuildKit in a container, for this job')
  const created = await docker(['buildx', 'create', '--name', name, '--driver', 'docker-container', '--driver-opt', 'network=host', '--bootstrap'], {
    ...calls,
    timeoutMs: CREATE_MS,
  }).catch(async (error: unknown) => {
    await removeBuilder(name, calls)
    throw error
  })
  const own = created.exitCode === 0 ? await inspectBuilder(name, calls) : undefined
  if (own !== undefined) return { ...own, isOwn: true }
  for (const line of created.stderr.trim().split('\n').slice(-3)) progress.output(line)
  await removeBuilder(name, calls)
  progress.step("BuildKit is not to be had here; the engine's own builder builds instead, and keeps no layers in the registry")
  const engine = await inspectBuilder('default', calls)
  if (engine !== undefined) return { ...engine, isOwn: false }
  throw new Failure('builder-unavailable', 'this runner has no builder: neither BuildKit in a container nor the engine itself builds images', {
    suggestion: 'see what `docker buildx inspect` says on the runner',
  })
}

/** A builder that runs; undefined when there is none of that name. */
export async function inspectBuilder(name: string, calls: DockerCalls): Promise<Omit<RunnerBuilder, 'isOwn'> | undefined> {
  const { exitCode, stdout } = await docker(['buildx', 'inspect', name], calls)
  return exitCode === 0 ? readInspection(name, stdout) : undefined
}

const KINDS: Readonly<Record<string, RunnerBuilder['kind']>> = { remote: 'buildkit-remote', 'docker-container': 'buildkit-container', docker: 'engine' }

/** Reads `docker buildx inspect`: one builder, its nodes, and what each can build for. */
export function readInspection(name: string, text: string): Omit<RunnerBuilder, 'isOwn'> | undefined {
  const values = (key: string): string[] => [...text.matchAll(new RegExp(`^${key}:[ \\t]*(.*)$`, 'gm'))].map(([, value = '']) => value.trim())
  const kind = KINDS[values('Driver')[0] ?? '']
  if (kind === undefined || !values('Status').includes('running')) return undefined
  // An asterisk marks what was chosen for a node by hand.
  const platforms = values('Platforms').flatMap((line) => line.split(',').map((platform) => platform.trim().replace(/\*$/, '')))
  return { kind, name, platforms: [...new Set(platforms.filter((platform) => platform !== ''))] }
}

/** Removes a builder with its container and cache; that there is none, or no docker, stops no clean-up. */
export async function removeBuilder(name: string, { env }: DockerCalls): Promise<void> {
  // A cancelled run has to clean up all the same.
  await docker(['buildx', 'rm', '--force', name], { env }).catch(() => undefined)
}

/** The names of all builders and of their nodes. */
export async function listBuilders(calls: DockerCalls): Promise<readonly string[]> {
  const { exitCode, stdout } = await docker(['buildx', 'ls', '--format', '{{.Name}}'], calls)
  return exitCode === 0 ? stdout.split('\n').map((name) => name.trim().replace(/\*$/, '')) : []
}

async function docker(args: readonly string[], { env, signal, timeoutMs = ASK_MS }: DockerCalls & { readonly timeoutMs?: number }): Promise<RunResult> {
  return run({ command: 'docker', args }, { timeoutMs, ...(env && { env }), ...(signal && { signal }) })
}
