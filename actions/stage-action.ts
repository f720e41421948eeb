import { stageFolderLayout } from '../adapters/stage-folder/stage-folder-layout.ts'
import { writeStageFolder, type LeftOutFile } from '../adapters/stage-folder/write-stage-folder.ts'
import { annotation } from '../pipeline/annotation.ts'
import { EMPTY_PART } from '../pipeline/build/empty-part.ts'
import { nameOf } from '../pipeline/pipeline.ts'
import { worstOutcome } from '../pipeline/plan.ts'
import type { ReportInput } from '../pipeline/report/report.ts'
import { recordWithoutResult, runStages, type RunObserver, type StageScript, type StageSummary } from '../pipeline/run.ts'
import { gatesScript } from '../pipeline/stage-scripts/gates-script.ts'
import type { StageOptions, StagePorts } from '../pipeline/stage-scripts/stage-ports.ts'
import { decideRunGates } from '../pipeline/train/run-gates.ts'
import type { StageName } from '../pipeline/stage.ts'
import type { StageRecord } from '../schemas/generated/types.ts'
import { givenStages, outFolder, sharedRecords, type Job } from './job.ts'
import { layeredRecords } from './layered-records.ts'
import { keepLargeFiles } from './keep-large-files.ts'
import { EXIT, type ExitCode } from '../pipeline/exit-code.ts'
import { writeSummary } from './summary.ts'

export interface StageActionOptions {
  readonly stage: StageName
  /** Name of the folder that it leaves: the stage's, or that of a part of it. */
  readonly name: string
  /** Binds the stage; absent: it is skipped here. */
  readonly script?: (options: StageOptions, ports: StagePorts) => StageScript | undefined
  /** What the stage runs on. */
  readonly ports?: Partial<StagePorts>
  readonly force: boolean
  readonly release?: boolean
  readonly platforms?: readonly string[] | undefined
  readonly build?: StageOptions['build']
  /** What `train` goes on from and leaves. */
  readonly training?: StageOptions['training']
  /** False: records of earlier runs are not looked up. */
  readonly reuses?: boolean
}

/** What a stage has left in its job. */
export interface FinishedStage {
  readonly summary: StageSummary
  readonly record: StageRecord
  /** Every stage up to this one. */
  readonly summaries: readonly StageSummary[]
  readonly outputs: { readonly outcome: string; readonly key: string; readonly record: string; readonly 'record-file': string; readonly folder: string }
  readonly exitCode: ExitCode
}

/** Outputs of a job are at most 1 MB together, in UTF-16 (docs.github.com, "Defining outputs for jobs"). */
const RECORD_OUTPUT_CHARACTERS = 256 * 1024
/** GitHub shows ten errors and ten warnings of a step, and fifty of a job; the rest stands in summary and record. */
const MOST_ANNOTATIONS = 50

/** Runs one stage of a job, leaves its folder, annotates its problems, and adds its part of the report to the job summary. */
export async function runStageAction(job: Job, options: StageActionOptions): Promise<FinishedStage> {
  const { stage } = options
  const summaries = await runJobStages(job, options)
  const summary = summaries.find((candidate) => candidate.stage === stage)
  if (summary === undefined) throw new TypeError(`the stage ${stage} was not run`)
  const details = options.build?.kind === 'part' ? EMPTY_PART : ({ kind: 'none' } as const)
  const record = summary.record ?? recordWithoutResult(summary, job.subject, details, job.run)
  const folder = outFolder(job.environment, options.name)
  const { leftOut } = await writeStageFolder(folder, record, job.blobs, record.subject.commit === job.subject.commit ? {} : { reusedFor: job.subject })
  await tellLeftOut(leftOut, job)
  annotate(summary, job)
  await writeSummary(await gatherStageInput(job, summary), job.environment.summaryFile, job.log)
  const json = JSON.stringify(record)
  return {
    summary,
    record,
    summaries,
    outputs: {
      outcome: summary.outcome,
      key: summary.key ?? '',
      record: json.length > RECORD_OUTPUT_CHARACTERS ? '' : json,
      'record-file': stageFolderLayout(folder).record,
      folder,
    },
    exitCode: exitCodeOf(summary, summaries, job),
  }
}

