import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { makeRunId, RUN_LABEL } from '../../adapters/engine/run-id.ts'
import type { Finished, Workplace } from './ctss-process.ts'

/** A `ctss` that runs, to be watched and interrupted. */
export interface CtssChild {
  readonly pid: number
  /** Returns when stderr holds this; throws, with all it said, when it ends before. */
  until(text: string): Promise<void>
  kill(signal: NodeJS.Signals): void
  /** Its status is null when a signal ended it. */
  readonly finished: Promise<Omit<Finished, 'status'> & { readonly status: number | null }>
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** A program in front, such as `unshare`. */
  readonly launcher?: readonly string[]
}

/** Starts `ctss` with a folder for temporary files of its own, the workplace. */
export function startCtss(place: Workplace, args: readonly string[], { env = {}, cwd = place.folder, launcher = [] }: StartOptions = {}): CtssChild {
  const [program = '', ...rest] = [...launcher, process.execPath, resolve('bin/ctss.mjs'), ...args]
  const child = spawn(program, rest, { cwd, env: { ...place.environment, TMPDIR: place.folder, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')))
  const finished = once(child, 'close').then(([status]: unknown[]) => ({ status: typeof status === 'number' ? status : null, stdout, stderr }))
  return {
    pid: child.pid ?? 0,
    finished,
    kill: (signal) => void child.kill(signal),
    async until(text) {
      while (!stderr.includes(text)) {
        const next = await Promise.race([once(child.stderr, 'data').then(() => undefined), finished])
        if (next !== undefined && !stderr.includes(text)) throw new Error(`it ended with ${next.status} before it said '${text}':\n${stderr}${stdout}`)
      }
    },
  }
}

/** What processes of ctss have left: containers, networks, volumes and cgroups that bear their number, folders and half-written files below the workplace, and programs that work there. */
export async function tracesOf(place: Workplace, pids: readonly number[]): Promise<readonly string[]> {
  const [machine, boot] = makeRunId().split('-')
  const theirs = new RegExp(`${machine}-${boot}-(?:${pids.join('|')})-`)
  const labelled = [['container', '--all'], ['network'], ['volume']].flatMap(([what = '', ...options]) =>
    list('docker', what, 'ls', ...options, '--format', `${what} {{.Label "${RUN_LABEL}"}}`),
  )
  const cgroups = list('find', '/sys/fs/cgroup', '-path', '*ctss*', '-type', 'd')
  const files = (await readdir(place.folder, { recursive: true })).filter((path) => /^ctss-|ctss\/work\/.|\.tmp$/.test(path))
  const programs = list('ps', '-eo', 'args').filter((line) => line.includes(`${place.folder}/state/`))
  return [...programs, ...[...labelled, ...cgroups].filter((line) => theirs.test(line)), ...files.map((path) => join(place.folder, path))]
}

function list(program: string, ...args: readonly string[]): readonly string[] {
  return execFileSync(program, args, { encoding: 'utf8' }).split('\n')
}
