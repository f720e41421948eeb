import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Root folder of the checkout (or installed package) that this code runs from, whether bundled or not. */
export function checkoutFolder(from: string = import.meta.url): string {
  for (let folder = dirname(fileURLToPath(from)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'examples'))) return folder
    if (folder === dirname(folder)) throw new Error(`no ctss checkout above ${from}`)
  }
}
