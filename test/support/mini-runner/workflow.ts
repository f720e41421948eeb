import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readPermissions, type Permissions } from './permissions.ts'
import { asMap, asText, asTexts, isMap, parseWorkflowFile, type Template, type TemplateMap } from './template.ts'

/** A repository at the commit that is used of it. */
export interface HostedRepository {
  /** `owner/name`. */
  readonly name: string
  readonly folder: string
  readonly commit: string
}

interface Declaration {
  readonly required: boolean
  readonly type?: string
  readonly default?: Template
}

export interface Step {
  readonly id: string | undefined
  readonly name: Template | undefined
  readonly condition: Template | undefined
  readonly uses: string | undefined
  readonly run: Template | undefined
  readonly shell: string | undefined
  readonly workingDirectory: Template | undefined
  readonly inputs: TemplateMap
  readonly env: Template | undefined
  readonly continueOnError: Template | undefined
  readonly timeoutMinutes: Template | undefined
}

export interface Job {
  readonly id: string
  readonly name: Template | undefined
  readonly needs: readonly string[]
  readonly condition: Template | undefined
  readonly permissions: Permissions | undefined
  readonly concurrency: Template | undefined
  readonly strategy: TemplateMap
  readonly env: Template | undefined
  readonly outputs: TemplateMap
  readonly continueOnError: Template | undefined
  readonly timeoutMinutes: Template | undefined
  readonly runsOn: Template | undefined
  readonly steps: readonly Step[]
  /** The workflow that it calls. */
  readonly uses: string | undefined
  readonly inputs: TemplateMap
  readonly secrets: Template | undefined
}

/** A workflow of a repository. */
export interface Workflow {
  readonly repository: HostedRepository
  /** Such as `.github/workflows/ci.yml`. */
  readonly path: string
  readonly name: string
  readonly events: readonly string[]
  /** Whether other workflows may call it, and with what. */
  readonly callable: boolean
  readonly inputs: Readonly<Record<string, Declaration>>
  readonly secrets: Readonly<Record<string, Declaration>>
  readonly outputs: TemplateMap
  readonly permissions: Permissions | undefined
  readonly concurrency: Template | undefined
  readonly env: Template | undefined
  readonly jobs: readonly Job[]
  /** What GitHub's parser says against it. */
  readonly errors: readonly string[]
}

/** Reads a workflow of a repository; throws when there is none. */
export async function readWorkflow(repository: HostedRepository, path: string): Promise<Workflow> {
  const { root, errors } = await parseWorkflowFile(path, await readFile(join(repository.folder, path), 'utf8'))
  const on = root['on']
  const call = asMap(asMap(on)['workflow_call'])
  const events = isMap(on) ? Object.keys(on) : asTexts(on)
  return {
    repository,
    path,
    name: asText(root['name']) ?? path,
    events,
    callable: events.includes('workflow_call'),
    inputs: readDeclarations(
      isMap(on) && events.includes('workflow_dispatch') && !events.includes('workflow_call') ? asMap(on['workflow_dispatch'])['inputs'] : call['inputs'],
    ),
    secrets: readDeclarations(call['secrets']),
    outputs: Object.fromEntries(Object.entries(asMap(call['outputs'])).map(([name, output]) => [name, asMap(output)['value'] ?? null])),
    permissions: readPermissions(root['permissions']),
    concurrency: root['concurrency'],
    env: root['env'],
    jobs: Object.entries(asMap(root['jobs'])).map(([id, job]) => readJob(id, asMap(job), asMap(asMap(root['defaults'])['run']))),
    errors: errors.map((error) => `${repository.name}/${path}: ${error}`),
  }
}

function readDeclarations(template: Template | undefined): Readonly<Record<string, Declaration>> {
  return Object.fromEntries(
    Object.entries(asMap(template)).map(([name, declaration]) => {
      const { required, type, default: value } = asMap(declaration)
      return [name, { required: required === true, ...(typeof type === 'string' && { type }), ...(value !== undefined && { default: value }) }]
    }),
  )
}

function readJob(id: string, job: TemplateMap, workflowDefaults: TemplateMap): Job {
  const defaults = { ...workflowDefaults, ...asMap(asMap(job['defaults'])['run']) }
  return {
    id,
    name: job['name'],
    needs: asTexts(job['needs']),
    condition: job['if'],
    permissions: readPermissions(job['permissions']),
    concurrency: job['concurrency'],
    strategy: asMap(job['strategy']),
    env: job['env'],
    outputs: asMap(job['outputs']),
    continueOnError: job['continue-on-error'],
    timeoutMinutes: job['timeout-minutes'],
    runsOn: job['runs-on'],
    steps: Array.isArray(job['steps']) ? job['steps'].map((step: Template) => readStep(asMap(step), defaults)) : [],
    uses: asText(job['uses']),
    inputs: asMap(job['with']),
    secrets: job['secrets'],
  }
}

function readStep(step: TemplateMap, defaults: TemplateMap): Step {
  return {
    id: asText(step['id']),
    name: step['name'],
    condition: step['if'],
    uses: asText(step['uses']),
    run: step['run'],
    shell: asText(step['shell'] ?? defaults['shell']),
    workingDirectory: step['working-directory'] ?? defaults['working-directory'],
    inputs: asMap(step['with']),
    env: step['env'],
    continueOnError: step['continue-on-error'],
    timeoutMinutes: step['timeout-minutes'],
  }
}

/** What `uses:` names: a repository and a path in it. `undefined` as the repository: the one that the file itself is in. */
export interface Reference {
  readonly repository: string | undefined
  readonly path: string
  /** `./`: of the files that the job has checked out. */
  readonly local: boolean
}

/** Reads the `uses:` of a job or a step; throws on what the mini-runner cannot run. */
export function readReference(uses: string): Reference {
  if (uses.startsWith('$/')) {
    if (uses.includes('@')) throw new Error(`'${uses}': a reference to the own repository takes no version`)
    return { repository: undefined, path: uses.slice(2), local: false }
  }
  if (uses.startsWith('./')) return { repository: undefined, path: uses.slice(2), local: true }
  const match = /^(?<repository>[^/@:]+\/[^/@:]+)(?:\/(?<path>[^@]+))?@(?<ref>[^@]+)$/.exec(uses)
  if (match?.groups === undefined) throw new Error(`'${uses}' is no reference that the mini-runner knows`)
  return { repository: match.groups['repository'], path: match.groups['path'] ?? '', local: false }
}
