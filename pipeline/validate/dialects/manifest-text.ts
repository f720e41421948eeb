import { isMapping } from '../lenient.ts'
import type { Mapping } from '../lenient.ts'
import { writeDouble, writeScalar } from '../fixes/scalar-text.ts'
import { quoteFloat } from '../sage/python-number.ts'
import { WholeFloat } from './written-values.ts'

/** The order of waggle-sensor/cookiecutter-sage-app; what it does not know stands behind. */
const ORDER = [
  'name',
  'namespace',
  'version',
  'description',
  'keywords',
  'authors',
  'collaborators',
  'funding',
  'license',
  'homepage',
  'source',
  'resources',
  'inputs',
  'metadata',
]

/** A manifest as YAML that PyYAML and the Portal read alike, laid out as the official template is: texts in double quotes, two spaces of indentation. */
export function writeManifest(manifest: Mapping): string {
  const rank = (key: string): number => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length)
  const entries = Object.entries(manifest).toSorted(([a], [b]) => rank(a) - rank(b))
  return writeEntries(entries, '').join('\n').concat('\n')
}

function writeEntries(entries: readonly (readonly [string, unknown])[], indent: string): readonly string[] {
  return entries.flatMap(([key, value]) => {
    const written = `${indent}${writeScalar(key)}:`
    if (hasEntries(value)) return [written, ...writeEntries(Object.entries(value), `${indent}  `)]
    if (Array.isArray(value) && value.length > 0) return [written, ...writeItems(value, `${indent}  `)]
    return [`${written} ${writeLeaf(value)}`]
  })
}

function writeItems(items: readonly unknown[], indent: string): readonly string[] {
  return items.flatMap((item) => {
    if (hasEntries(item)) return behindDash(writeEntries(Object.entries(item), `${indent}  `), indent)
    if (Array.isArray(item) && item.length > 0) return behindDash(writeItems(item, `${indent}  `), indent)
    return [`${indent}- ${writeLeaf(item)}`]
  })
}

/** The first line moves up behind the dash. */
function behindDash([first = '', ...rest]: readonly string[], indent: string): readonly string[] {
  return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest]
}

function hasEntries(value: unknown): value is Mapping {
  return isMapping(value) && !(value instanceof WholeFloat) && Object.keys(value).length > 0
}

function writeLeaf(value: unknown): string {
  if (value instanceof WholeFloat) return writeFloat(value.value)
  if (typeof value === 'string') return writeDouble(value)
  if (Array.isArray(value)) return '[]'
  if (isMapping(value)) return '{}'
  return typeof value === 'number' && !Number.isSafeInteger(value) ? writeFloat(value) : String(value)
}

function writeFloat(value: number): string {
  if (!Number.isFinite(value)) return quoteFloat(value).replace(/(?=inf|nan)/, '.')
  // YAML 1.1 takes 1e+21 for a text: its numbers with an exponent have a point.
  return quoteFloat(value).replace(/^(-?\d+)e/, '$1.0e')
}
