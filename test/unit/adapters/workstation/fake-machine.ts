import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { cacheLayout } from '../../../../adapters/workstation/cache-layout.ts'
import { readWorkstationEnvironment } from '../../../../adapters/workstation/environment.ts'
import type { WorkstationEnvironment } from '../../../../adapters/workstation/environment.ts'
import type { Machine } from '../../../../adapters/workstation/machine.ts'

/** A machine whose programs are shell scripts, so that what would be installed can be looked at without installing it. */
export interface FakeMachine extends Machine {
  readonly folder: string
  readonly lines: readonly string[]
  /** Puts a program on the PATH; every call is noted with its arguments before the script runs. */
  program(name: string, script: string): Promise<void>
  /** Calls so far, as `name argument argument`. */
  calls(): Promise<readonly string[]>
  dispose(): Promise<void>
}

export async function fakeMachine(environment: Partial<WorkstationEnvironment> = {}): Promise<FakeMachine> {
  const folder = await mkdtemp(join(tmpdir(), 'ctss-fake-'))
  const bin = join(folder, 'bin')
  const notes = join(folder, 'calls')
  const lines: string[] = []
  const read = readWorkstationEnvironment({ XDG_CACHE_HOME: folder, DOCKER_CONFIG: join(folder, 'docker') })
  return {
    environment: { ...read, path: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin`, isRoot: true, ...environment },
    layout: cacheLayout(join(folder, 'ctss')),
    progress: { step: (line) => lines.push(line), output: (line) => lines.push(line) },
    signal: new AbortController().signal,
    folder,
    lines,
    async program(name, script) {
      await mkdir(bin, { recursive: true })
      await writeFile(join(bin, name), `#!/bin/bash\necho ${name} "$@" >>${notes}\n${script}\n`)
      await chmod(join(bin, name), 0o755)
    },
    calls: async () => (await readFile(notes, 'utf8').catch(() => '')).split('\n').filter(Boolean),
    dispose: () => rm(folder, { recursive: true, force: true }),
  }
}