/** Files that no artifact takes go to S3, where there is a place; whatever stays behind is said. */
async function tellLeftOut(leftOut: readonly LeftOutFile[], { largeFiles, blobs, workParent, log }: Job): Promise<void> {
  if (largeFiles !== undefined) await keepLargeFiles(leftOut, blobs, largeFiles, workParent)
  for (const { digest, bytes, reason } of leftOut) {
    if (reason === 'missing') log.warning(`${digest} (${bytes} bytes) does not travel with the record: it is not here`)
    else if (largeFiles === undefined)
      log.warning(`${digest} (${bytes} bytes) is too large for an artifact: give the input \`large-files\`, so that later jobs find it in S3`)
  }
}

/** Its part of the report. Compared with earlier releases it is where all is known: in the report itself. */
async function gatherStageInput({ subject, pipeline, run, stages }: Job, summary: StageSummary): Promise<ReportInput> {
  const gates = await decideRunGates({ pipeline, record: summary.record }, stages.catalogue)
  return { subject, stages: [summary], gates, part: { plugin: pipeline && nameOf(pipeline) }, toolVersion: run.toolVersion }
}

async function runJobStages(job: Job, options: StageActionOptions): Promise<readonly StageSummary[]> {
  const { stage, script, force, release = false, platforms, build, training, reuses = true } = options
  const given = withVerdict(givenStages(job, stage), stage)
  const planned = job.plan?.stages.find((candidate) => candidate.stage === stage)
  const shared = reuses ? sharedRecords(job, { readOnly: true }) : undefined
  const stageOptions: StageOptions = {
    reading: job.reading,
    nativePlatform: job.nativePlatform,
    platforms,
    release: release || (job.plan?.release ?? false),
    runId: job.runId,
    ...(build && { build }),
    ...(training && { training }),
  }
  const ports: StagePorts = { ...job.stages, ...options.ports }
  const own = script?.(stageOptions, ports)
  const scripts = [...(stage === 'train' ? [] : [gatesScript(stageOptions, ports)]), ...(own ? [own] : [])]
  return runStages(
    {
      subject: job.subject,
      pipeline: job.pipeline,
      options: {
        from: 'validate',
        to: stage,
        force: force || planned?.force === true ? [stage] : [],
        keepGoing: job.plan?.keepGoing ?? false,
        here: [stage],
        ...(job.event.trust === 'untrusted' && { unpublished: 'nothing is published for a pull request from a fork' }),
      },
      scripts,
      given,
      signal: job.signal,
    },
    { ...job.run, observer: onlyAbout(stage, job.run.observer), ...(shared && { records: layeredRecords(job.run.records, shared) }) },
  )
}

/** Only `validate` judges the manifest. A stage may be tried without a verdict; nothing is published without one. */
function withVerdict(given: ReturnType<typeof givenStages>, stage: StageName): ReturnType<typeof givenStages> {
  if (stage === 'validate' || given.validate !== undefined) return given
  return { ...given, validate: stage === 'publish' ? { kind: 'missing' } : { kind: 'skipped', reason: 'it was not asked for in this run' } }
}

function onlyAbout(stage: StageName, observer: RunObserver): RunObserver {
  return {
    stageStarted: (name, reason) => observer.stageStarted(name, reason),
    stageEnded: (summary) => {
      if (summary.stage === stage) observer.stageEnded(summary)
    },
  }
}

/** The most important first; GitHub drops what is too many without a word. */
function annotate({ problems, outcome, reason, stage }: StageSummary, { log, subject: { prefix } }: Job): void {
  const order = ['error', 'warning', 'hint']
  const shown = problems.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity)).slice(0, MOST_ANNOTATIONS)
  // GitHub knows files by where they lie in the repository.
  const shownPath = (path: string): string => (prefix === undefined ? path : `${prefix}/${path}`)
  for (const problem of shown) log.command(annotation(problem, { shownPath }))
  if (problems.length > shown.length) log.line(`${problems.length - shown.length} more problems stand in the summary and in the record.`)
  if (outcome === 'error') log.error(`${stage} could not be finished: ${reason ?? 'no reason given'}`)
}

function exitCodeOf(summary: StageSummary, summaries: readonly StageSummary[], { log }: Job): ExitCode {
  if (summary.outcome === 'error') return EXIT.error
  if (summary.outcome === 'failed') return EXIT.failed
  const worst = worstOutcome(summaries.map(({ outcome }) => outcome))
  if (summary.outcome === 'skipped' && worst !== 'passed') {
    const because = summaries.find(({ outcome }) => outcome === 'error')?.reason
    log.error([`${summary.stage} was skipped: ${summary.reason ?? 'a stage before did not pass'}`, because].filter(Boolean).join('; '))
  }
  return summary.outcome === 'skipped' ? EXIT[worst] : EXIT.passed
}
