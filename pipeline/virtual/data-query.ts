import type { BeehiveRecord } from './beehive-ndjson.ts'
import { formatLikeGo, readTimestamp } from './timestamp.ts'

/** A query of Beehive's data API, read and checked (beehive-data-api, `service.go` and `influx_backend.go`). Times are nanoseconds since 1970. */
export interface DataQuery {
  readonly startNs: bigint
  readonly endNs: bigint
  readonly head: number | undefined
  readonly tail: number | undefined
  readonly func: Aggregate | undefined
  readonly filter: Readonly<Record<string, string>>
}

const AGGREGATES = ['mean', 'min', 'max', 'sum', 'count'] as const
type Aggregate = (typeof AGGREGATES)[number]

/** Why a query is refused, with the status and the words of the data API. */
export interface QueryRefusal {
  readonly status: 400 | 500
  readonly message: string
}

const FIELDS = new Set(['bucket', 'start', 'end', 'head', 'tail', 'experimental_func', 'experimental_window', 'filter'])
const KEY = /^[a-zA-Z_][a-zA-Z0-9_]*$/
/** As the data API has it; `+-_` is a range there, too. */
// oxlint-disable-next-line no-useless-escape -- a copy of the original
const PATTERN = /^[A-Za-z0-9+-_.*:| ]*$/
const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
}

/** Reads a query's body; `nowNs` is what relative times count from, and the end of a query that has none. */
export function readDataQuery(body: string, nowNs: bigint): DataQuery | QueryRefusal {
  const parsed = parse(body)
  if (parsed === undefined) return refuse(400, 'failed to parse query: not a JSON object')
  const unknown = [...parsed.keys()].find((field) => !FIELDS.has(field))
  if (unknown !== undefined) return refuse(400, `failed to parse query: json: unknown field ${JSON.stringify(unknown)}`)
  const [start, end, head, tail, func, window, bucket] = ['start', 'end', 'head', 'tail', 'experimental_func', 'experimental_window', 'bucket'].map(
    (field) => parsed.get(field) ?? undefined,
  )
  if (!isText(start) || !isText(end) || !isCount(head) || !isCount(tail) || !isText(func) || !isText(window) || !isText(bucket)) {
    return refuse(400, 'failed to parse query: a field has a value of the wrong type')
  }
  if (start === undefined || start === '') return refuse(400, 'failed to parse query: missing start field')
  const filter = readFilter(parsed.get('filter'))
  if ('message' in filter) return filter
  if (bucket?.startsWith('_') === true) return refuse(500, `failed to query backend: not authorized to access bucket "${bucket}"`)
  const [startNs, endNs] = [readTime(start, nowNs), end === undefined || end === '' ? nowNs : readTime(end, nowNs)]
  if (startNs === undefined) return refuse(500, `failed to query backend: invalid start timestamp "${start}"`)
  if (endNs === undefined) return refuse(500, `failed to query backend: invalid end timestamp "${end}"`)
  if (head !== undefined && tail !== undefined) return refuse(500, 'failed to query backend: head and tail cannot both be specified')
  if (window !== undefined)
    return refuse(
      500,
      func === undefined
        ? 'failed to query backend: window cannot be used without aggregation function'
        : 'failed to query backend: windows are not offered by a Virtual Waggle',
    )
  const aggregate = AGGREGATES.find((name) => name === func)
  if (func !== undefined && aggregate === undefined) return refuse(500, 'failed to query backend: unsupported function')
  return { startNs, endNs, head, tail, func: aggregate, filter: filter.patterns }
}

function refuse(status: 400 | 500, message: string): QueryRefusal {
  return { status, message: `error: ${message}` }
}

function parse(body: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const document: unknown = JSON.parse(body)
    return typeof document === 'object' && document !== null && !Array.isArray(document) ? new Map(Object.entries(document)) : undefined
  } catch {
    return undefined
  }
}

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function isCount(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= 0)
}

function readFilter(filter: unknown): { readonly patterns: Readonly<Record<string, string>> } | QueryRefusal {
  if (filter === undefined || filter === null) return { patterns: {} }
  if (typeof filter !== 'object') return refuse(400, 'failed to parse query: filter is not an object')
  const patterns: [string, string][] = []
  for (const [key, pattern] of Object.entries(filter)) {
    const text: unknown = pattern
    if (!KEY.test(key)) return refuse(400, `failed to parse query: invalid filter key: ${JSON.stringify(key)}`)
    if (typeof text !== 'string') return refuse(400, 'failed to parse query: a filter is not a text')
    if (!PATTERN.test(text)) return refuse(500, `failed to query backend: invalid filter field pattern ${JSON.stringify(text)}`)
    patterns.push([key, text])
  }
  return { patterns: Object.fromEntries(patterns) }
}

