import type { Edit } from '../../../schemas/generated/types.ts'
import type { ManifestFile } from '../rule.ts'
import type { PythonDict, PythonValue, ScalarStyle } from '../sage/python-value.ts'
import type { DocumentPath } from '../yaml-source.ts'
import { isCollection, isFlow, isPlainlyAt, isSimple, lineEnd, memberAt, memberEnd, membersOf, nextLine, valueAt } from './document-nodes.ts'
import type { Member } from './document-nodes.ts'
import { writeDouble, writeScalar } from './scalar-text.ts'

/**
 * Changes of a manifest's text that keep its comments, quotes and layout. Each returns undefined when it cannot be done with certainty:
 * nothing is there, an anchor or a merge key is in the way, a key stands twice, or a comment would be lost.
 */
type Edits = readonly Edit[] | undefined

/** Top-level keys as authors order them (waggle-sensor/cookiecutter-sage-app), and those of `source` as sage-ecr's example orders them. */
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  '': ['name', 'namespace', 'version', 'description', 'keywords', 'authors', 'collaborators', 'funding', 'license', 'homepage', 'source'],
  source: ['architectures', 'url', 'branch', 'tag', 'directory', 'dockerfile', 'build_args'],
}

/** Writes a text as the value of an existing entry or list item, in the quotes that stand there if they can hold it. */
export function replaceValue(manifest: ManifestFile, path: DocumentPath, text: string): Edits {
  return replaceWith(manifest, path, (style) => writeIn(manifest, text, style))
}

/** Puts quotes around a plain scalar, exactly as it is written: `1.10` becomes `"1.10"`. */
export function quoteValue(manifest: ManifestFile, path: DocumentPath): Edits {
  const written = plainText(manifest, path)
  return written === undefined ? undefined : replaceWith(manifest, path, () => quoted(manifest, written))
}

