import { constants } from 'node:fs'
import { lstat, open, stat } from 'node:fs/promises'

import { errorCode, storageFailure } from '../adapters/filesystem/storage-failure.ts'
import { Failure } from '../pipeline/failure.ts'
import { isGitUrl } from './git-url.ts'
import { openRepository } from './open-repository.ts'
import type { OpenOptions, OpenRepository } from './open-repository.ts'
import { printablePath } from './output/printable-path.ts'

/** A repository, or a file that is judged as a manifest whatever its name. */
export type OpenPlace = ({ readonly kind: 'repository' } & OpenRepository) | ({ readonly kind: 'file' } & OpenFile)

interface OpenFile extends AsyncDisposable {
  /** As it was given. */
  readonly path: string
  /** No more than the limit and one byte. */
  readonly content: Buffer
  /** Whether the path itself is a symbolic link. */
  readonly isLink: boolean
}

export interface PlaceOptions extends OpenOptions {
  /** How much of a file is read. */
  readonly limitBytes: number
}

/** Opens what a person typed: a folder, a Git URL, or a file. Fails with `storage-unavailable` where there is none of them, or it may not be read, and as `openRepository`. */
export async function openPlace(place: string, { limitBytes, ...options }: PlaceOptions): Promise<OpenPlace> {
  if (isGitUrl(place)) return { kind: 'repository', ...(await openRepository(place, options)) }
  const stats = await stat(place).catch((error: unknown) => {
    // Of a folder on the way, or of a link that leads nowhere, too.
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(errorCode(error) ?? '') || isBadArgument(error)) return undefined
    throw storageFailure(error, `reading ${shorten(place)}`)
  })
  const suggestion = 'Name a folder, a manifest, or the Git URL of a plugin repository.'
  if (stats === undefined) throw new Failure('storage-unavailable', `${shorten(place)} is not there.`, { suggestion })
  if (stats.isDirectory()) return { kind: 'repository', ...(await openRepository(place, options)) }
  if (!stats.isFile()) throw new Failure('storage-unavailable', `${shorten(place)} is not a folder or a file.`, { suggestion })
  try {
    const isLink = (await lstat(place)).isSymbolicLink()
    return { kind: 'file', path: place, content: await readStart(place, limitBytes), isLink, [Symbol.asyncDispose]: async () => {} }
  } catch (error) {
    throw storageFailure(error, `reading ${shorten(place)}`)
  }
}

/** As much of a path as a message needs, in one line. */
function shorten(place: string): string {
  const text = printablePath(place)
  if (text === '') return "''"
  return text.length > 300 ? `${text.slice(0, 100)}…${text.slice(-100)}` : text
}

/** A path with a zero byte in it. */
function isBadArgument(error: unknown): boolean {
  return errorCode(error) === 'ERR_INVALID_ARG_VALUE'
}

/** O_NONBLOCK: a FIFO put there meanwhile does not make us wait for ever. */
async function readStart(path: string, limitBytes: number): Promise<Buffer> {
  await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const content = Buffer.alloc(Math.min((await handle.stat()).size, limitBytes + 1))
  const { bytesRead } = await handle.read(content, 0, content.length, 0)
  return content.subarray(0, bytesRead)
}
