import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { cacheLayout } from '../../../../adapters/workstation/cache-layout.ts'
import { findDaemon, isProcess, startDaemon, stopDaemon } from '../../../../adapters/workstation/daemon.ts'
import type { Daemon } from '../../../../adapters/workstation/daemon.ts'
import { readWorkstationEnvironment } from '../../../../adapters/workstation/environment.ts'
import { ask, findProgram, timed, together } from '../../../../adapters/workstation/machine.ts'
import type { Machine } from '../../../../adapters/workstation/machine.ts'

let folder: string
let machine: Machine
let lines: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-daemon-'))
  lines = []
  const environment = readWorkstationEnvironment({ XDG_CACHE_HOME: folder, PATH: process.env['PATH'] })
  machine = {
    environment,
    layout: cacheLayout(folder),
    progress: { step: (line) => lines.push(line), output: (line) => lines.push(line) },
    signal: new AbortController().signal,
  }
})

afterEach(() => rm(folder, { recursive: true }))

const daemonThat = (script: string): Daemon => ({
  command: 'sh',
  args: ['-c', script, folder],
  mark: folder,
  pidFile: join(folder, 'x.pid'),
  logFile: join(folder, 'x.log'),
})
const isAlive = (daemon: Daemon) => async (): Promise<boolean> => (await findDaemon(daemon)) !== undefined

describe('a daemon', () => {
  test('is started, found again, and stopped', async () => {
    const daemon = daemonThat('while :; do sleep 0.1; done')
    await startDaemon(machine, daemon, 'engine-unavailable', isAlive(daemon))
    expect(await findDaemon(daemon)).toBe(Number(await readFile(daemon.pidFile, 'utf8')))
    expect(await stopDaemon(machine, daemon)).toBe(true)
    expect(await findDaemon(daemon)).toBeUndefined()
    expect(await stopDaemon(machine, daemon)).toBe(false)
  })

  test('that does not listen to SIGTERM is killed', async () => {
    const daemon = daemonThat("trap '' TERM; echo up; while :; do sleep 0.1; done")
    await startDaemon(machine, daemon, 'engine-unavailable', async () => (await readFile(daemon.logFile, 'utf8')) === 'up\n')
    expect(await stopDaemon(machine, daemon, 300)).toBe(true)
    expect(await findDaemon(daemon)).toBeUndefined()
  })

  test('that ends at its start fails with the end of its log', async () => {
    const daemon = daemonThat('echo no room here; exit 1')
    await expect(startDaemon(machine, daemon, 'registry-unavailable', () => Promise.resolve(false))).rejects.toMatchObject({
      code: 'registry-unavailable',
      message: expect.stringContaining('no room here'),
    })
  })

  test('that is no program at all fails', async () => {
    const daemon = { ...daemonThat(''), command: join(folder, 'none') }
    await expect(startDaemon(machine, daemon, 'engine-unavailable', () => Promise.resolve(false))).rejects.toMatchObject({ code: 'engine-unavailable' })
  })

  test('whose number belongs to another process by now is neither found nor stopped', async () => {
    const daemon = daemonThat('')
    const stranger = spawn('sh', ['-c', 'while :; do sleep 0.1; done'])
    try {
      await writeFile(daemon.pidFile, `${stranger.pid}\n`)
      expect(await findDaemon(daemon)).toBeUndefined()
      expect(await stopDaemon(machine, daemon)).toBe(false)
      expect(await isProcess(stranger.pid ?? 0, 'sh')).toBe(true)
    } finally {
      stranger.kill('SIGKILL')
    }
  })

  test.each(['', 'x', '-1', '0', '1'])('is not found by a process file that says %j', async (text) => {
    const daemon = daemonThat('')
    await writeFile(daemon.pidFile, text)
    expect(await findDaemon(daemon)).toBeUndefined()
  })
})

describe('work on this machine', () => {
  test('says what it does and how long it took', async () => {
    expect(await timed(machine, 'Thinking', () => Promise.resolve(3))).toBe(3)
    expect(lines).toEqual(['Thinking', expect.stringMatching(/^Thinking: done in \d+\.\d s$/)])
  })

  test('that fails in one part is cancelled in the others', async () => {
    let cancelled = false
    const waiting = (linked: Machine): Promise<void> =>
      new Promise((resolve) =>
        linked.signal.addEventListener('abort', () => {
          cancelled = true
          resolve()
        }),
      )
    await expect(together(machine, (linked) => [waiting(linked), Promise.reject(new Error('first'))])).rejects.toThrow('first')
    expect(cancelled).toBe(true)
  })

  test('takes no answer for an answer', async () => {
    expect(await ask(machine, 'sh', ['-c', 'echo yes'])).toBe('yes\n')
    expect(await ask(machine, 'sh', ['-c', 'echo yes; exit 1'])).toBeUndefined()
    expect(await ask(machine, join(folder, 'none'), [])).toBeUndefined()
    expect(await findProgram(machine, 'sh')).toMatch(/\/sh$/)
    expect(await findProgram(machine, 'no-such-program')).toBeUndefined()
  })
})
