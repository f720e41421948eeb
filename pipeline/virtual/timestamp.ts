const NANOSECONDS = 1_000_000_000n
const MOMENT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z$/

/** 2000-01-01T06:00:00Z: pywaggle refuses to publish anything earlier (`pywaggle`, `publish`). */
export const EARLIEST_NS = 946_706_400_000_000_000n
/** What Beehive's data base, which counts signed 64-bit nanoseconds, can hold: 2262-04-11. */
export const LATEST_NS = 9_223_372_036_854_775_807n

/** RFC 3339 in UTC with nine decimals, of nanoseconds since 1970. */
export function formatNanoseconds(ns: bigint): string {
  const seconds = new Date(Number(ns / NANOSECONDS) * 1000).toISOString().slice(0, 19)
  return `${seconds}.${String(ns % NANOSECONDS).padStart(9, '0')}Z`
}

/** The same without the zeros at the end of the fraction, as Go's `time.Time` writes itself into JSON. */
export function formatLikeGo(ns: bigint): string {
  return formatNanoseconds(ns).replace(/\.?0+Z$/, 'Z')
}

/** Nanoseconds since 1970 of an RFC 3339 time in UTC with up to nine decimals; undefined when it is none. */
export function readTimestamp(text: string): bigint | undefined {
  const found = MOMENT.exec(text)
  const seconds = found?.[1] === undefined ? Number.NaN : Date.parse(`${found[1]}Z`)
  if (Number.isNaN(seconds)) return undefined
  return BigInt(seconds) * 1_000_000n + BigInt((found?.[2] ?? '').padEnd(9, '0'))
}
