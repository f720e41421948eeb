import { writeStageFolder } from '../adapters/stage-folder/write-stage-folder.ts'
import { annotation } from '../pipeline/annotation.ts'
import { worstOutcome } from '../pipeline/plan.ts'
import { gatherReportInput } from '../pipeline/report/report-input.ts'
import { recordWithoutResult, runStages, type RunObserver, type StageSummary } from '../pipeline/run.ts'
import { EMPTY_PART, makeStageScripts, type StageOptions } from '../pipeline/stage-scripts.ts'
import type { StageName } from '../pipeline/stage.ts'
import type { StageRecord } from '../schemas/generated/types.ts'
import { givenStages, outFolder, sharedRecords, type Job, type OpenLab } from './job.ts'
import { layeredRecords } from './layered-records.ts'
import { EXIT, type ExitCode } from './run-action.ts'
import { writeSummary } from './summary.ts'

export interface StageActionOptions {
  readonly stage: StageName
  /** Name of the folder that it leaves: the stage's, or that of a part of it. */
  readonly name: string
  readonly openLab: OpenLab
  readonly force: boolean
  readonly release?: boolean
  readonly platforms?: readonly string[] | undefined
  readonly build?: StageOptions['build']
  /** What `train` goes on from and leaves. */
  readonly training?: StageOptions['training']
  readonly onTrials?: StageOptions['onTrials']
  /** True: records of earlier runs may be taken from the registry. */
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

/** Outputs of a job are at most 1 MB together (docs.github.com, "Usage limits"), in UTF-16. */
const RECORD_OUTPUT_CHARACTERS = 512 * 1024
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
  const { file } = await writeStageFolder(folder, record, job.blobs)
  annotate(summary, job)
  const input = await gatherReportInput({ subject: job.subject, pipeline: job.pipeline, stages: [summary], toolVersion: job.run.toolVersion }, job.stages.catalogue)
  await writeSummary(input, job.environment.summaryFile, job.log)
  const json = JSON.stringify(record)
  return {
    summary,
    record,
    summaries,
    outputs: {
      outcome: summary.outcome,
      key: summary.key ?? '',
      record: json.length > RECORD_OUTPUT_CHARACTERS ? '' : json,
      'record-file': file,
      folder,
    },
    exitCode: exitCodeOf(summary, summaries, job),
  }
}

async function runJobStages(job: Job, options: StageActionOptions): Promise<readonly StageSummary[]> {
  const { stage, name: _, openLab, force, release = false, platforms, build, training, onTrials, reuses = true } = options
  const given = givenStages(job, stage)
  const planned = job.plan?.stages.find((candidate) => candidate.stage === stage)
  const here: StageName[] = given.validate === undefined && stage !== 'validate' ? ['validate', stage] : [stage]
  const shared = reuses && job.staging !== 'archive' ? sharedRecords(job, { readOnly: true }) : undefined
  const scripts = makeStageScripts(
    {
      reading: job.reading,
      nativePlatform: job.nativePlatform,
      platforms,
      release: release || (job.plan?.release ?? false),
      runId: job.runId,
      ...(build && { build }),
      ...(training && { training }),
      ...(onTrials && { onTrials }),
    },
    { ...job.stages, openLab },
  )
  return runStages(
    {
      subject: job.subject,
      pipeline: job.pipeline,
      options: {
        from: 'validate',
        to: stage,
        force: force || planned?.force === true ? [stage] : [],
        keepGoing: job.plan?.keepGoing ?? false,
        here,
        ...(job.event.trust === 'untrusted' && { unpublished: 'nothing is published for a pull request from a fork' }),
      },
      scripts,
      given,
      signal: job.signal,
    },
    { ...job.run, observer: onlyAbout(here, job.run.observer), ...(shared && { records: layeredRecords(job.run.records, shared) }) },
  )
}

function onlyAbout(stages: readonly StageName[], observer: RunObserver): RunObserver {
  return {
    stageStarted: (stage, reason) => observer.stageStarted(stage, reason),
    stageEnded: (summary) => {
      if (stages.includes(summary.stage)) observer.stageEnded(summary)
    },
  }
}

/** The most important first; GitHub drops what is too many without a word. */
function annotate({ problems, outcome, reason, stage }: StageSummary, { log }: Job): void {
  const order = ['error', 'warning', 'hint']
  const shown = problems.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity)).slice(0, MOST_ANNOTATIONS)
  for (const problem of shown) log.command(annotation(problem))
  if (problems.length > shown.length) log.line(`${problems.length - shown.length} more problems stand in the summary and in the record.`)
  if (outcome === 'error') log.error(`${stage} could not be finished: ${reason ?? 'no reason given'}`)
}

function exitCodeOf(summary: StageSummary, summaries: readonly StageSummary[], { log }: Job): ExitCode {
  if (summary.outcome === 'error') return EXIT.error
  if (summary.outcome === 'failed') return EXIT.failed
  const worst = worstOutcome(summaries.map(({ outcome }) => outcome))
  if (summary.outcome === 'skipped' && worst !== 'passed') log.error(`${summary.stage} was skipped: ${summary.reason ?? 'a stage before did not pass'}`)
  return summary.outcome === 'skipped' ? EXIT[worst] : EXIT.passed
}
