import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { readAction } from './action.ts'
import type { MiniGitHub } from './github.ts'
import { covers, findExcess, RESTRICTED, type Access, type Permissions } from './permissions.ts'
import { isMap, type Template, type TemplateMap } from './template.ts'
import { readReference, readWorkflow, type HostedRepository, type Job, type Step, type Workflow } from './workflow.ts'

/** What can be said of a workflow, and of all that it calls, before anything runs. */
export interface Findings {
  /** Why GitHub would not start it. */
  readonly refusals: readonly string[]
  /** What GitHub would start, and what goes wrong then: rights that an action lacks, inputs that it does not know, jobs without a time limit, rights that nothing needs. */
  readonly faults: readonly string[]
}

/** The caller and nine more: docs.github.com, "Limitations of reusable workflows". */
const MAX_LEVELS = 10

/** Looks at a workflow and at everything that it calls, as act does not. */
export async function checkWorkflow(github: MiniGitHub, repository: HostedRepository, path: string): Promise<Findings> {
  const findings = { refusals: [] as string[], faults: [] as string[] }
  const workflow = await readWorkflow(repository, path)
  await visit({ github, findings, chain: [] }, workflow, github.defaultPermissions ?? RESTRICTED, false)
  return findings
}

interface Visit {
  readonly github: MiniGitHub
  readonly findings: { readonly refusals: string[]; readonly faults: string[] }
  /** The workflows that led here. */
  readonly chain: readonly string[]
}

async function visit({ github, findings, chain }: Visit, workflow: Workflow, allowed: Permissions, called: boolean): Promise<void> {
  const place = `${workflow.repository.name}/${workflow.path}`
  findings.refusals.push(...workflow.errors)
  if (chain.includes(place)) return void findings.refusals.push(`${place}: calls itself`)
  if (chain.length >= MAX_LEVELS) return void findings.refusals.push(`${place}: more than ${MAX_LEVELS} levels of workflows`)
  const within = { github, findings, chain: [...chain, place] }
  for (const job of workflow.jobs) {
    const asked = job.permissions ?? workflow.permissions
    const excess = asked === undefined || !called ? [] : findExcess(asked, allowed)
    findings.refusals.push(...excess.map((what) => `${place}: The nested job '${job.id}' is requesting ${what}.`))
    const permissions = asked ?? allowed
    if (job.uses === undefined) await visitJob(within, workflow, job, permissions)
    else await visitCall(within, workflow, job, permissions)
  }
}

/** The workflow that a job calls; throws when there is none. */
export async function readCalledWorkflow(github: MiniGitHub, workflow: Workflow, uses: string): Promise<Workflow> {
  const reference = readReference(uses)
  if (!/^\.github\/workflows\/[^/]+\.ya?ml$/.test(reference.path)) throw new Error(`'${uses}': a workflow that is called lies in .github/workflows itself`)
  const called = await readWorkflow(findRepository(github, workflow.repository, reference.repository), reference.path)
  if (!called.callable) throw new Error(`'${uses}' is not for workflow_call`)
  return called
}

function findRepository(github: MiniGitHub, own: HostedRepository, name: string | undefined): HostedRepository {
  const found = name === undefined ? own : github.repositories[name]
  if (found === undefined) throw new Error(`there is no repository ${name}`)
  return found
}

async function visitCall(within: Visit, workflow: Workflow, job: Job, permissions: Permissions): Promise<void> {
  const { github, findings, chain } = within
  const place = `${chain.at(-1)}: job '${job.id}'`
  let called: Workflow
  try {
    called = await readCalledWorkflow(github, workflow, job.uses ?? '')
  } catch (error) {
    return void findings.refusals.push(`${place}: ${error instanceof Error ? error.message : String(error)}`)
  }
  findings.refusals.push(...compare(`${place}: input`, called.inputs, job.inputs))
  for (const [name, value] of Object.entries(job.inputs)) {
    const type = called.inputs[name]?.type
    if (isLiteral(value) && type !== undefined && typeof value !== type && !(type === 'string' && !isMap(value)))
      findings.refusals.push(`${place}: input '${name}' must be a ${type}`)
  }
  if (job.secrets !== 'inherit') findings.refusals.push(...compare(`${place}: secret`, called.secrets, isMap(job.secrets) ? job.secrets : {}))
  await visit(within, called, permissions, true)
}

