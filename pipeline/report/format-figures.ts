const MINUTE = 60
const HOUR = 3600

/** Seconds as a person says them: `12.3 ms`, `7.3 s`, `2 min 5 s`, `1 h 3 min`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return String(seconds)
  if (seconds < 0.9995) return `${Number((seconds * 1000).toPrecision(3))} ms`
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < MINUTE) return `${whole} s`
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min${whole % MINUTE === 0 ? '' : ` ${whole % MINUTE} s`}`
  const minutes = Math.floor((whole % HOUR) / MINUTE)
  return `${Math.floor(whole / HOUR)} h${minutes === 0 ? '' : ` ${minutes} min`}`
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** Bytes in binary units: `512 B`, `41.2 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  const digits = unit === 0 || Math.abs(value) >= 100 ? 0 : 1
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`
}

/** A figure with at most four significant digits; NaN and infinities by name. */
export function formatNumber(value: number | string): string {
  if (typeof value === 'string') return value
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return formatCount(value)
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : String(value)
}

/** An integer with thousands apart: `12,345`. Locale data of the machine plays no part. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** A figure in its unit. */
export function formatFigure(value: number, unit: 'number' | 's' | 'ms' | 'bytes' | 'count'): string {
  switch (unit) {
    case 's':
      return formatSeconds(value)
    case 'ms':
      return value >= 1000 ? formatSeconds(value / 1000) : `${formatNumber(value)} ms`
    case 'bytes':
      return formatBytes(value)
    case 'number':
    case 'count':
      return formatNumber(value)
  }
}

/** A 95 % confidence interval: `0.91 – 0.97`; nothing when there is none. */
export function formatInterval(ci95: readonly number[] | undefined): string {
  const [low, high] = ci95 ?? []
  if (low === undefined || high === undefined) return ''
  const texts = [formatNumber(low), formatNumber(high)]
  const decimals = Math.max(...texts.map((text) => /\.(\d+)$/.exec(text)?.[1]?.length ?? 0))
  return texts.map((text) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text).toFixed(decimals) : text)).join(' – ')
}

/** `1 trial`, `2 trials`. */
export function formatPlural(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`
}

/** `a`, `a and b`, `a, b and c`. */
export function formatList(items: readonly string[]): string {
  if (items.length < 2) return items.join('')
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}

/** RFC 3339 as `2026-11-21 12:00 UTC`. */
export function formatTime(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`
}
