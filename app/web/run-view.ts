import { STAGES, type StageName } from '../../pipeline/stage.ts'
import type { KnownRepository, StoredRun } from '../../pipeline/ports/service-state.ts'
import type { Problem } from '../../pipeline/problem.ts'
import type { JobFacts, WorkflowRunFacts } from '../../pipeline/service/world.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'

/** What the page of a run shows. */
export interface RunView {
  readonly id: string
  /** namespace/name of the plugin, or its folder while the manifest cannot be read. */
  readonly title: string
  /** Page of the repository. */
  readonly repositoryUrl: string
  readonly commit: string
  readonly ref: string
  readonly trust: StoredRun['trust']
  readonly state: StoredRun['state']
  readonly outcome: StoredRun['outcome']
  readonly reason: string | undefined
  readonly created: string
  readonly dispatches: number
  /** Page of the workflow run, for those who may read the control repository. */
  readonly workflowUrl: string | undefined
  readonly stages: readonly StageView[]
}

export interface StageView {
  readonly stage: StageName
  readonly state: 'waiting' | 'running' | 'passed' | 'failed' | 'error' | 'skipped' | 'reused' | 'unknown'
  readonly reason: string
  readonly jobs: readonly JobView[]
  readonly seconds: number | undefined
  readonly problems: readonly Problem[]
}

/** A job that runs. */
export interface JobView {
  readonly name: string
  readonly machine: string | undefined
  readonly step: string | undefined
  readonly started: string | undefined
}

export interface RunSources {
  readonly run: StoredRun
  readonly repository: Pick<KnownRepository, 'owner' | 'name'>
  /** `https://github.com` */
  readonly githubUrl: string
  readonly records: readonly StageRecord[]
  /** Undefined: not dispatched yet, or GitHub cannot be asked at the moment. */
  readonly workflow: WorkflowRunFacts | undefined
}

/** Puts together what is known of a run: its plan, what the machines do now, what they have delivered. */
export function viewRun({ run, repository, githubUrl, records, workflow }: RunSources): RunView {
  const { plan } = run
  return {
    id: run.id,
    title: plan.name ?? (run.path === '' ? repository.name : run.path),
    repositoryUrl: `${githubUrl}/${repository.owner}/${repository.name}`,
    commit: run.commit,
    ref: run.ref,
    trust: run.trust,
    state: run.state,
    outcome: run.outcome,
    reason: run.reason,
    created: run.created,
    dispatches: run.dispatches,
    workflowUrl: workflow === undefined || workflow.status === 'missing' ? undefined : URL.parse(workflow.url)?.href,
    stages: plan.stages.map((planned) => {
      const record = records.find(({ stage, details }) => stage === planned.stage && !(details.kind === 'build' && details.part === true))
      const jobs = (workflow?.jobs ?? []).filter(({ name }) => stageOfJob(name) === planned.stage)
      return {
        stage: planned.stage,
        state: planned.kind === 'skip' ? 'skipped' : planned.kind === 'reuse' ? 'reused' : (record?.outcome ?? stateOf(jobs, run.state)),
        // Why it was to run is of no interest any more.
        reason: planned.kind === 'run' ? (record?.reason ?? '') : planned.reason,
        jobs: jobs.filter(({ status }) => status === 'in_progress').map(viewJob),
        seconds: record === undefined ? undefined : Math.max(0, (Date.parse(record.ended) - Date.parse(record.started)) / 1000),
        problems: record?.problems ?? [],
      }
    }),
  }
}

/** Of `pipeline / build / linux/arm64`: build. The job `plan` validates. */
function stageOfJob(name: string): StageName | undefined {
  const parts = name.split(' / ')
  return parts.includes('plan') ? 'validate' : STAGES.find((stage) => parts.includes(stage))
}

/** Without a record: what the jobs show. GitHub says nothing of what a stage has found. */
function stateOf(jobs: readonly JobFacts[], run: StoredRun['state']): StageView['state'] {
  if (jobs.some(({ status }) => status === 'in_progress')) return 'running'
  if (run !== 'ended' && !jobs.every(({ status }) => status === 'completed')) return 'waiting'
  if (jobs.length > 0 && jobs.every(({ conclusion }) => conclusion === 'skipped')) return 'skipped'
  return run === 'ended' ? 'unknown' : jobs.length === 0 ? 'waiting' : 'running'
}

function viewJob({ name, runner, step, started }: JobFacts): JobView {
  return { name, machine: runner ?? undefined, step: step ?? undefined, started: started ?? undefined }
}
