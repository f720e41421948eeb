import type { TopLevelSpec } from 'vega-lite'
import { formatBytes, formatNumber, formatSeconds } from '../../pipeline/report/format-figures.ts'
import type { GateLine, ProfileRow, Report, ReportSection } from '../../pipeline/report/report.ts'
import { clipText, sanitiseLine } from '../../pipeline/report/sanitise-text.ts'
import type { ChartTheme } from './chart-theme.ts'

/** A chart before it is drawn. Data are numbers and texts under field names of our own: no text of a plugin is ever an expression, a field or an address. */
export interface ChartSpec {
  readonly name: string
  readonly alt: string
  readonly section: ReportSection['kind']
  spec(theme: ChartTheme): TopLevelSpec
}

type Section<Kind extends ReportSection['kind']> = Extract<ReportSection, { kind: Kind }>

const WIDTH = 700
const ROW = 26
const BAR = 34
const MOST_ROWS = 16
const MOST_METRICS = 3
const MOST_STEPS = 5
const LABEL = 44

/** The charts for which the report has data, in the order of its sections. */
export function specifyCharts({ sections }: Report): readonly ChartSpec[] {
  const lines = sections.flatMap((section) => (section.kind === 'gates' ? section.lines : []))
  return sections.flatMap((section) => {
    if (section.kind === 'evaluation') return evaluationCharts(section, lines)
    if (section.kind === 'images') return [...sizeChart(section, sections), ...buildChart(section)]
    return section.kind === 'profile' ? durationChart(section.rows) : []
  })
}

function label(text: string): string {
  return clipText(sanitiseLine(text), LABEL)
}

/** Each sliced metric: its slices with their intervals, the overall value among them, and the gates as lines. */
function evaluationCharts({ metrics, slices }: Section<'evaluation'>, lines: readonly GateLine[]): readonly ChartSpec[] {
  const sliced = [...new Set(slices.map(({ metric }) => metric))].slice(0, MOST_METRICS)
  return sliced.flatMap((metric, index) => {
    const overall = metrics.find(({ name }) => name === metric)
    const rows = [
      ...(overall === undefined ? [] : [{ slice: 'overall', value: Number(overall.value), low: overall.ci95?.[0], high: overall.ci95?.[1], all: true }]),
      ...slices
        .filter((row) => row.metric === metric)
        .map(({ slice, value, ci95 }) => ({ slice: label(slice), value: Number(value), low: ci95?.[0], high: ci95?.[1], all: false })),
    ].filter(({ value }) => Number.isFinite(value))
    const kept = rows.length <= MOST_ROWS ? rows : worst(rows, overall?.better ?? 'higher')
    const labels = distinct(kept.map(({ slice }) => slice))
    const values = kept.map((row, position) => ({ ...row, slice: labels[position] ?? '' }))
    if (values.length === 0) return []
    const gates = lines.filter((line) => line.metric === metric && line.slice === undefined)
    const said = values.map(({ slice, value }) => `${slice} ${formatNumber(value)}`).join(', ')
    return [
      {
        name: `evaluation-${index + 1}`,
        section: 'evaluation',
        alt: `${label(metric)} by slice: ${said}`,
        spec: (theme) => evaluationSpec(label(metric), values, gates, rows.length - kept.length, theme),
      },
    ]
  })
}

function worst<Row extends { readonly value: number; readonly all: boolean }>(rows: readonly Row[], better: 'higher' | 'lower'): readonly Row[] {
  const sorted = rows.toSorted((a, b) => Number(b.all) - Number(a.all) || (better === 'higher' ? a.value - b.value : b.value - a.value))
  return sorted.slice(0, MOST_ROWS)
}

interface SliceValue {
  readonly slice: string
  readonly value: number
  readonly low: number | undefined
  readonly high: number | undefined
  readonly all: boolean
}

