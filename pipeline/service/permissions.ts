import type { RefWorld } from './world.ts'

/** Whether the installation has granted a permission of app.yml, by its name such as `checks`. What is lacking is told as `checks: write`. */
export function hasPermission({ repository: { installation } }: RefWorld, permission: string): boolean {
  return installation.kind === 'installed' && !installation.lacking.some((lacking) => lacking.split(':', 1)[0]?.trim() === permission)
}
