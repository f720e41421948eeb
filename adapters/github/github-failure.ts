import { Failure } from '../../pipeline/failure.ts'

/** What is asked of GitHub, in words for a person. */
export interface GithubCall {
  /** Completes "GitHub refused to …". */
  readonly what: string
  /** What the token must be allowed, as a job's `permissions` name it. */
  readonly permission: string
  /** What else a refusal may mean here. */
  readonly hint?: string
}

/** A job of a workflow, or an app that is installed. */
export type Asker = 'job' | 'app'

const LONGEST_MESSAGE = 400

/** The status of an answer that Octokit made an error of; undefined for any other error. */
export function statusOf(cause: unknown): number | undefined {
  return isRecord(cause) && isRecord(cause['response']) && typeof cause['status'] === 'number' ? cause['status'] : undefined
}

/** Whether GitHub refused to make something because there is one of this name. */
export function isAlreadyThere(cause: unknown): boolean {
  const errors = statusOf(cause) === 422 ? bodyOf(cause)['errors'] : undefined
  return Array.isArray(errors) && errors.some((error: unknown) => isRecord(error) && error['code'] === 'already_exists')
}

/** The failure behind what Octokit threw; any other error, a bug of ours, stays as it is. */
export function githubFailure(cause: unknown, call: GithubCall, asker: Asker = 'job'): unknown {
  if (cause instanceof Failure) return cause
  // What the transport throws is wrapped on its way.
  if (isRecord(cause) && cause['cause'] instanceof Failure) return cause['cause']
  const status = statusOf(cause) ?? (isGraphqlError(cause) ? 200 : undefined)
  if (status === undefined) return cause
  const message = messageOf(cause)
  return new Failure('forge-refused', `GitHub refused to ${call.what}: ${message} (${status})`, {
    cause,
    suggestion: suggestionFor(status, message, call, asker),
  })
}

function suggestionFor(status: number, message: string, { permission, hint }: GithubCall, asker: Asker): string {
  if (status === 401)
    return asker === 'app'
      ? "Check the app's number and private key, this machine's clock, and that the app is still installed."
      : "The token is not valid, or no longer: a workflow's ends with its job, and after 24 hours."
  if (/\blocked\b/i.test(message)) return 'The conversation is locked: unlock it, or read the report in the job summary.'
  if (/\barchived\b/i.test(message)) return 'The repository is archived, and can only be read.'
  if (status !== 403 && status !== 404) return 'Sent again, it would be refused again.'
  const grant =
    asker === 'app'
      ? `The app needs the permission \`${permission}\` there: approve it where the app is installed (Settings → GitHub Apps), and check that the repository is among those that it was given.`
      : `Let the job do it: \`permissions: { ${permission} }\`. In runs for a pull request from a fork GitHub grants no writing.`
  return hint === undefined ? grant : `${grant} ${hint}`
}

function messageOf(cause: unknown): string {
  const { message, errors } = bodyOf(cause)
  const details = Array.isArray(errors) ? errors.map((error: unknown) => (isRecord(error) ? (error['message'] ?? error['code']) : error)) : []
  const texts = [message, ...details].filter((text) => typeof text === 'string')
  return (texts.length > 0 ? texts.join('; ') : 'no reason given').slice(0, LONGEST_MESSAGE)
}

function bodyOf(cause: unknown): Readonly<Record<string, unknown>> {
  if (isGraphqlError(cause)) return { errors: cause.errors }
  const data = isRecord(cause) && isRecord(cause['response']) ? cause['response']['data'] : undefined
  return isRecord(data) ? data : {}
}

/** GraphQL answers 200, whatever is wrong. */
function isGraphqlError(cause: unknown): cause is { readonly errors: readonly unknown[] } {
  return isRecord(cause) && cause['name'] === 'GraphqlResponseError' && Array.isArray(cause['errors'])
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
