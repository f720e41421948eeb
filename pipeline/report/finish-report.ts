import { keyOf } from '../key.ts'
import { worstOutcome } from '../plan.ts'
import type { ChartRenderer } from '../ports/charts.ts'
import type { ReportFiles, Reports } from '../ports/reports.ts'
import type { Digest, Json } from '../digest.ts'
import { runReport } from './report-stage.ts'
import type { ReportInput } from './report.ts'

/** What the report stage left. */
export interface FinishedReport {
  readonly files: ReportFiles
  /** False: no stage ran, and there was a report; a gate decided anew has rewritten it all the same. */
  readonly ran: boolean
  readonly key: Digest
  readonly outcome: 'passed' | 'failed' | 'error'
}

export interface FinishOptions {
  readonly reports: Reports
  /** Loaded only when something is drawn. */
  readonly loadRenderer: () => Promise<ChartRenderer>
  readonly force: boolean
}

/** The stage `report`: leaves a report that says the same as it is, and writes it otherwise. Fails with `storage-full`, `storage-unavailable`. */
export async function finishReport(input: ReportInput, { reports, loadRenderer, force }: FinishOptions): Promise<FinishedReport> {
  const key = keyOf('report', contentOf(input))
  const outcome = worstOutcome(input.stages.map((stage) => stage.outcome))
  const there = await reports.state()
  const ran = force || there === undefined || input.stages.some((stage) => stage.ran)
  if (there?.key === key && !force) return { files: there, ran, key, outcome }
  const files = await reports.write(await runReport(input, await loadRenderer()), key)
  return { files, ran, key, outcome }
}

/** What the report says, without how long ago it was found out. */
function contentOf({ stages, gates, baseline, bundle, toolVersion }: ReportInput): Json {
  return {
    toolVersion,
    baseline: baseline?.digest ?? null,
    bundle: bundle === undefined ? null : [bundle.digest, bundle.state],
    stages: stages.map(({ stage, outcome, key, reason, record }) => [stage, outcome, key, record?.started ?? reason ?? null]),
    gates: gates.map(({ outcome, message }) => [outcome, message]),
  }
}
