import type { EvaluationMetric, EvaluationTest, Gate, TrainDetails } from '../../schemas/generated/types.ts'
import type { ReleaseSummary } from '../ports/catalogue.ts'
import { error, type Place, type Problem } from '../problem.ts'

/** What one bound of a gate, or one category of evaluation tests, came to. */
export interface GateDecision {
  /** Undefined: a category of evaluation tests. */
  readonly gate: Gate | undefined
  /** Position of the gate in `training.gates`. */
  readonly index?: number
  readonly outcome: 'passed' | 'failed'
  readonly found: string
  readonly required: string
  /** One sentence with metric, threshold, finding and slice. */
  readonly message: string
  /** True: there was nothing to compare with, so that it could not fail. */
  readonly informational?: true
  /** The failed tests' own messages. */
  readonly detail?: string
}

type Verdict = Omit<GateDecision, 'gate' | 'index'>
type Measured = Pick<TrainDetails, 'metrics' | 'slices' | 'tests'>
type Figure = EvaluationMetric['value']

const LISTED = 10

/**
 * Decides every gate, and every category of evaluation tests (each failed test fails its category), from what training left.
 * Pure, and never stored: a changed threshold decides anew without training again. `baseline` is the newest release, where there is one.
 */
export function decideGates(gates: readonly Gate[], details: Measured, baseline: ReleaseSummary | undefined): readonly GateDecision[] {
  const decided = gates.flatMap((gate, index) => decideGate(gate, details, baseline).map((verdict) => ({ gate, index, ...verdict })))
  return [...decided, ...decideTests(details.tests)]
}

/** Failed decisions as problems; `placeOfGate` tells where a gate stands in ctss.yaml. */
export function gateProblems(decisions: readonly GateDecision[], placeOfGate: (index: number) => Place | undefined = () => undefined): readonly Problem[] {
  return decisions
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ gate, index, message, detail }) => {
      const place = index === undefined ? undefined : placeOfGate(index)
      const details = { ...(place && { place }), ...(detail && { detail }) }
      return gate === undefined ? error('evaluation-tests-failed', message, details) : error('gate-failed', message, details)
    })
}

function decideGate(gate: Gate, details: Measured, baseline: ReleaseSummary | undefined): readonly Verdict[] {
  const { min, max, max_gap: maxGap, max_drop: maxDrop } = gate
  const overall = details.metrics.find(({ name }) => name === gate.metric)
  return [
    min !== undefined && decideBound(gate, details, `at least ${min}`, (value) => value >= min),
    max !== undefined && decideBound(gate, details, `at most ${max}`, (value) => value <= max),
    maxGap !== undefined && decideGap(gate, maxGap, overall, details),
    maxDrop !== undefined && decideDrop(gate, maxDrop, overall, details, baseline),
  ].filter((verdict) => verdict !== false)
}

function decideBound(gate: Gate, details: Measured, required: string, holds: (value: number) => boolean): Verdict {
  const figure = figureOf(gate, details)
  if (figure === undefined) return missing(gate, details, required)
  // A comparison with NaN is false, so NaN never passes.
  return verdict(holds(Number(figure)), String(figure), required, `${nameOf(gate)} is ${figure}, and has to be ${required}`)
}

/** A slice against the overall value; without a slice, the one that is furthest behind. */
function decideGap(gate: Gate, limit: number, overall: EvaluationMetric | undefined, details: Measured): Verdict {
  const required = `at most ${limit} behind the overall value`
  const slices = details.slices.filter(({ metric, slice }) => metric === gate.metric && (gate.slice === undefined || slice === gate.slice))
  if (overall === undefined || slices.length === 0) return missing(gate, details, required)
  const gaps = slices.map(({ slice, value }) => ({ slice, value, ...distance(overall.value, value, overall.better, limit) }))
  const worst = gaps.find(({ behind }) => Number.isNaN(behind)) ?? gaps.reduce((one, other) => (other.behind > one.behind ? other : one))
  const message = `${gate.metric} on slice ${worst.slice} is ${worst.value}, overall ${overall.value}: ${worst.text}, and has to be ${required}`
  return verdict(worst.within, worst.text, required, message)
}

