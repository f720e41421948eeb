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
/** As large as a plan in a file may be. */
const ANSWER_BYTES = 64 * 2 ** 20
const REFERENCE = /^[A-Za-z0-9_-]{1,128}$/

/** What the app gives to the job that starts a run. */
export interface DispatchedRun {
  readonly plan: RunPlan
  /** Reads the plugin's repository, and nothing else. */
  readonly token: string
}

/**
 * Fetches a plan, and a token for the plugin's repository, from the app, which knows the job by its OIDC token. Nothing of the plugin has run before.
 * Fails with `forge-unavailable`, `forge-refused`, `storage-corrupt`.
 */
export async function fetchDispatchedRun({ app, reference }: PlanAddress, signal: AbortSignal): Promise<DispatchedRun> {
  const origin = originOf(app)
  if (!REFERENCE.test(reference)) throw new InputError(['input `plan` is no reference of a plan'])
  const identity = await getIDToken(origin).catch((cause: unknown) => {
    throw new Failure('forge-unavailable', 'GitHub gave this job no OIDC token, by which the app would know it', {
      cause,
      suggestion: 'Give the job the permission `id-token: write`.',
    })
  })
  const ask = async (method: string, path: string): Promise<string> => askApp(`${origin}/api/v1/runs/${reference}/${path}`, method, identity, signal)
  const plan = parsePlan(`the plan ${reference}`, await ask('GET', 'plan'))
  return { plan, token: readToken(await ask('POST', 'token')) }
}

async function askApp(url: string, method: string, identity: string, signal: AbortSignal): Promise<string> {
  const { origin } = new URL(url)
  const unanswered = (cause: unknown): never => {
    if (signal.aborted || cause instanceof Failure) throw cause
    throw new Failure('forge-unavailable', `the app at ${origin} does not answer`, { cause, suggestion: 'Run the job again.' })
  }
  const answer = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${identity}`, accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]),
  }).catch(unanswered)
  if (answer.ok) return readWhole(answer).catch(unanswered)
  await answer.body?.cancel()
  if (answer.status >= 500) throw new Failure('forge-unavailable', `the app at ${origin} answered ${answer.status}`, { suggestion: 'Run the job again.' })
  throw new Failure('forge-refused', `the app at ${origin} answered ${answer.status}: it does not know this run, or the run has claimed its plan already`)
}

async function readWhole(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  const body: ReadableStream<Uint8Array> | null = answer.body
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES) throw new Failure('storage-corrupt', `the app answered with more than ${ANSWER_BYTES / 2 ** 20} MiB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function readToken(text: string): string {
  const value = parseJson(text)
  if (typeof value === 'object' && value !== null && 'token' in value && typeof value.token === 'string' && value.token.length > 2) return value.token
  throw new Failure('storage-corrupt', 'the app answered without a token')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function originOf(app: string): string {
  const url = URL.canParse(app) ? new URL(app) : undefined
  const isLocal = url !== undefined && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)) return url.origin
  throw new InputError(['input `app` is no https address'])
}
