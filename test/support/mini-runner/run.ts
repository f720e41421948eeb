import { randomInt } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkWorkflow, readCalledWorkflow } from './check.ts'
import { fill, fillText, fillTexts, holds, type Contexts, type Status } from './expressions.ts'
import { StartupFailure, type Conclusion, type JobRun, type MiniGitHub, type WorkflowRun } from './github.ts'
import { runJob } from './job.ts'
import { readStrategy } from './matrix.ts'
import { RESTRICTED, restrictToReading, type Permissions } from './permissions.ts'
import { asTexts, isMap, type Template, type Value } from './template.ts'
import type { Trigger } from './trigger.ts'
import { readWorkflow, type Job, type Workflow } from './workflow.ts'

const SERVER = 'https://github.com'
const MACHINES = 2

export interface RunOptions {
  /** Such as `.github/workflows/ci.yml`, in the repository in which it happened. */
  readonly workflow: string
  readonly signal?: AbortSignal
  readonly attempt?: number
  /** A number at random without it. */
  readonly runId?: string
}

/** Runs a workflow of the repository in which something happened. Throws a StartupFailure when GitHub would not start it. */
export async function runWorkflow(
  github: MiniGitHub,
  trigger: Trigger,
  { workflow: path, signal, attempt = 1, runId = String(randomInt(1_000_000, 9_999_999_999)) }: RunOptions,
): Promise<WorkflowRun> {
  const repository = github.repositories[trigger.repository]
  if (repository === undefined) throw new Error(`there is no repository ${trigger.repository}`)
  const { refusals } = await checkWorkflow(github, repository, path)
  const workflow = await readWorkflow(repository, path)
  const deaf = workflow.events.includes(trigger.event) ? [] : [`${path} does not run on ${trigger.event}`]
  if (refusals.length + deaf.length > 0) throw new StartupFailure([...refusals, ...deaf])

  const artifacts = join(github.folder, 'artifacts', runId)
  const eventFile = join(github.folder, `event-${runId}.json`)
  await mkdir(artifacts, { recursive: true })
  await writeFile(eventFile, JSON.stringify(trigger.payload))
  const log: string[] = []
  const cancel = new AbortController()
  const run: Run = {
    github: trigger.fork ? { ...github, secrets: {} } : github,
    trigger,
    runId,
    context: githubContext(github, trigger, workflow, { runId, attempt, eventFile }),
    environment: runEnvironment(github, trigger, workflow, { runId, attempt, eventFile }),
    signal: AbortSignal.any([cancel.signal, ...(signal === undefined ? [] : [signal])]),
    machines: makeGate(github.machines ?? MACHINES),
    jobs: [],
    onLine: (line) => {
      log.push(line)
      github.onLine?.(line)
    },
  }
  const inputs = Object.fromEntries(
    Object.entries(workflow.inputs).map(([name, { default: value, type }]) => [
      name,
      convert((trigger.payload['inputs'] as Record<string, Value> | undefined)?.[name] ?? (value as Value) ?? '', type),
    ]),
  )
  const { conclusion, outputs } = await runCalled(
    {
      run,
      workflow,
      inputs,
      secrets: run.github.secrets ?? {},
      allowed: github.defaultPermissions ?? RESTRICTED,
      ids: [],
      names: [],
      signal: run.signal,
      ancestors: [],
    },
    { name: runId, cancel: () => cancel.abort() },
  )
  return { conclusion, runId, jobs: run.jobs, outputs, log, artifacts }
}

interface Run {
  readonly github: MiniGitHub
  readonly trigger: Trigger
  readonly runId: string
  readonly context: Readonly<Record<string, Value>>
  readonly environment: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly machines: Gate
  readonly jobs: JobRun[]
  readonly onLine: (line: string) => void
}

/** One workflow of the run: the first, or one that a job calls. */
interface Scope {
  readonly run: Run
  readonly workflow: Workflow
  readonly inputs: Readonly<Record<string, Value>>
  readonly secrets: Readonly<Record<string, string>>
  readonly allowed: Permissions
  /** Ids and names of the jobs that led here. */
  readonly ids: readonly string[]
  readonly names: readonly string[]
  readonly signal: AbortSignal
  /** How the jobs ended that came before the one that calls it. */
  readonly ancestors: readonly Conclusion[]
}

interface Ending {
  readonly conclusion: Conclusion
  readonly outputs: Readonly<Record<string, string>>
}

