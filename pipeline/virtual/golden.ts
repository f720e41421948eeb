import type { Expectation, Message } from '../../schemas/generated/types.ts'
import { isClose, matchesName, showValue, type Judgement } from './expectation.ts'
import { isWireObject, readWireJson, type WireJson } from './wire-json.ts'

/** One message of a golden file: what a plugin says again when it sees the same again. */
export interface GoldenMessage {
  readonly name: string
  readonly value: Message['value']
  readonly meta: Readonly<Record<string, string>>
  /** May be added by hand: how far a number may be off, absolute. */
  readonly tolerance?: number
}

/** What the node adds to a message; another version or job would change it. */
const ADDED_META = new Set(['host', 'job', 'task', 'plugin', 'node', 'vsn'])
/** Numbers that two processors compute are equal this far. */
const RELATIVE_TOLERANCE = 1e-6
/** More pairs than this are not aligned, only compared one by one. */
const ALIGNED_PAIRS = 4_000_000
const DIFFERENCE_CHARACTERS = 8192
const CONTEXT_LINES = 2

/** NDJSON for a golden file: name, value and own meta of each message; timings, times and what the node adds change from run to run and stay out. */
export function serialiseGolden(messages: readonly Message[]): string {
  return toGolden(messages)
    .map((message) => `${serialise(message)}\n`)
    .join('')
}

/** What became of a golden file; lines are counted from 1. */
export type GoldenReading =
  | { readonly kind: 'read'; readonly messages: readonly GoldenMessage[] }
  | { readonly kind: 'broken'; readonly line: number }
  | { readonly kind: 'missing' }

/** Reads a golden file, or tells the first line that is none of its kind. */
export function readGolden(text: string): GoldenReading {
  const messages: GoldenMessage[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const message = readGoldenLine(line)
    if (message === undefined) return { kind: 'broken', line: index + 1 }
    messages.push(message)
  }
  return { kind: 'read', messages }
}

/** Compares what was published with a golden file, message by message; an expectation's tolerance holds for the names that it is about. */
export function judgeGolden(golden: readonly GoldenMessage[], messages: readonly Message[], expectations: readonly Expectation[], name: string): Judgement {
  const found = toGolden(messages)
  const steps = align(golden, found, (expected, actual) => isSame(expected, actual, expectations))
  const changed = steps.filter((step) => step.kind !== 'same')
  const expected = `${golden.length} messages as in ${name}`
  const summary = changed.length === 0 ? `the same ${found.length}` : `${found.length}, of which ${describeChanges(steps)}`
  const difference = changed.length === 0 ? undefined : renderDifference(steps, name)
  return {
    result: {
      name: `golden ${name}`,
      outcome: changed.length === 0 ? 'passed' : 'failed',
      expected,
      found: summary,
      ...(difference !== undefined && { difference }),
    },
    shortfalls: changed.length === 0 ? [] : [{ code: 'golden-differs', expected, found: summary }],
  }
}

function toGolden(messages: readonly Message[]): readonly GoldenMessage[] {
  return messages
    .filter(({ name }) => !name.startsWith('plugin.duration.'))
    .map(({ name, value, meta }) => ({
      name,
      // An upload's address holds its time; what stays is the file's name.
      value: name === 'upload' && typeof meta['filename'] === 'string' ? meta['filename'] : value,
      meta: sortLabels(Object.entries(meta).filter(([key]) => !ADDED_META.has(key))),
    }))
}

function serialise({ name, value, meta, tolerance }: GoldenMessage): string {
  return JSON.stringify({ name, value, meta, ...(tolerance !== undefined && { tolerance }) })
}

function readGoldenLine(line: string): GoldenMessage | undefined {
  const document = readWireJson(line)
  if (!isWireObject(document)) return undefined
  const name = document.get('name')
  const value = readValue(document.get('value'))
  const meta = readMeta(document.get('meta'))
  const tolerance = readValue(document.get('tolerance'))
  if (typeof name !== 'string' || value === undefined || meta === undefined) return undefined
  if (tolerance === undefined) return document.has('tolerance') ? undefined : { name, value, meta }
  return typeof tolerance === 'number' ? { name, value, meta, tolerance } : undefined
}

function readValue(value: WireJson | undefined): Message['value'] | undefined {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  return typeof value === 'string' || typeof value === 'boolean' ? value : undefined
}

function readMeta(meta: WireJson | undefined): Record<string, string> | undefined {
  if (meta === undefined) return {}
  if (!isWireObject(meta)) return undefined
  const labels = [...meta].filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return labels.length === meta.size ? sortLabels(labels) : undefined
}

