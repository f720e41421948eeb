import { existsSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { ACTIONS } from '../../../actions/definitions.ts'

/** The repository under which plugins call our workflows. */
export const OURS = 'sagecontinuum/ctss'

/**
 * Copies what a release commit of this repository holds for workflows: the workflows, the actions with their built `dist`, and the image that they make.
 * Throws when an action is not built.
 */
export async function layOutRelease(target: string): Promise<void> {
  for (const folder of ['.github/workflows', 'runner-images/virtual-waggle']) await cp(folder, join(target, folder), { recursive: true })
  for (const { name } of ACTIONS) {
    const [own, copy] = [join('actions', name), join(target, 'actions', name)]
    if (!existsSync(join(own, 'dist/main.mjs'))) throw new Error(`${own} is not built: run \`node scripts/build.ts --actions\` first`)
    await cp(join(own, 'action.yml'), join(copy, 'action.yml'))
    await cp(join(own, 'dist'), join(copy, 'dist'), { recursive: true })
  }
}
