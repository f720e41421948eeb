import { readFile, stat } from 'node:fs/promises'
import { Failure } from '../pipeline/failure.ts'
import type { ActionsEnvironment } from './environment.ts'

/** Who may have written what a run builds. */
export type Trust = 'trusted' | 'untrusted'

/** What the event of a run says, as far as we need it. */
export interface RunEvent {
  readonly trust: Trust
  /** Number of the pull request; undefined for other events. */
  readonly pullRequest: number | undefined
  /** For instance `refs/heads/main`. */
  readonly defaultRef: string
}

/** They run with the rights of the base repository, and must not touch what a pull request brings. */
const REFUSED = ['pull_request_target', 'workflow_run', 'issue_comment']
/** GitHub caps payloads at 25 MB. */
const EVENT_BYTES = 32 * 2 ** 20

/**
 * Reads the event. A pull request whose head is in another repository, or in one that is gone, is untrusted, its reviews as well; so is an event without
 * a name. Fails with `workstation-unsupported`.
 */
export async function readEvent({ event, eventFile }: Pick<ActionsEnvironment, 'event' | 'eventFile'>): Promise<RunEvent> {
  if (REFUSED.includes(event))
    throw new Failure('workstation-unsupported', `the event ${event} gives a run rights that code of a pull request must not have`, {
      suggestion: 'Start the workflow on `pull_request` and `push`.',
    })
  const payload = await readPayload(eventFile)
  const branch = memberOf(memberOf(payload, 'repository'), 'default_branch')
  const defaultRef = `refs/heads/${typeof branch === 'string' && branch !== '' ? branch : 'main'}`
  if (event === '') return { trust: 'untrusted', pullRequest: undefined, defaultRef }
  if (!event.startsWith('pull_request')) return { trust: 'trusted', pullRequest: undefined, defaultRef }
  const pullRequest = memberOf(payload, 'pull_request')
  const number = memberOf(pullRequest, 'number')
  const head = memberOf(memberOf(memberOf(pullRequest, 'head'), 'repo'), 'full_name')
  const base = memberOf(memberOf(memberOf(pullRequest, 'base'), 'repo'), 'full_name')
  const isOwn = typeof head === 'string' && typeof base === 'string' && head.toLowerCase() === base.toLowerCase()
  return {
    trust: isOwn ? 'trusted' : 'untrusted',
    pullRequest: typeof number === 'number' && Number.isSafeInteger(number) && number > 0 ? number : undefined,
    defaultRef,
  }
}

async function readPayload(file: string | undefined): Promise<unknown> {
  try {
    if (file === undefined || (await stat(file)).size > EVENT_BYTES) return undefined
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    return value
  } catch {
    // Without a readable event nobody is trusted.
    return undefined
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined
}
