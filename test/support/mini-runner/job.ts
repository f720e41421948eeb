import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readAction, type Action } from './action.ts'
import { findActionFolder } from './check.ts'
import { makeCommandFiles, type CommandValues } from './command-files.ts'
import { fill, fillText, fillTexts, holds, type Contexts } from './expressions.ts'
import type { Conclusion, JobRun, MiniGitHub, StepRun } from './github.ts'
import { makeJobLog, type JobLog } from './log.ts'
import type { Permissions } from './permissions.ts'
import { killOrphans, runProcess, TRACKING } from './process.ts'
import { asTexts, type Template, type Value } from './template.ts'
import type { Job, Step, Workflow } from './workflow.ts'

/** One job on one machine. */
export interface JobRequest {
  readonly github: MiniGitHub
  readonly workflow: Workflow
  readonly job: Job
  readonly id: string
  readonly name: string
  readonly matrix: Readonly<Record<string, Value>>
  readonly permissions: Permissions
  /** `github`, `inputs`, `needs`, `matrix`, `strategy`, `vars` and `secrets`. */
  readonly contexts: Contexts
  readonly env: Readonly<Record<string, string>>
  /** `GITHUB_*` that are the same in every job of the run. */
  readonly environment: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
  readonly onStep?: (name: string) => void
  /** In the place of the one that all jobs have. */
  readonly tokenService?: { readonly url: string; readonly token: string }
}

interface Post {
  readonly name: string
  readonly action: Action
  readonly environment: Readonly<Record<string, string>>
  /** What the step has kept for it; known when the step has ended. */
  state: Readonly<Record<string, string>>
}

const MINUTE_MS = 60_000
/** docs.github.com, "Workflow syntax": what a job may take when it says nothing. */
const DEFAULT_TIMEOUT_MINUTES = 360

/** Runs the steps of a job, then what they asked to have run after them. */
export async function runJob(request: JobRequest): Promise<JobRun> {
  const started = performance.now()
  const { github, job, contexts } = request
  const tracking = `github_${randomUUID()}`
  const machine = await makeMachine(request, tracking)
  const minutes = job.timeoutMinutes === undefined ? DEFAULT_TIMEOUT_MINUTES : Number(fill(job.timeoutMinutes, contexts))
  const timeout = AbortSignal.timeout(minutes * MINUTE_MS)
  const log = makeJobLog([...Object.values(github.secrets ?? {}), String((contexts['github'] as { token: string }).token)], request.onLine)
  const state: JobState = { status: 'success', steps: {}, env: { ...request.env }, paths: [], posts: [], runs: [], processes: [] }
  const running = { ...request, machine, log, state, signal: AbortSignal.any([request.signal, timeout]) }

  for (const [at, step] of job.steps.entries()) await runStep(running, step, at)
  for (const post of state.posts.toReversed()) await runPost(running, post)
  if (timeout.aborted) log.annotate('error', `The job has exceeded the maximum execution time of ${minutes}m0s`)
  const orphans = await killOrphans(tracking)

  const outputs = Object.entries(job.outputs).map(([name, output]) => [name, fillText(output, jobContexts(running))] as const)
  for (const [name, value] of outputs) if (log.holdsSecret(value)) log.annotate('warning', `Skip output '${name}' since it may contain secret.`)
  const tolerated = state.status === 'failure' && job.continueOnError !== undefined && fill(job.continueOnError, contexts) === true
  return {
    id: request.id,
    name: request.name,
    matrix: request.matrix,
    conclusion: tolerated ? 'success' : state.status,
    permissions: request.permissions,
    labels: asTexts(fill(job.runsOn ?? null, contexts) as Template),
    outputs: Object.fromEntries(outputs.filter(([, value]) => !log.holdsSecret(value))),
    steps: state.runs,
    annotations: log.annotations,
    orphans,
    processes: state.processes,
    seconds: (performance.now() - started) / 1000,
  }
}

interface JobState {
  status: Conclusion
  readonly steps: Record<string, Value>
  readonly env: Record<string, string>
  readonly paths: string[]
  readonly posts: Post[]
  readonly runs: StepRun[]
  readonly processes: number[]
}

interface Machine {
  readonly folder: string
  readonly workspace: string
  readonly temp: string
  readonly environment: Readonly<Record<string, string>>
}

interface RunningJob extends JobRequest {
  readonly machine: Machine
  readonly log: JobLog
  readonly state: JobState
}

