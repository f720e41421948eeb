import { decodeBase64 } from './pyyaml-binary.ts'
import { markedFailure } from './pyyaml-failure.ts'
import { PythonFailure } from './python-failure.ts'
import { flattenMapping, type FlattenBudget } from './pyyaml-merge.ts'
import { MAP, SEQ, STR, TAG_PREFIX, VALUE, type Node, type Pair, type ScalarNode } from './pyyaml-node.ts'
import { constructBool, constructFloat, constructInt } from './pyyaml-scalar.ts'
import { constructTimestamp } from './pyyaml-timestamp.ts'
import { hashKey, type HashKey } from './python-hash.ts'
import { quoteText } from './python-text.ts'
import type { PythonEntry, PythonValue } from './python-value.ts'

/** Values of the tag `=` in each other, before CPython's stack of 1000 frames ends. */
const MAX_VALUE_DEPTH = 980

/** The value of a document. Collections are filled in the order in which they are found, level by level, so that PyYAML's first error comes first. */
export function constructDocument(root: Node, text: string): PythonValue {
  return new Constructor(text).document(root)
}

class Constructor {
  readonly #text: string
  readonly #unfilled: (() => void)[] = []
  readonly #budget: FlattenBudget = { pairs: 0, done: new Set() }

  constructor(text: string) {
    this.#text = text
  }

  document(root: Node): PythonValue {
    const value = this.#value(root)
    // Grows while it is read.
    for (const fill of this.#unfilled) fill()
    return value
  }

  #value(node: Node): PythonValue {
    node.object ??= this.#construct(node)
    return node.object
  }

  #construct(node: Node): PythonValue {
    const { start, end } = node
    switch (node.tag) {
      case STR: {
        const { text, style, codePoints } = this.#scalar(node)
        return codePoints === undefined ? { type: 'str', value: text, style, start, end } : { type: 'str', value: text, style, codePoints, start, end }
      }
      case MAP:
        return this.#dict(node)
      case SEQ:
        return this.#list(node, (items) => {
          if (node.id !== 'sequence') throw this.#failure(`expected a sequence node, but found ${node.id}`, node)
          for (const item of node.items) items.push(this.#value(item))
        })
      case `${TAG_PREFIX}null`:
        this.#scalar(node)
        return { type: 'NoneType', start, end }
      case `${TAG_PREFIX}bool`:
        return { type: 'bool', value: constructBool(this.#scalar(node).text, start), start, end }
      case `${TAG_PREFIX}int`:
        return { type: 'int', value: constructInt(this.#scalar(node).text, start), start, end }
      case `${TAG_PREFIX}float`:
        return { type: 'float', value: constructFloat(this.#scalar(node).text, start), start, end }
      case `${TAG_PREFIX}timestamp`: {
        const { text } = this.#scalar(node)
        if (node.id !== 'scalar') throw new PythonFailure('TypeError', "expected string or bytes-like object, got 'list'", node.mark)
        return { ...constructTimestamp(text, start), start, end }
      }
      case `${TAG_PREFIX}binary`: {
        const { text, codePoints } = this.#scalar(node)
        const decoded = decodeBase64(text, codePoints)
        if ('problem' in decoded) throw this.#failure(decoded.problem, node)
        return { type: 'bytes', value: decoded, start, end }
      }
      case `${TAG_PREFIX}set`:
        return this.#set(node)
      case `${TAG_PREFIX}omap`:
        return this.#list(node, (items) => this.#fillPairs(node, items, 'while constructing an ordered map'))
      case `${TAG_PREFIX}pairs`:
        return this.#list(node, (items) => this.#fillPairs(node, items, 'while constructing pairs'))
      default:
        throw this.#failure(`could not determine a constructor for the tag ${quoteText(node.tag)}`, node)
    }
  }

  /** A mapping with the key `=` stands for that value. */
  #scalar(node: Node, depth = 0): ScalarNode {
    if (node.id === 'scalar') return node
    if (depth > MAX_VALUE_DEPTH) throw new PythonFailure('RecursionError', 'maximum recursion depth exceeded', node.mark)
    const pair = node.id === 'mapping' ? node.pairs.find(({ key }) => key.tag === VALUE) : undefined
    if (pair === undefined) throw this.#failure(`expected a scalar node, but found ${node.id}`, node)
    return this.#scalar(pair.value, depth + 1)
  }

  #list({ start, end }: Node, fill: (items: PythonValue[]) => void): PythonValue {
    const items: PythonValue[] = []
    this.#unfilled.push(() => fill(items))
    return { type: 'list', items, start, end }
  }

  #dict(node: Node): PythonValue {
    const entries: PythonEntry[] = []
    const duplicates: PythonValue[] = []
    this.#unfilled.push(() => this.#fillEntries(node, entries, duplicates))
    return { type: 'dict', entries, duplicates, start: node.start, end: node.end }
  }

  #set(node: Node): PythonValue {
    const items: PythonValue[] = []
    this.#unfilled.push(() => {
      const entries: PythonEntry[] = []
      this.#fillEntries(node, entries, [])
      for (const { key } of entries) items.push(key)
    })
    return { type: 'set', items, start: node.start, end: node.end }
  }

  #fillEntries(node: Node, entries: PythonEntry[], duplicates: PythonValue[]): void {
    if (node.id !== 'mapping') throw this.#failure(`expected a mapping node, but found ${node.id}`, node)
    flattenMapping(node, this.#text, this.#budget)
    const places = new Map<HashKey, number>()
    for (const [index, pair] of node.pairs.entries()) {
      const isMerged = index < node.merged
      const key = this.#value(pair.key)
      const hash = hashKey(key)
      if (hash === undefined) {
        throw markedFailure('ConstructorError', this.#text, { words: 'while constructing a mapping', at: node.mark }, 'found unhashable key', pair.key.mark)
      }
      const value = this.#value(pair.value)
      const place = places.get(hash)
      const first = place === undefined ? undefined : entries[place]
      if (place === undefined || first === undefined) {
        places.set(hash, entries.length)
        entries.push(entry(key, value, pair, isMerged))
        continue
      }
      if (!isMerged && first.isMerged === undefined) duplicates.push(key)
      // Python keeps the first key; of two equal texts, the mapping's own is nearer.
      const kept = first.isMerged === true && !isMerged && key.type === 'str' ? key : first.key
      entries[place] = entry(kept, value, pair, isMerged)
    }
  }

  #fillPairs(node: Node, items: PythonValue[], words: string): void {
    const failure = (problem: string, at: number): PythonFailure => markedFailure('ConstructorError', this.#text, { words, at: node.mark }, problem, at)
    if (node.id !== 'sequence') throw failure(`expected a sequence, but found ${node.id}`, node.mark)
    for (const item of node.items) {
      if (item.id !== 'mapping') throw failure(`expected a mapping of length 1, but found ${item.id}`, item.mark)
      const [pair] = item.pairs
      if (pair === undefined || item.pairs.length > 1) throw failure(`expected a single mapping item, but found ${item.pairs.length} items`, item.mark)
      items.push({ type: 'tuple', items: [this.#value(pair.key), this.#value(pair.value)], start: item.start, end: item.end })
    }
  }

  #failure(problem: string, node: Node): PythonFailure {
    return markedFailure('ConstructorError', this.#text, undefined, problem, node.mark)
  }
}

function entry(key: PythonValue, value: PythonValue, { alias }: Pair, isMerged: boolean): PythonEntry {
  if (alias === undefined && !isMerged) return { key, value }
  return { key, value, ...(alias !== undefined && { alias }), ...(isMerged && { isMerged }) }
}
