import { writeDouble } from '../fixes/scalar-text.ts'
import { fixProperty } from '../fixes/make-fix.ts'
import { survivesPortal, throughPortal } from '../fixes/portal-survival.ts'
import { quoteValue } from '../fixes/yaml-edits.ts'
import { listOf, textOf } from '../lenient.ts'
import { keyText } from '../manifest-spans.ts'
import type { ManifestFile, ManifestRule } from '../rule.ts'
import { quoteFloat } from '../sage/python-number.ts'
import type { PythonValue } from '../sage/python-value.ts'
import { writePath } from '../words.ts'
import type { DocumentPath } from '../yaml-source.ts'

const withDefault = (value: string): string =>
  `name: cloud-counter\nversion: "1.2.3"\ndescription: "Counts clouds"\nlicense: "MIT"\nsource:\n  architectures: [linux/amd64, linux/arm64]\ninputs:\n  - id: mask\n    type: string\n    default: ${value}\n`

/** Numbers that both read alike; most are such. */
const SAME_NUMBER = /^[-+]?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$/

/** What begins otherwise is a text to both, when it is one to Python. */
const NUMBER_BEGIN = /^[-+.0-9]/

/** A manifest has a few dozen scalars; a hostile one may have tens of thousands, and each costs a round trip. */
const MAX_TRIPS = 1000

type Leaf = Exclude<PythonValue, { items: unknown } | { entries: unknown }>

interface Step {
  readonly value: PythonValue
  readonly part: string | number
  readonly above: Step | undefined
}

/** The scalars that are wanted, each with the path to it; what an alias repeats only once. Paths are made for those alone: few are wanted. */
function* scalars(manifest: ManifestFile, isWanted: (value: Leaf) => boolean): Generator<{ readonly path: DocumentPath; readonly value: Leaf }> {
  const pending: Step[] = [{ value: manifest.python, part: '', above: undefined }]
  const seen = new Set<PythonValue>()
  for (let step = pending.pop(); step !== undefined; step = pending.pop()) {
    const { value } = step
    if (value.type === 'dict' || 'items' in value) {
      if (seen.has(value)) continue
      seen.add(value)
      // Backwards, so that they are taken in their order.
      const children = value.type === 'dict' ? value.entries : value.items
      for (let position = children.length - 1; position >= 0; position--) {
        const child = children[position]
        if (child === undefined) continue
        pending.push('key' in child ? { value: child.value, part: keyText(child.key), above: step } : { value: child, part: position, above: step })
      }
    } else if (isWanted(value) && !seen.has(value)) {
      seen.add(value)
      yield { path: pathTo(step), value }
    }
  }
}

function pathTo(step: Step): DocumentPath {
  const path: (string | number)[] = []
  for (let at: Step | undefined = step; at?.above !== undefined; at = at.above) path.push(at.part)
  return path.toReversed()
}

const bothReadTheSame: ManifestRule = {
  code: 'CTSS-M170',
  name: 'yaml-read-differently',
  severity: 'warning',
  title: 'Sage and the Portal read this value differently.',
  reason:
    'Sage’s server is Python and reads YAML 1.1; the Portal is JavaScript and reads YAML 1.2. Without quotes `no` is false to one and the text "no" to the other, `010` is 8 and 10, `1:30` is 90 and a text, `1e3` a text and 1000. The Portal shows its own reading, and Sage stores the other.',
  source: 'yaml.org/type (bool, int, float of YAML 1.1) with PyYAML resolver.py; YAML 1.2 section 10.3 (core schema) with yaml 1.10.3 as in sage-gui.',
  example: { bad: { 'sage.yaml': withDefault('010') }, good: { 'sage.yaml': withDefault('"010"') } },
  *check({ manifest }) {
    let trips = 0
    const isDoubtful = (value: Leaf): boolean => mayDiffer(value, manifest.text.text)
    for (const { path, value } of scalars(manifest, isDoubtful)) {
      const written = manifest.text.text.slice(value.start, value.end)
      if (isNumericVersion(path, value) || (value.type === 'bool' && typeOfDefault(manifest, path) === 'boolean')) continue
      if (++trips > MAX_TRIPS) return
      const portal = throughPortal(written)
      if (portal === undefined) continue
      const [python, javascript, stored] = [printPython(value), printJavaScript(portal.javascript), printPython(portal.python)]
      if (python === javascript && python === stored) continue
      const through = stored === javascript ? '' : `; through the Portal Sage gets ${stored}`
      const isText = isTextPlace(manifest, path)
      yield {
        place: manifest.place(path),
        message: `\`${writePath(path).slice(0, 100)}\`: Sage reads ${written.slice(0, 40)} as ${python}, the Portal as ${javascript}${through}.`,
        ...(survivesPortal(written)
          ? {
              suggestion: `If it is a text, write ${writeDouble(written.slice(0, 60))}.`,
              ...fixProperty('quote it as it is written', isText, quoteValue(manifest, path)),
            }
          : { suggestion: 'Write it otherwise, for instance true, false or a plain number: the Portal takes quotes off again.' }),
      }
    }
  },
}

