import { formatCount } from '../report/format-figures.ts'
import type { RefWorld } from './world.ts'

/** Why no minute may be spent now, as a sentence in Markdown. */
export function overBudget({ policy: { budgets }, budget }: RefWorld): string | undefined {
  const spent = [
    ['The repository', budget.repositoryMinutes, budgets.repositoryMinutes, 'minutes'],
    ['The owner', budget.ownerMinutes, budgets.ownerMinutes, 'minutes'],
    ['The owner', budget.ownerServiceUnits, budgets.ownerServiceUnits, 'service units'],
  ] as const
  const over = spent.find(([, used, most]) => most !== undefined && used >= most)
  if (over === undefined) return undefined
  const [who, used, most = 0, unit] = over
  return `${who} has used ${formatCount(Math.round(used))} of ${formatCount(most)} ${unit} in the last 30 days.`
}

/** How many runs may start now. */
export function freePlaces({ policy: { budgets }, budget }: RefWorld): number {
  return Math.min(budgets.repositoryRuns - budget.repositoryRuns, budgets.ownerRuns - budget.ownerRuns)
}

/** Why there is none, as a sentence in Markdown. */
export function sayNoPlace({ policy: { budgets }, budget }: RefWorld): string {
  const isOwn = budget.repositoryRuns >= budgets.repositoryRuns
  return `It waits for a place: ${isOwn ? `this repository runs ${formatCount(budgets.repositoryRuns)}` : `this owner's repositories run ${formatCount(budgets.ownerRuns)}`} at a time.`
}
