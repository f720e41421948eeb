import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'

/** How long the runner leaves a program after SIGINT, and after SIGTERM: actions/runner, ProcessInvoker.cs. */
const AFTER_INTERRUPT_MS = 7500
const AFTER_TERMINATE_MS = 2500
const STREAMS_MS = 5000

export interface ProcessRequest {
  readonly program: string
  readonly args: readonly string[]
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** Ends it as the runner does: SIGINT, then SIGTERM, then SIGKILL. */
  readonly signal: AbortSignal
  readonly onStart: (pid: number) => void
  readonly onLine: (line: string) => void
}

/** Runs a program to its end; returns its exit code, 137 and the like when a signal ended it. */
export async function runProcess({ program, args, folder, environment, signal, onStart, onLine }: ProcessRequest): Promise<number> {
  const child = spawn(program, args, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  if (child.pid !== undefined) onStart(child.pid)
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine)
  const timers: NodeJS.Timeout[] = []
  const end = (): void => {
    child.kill('SIGINT')
    timers.push(
      setTimeout(() => child.kill('SIGTERM'), AFTER_INTERRUPT_MS),
      setTimeout(() => child.kill('SIGKILL'), AFTER_INTERRUPT_MS + AFTER_TERMINATE_MS),
    )
  }
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve(code ?? 137))
      // A program in the background may keep the streams open: the runner waits no longer than this for them.
      child.on('exit', (code) => timers.push(setTimeout(() => resolve(code ?? 137), STREAMS_MS)))
    })
  } finally {
    signal.removeEventListener('abort', end)
    timers.forEach(clearTimeout)
  }
}

/** The variable by which the runner knows the programs of a job. */
export const TRACKING = 'RUNNER_TRACKING_ID'

/** Kills what still runs of a job, and returns what it was. */
export async function killOrphans(tracking: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (!environment.split('\0').includes(`${TRACKING}=${tracking}`)) continue
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim()
    if (command === '') continue
    try {
      process.kill(Number(pid), 'SIGKILL')
      found.push(command)
    } catch {
      // It has ended meanwhile.
    }
  }
  return found
}
