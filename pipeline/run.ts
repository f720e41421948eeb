import type { Environment, Problem, StageRecord, Subject } from '../schemas/generated/types.ts'
import { asDigest, type Digest, type Json } from './digest.ts'
import { Failure } from './failure.ts'
import { keyOf } from './key.ts'
import type { Pipeline } from './pipeline.ts'
import { planStage, stagesBefore, type PlanOptions, type StagePlan } from './plan.ts'
import type { BlobStore } from './ports/blob-store.ts'
import type { Clock } from './ports/clock.ts'
import type { Progress } from './ports/progress.ts'
import type { Records } from './ports/records.ts'
import type { RepositoryTree } from './ports/repository-tree.ts'
import { hasErrors } from './problem.ts'
import { STAGES, type StageContext, type StageName, type StageResult } from './stage.ts'
import { secondsOfRecord } from './record-seconds.ts'

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

/** What another job of the same run has made of a stage. */
export type GivenStage =
  /** `ran`: in this run; else an earlier one's is reused. */
  | { readonly kind: 'record'; readonly record: StageRecord; readonly ran: boolean }
  | { readonly kind: 'skipped'; readonly reason: string }
  /** Its job left no record: it was not started, because of a stage before, or was lost. */
  | { readonly kind: 'missing' }

export interface RunRequest {
  readonly subject: Subject
  readonly pipeline: Pipeline | undefined
  readonly options: PlanOptions
  readonly scripts: readonly StageScript[]
  readonly signal: AbortSignal
  /** Stages that were finished elsewhere: they are neither planned nor run here; their gates are decided here, as in every run. */
  readonly given?: Readonly<Partial<Record<StageName, GivenStage>>>
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

/** What is known of a stage before anything runs. */
export interface PlannedStage {
  readonly plan: StagePlan
  readonly key: Digest | null
  /** Of a stage that is reused, given or skipped, gates applied. */
  readonly summary?: StageSummary
}

/** What a plan is made with. */
export interface PlanPorts {
  readonly tree: RepositoryTree
  readonly records: Pick<Records, 'find'>
}

/**
 * Plans every stage but `report`, and runs none: a stage whose inputs a stage before has to make first will run, and be compared with the records then.
 * Fails as the ports do.
 */
export async function planAhead(request: RunRequest, ports: PlanPorts): Promise<readonly PlannedStage[]> {
  const planned: PlannedStage[] = []
  for (const stage of STAGES.filter((name) => name !== 'report')) {
    request.signal.throwIfAborted()
    const summaries = planned.flatMap(({ summary }) => summary ?? [])
    const run: RunState = { subject: request.subject, tree: ports.tree, pipeline: request.pipeline, summaries }
    const willRun = new Set(planned.filter(({ plan }) => plan.kind === 'run').map(({ plan }) => plan.stage))
    planned.push(
      await planOne(
        stage,
        stagesBefore(stage, request.pipeline).some((before) => willRun.has(before)),
        run,
        request,
        ports,
      ),
    )
  }
  return planned
}

async function planOne(stage: StageName, waits: boolean, run: RunState, request: RunRequest, ports: PlanPorts): Promise<PlannedStage> {
  const script = request.scripts.find((candidate) => candidate.stage === stage)
  const given = request.given?.[stage]
  if (given !== undefined) {
    const summary = await summariseGiven(stage, given, script, run, request)
    const plan: StagePlan =
      given.kind === 'record'
        ? { stage, kind: 'reuse', record: given.record, reason: summary.reason ?? 'finished' }
        : { stage, kind: 'skip', reason: summary.reason ?? 'skipped' }
    return { plan, key: summary.key, summary }
  }
  if (waits) {
    const plan = planStage(stage, { ...facts(stage, script, null, undefined, run, request), usable: {} })
    return { plan, key: null, ...(plan.kind === 'skip' && { summary: skippedSummary(stage, null, plan.reason) }) }
  }
  const key = await computeKey(stage, script, run, request)
  const plan = await planWithRecord(stage, script, key, run, request, ports)
  if (plan.kind === 'skip' || (plan.kind === 'run' && script === undefined)) return { plan, key, summary: skippedSummary(stage, key, plan.reason) }
  return plan.kind === 'run' ? { plan, key } : { plan, key, summary: await summarise(stage, plan.record, false, key, script, run, request) }
}

async function finishStage(stage: StageName, script: StageScript | undefined, run: RunState, request: RunRequest, ports: RunPorts): Promise<StageSummary> {
  const given = request.given?.[stage]
  let started = ports.clock.monotonicMs()
  let key: Digest | null = null
  try {
    request.signal.throwIfAborted()
    if (given !== undefined) return await summariseGiven(stage, given, script, run, request)
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
  ports: Pick<PlanPorts, 'records'>,
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
    attached: { node: request.scripts.some((candidate) => candidate.stage === 'node') },
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
  if (plan.kind === 'skip' || script === undefined) return skippedSummary(stage, key, plan.reason)
  const record = plan.kind === 'reuse' ? plan.record : await runStage(script, key, run, request, ports, plan.reason)
  return summarise(stage, record, plan.kind === 'run', key, script, run, request)
}

function skippedSummary(stage: StageName, key: Digest | null, reason: string): StageSummary {
  return { stage, outcome: 'skipped', ran: false, seconds: 0, key, reason, problems: [] }
}

async function summariseGiven(stage: StageName, given: GivenStage, script: StageScript | undefined, run: RunState, request: RunRequest): Promise<StageSummary> {
  if (given.kind === 'skipped') return skippedSummary(stage, null, given.reason)
  if (given.kind === 'missing') return summariseMissing(stage, script, run, request)
  const { record, ran } = given
  const key = asDigest(record.key)
  if (record.outcome === 'skipped') return skippedSummary(stage, null, record.reason ?? 'skipped')
  const seconds = ran ? secondsOfRecord(record) : 0
  const summary = { ...(await summarise(stage, record, ran, key, script, run, request)), seconds }
  return record.outcome === 'error' ? { ...summary, key: null, ...(record.reason !== undefined && { reason: record.reason }) } : summary
}

function summariseMissing(stage: StageName, script: StageScript | undefined, run: RunState, request: RunRequest): StageSummary {
  const { here: _, ...options } = request.options
  const plan = planStage(stage, facts(stage, script, null, undefined, run, { ...request, options: { ...options, from: 'validate', to: 'report' } }))
  if (plan.kind === 'skip') return skippedSummary(stage, null, plan.reason)
  return { ...skippedSummary(stage, null, 'its job left no record: the job was cancelled, or its machine was lost'), outcome: 'error', ran: true }
}

/** A record with the gates of this run. */
async function summarise(
  stage: StageName,
  record: StageRecord,
  ran: boolean,
  key: Digest | null,
  script: StageScript | undefined,
  run: RunState,
  request: RunRequest,
): Promise<StageSummary> {
  const judged = (await script?.judge?.(run, record)) ?? []
  const problems = [...record.problems, ...judged]
  const outcome = record.outcome === 'passed' && hasErrors(judged) ? 'failed' : record.outcome
  return { stage, outcome, ran, seconds: 0, key, problems, record, ...(!ran && { reason: reuseReason(record, request.subject) }) }
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

/** The record of a stage that was skipped or ended in an error: what its job leaves for the others. It is no answer to its key, so it is not kept under it. */
export function recordWithoutResult(
  { stage, outcome, reason }: Pick<StageSummary, 'stage' | 'outcome' | 'reason'>,
  subject: Subject,
  details: StageRecord['details'],
  { clock, environment, toolVersion }: Pick<RunPorts, 'clock' | 'environment' | 'toolVersion'>,
): StageRecord {
  const now = clock.now()
  return {
    schema: 'ctss.stage-record/v1',
    stage,
    subject,
    key: keyOf(stage, null),
    outcome,
    ...(reason !== undefined && { reason }),
    started: now,
    ended: now,
    problems: [],
    metrics: {},
    files: [],
    environment,
    tool: { name: 'ctss', version: toolVersion },
    details,
  }
}

/** The record of what a stage came to. `started`: RFC 3339; it ends now. */
export function makeRecord(
  stage: StageName,
  result: StageResult,
  key: Digest | null,
  started: string,
  subject: Subject,
  ports: Pick<RunPorts, 'clock' | 'environment' | 'toolVersion'>,
): StageRecord {
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
