import { readFile } from 'node:fs/promises'
import { cacheLayout } from './cache-layout.ts'
import { readChoice } from './workstation-facts.ts'

/** Where base images come from on this machine, as set-up decided; undefined before the first set-up. */
export async function readBaseImageSource(cacheFolder: string): Promise<'docker-hub' | 'stand-ins' | undefined> {
  return readChoice(await readFile(cacheLayout(cacheFolder).baseImagesFile, 'utf8').catch(() => '')).source
}
