import type { Fix } from '../../../schemas/generated/types.ts'
import type { Problem } from '../../problem.ts'
import type { SuggestedFix } from '../../service/world.ts'
import { applyEdits } from './apply-edits.ts'

/**
 * The safe fixes of problems as lines to put in place of others, in order; none touches lines of one before. Left out: what changes several files, or one
 * that is not in `texts`, and files with line ends of Windows, which a suggestion at GitHub would change. `texts`: files by path, as they are.
 */
export function suggestFixes(problems: readonly Problem[], texts: ReadonlyMap<string, string>): readonly SuggestedFix[] {
  const found: SuggestedFix[] = []
  for (const { code, message, severity, fix } of problems) {
    const file = fix?.edits[0]?.file
    const text = file === undefined ? undefined : texts.get(file)
    if (fix?.safe !== true || severity === 'hint' || file === undefined || text === undefined || text.includes('\r')) continue
    const lines = changedLines(text, fix)
    const isFree = (other: SuggestedFix): boolean =>
      lines === undefined || other.file !== file || other.endLine < lines.startLine || lines.endLine < other.startLine
    if (lines !== undefined && found.every(isFree)) found.push({ code, message, file, ...lines })
  }
  return found
}

/** The files that safe fixes would change, each alone. */
export function filesToSuggestFor(problems: readonly Problem[]): readonly string[] {
  const safe = problems.flatMap(({ fix, severity }) => (fix?.safe === true && severity !== 'hint' ? [fix] : []))
  return [...new Set(safe.flatMap(({ edits }) => edits[0]?.file ?? []))]
}

function changedLines(text: string, fix: Fix): Pick<SuggestedFix, 'startLine' | 'endLine' | 'replacement'> | undefined {
  if (fix.edits.some(({ file }) => file !== fix.edits[0]?.file)) return undefined
  const { text: changed, dropped } = applyEdits(text, fix.edits)
  if (dropped.length > 0) return undefined
  const [before, after] = [linesOf(text), linesOf(changed)]
  let start = 0
  while (start < before.length && before[start] === after[start]) start++
  let [end, afterEnd] = [before.length, after.length]
  while (end > start && afterEnd > start && before[end - 1] === after[afterEnd - 1]) [end, afterEnd] = [end - 1, afterEnd - 1]
  if (end === start && afterEnd === start) return undefined
  // A suggestion stands on a line: what is only inserted takes the line before with it, at the top the one after. One empty line would look like none.
  const isAlone = end === start || (afterEnd - start === 1 && after[start] === '')
  if (isAlone && start > 0) start--
  else if (isAlone && end < before.length) [end, afterEnd] = [end + 1, afterEnd + 1]
  if (end === start) return undefined
  return { startLine: start + 1, endLine: end, replacement: after.slice(start, afterEnd).join('\n') }
}

/** Without the empty one behind the last line end. */
function linesOf(text: string): readonly string[] {
  const lines = text.split('\n')
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}
