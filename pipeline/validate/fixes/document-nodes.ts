import type { PythonDict, PythonEntry, PythonValue, Span } from '../sage/python-value.ts'
import type { DocumentPath } from '../yaml-source.ts'

/** An entry of a mapping and what stands beside it, in the order of the text. */
export interface Member {
  readonly key: PythonValue
  readonly value: PythonValue
  readonly position: number
}

/** A mapping's entries as they stand in its own text: those that a merge key (`<<`) brings from elsewhere are left out. */
export interface Members {
  readonly ordered: readonly Member[]
  readonly byKey: ReadonlyMap<string, Member>
}

const cache = new WeakMap<PythonDict, Members>()

/** Looked up once per mapping, as a hostile one may have tens of thousands of entries. */
export function membersOf(dict: PythonDict): Members {
  const known = cache.get(dict)
  if (known !== undefined) return known
  const own = dict.entries.filter(({ key }) => key.start >= dict.start && key.end <= dict.end).toSorted((a, b) => a.key.start - b.key.start)
  const ordered = own.map(({ key, value }, position): Member => ({ key, value, position }))
  const members = { ordered, byKey: new Map(ordered.flatMap((member) => keyText(member).map((text) => [text, member] as const))) }
  cache.set(dict, members)
  return members
}

/** Keys of other types are none that a manifest may have; a number is taken, as authors write them in `build_args`. */
function keyText({ key }: PythonEntry): readonly string[] {
  if (key.type === 'str') return [key.value]
  return key.type === 'int' ? [String(key.value)] : []
}

/** The value at a path; undefined when nothing is there, or only by a merge key. */
export function valueAt(root: PythonValue, path: DocumentPath): PythonValue | undefined {
  return path.reduce<PythonValue | undefined>((value, part) => {
    if (value?.type === 'dict') return membersOf(value).byKey.get(String(part))?.value
    return value?.type === 'list' && typeof part === 'number' ? value.items[part] : undefined
  }, root)
}

/** The mapping that holds the entry at a path, and the entry; undefined where which one is meant, or what becomes of it, is not certain. */
export function memberAt(text: string, root: PythonValue, path: DocumentPath): { readonly parent: PythonDict; readonly member: Member } | undefined {
  const parent = valueAt(root, path.slice(0, -1))
  if (parent?.type !== 'dict' || !isSimple(text, parent)) return undefined
  const member = membersOf(parent).byKey.get(String(path.at(-1)))
  return member === undefined ? undefined : { parent, member }
}

const simple = new WeakMap<PythonDict, boolean>()

/** No key stands twice in a mapping, and no merge key brings entries from elsewhere. */
export function isSimple(text: string, dict: PythonDict): boolean {
  const known = simple.get(dict)
  if (known !== undefined) return known
  const answer = dict.duplicates.length === 0 && !text.slice(dict.start, dict.end).includes('<<')
  simple.set(dict, answer)
  return answer
}

/** Whether a collection stands in brackets or braces. */
export function isFlow(text: string, value: Span): boolean {
  return text[value.start] === '[' || text[value.start] === '{'
}

/** Whether a value holds others. */
export function isCollection({ type }: PythonValue): boolean {
  return type === 'list' || type === 'dict' || type === 'set' || type === 'tuple'
}

/** Where the last character of an entry ends; undefined when that is not certain. */
export function memberEnd(text: string, { key, value }: Member): number | undefined {
  if (value.start >= key.end) return value.end
  // The value of an alias is marked where its anchor is.
  const alias = /[ \t]*:[ \t]+\*[^\s,[\]{}]+/y
  alias.lastIndex = key.end
  const found = alias.exec(text)
  return found === null ? undefined : key.end + found[0].length
}

/** Whether a value stands right behind its key, or its dash, with nothing but white space and comments between. Spans leave out anchors and tags. */
export function isPlainlyAt(text: string, root: PythonValue, path: DocumentPath): boolean {
  const value = valueAt(root, path)
  const parent = valueAt(root, path.slice(0, -1))
  const position = path.at(-1)
  if (value === undefined || parent === undefined) return false
  if (parent.type === 'dict') {
    const key = membersOf(parent).byKey.get(String(position))?.key
    return key !== undefined && value.start >= key.end && /^\s*:\s*$/.test(withoutComments(text.slice(key.end, value.start)))
  }
  if (parent.type !== 'list' || typeof position !== 'number') return false
  const before = position === 0 ? parent.start + (isFlow(text, parent) ? 1 : 0) : parent.items[position - 1]?.end
  return before !== undefined && value.start >= before && /^[\s,]*(?:-\s*)?$/.test(withoutComments(text.slice(before, value.start)))
}

function withoutComments(text: string): string {
  return text.replaceAll(/#[^\r\n]*/g, '')
}

/** Offset of the line break that ends the line of an offset, or of the end of the text. */
export function lineEnd(text: string, at: number): number {
  const breaks = /[\r\n]/g
  breaks.lastIndex = at
  return breaks.exec(text)?.index ?? text.length
}

/** Offset at which the next line begins, or of the end of the text. */
export function nextLine(text: string, at: number): number {
  const end = lineEnd(text, at)
  return end + (text.startsWith('\r\n', end) ? 2 : end < text.length ? 1 : 0)
}
