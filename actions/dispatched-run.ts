import { Failure } from '../pipeline/failure.ts'
import type { RunPlan } from '../schemas/generated/types.ts'
import { openAppRun, parseJson, RETRY_DELAYS_MS, type RunAddress } from './app-run.ts'
import { parsePlan } from './plan-file.ts'

/** What the app gives to the job that starts a run. */
export interface DispatchedRun {
  readonly plan: RunPlan
  /** Reads the plugin's repository, and nothing else. */
  readonly token: string
}

/**
 * Fetches a plan, which claims it for this run of the workflow, and a token for the plugin's repository. Nothing of the plugin has run before.
 * Fails with `forge-unavailable`, `forge-refused`, `storage-corrupt`.
 */
export async function fetchDispatchedRun(address: RunAddress, signal: AbortSignal, delaysMs = RETRY_DELAYS_MS): Promise<DispatchedRun> {
  const run = openAppRun(address, signal, delaysMs)
  const plan = parsePlan(`the plan ${address.reference}`, await run.ask('GET', 'plan'))
  return { plan, token: readToken(await run.ask('POST', 'token')) }
}

function readToken(text: string): string {
  const value = parseJson(text)
  if (typeof value === 'object' && value !== null && 'token' in value && typeof value.token === 'string' && value.token.length > 2) return value.token
  throw new Failure('storage-corrupt', 'the app answered without a token')
}