/** A machine that nobody has used: an empty workspace and an empty temporary folder. */
async function makeMachine({ github, job, permissions, environment, tokenService = github.tokenService }: JobRequest, tracking: string): Promise<Machine> {
  const folder = join(github.folder, 'machines', randomUUID())
  const [workspace, temp, tools] = [join(folder, 'work', 'repository'), join(folder, 'temp'), join(folder, 'tools')]
  for (const path of [workspace, temp, tools]) await mkdir(path, { recursive: true })
  const oidc = permissions['id-token'] === 'write' ? (tokenService ?? { url: 'http://127.0.0.1:9/token?v=1', token: 'none' }) : undefined
  return {
    folder,
    workspace,
    temp,
    environment: {
      ...github.environment,
      ...environment,
      ...(oidc && { ACTIONS_ID_TOKEN_REQUEST_URL: oidc.url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: oidc.token }),
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_JOB: job.id,
      GITHUB_WORKSPACE: workspace,
      RUNNER_OS: 'Linux',
      RUNNER_ARCH: process.arch === 'arm64' ? 'ARM64' : 'X64',
      RUNNER_NAME: 'mini-runner',
      RUNNER_ENVIRONMENT: 'github-hosted',
      RUNNER_TEMP: temp,
      RUNNER_TOOL_CACHE: tools,
      [TRACKING]: tracking,
    },
  }
}

function jobContexts({ contexts, machine, state, workflow }: RunningJob): Contexts {
  const { repository, path } = workflow
  return {
    ...contexts,
    github: { ...(contexts['github'] as object), workspace: machine.workspace } as Value,
    env: state.env,
    steps: state.steps,
    job: {
      status: state.status,
      workflow_ref: `${repository.name}/${path}@${repository.commit}`,
      workflow_sha: repository.commit,
      workflow_repository: repository.name,
      workflow_file_path: path,
    },
    runner: {
      os: 'Linux',
      arch: machine.environment['RUNNER_ARCH'] ?? '',
      name: 'mini-runner',
      temp: machine.temp,
      tool_cache: machine.environment['RUNNER_TOOL_CACHE'] ?? '',
      environment: 'github-hosted',
    },
  }
}

const statusOf = (status: Conclusion): { success: boolean; failure: boolean; cancelled: boolean } => ({
  success: status === 'success',
  failure: status === 'failure',
  cancelled: status === 'cancelled',
})

/** What is done in a step: a script, or the main part of an action. */
interface Work {
  readonly program: string
  readonly args: readonly string[]
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** What is to be done after the job, also when this fails. */
  readonly post?: Post
}

async function runStep(running: RunningJob, step: Step, at: number): Promise<void> {
  const { log, state, signal } = running
  if (signal.aborted && state.status === 'success') state.status = 'cancelled'
  const started = performance.now()
  const contexts = jobContexts(running)
  const id = step.id ?? String(at)
  const record = (outcome: Conclusion, name: string, outputs: Readonly<Record<string, string>> = {}, summary = ''): void => {
    const tolerated = outcome === 'failure' && step.continueOnError !== undefined && fill(step.continueOnError, contexts) === true
    const conclusion = tolerated ? 'success' : outcome
    if (step.id !== undefined) state.steps[step.id] = { outputs, outcome, conclusion }
    state.runs.push({ id, name, outcome, conclusion, outputs, summary, seconds: (performance.now() - started) / 1000 })
    if (state.status === 'success' && (conclusion === 'failure' || conclusion === 'cancelled')) state.status = conclusion
  }

  let name = step.uses ?? id
  try {
    if (!holds(step.condition, contexts, statusOf(state.status))) return record('skipped', name)
    const stepContexts = { ...contexts, env: { ...state.env, ...fillTexts(step.env, contexts) } }
    name = step.name === undefined ? name : fillText(step.name, stepContexts)
    log.tell(`##[step]${name}`)
    running.onStep?.(name)
    const limit = step.timeoutMinutes === undefined ? undefined : AbortSignal.timeout(Number(fill(step.timeoutMinutes, stepContexts)) * MINUTE_MS)
    // A step that runs in spite of a cancellation is not ended by it again.
    const ending = state.status === 'cancelled' ? [] : [signal]
    const work = step.uses === undefined ? await makeScript(running, step, at, stepContexts) : await makeAction(running, step, stepContexts)
    if (work.post !== undefined) state.posts.push(work.post)
    const { code, values } = await carryOut(running, work, `${at}`, AbortSignal.any([...ending, ...(limit === undefined ? [] : [limit])]))
    if (work.post !== undefined) work.post.state = values.state
    Object.assign(state.env, values.environment)
    state.paths.unshift(...values.paths)
    record(signal.aborted && ending.length > 0 ? 'cancelled' : code === 0 ? 'success' : 'failure', name, values.outputs, values.summary)
    if (code !== 0) log.annotate('error', `Process completed with exit code ${code}.`)
  } catch (error) {
    log.annotate('error', error instanceof Error ? error.message : String(error))
    record('failure', name)
  }
}

