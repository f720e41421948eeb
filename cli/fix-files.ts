import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { writeAtomically } from '../adapters/filesystem/atomic-file.ts'
import { errorCode, storageFailure } from '../adapters/filesystem/storage-failure.ts'
import { Failure } from '../pipeline/failure.ts'
import type { MendedFile } from './mend.ts'

/**
 * Writes mended files below a folder, each whole or not at all, with the mode it had. All are looked at before the first is written.
 * Fails with `interrupted` (a file is no longer what was judged), `storage-unavailable` (a link, no permission), `storage-full`; links are never followed.
 */
export async function fixFiles(folder: string, files: readonly MendedFile[]): Promise<void> {
  const modes = new Map<string, number>()
  for (const file of files) modes.set(file.file, await attempt(file.file, async () => checkTarget(folder, file)))
  for (const { file, after } of files) {
    await attempt(file, async () =>
      writeAtomically(join(folder, file), async (handle) => {
        await handle.writeFile(after)
        await handle.chmod(modes.get(file) ?? 0o644)
      }),
    )
  }
}

/** The mode that the file is written with. */
async function checkTarget(folder: string, { file, before }: MendedFile): Promise<number> {
  const parts = file.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..')) throw new TypeError(`not a path inside the folder: ${file}`)
  let path = folder
  for (const [position, part] of parts.entries()) {
    path = join(path, part)
    const isLast = position === parts.length - 1
    const stats = await lstat(path).catch(absent)
    if (stats === undefined && before === undefined) return 0o644
    if (stats === undefined) throw changed(file)
    if (stats.isSymbolicLink() || (isLast ? !stats.isFile() : !stats.isDirectory()))
      throw new Failure('storage-unavailable', `${path} is not a ${isLast ? 'file' : 'folder'} of its own: nothing was written.`)
    if (!isLast) continue
    if (before === undefined) throw new Failure('storage-unavailable', `${path} is there already: nothing was written.`)
    if (!(await readFile(path)).equals(before)) throw changed(file)
    return stats.mode & 0o7777
  }
  throw new TypeError('a path has parts')
}

function absent(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error
}

function changed(file: string): Failure {
  return new Failure('interrupted', `${file} changed while it was being judged: nothing was written to it.`, {
    suggestion: 'Run again when nothing writes to the folder.',
  })
}

async function attempt<T>(file: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw storageFailure(error, `writing ${file}`)
  }
}
