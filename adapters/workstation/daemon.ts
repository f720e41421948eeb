import { spawn } from 'node:child_process'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'

import { Failure } from '../../pipeline/failure.ts'
import type { FailureCode } from '../../pipeline/failure.ts'
import { eventually, lastLines, writeWhole } from './machine.ts'
import type { Machine } from './machine.ts'

/** A program of ours that runs on behind the terminal that started it. */
export interface Daemon {
  /** Name or path of the program. */
  readonly command: string
  readonly args: readonly string[]
  /** One of `args` that no other process on the machine has, such as our data folder: tells our process from one that got its number later. */
  readonly mark: string
  readonly pidFile: string
  readonly logFile: string
}

/** Process number of a daemon that we started and that still runs; undefined otherwise, also when its number belongs to another process by now. */
export async function findDaemon({ command, mark, pidFile }: Daemon): Promise<number | undefined> {
  const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10)
  if (!Number.isInteger(pid) || pid < 2) return undefined
  return (await isProcess(pid, basename(command), mark)) ? pid : undefined
}

/** Whether a process runs this program, with this among its arguments where one is given. */
export async function isProcess(pid: number, program: string, mark?: string): Promise<boolean> {
  const [command = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  return basename(command) === program && (mark === undefined || args.includes(mark))
}

/**
 * Starts a daemon in a session of its own, so that it outlives the terminal, and waits until `isReady`.
 * Fails with `code` and the end of its log when it ends before, or is not ready in time.
 */
export async function startDaemon(machine: Machine, daemon: Daemon, code: FailureCode, isReady: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
  await mkdir(dirname(daemon.logFile), { recursive: true })
  const log = await open(daemon.logFile, 'w')
  let ended = false
  try {
    const child = spawn(daemon.command, daemon.args, {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
      // The caller's folder for temporary files may be gone long before the daemon is.
      env: { ...machine.environment.variables, PATH: machine.environment.path, TMPDIR: undefined },
    })
    child.once('error', () => (ended = true))
    child.once('exit', () => (ended = true))
    child.unref()
    if (child.pid !== undefined) await writeWhole(daemon.pidFile, `${child.pid}\n`)
  } finally {
    await log.close()
  }
  const ready = await eventually(machine, limitMs, async () => ended || (await isReady()))
  if (ready && !ended) return
  const end = lastLines(await readFile(daemon.logFile, 'utf8').catch(() => ''), 8)
  throw new Failure(code, `${basename(daemon.command)} ${ended ? 'ended at its start' : 'did not answer in time'}:\n${end}`, {
    suggestion: `read ${daemon.logFile}`,
  })
}

/** Stops a daemon of ours: SIGTERM, and SIGKILL when it still runs after `graceMs`. False: there was none. */
export async function stopDaemon(machine: Machine, daemon: Daemon, graceMs = 20_000): Promise<boolean> {
  const pid = await findDaemon(daemon)
  if (pid !== undefined) {
    process.kill(pid, 'SIGTERM')
    const gone = async (): Promise<boolean> => !(await isProcess(pid, basename(daemon.command), daemon.mark))
    if (!(await eventually(machine, graceMs, gone))) {
      process.kill(pid, 'SIGKILL')
      await eventually(machine, 5000, gone)
    }
  }
  await rm(daemon.pidFile, { force: true })
  return pid !== undefined
}
