import type { PythonDict } from '../sage/python-value.ts'
import { closestWord } from '../words.ts'
import { membersOf } from './document-nodes.ts'

/** The words that a mapping's keys may be. */
export interface Vocabulary {
  readonly words: readonly string[]
  /** Other names that people give them. */
  readonly synonyms?: ReadonlyMap<string, string>
}

/** A manifest has a dozen keys; a hostile one may have tens of thousands. */
const MAX_KEYS = 200

const cache = new WeakMap<PythonDict, ReadonlyMap<string, string>>()

/**
 * Keys of a mapping that are not in its vocabulary → the word that each was probably meant to be. Only where that word is not there, and only the
 * first key for each word, so that renaming all of them at once gives no key twice. A mapping is always asked about with the same vocabulary.
 */
export function misspelledKeys(dict: PythonDict, { words, synonyms }: Vocabulary): ReadonlyMap<string, string> {
  const known = cache.get(dict)
  if (known !== undefined) return known
  const { byKey } = membersOf(dict)
  const taken = new Set(byKey.keys())
  const meanings = new Map<string, string>()
  for (const key of [...byKey.keys()].slice(0, MAX_KEYS)) {
    const meant = words.includes(key) ? undefined : (synonyms?.get(key.toLowerCase()) ?? closestWord(key, words))
    if (meant === undefined || taken.has(meant)) continue
    taken.add(meant)
    meanings.set(key, meant)
  }
  cache.set(dict, meanings)
  return meanings
}
