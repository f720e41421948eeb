import { access, constants, mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { Failure } from '../../pipeline/failure.ts'
import type { FailureCode } from '../../pipeline/failure.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import { run } from '../process/run.ts'
import type { RunOptions, RunResult } from '../process/run.ts'
import { cacheLayout } from './cache-layout.ts'
import type { CacheLayout } from './cache-layout.ts'
import { readWorkstationEnvironment } from './environment.ts'
import type { WorkstationEnvironment } from './environment.ts'

/** The machine that is being looked at or set up, and whom to tell. */
export interface Machine {
  readonly environment: WorkstationEnvironment
  readonly layout: CacheLayout
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** This machine, as its environment describes it. */
export function thisMachine(progress: Progress, signal: AbortSignal): Machine {
  const environment = readWorkstationEnvironment()
  return { environment, layout: cacheLayout(environment.cacheFolder), progress, signal }
}

/** Full path of a program, looked for as a shell would. */
export async function findProgram(machine: Machine, name: string): Promise<string | undefined> {
  for (const folder of machine.environment.path.split(':')) {
    const path = join(folder, name)
    if (await isExecutable(path)) return path
  }
  return undefined
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** Runs a program as a question: whatever goes wrong, the answer is undefined. */
export async function ask(machine: Machine, command: string, args: readonly string[], options: RunOptions = {}): Promise<string | undefined> {
  try {
    const { exitCode, stdout } = await run({ command, args }, { timeoutMs: 10_000, ...options, signal: machine.signal, env: machineEnv(machine, options.env) })
    return exitCode === 0 ? stdout : undefined
  } catch (error) {
    if (machine.signal.aborted) throw error
    return undefined
  }
}

/** Runs a program that must succeed; otherwise fails with `code`, the command line and the end of what it wrote, of which nobody hears where all goes well. */
export async function act(
  machine: Machine,
  code: FailureCode,
  command: string,
  args: readonly string[],
  options: RunOptions & { readonly suggestion?: string } = {},
): Promise<RunResult> {
  const { suggestion, ...rest } = options
  const result = await run({ command, args }, { ...rest, signal: machine.signal, env: machineEnv(machine, options.env) })
  if (result.exitCode === 0) return result
  const end = lastLines(`${result.stdout}\n${result.stderr}`)
  throw new Failure(
    code,
    `\`${[command, ...args].join(' ').slice(0, 300)}\` ended with ${result.exitCode ?? result.exitSignal}${end && `:\n${end}`}`,
    suggestion === undefined ? {} : { suggestion },
  )
}

function machineEnv({ environment }: Machine, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return { PATH: environment.path, DOCKER_HOST: environment.dockerHost, ...more }
}

/** The last lines of a program's output, for a message. */
export function lastLines(text: string, count = 12): string {
  return text.trim().split('\n').slice(-count).join('\n')
}

/** Does one step of setting up, says so before it, and how long it took after. */
export async function timed<T>(machine: Machine, title: string, step: () => Promise<T>): Promise<T> {
  machine.progress.step(title)
  const start = performance.now()
  const result = await step()
  machine.progress.step(`${title}: done in ${formatSeconds((performance.now() - start) / 1000)}`)
  return result
}

function formatSeconds(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}

/** Writes a file whole or not at all. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const part = `${path}.${process.pid}.part`
  await writeFile(part, content)
  await rename(part, path)
}

/** Asks again and again until the answer is true; false when the time is over. */
export async function eventually(machine: Machine, limitMs: number, answer: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + limitMs
  while (performance.now() < end) {
    if (machine.signal.aborted) throw new Failure('cancelled', 'setting up was cancelled')
    if (await answer()) return true
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return false
}

/** Does several things at once. The first failure cancels the others, and is thrown when all have ended. */
export async function together(machine: Machine, start: (linked: Machine) => readonly Promise<unknown>[]): Promise<void> {
  const stop = new AbortController()
  const failures: unknown[] = []
  const guarded = start({ ...machine, signal: AbortSignal.any([machine.signal, stop.signal]) }).map((promise) =>
    promise.catch((error: unknown) => {
      failures.push(error)
      stop.abort()
    }),
  )
  await Promise.all(guarded)
  if (failures.length) throw failures[0]
}