/** A plain scalar as it is written; undefined for one in quotes, one of several lines, an alias, and what is not written at all. */
export function plainText(manifest: ManifestFile, path: DocumentPath): string | undefined {
  const value = valueAt(manifest.python, path)
  if (value === undefined || isCollection(value) || (value.type === 'str' && value.style !== 'plain')) return undefined
  const written = manifest.text.text.slice(value.start, value.end)
  return /^[^\s&!*"'|>][^\r\n]*$/.test(written) ? written : undefined
}

/** Makes a list of texts and numbers one text, joined by commas, as the ECR stores it. */
export function joinList(manifest: ManifestFile, path: DocumentPath): Edits {
  const list = valueAt(manifest.python, path)
  if (list?.type !== 'list') return undefined
  const words = list.items.map((item, position) => (item.type === 'str' ? item.value : plainText(manifest, [...path, position])))
  if (words.some((word) => word === undefined || /[\r\n]/.test(word))) return undefined
  return replaceWith(manifest, path, () => quoted(manifest, words.map((word) => word?.trim()).join(', ')))
}

/** Makes a text, or a list, a list of the given words in brackets. */
export function writeList(manifest: ManifestFile, path: DocumentPath, words: readonly string[]): Edits {
  return replaceWith(manifest, path, (style) => `[${words.map((word) => writeIn(manifest, word, style === 'single' ? 'single' : 'double')).join(', ')}]`)
}

/** Writes a key anew, in the quotes that stand there. */
export function renameKey(manifest: ManifestFile, path: DocumentPath, key: string): Edits {
  const { parent, member } = memberAt(manifest.text.text, manifest.python, path) ?? {}
  if (parent === undefined || member?.key.type !== 'str' || membersOf(parent).byKey.has(key) || !isOwn(manifest, path.slice(0, -1))) return undefined
  return [manifest.text.replace(member.key, writeIn(manifest, key, member.key.style))]
}

/**
 * Adds an entry with a text as its value to a mapping: in block style on a line of its own, indented like its siblings; in flow style within the
 * braces. It stands behind the sibling that usually comes before it.
 */
export function insertEntry(manifest: ManifestFile, parentPath: DocumentPath, key: string, text: string): Edits {
  const parent = valueAt(manifest.python, parentPath)
  if (parent?.type !== 'dict' || !isSimple(manifest.text.text, parent) || !isOwn(manifest, parentPath)) return undefined
  const { ordered, byKey } = membersOf(parent)
  if (byKey.has(key)) return undefined
  const style = isJson(manifest) ? 'double' : 'plain'
  const entry = `${writeScalar(key, style)}: ${quoted(manifest, text)}`
  const before = predecessor(ordered, ORDERS[parentPath.join('.')] ?? [], key)
  return isFlow(manifest.text.text, parent) ? insertFlow(manifest, parent, before, entry) : insertBlock(manifest, ordered, before, entry)
}

/** Removes an entry of a mapping or an item of a list, and leaves the comment behind it on a line of its own; the only one stays, since nothing would be left of its parent. */
export function deleteEntry(manifest: ManifestFile, path: DocumentPath): Edits {
  const parent = valueAt(manifest.python, path.slice(0, -1))
  const trio = parent === undefined ? undefined : siblingsAt(manifest.text.text, parent, path.at(-1))
  if (parent === undefined || trio === undefined || !isOwn(manifest, path.slice(0, -1))) return undefined
  const { found, previous, next } = trio
  // What an alias elsewhere refers to must stay.
  if (/[:,[{-]\s+&[^\s&]/.test(manifest.text.text.slice(found.start, found.end))) return undefined
  if (isFlow(manifest.text.text, parent)) return deleteFlow(manifest, found, previous, next)
  return previous === undefined && next === undefined ? undefined : deleteBlock(manifest, found, next)
}

/** Neither the value at a path nor one that holds it has an anchor, a tag or an alias: a change there changes nothing elsewhere. */
function isOwn(manifest: ManifestFile, path: DocumentPath): boolean {
  return path.every((_, depth) => isPlainlyAt(manifest.text.text, manifest.python, path.slice(0, depth + 1)))
}

function replaceWith(manifest: ManifestFile, path: DocumentPath, write: (style: ScalarStyle) => string): Edits {
  const { text } = manifest.text
  const value = valueAt(manifest.python, path)
  if (value === undefined || !isOwn(manifest, path) || hasHeaderComment(text, value)) return undefined
  const member = memberAt(text, manifest.python, path)?.member
  if (member === undefined && valueAt(manifest.python, path.slice(0, -1))?.type !== 'list') return undefined
  const written = write(value.type === 'str' ? value.style : 'plain')
  if (value.end === value.start) return [manifest.text.replace(value, ` ${written}`)]
  if (!isCollection(value)) return [manifest.text.replace(value, written)]
  const start = member === undefined ? value.start : text.indexOf(':', member.key.end) + 1
  if (text.slice(start, value.end).includes('#')) return undefined
  return [manifest.text.replace({ start, end: value.end }, member === undefined ? written : ` ${written}`)]
}

function hasHeaderComment(text: string, value: PythonValue): boolean {
  return value.type === 'str' && (value.style === 'literal' || value.style === 'folded') && text.slice(value.start, lineEnd(text, value.start)).includes('#')
}

function isJson(manifest: ManifestFile): boolean {
  return isFlow(manifest.text.text, manifest.python)
}

function writeIn(manifest: ManifestFile, text: string, style: ScalarStyle): string {
  return isJson(manifest) ? writeDouble(text) : writeScalar(text, style)
}

/** In single quotes where the author uses only those, else in double ones. */
function quoted(manifest: ManifestFile, text: string): string {
  if (isJson(manifest)) return writeDouble(text)
  const styles = membersOf(manifest.python)
    .ordered.slice(0, 50)
    .map(({ value }) => (value.type === 'str' ? value.style : ''))
  return writeScalar(text, styles.includes('single') && !styles.includes('double') ? 'single' : 'double')
}

/** The nearest sibling that usually comes before; undefined: the new entry is to stand first. */
function predecessor(ordered: readonly Member[], order: readonly string[], key: string): Member | undefined {
  const rank = order.indexOf(key)
  if (rank < 0) return ordered.at(-1)
  const names = order.slice(0, rank)
  return ordered.findLast((member) => member.key.type === 'str' && names.includes(member.key.value))
}

function insertFlow(manifest: ManifestFile, parent: PythonDict, before: Member | undefined, entry: string): Edits {
  const { text } = manifest.text
  const first = membersOf(parent).ordered[0]
  const insert = (at: number, written: string): Edits => [manifest.text.replace({ start: at, end: at }, written)]
  if (first === undefined) return /^\{\s*\}$/.test(text.slice(parent.start, parent.end)) ? insert(parent.start + 1, entry) : undefined
  const indent = indentBefore(manifest, first.key)
  if (before === undefined) return insert(first.key.start, indent === undefined ? `${entry}, ` : `${entry},${newlineOf(text)}${indent}`)
  const end = memberEnd(text, before)
  // A comment behind the sibling would move to the new entry's line.
  if (end === undefined || text.slice(end, Math.min(lineEnd(text, end), parent.end)).includes('#')) return undefined
  return insert(end, indent === undefined ? `, ${entry}` : `,${newlineOf(text)}${indent}${entry}`)
}

function insertBlock(manifest: ManifestFile, ordered: readonly Member[], before: Member | undefined, entry: string): Edits {
  const { text } = manifest.text
  const [first] = ordered
  if (first === undefined) return undefined
  const ahead = aheadOf(manifest, first.key)
  if (!/^ *(?:- +)*$/.test(ahead)) return undefined
  const indent = ahead.replaceAll('-', ' ')
  if (before === undefined) {
    const at = first.key.start
    return [manifest.text.replace({ start: at, end: at }, `${entry}${newlineOf(text)}${indent}`)]
  }
  const end = memberEnd(text, before)
  if (end === undefined || /[|>]\d?\+/.test(text.slice(before.value.start, before.value.start + 3))) return undefined
  const at = lineEnd(text, end)
  return [manifest.text.replace({ start: at, end: at }, `${newlineOf(text)}${indent}${entry}`)]
}

interface Sibling {
  /** Of a block list's item: of its dash. */
  readonly start: number
  readonly end: number
}

interface Siblings {
  readonly found: Sibling
  readonly previous: Sibling | undefined
  readonly next: Sibling | undefined
}

/** An entry or an item with its neighbours; undefined when one of them cannot be located. */
function siblingsAt(text: string, parent: PythonValue, name: string | number | undefined): Siblings | undefined {
  const { length, position, at } = parent.type === 'dict' ? entriesOf(text, parent, String(name)) : itemsOf(text, parent, name)
  if (position < 0 || position >= length) return undefined
  const [previous, found, next] = [at(position - 1), at(position), at(position + 1)]
  const isUncertain = found === undefined || (position > 0 && previous === undefined) || (position + 1 < length && next === undefined)
  return isUncertain ? undefined : { found, previous, next }
}

interface SiblingLookup {
  readonly length: number
  readonly position: number
  at(position: number): Sibling | undefined
}

function entriesOf(text: string, parent: PythonDict, name: string): SiblingLookup {
  const { ordered, byKey } = membersOf(parent)
  const position = !isSimple(text, parent) ? -1 : (byKey.get(name)?.position ?? -1)
  return {
    length: ordered.length,
    position,
    at(wanted) {
      const member = ordered[wanted]
      const end = member === undefined ? undefined : memberEnd(text, member)
      return member === undefined || end === undefined ? undefined : { start: member.key.start, end }
    },
  }
}

function itemsOf(text: string, parent: PythonValue, name: string | number | undefined): SiblingLookup {
  const items = parent.type === 'list' ? parent.items : []
  const flow = isFlow(text, parent)
  return {
    length: items.length,
    position: typeof name === 'number' ? name : -1,
    at(wanted) {
      const item = items[wanted]
      // An alias is marked where its anchor is.
      if (item === undefined || item.start < parent.start) return undefined
      const start = flow ? item.start : dashBefore(text, item.start)
      return start === undefined ? undefined : { start, end: item.end }
    },
  }
}

/** A block item's dash, on the line of the item. */
function dashBefore(text: string, start: number): number | undefined {
  let at = start
  while (at > 0 && text[at - 1] === ' ') at--
  return text[at - 1] === '-' ? at - 1 : undefined
}

function deleteFlow(manifest: ManifestFile, found: Sibling, previous: Sibling | undefined, next: Sibling | undefined): Edits {
  const start = next === undefined ? (previous?.end ?? found.start) : found.start
  const end = next === undefined ? found.end : next.start
  const lost = `${manifest.text.text.slice(start, found.start)}${manifest.text.text.slice(found.end, end)}`
  return /^[\s,]*$/.test(lost) ? [manifest.text.replace({ start, end }, '')] : undefined
}

function deleteBlock(manifest: ManifestFile, found: Sibling, next: Sibling | undefined): Edits {
  const { text } = manifest.text
  const ahead = aheadOf(manifest, found)
  if (/^ *(?:- +)+$/.test(ahead)) {
    // The first entry of a list's item stands behind the dash: the next one moves up.
    const isNear = next !== undefined && /^\s*$/.test(text.slice(found.end, next.start))
    return isNear ? [manifest.text.replace({ start: found.start, end: next.start }, '')] : undefined
  }
  const indent = indentBefore(manifest, found)
  if (indent === undefined) return undefined
  const comment = /[ \t]+(?=#)/y
  comment.lastIndex = found.end
  if (comment.test(text)) return [manifest.text.replace({ start: found.start, end: comment.lastIndex }, '')]
  const start = found.start - indent.length
  const end = nextLine(text, found.end)
  // The last line of a file that ends without a line break takes the break before it along.
  const isLast = lineEnd(text, found.end) === text.length
  const taken = isLast ? (/(?:\r\n|\n|\r)$/.exec(text.slice(Math.max(0, start - 2), start))?.[0].length ?? 0) : 0
  return [manifest.text.replace({ start: start - taken, end }, '')]
}

/** The white space before something that stands first in its line, else undefined. */
function indentBefore(manifest: ManifestFile, at: { readonly start: number }): string | undefined {
  const ahead = aheadOf(manifest, at)
  return /^[ \t]*$/.test(ahead) ? ahead : undefined
}

/** What stands before something in its line, without the file's byte order mark. */
function aheadOf(manifest: ManifestFile, { start }: { readonly start: number }): string {
  const { column = 1 } = manifest.text.place({ start, end: start })
  return manifest.text.text.slice(start - column + 1, start).replace(/^\uFEFF/, '')
}

function newlineOf(text: string): string {
  return /\r\n|\n|\r/.exec(text)?.[0] ?? '\n'
}
