/**
 * What can be wrong with the world. Closed, so that every code has an exit code, a documentation anchor and a decision about retrying.
 */
export type FailureCode =
  | 'engine-unavailable'
  | 'builder-unavailable'
  | 'registry-unavailable'
  | 'registry-refused'
  | 'base-image-unavailable'
  | 'broker-unavailable'
  | 'testbed-unavailable'
  | 'storage-full'
  | 'storage-unavailable'
  | 'storage-corrupt'
  | 'download-failed'
  | 'digest-mismatch'
  | 'lock-held'
  | 'missing-tool'
  | 'workstation-unsupported'
  | 'forge-unavailable'
  | 'forge-refused'
  | 'trainer-unavailable'
  | 'interrupted'
  | 'cancelled'
  | 'timed-out'

const RETRYABLE: Readonly<Record<FailureCode, boolean>> = {
  'engine-unavailable': true,
  'builder-unavailable': true,
  'registry-unavailable': true,
  'registry-refused': false,
  'base-image-unavailable': true,
  'broker-unavailable': true,
  'testbed-unavailable': true,
  'storage-full': false,
  'storage-unavailable': true,
  'storage-corrupt': false,
  'download-failed': true,
  'digest-mismatch': false,
  'lock-held': true,
  'missing-tool': false,
  'workstation-unsupported': false,
  'forge-unavailable': true,
  'forge-refused': false,
  'trainer-unavailable': true,
  interrupted: true,
  cancelled: true,
  'timed-out': true,
}

export interface FailureOptions {
  /** What the person should do next, in a sentence. */
  readonly suggestion?: string
  readonly cause?: unknown
}

/** The world is wrong (registry down, lease refused): thrown, never collected. The user's own mistakes are a `Problem`; ours are any other error. */
export class Failure extends Error {
  readonly code: FailureCode
  readonly suggestion: string | undefined

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause })
    this.name = 'Failure'
    this.code = code
    this.suggestion = options.suggestion
  }

  /** Whether the same call may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return RETRYABLE[this.code]
  }
}
