import { appendFile } from 'node:fs/promises'
import { composeReport } from '../pipeline/report/compose-report.ts'
import { renderMarkdown } from '../pipeline/report/render-markdown.ts'
import type { ReportInput } from '../pipeline/report/report.ts'
import type { JobLog } from './job-log.ts'

/** Largest summary of one step; more is not shown at all (actions/runner, `AttachmentSizeLimit`). A quarter is left to other steps' habits of encoding. */
const SUMMARY_BYTES = 768 * 1024

/** Adds what a report says to the job summary, charts as tables. A summary that cannot be written is no reason to fail. */
export async function writeSummary(input: ReportInput, file: string | undefined, log: JobLog): Promise<void> {
  if (file === undefined) return
  try {
    await appendFile(file, `${renderMarkdown(composeReport(input), { limit: SUMMARY_BYTES })}\n`)
  } catch (error) {
    log.warning(`the job summary could not be written: ${error instanceof Error ? error.message : String(error)}`)
  }
}
