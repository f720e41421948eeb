import { PythonFailure } from './python-failure.ts'

/** A date, or a date with a time, as Python's `str()` prints it. */
export interface Timestamp {
  readonly type: 'date' | 'datetime'
  readonly text: string
}

/** yaml.org/type/timestamp, as PyYAML's constructor reads it: less strict than what makes a plain scalar a timestamp. */
const TIMESTAMP =
  /^(?<year>\d{4})-(?<month>\d\d?)-(?<day>\d\d?)(?:(?:[Tt]|[ \t]+)(?<hour>\d\d?):(?<minute>\d\d):(?<second>\d\d)(?:\.(?<fraction>\d*))?(?:[ \t]*(?<zone>Z|(?<sign>[-+])(?<zoneHour>\d\d?)(?::(?<zoneMinute>\d\d))?))?)?\n?$/

/** Throws what Python's `datetime` raises for a month 13 or an hour 24. */
export function constructTimestamp(written: string, at: number): Timestamp {
  const groups = TIMESTAMP.exec(written)?.groups
  if (groups === undefined) throw new PythonFailure('AttributeError', "'NoneType' object has no attribute 'groupdict'", at)
  const number = (name: string): number => Number(groups[name] ?? 0)
  const [year, month, day] = [number('year'), number('month'), number('day')]
  const date = `${groups['year']}-${twoDigits(month)}-${twoDigits(day)}`
  const hasTime = groups['hour'] !== undefined
  const zone = hasTime ? zoneText(groups['zone'], groups['sign'], number('zoneHour') * 60 + number('zoneMinute'), at) : ''
  const fault = dateFault(year, month, day) ?? timeFault(number('hour'), number('minute'), number('second'))
  if (fault !== undefined) throw new PythonFailure('ValueError', fault, at)
  if (!hasTime) return { type: 'date', text: date }
  const microseconds = (groups['fraction'] ?? '').slice(0, 6).padEnd(6, '0')
  const fraction = microseconds === '000000' ? '' : `.${microseconds}`
  return { type: 'datetime', text: `${date} ${twoDigits(number('hour'))}:${groups['minute']}:${groups['second']}${fraction}${zone}` }
}

function dateFault(year: number, month: number, day: number): string | undefined {
  if (year === 0) return 'year 0 is out of range'
  if (month < 1 || month > 12) return 'month must be in 1..12'
  return day < 1 || day > daysInMonth(year, month) ? 'day is out of range for month' : undefined
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function timeFault(hour: number, minute: number, second: number): string | undefined {
  if (hour > 23) return 'hour must be in 0..23'
  if (minute > 59) return 'minute must be in 0..59'
  return second > 59 ? 'second must be in 0..59' : undefined
}

function zoneText(zone: string | undefined, sign: string | undefined, minutes: number, at: number): string {
  if (zone === undefined) return ''
  if (sign === undefined || minutes === 0) return '+00:00'
  if (minutes < 24 * 60) return `${sign}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`
  const offset = timedeltaText(sign === '-' ? -minutes : minutes)
  throw new PythonFailure('ValueError', `offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not ${offset}.`, at)
}

/** `repr()` of a timedelta: whole days, which may be negative, and seconds, which may not. */
export function timedeltaText(minutes: number): string {
  const days = Math.floor(minutes / (24 * 60))
  const seconds = (minutes - days * 24 * 60) * 60
  const parts = [...(days === 0 ? [] : [`days=${days}`]), ...(seconds === 0 ? [] : [`seconds=${seconds}`])]
  return `datetime.timedelta(${parts.join(', ')})`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