function evaluationSpec(metric: string, values: readonly SliceValue[], gates: readonly GateLine[], left: number, theme: ChartTheme): TopLevelSpec {
  const extremes = [...values.flatMap(({ value, low, high }) => [value, low, high]), ...gates.map(({ value }) => value)].filter((value) => value !== undefined)
  const [least, most] = [Math.min(...extremes), Math.max(...extremes)]
  const margin = (most - least || Math.abs(most) || 1) * 0.08
  // A share stays one: no axis goes beyond 0 or 1 when no value does.
  const share = least >= 0 && most <= 1
  const domain = share ? [Math.max(0, least - margin), Math.min(1, most + margin)] : [least - margin, most + margin]
  const x = { type: 'quantitative' as const, title: null, axis: { tickCount: 8, labelFlush: false }, scale: { domain, nice: false, zero: false } }
  const y = { field: 'slice', type: 'nominal', sort: null, title: null, axis: { grid: false } } as const
  const color = { condition: { test: 'datum.all', value: theme.ink }, value: theme.accent }
  const drawn = values.map((value) => ({ ...value }))
  return {
    data: { values: drawn },
    width: WIDTH,
    height: ROW * values.length,
    autosize: { type: 'fit-x', contains: 'padding' },
    title: {
      text: `${metric} by slice`,
      subtitle: [`with 95 % intervals${gates.length === 0 ? '' : '; the gates are dashed'}${left === 0 ? '' : `; ${left} better slices are not drawn`}`],
    },
    layer: [
      {
        data: { values: gates.map(({ value }) => ({ value })) },
        mark: { type: 'rule', strokeDash: [5, 4], strokeWidth: 1.5, color: theme.bad },
        encoding: { x: { field: 'value', ...x } },
      },
      {
        mark: { type: 'rule', strokeWidth: 2.5, opacity: 0.5, strokeCap: 'round' },
        transform: [{ filter: 'isValid(datum.low) && isValid(datum.high)' }],
        encoding: { y, x: { field: 'low', ...x }, x2: { field: 'high' }, color },
      },
      { mark: { type: 'point', filled: true, size: 75, opacity: 1 }, encoding: { y, x: { field: 'value', ...x }, color } },
    ],
  }
}

/** Names may repeat, or look the same when cut; rows may not. Thin spaces, which nobody sees, tell them apart. */
function distinct(labels: readonly string[]): readonly string[] {
  const seen = new Map<string, number>()
  return labels.map((text) => {
    const times = seen.get(text) ?? 0
    seen.set(text, times + 1)
    return `${text}${'\u2009'.repeat(times)}`
  })
}

/** How long the parts of the plugin took by its own clock, a stroke for each time: on native platforms only. */
function durationChart(rows: readonly ProfileRow[]): readonly ChartSpec[] {
  const onePlatform = new Set(rows.map(({ platform }) => platform)).size === 1
  const durations = rows.flatMap(({ trial, platform, metrics }) =>
    Object.entries(metrics)
      .filter(([name, { samples }]) => name.startsWith('plugin.duration') && (samples?.length ?? 0) > 1)
      .map(([name, { samples = [], value, unit }]) => ({
        part: label(name.replace(/^plugin\.duration\./, '')),
        where: onePlatform ? trial : `${trial}, ${platform}`,
        median: toMs(value, unit),
        samples: samples.map((sample) => toMs(sample, unit)).filter((sample) => sample > 0),
      })),
  )
  const kept = durations.filter(({ samples }) => samples.length > 0).slice(0, MOST_ROWS)
  if (kept.length === 0) return []
  const labels = distinct(kept.map(({ part, where }) => label(`${part} · ${where}`)))
  const values = kept.flatMap(({ samples }, position) => samples.map((ms) => ({ part: labels[position] ?? '', ms })))
  const medians = kept.map(({ median: ms }, position) => ({ part: labels[position] ?? '', ms }))
  const said = kept.map(({ part, where, median }) => `${part} (${where}) ${formatSeconds(median / 1000)}`).join(', ')
  return [
    {
      name: 'durations',
      section: 'profile',
      alt: `Medians of durations that the plugin timed: ${said}`,
      spec: (theme) => durationSpec(values, medians, theme),
    },
  ]
}

