import type { BuildDetails, EvaluationMetric, EvaluationSlice, Metric } from '../../schemas/generated/types.ts'
import type { SlowStepAdvice } from '../build/slow-steps.ts'
import { code, muted, plain, sign, strong, type Block, type Inline, type Item, type LaidOutSection, type Line } from './block.ts'
import { formatBytes, formatCount, formatFigure, formatInterval, formatList, formatNumber, formatPlural, formatSeconds, formatTime } from './format-figures.ts'
import { layoutTrials } from './layout-trials.ts'
import type { ChangeRow, GateRow, ProfileRow, ReportedBundle, ReportedProblem, ReportSection, Reservation, StageRow, TestCategory } from './report.ts'
import { clipText } from './sanitise-text.ts'

/** A section as blocks: what Markdown and HTML both print. Rows come by importance, so that the last can be left out. */
export function layoutSection(section: ReportSection): LaidOutSection {
  const { kind } = section
  switch (kind) {
    case 'stages':
      return { kind, title: 'Stages', weight: 1, folded: false, blocks: [stagesTable(section.rows)] }
    case 'problems':
      return {
        kind,
        title: `${section.rows.some(({ severity }) => severity === 'error') ? 'Problems' : 'Warnings'} (${formatCount(section.rows.length)})`,
        weight: 1,
        folded: false,
        blocks: [{ kind: 'items', items: section.rows.map(problemItem) }],
      }
    case 'gates':
      return { kind, title: 'Gates', weight: 2, folded: false, blocks: [gatesTable(section.rows)] }
    case 'evaluation':
      return { kind, title: 'Evaluation', weight: 2, folded: false, blocks: layoutEvaluation(section.metrics, section.slices) }
    case 'evaluation-tests':
      return {
        kind,
        title: 'Evaluation tests',
        weight: 3,
        folded: section.categories.every(({ failed }) => failed.length === 0),
        blocks: layoutTests(section.categories),
      }
    case 'trials':
      return { kind, title: 'Trials', weight: 2, folded: false, blocks: layoutTrials(section.trials) }
    case 'images':
      return { kind, title: 'Images', weight: 4, folded: true, blocks: layoutImages(section.platforms) }
    case 'slow-steps':
      return { kind, title: 'Where the build spends its time', weight: 4, folded: true, blocks: layoutSlowSteps(section.advice) }
    case 'profile':
      return { kind, title: 'Performance', weight: 3, folded: true, blocks: layoutProfile(section.rows, section.emulated) }
    case 'changes':
      return { kind, title: 'Against the newest release', weight: 3, folded: false, blocks: layoutChanges(section) }
    case 'bundle':
      return { kind, title: section.bundle.state === 'release' ? 'Release' : 'Candidate', weight: 1, folded: false, blocks: layoutBundle(section.bundle) }
    case 'reservations':
      return { kind, title: 'What this run does not show', weight: 2, folded: false, blocks: [{ kind: 'items', items: section.rows.map(reservationItem) }] }
  }
}

function stagesTable(rows: readonly StageRow[]): Block {
  return {
    kind: 'table',
    columns: [{ title: '' }, { title: 'Stage' }, { title: 'Time', align: 'right' }, { title: 'How' }],
    rows: rows.map((row) => [[sign(row.outcome)], [strong(row.stage)], stageTime(row), stageNote(row)]),
  }
}

function stageTime({ ran, seconds, reusedFrom }: StageRow): Line {
  if (ran) return [plain(formatSeconds(seconds))]
  return reusedFrom === undefined ? [] : [muted(`${formatSeconds(reusedFrom.seconds)} then`)]
}

function stageNote({ outcome, ran, reason, reusedFrom }: StageRow): Line {
  const what = outcome === 'skipped' ? 'skipped' : outcome === 'error' ? 'could not finish' : ran ? 'ran' : 'reused'
  if (reusedFrom === undefined) return reason === undefined ? [muted(what)] : [plain(`${what}: ${reason}`)]
  const from = plain(`${what} from ${formatTime(reusedFrom.started)}`)
  return reusedFrom.commit === null ? [from] : [from, plain(' at '), code(reusedFrom.commit.slice(0, 7))]
}

