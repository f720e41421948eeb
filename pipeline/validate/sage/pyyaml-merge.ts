import { markedFailure } from './pyyaml-failure.ts'
import { PythonFailure } from './python-failure.ts'
import { MERGE, STR, VALUE, type MappingNode, type Pair } from './pyyaml-node.ts'

/** Merges in each other, before CPython's stack of 1000 frames ends. */
const MAX_MERGE_DEPTH = 980

/** Merged lists of merged lists double with each step. Python goes on until its memory ends; we stop here. */
const MAX_MERGED_PAIRS = 200_000

/** How many pairs a document's merges have copied. */
export interface FlattenBudget {
  pairs: number
  /** Mappings that hold no merge key any more: a list may name one of them thousands of times. */
  readonly done: Set<MappingNode>
}

/**
 * Puts the pairs of merge keys (`<<`, yaml.org/type/merge) before a mapping's own, in place: those of a list in reverse order.
 * A mapping that is merged loses its merge keys too. Throws PyYAML's ConstructorError.
 */
export function flattenMapping(node: MappingNode, text: string, budget: FlattenBudget, depth = 0): void {
  if (budget.done.has(node)) return
  if (depth > MAX_MERGE_DEPTH) throw new PythonFailure('RecursionError', 'maximum recursion depth exceeded', node.mark)
  const merge: Pair[] = []
  // The list may change below: a mapping can contain itself.
  for (let index = 0; index < node.pairs.length;) {
    const pair = node.pairs[index]
    if (pair?.key.tag === MERGE) {
      node.pairs.splice(index, 1)
      for (const source of mergeSources(node, pair, text, budget, depth)) spend(budget, merge, source, node)
    } else {
      if (pair?.key.tag === VALUE) pair.key.tag = STR
      index += 1
    }
  }
  if (merge.length > 0) {
    node.pairs = [...merge, ...node.pairs]
    node.merged += merge.length
  }
  if (node.pairs.every(({ key }) => key.tag !== MERGE && key.tag !== VALUE)) budget.done.add(node)
}

function mergeSources(node: MappingNode, { value }: Pair, text: string, budget: FlattenBudget, depth: number): readonly (readonly Pair[])[] {
  const failure = (problem: string, at: number): PythonFailure =>
    markedFailure('ConstructorError', text, { words: 'while constructing a mapping', at: node.mark }, problem, at)
  if (value.id === 'mapping') {
    flattenMapping(value, text, budget, depth + 1)
    return [value.pairs]
  }
  if (value.id === 'scalar') throw failure('expected a mapping or list of mappings for merging, but found scalar', value.mark)
  const sources: (readonly Pair[])[] = []
  for (const item of value.items) {
    if (item.id !== 'mapping') throw failure(`expected a mapping for merging, but found ${item.id}`, item.mark)
    flattenMapping(item, text, budget, depth + 1)
    sources.push(item.pairs)
  }
  return sources.reverse()
}

function spend(budget: FlattenBudget, merge: Pair[], source: readonly Pair[], node: MappingNode): void {
  budget.pairs += source.length
  if (budget.pairs > MAX_MERGED_PAIRS) throw new PythonFailure('MemoryError', '', node.mark)
  for (const pair of source) merge.push(pair)
}