function toMs(value: number, unit: 's' | 'ms' | 'bytes' | 'count'): number {
  return unit === 's' ? value * 1000 : value
}

interface Duration {
  readonly part: string
  readonly ms: number
}

function durationSpec(values: readonly Duration[], medians: readonly Duration[], theme: ChartTheme): TopLevelSpec {
  const all = values.map(({ ms }) => ms)
  // Parts of very different length are only comparable by their ratio.
  const log = Math.max(...all) / Math.min(...all) > 20
  const ticks = logTicks(Math.min(...all), Math.max(...all))
  const x = log
    ? {
        field: 'ms',
        type: 'quantitative' as const,
        title: null,
        axis: { values: [...ticks] },
        scale: { type: 'log' as const, domain: [ticks[0] ?? 1, ticks.at(-1) ?? 10], nice: false },
      }
    : { field: 'ms', type: 'quantitative' as const, title: null, axis: { tickCount: 6 }, scale: { zero: true, nice: true } }
  const y = { field: 'part', type: 'nominal', sort: null, title: null, axis: { labelLimit: 260, grid: false } } as const
  return {
    data: { values: values.map((value) => ({ ...value })) },
    width: WIDTH,
    height: ROW * medians.length,
    autosize: { type: 'fit-x', contains: 'padding' },
    title: { text: 'Timed by the plugin', subtitle: [`milliseconds${log ? ', logarithmic' : ''}; a stroke for each sample, a dot for the median`] },
    layer: [
      { mark: { type: 'tick', thickness: 1.5, opacity: 0.45, color: theme.accent, bandSize: 14 }, encoding: { x, y } },
      {
        data: { values: medians.map((value) => ({ ...value })) },
        mark: { type: 'point', filled: true, size: 60, opacity: 1, color: theme.ink },
        encoding: { x, y },
      },
    ],
  }
}

/** 1, 2 and 5 times the powers of ten, from the last one below to the first one above. */
function logTicks(least: number, most: number): readonly number[] {
  const decades = Array.from(
    { length: Math.ceil(Math.log10(most)) - Math.floor(Math.log10(least)) + 1 },
    (_, index) => 10 ** (Math.floor(Math.log10(least)) + index),
  )
  const ticks = decades.flatMap((decade) => [decade, 2 * decade, 5 * decade])
  const from = ticks.findLastIndex((tick) => tick <= least)
  const to = ticks.findIndex((tick) => tick >= most)
  return ticks.slice(Math.max(0, from), to + 1)
}

/** Build time per platform, by step. */
function buildChart({ platforms }: Section<'images'>): readonly ChartSpec[] {
  const built = platforms.filter(({ steps }) => steps.some(({ cached, seconds }) => !cached && seconds > 0))
  if (built.length === 0) return []
  const total = new Map<string, number>()
  for (const { steps } of built) for (const { name, seconds, cached } of steps) if (!cached) total.set(name, (total.get(name) ?? 0) + seconds)
  const longest = [...total]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, MOST_STEPS)
    .map(([name]) => name)
  const values = built
    .flatMap(({ platform, emulated, steps }) => [
      ...longest.map((name, order) => ({
        platform: platformLabel(platform, emulated),
        step: stepLabel(name, order),
        order,
        seconds: sum(steps.filter((step) => step.name === name && !step.cached)),
      })),
      {
        platform: platformLabel(platform, emulated),
        step: 'other steps',
        order: MOST_STEPS,
        seconds: sum(steps.filter((step) => !longest.includes(step.name) && !step.cached)),
      },
    ])
    .filter(({ seconds }) => seconds > 0)
  const steps = [...new Set(values.toSorted((a, b) => a.order - b.order).map(({ step }) => step))]
  const said = built.map(({ platform, seconds }) => `${platform} ${formatSeconds(seconds)}`).join(', ')
  return [{ name: 'build-time', section: 'images', alt: `Build time by platform: ${said}`, spec: (theme) => buildSpec(values, steps, theme) }]
}

