import { clipText, sanitiseText } from '../report/sanitise-text.ts'
import type { Action } from './action.ts'
import { pathInRepository } from './check-annotations.ts'
import { pullRequestsOf } from './decide-trust.ts'
import { hasPermission } from './permissions.ts'
import { sayText } from './say.ts'
import type { RefWorld, SuggestedFix } from './world.ts'

/** More at once is a rewrite, and better done by `ctss validate --fix`. */
const MOST_FIXES = 20
const REPLACEMENT_CHARACTERS = 8192
const MESSAGE_CHARACTERS = 500
const CODE_CHARACTERS = 60

/** Safe fixes as suggestions on their lines, each once. One whose replacement would not arrive as it is, is left to the author. */
export function decideSuggestions(world: RefWorld): readonly Action[] {
  const { head } = world
  if (head === undefined || !hasPermission(world, 'pull_requests')) return []
  const fixes = new Map<string, SuggestedFix>()
  for (const { path, fixes: found } of world.plugins) {
    for (const fix of found.flatMap((candidate) => makeSafe(candidate, path) ?? [])) {
      const place = `${fix.file}:${fix.startLine}`
      if (!fixes.has(place)) fixes.set(place, fix)
    }
  }
  if (fixes.size === 0) return []
  const chosen = [...fixes.values()].slice(0, MOST_FIXES)
  return pullRequestsOf(world).map(({ number }) => ({ kind: 'suggest', pullRequest: number, commit: head.commit, fixes: chosen, reason: 'the fix is safe' }))
}

function makeSafe(fix: SuggestedFix, folder: string): SuggestedFix | undefined {
  const file = pathInRepository(folder, fix.file)
  const isWhole =
    fix.startLine >= 1 && fix.endLine >= fix.startLine && fix.replacement.length <= REPLACEMENT_CHARACTERS && sanitiseText(fix.replacement) === fix.replacement
  if (file === undefined || !isWhole) return undefined
  return { ...fix, file, code: clipText(fix.code, CODE_CHARACTERS), message: sayText(fix.message, MESSAGE_CHARACTERS) }
}
