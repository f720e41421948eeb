import { Failure } from '../../pipeline/failure.ts'

/** The `errno` name of a file system error, such as `ENOENT`; undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Of sockets and pipes, which carry such names too. */
const NOT_OF_FILES = /^E(?:CONN|NET|HOST|ADDR|PIPE|TIMEDOUT|NOTFOUND)/

/**
 * What a file system error means: `storage-full` (no space, quota, file too large) or `storage-unavailable`.
 * A `Failure` and what is not a file system error (a bug) come back as they are.
 */
export function storageFailure(error: unknown, doing: string): unknown {
  const code = errorCode(error)
  if (error instanceof Failure || code === undefined || !/^E[A-Z0-9]+$/.test(code) || NOT_OF_FILES.test(code)) return error
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new Failure('storage-full', `${doing}: no space left`, { cause: error, suggestion: 'make room on the disk, then run again' })
  }
  const path =
    error instanceof Error && 'path' in error && typeof error.path === 'string' && !doing.endsWith(error.path) ? ` (${error.path.slice(0, 300)})` : ''
  const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
  return new Failure('storage-unavailable', `${doing}: ${denied ? 'permission denied' : code}${path}`, {
    cause: error,
    ...(denied && { suggestion: 'see who may read and write there, with `ls -la`' }),
  })
}
