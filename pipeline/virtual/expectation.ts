import type { Expectation, ExpectationResult, Message, UploadedFile } from '../../schemas/generated/types.ts'
import type { TrialObservation } from '../ports/testbed.ts'

/** One way in which an observation falls short of an expectation. */
export interface Shortfall {
  readonly code: 'wrong-count' | 'wrong-value' | 'wrong-order' | 'wrong-rate' | 'too-late' | 'wrong-uploads' | 'golden-differs'
  readonly expected: string
  readonly found: string
}

export interface Judgement {
  readonly result: ExpectationResult
  readonly shortfalls: readonly Shortfall[]
}

interface Arrival {
  readonly message: Message
  readonly index: number
  readonly arrivalMs: number
}

interface Selection {
  readonly arrivals: readonly Arrival[]
  /** Of all that arrived, when more did than are kept. */
  readonly count: number
  readonly isCountExact: boolean
}

type Value = Message['value']

const EXAMPLES = 5
const TEXT_CHARACTERS = 80
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** Holds an observation against one expectation of `ctss.yaml`: every key that the schema allows. */
export function judgeExpectation(expectation: Expectation, observation: TrialObservation): Judgement {
  const shortfalls = [...(concernsMessages(expectation) ? judgeMessages(expectation, observation) : []), ...judgeUploads(expectation, observation.uploads)]
  const found = shortfalls.length === 0 ? describeFound(expectation, observation) : shortfalls.map((shortfall) => shortfall.found).join('; ')
  return {
    result: { name: subjectOf(expectation), outcome: shortfalls.length === 0 ? 'passed' : 'failed', expected: describeExpected(expectation), found },
    shortfalls,
  }
}

/** Whether a measurement's name matches a pattern, where `*` stands for one or more parts (`env.*.count` for `env.car.count`). */
export function matchesName(pattern: string, name: string): boolean {
  const parts = pattern.split('.').map((part) => (part === '*' ? '[^.]+(?:\\.[^.]+)*' : part.split('*').map(escapeRegExp).join('[^.]*')))
  return new RegExp(`^${parts.join('\\.')}$`).test(name)
}

/** Whether a value is the expected one: numbers within the larger of both tolerances, everything else exactly. */
export function isClose(value: Value, expected: Value, tolerance = 0, relativeTolerance = 0): boolean {
  if (typeof value !== 'number' || typeof expected !== 'number') return value === expected
  const margin = Math.max(tolerance, relativeTolerance * Math.abs(expected))
  // 0.97 + 0.05 is 1.02 for a person, though not for binary fractions.
  const rounding = 4 * Number.EPSILON * Math.max(Math.abs(value), Math.abs(expected))
  return Math.abs(value - expected) <= margin + rounding
}

