import { digestOfFile } from '../blob-store/folder-blobs.ts'
import type { Location } from './blob-file.ts'
import { runGit } from './git.ts'

/** A file in the folder, and the blob that the commit has in its place. */
export interface Difference {
  readonly location: Location
  readonly bytes: number
  readonly committed: string
}

/** https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: less than 1024 bytes, and in practice some 130. */
const POINTER_BYTES = 1024
const POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:[a-z0-9.-]+ .*\n)*?oid sha256:([0-9a-f]{64})\nsize (\d+)\n/

/** More files that differ than a clean checkout of a plugin has in Git LFS. */
const MAX_DIFFERENCES = 500

/**
 * Whether every difference is only that Git LFS has put a file in the place of its pointer: such a folder is as committed.
 * Asked without Git's own filters, which a stranger's configuration could point anywhere.
 */
export async function areLfsFiles(folder: string, differences: readonly Difference[], signal?: AbortSignal): Promise<boolean> {
  if (differences.length > MAX_DIFFERENCES) return false
  const sizes = await ask(folder, ['cat-file', '--batch-check=%(objectsize)'], differences, signal)
  const isSmall = sizes
    ?.toString('latin1')
    .trim()
    .split('\n')
    .every((size) => Number(size) < POINTER_BYTES)
  const blobs = isSmall === true ? await ask(folder, ['cat-file', '--batch=%(objectsize)'], differences, signal) : undefined
  if (blobs === undefined) return false
  let start = 0
  for (const { location, bytes } of differences) {
    // Each answer is its length, a line's end, its bytes and another line's end.
    const header = blobs.indexOf('\n', start)
    const end = header + 1 + Number(blobs.subarray(start, header).toString('latin1'))
    const [, oid, size] = POINTER.exec(blobs.subarray(header + 1, end).toString('utf8')) ?? []
    if (oid === undefined || Number(size) !== bytes || (await digestOfFile(location)).digest !== `sha256:${oid}`) return false
    start = end + 1
  }
  return true
}

async function ask(folder: string, args: readonly string[], differences: readonly Difference[], signal: AbortSignal | undefined): Promise<Buffer | undefined> {
  const input = differences.map(({ committed }) => `${committed}\n`).join('')
  const answer = await runGit(args, { cwd: folder, input, ...(signal && { signal }) })
  return answer.kind === 'ok' ? answer.stdout : undefined
}
