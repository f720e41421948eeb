/** What makes GitHub hard to live with, besides faults: limits that count, lists that lag behind. */
import type { Lag, Limits } from './api.ts'
import type { Identity } from './handled.ts'
import type { LocalAnswer } from './releases.ts'
import type { Json } from './world.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const GITHUBS_HOUR = 5000
const DOCUMENTATION = 'https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api'
/** Operations that notify somebody. */
const CONTENT = /^(?:issues\/create(?:-comment)?|pulls\/create(?:-review|-review-comment)?|repos\/create-release)$/

interface Window {
  readonly startMs: number
  used: number
}

interface Fresh {
  readonly id: unknown
  readonly sinceMs: number
  left: number
}

export type Weather = ReturnType<typeof createWeather>

export function createWeather(limits: Limits, nowMs: () => number) {
  const windows = new Map<string, Window>()
  const fresh: Fresh[] = []
  let lag: Lag | undefined

  const windowOf = (key: string, lengthMs: number): Window => {
    const known = windows.get(key)
    if (known !== undefined && nowMs() < known.startMs + lengthMs) return known
    const window = { startMs: nowMs(), used: 0 }
    windows.set(key, window)
    return window
  }
  const ownerOf = ({ login, installation }: Identity): string => `${login} ${installation ?? ''}`
  const rateHeaders = (identity: Identity): Readonly<Record<string, string>> => {
    const { startMs, used } = windowOf(`hour ${ownerOf(identity)}`, HOUR_MS)
    const limit = limits.perHour ?? GITHUBS_HOUR
    return {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(Math.max(0, limit - used)),
      'x-ratelimit-used': String(used),
      'x-ratelimit-reset': String(Math.ceil((startMs + HOUR_MS) / 1000)),
      'x-ratelimit-resource': 'core',
    }
  }
  const secondary = (window: Window): LocalAnswer => ({
    status: 403,
    headers: { 'retry-after': String(Math.max(1, Math.ceil((window.startMs + MINUTE_MS - nowMs()) / 1000))) },
    body: { message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.', documentation_url: DOCUMENTATION },
  })
  return {
    rateHeaders,
    rate: (identity: Identity): Json => {
      const headers = rateHeaders(identity)
      const of = (name: string): number => Number(headers[`x-ratelimit-${name}`])
      const core = { limit: of('limit'), used: of('used'), remaining: of('remaining'), reset: of('reset') }
      return { resources: { core, search: { ...core, limit: 30, remaining: 30, used: 0 } }, rate: core }
    },
    /** Undefined: it may go on. */
    limit(identity: Identity, method: string, operation: string): LocalAnswer | undefined {
      const owner = ownerOf(identity)
      const hour = windowOf(`hour ${owner}`, HOUR_MS)
      if (limits.perHour !== undefined && hour.used >= limits.perHour)
        return {
          status: 403,
          headers: rateHeaders(identity),
          body: { message: `API rate limit exceeded for ${owner.trim()}.`, documentation_url: DOCUMENTATION },
        }
      hour.used += 1
      const points = windowOf(`points ${owner}`, MINUTE_MS)
      points.used += method === 'GET' ? 1 : 5
      if (limits.pointsPerMinute !== undefined && points.used > limits.pointsPerMinute) return secondary(points)
      if (!CONTENT.test(operation) || method === 'GET') return undefined
      const content = windowOf(`content ${owner}`, MINUTE_MS)
      content.used += 1
      return limits.contentPerMinute !== undefined && content.used > limits.contentPerMinute ? secondary(content) : undefined
    },
    /** A conditional request that is answered 304 costs nothing. */
    forgive(identity: Identity): void {
      windowOf(`hour ${ownerOf(identity)}`, HOUR_MS).used -= 1
    },
    setLag: (next: Lag | undefined): void => {
      lag = next
      if (next === undefined) fresh.splice(0)
    },
    /** Remembers what was made, and leaves it out of lists as long as they lag. */
    delay(line: string, answer: LocalAnswer): LocalAnswer {
      if (lag === undefined) return answer
      if (answer.status === 201 && isThing(answer.body))
        fresh.push({ id: answer.body['id'], sinceMs: nowMs(), left: lag.requests ?? (lag.ms === undefined ? 1 : Infinity) })
      if (!line.startsWith('GET ') || lag.on?.test(line) === false || answer.status !== 200) return answer
      const { ms = Infinity } = lag
      const hidden = (list: readonly unknown[]): readonly Fresh[] =>
        fresh.filter(({ id, sinceMs, left }) => left > 0 && nowMs() < sinceMs + ms && list.some((item) => isThing(item) && item['id'] === id))
      const without = (list: readonly unknown[]): readonly unknown[] => {
        const gone = hidden(list)
        for (const one of gone) one.left -= 1
        return list.filter((item) => !gone.some(({ id }) => isThing(item) && item['id'] === id))
      }
      if (Array.isArray(answer.body)) return { ...answer, body: without(answer.body) }
      if (!isThing(answer.body) || typeof answer.body['total_count'] !== 'number') return answer
      const [name, list] = Object.entries(answer.body).find(([, value]) => Array.isArray(value)) ?? []
      if (name === undefined || !Array.isArray(list)) return answer
      const kept = without(list)
      return { ...answer, body: { ...answer.body, total_count: answer.body['total_count'] - (list.length - kept.length), [name]: kept } }
    },
  }
}

function isThing(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