const SKIPPED: Ending = { conclusion: 'skipped', outputs: {} }
const CANCELLED: Ending = { conclusion: 'cancelled', outputs: {} }

/** Waits for its turn where the workflow or job names a concurrency group, then does it. */
async function inTurn(
  scope: Scope,
  template: Template | undefined,
  contexts: Contexts,
  self: { name: string; cancel: () => void },
  work: () => Promise<Ending>,
): Promise<Ending> {
  const { concurrency } = scope.run.github
  if (template === undefined || concurrency === undefined) return work()
  const { group, cancels } = isMap(template)
    ? { group: fillText(template['group'] ?? '', contexts), cancels: fill(template['cancel-in-progress'] ?? false, contexts) === true }
    : { group: fillText(template, contexts), cancels: false }
  const leave = await concurrency.enter(self.name, group.toLowerCase(), cancels, self.cancel)
  if (leave === undefined) return CANCELLED
  try {
    return await work()
  } finally {
    leave()
  }
}

async function runCalled(scope: Scope, self: { name: string; cancel: () => void }): Promise<Ending> {
  const { run, workflow, inputs } = scope
  const contexts = { github: run.context, inputs, vars: run.github.variables ?? {} }
  return inTurn(scope, workflow.concurrency, contexts, self, async () => {
    const endings = await runJobs(scope)
    const conclusions = [...endings.values()].map(({ conclusion }) => conclusion)
    const jobs = Object.fromEntries([...endings].map(([id, { conclusion, outputs }]) => [id, { result: conclusion, outputs }]))
    return { conclusion: conclude(conclusions), outputs: fillTexts(workflow.outputs, { ...contexts, jobs }) }
  })
}

function conclude(conclusions: readonly Conclusion[]): Conclusion {
  if (conclusions.includes('failure')) return 'failure'
  if (conclusions.includes('cancelled')) return 'cancelled'
  return conclusions.length > 0 && conclusions.every((conclusion) => conclusion === 'skipped') ? 'skipped' : 'success'
}

async function runJobs(scope: Scope): Promise<ReadonlyMap<string, Ending>> {
  const { jobs } = scope.workflow
  const started = new Map<string, Promise<Ending>>()
  const start = async (job: Job): Promise<Ending> => {
    const known = started.get(job.id)
    if (known !== undefined) return known
    const ending = (async () => {
      const ancestors = ancestorsOf(jobs, job)
      const endings = new Map<string, Ending>()
      for (const ancestor of ancestors) endings.set(ancestor.id, await start(ancestor))
      return runOneJob(scope, job, endings)
    })()
    started.set(job.id, ending)
    return ending
  }
  const endings = await Promise.all(jobs.map(async (job) => [job.id, await start(job)] as const))
  return new Map(endings)
}

/** Every job that has to end before this one, not only those that it names. */
function ancestorsOf(jobs: readonly Job[], job: Job): readonly Job[] {
  const found = new Map<string, Job>()
  const visit = (id: string): void => {
    const need = jobs.find((other) => other.id === id)
    if (need === undefined || found.has(id)) return
    found.set(id, need)
    need.needs.forEach(visit)
  }
  job.needs.forEach(visit)
  return [...found.values()]
}

/**
 * What the status functions say before a job: they look at everything that came before it, a job that was skipped counts as no success (actions/runner#491, #2205), and what
 * came before the job that called the workflow is held to count too, which is not written anywhere.
 */
function statusBefore(conclusions: readonly Conclusion[], cancelled: boolean): Status {
  return { success: !cancelled && conclusions.every((conclusion) => conclusion === 'success'), failure: conclusions.includes('failure'), cancelled }
}