function platformLabel(platform: string, emulated: boolean): string {
  return emulated ? `${platform} (emulated)` : platform
}

/** The position makes equal (or equally cut) names different. */
function stepLabel(name: string, order: number): string {
  return `${clipText(sanitiseLine(name), 46)}${'\u2009'.repeat(order)}`
}

function sum(steps: readonly { readonly seconds: number }[]): number {
  return steps.reduce((total, { seconds }) => total + seconds, 0)
}

function buildSpec(
  values: readonly { platform: string; step: string; order: number; seconds: number }[],
  steps: readonly string[],
  { categories }: ChartTheme,
): TopLevelSpec {
  const color = { field: 'step', type: 'nominal', title: null, scale: { domain: [...steps], range: [...categories] } } as const
  return {
    data: { values: values.map((value) => ({ ...value })) },
    width: WIDTH,
    height: BAR * new Set(values.map(({ platform }) => platform)).size,
    autosize: { type: 'fit-x', contains: 'padding' },
    title: { text: 'Build time by step', subtitle: ['seconds; what the cache had is left out'] },
    mark: { type: 'bar', height: { band: 0.62 } },
    encoding: {
      y: { field: 'platform', type: 'nominal', sort: null, title: null, axis: { grid: false } },
      x: { field: 'seconds', type: 'quantitative', title: null, axis: { tickCount: 6 } },
      color,
      order: { field: 'order', type: 'quantitative' },
    },
  }
}

/** Image size per platform, and what the newest release had. */
function sizeChart({ platforms }: Section<'images'>, sections: Report['sections']): readonly ChartSpec[] {
  const changes = sections.flatMap((section) => (section.kind === 'changes' ? section.rows : []))
  const before = changes.filter(({ figure }) => figure === 'image_bytes').map((change) => ({ platform: change.where, mib: change.before / 2 ** 20 }))
  const values = platforms.flatMap(({ platform, bytes }) => (bytes === undefined ? [] : [sizeRow(platform, bytes, before)]))
  if (values.length === 0) return []
  const said = values.map(({ platform, said: size }) => `${platform} ${size}`).join(', ')
  return [{ name: 'image-size', section: 'images', alt: `Compressed image size: ${said}`, spec: (theme) => sizeSpec(values, before, theme) }]
}

interface Size {
  readonly platform: string
  readonly mib: number
}

function sizeRow(platform: string, bytes: number, before: readonly Size[]) {
  const mib = bytes / 2 ** 20
  // The figure stands to the right of the bar and of the release's stroke.
  return { platform, mib, said: formatBytes(bytes), end: Math.max(mib, ...before.filter((row) => row.platform === platform).map((row) => row.mib)) }
}

function sizeSpec(values: readonly ReturnType<typeof sizeRow>[], before: readonly Size[], theme: ChartTheme): TopLevelSpec {
  const y = { field: 'platform', type: 'nominal', sort: null, title: null, axis: { grid: false } } as const
  const x = {
    type: 'quantitative' as const,
    title: null,
    axis: { tickCount: 6 },
    scale: { domain: [0, Math.max(...values.map(({ end }) => end)) * 1.14], nice: false },
  }
  return {
    data: { values: values.map((value) => ({ ...value })) },
    width: WIDTH,
    height: BAR * values.length,
    autosize: { type: 'fit-x', contains: 'padding' },
    title: { text: 'Image size', subtitle: [`compressed, MiB${before.length === 0 ? '' : '; the stroke is the newest release'}`] },
    layer: [
      { mark: { type: 'bar', height: { band: 0.5 } }, encoding: { y, x: { field: 'mib', ...x } } },
      { mark: { type: 'text', align: 'left', dx: 8 }, encoding: { y, x: { field: 'end', ...x }, text: { field: 'said', type: 'nominal' } } },
      {
        data: { values: before.map((value) => ({ ...value })) },
        mark: { type: 'tick', thickness: 3, bandSize: 26, color: theme.ink },
        encoding: { y, x: { field: 'mib', ...x } },
      },
    ],
  }
}
