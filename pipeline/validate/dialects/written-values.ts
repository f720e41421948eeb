import type { Mapping } from '../lenient.ts'
import { keyText, plainOf } from '../manifest-spans.ts'
import type { ManifestFile } from '../rule.ts'
import type { PythonDict, PythonValue } from '../sage/python-value.ts'
import type { DocumentPath } from '../yaml-source.ts'

/** A float without a fraction: JavaScript has no such thing, and YAML tells `1.0` from `1`. */
export class WholeFloat {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** A manifest's values as they are to be written anew. */
export interface WrittenValues {
  readonly value: Mapping
  /** Every text that was written without quotes, and read as something else, could be taken from the file: `1.10`, not 1.1. */
  readonly isCertain: boolean
}

/**
 * What a manifest says, so that writing it again loses nothing: where Sage wants a text, numbers, dates and booleans are the text that stands in the
 * file; elsewhere floats stay floats ({@link WholeFloat}), and large integers are a bigint.
 */
export function writtenValues({ python, text }: ManifestFile): WrittenValues {
  let isCertain = true
  const writtenText = (value: PythonValue): unknown => {
    const written = text.text.slice(value.start, value.end)
    if (/^[-+.\w][-+.:\w]*(?: [-+.:\w]+)*$/.test(written)) return written
    isCertain = false
    return plainOf(value)
  }
  const write = (value: PythonValue, path: DocumentPath): unknown => {
    switch (value.type) {
      case 'dict':
        return writeDict(value, path)
      case 'list':
      case 'set':
      case 'tuple':
        return value.items.map((item, position) => write(item, [...path, position]))
      case 'int':
        return isTextPlace(path) ? writtenText(value) : Number.isSafeInteger(Number(value.value)) ? Number(value.value) : value.value
      case 'float':
        return isTextPlace(path) ? writtenText(value) : Number.isInteger(value.value) ? new WholeFloat(value.value) : value.value
      case 'bool':
      case 'date':
      case 'datetime':
        return isTextPlace(path) ? writtenText(value) : plainOf(value)
      case 'str':
      case 'NoneType':
      case 'bytes':
        return plainOf(value)
    }
  }
  const writeDict = (dict: PythonDict, path: DocumentPath): Mapping => {
    // Without a prototype a key such as __proto__ is a key like any other.
    const mapping: Record<string, unknown> = Object.create(null) as Record<string, unknown>
    for (const { key, value } of dict.entries) mapping[keyText(key)] = write(value, [...path, keyText(key)])
    return mapping
  }
  return { value: writeDict(python, []), isCertain }
}

const TOP_TEXTS: ReadonlySet<unknown> = new Set(['name', 'namespace', 'version', 'source'])
const SOURCE_TEXTS: ReadonlySet<unknown> = new Set(['url', 'branch', 'tag', 'directory', 'dockerfile'])

/** Whether Sage wants a text at a path, in today's dialect (`source`) or an old one (`sources[0]`). */
export function isTextPlace([top, ...rest]: DocumentPath): boolean {
  if (rest.length === 0) return TOP_TEXTS.has(top)
  const below = top === 'source' ? rest : top === 'sources' ? rest.slice(1) : []
  return (below.length === 1 && SOURCE_TEXTS.has(below[0])) || (below.length === 2 && below[0] === 'build_args')
}
