import type { PortalFacts } from '../rule.ts'
import type { DocumentPath } from '../yaml-source.ts'
import type { PythonDict, PythonEntry, PythonValue } from './python-value.ts'
import { pythonStr } from './python-words.ts'

/** Something for which Sage's server, or the Portal before it, does not take a manifest. */
export interface Refusal {
  /** Of `rules/sage-refusals.ts`. */
  readonly code: string
  /** In the author's document; of what is missing, where it should stand. */
  readonly path: DocumentPath
  readonly part?: 'key' | 'value'
  /** Offset in the text, where it cannot be read at all. */
  readonly start?: number
  /** What Sage sees there. */
  readonly found?: PythonValue
  /** Sage's words, as in the answer's `error` (`portal: ` before the Portal's own), MySQL's as version 8 prints them. */
  readonly sage: string
  /** The HTTP status that comes with it; 0: the Portal sends nothing. */
  readonly status: number
  /** The answer is a page in HTML. */
  readonly html?: true
  /** Sage's server breaks on it instead of refusing it. */
  readonly accident: boolean
  readonly message: string
  readonly suggestion?: string
}

/** A refusal as the rules write it: with HTTP's 500, and refused on purpose unless said otherwise. */
export type Complaint = Omit<Refusal, 'status' | 'accident'> & { readonly accident?: true }

/** A manifest that is judged, with the refusals so far. */
export interface Submission {
  readonly dict: PythonDict
  readonly facts: PortalFacts
  /** Whether the Portal has filled it in. */
  readonly isPortal: boolean
  readonly refusals: Refusal[]
  /** What the author wrote at a path, where the Portal has changed the text; undefined: the same, or nothing. */
  written(path: DocumentPath): PythonValue | undefined
}

export function refuse({ refusals }: Submission, { accident, ...complaint }: Complaint): void {
  refusals.push({ ...complaint, status: 500, accident: accident ?? false })
}

/** Of more refusals than this, nobody reads what was probably meant; finding that out takes longer than all the rest. */
export const MOST_PROPOSALS = 200

/** The keys that are texts. */
export function textKeysOf({ entries }: PythonDict): ReadonlySet<string> {
  const keys = new Set<string>()
  for (const { key } of entries) if (key.type === 'str') keys.add(key.value)
  return keys
}

/** `dict.get(key)`. */
export function entryOf({ entries }: PythonDict, name: string): PythonEntry | undefined {
  return entries.find(({ key }) => key.type === 'str' && key.value === name)
}

/** `dict.get(key)`. */
export function valueOf(dict: PythonDict, name: string): PythonValue | undefined {
  return entryOf(dict, name)?.value
}

/** `f"{before}{value}{after}"`, or what Python raises instead. */
export function format(before: string, value: PythonValue, after = ''): string {
  const printed = pythonStr(value)
  return 'error' in printed ? printed.error.message : before + printed.text + after
}

const TYPE_NAMES: Readonly<Record<PythonValue['type'], string>> = {
  str: 'a text',
  int: 'a number',
  float: 'a number',
  bool: 'true or false',
  NoneType: 'nothing (null)',
  date: 'a date',
  datetime: 'a date with a time',
  bytes: 'binary data',
  list: 'a list',
  tuple: 'a pair',
  set: 'a set',
  dict: 'a mapping',
}

/** A value's type in an author's words. */
export function describeType({ type }: PythonValue): string {
  return TYPE_NAMES[type]
}

/** The end of a message about a server that breaks. */
export function breaks(words: string): string {
  const line = words.replace(/\s+/g, ' ')
  return `Sage's server does not check that, and breaks with "${line.length > 160 ? `${line.slice(0, 159)}…` : line}".`
}

/** What to write instead of a value that YAML does not take for a text. */
export function quoteSuggestion(submission: Submission, path: DocumentPath): string {
  return isQuotedAlready(submission, path)
    ? 'The Portal drops quotes that JavaScript does not need, and Sage reads the rest with other rules: write it differently, for instance with a word more.'
    : 'Put it in quotes.'
}

/** Whether the Portal has dropped an author's quotes. */
export function isQuotedAlready({ refusals, written }: Submission, path: DocumentPath): boolean {
  return refusals.length < MOST_PROPOSALS && written(path)?.type === 'str'
}
