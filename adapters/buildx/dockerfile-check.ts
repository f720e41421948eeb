import { Failure } from '../../pipeline/failure.ts'
import type { BuildkitWarning } from '../../pipeline/validate/rules/buildkit-rule.ts'
import { BUILDER_NAME } from '../workstation/cache-layout.ts'
import { run } from '../process/run.ts'
import type { Command, RunOptions, RunResult } from '../process/run.ts'

export interface DockerfileCheck {
  /** A folder with the Dockerfile, and .dockerignore where there is one; nothing else of the context is looked at. */
  readonly context: string
  /** Relative to the context. */
  readonly dockerfile: string
  readonly signal: AbortSignal
}

type Run = (command: Command, options: RunOptions) => Promise<RunResult>

/** Base images are looked up, which may take a while and may not work. */
const TIMEOUT_MS = 60_000

/**
 * What BuildKit's own check says about a Dockerfile: with the builder of this workstation, or else the engine's. Starts nothing.
 * Fails with `builder-unavailable` where neither can check, `missing-tool`, `timed-out`, `cancelled`.
 */
export async function checkDockerfile({ context, dockerfile, signal }: DockerfileCheck, runProgram: Run = run): Promise<readonly BuildkitWarning[]> {
  let reason = ''
  for (const builder of [BUILDER_NAME, 'default']) {
    for (const [flags, env] of WAYS) {
      const args = ['buildx', 'build', `--builder=${builder}`, ...flags, '--progress=quiet', `--file=${context}/${dockerfile}`, '--', context]
      const { exitCode, stdout, stderr } = await runProgram({ command: 'docker', args }, { env, signal, timeoutMs: TIMEOUT_MS })
      // Newer ones end with 1 when they have found something.
      if (exitCode === 0 || FOUND.test(stdout)) return readWarnings(stdout)
      // What cannot be parsed, we say ourselves.
      if (/parse error|unknown instruction/.test(stderr)) return []
      reason = lastLine(stderr) || reason
      if (!/unknown flag/.test(stderr)) break
    }
  }
  throw new Failure('builder-unavailable', `BuildKit cannot check the Dockerfile: ${reason}`, { suggestion: 'Start a builder with `ctss up`.' })
}

/** As buildx has it since 0.15, and before. */
const WAYS: readonly (readonly [flags: readonly string[], env: Readonly<Record<string, string>>])[] = [
  [['--call=check'], {}],
  [['--print=lint'], { BUILDX_EXPERIMENTAL: '1' }],
]

const FOUND = /^WARNING: [A-Z]\w+/m

/** `WARNING: Name - address`, a sentence, `file:line`, an excerpt. Sentences may quote the Dockerfile, so nothing in them is believed. */
export function readWarnings(output: string): readonly BuildkitWarning[] {
  const warnings: BuildkitWarning[] = []
  const lines = output.slice(0, 1_000_000).split('\n')
  for (const [index, line] of lines.entries()) {
    const head = /^WARNING: ([A-Z]\w{0,80})(?: - (https:\/\/docs\.docker\.com\/[\w./-]{1,200}))?$/.exec(line)
    if (head === null) continue
    const at = lines
      .slice(index + 1, index + 4)
      .map((next) => /^\S.*:(\d{1,6})$/.exec(next)?.[1])
      .find((number) => number !== undefined)
    warnings.push({ name: head[1] ?? '', message: (lines[index + 1] ?? '').slice(0, 500), url: head[2], line: at === undefined ? undefined : Number(at) })
  }
  return warnings
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 500) ?? ''
}
