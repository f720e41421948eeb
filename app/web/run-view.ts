import { STAGES, type StageName } from '../../pipeline/stage.ts'
import type { KnownRepository, StoredRun } from '../../pipeline/ports/service-state.ts'
import type { Problem } from '../../pipeline/problem.ts'
import { secondsOfRecord } from '../../pipeline/record-seconds.ts'
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
  /** `dispatched` until the first job of a stage works. */
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
  /** `done`: its jobs have ended; what they have found comes with the end of the run. */
  readonly state: 'waiting' | 'running' | 'done' | 'passed' | 'failed' | 'error' | 'skipped' | 'reused' | 'unknown'
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
  const isBegun = (workflow?.jobs ?? []).some(({ status }) => status === 'in_progress')
  return {
    id: run.id,
    title: plan.name ?? (run.path === '' ? repository.name : run.path),
    repositoryUrl: `${githubUrl}/${repository.owner}/${repository.name}`,
    commit: run.commit,
    ref: run.ref,
    trust: run.trust,
    // The state is moved when GitHub tells of it, which may be later than it can be seen.
    state: run.state === 'dispatched' && isBegun ? 'running' : run.state,
    outcome: run.outcome,
    reason: run.reason,
    created: run.created,
    dispatches: run.dispatches,
    workflowUrl: workflow === undefined || workflow.status === 'missing' ? undefined : URL.parse(workflow.url)?.href,
    stages: plan.stages.map((planned, index) => {
      const record = records.find(({ stage, details }) => stage === planned.stage && !(details.kind === 'build' && details.part === true))
      const jobs = (workflow?.jobs ?? []).filter(({ name }) => stageOfJob(name) === planned.stage)
      const state = stateOf(planned, record, jobs, run.state)
      const stopper =
        state === 'unknown' ? plan.stages.slice(0, index).find(({ stage }) => records.some((one) => one.stage === stage && hasStopped(one))) : undefined
      return {
        stage: planned.stage,
        state: stopper === undefined ? state : 'skipped',
        reason: stopper === undefined ? reasonOf(planned, record) : `${stopper.stage} did not pass`,
        jobs: jobs.filter(({ status }) => status === 'in_progress').map((job) => viewJob(job, planned.stage)),
        seconds: record === undefined ? undefined : secondsOfRecord(record),
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

type PlannedStage = StoredRun['plan']['stages'][number]

/** The service validates a commit before it makes a run of it; the jobs are given the result. */
function isJudgedBefore({ stage, kind }: PlannedStage): boolean {
  return stage === 'validate' && kind === 'reuse'
}

/** Why it was to run is of no interest any more, nor that the commit was judged before the run was made. */
function reasonOf(planned: PlannedStage, record: StageRecord | undefined): string {
  if (planned.kind === 'run') return record?.reason ?? ''
  return isJudgedBefore(planned) ? '' : planned.reason
}

function hasStopped({ outcome }: StageRecord): boolean {
  return outcome === 'failed' || outcome === 'error'
}

function stateOf(planned: PlannedStage, record: StageRecord | undefined, jobs: readonly JobFacts[], run: StoredRun['state']): StageView['state'] {
  if (planned.kind === 'skip') return 'skipped'
  if (isJudgedBefore(planned)) return planned.record?.outcome ?? 'passed'
  return planned.kind === 'reuse' ? 'reused' : (record?.outcome ?? stateOfJobs(jobs, run))
}

/** Without a record: what the jobs show. GitHub says nothing of what a stage has found. */
function stateOfJobs(jobs: readonly JobFacts[], run: StoredRun['state']): StageView['state'] {
  if (jobs.some(({ status }) => status === 'in_progress')) return 'running'
  if (run !== 'ended' && !jobs.every(({ status }) => status === 'completed')) return 'waiting'
  if (jobs.length > 0 && jobs.every(({ conclusion }) => conclusion === 'skipped')) return 'skipped'
  if (run === 'ended') return 'unknown'
  return jobs.length === 0 ? 'waiting' : 'done'
}

/** From the stage on: GitHub puts the jobs before it that call one another, which are the same in every name. */
function viewJob({ name, runner, step, started }: JobFacts, stage: StageName): JobView {
  const parts = name.split(' / ')
  return {
    name: parts.slice(Math.max(0, parts.indexOf(stage))).join(' / '),
    machine: runner ?? undefined,
    step: step ?? undefined,
    started: started ?? undefined,
  }
}
