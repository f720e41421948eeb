import type { Problem } from '../problem.ts'
import { problemOf } from './rule.ts'
import { MORE_PROBLEMS } from './rules/reading-rules.ts'

/** More than a person reads; a hostile file could cause as many as it has bytes. */
const MAX_PROBLEMS = 100

const IMPORTANCE: Readonly<Record<Problem['severity'], number>> = { error: 0, warning: 1, hint: 2 }

/** Problems of several files and rules in one stable order (importance, file, line, column, code), each said once; of more than the limit the rest is counted. */
export function tidyProblems(problems: readonly Problem[], limit = MAX_PROBLEMS): readonly Problem[] {
  const unique = new Map(problems.map((problem) => [keyOf(problem), problem]))
  const sorted = [...unique.values()].toSorted(compareProblems)
  const left = sorted.length - limit
  if (left <= 0) return sorted
  const file = sorted[0]?.place?.file ?? 'sage.yaml'
  const more = problemOf(MORE_PROBLEMS, { place: { file }, message: `There are ${left} more problems, not listed.`, suggestion: 'Mend these first.' })
  return [...sorted.slice(0, limit), more]
}

/** Joined by hand: a hostile file has a hundred thousand. */
function keyOf({ code, message, place }: Problem): string {
  return `${code}\0${place?.file ?? ''}\0${place?.line ?? ''}:${place?.column ?? ''}\0${message}`
}

function compareProblems(a: Problem, b: Problem): number {
  return (
    IMPORTANCE[a.severity] - IMPORTANCE[b.severity] ||
    compareText(a.place?.file ?? '', b.place?.file ?? '') ||
    (a.place?.line ?? 0) - (b.place?.line ?? 0) ||
    (a.place?.column ?? 0) - (b.place?.column ?? 0) ||
    compareText(a.code, b.code) ||
    compareText(a.message, b.message)
  )
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