async function runOneJob(scope: Scope, job: Job, before: ReadonlyMap<string, Ending>): Promise<Ending> {
  const { run, workflow } = scope
  const needs = Object.fromEntries(job.needs.map((id) => [id, { result: before.get(id)?.conclusion ?? 'skipped', outputs: before.get(id)?.outputs ?? {} }]))
  const contexts = { github: run.context, inputs: scope.inputs, vars: run.github.variables ?? {}, needs }
  const conclusions = [...scope.ancestors, ...[...before.values()].map(({ conclusion }) => conclusion)]
  if (!holds(job.condition, contexts, statusBefore(conclusions, scope.signal.aborted))) return leaveOut(scope, job, scope.signal.aborted ? CANCELLED : SKIPPED)

  const { combinations, failFast, maxParallel } = readStrategy(job.strategy, contexts)
  // GitHub: "Matrix must define at least one vector".
  if (combinations.length === 0) return leaveOut(scope, job, { conclusion: 'failure', outputs: {} })
  const gate = makeGate(maxParallel)
  const stop = new AbortController()
  // A job that runs in spite of a cancellation is not ended by it.
  const outer = scope.signal.aborted ? [] : [scope.signal]
  const signal = AbortSignal.any([stop.signal, ...outer])
  const env = fillTexts(workflow.env, { ...contexts, secrets: scope.secrets })
  const endings = await Promise.all(
    combinations.map(async (matrix, index) =>
      gate(async () => {
        if (signal.aborted) return CANCELLED
        const strategy = {
          'fail-fast': failFast,
          'job-index': index,
          'job-total': combinations.length,
          'max-parallel': Math.min(maxParallel, combinations.length),
        }
        const legContexts = { ...contexts, matrix, strategy }
        const cancel = new AbortController()
        const leg = { ...scope, signal: AbortSignal.any([signal, cancel.signal]), ancestors: conclusions }
        const self = { name: `${run.runId}/${[...scope.ids, job.id].join('/')}/${index}`, cancel: () => cancel.abort() }
        const ending = await inTurn(scope, job.concurrency, legContexts, self, async () => runLeg(leg, job, { matrix, contexts: legContexts, env, self }))
        if (ending.conclusion === 'failure' && failFast) stop.abort()
        return ending
      }),
    ),
  )
  // Of several combinations, each output is that of the last one that gave it a value.
  const outputs = Object.assign(
    {},
    ...endings.map((ending) => Object.fromEntries(Object.entries(ending.outputs).filter(([, value]) => value !== ''))),
  ) as Record<string, string>
  return { conclusion: conclude(endings.map(({ conclusion }) => conclusion)), outputs }
}

/** A job that does not run; of one that calls a workflow, GitHub shows none of its jobs. */
function leaveOut({ run, ids, names }: Scope, job: Job, ending: Ending): Ending {
  const left = {
    id: [...ids, job.id].join('/'),
    name: [...names, job.id].join(' / '),
    matrix: {},
    permissions: {},
    labels: [],
    outputs: {},
    steps: [],
    annotations: [],
    orphans: [],
    processes: [],
    seconds: 0,
  }
  run.jobs.push({ ...left, conclusion: ending.conclusion })
  run.onLine(`${left.name}: ${ending.conclusion}`)
  return ending
}

interface Leg {
  readonly matrix: Readonly<Record<string, Value>>
  readonly contexts: Contexts
  readonly env: Readonly<Record<string, string>>
  readonly self: { readonly name: string; readonly cancel: () => void }
}

async function runLeg(scope: Scope, job: Job, { matrix, contexts, env, self }: Leg): Promise<Ending> {
  const { run, workflow } = scope
  const values = Object.values(matrix).filter((value) => typeof value !== 'object')
  const name = job.name === undefined ? `${job.id}${values.length === 0 ? '' : ` (${values.join(', ')})`}` : fillText(job.name, contexts)
  const ids = [...scope.ids, job.id]
  const names = [...scope.names, name]
  const permissions = job.permissions ?? workflow.permissions ?? scope.allowed
  const secretContexts = { ...contexts, secrets: { ...scope.secrets, GITHUB_TOKEN: '' } }
  if (job.uses !== undefined) {
    const called = await readCalledWorkflow(run.github, workflow, job.uses)
    const secrets = job.secrets === 'inherit' ? scope.secrets : fillTexts(job.secrets, secretContexts)
    const inputs = Object.entries(called.inputs).map(([input, { type, default: value }]) => {
      const given = job.inputs[input]
      return [input, convert(given === undefined ? fill(value ?? '', contexts) : fill(given, contexts), type)]
    })
    return runCalled(
      { ...scope, workflow: called, inputs: Object.fromEntries(inputs) as Record<string, Value>, secrets, allowed: permissions, ids, names },
      self,
    )
  }
  const granted = run.trigger.fork ? restrictToReading(permissions) : permissions
  const token = (await run.github.issueToken?.(granted)) ?? `ghs_${run.runId}${run.jobs.length}`
  const { repository, path } = workflow
  const labels = asTexts(fill(job.runsOn ?? null, contexts) as Template)
  const host = await run.github.hostJob?.({ name: names.join(' / '), workflow: `${repository.name}/${path}@${repository.commit}`, labels })
  return run.machines(async () => {
    run.onLine(`${names.join(' / ')}: starts`)
    await host?.start()
    const ended = await runJob({
      github: run.github,
      workflow,
      job,
      id: ids.join('/'),
      name: names.join(' / '),
      matrix,
      permissions: granted,
      contexts: { ...contexts, github: { ...run.context, job: job.id, token }, secrets: { ...scope.secrets, GITHUB_TOKEN: token } },
      env: { ...env, ...fillTexts(job.env, { ...contexts, secrets: scope.secrets, env }) },
      environment: { ...run.environment, ...host?.environment },
      ...(host && { onStep: host.step, tokenService: host.tokenService }),
      signal: scope.signal,
      onLine: (line) => run.onLine(`${names.join(' / ')} | ${line}`),
    })
    run.jobs.push(ended)
    await host?.complete(ended.conclusion)
    run.onLine(`${ended.name}: ${ended.conclusion}`)
    return { conclusion: ended.conclusion, outputs: ended.outputs }
  })
}

