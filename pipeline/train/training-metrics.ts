import type { EvaluationMetric } from '../../schemas/generated/types.ts'
import type { Clock } from '../ports/clock.ts'
import type { Progress } from '../ports/progress.ts'
import { parseJson } from './evaluation.ts'

/** What is taken of a stranger's metrics. Ours: more than a chart can show, and little enough to hold. */
export const METRIC_LIMITS = { lineCharacters: 1000, metrics: 20, points: 1000 } as const

/** Letters and digits of any script, and the marks that experiment trackers allow in names. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}_./:@%+ -]{0,63}$/u
const SHOWN_METRICS = 4
const SHOWN_DIGITS = 4
/** Each goes into the log of a job as a line. */
const SHOWN_EVERY_MS = 5000

type Value = EvaluationMetric['value']

interface Point {
  readonly metric: string
  readonly step: number
  readonly value: Value
}

/** One metric over the steps: every point, or every second, fourth … where there are too many, and always the last. */
interface Series {
  readonly points: Point[]
  every: number
  seen: number
  last: Point
}

/** What a training says of itself while it runs: shown as it comes, kept for the record. One for all attempts. */
export class TrainingMetrics {
  /** Lines that are no points, and points of more metrics than are kept. */
  ignored = 0
  readonly #progress: Progress
  readonly #clock: Clock
  readonly #series = new Map<string, Series>()
  #rest = ''
  #step = 0
  #shownMs = -Infinity
  #unshown = false

  constructor(progress: Progress, clock: Clock) {
    this.#progress = progress
    this.#clock = clock
  }

  /** Takes text as it was appended to /opt/ml/output/metrics.ndjson, cut anywhere. */
  push(text: string): void {
    const lines = (this.#rest + text).split('\n')
    // One character more than is allowed makes the line too long, whatever follows.
    this.#rest = (lines.pop() ?? '').slice(0, METRIC_LIMITS.lineCharacters + 1)
    for (const line of lines) this.#take(line)
    if (this.#unshown && this.#clock.monotonicMs() - this.#shownMs >= SHOWN_EVERY_MS) this.#show()
  }

  /** An attempt has ended: its last line may have no end, and the next attempt's file begins anew. */
  endAttempt(): void {
    this.push('\n')
    if (this.#unshown) this.#show()
  }

  /** The points of each metric after those of the one before, one JSON object per line; undefined without any. */
  document(): Buffer | undefined {
    const points = [...this.#series.values()].flatMap((series) => (series.points.at(-1) === series.last ? series.points : [...series.points, series.last]))
    return points.length === 0 ? undefined : Buffer.from(points.map((point) => `${JSON.stringify(point)}\n`).join(''))
  }

  #take(line: string): void {
    if (line.trim() === '') return
    const point = line.length > METRIC_LIMITS.lineCharacters ? undefined : readPoint(line)
    if (point === undefined || !this.#add(point)) this.ignored += 1
  }

  #add(point: Point): boolean {
    const series = this.#series.get(point.metric)
    if (series === undefined) {
      if (this.#series.size === METRIC_LIMITS.metrics) return false
      this.#series.set(point.metric, { points: [point], every: 1, seen: 1, last: point })
    } else append(series, point)
    this.#step = point.step
    this.#unshown = true
    return true
  }

  #show(): void {
    const newest = [...this.#series.values()].slice(0, SHOWN_METRICS).map(({ last: { metric, value } }) => `${metric} ${round(value)}`)
    this.#progress.step(`step ${this.#step}: ${newest.join(', ')}`)
    this.#shownMs = this.#clock.monotonicMs()
    this.#unshown = false
  }
}

function append(series: Series, point: Point): void {
  if (series.seen % series.every === 0) series.points.push(point)
  series.seen += 1
  series.last = point
  if (series.points.length < METRIC_LIMITS.points) return
  series.points.splice(0, Infinity, ...series.points.filter((_, index) => index % 2 === 0))
  series.every *= 2
}

function readPoint(line: string): Point | undefined {
  const parsed = parseJson(Buffer.from(line))
  if (parsed.kind === 'refused' || typeof parsed.value !== 'object' || parsed.value === null) return undefined
  const { metric, step, value } = Object.fromEntries(Object.entries(parsed.value))
  const fits = typeof metric === 'string' && NAME.test(metric) && typeof step === 'number' && Number.isSafeInteger(step) && step >= 0 && isValue(value)
  return fits ? { metric, step, value } : undefined
}

/** A number, or one of those that JSON has no number for (`parseJson`). */
function isValue(value: unknown): value is Value {
  return (typeof value === 'number' && Number.isFinite(value)) || value === 'NaN' || value === 'Infinity' || value === '-Infinity'
}

function round(value: Value): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(SHOWN_DIGITS))) : value
}