/** A value as a message shows it: texts in quotes, long ones cut. */
export function showValue(value: Value): string {
  if (typeof value !== 'string') return String(value)
  return JSON.stringify(value.length > TEXT_CHARACTERS ? `${value.slice(0, TEXT_CHARACTERS)}…` : value)
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function concernsMessages({ uploads, ...rest }: Expectation): boolean {
  return uploads === undefined || Object.keys(rest).length > 0
}

function judgeMessages(expectation: Expectation, observation: TrialObservation): readonly Shortfall[] {
  const selection = select(expectation, observation)
  const counted = judgeCount(expectation, selection)
  if (selection.count === 0) return counted
  return [
    ...counted,
    ...judgeValues(expectation, selection),
    ...judgeSequence(expectation, selection),
    ...judgeAfter(expectation, selection, observation),
    // Under emulation time says nothing about the plugin.
    ...(observation.emulated ? [] : [...judgeRate(expectation, selection), ...judgeWithin(expectation, selection)]),
  ]
}

function select({ name, meta }: Expectation, observation: TrialObservation): Selection {
  const arrivals = observation.messages
    .map((message, index) => ({ message, index, arrivalMs: observation.arrivalMs[index] ?? 0 }))
    .filter(({ message }) => (name === undefined || matchesName(name, message.name)) && matchesMeta(meta, message))
  const isWhole = observation.total === observation.messages.length
  if (isWhole || meta !== undefined) return { arrivals, count: arrivals.length, isCountExact: isWhole }
  if (name === undefined) return { arrivals, count: observation.total, isCountExact: true }
  const count = observation.names.filter((entry) => matchesName(name, entry.name)).reduce((sum, entry) => sum + entry.count, 0)
  return { arrivals, count, isCountExact: true }
}

function matchesMeta(expected: Expectation['meta'], { meta }: Message): boolean {
  return Object.entries(expected ?? {}).every(([key, value]) => Object.hasOwn(meta, key) && meta[key] === value)
}

function judgeCount(expectation: Expectation, { count, isCountExact }: Selection): readonly Shortfall[] {
  const { least, most } = countRange(expectation)
  if (count >= least && count <= most) return []
  return [
    { code: 'wrong-count', expected: `${describeRange(least, most)} of ${subjectOf(expectation)}`, found: isCountExact ? String(count) : `at least ${count}` },
  ]
}

function countRange({ count, min_count, max_count, values }: Expectation): { least: number; most: number } {
  const exact = count ?? (min_count === undefined && max_count === undefined ? values?.length : undefined)
  if (exact !== undefined) return { least: exact, most: exact }
  return { least: min_count ?? (max_count === undefined ? 1 : 0), most: max_count ?? Number.POSITIVE_INFINITY }
}

function describeRange(least: number, most: number): string {
  if (least === most) return String(least)
  if (most === Number.POSITIVE_INFINITY) return `at least ${least}`
  return least === 0 ? `at most ${most}` : `${least} to ${most}`
}

function judgeValues(expectation: Expectation, { arrivals }: Selection): readonly Shortfall[] {
  const wanted = describeValue(expectation)
  if (wanted === undefined) return []
  const wrong = arrivals.filter(({ message }) => !hasValue(expectation, message.value))
  if (wrong.length === 0) return []
  const examples = wrong
    .slice(0, EXAMPLES)
    .map(({ message }) => `${showValue(message.value)} (${ordinal(arrivals.findIndex((arrival) => arrival.message === message) + 1)})`)
  const more = wrong.length > EXAMPLES ? ` and ${wrong.length - EXAMPLES} more` : ''
  return [
    {
      code: 'wrong-value',
      expected: `${subjectOf(expectation)} ${wanted}`,
      found: `${wrong.length} of ${arrivals.length} otherwise: ${examples.join(', ')}${more}`,
    },
  ]
}

function hasValue({ value, min, max, tolerance, relative_tolerance }: Expectation, found: Value): boolean {
  if (value !== undefined && !isClose(found, value, tolerance, relative_tolerance)) return false
  if (min === undefined && max === undefined) return true
  return typeof found === 'number' && found >= (min ?? Number.NEGATIVE_INFINITY) && found <= (max ?? Number.POSITIVE_INFINITY)
}

function describeValue({ value, min, max, ...tolerances }: Expectation): string | undefined {
  const range = min === undefined ? (max === undefined ? undefined : `at most ${max}`) : max === undefined ? `at least ${min}` : `from ${min} to ${max}`
  const exact = value === undefined ? undefined : `${showValue(value)}${describeTolerance(tolerances)}`
  return exact === undefined && range === undefined ? undefined : `with value ${[exact, range].filter((part) => part !== undefined).join(', ')}`
}

function describeTolerance({ tolerance, relative_tolerance }: Pick<Expectation, 'tolerance' | 'relative_tolerance'>): string {
  return `${tolerance === undefined ? '' : ` ± ${tolerance}`}${relative_tolerance === undefined ? '' : ` ± ${Number((relative_tolerance * 100).toPrecision(6))} %`}`
}

function judgeSequence(expectation: Expectation, { arrivals }: Selection): readonly Shortfall[] {
  const { values, tolerance, relative_tolerance } = expectation
  const index = (values ?? []).findIndex((value, position) => {
    const arrival = arrivals[position]
    return arrival !== undefined && !isClose(arrival.message.value, value, tolerance, relative_tolerance)
  })
  const wanted = values?.[index]
  const found = arrivals[index]
  if (wanted === undefined || found === undefined) return []
  return [
    {
      code: 'wrong-order',
      expected: `the ${ordinal(index + 1)} ${subjectOf(expectation)} to be ${showValue(wanted)}${describeTolerance(expectation)}`,
      found: showValue(found.message.value),
    },
  ]
}

function judgeAfter(expectation: Expectation, { arrivals }: Selection, observation: TrialObservation): readonly Shortfall[] {
  const { after } = expectation
  const first = arrivals[0]
  if (after === undefined || first === undefined) return []
  const before = observation.messages.findIndex((message) => matchesName(after, message.name))
  if (before !== -1 && before < first.index) return []
  const found = before === -1 ? `no ${after} at all` : `it is message ${first.index + 1}, and the first ${after} message ${before + 1}`
  return [{ code: 'wrong-order', expected: `${subjectOf(expectation)} after ${after}`, found }]
}

function judgeRate(expectation: Expectation, { arrivals }: Selection): readonly Shortfall[] {
  const { rate } = expectation
  if (rate === undefined) return []
  const expected = `${subjectOf(expectation)} ${describeRate(rate)}`
  const hz = rateOf(arrivals)
  if (hz === undefined) return [{ code: 'wrong-rate', expected, found: 'one message, which has no rate' }]
  return hz >= (rate.min_hz ?? 0) && hz <= (rate.max_hz ?? Number.POSITIVE_INFINITY)
    ? []
    : [{ code: 'wrong-rate', expected, found: `${Number(hz.toPrecision(3))} per second` }]
}

/** By arrival: a plugin may give its measurements any time it likes. */
function rateOf(arrivals: readonly Arrival[]): number | undefined {
  const [first, last] = [arrivals[0], arrivals.at(-1)]
  if (first === undefined || last === undefined || arrivals.length < 2) return undefined
  return ((arrivals.length - 1) * 1000) / Math.max(last.arrivalMs - first.arrivalMs, Number.MIN_VALUE)
}

function describeRate({ min_hz, max_hz }: NonNullable<Expectation['rate']>): string {
  return [min_hz === undefined ? undefined : `at least ${min_hz} per second`, max_hz === undefined ? undefined : `at most ${max_hz} per second`]
    .filter((part) => part !== undefined)
    .join(', ')
}

function judgeWithin(expectation: Expectation, { arrivals }: Selection): readonly Shortfall[] {
  const first = arrivals[0]
  if (expectation.within === undefined || first === undefined || first.arrivalMs <= readDurationMs(expectation.within)) return []
  return [
    {
      code: 'too-late',
      expected: `the first ${subjectOf(expectation)} within ${expectation.within} of the start`,
      found: `after ${(first.arrivalMs / 1000).toFixed(2)} s`,
    },
  ]
}

function readDurationMs(text: string): number {
  const [, digits, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? []
  if (digits === undefined || (unit !== 'ms' && unit !== 's' && unit !== 'm' && unit !== 'h')) throw new TypeError(`not a duration: ${text}`)
  return Number(digits) * UNIT_MS[unit]
}

function judgeUploads({ uploads: wanted }: Expectation, uploads: readonly UploadedFile[]): readonly Shortfall[] {
  if (wanted === undefined) return []
  const { count, min_count, filename, min_bytes, sha256 } = wanted
  const named = uploads.filter((upload) => filename === undefined || matchesFilename(filename, upload.name))
  const subject = filename === undefined ? 'uploads' : `uploads named ${filename}`
  const least = count ?? min_count ?? 1
  const most = count ?? Number.POSITIVE_INFINITY
  const shortfall = (expected: string, found: string): Shortfall => ({ code: 'wrong-uploads', expected, found })
  return [
    ...(named.length >= least && named.length <= most ? [] : [shortfall(`${describeRange(least, most)} ${subject}`, describeUploads(named, uploads))]),
    ...named
      .filter((upload) => min_bytes !== undefined && upload.bytes < min_bytes)
      .map((upload) => shortfall(`${subject} of at least ${min_bytes} bytes`, `${upload.name} with ${upload.bytes} bytes`)),
    ...(sha256 === undefined || named.some((upload) => upload.digest === `sha256:${sha256.replace(/^sha256:/, '')}`)
      ? []
      : [
          shortfall(
            `one of the ${subject} with SHA-256 ${sha256}`,
            named
              .map((upload) => upload.digest.slice(7))
              .slice(0, EXAMPLES)
              .join(', ') || 'none',
          ),
        ]),
  ]
}

function describeUploads(named: readonly UploadedFile[], all: readonly UploadedFile[]): string {
  if (named.length === all.length || all.length === 0) return String(named.length)
  return `${named.length}, among ${all.length} uploads: ${all
    .slice(0, EXAMPLES)
    .map((upload) => upload.name)
    .join(', ')}`
}

function matchesFilename(pattern: string, name: string): boolean {
  return new RegExp(`^${pattern.split('*').map(escapeRegExp).join('.*')}$`, 's').test(name)
}

function subjectOf({ name, meta, uploads, ...rest }: Expectation): string {
  if (name === undefined && meta === undefined && uploads !== undefined && Object.keys(rest).length === 0) return 'uploads'
  const labels = Object.entries(meta ?? {}).map(([key, value]) => `${key}=${value}`)
  return `${name ?? 'any message'}${labels.length > 0 ? ` with ${labels.join(', ')}` : ''}`
}

function describeExpected(expectation: Expectation): string {
  const { least, most } = countRange(expectation)
  const { values, after, rate, within, uploads } = expectation
  const messages = concernsMessages(expectation)
    ? [
        `${describeRange(least, most)} of ${subjectOf(expectation)}`,
        describeValue(expectation),
        values && `values ${values.slice(0, EXAMPLES).map(showValue).join(', ')}${values.length > EXAMPLES ? ', …' : ''}${describeTolerance(expectation)}`,
        after && `after ${after}`,
        rate && describeRate(rate),
        within && `the first within ${within}`,
      ]
    : []
  const files =
    uploads &&
    `${describeRange(uploads.count ?? uploads.min_count ?? 1, uploads.count ?? Number.POSITIVE_INFINITY)} uploads${uploads.filename === undefined ? '' : ` named ${uploads.filename}`}`
  return [...messages, files].filter((part) => part !== undefined && part !== '').join(', ')
}

function describeFound(expectation: Expectation, observation: TrialObservation): string {
  if (!concernsMessages(expectation)) return `${observation.uploads.length} uploads`
  const { arrivals, count } = select(expectation, observation)
  const values = arrivals.slice(0, EXAMPLES).map(({ message }) => showValue(message.value))
  return `${count}${values.length > 0 ? `: ${values.join(', ')}${count > values.length ? ', …' : ''}` : ''}`
}

function ordinal(position: number): string {
  const ending = position % 100 >= 11 && position % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][position % 10] ?? 'th')
  return `${position}${ending}`
}
