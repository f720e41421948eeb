import { join } from 'node:path'
import { makeWorkFolder } from '../adapters/machine/work-folders.ts'
import type { LeftOutFile } from '../adapters/stage-folder/write-stage-folder.ts'
import type { BlobStore } from '../pipeline/ports/blob-store.ts'

/** Puts what no artifact takes into another store. Fails as both stores do. */
export async function keepLargeFiles(files: readonly LeftOutFile[], from: BlobStore, to: BlobStore, workParent: string): Promise<void> {
  await using folder = await makeWorkFolder(workParent, 'large-files')
  for (const { digest } of files.filter(({ reason }) => reason === 'too-large')) {
    const path = join(folder.path, digest.slice('sha256:'.length))
    if (!(await to.has(digest)) && (await from.getFile(digest, path))) await to.putFile(path)
  }
}
