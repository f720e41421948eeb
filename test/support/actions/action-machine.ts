import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { cp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { layOutRelease } from '../act/lay-out-release.ts'
import { makeCommandFiles } from '../mini-runner/command-files.ts'
import { killOrphans, TRACKING } from '../mini-runner/process.ts'
import { push, type Trigger } from '../mini-runner/trigger.ts'
import { startStep, type FinishedStep, type StepProcess } from './step-process.ts'

/** What a workflow gives to a step. */
export interface StepRequest {
  /** The others have their defaults. */
  readonly inputs?: Readonly<Record<string, string>>
  /** In the place of what the runner sets; undefined takes a variable away. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** A step of a job that runs. */
export interface RunningStep extends StepProcess {
  /** What the runner does at the end of the job, whatever became of the step. Undefined: the action has no post step. */
  post(): Promise<FinishedStep | undefined>
}

export interface MachineOptions {
  /** Folder of a release. */
  readonly release: string
  readonly trigger?: Trigger
  /** For every step whose action knows them. */
  readonly inputs?: Readonly<Record<string, string>>
  readonly environment?: Readonly<Record<string, string>>
}

/** A runner's machine: a workspace, and a temporary folder that its steps share. Their environment is made from nothing. */
export interface ActionMachine extends AsyncDisposable {
  readonly folder: string
  /** Where the plugin is checked out; not there yet. */
  readonly workspace: string
  /** `RUNNER_TEMP`. */
  readonly temporary: string
  /** Process ids of all steps. */
  readonly processes: readonly number[]
  /** What those that have ended printed. */
  readonly logs: readonly string[]
  /** What its programs, and those that they start, have as `RUNNER_TRACKING_ID`. */
  readonly tracking: string
  start(action: string, request?: StepRequest): Promise<RunningStep>
  /** A step and its post step. */
  run(action: string, request?: StepRequest): Promise<FinishedStep & { readonly post: FinishedStep | undefined }>
  /** Another machine with the same files in workspace and temporary folder. */
  copy(): Promise<ActionMachine>
}

/** The token of a job, as `${{ github.token }}` gives it. */
export const TOKEN = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz'
const RUN_ID = '77'

/** A release in a folder of its own, as its commit is: no packages, no sources, and whoever builds meanwhile disturbs no test. */
export async function makeRelease(): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'ctss-release-'))
  await layOutRelease(folder)
  return { folder, [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }) }
}

/** A machine that nobody has used. */
export async function makeMachine(options: MachineOptions): Promise<ActionMachine> {
  const { release, trigger = push('sage/tiny-plugin', '0'.repeat(40)) } = options
  const folder = mkdtempSync(join(tmpdir(), 'ctss-machine-'))
  const [workspace, temporary, system] = [join(folder, 'work'), join(folder, 'temp'), join(folder, 'tmp')]
  for (const path of [temporary, system]) mkdirSync(path)
  const event = join(folder, 'event.json')
  writeFileSync(event, JSON.stringify(trigger.payload))
  const tracking = `github_${randomUUID()}`
  const processes: number[] = []
  const logs: string[] = []
  const environment = {
    ...runnerEnvironment(trigger),
    GITHUB_EVENT_PATH: event,
    GITHUB_WORKSPACE: workspace,
    RUNNER_TEMP: temporary,
    TMPDIR: system,
    [TRACKING]: tracking,
    ...options.environment,
  }

  const begin = async (program: string, own: Readonly<Record<string, string | undefined>>): Promise<StepProcess> => {
    const files = await makeCommandFiles(join(folder, 'commands', randomUUID()))
    const all: Readonly<Record<string, string | undefined>> = { ...environment, ...files.environment, ...own }
    const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const running = startStep(program, Object.fromEntries(given), files)
    processes.push(running.pid)
    const finished = running.finished.then((step) => {
      logs.push(step.raw)
      return step
    })
    return { ...running, finished }
  }
  const start: ActionMachine['start'] = async (name, { inputs = {}, environment: own } = {}) => {
    const place = join(release, 'actions', name)
    const action = await readActionFile(place)
    const { main, post } = action.runs
    const shared = Object.entries(options.inputs ?? {}).filter(([input]) => action.inputs[input] !== undefined)
    const ofStep = { ...inputVariables(action, { ...Object.fromEntries(shared), ...inputs }, trigger), ...own }
    const running = await begin(join(place, main), ofStep)
    return {
      ...running,
      async post() {
        if (post === undefined) return undefined
        const { state } = await running.finished
        const states = Object.fromEntries(Object.entries(state).map(([key, value]) => [`STATE_${key}`, value]))
        return (await begin(join(place, post), { ...ofStep, ...states })).finished
      },
    }
  }
  return {
    folder,
    workspace,
    temporary,
    processes,
    logs,
    tracking,
    start,
    async run(name, request) {
      const step = await start(name, request)
      return { ...(await step.finished), post: await step.post() }
    },
    async copy() {
      const other = await makeMachine(options)
      await cp(workspace, other.workspace, { recursive: true, preserveTimestamps: true })
      await cp(temporary, other.temporary, { recursive: true, preserveTimestamps: true })
      return other
    },
    async [Symbol.asyncDispose]() {
      await killOrphans(tracking)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What the runner reads of an action.yml. */
interface ActionFile {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>
  readonly runs: { readonly using: string; readonly main: string; readonly post?: string }
}

async function readActionFile(folder: string): Promise<ActionFile> {
  const action = parse(await readFile(join(folder, 'action.yml'), 'utf8')) as ActionFile
  if (action.runs.using !== 'node24' || !process.versions.node.startsWith('24.'))
    throw new Error(`${folder} runs on ${action.runs.using}, and this is Node ${process.versions.node}`)
  return action
}

/** The inputs as the runner hands them on: each that the action has, and those that it does not know. */
function inputVariables({ inputs }: ActionFile, given: Readonly<Record<string, string>>, { actor }: Trigger): Readonly<Record<string, string>> {
  const contexts: Readonly<Record<string, string>> = { token: TOKEN, actor }
  const usual = Object.entries(inputs).map(([name, { default: text = '' }]) => [
    name,
    text.replace(/^\$\{\{ github\.(\w+) \}\}$/, (_, context: string) => contexts[context] ?? ''),
  ])
  const values: Readonly<Record<string, string>> = { ...Object.fromEntries(usual), ...given }
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]))
}

function runnerEnvironment({ actor, commit, event, ref, repository }: Trigger): Readonly<Record<string, string>> {
  return {
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTOR: actor,
    GITHUB_EVENT_NAME: event,
    GITHUB_REF: ref,
    GITHUB_REPOSITORY: repository,
    GITHUB_REPOSITORY_OWNER: repository.split('/')[0] ?? '',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_RUN_ID: RUN_ID,
    // Nobody answers there.
    GITHUB_API_URL: 'http://127.0.0.1:9',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_SHA: commit,
    // Docker's own settings, and the builder that this machine has.
    HOME: process.env['HOME'] ?? '',
    ...(process.env['DOCKER_HOST'] !== undefined && { DOCKER_HOST: process.env['DOCKER_HOST'] }),
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    RUNNER_ARCH: process.arch === 'arm64' ? 'ARM64' : 'X64',
    RUNNER_OS: 'Linux',
  }
}
