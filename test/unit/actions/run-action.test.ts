import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ActionDefinition } from '../../../actions/definition.ts'
import { InputError } from '../../../actions/read-inputs.ts'
import { runAction, type ActionCall, type ActionResult } from '../../../actions/run-action.ts'
import { Failure } from '../../../pipeline/failure.ts'

const DEFINITION = {
  name: 'probe',
  description: '',
  icon: 'x',
  starts: false,
  inputs: {
    path: { kind: 'text', description: '', default: '.' },
    strict: { kind: 'flag', description: '' },
    token: { kind: 'text', description: '', secret: true },
  },
  outputs: { outcome: { description: '' }, record: { description: '' } },
  permissions: [],
  notes: [],
  example: '',
} as const satisfies ActionDefinition

type Work = (call: ActionCall<typeof DEFINITION>) => Promise<ActionResult<typeof DEFINITION>>

let folder = ''
let listeners: NodeJS.UncaughtExceptionListener[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctss-test-'))
  await writeFile(join(folder, 'output'), '')
  listeners = process.listeners('uncaughtException')
})
afterEach(async () => {
  for (const listener of process.listeners('uncaughtException')) if (!listeners.includes(listener)) process.off('uncaughtException', listener)
  process.exitCode = undefined
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

const passed: Work = async () => ({ outputs: { outcome: 'passed' }, exitCode: 0 })

function environment(inputs: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return {
    GITHUB_WORKSPACE: folder,
    RUNNER_TEMP: folder,
    GITHUB_REPOSITORY: 'zelda/clouds',
    GITHUB_OUTPUT: join(folder, 'output'),
    ...Object.fromEntries(Object.entries(inputs).map(([name, text]) => [`INPUT_${name.toUpperCase()}`, text])),
  }
}

/** Runs an action in this process: what the runner would see of it. */
async function run(work: Work, env: Readonly<Record<string, string>> = environment()) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  const written: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  await runAction(DEFINITION, work)
  const file = await readFile(join(folder, 'output'), 'utf8').catch(() => '')
  const outputs = Object.fromEntries([...file.matchAll(/^(.+?)<<(.+)\n([^]*?)\n\2$/gm)].map(([, name, , value]) => [name, value]))
  return { log: written.join(''), outputs, exitCode: process.exitCode }
}

describe('an action', () => {
  it('hands its work the inputs and the environment, and writes every output', async () => {
    const calls: unknown[] = []
    const { outputs, exitCode, log } = await run(
      async ({ inputs, environment: { workspace } }) => {
        calls.push({ ...inputs, workspace })
        return { outputs: { record: '{"a":1}\nEOF' }, exitCode: 0 }
      },
      environment({ strict: 'true' }),
    )

    expect(calls).toEqual([{ path: '.', strict: true, token: undefined, workspace: folder }])
    expect(outputs).toEqual({ outcome: '', record: '{"a":1}\nEOF' })
    expect([exitCode, log]).toEqual([0, ''])
  })

  it('ends with the exit code of its work, outputs written', async () => {
    const { outputs, exitCode } = await run(async () => ({ outputs: { outcome: 'failed' }, exitCode: 1 }))

    expect([outputs['outcome'], exitCode]).toEqual(['failed', 1])
  })

  it.each<[string, unknown, number, string]>([
    ['inputs that are wrong together', new InputError(['one', 'two\n::x']), 1, '::error::one\n::error::two%0A::x\n'],
    [
      'a failure of the world',
      new Failure('registry-unavailable', 'No answer.', { suggestion: 'Run it again.' }),
      2,
      '::error::No answer.%0A  Run it again.\n',
    ],
    ['a failure without a suggestion', new Failure('registry-unavailable', 'No answer.'), 2, '::error::No answer.\n'],
    ['what is no error at all', '##[group]', 3, '::error::This is a bug in ctss, not in your plugin. Please report it with the text below.%0A# #[group]\n'],
  ])('explains %s', async (_, thrown, code, text) => {
    const { exitCode, log, outputs } = await run(async () => Promise.reject(thrown as Error))

    expect({ exitCode, log, outputs }).toEqual({ exitCode: code, log: text, outputs: {} })
  })

  it('shows where a bug is, in one annotation', async () => {
    const stackless = Object.assign(new TypeError('x is undefined'), { stack: undefined })
    const bug = await run(async () => Promise.reject(new TypeError('x is undefined')))
    expect(bug.exitCode).toBe(3)
    expect(bug.log).toMatch(/^::error::This is a bug in ctss.*%0ATypeError: x is undefined%0A {4}at .*run-action\.test\.ts[^\n]*\n$/)

    expect((await run(async () => Promise.reject(stackless))).log).toMatch(/below\.%0Ax is undefined\n$/)
  })

  it('says all that is wrong with its inputs, and starts nothing', async () => {
    const work = vi.fn<Work>(passed)
    const { exitCode, log } = await run(work, environment({ strict: 'maybe', pth: '.' }))

    expect(log).toBe('::error::input `strict`: `maybe` is neither true nor false\n::error::there is no input `pth`: did you mean `path`?\n')
    expect(exitCode).toBe(1)
    expect(work).not.toHaveBeenCalled()
  })

  it('says what is missing outside of a job', async () => {
    const { exitCode, log } = await run(passed, { ...environment(), RUNNER_TEMP: '', GITHUB_REPOSITORY: '' })

    expect(exitCode).toBe(2)
    expect(log).toMatch(/^::error::this is not a job of GitHub Actions: RUNNER_TEMP, GITHUB_REPOSITORY are missing%0A/)
  })

  it('masks its secrets before anything else can be said of them', async () => {
    const { log, exitCode } = await run(passed, environment({ token: ' first line\n\r\n  second%\nab', strict: 'maybe' }))

    expect(log).toBe('::add-mask::first line\n::add-mask::second%25\n::error::input `strict`: `maybe` is neither true nor false\n')
    expect(exitCode).toBe(1)
  })

  it('masks nothing where no secret is given', async () => {
    expect((await run(passed, environment({ token: '' }))).log).toBe('')
  })

  it('fails when the outputs cannot be written', async () => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    await rm(join(folder, 'output'))
    const outputs: ActionResult<typeof DEFINITION>['outputs'] = {
      get outcome(): string {
        throw full
      },
    }
    const { exitCode, log } = await run(async () => ({ outputs, exitCode: 0 }))

    expect(exitCode).toBe(2)
    expect(log).toMatch(/^::error::writing the outputs of the step: no space left%0A/)
  })
})

