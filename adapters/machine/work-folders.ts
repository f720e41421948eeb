import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { WorkFolder } from '../../pipeline/run.ts'
import { errorCode, storageFailure } from '../filesystem/storage-failure.ts'

/**
 * Makes a folder for one stage below `parent`, removed when the stage ends. Its name carries our process id and start time, so that a later run
 * can sweep what a killed one left. What a stage puts beside its folder goes with it.
 */
export async function makeWorkFolder(parent: string, purpose: string): Promise<WorkFolder> {
  try {
    await mkdir(parent, { recursive: true })
    const folder = await mkdtemp(join(parent, `${process.pid}-${(await startTime(process.pid)) ?? '0'}-${purpose}-`))
    const path = join(folder, purpose)
    await mkdir(path)
    return { path, [Symbol.asyncDispose]: async () => remove(folder) }
  } catch (error) {
    throw storageFailure(error, `making a work folder in ${parent}`)
  }
}

/** Removes work folders whose process is gone, and ends the builds that it left running in them. */
export async function sweepWorkFolders(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    const [, pid, started] = /^(\d+)-(\d+)-/.exec(name) ?? []
    if (pid === undefined || (await startTime(Number(pid))) === started) continue
    await endBuilds(join(parent, name))
    await remove(join(parent, name))
  }
}

/** A container may have closed folders of its own to whoever is not root: they stay, which is no reason to fail. */
async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
    if (errorCode(error) !== 'EACCES' && errorCode(error) !== 'EPERM') throw error
  })
}

/** A `docker buildx build` outlives a process that is killed, and would build on for nobody; the folder among its arguments shows whose it is. */
async function endBuilds(folder: string): Promise<void> {
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const [program = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    if (!basename(program).startsWith('docker') || !args.some((arg) => arg.includes(`${folder}/`))) continue
    try {
      process.kill(Number(pid), 'SIGTERM')
    } catch {
      // It has ended meanwhile, which is what was wanted.
    }
  }
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat, proc(5)); undefined when there is no such process. A process id alone may have been used again. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The second field is the program's name in brackets and may hold blanks.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}