function isLiteral(value: Template): boolean {
  return ['boolean', 'number', 'string'].includes(typeof value)
}

function compare(
  what: string,
  declared: Readonly<Record<string, { readonly required: boolean; readonly default?: unknown }>>,
  given: TemplateMap,
): readonly string[] {
  const missing = Object.entries(declared).filter(([name, { required, default: value }]) => required && value === undefined && given[name] === undefined)
  const unknown = Object.keys(given).filter((name) => declared[name] === undefined)
  return [
    ...missing.map(([name]) => `${what} '${name}' is required, but not provided`),
    ...unknown.map((name) => `${what} '${name}' is not defined in the called workflow`),
  ]
}

/** What third-party actions need, as their own READMEs say. Those without a line: nothing. */
const THIRD_PARTY: Readonly<Record<string, Readonly<Record<string, Access>>>> = {
  'actions/checkout': { contents: 'read' },
  'actions/attest-build-provenance': { 'id-token': 'write', attestations: 'write' },
  'github/codeql-action/upload-sarif': { 'security-events': 'write' },
}

async function visitJob({ github, findings, chain }: Visit, workflow: Workflow, job: Job, permissions: Permissions): Promise<void> {
  const place = `${chain.at(-1)}: job '${job.id}'`
  if (job.timeoutMinutes === undefined) findings.faults.push(`${place}: no timeout-minutes`)
  const needed = new Map<string, { readonly access: Access; readonly by: string }[]>()
  for (const step of job.steps) {
    if (step.uses === undefined) continue
    const { name, problems } = await visitAction(github, workflow, step)
    findings.faults.push(...problems.map((problem) => `${place}: ${problem}`))
    const needs = github.needsOf?.(name)?.map(({ scope, access }): readonly [string, Access] => [scope, access]) ?? Object.entries(THIRD_PARTY[name] ?? {})
    for (const [scope, access] of needs) needed.set(scope, [...(needed.get(scope) ?? []), { access, by: name }])
  }
  for (const [scope, uses] of needed)
    for (const { access, by } of uses) if (!covers(permissions, scope, access)) findings.faults.push(`${place}: ${by} needs '${scope}: ${access}'`)
  // What `run:` does with the token cannot be read from here.
  if (job.steps.some((step) => step.run !== undefined)) return
  for (const [scope, access] of Object.entries(permissions))
    if (!(needed.get(scope) ?? []).some((use) => covers({ [scope]: use.access }, scope, access)))
      findings.faults.push(`${place}: nothing needs '${scope}: ${access}'`)
}

/** The folder of the action that a step uses; undefined for one of the files that the job checks out. */
export function findActionFolder(github: MiniGitHub, workflow: Workflow, uses: string): string | undefined {
  const { repository, path, local } = readReference(uses)
  return local ? undefined : join(findRepository(github, workflow.repository, repository).folder, path)
}

async function visitAction(github: MiniGitHub, workflow: Workflow, step: Step): Promise<{ name: string; problems: readonly string[] }> {
  const uses = step.uses ?? ''
  try {
    const { repository, path, local } = readReference(uses)
    const name = [repository ?? workflow.repository.name, path].filter((part) => part !== '').join('/')
    if (local) return { name, problems: [] }
    const folder = findActionFolder(github, workflow, uses) ?? ''
    const action = await readAction(folder)
    await access(join(folder, action.main))
    if (action.post !== undefined) await access(join(folder, action.post))
    const problems = compare(`${uses}: input`, action.inputs, step.inputs)
    return { name, problems: problems.map((problem) => problem.replace('called workflow', 'action')) }
  } catch (error) {
    return { name: uses, problems: [`${uses}: ${error instanceof Error ? error.message : String(error)}`] }
  }
}