function problemItem({ severity, stage, place, url, message, suggestion, detail }: ReportedProblem): Item {
  const where =
    place === undefined ? stage : `${place.file}${place.line === undefined ? '' : `:${place.line}${place.column === undefined ? '' : `:${place.column}`}`}`
  const label: Inline = url === undefined ? (place === undefined ? strong(where) : code(where)) : { kind: 'link', text: where, url }
  return {
    line: [sign(severity === 'error' ? 'failed' : 'warning'), plain(' '), label, plain(': '), plain(message)],
    ...(suggestion !== undefined && { note: [plain(suggestion)] }),
    ...(detail !== undefined && { detail }),
  }
}

function gatesTable(rows: readonly GateRow[]): Block {
  const failedFirst = [...rows.filter(({ outcome }) => outcome === 'failed'), ...rows.filter(({ outcome }) => outcome === 'passed')]
  return {
    kind: 'table',
    columns: [{ title: '' }, { title: 'Gate' }, { title: 'Required' }, { title: 'Found' }],
    rows: failedFirst.map(({ outcome, subject, required, found, informational, message }) => [
      [sign(outcome)],
      [strong(subject)],
      [plain(required)],
      informational ? [muted(message)] : [plain(found)],
    ]),
  }
}

function layoutEvaluation(metrics: readonly EvaluationMetric[], slices: readonly EvaluationSlice[]): readonly Block[] {
  return [...(metrics.length === 0 ? [] : [metricsTable(metrics)]), ...(slices.length === 0 ? [] : [slicesTable(metrics, slices)])]
}

function metricsTable(metrics: readonly EvaluationMetric[]): Block {
  return {
    kind: 'table',
    columns: [
      { title: 'Overall' },
      { title: 'Value', align: 'right' },
      { title: '95 % interval', align: 'right' },
      { title: 'n', align: 'right' },
      { title: 'Better' },
    ],
    rows: metrics.map(({ name, value, unit, ci95, n, better, split }) => [
      [strong(name), ...(split === undefined ? [] : [muted(` ${split}`)])],
      [plain(`${formatNumber(value)}${unit === undefined || unit === '1' ? '' : ` ${unit}`}`)],
      [plain(formatInterval(ci95))],
      [plain(n === undefined ? '' : formatCount(n))],
      [muted(better)],
    ]),
  }
}

function slicesTable(metrics: readonly EvaluationMetric[], slices: readonly EvaluationSlice[]): Block {
  const overall = new Map(metrics.map((metric) => [metric.name, metric]))
  const several = new Set(slices.map(({ metric }) => metric)).size > 1
  const inRows = slices.some(({ baseline }) => baseline !== undefined)
  return {
    kind: 'table',
    columns: [
      { title: 'Slice' },
      ...(several ? [{ title: 'Metric' }] : []),
      { title: 'Value', align: 'right' },
      { title: '95 % interval', align: 'right' },
      { title: 'n', align: 'right' },
      { title: 'To overall', align: 'right' },
      ...(inRows ? [{ title: 'Baseline', align: 'right' } as const] : []),
    ],
    rows: slices.map(({ slice, metric, value, ci95, n, baseline }) => [
      [strong(slice)],
      ...(several ? [[plain(metric)]] : []),
      [plain(formatNumber(value))],
      [plain(formatInterval(ci95))],
      [plain(formatCount(n))],
      [plain(signedDifference(Number(value), Number(overall.get(metric)?.value)))],
      ...(inRows ? [[plain(baseline === undefined ? '' : formatNumber(baseline))]] : []),
    ]),
  }
}

/** A difference with its sign, to three decimals at most: `+0.012`, `−0.05`, `0`; nothing when one side is no number. */
function signedDifference(value: number, reference: number): string {
  const difference = Number((value - reference).toFixed(3))
  if (!Number.isFinite(difference)) return ''
  return difference === 0 ? '0' : `${difference > 0 ? '+' : '−'}${formatNumber(Math.abs(difference))}`
}

function layoutTests(categories: readonly TestCategory[]): readonly Block[] {
  const failed = categories.flatMap(({ failed: tests }) => tests)
  const table: Block = {
    kind: 'table',
    columns: [{ title: '' }, { title: 'Kind' }, { title: 'Passed', align: 'right' }, { title: 'Time', align: 'right' }],
    rows: categories.map(({ category, passed, total, seconds, failed: tests }) => [
      [sign(tests.some(({ outcome }) => outcome !== 'skipped') ? 'failed' : 'passed')],
      [strong(category)],
      [plain(`${formatCount(passed)} of ${formatCount(total)}`)],
      [plain(formatSeconds(seconds))],
    ]),
  }
  const items = failed.map(({ name, category, outcome, message }): Item => ({
    line: [sign(outcome), plain(' '), code(name), muted(` ${category}`)],
    ...(message && { detail: message }),
  }))
  return items.length === 0 ? [table] : [table, { kind: 'items', items }]
}

