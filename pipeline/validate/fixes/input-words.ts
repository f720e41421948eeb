import { INPUT_KEYS, INPUT_TYPES } from '../sage/facts.ts'
import { closestWord } from '../words.ts'
import type { Vocabulary } from './misspelled-keys.ts'

/** The keys of an input, and what else authors call them. */
export const INPUT_VOCABULARY: Required<Vocabulary> = {
  words: INPUT_KEYS,
  synonyms: new Map([
    ['name', 'id'],
    ['flag', 'id'],
    ['desc', 'description'],
    ['help', 'description'],
    ['value', 'default'],
    ['default_value', 'default'],
  ]),
}

/** Types of other languages, and of JSON Schema, that mean just one of Sage's. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ...INPUT_TYPES.map((type) => [type.toLowerCase(), type] as const),
  ['bool', 'boolean'],
  ['flag', 'boolean'],
  ['integer', 'int'],
  ['int32', 'int'],
  ['int64', 'long'],
  ['number', 'float'],
  ['float32', 'float'],
  ['float64', 'double'],
  ['decimal', 'double'],
  ['str', 'string'],
  ['text', 'string'],
])

/** Types that Sage has nothing for: a text is nearest. */
const LOOSE_TYPES = /^(?:path|dir|directory|url|list|array|json|enum|choice|(?:str|string|int|integer|float|number|list)\s*\[.{0,40}\])$/

/** The type that a word was probably meant to be; `isCertain`: it can mean nothing else. Undefined when none is near. */
export function meantInputType(written: string): { readonly type: string; readonly isCertain: boolean } | undefined {
  if (written.length > 64) return undefined
  const word = written.replaceAll(/["'`]/g, '').trim().toLowerCase()
  if (LOOSE_TYPES.test(word)) return { type: 'string', isCertain: false }
  const type = TYPES.get(word) ?? closestWord(word, INPUT_TYPES)
  return type === undefined ? undefined : { type, isCertain: true }
}
