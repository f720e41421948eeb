import type { Environment, Problem, StageRecord, Subject } from '../schemas/generated/types.ts'
import type { Digest, Json } from './digest.ts'
import { Failure } from './failure.ts'
import { keyOf } from './key.ts'
import type { Pipeline } from './pipeline.ts'
import { planStage, type PlanOptions, type StagePlan } from './plan.ts'
import type { BlobStore } from './ports/blob-store.ts'
import type { Clock } from './ports/clock.ts'
import type { Progress } from './ports/progress.ts'
import type { Records } from './ports/records.ts'
import type { RepositoryTree } from './ports/repository-tree.ts'
import { hasErrors } from './problem.ts'
import { STAGES, type StageContext, type StageName, type StageResult } from './stage.ts'

/** What became of one stage in one run. */
export interface StageSummary {
  readonly stage: StageName
  readonly outcome: StageRecord['outcome']
  /** False: skipped, or its record was reused. */
  readonly ran: boolean
  readonly seconds: number
  readonly key: Digest | null
  readonly reason?: string
  /** The record's problems, and those of gates decided in this run. */
  readonly problems: readonly Problem[]
  readonly record?: StageRecord
}

/** What the stage scripts see of the run so far. */
export interface RunState {
  readonly subject: Subject
  readonly tree: RepositoryTree
  /** Undefined: the manifest cannot be read. */
  readonly pipeline: Pipeline | undefined
  readonly summaries: readonly StageSummary[]
}

/** One stage: what its key is made of, what it does, and what is decided about its record anew in every run. */
export interface StageScript {
  readonly stage: StageName
  /** Everything that can change the outcome; undefined while it is not known (a stage before has left nothing). */
  inputs(run: RunState): Promise<Json | undefined>
  /** Gets what it runs on, which may have to be installed first: that is no part of its time. */
  prepare?(): Promise<void>
  run(run: RunState, context: StageContext): Promise<StageResult>
  /** Gates: problems of this run, whatever the record says. */
  judge?(run: RunState, record: StageRecord): Promise<readonly Problem[]>
  /** Whether the stages before leave something to work on; absent: yes. */
  usable?(run: RunState): boolean
}

/** An empty folder that is removed when the stage ends, however it ends. */
export interface WorkFolder extends AsyncDisposable {
  readonly path: string
}

export interface RunObserver {
  stageStarted(stage: StageName, reason: string): Progress
  stageEnded(summary: StageSummary): void
}

export interface RunPorts {
  readonly tree: RepositoryTree
  readonly records: Records
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly observer: RunObserver
  readonly environment: Environment
  readonly toolVersion: string
  makeWorkFolder(stage: StageName): Promise<WorkFolder>
}

export interface RunRequest {
  readonly subject: Subject
  readonly pipeline: Pipeline | undefined
  readonly options: PlanOptions
  readonly scripts: readonly StageScript[]
  readonly signal: AbortSignal
}

/**
 * Runs every stage but `report`, in order: key, plan, then run, reuse or skip. Problems and failures of a stage end up in its summary;
 * a bug is thrown, and so is a `Failure` `cancelled` once the signal has fired.
 */
export async function runStages(request: RunRequest, ports: RunPorts): Promise<readonly StageSummary[]> {
  const summaries: StageSummary[] = []
  for (const stage of STAGES.filter((name) => name !== 'report')) {
    const run: RunState = { subject: request.subject, tree: ports.tree, pipeline: request.pipeline, summaries: [...summaries] }
    const script = request.scripts.find((candidate) => candidate.stage === stage)
    const summary = await finishStage(stage, script, run, request, ports)
    ports.observer.stageEnded(summary)
    summaries.push(summary)
  }
  return summaries
}

async function finishStage(stage: StageName, script: StageScript | undefined, run: RunState, request: RunRequest, ports: RunPorts): Promise<StageSummary> {
  let started = ports.clock.monotonicMs()
  let key: Digest | null = null
  try {
    request.signal.throwIfAborted()
    key = await computeKey(stage, script, run, request)
    const plan = await planWithRecord(stage, script, key, run, request, ports)
    if (plan.kind === 'run') await script?.prepare?.()
    started = ports.clock.monotonicMs()
    const summary = await act(plan, key, script, run, request, ports)
    return { ...summary, seconds: (ports.clock.monotonicMs() - started) / 1000 }
  } catch (error) {
    if (request.signal.aborted) throw new Failure('cancelled', `cancelled during ${stage}`, { cause: error })
    if (!(error instanceof Failure)) throw error
    const reason = [error.message.replace(/\.$/, ''), error.suggestion].filter(Boolean).join('; ')
    return { stage, outcome: 'error', ran: true, seconds: (ports.clock.monotonicMs() - started) / 1000, key, reason, problems: [] }
  }
}

