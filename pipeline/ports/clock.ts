/** Time, as a port: nothing in `pipeline/` asks the machine for it. */
export interface Clock {
  /** RFC 3339 in UTC with milliseconds, for instance `2026-11-21T12:00:00.000Z`. */
  now(): string
  /** Milliseconds that only grow; their zero has no meaning. */
  monotonicMs(): number
}
