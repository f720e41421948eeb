import { join } from 'node:path'
import { afterEach, beforeEach, vi, type MockInstance } from 'vitest'
import { runProgram } from '../../cli/program.ts'
import { Workplace } from './ctss-process.ts'

/** The commands in this process, on the real workstation. */
export interface Commands {
  /** Of the test that runs. */
  readonly place: Workplace
  ctss(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }>
}

/** Gives every test of a file a workplace of its own, and what the commands print to the test instead of the terminal. */
export function withCommands(): Commands {
  let place: Workplace
  let stdout: MockInstance<typeof process.stdout.write>
  let stderr: MockInstance<typeof process.stdout.write>

  beforeEach(async () => {
    place = await Workplace.make()
    vi.stubEnv('XDG_STATE_HOME', join(place.folder, 'state'))
    vi.stubEnv('CI', 'true')
    stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
    await place[Symbol.asyncDispose]()
  })

  return {
    get place() {
      return place
    },
    async ctss(...args) {
      stdout.mockClear()
      stderr.mockClear()
      const code = await runProgram(['node', 'ctss', ...args], '0.0.0')
      const text = (spy: typeof stdout): string => spy.mock.calls.map(([chunk]) => String(chunk)).join('')
      return { code, out: text(stdout), err: text(stderr) }
    },
  }
}

/** What a command printed with `--json`. */
export function json<T>(text: string): T {
  return JSON.parse(text) as T
}
