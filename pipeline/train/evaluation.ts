import type { ValidateFunction } from 'ajv'
import type { EvaluationMetric, EvaluationSlice, ModelManifest } from '../../schemas/generated/types.ts'
import { validateEvaluationResult, validateEvaluationSlices, validateModelManifest } from '../../schemas/generated/validators.js'

/** A document that a stranger wrote: its value, or what is wrong with it in a sentence. */
export type Reading<T> = { readonly kind: 'read'; readonly value: T } | { readonly kind: 'refused'; readonly reason: string }

const ERRORS_SHOWN = 5

/** Reads output/result.json: its metrics, in the file's order. A metric that does not say which direction is better is better when higher. */
export function readEvaluationResult(content: Buffer): Reading<EvaluationMetric[]> {
  return readJson(content, validateEvaluationResult, ({ metrics }) =>
    Object.entries(metrics).map(([name, { value, better = 'higher', unit, split, n, ci95 }]) => ({
      name,
      value,
      better,
      ...(unit !== undefined && { unit }),
      ...(split !== undefined && { split }),
      ...(n !== undefined && { n }),
      ...interval(ci95),
    })),
  )
}

/** Reads output/eval/slices.json. */
export function readEvaluationSlices(content: Buffer): Reading<EvaluationSlice[]> {
  return readJson(content, validateEvaluationSlices, (rows) =>
    rows.map(({ slice, metric, value, n, ci95, baseline }) => ({
      slice,
      metric,
      value,
      n,
      ...interval(ci95),
      ...(typeof baseline === 'number' && { baseline }),
    })),
  )
}

/** Reads model/manifest.json. */
export function readModelManifest(content: Buffer): Reading<ModelManifest> {
  return readJson(content, validateModelManifest, (files) => files)
}

function interval(ci95: readonly unknown[] | undefined): { ci95?: number[] } {
  const numbers = ci95?.filter((bound) => typeof bound === 'number') ?? []
  return numbers.length === 2 ? { ci95: numbers } : {}
}

function readJson<T, U>(content: Buffer, validate: ValidateFunction<T>, convert: (value: T) => U): Reading<U> {
  const parsed = parseJson(content)
  if (parsed.kind === 'refused') return parsed
  const { value } = parsed
  if (!validate(value)) return { kind: 'refused', reason: describeErrors(validate) }
  return { kind: 'read', value: convert(value) }
}

/** A stranger's JSON in UTF-8; the numbers that Python writes and JSON does not know come as the strings `NaN`, `Infinity`, `-Infinity`. */
export function parseJson(content: Buffer): Reading<unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(content)
    const value: unknown = JSON.parse(quoteBareNumbers(text))
    return { kind: 'read', value }
  } catch (cause) {
    return { kind: 'refused', reason: cause instanceof Error ? cause.message : String(cause) }
  }
}

/** Python's json module writes NaN and Infinity bare, which JSON does not know: outside of strings they become the strings that our schemas know. */
function quoteBareNumbers(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) => (token.startsWith('"') ? token : `"${token}"`))
}

function describeErrors(validate: ValidateFunction): string {
  const errors = validate.errors ?? []
  const lines = errors.slice(0, ERRORS_SHOWN).map(({ instancePath, message, params }) => {
    const wanted: unknown = params['allowedValue'] ?? params['allowedValues']
    return `${instancePath.slice(0, 300) || 'the document'} ${message ?? 'is wrong'}${wanted === undefined ? '' : ` (${JSON.stringify(wanted)})`}`
  })
  return [...lines, ...(errors.length > ERRORS_SHOWN ? [`and ${errors.length - ERRORS_SHOWN} more`] : [])].join('; ')
}