function decideDrop(gate: Gate, limit: number, overall: EvaluationMetric | undefined, details: Measured, baseline: ReleaseSummary | undefined): Verdict {
  const required = `at most ${limit} worse than the newest release`
  const figure = figureOf(gate, details)
  if (figure === undefined) return missing(gate, details, required)
  const former = baseline && figureOf(gate, baseline)
  const release = baseline && `${baseline.name}:${baseline.version}`
  if (former === undefined || !Number.isFinite(Number(former))) {
    const why = release === undefined ? 'there is no release to compare with' : `the newest release ${release} has no such figure to compare with`
    const passed = !Number.isNaN(Number(figure))
    return { ...verdict(passed, String(figure), required, `${nameOf(gate)} is ${figure}; ${why}`), ...(passed && { informational: true }) }
  }
  const better = overall?.better ?? baseline?.metrics.find(({ name }) => name === gate.metric)?.better ?? 'higher'
  const drop = distance(former, figure, better, limit)
  return verdict(drop.within, drop.text, required, `${nameOf(gate)} is ${figure}, in ${release} it was ${former}: ${drop.text}, and has to be ${required}`)
}

/** How far a value lies behind a reference, in the metric's worse direction; negative: it is better. */
function distance(reference: Figure, value: Figure, better: 'higher' | 'lower', limit: number): { behind: number; within: boolean; text: string } {
  const [from, to] = [Number(reference), Number(value)]
  const behind = better === 'higher' ? from - to : to - from
  // 0.8 - 0.7 is 0.10000000000000009 in binary: the rounding of the decimal figures themselves is not held against them.
  const noise = 2 * Number.EPSILON * Math.max(Math.abs(from), Math.abs(to), limit)
  const within = behind <= limit + (Number.isFinite(noise) ? noise : 0)
  const rounded = Number(Math.abs(behind).toPrecision(12))
  const shown = within || rounded > limit ? rounded : Math.abs(behind)
  return { behind, within, text: `${shown} ${behind < 0 ? 'better' : 'worse'}` }
}

function figureOf(gate: Gate, { metrics, slices }: Pick<TrainDetails, 'metrics' | 'slices'> | ReleaseSummary): Figure | undefined {
  const row =
    gate.slice === undefined
      ? metrics.find(({ name }) => name === gate.metric)
      : slices.find(({ metric, slice }) => metric === gate.metric && slice === gate.slice)
  return row?.value
}

function nameOf(gate: Gate): string {
  return gate.slice === undefined ? gate.metric : `${gate.metric} on slice ${gate.slice}`
}

function missing(gate: Gate, { metrics, slices }: Measured, required: string): Verdict {
  const known = metrics.some(({ name }) => name === gate.metric)
  const message = known
    ? `${nameOf(gate)} has to be ${required}, but output/eval/slices.json has no such slice of ${gate.metric}; it has ${list(slices.filter(({ metric }) => metric === gate.metric).map(({ slice }) => slice))}`
    : `${nameOf(gate)} has to be ${required}, but output/result.json has no metric ${gate.metric}; it has ${list(metrics.map(({ name }) => name))}`
  return verdict(false, 'missing', required, message)
}

function decideTests(tests: readonly EvaluationTest[]): readonly GateDecision[] {
  const categories = Map.groupBy(tests, ({ category }) => category)
  return [...categories].map(([category, members]) => {
    const failed = members.filter(({ outcome }) => outcome === 'failed' || outcome === 'error')
    const passed = members.filter(({ outcome }) => outcome === 'passed').length
    const found = `${passed} of ${members.length} passed`
    const message =
      failed.length === 0
        ? `evaluation tests (${category}): ${found}`
        : `${failed.length} of ${members.length} evaluation tests (${category}) failed: ${list(failed.map(({ name }) => name))}`
    const detail = failed.map(({ name, message: text }) => `${name}\n${text ?? ''}`).join('\n\n')
    return { gate: undefined, ...verdict(failed.length === 0, found, 'none fails', message), ...(detail && { detail }) }
  })
}

function verdict(passed: boolean, found: string, required: string, message: string): Verdict {
  return { outcome: passed ? 'passed' : 'failed', found, required, message }
}

function list(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  return names.length > LISTED ? `${names.slice(0, LISTED).join(', ')} and ${names.length - LISTED} more` : names.join(', ')
}