describe('the process of an action', () => {
  /** In a process of its own: `work` is source text. */
  async function runChild(work: string, onLine: (line: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined) {
    const source = `
      import { runAction } from './actions/run-action.ts'
      const definition = ${JSON.stringify(DEFINITION)}
      await runAction(definition, ${work})`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { env: { PATH: process.env['PATH'], ...environment() } })
    let [stdout, stderr] = ['', '']
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString()
      onLine(data.toString(), (signal) => child.kill(signal))
    })
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
    return { code, stdout, stderr }
  }

  it('has the exit code of its work', async () => {
    expect(await runChild(`async () => ({ outputs: {}, exitCode: 1 })`)).toEqual({ code: 1, stdout: '', stderr: '' })
  })

  it('ends at once on an error that nobody waits for', async () => {
    const { code, stdout } = await runChild(`() => new Promise(() => { setTimeout(() => { throw new TypeError('lost') }, 1); setInterval(() => {}, 1000) })`)

    expect(code).toBe(3)
    expect(stdout).toMatch(/^::error::This is a bug in ctss.*TypeError: lost/)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('is told to stop by %s, cleans up, and says that it was cancelled', async (signal) => {
    const work = `({ signal, log }) => new Promise((_, reject) => {
      const timer = setInterval(() => {}, 1000)
      signal.addEventListener('abort', () => { clearInterval(timer); log.line('cleaned up'); reject(signal.reason) })
      log.line('ready')
    })`
    const { code, stdout } = await runChild(work, (line, kill) => line.includes('ready') && kill(signal))

    expect(stdout).toBe('ready\ncleaned up\n::error::stopped before the end\n')
    expect(code).toBe(2)
  })
})
