import { readLimited } from '../../adapters/http/read-limited.ts'
import { EXIT, type ExitCode } from '../../pipeline/exit-code.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { InboxCounts, ParkedRef, RetryingRef } from '../../pipeline/ports/inbox.ts'
import { printable } from '../../pipeline/printable.ts'

export interface InboxOptions {
  /** Address of the app. */
  readonly app: string | undefined
  readonly json?: boolean
}

/** From the environment, never from the command line, where others could read it. */
export interface OperatorAccess {
  readonly appUrl?: string | undefined
  readonly operatorToken?: string | undefined
}

const WAIT_MS = 30_000
const ANSWER_BYTES = 8 * 2 ** 20

/** `ctss inbox list`: what failed and is tried again, and what the app could not handle as often as it may try, which waits for a person: exit code 1. Fails with `forge-unavailable`, `forge-refused`. */
export async function listInboxCommand(options: InboxOptions, access: OperatorAccess): Promise<ExitCode> {
  const { counts, parked, retrying } = await readInbox(openApp(options, access))
  if (options.json) process.stdout.write(`${JSON.stringify({ counts, parked, retrying }, undefined, 2)}\n`)
  else {
    process.stdout.write(`${counts.waiting} waiting, ${counts.active} in hand, ${counts.retrying} to be tried again, ${counts.parked} parked\n`)
    const show = ({ address, cause, error }: Pick<ParkedRef, 'address' | 'cause' | 'error'>, when: string): void =>
      void process.stdout.write(`${address.repository} ${printable(address.ref)}  ${printable(cause)}, ${printable(when)}\n    ${printable(error)}\n`)
    for (const ref of retrying) show(ref, `tried again at ${ref.at}`)
    for (const ref of parked) show(ref, `${ref.attempts} attempts until ${ref.at}`)
    if (parked.length > 0) process.stdout.write('Once the cause is mended: ctss inbox replay REPOSITORY REF, or ctss inbox replay --all\n')
  }
  return parked.length === 0 ? EXIT.passed : EXIT.failed
}

/** `ctss inbox replay`: hands parked refs to the app's workers again; without an address, all of them. Exit code 1 when one was not parked. */
export async function replayInboxCommand(address: ParkedRef['address'] | undefined, options: InboxOptions, access: OperatorAccess): Promise<ExitCode> {
  const ask = openApp(options, access)
  if (address !== undefined) return (await replay(ask, address)) ? EXIT.passed : EXIT.failed
  const seen = new Set<string>()
  let isWhole = true
  // The app lists so many at a time, the newest first; what fails again at once is parked once more, and is left to whoever looks why.
  for (;;) {
    const fresh = (await readInbox(ask)).parked.map((ref) => ref.address).filter(({ repository, ref }) => !seen.has(`${repository} ${ref}`))
    if (fresh.length === 0) break
    for (const one of fresh) {
      seen.add(`${one.repository} ${one.ref}`)
      isWhole = (await replay(ask, one)) && isWhole
    }
  }
  if (seen.size === 0) process.stdout.write('nothing is parked\n')
  return isWhole ? EXIT.passed : EXIT.failed
}

async function replay(ask: Ask, { repository, ref }: ParkedRef['address']): Promise<boolean> {
  const isWoken = (await ask('POST', 'inbox/replay', { repository, ref })) !== undefined
  process.stdout.write(`${repository} ${printable(ref)}: ${isWoken ? 'handed on' : 'it is not parked (ctss inbox list)'}\n`)
  return isWoken
}

/** Undefined: 404. */
type Ask = (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<unknown>

function openApp({ app }: InboxOptions, { appUrl, operatorToken }: OperatorAccess): Ask {
  const origin = originOf(app ?? appUrl)
  if (operatorToken === undefined)
    throw new Failure('forge-refused', 'the inbox is for operators, and $CTSS_OPERATOR_TOKEN is not set', {
      suggestion: "Put the app's OPERATOR_TOKEN there.",
    })
  return async (method, path, body) => {
    const unanswered = (cause: unknown): never => {
      throw new Failure('forge-unavailable', `the app at ${origin} does not answer`, {
        cause,
        suggestion: 'Is it running? Its address is that of --app or $CTSS_APP.',
      })
    }
    const answer = await fetch(`${origin}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${operatorToken}`, accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(WAIT_MS),
    }).catch(unanswered)
    const { content, complete } = await readLimited(answer, ANSWER_BYTES).catch(unanswered)
    if (answer.status === 404 && method === 'POST') return undefined
    if (answer.status >= 500) throw new Failure('forge-unavailable', `the app at ${origin} answered ${answer.status}`, { suggestion: 'Its log says why.' })
    if (answer.status === 401)
      throw new Failure('forge-refused', `the app at ${origin} does not know the token`, { suggestion: 'Set $CTSS_OPERATOR_TOKEN to its OPERATOR_TOKEN.' })
    if (!answer.ok || !complete) throw new Failure('forge-refused', `${origin} answered ${answer.status}: it is no app of ctss, or one of another version`)
    return parseJson(content.toString('utf8')) ?? unanswered(new TypeError('the answer is not JSON'))
  }
}

function originOf(address: string | undefined): string {
  const url = address !== undefined && URL.canParse(address) ? new URL(address) : undefined
  const isLocal = url !== undefined && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)) return url.origin
  throw new Failure('forge-refused', address === undefined ? 'which app? Neither --app nor $CTSS_APP is given' : 'the address of the app is no https address', {
    suggestion: 'ctss inbox --app https://ctss.example.org',
  })
}

interface ShownInbox {
  readonly counts: InboxCounts
  readonly parked: readonly ParkedRef[]
  readonly retrying: readonly RetryingRef[]
}

async function readInbox(ask: Ask): Promise<ShownInbox> {
  const value = await ask('GET', 'inbox')
  const { counts, parked, retrying } = isRecord(value) ? value : {}
  if (isCounts(counts) && isListOf(parked, isParked) && isListOf(retrying, isRetrying)) return { counts, parked, retrying }
  throw new Failure('forge-refused', 'the app answered with something else than its inbox', { suggestion: 'Use the same release of ctss for both.' })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isCounts(value: unknown): value is InboxCounts {
  return isRecord(value) && ['waiting', 'active', 'retrying', 'parked'].every((name) => typeof value[name] === 'number')
}

function isListOf<Item>(value: unknown, isItem: (item: unknown) => item is Item): value is readonly Item[] {
  return Array.isArray(value) && value.every(isItem)
}

function isParked(value: unknown): value is ParkedRef {
  return isRetrying(value) && 'attempts' in value && typeof value.attempts === 'number'
}

function isRetrying(value: unknown): value is RetryingRef {
  if (!isRecord(value) || !isRecord(value['address'])) return false
  const { address, cause, error, at } = value
  return typeof address['repository'] === 'number' && [address['ref'], cause, error, at].every((text) => typeof text === 'string')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