/** A stage that will be skipped whatever its key gets none: computing one may touch the world. */
async function computeKey(stage: StageName, script: StageScript | undefined, run: RunState, request: RunRequest): Promise<Digest | null> {
  if (script === undefined || skipReason(stage, script, run, request) !== undefined) return null
  const inputs = await script.inputs(run)
  return inputs === undefined ? null : keyOf(stage, inputs)
}

function skipReason(stage: StageName, script: StageScript | undefined, run: RunState, request: RunRequest): string | undefined {
  // Stages before --from may still be reused, so only their record, not known yet, decides.
  if (STAGES.indexOf(stage) < STAGES.indexOf(request.options.from)) return undefined
  const plan = planStage(stage, facts(stage, script, null, undefined, run, request))
  return plan.kind === 'skip' ? plan.reason : undefined
}

async function planWithRecord(
  stage: StageName,
  script: StageScript | undefined,
  key: Digest | null,
  run: RunState,
  request: RunRequest,
  ports: RunPorts,
): Promise<StagePlan> {
  const found = key === null ? undefined : await ports.records.find(key)
  const record = found?.stage === stage && found.outcome === 'passed' ? found : undefined
  return planStage(stage, facts(stage, script, key, record, run, request))
}

function facts(
  stage: StageName,
  script: StageScript | undefined,
  key: Digest | null,
  record: StageRecord | undefined,
  run: RunState,
  request: RunRequest,
): Parameters<typeof planStage>[1] {
  return {
    pipeline: request.pipeline,
    options: request.options,
    keys: key === null ? {} : { [stage]: key },
    records: record === undefined ? {} : { [stage]: record },
    outcomes: Object.fromEntries(run.summaries.map((summary) => [summary.stage, summary.outcome])),
    usable: { [stage]: script?.usable?.(run) ?? true },
  }
}

async function act(
  plan: StagePlan,
  key: Digest | null,
  script: StageScript | undefined,
  run: RunState,
  request: RunRequest,
  ports: RunPorts,
): Promise<StageSummary> {
  const { stage } = plan
  if (plan.kind === 'skip' || script === undefined) return { stage, outcome: 'skipped', ran: false, seconds: 0, key, reason: plan.reason, problems: [] }
  const record = plan.kind === 'reuse' ? plan.record : await runStage(script, key, run, request, ports, plan.reason)
  const judged = (await script.judge?.(run, record)) ?? []
  const problems = [...record.problems, ...judged]
  const outcome = record.outcome === 'passed' && hasErrors(judged) ? 'failed' : record.outcome
  return {
    stage,
    outcome,
    ran: plan.kind === 'run',
    seconds: 0,
    key,
    problems,
    record,
    ...(plan.kind === 'reuse' && { reason: reuseReason(record, request.subject) }),
  }
}

/** A reused record keeps its own commit, and the report says so. */
function reuseReason(record: StageRecord, subject: Subject): string {
  const commit = record.subject.commit?.slice(0, 7)
  const from = commit === undefined || record.subject.commit === subject.commit ? '' : ` at commit ${commit}`
  return `unchanged since the run of ${record.started.slice(0, 19).replace('T', ' ')} UTC${from}`
}

async function runStage(script: StageScript, key: Digest | null, run: RunState, request: RunRequest, ports: RunPorts, reason: string): Promise<StageRecord> {
  const progress = ports.observer.stageStarted(script.stage, reason)
  const started = ports.clock.now()
  await using workFolder = await ports.makeWorkFolder(script.stage)
  const context: StageContext = {
    tree: ports.tree,
    subject: request.subject,
    blobs: ports.blobs,
    clock: ports.clock,
    progress,
    signal: request.signal,
    workFolder: workFolder.path,
    environment: ports.environment,
  }
  const result = await script.run(run, context)
  // What a stage learnt (the digest of a base image, say) may have changed its key.
  const inputs = await script.inputs(run)
  const finalKey = inputs === undefined ? key : keyOf(script.stage, inputs)
  const record = makeRecord(script.stage, result, finalKey, started, request.subject, ports)
  if (finalKey !== null) await ports.records.put(record)
  return record
}

function makeRecord(stage: StageName, result: StageResult, key: Digest | null, started: string, subject: Subject, ports: RunPorts): StageRecord {
  return {
    schema: 'ctss.stage-record/v1',
    stage,
    subject,
    key: key ?? keyOf(stage, null),
    outcome: result.outcome,
    started,
    ended: ports.clock.now(),
    problems: [...result.problems],
    metrics: result.metrics,
    files: [...result.files],
    environment: { ...ports.environment, ...(result.standIns && result.standIns.length > 0 && { standIns: [...result.standIns] }) },
    tool: { name: 'ctss', version: ports.toolVersion },
    details: result.details,
  }
}
