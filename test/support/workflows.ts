import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** A step, as it is written. */
export interface WrittenStep {
  readonly id?: string
  readonly name?: string
  readonly if?: string
  readonly uses?: string
  readonly run?: string
  readonly env?: Readonly<Record<string, string>>
  readonly with?: Readonly<Record<string, unknown>>
}

/** A job, as it is written: with steps, or calling a workflow. */
export interface WrittenJob {
  readonly needs?: string | readonly string[]
  readonly if?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly secrets?: unknown
  readonly permissions?: Readonly<Record<string, string>>
  readonly 'timeout-minutes'?: number | string
  readonly steps?: readonly WrittenStep[]
}

interface WrittenCall {
  readonly inputs?: Readonly<Record<string, { readonly type: string; readonly required?: boolean; readonly default?: unknown; readonly description?: string }>>
  readonly outputs?: Readonly<Record<string, { readonly value: string; readonly description?: string }>>
  readonly secrets?: unknown
}

/** A workflow, as it is written. */
export interface WrittenWorkflow {
  /** Such as `pipeline.yml`. */
  readonly file: string
  readonly text: string
  readonly on: Readonly<Record<string, unknown>> & { readonly workflow_call?: WrittenCall; readonly workflow_dispatch?: WrittenCall }
  readonly permissions?: unknown
  readonly concurrency?: { readonly group: string; readonly 'cancel-in-progress': boolean }
  readonly jobs: Readonly<Record<string, WrittenJob>>
}

/** Our workflows, from their sources. */
export const WORKFLOWS = readWorkflows('reusable-workflows')
/** Those of a plugin that calls ours. */
export const CALLERS = readWorkflows('examples/smoke-detector/.github/workflows')

function readWorkflows(folder: string): readonly WrittenWorkflow[] {
  return readdirSync(folder).map((file) => {
    const text = readFileSync(`${folder}/${file}`, 'utf8')
    return { ...(parse(text) as WrittenWorkflow), file, text }
  })
}

/** One of our workflows; throws when there is none of that name. */
export function workflowNamed(file: string): WrittenWorkflow {
  const found = WORKFLOWS.find((workflow) => workflow.file === file)
  if (found === undefined) throw new Error(`there is no reusable-workflows/${file}`)
  return found
}

/** Every job with the name `pipeline.yml plan`. */
export const JOBS = WORKFLOWS.flatMap((workflow) => Object.entries(workflow.jobs).map(([id, job]) => ({ workflow, id, job, title: `${workflow.file} ${id}` })))

/** Every step of every job. */
export const STEPS = JOBS.flatMap(({ workflow, id, job }) =>
  (job.steps ?? []).map((step, index) => ({ workflow, job, step, title: `${workflow.file} ${id} ${step.name ?? step.uses ?? step.run ?? index}` })),
)

/** The action of ours that a step uses, or the workflow of ours that a job calls; undefined for those of others. */
export function ownName(uses: string | undefined): string | undefined {
  return /^(?:[.$]\/actions\/([\w-]+)|(?:\$|sagecontinuum\/ctss)\/\.github\/workflows\/([\w.-]+?)(?:@v1)?)$/
    .exec(uses ?? '')
    ?.slice(1)
    .find(Boolean)
}

const ACCESS = ['read', 'write']

/** The rights of a job with steps; of one that calls a workflow of ours, those that this one's jobs ask for: GitHub refuses to start with less. */
export function askedFor({ uses, permissions = {} }: WrittenJob): Readonly<Record<string, string>> {
  const called = ownName(uses)
  if (called === undefined) return permissions
  const all = Object.values(workflowNamed(called).jobs).flatMap((job) => Object.entries(askedFor(job)))
  return Object.fromEntries(all.toSorted(([, a], [, b]) => ACCESS.indexOf(a) - ACCESS.indexOf(b)))
}
