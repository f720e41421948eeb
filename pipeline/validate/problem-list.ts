import { error } from '../problem.ts'
import type { Problem } from '../problem.ts'

/** More than a person reads; a hostile file could cause as many as it has bytes. */
const MAX_PROBLEMS = 100

/** Problems of several files and rules in one stable order (file, line, column, code), each said once, at most 100. */
export function tidyProblems(problems: readonly Problem[]): readonly Problem[] {
  const unique = new Map(problems.map((problem) => [JSON.stringify([problem.code, problem.place, problem.message]), problem]))
  const sorted = [...unique.values()].toSorted(compareProblems)
  if (sorted.length <= MAX_PROBLEMS) return sorted
  const left = sorted.length - MAX_PROBLEMS
  // Errors first, so that what fails the stage is never among those left out.
  const kept = sorted.toSorted((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error')).slice(0, MAX_PROBLEMS)
  return [...kept.toSorted(compareProblems), error('more-problems', `There are ${left} more problems, not listed.`, { suggestion: 'Mend these first.' })]
}

function compareProblems(a: Problem, b: Problem): number {
  return (
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
