import { randomUUID } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { layOutRelease } from '../act/lay-out-release.ts'
import { readAction, type Action } from '../mini-runner/action.ts'
import { makeCommandFiles, type CommandFiles } from '../mini-runner/command-files.ts'
import { fillText } from '../mini-runner/expressions.ts'
import { killOrphans, TRACKING } from '../mini-runner/process.ts'
import { push, type Trigger } from '../mini-runner/trigger.ts'
import { readCommand, type RunnerCommand } from './runner-command.ts'

/** What a workflow gives to a step. */
export interface StepRequest {
  /** The others have their defaults. */
  readonly inputs?: Readonly<Record<string, string>>
  /** In the place of what the runner sets; undefined takes a variable away. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** A step, or the post step of one, that has come to its end. */
export interface FinishedStep {
  /** Null: a signal ended it. */
  readonly exitCode: number | null
  readonly outputs: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
  readonly summary: string
  /** Everything on both streams, as it came: nothing is masked. */
  readonly raw: string
  /** What the runner obeys. */
  readonly commands: readonly RunnerCommand[]
  /** The messages of errors, warnings and notices. */
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  /** What the runner shows, and keeps: no commands, secrets masked. */
  readonly lines: readonly string[]
  readonly seconds: number
}

/** A step that runs. */
export interface RunningStep {
  readonly pid: number
  readonly finished: Promise<FinishedStep>
  /** Returns when the log holds this; throws, with the log, when the step ends before. */
  until(text: string): Promise<void>
  kill(signal: NodeJS.Signals): void
  /** What the runner does at the end of the job, whatever became of the step. Undefined: the action has no post step. */
  post(): Promise<FinishedStep | undefined>
}

/** A runner's machine: a workspace, a temporary folder that its steps share, and a release of ours with nothing around it. Its environment is made from nothing. */
export interface ActionMachine extends AsyncDisposable {
  readonly folder: string
  /** Where the plugin is checked out; not there yet. */
  readonly workspace: string
  /** `RUNNER_TEMP`. */
  readonly temporary: string
  /** Process ids of all steps. */
  readonly processes: readonly number[]
  start(action: string, request?: StepRequest): Promise<RunningStep>
  /** A step and its post step. */
  run(action: string, request?: StepRequest): Promise<FinishedStep & { readonly post: FinishedStep | undefined }>
  /** Another machine, which holds what this one's steps have left. */
  copy(): Promise<ActionMachine>
  /** Programs that its steps left running; they are killed. */
  orphans(): Promise<readonly string[]>
}

export interface MachineOptions {
  /** Laid out by `layOutRelease`. */
  readonly release: string
  readonly trigger?: Trigger
  /** For every step. */
  readonly inputs?: Readonly<Record<string, string>>
  readonly environment?: Readonly<Record<string, string>>
}

/** The token of a job, as `${{ github.token }}` gives it. */
export const TOKEN = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz'

/** A release in a folder of its own, as its commit is: no packages, no sources. Tests that run while somebody builds are not disturbed. */
export async function makeRelease(): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'ctss-release-'))
  await layOutRelease(folder)
  return { folder, [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }) }
}

export async function makeMachine(options: MachineOptions): Promise<ActionMachine> {
  const folder = mkdtempSync(join(tmpdir(), 'ctss-machine-'))
  const [workspace, temporary, system] = ['work', 'temp', 'tmp'].map((name) => join(folder, name)) as [string, string, string]
  for (const path of [temporary, system]) mkdirSync(path)
  const event = join(folder, 'event.json')
  const trigger = options.trigger ?? push('sage/tiny-plugin', '0'.repeat(40))
  writeFileSync(event, JSON.stringify(trigger.payload))
  const tracking = `github_${randomUUID()}`
  const processes: number[] = []
  const environment = { ...runnerEnvironment(trigger), GITHUB_EVENT_PATH: event, GITHUB_WORKSPACE: workspace, RUNNER_TEMP: temporary, TMPDIR: system }

  const begin = async (program: string, environmentOfStep: StepRequest['environment']): Promise<Omit<RunningStep, 'post'>> => {
    const files = await makeCommandFiles(join(folder, 'commands', randomUUID()))
    const all = Object.entries({ ...environment, ...options.environment, [TRACKING]: tracking, ...files.environment, ...environmentOfStep })
    const running = startProgram(program, Object.fromEntries(all.filter(([, value]) => value !== undefined)) as Record<string, string>, folder, files)
    processes.push(running.pid)
    return running
  }
  const start: ActionMachine['start'] = async (name, { inputs, environment: own } = {}) => {
    const action = await readAction(join(options.release, 'actions', name))
    const own_ = { ...inputsOf(action, { ...options.inputs, ...inputs }, trigger), ...own }
    const running = await begin(join(action.folder, action.main), own_)
    return {
      ...running,
      async post() {
        if (action.post === undefined) return undefined
        const { state } = await running.finished
        const states = Object.fromEntries(Object.entries(state).map(([key, value]) => [`STATE_${key}`, value]))
        return (await begin(join(action.folder, action.post), { ...own_, ...states })).finished
      },
    }
  }
  return {
    folder,
    workspace,
    temporary,
    processes,
    start,
    async run(name, request) {
      const step = await start(name, request)
      return { ...(await step.finished), post: await step.post() }
    },
    async copy() {
      const other = await makeMachine(options)
      for (const [from, to] of [
        [workspace, other.workspace],
        [temporary, other.temporary],
      ] as const)
        await cp(from, to, { recursive: true, preserveTimestamps: true })
      return other
    },
    orphans: async () => killOrphans(tracking),
    async [Symbol.asyncDispose]() {
      await killOrphans(tracking)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The runner gives a step every input, and those that the action does not know. */
function inputsOf(action: Action, given: Readonly<Record<string, string>>, { actor }: Trigger): Readonly<Record<string, string>> {
  const contexts = { github: { token: TOKEN, actor } }
  const usual = Object.entries(action.inputs).map(([name, { default: value }]) => [name, fillText(value ?? '', contexts)] as const)
  const known = Object.entries(given).filter(([name]) => action.inputs[name] !== undefined || given[name] !== undefined)
  return Object.fromEntries([...usual, ...known].map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]))
}