async function carryOut(running: RunningJob, work: Work, name: string, signal: AbortSignal): Promise<{ code: number; values: CommandValues }> {
  const { machine, state, log } = running
  const files = await makeCommandFiles(join(machine.folder, 'commands', name))
  const path = [...state.paths, machine.environment['PATH'] ?? ''].join(':')
  const environment = { ...machine.environment, PATH: path, ...work.environment, ...files.environment }
  const code = await runProcess({
    program: work.program,
    args: work.args,
    folder: work.folder,
    environment,
    signal,
    onStart: (pid) => state.processes.push(pid),
    onLine: log.hear,
  })
  return { code, values: await files.read() }
}

/** How the runner starts a script: docs.github.com, "jobs.<job_id>.steps[*].shell". */
const SHELLS: Readonly<Record<string, readonly string[]>> = { '': ['bash', '-e'], bash: ['bash', '--noprofile', '--norc', '-eo', 'pipefail'], sh: ['sh', '-e'] }

async function makeScript({ machine }: RunningJob, step: Step, at: number, contexts: Contexts): Promise<Work> {
  const [program, ...args] = SHELLS[step.shell ?? ''] ?? []
  if (program === undefined || step.run === undefined) throw new Error(`the mini-runner knows no shell '${step.shell}'`)
  const file = join(machine.folder, `step-${at}.sh`)
  await writeFile(file, fillText(step.run, contexts))
  const folder = join(machine.workspace, step.workingDirectory === undefined ? '.' : fillText(step.workingDirectory, contexts))
  return { program, args: [...args, file], folder, environment: contexts['env'] as Record<string, string> }
}

async function makeAction({ github, machine, workflow }: RunningJob, step: Step, contexts: Contexts): Promise<Work> {
  const uses = step.uses ?? ''
  const action = await readAction(findActionFolder(github, workflow, uses) ?? join(machine.workspace, uses))
  const unknown = Object.keys(step.inputs).filter((input) => action.inputs[input] === undefined)
  if (unknown.length > 0) throw new Error(`Unexpected input(s) '${unknown.join("', '")}' of ${uses}`)
  const inputs = Object.entries(action.inputs).map(([name, { default: value }]) => {
    const given = step.inputs[name]
    return [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, fillText(given ?? value ?? '', contexts)]
  })
  const environment = { ...(contexts['env'] as Record<string, string>), ...Object.fromEntries(inputs), GITHUB_ACTION: step.id ?? uses } as Record<
    string,
    string
  >
  const post = action.post === undefined ? undefined : { name: `Post ${uses}`, action, environment, state: {} }
  return { program: process.execPath, args: [join(action.folder, action.main)], folder: machine.workspace, environment, ...(post && { post }) }
}

async function runPost(running: RunningJob, { name, action, environment, state: kept }: Post): Promise<void> {
  const { log, state, machine } = running
  if (running.signal.aborted && state.status === 'success') state.status = 'cancelled'
  if (!holds(action.postCondition ?? 'always()', jobContexts(running), statusOf(state.status))) return
  log.tell(`##[step]${name}`)
  const started = performance.now()
  const states = Object.fromEntries(Object.entries(kept).map(([key, value]) => [`STATE_${key}`, value]))
  const work = {
    program: process.execPath,
    args: [join(action.folder, action.post ?? '')],
    folder: machine.workspace,
    environment: { ...environment, ...states },
  }
  const { code, values } = await carryOut(running, work, `post-${state.runs.length}`, new AbortController().signal)
  const outcome = code === 0 ? 'success' : 'failure'
  state.runs.push({ id: name, name, outcome, conclusion: outcome, outputs: {}, summary: values.summary, seconds: (performance.now() - started) / 1000 })
  if (code !== 0 && state.status === 'success') state.status = 'failure'
}
