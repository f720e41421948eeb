import { constants } from 'node:fs'
import { chmod, copyFile, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { storageFailure } from '../filesystem/storage-failure.ts'

/** Copies regular files, so that a container can change them whoever it runs as: without capabilities not even its root may write into another's file. Fails with `storage-full`, `storage-unavailable`. */
export async function copyCheckpoints(from: string, to: string, paths: readonly string[]): Promise<void> {
  try {
    await mkdir(to, { recursive: true })
    for (const path of paths) {
      await openFolders(to, dirname(path))
      // Shares the blocks where the file system can.
      await copyFile(join(from, path), join(to, path), constants.COPYFILE_FICLONE)
      await chmod(join(to, path), 0o666)
    }
  } catch (cause) {
    throw storageFailure(cause, `copying checkpoints to ${to}`)
  }
}

async function openFolders(root: string, folder: string): Promise<void> {
  let path = root
  for (const part of folder.split('/').filter((name) => name !== '.')) {
    path = join(path, part)
    await mkdir(path, { recursive: true })
    await chmod(path, 0o777)
  }
}
