import { isMap, isScalar, parse, parseDocument, type Pair } from 'yaml'

/** A workflow's file name and text. */
export interface WorkflowSource {
  readonly file: string
  readonly text: string
}

/** A right of one job, with the reason that stands beside it as a comment. */
export interface JobPermission {
  readonly file: string
  readonly job: string
  readonly scope: string
  readonly access: string
  /** Empty where there is no comment. */
  readonly reason: string
  /** The job hands the plugin to something that runs it: training, Dockerfile, image. */
  readonly runsPlugin: boolean
}

interface Call {
  readonly inputs?: Readonly<Record<string, { readonly required?: boolean; readonly default?: string | number | boolean; readonly description: string }>>
  readonly outputs?: Readonly<Record<string, { readonly description: string }>>
}

const BEGIN = '<!-- generated from reusable-workflows/ by `npm run generate` -->'
const RUNS_PLUGIN = /"[.$]\/actions\/(?:train|build|virtual|node)"/

/** docs/workflows.md with permissions, inputs and outputs made anew; what stands before them is written by hand. */
export function renderWorkflowsPage(page: string, workflows: readonly WorkflowSource[]): string {
  const sorted = workflows.toSorted((a, b) => (a.file < b.file ? -1 : 1))
  const before = page.slice(0, page.indexOf(BEGIN) + BEGIN.length)
  return `${[before, renderPermissions(sorted.flatMap(readJobPermissions)), '## Reference', ...sorted.flatMap(renderCall)].join('\n\n')}\n`
}

/** What the jobs of a workflow that have steps may do. A job that calls a workflow has no token of its own: it only limits what the called jobs ask for. */
export function readJobPermissions({ file, text }: WorkflowSource): readonly JobPermission[] {
  const jobs = parseDocument(text).get('jobs')
  if (!isMap(jobs)) return []
  return jobs.items.flatMap(({ key, value: job }) => {
    const permissions = isMap(job) && job.has('steps') ? job.get('permissions') : undefined
    if (!isMap(job) || !isMap(permissions)) return []
    const runsPlugin = RUNS_PLUGIN.test(JSON.stringify(job))
    return permissions.items.map((item) => ({ file, job: String(key), runsPlugin, ...readPermission(item) }))
  })
}

function readPermission({ key, value }: Pair): Pick<JobPermission, 'scope' | 'access' | 'reason'> {
  return { scope: String(key), access: String(value), reason: isScalar(value) ? (value.comment ?? '').trim() : '' }
}

function renderPermissions(permissions: readonly JobPermission[]): string {
  const rows = permissions.map(
    ({ file, job, scope, access, reason, runsPlugin }) => `| ${file} | ${job} | ${runsPlugin ? 'yes' : ''} | \`${scope}: ${access}\` | ${reason} |`,
  )
  return ['| workflow | job | runs code of the plugin | may | why |', '|:--|:--|:--|:--|:--|', ...rows].join('\n')
}

/** Inputs and outputs of a workflow that others may call. */
function renderCall({ file, text }: WorkflowSource): readonly string[] {
  const { on } = parse(text) as { readonly on: { readonly workflow_call?: Call } }
  if (on.workflow_call === undefined) return []
  const { inputs = {}, outputs = {} } = on.workflow_call
  const sentence = /^(?:# .*\n)+/.exec(text)?.[0].replaceAll(/^# /gm, '').trim().replaceAll('\n', ' ') ?? ''
  const rows = Object.entries(inputs).map(
    ([name, input]) => `| \`${name}\` | ${input.required ? 'required' : renderDefault(input.default)} | ${escapeCell(input.description)} |`,
  )
  const results = Object.entries(outputs).map(([name, { description }]) => `| \`${name}\` | ${escapeCell(description)} |`)
  return [
    `### ${file}`,
    sentence,
    ['| input | default | |', '|:--|:--|:--|', ...rows].join('\n'),
    ...(results.length > 0 ? [['| output | |', '|:--|:--|', ...results].join('\n')] : []),
  ]
}

function renderDefault(value: string | number | boolean | undefined): string {
  return value === undefined || value === '' ? '' : `\`${value}\``
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|')
}
