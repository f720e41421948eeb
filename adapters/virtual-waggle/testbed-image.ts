import type Docker from 'dockerode'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Progress } from '../../pipeline/ports/progress.ts'
import { ensureFolderImage, readFolderImage, type FolderImage } from '../engine/folder-image.ts'

/** The image of broker and companions: `runner-images/virtual-waggle`, above this module in a checkout as well as in the bundled CLI. */
export function readTestbedImage(): FolderImage {
  return readFolderImage(findFolder(), 'ctss-virtual-waggle')
}

/** Builds it where it is not there yet (half a minute, once). Fails as `ensureFolderImage`. */
export async function ensureTestbedImage(
  docker: Docker,
  image: FolderImage,
  { architecture }: { readonly architecture: string },
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  await ensureFolderImage(docker, image, { name: 'debian:bookworm-slim', architecture }, progress, signal)
}

function findFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, 'runner-images/virtual-waggle')
    if (existsSync(join(candidate, 'Dockerfile'))) return candidate
    if (folder === dirname(folder)) throw new Error('runner-images/virtual-waggle is missing from this installation')
  }
}
