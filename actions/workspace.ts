import { realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { InputError } from './read-inputs.ts'

/** The folder that an input names: inside one of the roots, links followed; a relative path begins at the first of them. Throws an `InputError`. */
export async function folderInWorkspace(roots: readonly string[], path: string, input: string): Promise<string> {
  const [workspace = ''] = roots
  const real = await Promise.all(roots.map(async (root) => realpath(root).catch(() => undefined)))
  if (real[0] === undefined) throw new InputError([`the workspace ${workspace} is not there: check the repository out first, with actions/checkout`])
  const folder = await realpath(isAbsolute(path) ? resolve(path) : join(workspace, path)).catch(() => undefined)
  if (folder === undefined) throw new InputError([`input \`${input}\`: there is no ${path}`])
  if (!real.some((root) => root !== undefined && isInside(root, folder))) throw new InputError([`input \`${input}\`: ${path} leaves the workspace`])
  return folder
}

function isInside(root: string, folder: string): boolean {
  const path = relative(root, folder)
  return path !== '..' && !path.startsWith(`..${sep}`)
}
