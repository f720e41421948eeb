import type { Mapping } from './lenient.ts'
import type { ManifestFile } from './rule.ts'
import type { PythonDict, PythonEntry, PythonValue } from './sage/python-value.ts'
import type { TextFile } from './text-file.ts'
import type { DocumentPath } from './yaml-source.ts'

/** A manifest as rules see it, of a text and of what Python reads in it. */
export function makeManifest(text: TextFile, python: PythonDict): ManifestFile {
  return {
    file: text.file,
    text,
    python,
    value: plainMapping(python, new Map()),
    place(path, part = 'value') {
      const { depth, key, value } = locate(python, path)
      const isShort = value.type !== 'list' && value.type !== 'dict' && value.end > value.start
      // Of a list or a mapping only the beginning: a mark over half a file helps nobody.
      const marked =
        key !== undefined && !(part === 'value' && isShort && depth === path.length) ? key : isShort ? value : { start: value.start, end: value.start }
      return text.place(marked)
    },
    span(path, part) {
      const { depth, key, value } = locate(python, path)
      if (depth < path.length) return undefined
      switch (part) {
        case 'key':
          return key
        case 'value':
          return value
        case 'entry':
          return key === undefined ? value : { start: key.start, end: Math.max(key.end, value.end) }
      }
    },
  }
}

/** The value at a path, or the nearest above it, and the key that leads to it. */
function locate(root: PythonDict, path: DocumentPath): { readonly depth: number; readonly key: PythonValue | undefined; readonly value: PythonValue } {
  let key: PythonValue | undefined
  let value: PythonValue = root
  for (const [depth, part] of path.entries()) {
    const next = below(value, part)
    if (next === undefined) return { depth, key, value }
    ;({ key, value } = next)
  }
  return { depth: path.length, key, value }
}

const INDEXES = new WeakMap<PythonDict, ReadonlyMap<string, PythonEntry>>()

/** A file may hold as many keys as it has bytes, and every one of them may be wrong. */
function entriesByKey(dict: PythonDict): ReadonlyMap<string, PythonEntry> {
  const known = INDEXES.get(dict)
  if (known !== undefined) return known
  const index = new Map(dict.entries.toReversed().map((entry) => [keyText(entry.key), entry]))
  INDEXES.set(dict, index)
  return index
}

function below(parent: PythonValue, part: string | number): { readonly key: PythonValue | undefined; readonly value: PythonValue } | undefined {
  if (parent.type === 'dict') return entriesByKey(parent).get(String(part))
  const item = parent.type === 'list' && typeof part === 'number' ? parent.items[part] : undefined
  return item && { key: undefined, value: item }
}

/** A key as one of a JavaScript object; keys that are no texts as Python prints the simple ones. */
export function keyText(key: PythonValue): string {
  switch (key.type) {
    case 'str':
      return key.value
    case 'int':
    case 'float':
      return String(key.value)
    case 'bool':
      return key.value ? 'True' : 'False'
    case 'NoneType':
      return 'None'
    case 'date':
    case 'datetime':
      return key.text
    case 'bytes':
    case 'list':
    case 'dict':
    case 'set':
    case 'tuple':
      return `(${key.type})`
  }
}

/** In JavaScript's types: dates, bytes and integers beyond 2^53 as text, all other numbers alike. What aliases share stays shared. */
export function plainOf(value: PythonValue, seen = new Map<PythonValue, unknown>()): unknown {
  switch (value.type) {
    case 'str':
    case 'bool':
    case 'float':
      return value.value
    case 'int':
      return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : String(value.value)
    case 'NoneType':
      return null
    case 'date':
    case 'datetime':
      return value.text
    case 'bytes':
      return Buffer.from(value.value).toString('base64')
    case 'dict':
      return plainMapping(value, seen)
    case 'list':
    case 'set':
    case 'tuple':
      return plainList(value, seen)
  }
}

function plainMapping(dict: PythonDict, seen: Map<PythonValue, unknown>): Mapping {
  const known = seen.get(dict)
  if (known !== undefined) return known as Mapping
  // Without a prototype a key such as __proto__ is a key like any other.
  const mapping: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  seen.set(dict, mapping)
  for (const { key, value } of dict.entries) mapping[keyText(key)] = plainOf(value, seen)
  return mapping
}

function plainList(list: Extract<PythonValue, { items: unknown }>, seen: Map<PythonValue, unknown>): readonly unknown[] {
  const known = seen.get(list)
  if (Array.isArray(known)) return known
  const plain: unknown[] = []
  seen.set(list, plain)
  for (const item of list.items) plain.push(plainOf(item, seen))
  return plain
}

/** How many values there are when every alias is written out; Infinity for one that holds itself. Linear in what is written. */
export function expandedSize(root: PythonValue): number {
  const sizes = new Map<PythonValue, number>()
  const measure = (value: PythonValue): number => {
    const children = value.type === 'dict' ? value.entries.flatMap(({ key, value: item }) => [key, item]) : 'items' in value ? value.items : []
    if (children.length === 0) return 1
    const known = sizes.get(value)
    if (known !== undefined) return known
    // Until it is measured: whoever meets it again is inside it.
    sizes.set(value, Infinity)
    let size = 1
    for (const child of children) size += measure(child)
    sizes.set(value, size)
    return size
  }
  return measure(root)
}