function layoutImages(platforms: BuildDetails['platforms']): readonly Block[] {
  const table: Block = {
    kind: 'table',
    columns: [{ title: '' }, { title: 'Platform' }, { title: 'Size', align: 'right' }, { title: 'Build', align: 'right' }, { title: 'Digest' }],
    rows: platforms.map(({ platform, outcome, bytes, seconds, emulated, digest }) => [
      [sign(outcome)],
      [strong(platform), ...(emulated ? [muted(' built under emulation')] : [])],
      [plain(bytes === undefined ? '' : formatBytes(bytes))],
      [plain(formatSeconds(seconds))],
      digest === undefined ? [] : [code(digest.slice(0, 'sha256:'.length + 12))],
    ]),
  }
  const steps = platforms.filter((platform) => platform.steps.length > 0)
  if (steps.length === 0) return [table]
  const slowest = steps.flatMap(({ platform, steps: all }) => all.map((step) => ({ platform, ...step }))).toSorted((a, b) => b.seconds - a.seconds)
  return [
    table,
    { kind: 'details', summary: [plain(`Build steps, slowest first (${formatPlural(slowest.length, 'step')})`)], open: false, blocks: [stepsTable(slowest)] },
  ]
}

/** What fits into a row; a record keeps more. */
const STEP_CHARACTERS = 200

function stepsTable(steps: readonly (BuildDetails['platforms'][number]['steps'][number] & { readonly platform: string })[]): Block {
  return {
    kind: 'table',
    columns: [{ title: 'Time', align: 'right' }, { title: 'Platform' }, { title: 'Step' }],
    rows: steps.map(({ seconds, platform, name, cached }) => [
      [plain(cached ? 'cached' : formatSeconds(seconds))],
      [plain(platform)],
      [code(clipText(name, STEP_CHARACTERS))],
    ]),
  }
}

function layoutSlowSteps(advice: readonly SlowStepAdvice[]): readonly Block[] {
  return [
    {
      kind: 'paragraph',
      line: [
        muted('Every figure is an estimate from this one run. Platforms are built side by side, so that the whole run may save less than they add up to.'),
      ],
    },
    { kind: 'items', items: advice.map(({ sentence, suggestion }) => ({ line: [plain(sentence)], note: [plain(suggestion)] })) },
  ]
}

const PROFILE_COLUMNS = [
  ['wall_seconds', 'Wall'],
  ['cpu_seconds', 'CPU'],
  ['memory_peak_bytes', 'Peak memory'],
  ['first_message_ms', 'First message'],
  ['disk_written_bytes', 'Written'],
  ['network_sent_bytes', 'Sent'],
  ['throttled_seconds', 'Throttled'],
  ['oom_kills', 'OOM kills'],
] as const

function layoutProfile(rows: readonly ProfileRow[], emulated: readonly string[]): readonly Block[] {
  const durations = rows.flatMap((row) =>
    Object.entries(row.metrics)
      .filter(([name]) => name.startsWith('plugin.duration'))
      .map(([name, metric]) => ({ ...row, name, metric })),
  )
  return [
    ...(rows.length === 0 ? [] : [profileTable(rows)]),
    ...(durations.length === 0 ? [] : [durationsTable(durations)]),
    ...(emulated.length === 0 ? [] : [{ kind: 'paragraph', line: [strong(formatList(emulated)), muted(' emulated: correctness only')] } as const]),
  ]
}

function profileTable(rows: readonly ProfileRow[]): Block {
  // Columns in which nothing ever happens (no throttling, no OOM) would only make the table wide.
  const columns = PROFILE_COLUMNS.filter(([name]) => rows.some(({ metrics }) => (metrics[name]?.value ?? 0) !== 0))
  return {
    kind: 'table',
    columns: [{ title: 'Trial' }, { title: 'Platform' }, ...columns.map(([, title]) => ({ title, align: 'right' as const }))],
    rows: rows.map(({ trial, platform, metrics }) => [[strong(trial)], [plain(platform)], ...columns.map(([name]) => figureCell(metrics[name]))]),
  }
}

