import { fill, type Contexts } from './expressions.ts'
import type { TemplateMap, Value } from './template.ts'

type Combination = Readonly<Record<string, Value>>

/** How often a job runs, and with what. */
export interface Strategy {
  readonly combinations: readonly Combination[]
  readonly failFast: boolean
  readonly maxParallel: number
}

/** Reads a job's `strategy`; a job without a matrix has one combination, which is empty. */
export function readStrategy(template: TemplateMap, contexts: Contexts): Strategy {
  const strategy = fill(template, contexts) as Readonly<Record<string, Value>>
  const matrix = (strategy['matrix'] ?? {}) as Readonly<Record<string, Value>>
  const { include = [], exclude = [], ...axes } = matrix as { include?: readonly Combination[]; exclude?: readonly Combination[] }
  const product = Object.entries(axes as Record<string, readonly Value[]>).reduce<readonly Combination[]>(
    (all, [axis, values]) => all.flatMap((combination) => values.map((value) => ({ ...combination, [axis]: value }))),
    [{}],
  )
  const kept = product.filter((combination) => !exclude.some((excluded) => agree(excluded, combination, Object.keys(excluded))))
  const combinations = Object.keys(axes).length === 0 ? [] : kept
  const added = include.reduce<readonly Combination[]>((all, extra) => {
    const matching = combinations.filter((combination) =>
      agree(
        extra,
        combination,
        Object.keys(extra).filter((key) => key in axes),
      ),
    )
    return matching.length === 0
      ? [...all, extra]
      : all.map((combination) => (matching.some((other) => agree(other, combination, Object.keys(axes))) ? { ...combination, ...extra } : combination))
  }, combinations)
  return {
    combinations: 'matrix' in template ? added : [{}],
    failFast: strategy['fail-fast'] !== false,
    maxParallel: typeof strategy['max-parallel'] === 'number' ? strategy['max-parallel'] : Infinity,
  }
}

function agree(one: Combination, other: Combination, keys: readonly string[]): boolean {
  return keys.every((key) => JSON.stringify(one[key]) === JSON.stringify(other[key]))
}
