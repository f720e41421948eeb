import { realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { ActionsEnvironment } from './environment.ts'
import { InputError } from './read-inputs.ts'

/** Folder of a job that its steps share: records, blobs and what goes up as artifacts. */
export function stateFolderOf({ temporary }: Pick<ActionsEnvironment, 'temporary'>): string {
  return join(temporary, 'ctss')
}

/** Downloaded artifacts may lie in the workspace or in the runner's temporary folder; where nothing was downloaded, the folder is not there. */
export async function folderOfRecords(
  path: string | undefined,
  { workspace, temporary }: Pick<ActionsEnvironment, 'workspace' | 'temporary'>,
): Promise<string> {
  if (path === undefined) return join(temporary, 'ctss-records')
  return folderInWorkspace([workspace, temporary], path, 'records').catch((error: unknown) => {
    if (path.startsWith(`${temporary}/`)) return path
    throw error
  })
}

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
