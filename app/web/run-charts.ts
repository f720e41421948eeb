import { Failure } from '../../pipeline/failure.ts'
import type { Catalogue } from '../../pipeline/ports/catalogue.ts'
import type { Chart, ChartRenderer } from '../../pipeline/ports/charts.ts'
import type { ServiceState, StoredRun } from '../../pipeline/ports/service-state.ts'
import { secondsOfRecord } from '../../pipeline/record-seconds.ts'
import { composeReport } from '../../pipeline/report/compose-report.ts'
import type { StageSummary } from '../../pipeline/run.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'
import { asDigest } from '../../pipeline/digest.ts'
import { keepFor } from './watch-runs.ts'

/** Draws the charts of runs that have delivered. */
export interface RunCharts {
  /** None: the run has no figures, or has not delivered yet. */
  of(run: StoredRun): Promise<readonly Chart[]>
}

export interface RunChartPorts {
  readonly state: Pick<ServiceState, 'recordsOfRun'>
  readonly catalogue: Pick<Catalogue, 'newestRelease'>
  readonly renderer: ChartRenderer
  readonly now: () => number
}

const KEPT_MS = 600_000

/**
 * Charts made of a run's records, and of those that its plan reuses; kept for a while, since whoever fetches one fetches all. Without the gates: ctss.yaml, in
 * which they stand, is not kept with the run.
 */
export function openRunCharts({ state, catalogue, renderer, now }: RunChartPorts): RunCharts {
  const kept = keepFor<readonly Chart[]>(KEPT_MS, now, { most: 20 })
  return {
    of: async (run) => {
      if (run.delivered === undefined) return []
      return kept(run.id, async () => {
        const records = [...run.plan.stages.flatMap(({ record }) => (record === undefined ? [] : [record])), ...(await state.recordsOfRun(run.id))]
        // Without a registry there is nothing to compare with; the rest can be drawn.
        const newest = run.plan.name === null ? undefined : await catalogue.newestRelease(run.plan.name).catch(orNothing)
        // Once it is published, the newest release is this one: there is nothing to compare it with.
        const baseline = newest?.version === versionOf(records) ? undefined : newest
        const stages = records.filter(({ details }) => !(details.kind === 'build' && details.part === true)).map(summarise)
        return renderer.render(
          composeReport({ subject: run.plan.subject, stages, gates: [], toolVersion: run.plan.tool.version, ...(baseline && { baseline }) }),
        )
      })
    },
  }
}

function orNothing(error: unknown): undefined {
  if (!(error instanceof Failure)) throw error
}

function versionOf(records: readonly StageRecord[]): string | undefined {
  return records.map(({ details }) => (details.kind === 'validate' ? details.manifest?.version : undefined)).find((version) => version !== undefined)
}

function summarise(record: StageRecord): StageSummary {
  const { stage, outcome, key, problems } = record
  return { stage, outcome, ran: true, seconds: secondsOfRecord(record), key: asDigest(key), problems, record }
}
