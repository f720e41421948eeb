import { githubForge } from '../adapters/github/github-forge.ts'
import { Failure } from '../pipeline/failure.ts'
import { COMMENT_TEXT_BYTES } from '../pipeline/forge/comment-text.ts'
import { upsertComment } from '../pipeline/forge/upsert-comment.ts'
import { renderMarkdown } from '../pipeline/report/render-markdown.ts'
import type { Report } from '../pipeline/report/report.ts'
import { runStages, type GivenStage, type StageSummary } from '../pipeline/run.ts'
import { gatesScript } from '../pipeline/stage-scripts/gates-script.ts'
import { STAGES, type StageName } from '../pipeline/stage.ts'
import type { REPORT } from './definitions.ts'
import { writeJobReport } from './job-report.ts'
import { givenStages, openJob, type Job } from './job.ts'
import { repositoryOfRun } from './repository-of-run.ts'
import { EXIT } from '../pipeline/exit-code.ts'
import { type ActionCall, type ActionResult } from './run-action.ts'
import { writeSummary } from './summary.ts'

/** The action `report`: what the other jobs left, as one report. Runs no stage. */
export async function runReportAction(call: ActionCall<typeof REPORT>): Promise<ActionResult<typeof REPORT>> {
  const job = await openJob(call)
  const summaries = await summariseRun(job)
  const { input, document, folder } = await writeJobReport(job, summaries)
  await writeSummary(input, job.environment.summaryFile, job.log)
  const { outcome, sentence } = document.report.verdict
  const url = call.inputs.comment ? await comment(job, document.report, call.inputs.token) : undefined
  if (outcome === 'passed') job.log.line(sentence)
  else job.log.error(sentence)
  return { outputs: { outcome, folder, ...(url !== undefined && { 'comment-url': url }) }, exitCode: EXIT[outcome] }
}

/** Every stage as the run's jobs have left it; without a plan, a stage of which nothing is there was not asked for. */
async function summariseRun(job: Job): Promise<readonly StageSummary[]> {
  const found = givenStages(job, 'report')
  const given = Object.fromEntries(
    STAGES.filter((stage) => stage !== 'report').map((stage): [StageName, GivenStage] => [
      stage,
      found[stage] ?? { kind: 'skipped', reason: 'it left nothing in this run' },
    ]),
  )
  const gates = gatesScript({ reading: job.reading }, job.stages)
  const options = { from: 'validate', to: 'publish', force: [], keepGoing: job.plan?.keepGoing ?? false } as const
  return runStages({ subject: job.subject, pipeline: job.pipeline, options, scripts: [gates], given, signal: job.signal }, job.run)
}

/** Undefined: there is no pull request, or nobody here may write to it. That the comment cannot be written does not change the verdict. */
async function comment({ event, log, signal, subject }: Job, report: Report, token: string | undefined): Promise<string | undefined> {
  if (event.pullRequest === undefined) return undefined
  if (event.trust === 'untrusted' || token === undefined) {
    log.line('A pull request from a fork gets no comment, since its run may not write: the report stands in the summary and in the artifacts.')
    return undefined
  }
  try {
    const forge = githubForge({ ...(await repositoryOfRun()), token, signal })
    const outcome = await upsertComment(forge, {
      pullRequest: event.pullRequest,
      plugin: subject.prefix ?? '',
      text: renderMarkdown(report, { limit: COMMENT_TEXT_BYTES }),
      ...(subject.commit !== null && { commit: subject.commit }),
    })
    if (outcome.kind !== 'outdated') return outcome.url
    log.line(`The pull request has gone on to ${outcome.head.slice(0, 7)}: its comment is left to that commit's run.`)
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'cancelled') throw error
    log.warning(`the comment could not be written: ${[error.message, error.suggestion].filter(Boolean).join(' ')}`)
  }
  return undefined
}
