import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import { Failure } from '../../pipeline/failure.ts'

/** The job that a request comes from, as GitHub vouches for it. */
export interface JobIdentity {
  readonly workflowRun: number
  readonly attempt: number
  /** `github-hosted` or `self-hosted`. */
  readonly runnerEnvironment: string
}

/** `status`: 401 for a token that GitHub did not make for us, 403 for one of another's job. */
export type IdentityAnswer = JobIdentity | { readonly status: 401 | 403; readonly detail: string }

export interface IdentityOptions {
  readonly issuer: string
  /** Origin of the service. */
  readonly audience: string
  /** GitHub's number of the control repository. */
  readonly controlRepository: () => Promise<number>
  /** As `job_workflow_ref` names them, each to the letter. */
  readonly dispatchWorkflows: readonly string[]
  /** Without it the issuer's own, fetched when they are needed and kept. */
  readonly keys?: JWTVerifyGetKey
  readonly now?: () => Date
}

const CLOCKS_APART_SECONDS = 60
const KEYS_TIMEOUT_MS = 5000
/** These mean that the issuer's keys cannot be had, not that the token is wrong. */
const UNAVAILABLE = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC']

/**
 * Reads a job's OIDC token: signed by GitHub (RS256) for this service, now, for a job of a dispatched run of the control repository that stands in this
 * project's workflow. Every other token is refused, before anything is looked up. Fails with `forge-unavailable` when GitHub's keys cannot be had.
 */
export function openIdentities(options: IdentityOptions): (token: string) => Promise<IdentityAnswer> {
  const { issuer, audience, now } = options
  const keys = options.keys ?? createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks`), { timeoutDuration: KEYS_TIMEOUT_MS })
  const limits = { issuer, audience, algorithms: ['RS256'], clockTolerance: CLOCKS_APART_SECONDS, requiredClaims: ['exp', 'iat'] }
  return async (token) => {
    let claims: JWTPayload
    try {
      claims = (await jwtVerify(token, keys, { ...limits, ...(now !== undefined && { currentDate: now() }) })).payload
    } catch (cause) {
      if (cause instanceof errors.JOSEError && !UNAVAILABLE.includes(cause.code))
        return { status: 401, detail: 'the token is not one of GitHub for this service, or its time is over' }
      throw new Failure('forge-unavailable', "the keys of GitHub's OIDC tokens cannot be had", { cause })
    }
    return readClaims(claims, options)
  }
}

async function readClaims(claims: JWTPayload, { controlRepository, dispatchWorkflows }: IdentityOptions): Promise<IdentityAnswer> {
  const text = (name: string): string => (typeof claims[name] === 'string' ? claims[name] : '')
  const workflowRun = numberOf(text('run_id'))
  const attempt = numberOf(text('run_attempt'))
  const isOurs =
    dispatchWorkflows.includes(text('job_workflow_ref')) &&
    text('event_name') === 'workflow_dispatch' &&
    text('repository_id') === String(await controlRepository()) &&
    workflowRun !== undefined &&
    attempt !== undefined
  return isOurs
    ? { workflowRun, attempt, runnerEnvironment: text('runner_environment').slice(0, 40) }
    : { status: 403, detail: 'this job is none that the service has dispatched' }
}

function numberOf(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined
}