/** Whether the two YAMLs may read a scalar differently: none of what is in quotes, and few of the rest. */
export function mayDiffer(value: Leaf, text: string): boolean {
  if (value.end - value.start > 100 || (value.type === 'str' && value.style !== 'plain')) return false
  const written = text.slice(value.start, value.end)
  if (/[\r\n"']/.test(written)) return false
  if (value.type === 'str') return NUMBER_BEGIN.test(written)
  if (value.type === 'int' || value.type === 'float') return !SAME_NUMBER.test(written)
  return value.type === 'bool' && !/^(?:true|false)$/i.test(written)
}

/** CTSS-M101 says that. */
function isNumericVersion(path: DocumentPath, { type }: PythonValue): boolean {
  return path.length === 1 && path[0] === 'version' && type !== 'str'
}

/** A value that is certainly meant as a text. */
function isTextPlace(manifest: ManifestFile, path: DocumentPath): boolean {
  const [top] = path
  if (path.length === 1) return top !== 'frozen'
  const type = typeOfDefault(manifest, path)
  return top === 'source' || (top === 'inputs' && (type === undefined || type === 'string' || type === 'File'))
}

/** The type of the input whose default stands at a path; undefined: no default stands there. */
function typeOfDefault(manifest: ManifestFile, [top, position, key]: DocumentPath): string | undefined {
  return top === 'inputs' && key === 'default' ? textOf(listOf(manifest.value, 'inputs')[Number(position)], 'type') : undefined
}

function losesQuotes(value: Leaf): boolean {
  return value.type === 'str' && value.style !== 'plain' && value.value.length <= 100 && !survivesPortal(value.value)
}

const quotesStay: ManifestRule = {
  code: 'CTSS-M171',
  name: 'quotes-vanish',
  severity: 'warning',
  title: 'The Portal takes the quotes off, and Sage then reads something else.',
  reason:
    'The Portal parses the manifest and writes it anew, with quotes only where YAML 1.2 needs them. Sage then reads `"no"` as false, `"16:9"` as 969, `"2023-01-01"` as a date, and refuses what must be a text. No way of quoting helps; another wording does. A manifest that is submitted as it is has no such trouble.',
  source: 'sage-gui CreateApp.tsx L117-150 (parse and stringify, yaml 1.10.3); PyYAML resolver.py; observed on Sage’s server.',
  example: { bad: { 'sage.yaml': withDefault('"16:9"') }, good: { 'sage.yaml': withDefault('"16 by 9"') } },
  *check({ manifest }) {
    for (const { path, value } of scalars(manifest, losesQuotes)) {
      // A default that is meant as a number or a yes or no becomes one.
      if (/^(?:boolean|int|long|float|double)$/.test(typeOfDefault(manifest, path) ?? '')) continue
      const stored = throughPortal(writeDouble(value.type === 'str' ? value.value : ''))?.python
      yield {
        place: manifest.place(path),
        message: `\`${writePath(path).slice(0, 100)}\`: the Portal takes the quotes off, and Sage then ${stored === undefined ? 'breaks on it' : `reads ${printPython(stored)}`}.`,
        suggestion: 'Write it otherwise, for instance with a word more.',
      }
    }
  },
}

function printPython(value: PythonValue): string {
  if (value.type === 'str') return `the text ${writeDouble(value.value.slice(0, 40))}`
  if (value.type === 'int') return Number.isSafeInteger(Number(value.value)) ? String(value.value) : `a number of ${String(value.value).length} digits`
  if (value.type === 'float') return Number.isSafeInteger(value.value) ? String(value.value) : quoteFloat(value.value)
  if (value.type === 'bool') return value.value ? 'true' : 'false'
  return 'text' in value ? `the date ${value.text}` : `a ${value.type}`
}

function printJavaScript(value: unknown): string {
  if (typeof value === 'string') return `the text ${writeDouble(value.slice(0, 40))}`
  if (typeof value !== 'number') return String(value)
  return Number.isSafeInteger(value) ? String(value) : quoteFloat(value)
}

/** Warnings about what YAML 1.1 and YAML 1.2 read differently. */
export const YAML_WARNINGS: readonly ManifestRule[] = [bothReadTheSame, quotesStay]