/** What is given for an input, as its type has it; throws as GitHub does when it cannot be that. */
function convert(value: Value, type: string | undefined): Value {
  if (type === 'boolean') {
    if (typeof value === 'boolean') return value
    if (value === '' || value === 'false') return false
    if (value === 'true') return true
    throw new Error(`The template is not valid. Unexpected value '${JSON.stringify(value)}': not a boolean`)
  }
  if (type === 'number') return typeof value === 'number' ? value : Number(value)
  return typeof value === 'object' && value !== null ? value : value === null ? '' : String(value)
}

type Gate = <T>(work: () => Promise<T>) => Promise<T>

/** Lets so many through at once. */
function makeGate(places: number): Gate {
  let free = places
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => void waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}

interface RunFacts {
  readonly runId: string
  readonly attempt: number
  readonly eventFile: string
}

function githubContext(github: MiniGitHub, trigger: Trigger, workflow: Workflow, { runId, attempt, eventFile }: RunFacts): Readonly<Record<string, Value>> {
  const environment = runEnvironment(github, trigger, workflow, { runId, attempt, eventFile })
  const names = Object.entries(environment).filter(([name]) => name.startsWith('GITHUB_'))
  return {
    ...Object.fromEntries(names.map(([name, value]) => [name.slice('GITHUB_'.length).toLowerCase(), value])),
    event: trigger.payload,
    run_attempt: String(attempt),
  }
}

function runEnvironment(github: MiniGitHub, trigger: Trigger, workflow: Workflow, { runId, attempt, eventFile }: RunFacts): Readonly<Record<string, string>> {
  const { repository, ref, commit, actor } = trigger
  return {
    GITHUB_ACTOR: actor,
    GITHUB_ACTOR_ID: '7',
    GITHUB_API_URL: github.environment['GITHUB_API_URL'] ?? 'https://api.github.com',
    GITHUB_BASE_REF: trigger.baseRef,
    GITHUB_EVENT_NAME: trigger.event,
    GITHUB_EVENT_PATH: eventFile,
    GITHUB_GRAPHQL_URL: 'https://api.github.com/graphql',
    GITHUB_HEAD_REF: trigger.headRef,
    GITHUB_REF: ref,
    GITHUB_REF_NAME: ref.replace(/^refs\/(?:heads|tags|pull)\//, ''),
    GITHUB_REF_PROTECTED: 'false',
    GITHUB_REF_TYPE: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    GITHUB_REPOSITORY: repository,
    GITHUB_REPOSITORY_ID: '7001',
    GITHUB_REPOSITORY_OWNER: repository.split('/')[0] ?? '',
    GITHUB_REPOSITORY_OWNER_ID: '7',
    GITHUB_RETENTION_DAYS: '90',
    GITHUB_RUN_ATTEMPT: String(attempt),
    GITHUB_RUN_ID: runId,
    GITHUB_RUN_NUMBER: '1',
    GITHUB_SERVER_URL: SERVER,
    GITHUB_SHA: commit,
    GITHUB_TRIGGERING_ACTOR: actor,
    GITHUB_WORKFLOW: workflow.name,
    GITHUB_WORKFLOW_REF: `${repository}/${workflow.path}@${ref}`,
    GITHUB_WORKFLOW_SHA: commit,
  }
}
