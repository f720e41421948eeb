import { Failure } from '../../pipeline/failure.ts'
import { errorCode } from '../filesystem/storage-failure.ts'

/** Of sockets and names: the server is not there, or was and is gone. */
const UNREACHABLE = /^(ECONN|ENET|EHOST|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_)/
/** What `pg` and `pg-pool` say without a code. */
const LOST = /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error)/i

/** Classes and codes of https://www.postgresql.org/docs/15/errcodes-appendix.html, the first that fits; undefined: a bug of ours. */
const MEANINGS: readonly (readonly [RegExp, 'storage-full' | 'storage-unavailable' | 'storage-corrupt', string, string])[] = [
  [/^(53100|ENOSPC|EDQUOT)$/, 'storage-full', 'the disk of the database is full', 'Make room on that disk.'],
  [/^53300$/, 'storage-unavailable', 'the database has too many connections', 'Give it more, or the service fewer.'],
  [/^(25006|EROFS)$/, 'storage-unavailable', 'the database may only be read', 'Name the primary server, and look why it refuses to be written to.'],
  [/^28/, 'storage-unavailable', 'the database refuses this user', 'Look at user and password in its URL.'],
  [/^3D000$/, 'storage-unavailable', 'the server has no database of this name', 'Create it, or look at its URL.'],
  [/^XX00[12]$/, 'storage-corrupt', 'the database is damaged', 'Nothing was deleted. Restore it from a backup.'],
  [/^(08|53|57P|58|40|XX)/, 'storage-unavailable', 'the database does not answer as it should', 'Look at its log.'],
  [UNREACHABLE, 'storage-unavailable', 'the database cannot be reached', 'See whether it runs, and whether its address is right.'],
]

/** What an error of a database means: a `Failure`, or the error itself, where it is a bug of ours. Its parameters are in no message. */
export function databaseFailure(error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error
  const code = errorCode(error) ?? codeInside(error)
  if (code === undefined) return isLost(error) ? failure('storage-unavailable', 'the database cannot be reached', 'See whether it runs.', error) : error
  const [, meaning, message, suggestion] = MEANINGS.find(([pattern]) => pattern.test(code)) ?? []
  return meaning === undefined ? error : failure(meaning, `${message} (${code})`, suggestion ?? '', error)
}

function failure(code: 'storage-full' | 'storage-unavailable' | 'storage-corrupt', message: string, suggestion: string, cause: Error): Failure {
  return new Failure(code, message, { suggestion, cause })
}

/** Where a name has several addresses, Node collects an error of each. */
function codeInside(error: Error): string | undefined {
  return error instanceof AggregateError ? error.errors.map(errorCode).find((code) => code !== undefined) : undefined
}

/** A `RuntimeError` is the end of the embedded engine, which a restart opens again. */
function isLost(error: Error): boolean {
  return LOST.test(error.message) || error.name === 'RuntimeError'
}
