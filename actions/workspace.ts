import { realpath } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import { InputError } from './read-inputs.ts'

/** The folder that an input names, which must lie in the workspace, links followed. Throws an `InputError`. */
export async function folderInWorkspace(workspace: string, path: string, input: string): Promise<string> {
  const [root, folder] = await Promise.all([realpath(workspace).catch(() => undefined), realpath(resolve(workspace, path)).catch(() => undefined)])
  if (root === undefined) throw new InputError([`the workspace ${workspace} is not there: check the repository out first, with actions/checkout`])
  if (folder === undefined) throw new InputError([`input \`${input}\`: there is no ${path} in the workspace`])
  const inside = relative(root, folder)
  if (inside === '..' || inside.startsWith(`..${sep}`)) throw new InputError([`input \`${input}\`: ${path} leaves the workspace`])
  return folder
}
