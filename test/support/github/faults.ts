const LIMITS = 'https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api'

export interface FaultAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

function json(status: number, body: object | string, headers: Readonly<Record<string, string>> = {}): FaultAnswer {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, body: JSON.stringify(body) }
}

function page(status: number, text: string): FaultAnswer {
  return { status, headers: { 'content-type': 'text/html' }, body: `<html><body>${text}</body></html>` }
}

/** Answered in place of what was asked for, and nothing is carried out. */
const ANSWERS = {
  unauthorized: () => json(401, { message: 'Bad credentials' }),
  forbidden: () => json(403, { message: 'Resource not accessible by integration' }),
  locked: () => json(403, { message: 'Unable to create comment because issue is locked.' }),
  archived: () => json(403, { message: 'Repository was archived so is read-only.' }),
  missing: () => json(404, { message: 'Not Found' }),
  invalid: () =>
    json(422, { message: 'Validation Failed', errors: [{ resource: 'Release', code: 'custom', message: 'tag_name was used by an immutable release' }] }),
  'too-many': (seconds: number) => json(429, { message: 'Too Many Requests' }, { 'retry-after': String(seconds) }),
  secondary: (seconds: number) =>
    json(403, { message: 'You have exceeded a secondary rate limit.', documentation_url: LIMITS }, { 'retry-after': String(seconds) }),
  /** The requests of an hour are used up. */
  primary: (seconds: number) =>
    json(403, { message: 'API rate limit exceeded.' }, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + seconds) }),
  'unnamed-limit': () => json(403, { message: 'You have exceeded a secondary rate limit.' }),
  unavailable: () => page(503, 'Unicorn!'),
  'bad-gateway': () => json(502, { message: 'Server Error' }),
  /** From a proxy. */
  'not-json': () => page(200, 'Please sign in to this network'),
  'other-shape': () => json(200, { message: 'What is this?' }),
  endless: () => json(200, 'x'.repeat(65 * 2 ** 20)),
} as const

export type FaultKind =
  | keyof typeof ANSWERS
  /** The connection is cut before anything was done. */
  | 'cut-before'
  /** It is carried out, and the connection is cut before the answer. */
  | 'cut-after'
  /** It is carried out, and the connection is cut in the middle of the answer. */
  | 'cut-amid'
  /** Nothing is ever answered. */
  | 'silent'
  /** An upload that breaks off on GitHub's side: 502, and an asset in state `starter`. */
  | 'starter'
  /** A list that does not show yet what came last. */
  | 'lagging'

export interface Fault {
  readonly kind: FaultKind
  /** Matches lines such as `POST /repos/sage/plugin/issues/1/comments`. */
  readonly on: RegExp
  /** How many requests it hits; one without it. */
  readonly times?: number
  /** How many are let through before. */
  readonly after?: number
  /** How long a client is told to wait. */
  readonly seconds?: number
}

/** The answer that a fault consists of; undefined: it is something that happens to the connection, or to what is answered. */
export function faultAnswer({ kind, seconds = 1 }: Fault): FaultAnswer | undefined {
  return isAnswer(kind) ? ANSWERS[kind](seconds) : undefined
}

function isAnswer(kind: FaultKind): kind is keyof typeof ANSWERS {
  return kind in ANSWERS
}
