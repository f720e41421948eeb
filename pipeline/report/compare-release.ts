import type { BuildDetails, EvaluationMetric, EvaluationSlice, Metric, Profile } from '../../schemas/generated/types.ts'
import type { ReleaseSummary } from '../ports/catalogue.ts'
import type { ChangeRow, ProfileRow } from './report.ts'

/** What a run is compared by. */
export interface Measured {
  readonly metrics: readonly EvaluationMetric[]
  readonly slices: readonly EvaluationSlice[]
  readonly profile: readonly ProfileRow[]
  readonly platforms: BuildDetails['platforms']
}

export interface Comparison {
  readonly rows: readonly ChangeRow[]
  /** Platforms whose performance says nothing against the release's, with the reason. */
  readonly notCompared: readonly string[]
}

// Smallest relative changes that matter, as for comparisons on a node (docs/design: latency 5 %, memory 3 %, image 2 %).
const RELEVANT: Readonly<Record<Metric['unit'], number>> = { s: 0.05, ms: 0.05, bytes: 0.03, count: 0.05 }
const RELEVANT_IMAGE = 0.02
const COMPARED = ['wall_seconds', 'cpu_seconds', 'memory_peak_bytes', 'first_message_ms']

/** What changed against the newest release. One run against one run: it informs, and gates nothing. */
export function compareRelease(measured: Measured, release: ReleaseSummary): Comparison {
  const performance = [...new Set(measured.profile.map(({ platform }) => platform))].map((platform) =>
    comparePlatform(platform, measured.profile, release.profiles),
  )
  return {
    rows: [
      ...compareMetrics(measured.metrics, release.metrics),
      ...compareSlices(measured, release),
      ...performance.flatMap(({ rows }) => rows),
      ...compareImages(measured.platforms, release.imageBytes),
    ],
    notCompared: performance.flatMap(({ why }) => why ?? []),
  }
}

function compareMetrics(now: readonly EvaluationMetric[], before: readonly EvaluationMetric[]): readonly ChangeRow[] {
  return now.flatMap((metric) => {
    const old = before.find(({ name, split }) => name === metric.name && split === metric.split)
    return old === undefined ? [] : evaluationChange(metric.name, 'overall', old.value, metric.value, metric.better)
  })
}

function compareSlices(measured: Measured, release: ReleaseSummary): readonly ChangeRow[] {
  const better = new Map(measured.metrics.map((metric) => [metric.name, metric.better]))
  const before = new Map(release.slices.map((slice) => [JSON.stringify([slice.metric, slice.slice]), slice.value]))
  return measured.slices.flatMap(({ slice, metric, value }) => {
    const old = before.get(JSON.stringify([metric, slice]))
    return old === undefined ? [] : evaluationChange(metric, slice, old, value, better.get(metric) ?? 'higher')
  })
}

function evaluationChange(figure: string, where: string, old: number | string, now: number | string, better: 'higher' | 'lower'): readonly ChangeRow[] {
  const [before, after] = [Number(old), Number(now)]
  if (!Number.isFinite(before) || !Number.isFinite(after)) return []
  const gain = better === 'higher' ? after - before : before - after
  return [{ figure, where, unit: 'number', before, after, direction: directionOf(gain, 0) }]
}

function comparePlatform(
  platform: string,
  now: readonly ProfileRow[],
  before: readonly Profile[],
): { readonly rows: readonly ChangeRow[]; readonly why?: string } {
  const rows = now.filter((row) => row.platform === platform)
  const old = before.filter((profile) => profile.platform === platform && !profile.environment.emulated)
  // A profile of a release does not name its trial, so they are matched by their order.
  if (old.length !== rows.length) return { rows: [], why: `${platform}: the release has ${old.length === 0 ? 'no profile' : 'other trials'} of it` }
  const elsewhere = rows.find((row, index) => old[index]?.environment.cpu !== row.cpu)
  if (elsewhere !== undefined) return { rows: [], why: `${platform}: the release was measured on another processor` }
  return { rows: rows.flatMap((row, index) => compareProfile(row, old[index]?.metrics ?? {})) }
}

function compareProfile(row: ProfileRow, before: Readonly<Record<string, Metric>>): readonly ChangeRow[] {
  return COMPARED.flatMap((figure) => {
    const [now, old] = [row.metrics[figure], before[figure]]
    if (now === undefined || old === undefined || now.unit !== old.unit) return []
    return [
      {
        figure,
        where: `${row.trial}, ${row.platform}`,
        unit: now.unit,
        before: old.value,
        after: now.value,
        direction: directionOf(old.value - now.value, RELEVANT[now.unit] * old.value),
      },
    ]
  })
}

function compareImages(platforms: BuildDetails['platforms'], before: ReleaseSummary['imageBytes']): readonly ChangeRow[] {
  return platforms.flatMap(({ platform, bytes }) => {
    const old = Object.hasOwn(before, platform) ? before[platform] : undefined
    if (bytes === undefined || old === undefined) return []
    return [{ figure: 'image_bytes', where: platform, unit: 'bytes', before: old, after: bytes, direction: directionOf(old - bytes, RELEVANT_IMAGE * old) }]
  })
}

function directionOf(gain: number, relevant: number): ChangeRow['direction'] {
  if (Math.abs(gain) <= relevant) return 'same'
  return gain > 0 ? 'better' : 'worse'
}
