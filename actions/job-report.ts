import { join } from 'node:path'
import { svgCharts } from '../adapters/charts/svg-charts.ts'
import { reportFolder } from '../adapters/reports/report-folder.ts'
import { gatherReportInput } from '../pipeline/report/report-input.ts'
import { runReport, type ReportDocument } from '../pipeline/report/report-stage.ts'
import type { ReportInput } from '../pipeline/report/report.ts'
import type { StageSummary } from '../pipeline/run.ts'
import { type Job } from './job.ts'
import { stateFolderOf } from './workspace.ts'

/** The report of a run, as the laptop writes it; charts are SVG. */
export interface JobReport {
  readonly input: ReportInput
  readonly document: ReportDocument
  /** Folder that holds it. */
  readonly folder: string
}

/** Composes the report of what the stages came to, and writes it to `<state>/report`. Fails with `storage-full`, `storage-unavailable`, and as the catalogue does. */
export async function writeJobReport({ subject, pipeline, run, stages, environment }: Job, summaries: readonly StageSummary[]): Promise<JobReport> {
  const input = await gatherReportInput({ subject, pipeline, stages: summaries, toolVersion: run.toolVersion }, stages.catalogue)
  const document = await runReport(input, svgCharts)
  const folder = join(stateFolderOf(environment), 'report')
  await reportFolder(folder).write(document, document.digest)
  return { input, document, folder }
}
