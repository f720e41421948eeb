import { fixProperty } from '../fixes/make-fix.ts'
import { replaceValue } from '../fixes/yaml-edits.ts'
import { listOf, textOf, valueOf } from '../lenient.ts'
import type { ManifestRule } from '../rule.ts'
import { quote } from '../words.ts'

const withInputs = (...lines: readonly string[]): string =>
  `name: cloud-counter\nversion: "1.2.3"\ndescription: "Counts clouds"\nlicense: "MIT"\nsource:\n  architectures: [linux/amd64, linux/arm64]\ninputs:\n${lines
    .map((line) => `  - {${line}}\n`)
    .join('')}`

const inputsAreDistinct: ManifestRule = {
  code: 'CTSS-M116',
  name: 'input-twice',
  severity: 'warning',
  title: 'Two inputs have the same id.',
  reason: 'The Portal’s job form keeps one value for an id, and shows two fields for it. Sage does not compare ids.',
  source: 'sage-ecr ecr_api.py L455-469; sage-gui CreateJob.tsx L215-224.',
  example: {
    bad: { 'sage.yaml': withInputs('id: rate, type: int', 'id: rate, type: float') },
    good: { 'sage.yaml': withInputs('id: rate, type: int', 'id: scale, type: float') },
  },
  *check({ manifest }) {
    const seen = new Map<string, number>()
    for (const [position, input] of listOf(manifest.value, 'inputs').entries()) {
      const id = textOf(input, 'id')
      const first = seen.get(id)
      if (id === '') continue
      if (first === undefined) {
        seen.set(id, position)
        continue
      }
      const { line } = manifest.place(['inputs', first, 'id'])
      yield {
        place: manifest.place(['inputs', position, 'id']),
        message: `The input ${quote(id)} is there already${line === undefined ? '' : ` (line ${line})`}.`,
        suggestion: 'Delete one of the two, or give it its own id.',
      }
    }
  },
}

const idsHaveNoDashes: ManifestRule = {
  code: 'CTSS-M117',
  name: 'input-with-dashes',
  severity: 'warning',
  title: 'The id of an input begins with two dashes: the Portal writes one of its own.',
  reason:
    'The job form makes `-<id> <value>` of an input, so that `--rate` becomes `---rate`, which no plugin knows. An id with one dash, `-rate`, becomes `--rate`, and works.',
  source: 'sage-gui SelectedAppTable.tsx L75-90, CreateJob.tsx L215-224.',
  example: { bad: { 'sage.yaml': withInputs('id: "--rate", type: int') }, good: { 'sage.yaml': withInputs('id: "rate", type: int') } },
  *check({ manifest }) {
    const inputs = listOf(manifest.value, 'inputs')
    const ids = new Set(inputs.map((input) => textOf(input, 'id')))
    for (const [position, input] of inputs.entries()) {
      const id = valueOf(input, 'id')
      if (typeof id !== 'string' || !/^-(?:-|$)/.test(id)) continue
      const plain = id.replace(/^-+/, '')
      const path = ['inputs', position, 'id']
      const edits = plain === '' || ids.has(plain) ? undefined : replaceValue(manifest, path, plain)
      yield {
        place: manifest.place(path),
        message: `The input ${quote(id)} begins with dashes, and the Portal writes one of its own.`,
        suggestion: plain === '' ? 'Give it a name.' : `Write id: "${plain.slice(0, 60)}".`,
        ...fixProperty('delete the dashes', true, edits),
      }
    }
  },
}

const defaultsFit: ManifestRule = {
  code: 'CTSS-M118',
  name: 'default-of-other-type',
  severity: 'warning',
  title: 'The default of an input is not of its type.',
  reason: 'Sage stores it as it is, and compares nothing. The catalogue then shows a default that the plugin cannot take.',
  source: 'sage-ecr ecr_api.py L455-469 (only keys and types are checked).',
  example: {
    bad: { 'sage.yaml': withInputs('id: rate, type: int, default: "fast"') },
    good: { 'sage.yaml': withInputs('id: rate, type: int, default: 5') },
  },
  *check({ manifest }) {
    for (const [position, input] of listOf(manifest.value, 'inputs').entries()) {
      const [type, value] = [textOf(input, 'type'), valueOf(input, 'default')]
      if (fits(type, value)) continue
      const written = typeof value === 'object' ? (Array.isArray(value) ? 'a list' : 'a mapping') : quote(value)
      yield {
        place: manifest.place(['inputs', position, 'default']),
        message: `The default of ${quote(textOf(input, 'id'))} is ${written}, and its type ${type}.`,
        suggestion: 'Change one of the two.',
      }
    }
  },
}

function fits(type: string, value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' || value === 0 || value === 1 || (typeof value === 'string' && /^(?:true|false|yes|no|on|off|0|1)$/i.test(value))
    case 'int':
    case 'long':
      return typeof value === 'number' ? Number.isInteger(value) : typeof value === 'string' && /^\s*[-+]?(?:\d[\d_]*|0x[\da-f]+)\s*$/i.test(value)
    case 'float':
    case 'double':
      return (
        typeof value === 'number' ||
        (typeof value === 'string' && value.trim() !== '' && /^(?:[-+]?(?:inf(?:inity)?|nan)|[-+.\d][\d_.e+-]*)$/i.test(value.trim()))
      )
    case 'string':
    case 'File':
      return typeof value !== 'object'
    default:
      return true
  }
}

const idsAreFlags: ManifestRule = {
  code: 'CTSS-M119',
  name: 'input-not-a-flag',
  severity: 'warning',
  title: 'The id of an input cannot be a flag on a command line.',
  reason: 'An input is passed as `-<id> <value>`. An id that is empty, no text, or holds a blank or `=` arrives at the plugin in pieces, or as another flag.',
  source: 'sage-gui SelectedAppTable.tsx L75-90; sage-ecr ecr_api.py L455-469 (ids may be anything).',
  example: {
    bad: { 'sage.yaml': withInputs('id: "sampling rate", type: int') },
    good: { 'sage.yaml': withInputs('id: "sampling-rate", type: int') },
  },
  *check({ manifest }) {
    for (const [position, input] of listOf(manifest.value, 'inputs').entries()) {
      const id = valueOf(input, 'id')
      const path = ['inputs', position, 'id']
      if (id === undefined || (typeof id === 'string' && /^[^\s=]+$/.test(id))) continue
      const isText = typeof id === 'string' && id.trim() !== ''
      const shown = id === null || id === '' ? 'is empty' : `${quote(id)} cannot be a flag`
      yield {
        place: manifest.place(path),
        message: `The id of input ${position + 1} ${shown}.`,
        suggestion: isText
          ? `Write id: "${id
              .trim()
              .replaceAll(/[\s=]+/g, '-')
              .slice(0, 60)}", as the plugin itself calls it.`
          : 'Write the flag’s name without dashes, as a text.',
      }
    }
  },
}

/** Warnings about inputs, which become a job's arguments. */
export const INPUT_WARNINGS: readonly ManifestRule[] = [inputsAreDistinct, idsHaveNoDashes, defaultsFit, idsAreFlags]