function figureCell(metric: Metric | undefined): Line {
  if (metric === undefined) return []
  const figure = plain(formatFigure(metric.value, metric.unit))
  return metric.source === 'sampled' ? [figure, muted(' sampled')] : [figure]
}

function durationsTable(rows: readonly (ProfileRow & { readonly name: string; readonly metric: Metric })[]): Block {
  const figure = (value: number | undefined, { unit }: Metric) => [plain(value === undefined ? '' : formatFigure(value, unit))]
  return {
    kind: 'table',
    columns: [
      { title: 'Timed by the plugin' },
      { title: 'Trial' },
      { title: 'Platform' },
      { title: 'n', align: 'right' },
      { title: 'Median', align: 'right' },
      { title: 'p95', align: 'right' },
      { title: 'Longest', align: 'right' },
    ],
    rows: rows.map(({ name, metric, trial, platform }) => [
      [code(name.replace(/^plugin\.duration\./, ''))],
      [plain(trial)],
      [plain(platform)],
      [plain(metric.n === undefined ? '' : formatCount(metric.n))],
      figure(metric.value, metric),
      figure(metric.p95, metric),
      figure(metric.max, metric),
    ]),
  }
}

const FIGURES: Readonly<Record<string, string>> = {
  wall_seconds: 'wall time',
  cpu_seconds: 'CPU time',
  memory_peak_bytes: 'peak memory',
  first_message_ms: 'first message',
  image_bytes: 'image size',
}

/** What became worse, then better; what stayed is folded. */
function layoutChanges({ release, rows }: Extract<ReportSection, { kind: 'changes' }>): readonly Block[] {
  const moved = [...rows.filter(({ direction }) => direction === 'worse'), ...rows.filter(({ direction }) => direction === 'better')]
  const same = rows.filter(({ direction }) => direction === 'same')
  return [
    {
      kind: 'paragraph',
      line: [
        plain('Compared with '),
        strong(`${release.name}:${release.version}`),
        plain(' '),
        code(release.digest.slice(0, 'sha256:'.length + 12)),
        muted(' · one run against one run, so it informs and gates nothing'),
      ],
    },
    ...(moved.length === 0 ? [] : [changesTable(moved)]),
    ...(same.length === 0
      ? []
      : [
          {
            kind: 'details',
            summary: [plain(`${formatPlural(same.length, 'figure')} without a change that matters`)],
            open: false,
            blocks: [changesTable(same)],
          } as const,
        ]),
  ]
}

function changesTable(rows: readonly ChangeRow[]): Block {
  return {
    kind: 'table',
    columns: [
      { title: '' },
      { title: 'Figure' },
      { title: 'Where' },
      { title: 'Release', align: 'right' },
      { title: 'Now', align: 'right' },
      { title: 'Change', align: 'right' },
    ],
    rows: rows.map(changeRow),
  }
}

function changeRow({ figure, where, unit, before, after, direction }: ChangeRow): readonly Line[] {
  const relative = before === 0 ? NaN : ((after - before) / Math.abs(before)) * 100
  const change = unit === 'number' ? signedDifference(after, before) : Number.isFinite(relative) ? `${signedDifference(Number(relative.toFixed(1)), 0)} %` : ''
  const name = Object.hasOwn(FIGURES, figure) ? (FIGURES[figure] ?? figure) : figure
  return [[sign(direction)], [strong(name)], [plain(where)], [plain(formatFigure(before, unit))], [plain(formatFigure(after, unit))], [plain(change)]]
}

function layoutBundle({ name, version, digest, index, reference, state }: ReportedBundle): readonly Block[] {
  return [
    {
      kind: 'paragraph',
      line: [
        strong(`${name}:${version}`),
        muted(state === 'candidate' ? ' candidate, known by its digest until a tag claims the name' : ' released, immutable'),
      ],
    },
    { kind: 'code', text: `docker pull ${reference}`, keep: 'start' },
    {
      kind: 'table',
      columns: [{ title: 'What' }, { title: 'Digest' }],
      rows: [
        [[plain('bundle')], [code(digest)]],
        [[plain('image index')], [code(index)]],
      ],
    },
  ]
}

function reservationItem({ kind, text }: Reservation): Item {
  return { line: [sign(kind === 'skipped' ? 'skipped' : 'warning'), plain(' '), plain(text)] }
}
