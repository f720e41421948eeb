import { mkdirSync } from 'node:fs'
import type { Workplace } from '../ctss-process.ts'
import { git } from '../layout.ts'
import { writeTinyPlugin } from '../tiny-plugin.ts'
import type { ActionMachine } from './action-machine.ts'

/** Puts the tiny plugin, but for `files`, into the workspace of a machine, as `actions/checkout` does; returns its commit. */
export async function checkOut({ folder, workspace }: ActionMachine, files: Parameters<typeof writeTinyPlugin>[1] = {}): Promise<string> {
  mkdirSync(workspace, { recursive: true })
  await writeTinyPlugin({ folder } as Workplace, files, 'work')
  git(workspace, 'init', '-q')
  git(workspace, 'add', '-A')
  git(workspace, 'commit', '-q', '--allow-empty', '-m', 'Change')
  return git(workspace, 'rev-parse', 'HEAD')
}