function sortLabels(labels: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(labels.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function isSame(expected: GoldenMessage, actual: GoldenMessage, expectations: readonly Expectation[]): boolean {
  if (expected.name !== actual.name || JSON.stringify(expected.meta) !== JSON.stringify(actual.meta)) return false
  const rules = expectations.filter((rule) => rule.name !== undefined && matchesName(rule.name, actual.name))
  const tolerance = Math.max(expected.tolerance ?? 0, ...rules.map((rule) => rule.tolerance ?? 0))
  const relative = Math.max(RELATIVE_TOLERANCE, ...rules.map((rule) => rule.relative_tolerance ?? 0))
  return isClose(actual.value, expected.value, tolerance, relative)
}

type Step =
  | { readonly kind: 'same'; readonly expected: GoldenMessage }
  | { readonly kind: 'missing'; readonly expected: GoldenMessage }
  | { readonly kind: 'extra'; readonly actual: GoldenMessage }

/** The fewest messages missing and extra: a longest common subsequence, after what both have in common at their ends. */
function align(
  golden: readonly GoldenMessage[],
  found: readonly GoldenMessage[],
  isEqual: (expected: GoldenMessage, actual: GoldenMessage) => boolean,
): readonly Step[] {
  const equalAt = (g: number, f: number): boolean => {
    const [expected, actual] = [golden[g], found[f]]
    return expected !== undefined && actual !== undefined && isEqual(expected, actual)
  }
  const shorter = Math.min(golden.length, found.length)
  let start = 0
  while (start < shorter && equalAt(start, start)) start += 1
  let end = 0
  while (end < shorter - start && equalAt(golden.length - 1 - end, found.length - 1 - end)) end += 1
  const same = (part: readonly GoldenMessage[]): Step[] => part.map((expected) => ({ kind: 'same', expected }))
  const middle = { golden: golden.slice(start, golden.length - end), found: found.slice(start, found.length - end) }
  const equal = (g: number, f: number): boolean => equalAt(start + g, start + f)
  return [...same(golden.slice(0, start)), ...alignMiddle(middle.golden, middle.found, equal), ...same(golden.slice(golden.length - end))]
}

function alignMiddle(golden: readonly GoldenMessage[], found: readonly GoldenMessage[], equal: (g: number, f: number) => boolean): readonly Step[] {
  if (golden.length * found.length > ALIGNED_PAIRS) return pairUp(golden, found, equal)
  const lengths = commonLengths(golden.length, found.length, equal)
  const at = (g: number, f: number): number => lengths[g]?.[f] ?? 0
  const steps: Step[] = []
  let [g, f] = [0, 0]
  for (;;) {
    const [expected, actual] = [golden[g], found[f]]
    if (expected === undefined && actual === undefined) return steps
    if (expected !== undefined && actual !== undefined && equal(g, f)) {
      steps.push({ kind: 'same', expected })
      g += 1
      f += 1
    } else if (expected !== undefined && (actual === undefined || at(g + 1, f) >= at(g, f + 1))) {
      steps.push({ kind: 'missing', expected })
      g += 1
    } else if (actual !== undefined) {
      steps.push({ kind: 'extra', actual })
      f += 1
    }
  }
}

function commonLengths(rows: number, columns: number, equal: (g: number, f: number) => boolean): readonly Uint16Array[] {
  const lengths = Array.from({ length: rows + 1 }, () => new Uint16Array(columns + 1))
  for (let g = rows - 1; g >= 0; g -= 1) {
    const [row, below] = [lengths[g], lengths[g + 1]]
    if (row === undefined || below === undefined) continue
    for (let f = columns - 1; f >= 0; f -= 1) {
      row[f] = equal(g, f) ? (below[f + 1] ?? 0) + 1 : Math.max(below[f] ?? 0, row[f + 1] ?? 0)
    }
  }
  return lengths
}

function pairUp(golden: readonly GoldenMessage[], found: readonly GoldenMessage[], equal: (g: number, f: number) => boolean): readonly Step[] {
  return Array.from({ length: Math.max(golden.length, found.length) }, (_, index): readonly Step[] => {
    const [expected, actual] = [golden[index], found[index]]
    if (expected !== undefined && equal(index, index)) return [{ kind: 'same', expected }]
    return [...(expected === undefined ? [] : [{ kind: 'missing', expected } as const]), ...(actual === undefined ? [] : [{ kind: 'extra', actual } as const])]
  }).flat()
}

function describeChanges(steps: readonly Step[]): string {
  const missing = steps.filter((step) => step.kind === 'missing').length
  const extra = steps.filter((step) => step.kind === 'extra').length
  return [missing > 0 ? `${missing} differ or are missing` : undefined, extra > 0 ? `${extra} are new` : undefined]
    .filter((part) => part !== undefined)
    .join(' and ')
}

/** In the manner of a unified diff: the messages that differ and two before and after them. */
function renderDifference(steps: readonly Step[], name: string): string {
  const near = new Set(
    steps.flatMap((step, index) => (step.kind === 'same' ? [] : Array.from({ length: 2 * CONTEXT_LINES + 1 }, (_, offset) => index + offset - CONTEXT_LINES))),
  )
  const lines = [`--- ${name}`, '+++ this run']
  let message = 0
  for (const [index, step] of steps.entries()) {
    if (step.kind !== 'extra') message += 1
    if (!near.has(index)) continue
    if (!near.has(index - 1) || index === 0) lines.push(`@@ message ${message} @@`)
    lines.push(step.kind === 'same' ? ` ${show(step.expected)}` : step.kind === 'missing' ? `-${show(step.expected)}` : `+${show(step.actual)}`)
  }
  const text = lines.join('\n')
  return text.length <= DIFFERENCE_CHARACTERS ? text : `${text.slice(0, DIFFERENCE_CHARACTERS - 2)}\n…`
}

function show({ name, value, meta }: GoldenMessage): string {
  const labels = Object.entries(meta).map(([key, label]) => ` ${key}=${label}`)
  return `${name} ${showValue(value)}${labels.join('')}`.replaceAll('\n', ' ')
}