/** RFC 3339, or an offset from now such as `-1h30m`. */
function readTime(text: string, nowNs: bigint): bigint | undefined {
  const absolute = readTimestamp(text)
  if (absolute !== undefined) return absolute
  const [, sign, offset] = /^([+-]?)((?:\d+(?:ns|us|ms|s|m|h|d|w))+)$/.exec(text) ?? []
  if (offset === undefined) return readZonedTime(text)
  const length = [...offset.matchAll(/(\d+)([a-z]+)/g)].reduce((sum, [, digits = '0', unit = 'ns']) => sum + BigInt(digits) * (UNIT_NS[unit] ?? 0n), 0n)
  return sign === '-' ? nowNs - length : nowNs + length
}

/** RFC 3339 with an offset from UTC, to the millisecond. */
function readZonedTime(text: string): bigint | undefined {
  const milliseconds = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?[+-]\d{2}:\d{2}$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(milliseconds) ? undefined : BigInt(milliseconds) * 1_000_000n
}

/** A record and the line that it was read from. */
export interface StoredRecord extends BeehiveRecord {
  readonly line: string
}

/**
 * Answers a query as the data API does: lines of NDJSON, series by series (a name with one set of meta), each in order of time;
 * `head`, `tail` and functions count within a series, as Flux has it.
 */
export function answerQuery(query: DataQuery, records: readonly StoredRecord[]): readonly string[] {
  const series = new Map<string, StoredRecord[]>()
  for (const record of records) {
    if (record.ns < query.startNs || record.ns >= query.endNs || !matchesFilter(query.filter, record)) continue
    const key = seriesKey(record)
    const found = series.get(key) ?? []
    found.push(record)
    series.set(key, found)
  }
  return [...series]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, found]) => {
      const sorted = found.toSorted((a, b) => (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0))
      const limited = query.tail === undefined ? sorted.slice(0, query.head) : sorted.slice(Math.max(0, sorted.length - query.tail))
      return query.func === undefined ? limited.map(({ line }) => line) : aggregate(query, query.func, limited)
    })
}

function seriesKey({ message: { name, meta } }: StoredRecord): string {
  return JSON.stringify([name, Object.entries(meta).sort(([a], [b]) => (a < b ? -1 : 1))])
}

function matchesFilter(filter: DataQuery['filter'], { message: { name, meta } }: StoredRecord): boolean {
  return Object.entries(filter).every(([key, pattern]) => {
    const value = key === 'name' ? name : Object.hasOwn(meta, key) ? meta[key] : undefined
    return value !== undefined && matchesPattern(pattern, value)
  })
}

function aggregate(query: DataQuery, func: Aggregate, records: readonly StoredRecord[]): readonly string[] {
  const first = records[0]
  if (first === undefined) return []
  const numbers = records.map(({ message }) => message.value).filter((value) => typeof value === 'number')
  const sum = numbers.reduce((total, value) => total + value, 0)
  const values = { count: records.length, sum, mean: sum / numbers.length, min: Math.min(...numbers), max: Math.max(...numbers) }
  if (func !== 'count' && numbers.length === 0) return []
  const { name, meta } = first.message
  return [JSON.stringify({ timestamp: formatLikeGo(query.startNs), name, value: values[func], meta })]
}

/**
 * A filter's pattern: with `|` or `*` in it a regular expression, as in the data API, else the very text. Of expressions only what the
 * data API's own alphabet allows to be useful: alternatives, `.`, and `*`, `+`, `?` after a character; in linear time, whoever asks.
 */
export function matchesPattern(pattern: string, value: string): boolean {
  if (!/[|*]/.test(pattern)) return pattern === value
  return pattern.split('|').some((alternative) => matchesAlternative(readAtoms(alternative), value))
}

interface Atom {
  readonly character: string
  readonly isOptional: boolean
  readonly repeats: boolean
}

function readAtoms(alternative: string): readonly Atom[] {
  return [...alternative.matchAll(/(.)([*+?]?)/g)].map(([, character = '', quantifier]) => ({
    character,
    isOptional: quantifier === '*' || quantifier === '?',
    repeats: quantifier === '*' || quantifier === '+',
  }))
}

/** All places in the pattern that a match may have reached, character by character. */
function matchesAlternative(atoms: readonly Atom[], value: string): boolean {
  let places = skipOptional(new Set([0]), atoms)
  for (const character of value) {
    const next = new Set<number>()
    for (const place of places) {
      const atom = atoms[place]
      if (atom === undefined || (atom.character !== '.' && atom.character !== character)) continue
      next.add(place + 1)
      if (atom.repeats) next.add(place)
    }
    places = skipOptional(next, atoms)
  }
  return places.has(atoms.length)
}

/** A set grows while it is walked: what is added is walked too. */
function skipOptional(places: Set<number>, atoms: readonly Atom[]): Set<number> {
  for (const place of places) if (atoms[place]?.isOptional === true) places.add(place + 1)
  return places
}
