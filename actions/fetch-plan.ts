import { getIDToken } from '@actions/core'
import { Failure } from '../pipeline/failure.ts'
import type { RunPlan } from '../schemas/generated/types.ts'
import { parsePlan } from './plan-file.ts'
import { InputError } from './read-inputs.ts'

/** A plan that the app has made: `plan` is the id of the run there. */
export interface PlanAddress {
  /** `https://…`; plain HTTP only on this machine. */
  readonly app: string
  readonly reference: string
}

const WAIT_MS = 30_000
const REFERENCE = /^[A-Za-z0-9_-]{1,128}$/

/** Fetches a plan from the app, which knows the job by its OIDC token. Fails with `forge-unavailable`, `storage-corrupt`. */
export async function fetchPlan({ app, reference }: PlanAddress, signal: AbortSignal): Promise<RunPlan> {
  const origin = originOf(app)
  if (!REFERENCE.test(reference)) throw new InputError(['input `plan` is no reference of a plan'])
  const token = await getIDToken(origin).catch((cause: unknown) => {
    throw new Failure('forge-unavailable', 'GitHub gave this job no OIDC token, by which the app would know it', {
      cause,
      suggestion: 'Give the job the permission `id-token: write`.',
    })
  })
  const url = `${origin}/api/v1/runs/${reference}/plan`
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]),
  }).catch((cause: unknown) => {
    throw new Failure('forge-unavailable', `the app at ${origin} does not answer`, { cause, suggestion: 'Run the job again.' })
  })
  if (!answer.ok) {
    await answer.body?.cancel()
    throw new Failure('forge-unavailable', `the app at ${origin} answered ${answer.status} when it was asked for the plan`)
  }
  return parsePlan(url, await answer.text())
}

function originOf(app: string): string {
  const url = URL.canParse(app) ? new URL(app) : undefined
  const isLocal = url !== undefined && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)) return url.origin
  throw new InputError(['input `app` is no https address'])
}
