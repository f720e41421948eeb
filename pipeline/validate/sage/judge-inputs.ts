import { INPUT_VOCABULARY, meantInputType } from '../fixes/input-words.ts'
import { keyText } from '../manifest-spans.ts'
import { alternatives, closestWord, quote } from '../words.ts'
import { INPUT_KEYS, INPUT_TYPES } from './facts.ts'
import { findJsonFault, refuseJsonFault } from './judge-json.ts'
import { charactersOf, qualifiedTypeName } from './judge-python.ts'
import { breaks, describeType, entryOf, format, MOST_PROPOSALS, refuse, textKeysOf } from './judge-submission.ts'
import type { Submission } from './judge-submission.ts'
import type { PythonDict, PythonEntry, PythonValue } from './python-value.ts'

const INPUT_KEY_SET: ReadonlySet<string> = new Set(INPUT_KEYS)
const INPUT_TYPE_SET: ReadonlySet<string> = new Set(INPUT_TYPES)

/** What Sage says to something that is no list of mappings; `isAccident`: Python's words, not Sage's. */
interface ShapeFault {
  readonly words: string
  readonly isAccident: boolean
}

/** ecr_api.py L455-469: whether they can be stored as JSON. */
export function judgeInputs(submission: Submission): boolean {
  const inputs = submission.dict.entries.find(({ key }) => key.type === 'str' && key.value === 'inputs')?.value
  if (inputs === undefined) return true
  if (inputs.type === 'list') for (const [index, input] of inputs.items.entries()) judgeInput(submission, input, index)
  else {
    const fault = inputsFault(inputs)
    if (fault !== undefined) {
      const suggestion = inputs.type === 'NoneType' ? 'Delete the line, or write [].' : 'Begin each input with "- id: NAME", and give it a type: below.'
      refuseShape(submission, 'CTSS-M032', ['inputs'], inputs, `The inputs must be a list; Sage sees ${describeType(inputs)}.`, suggestion, fault)
    }
  }
  const fault = findJsonFault(inputs, ['inputs'])
  if (fault !== undefined) refuseJsonFault(submission, fault)
  return fault === undefined
}

function refuseShape(
  submission: Submission,
  code: string,
  path: readonly (string | number)[],
  found: PythonValue,
  message: string,
  suggestion: string,
  { words, isAccident }: ShapeFault,
): void {
  refuse(submission, {
    code,
    path,
    found,
    sage: words,
    ...(isAccident && { accident: true }),
    message: isAccident ? `${message} ${breaks(words)}` : message,
    suggestion,
  })
}

/** Python iterates over more than lists: the first thing, which is no input, decides. Undefined: there is none, and Sage takes it. */
function inputsFault(inputs: PythonValue): ShapeFault | undefined {
  const items = iterate(inputs)
  if (items === undefined) return accident(`'${qualifiedTypeName(inputs)}' object is not iterable`)
  const [first] = items
  return first && inputFault(first)
}

function accident(words: string): ShapeFault {
  return { words, isAccident: true }
}

/** What `for item in value` yields; undefined: TypeError. */
export function iterate(value: PythonValue): readonly PythonValue[] | undefined {
  const { start, end } = value
  switch (value.type) {
    case 'list':
    case 'tuple':
    case 'set':
      return value.items
    case 'dict':
      return value.entries.map(({ key }) => key)
    case 'str':
      // Sage complains about the first character at the latest.
      return charactersOf(value)
        .slice(0, 1)
        .map((code) => ({ type: 'str', value: String.fromCodePoint(code), style: 'plain', start, end }))
    case 'bytes':
      return [...value.value.subarray(0, 1)].map((byte) => ({ type: 'int', value: BigInt(byte), start, end }))
    case 'int':
    case 'float':
    case 'bool':
    case 'NoneType':
    case 'date':
    case 'datetime':
      return undefined
  }
}

/** What Sage's loop says to an input that is no mapping. */
function inputFault(input: PythonValue): ShapeFault {
  const fields = iterate(input)
  if (fields === undefined) return accident(`'${qualifiedTypeName(input)}' object is not iterable`)
  const unknown = fields.find((field) => !isWordOf(field, INPUT_KEY_SET))
  if (unknown !== undefined) return { words: format('Input field ', unknown, ' not supported'), isAccident: false }
  if (input.type === 'bytes') return accident("a bytes-like object is required, not 'str'")
  const hasId = fields.some((field) => field.type === 'str' && field.value === 'id')
  if (!hasId) return { words: 'Expected field id missing', isAccident: false }
  return accident(input.type === 'set' ? "'set' object is not subscriptable" : `${input.type} indices must be integers or slices, not str`)
}

function isWordOf(value: PythonValue, words: ReadonlySet<string>): boolean {
  return value.type === 'str' && words.has(value.value)
}

function judgeInput(submission: Submission, input: PythonValue, index: number): void {
  if (input.type === 'dict') {
    judgeInputKeys(submission, input, index)
    return
  }
  const suggestion = 'Write "- id: NAME" and below it, indented, type: with one of the known types.'
  refuseShape(
    submission,
    'CTSS-M033',
    ['inputs', index],
    input,
    `Input ${index + 1} must be a mapping; Sage sees ${describeType(input)}.`,
    suggestion,
    inputFault(input),
  )
}

function judgeInputKeys(submission: Submission, input: PythonDict, index: number): void {
  const path = ['inputs', index]
  // A field that is there under another name is not reported as missing as well.
  const meant = new Set<string>()
  const present = textKeysOf(input)
  for (const { key } of input.entries) {
    if (isWordOf(key, INPUT_KEY_SET)) continue
    const name = keyText(key)
    const near =
      key.type === 'str' && submission.refusals.length < MOST_PROPOSALS
        ? (INPUT_VOCABULARY.synonyms.get(name.toLowerCase()) ?? closestWord(name, INPUT_KEYS))
        : undefined
    // Two keys cannot both become the same one.
    const proposal = near !== undefined && !present.has(near) && !meant.has(near) ? near : undefined
    if (proposal !== undefined) meant.add(proposal)
    refuse(submission, {
      code: 'CTSS-M034',
      path: [...path, name],
      part: 'key',
      found: key,
      sage: format('Input field ', key, ' not supported'),
      message: `An input has no field ${quote(name)}; Sage knows ${alternatives(INPUT_KEYS)}.`,
      suggestion: proposal === undefined ? 'Delete it.' : `Did you mean ${proposal}?`,
    })
  }
  if (!present.has('id') && !meant.has('id')) {
    const message = `Input ${index + 1} has no id.`
    refuse(submission, {
      code: 'CTSS-M035',
      path,
      found: input,
      sage: 'Expected field id missing',
      message,
      suggestion: 'Add id: with the name of the command-line flag, without dashes.',
    })
  }
  const type = entryOf(input, 'type')
  if (type !== undefined || !meant.has('type')) judgeInputType(submission, type, input, index)
}

function judgeInputType(submission: Submission, entry: PythonEntry | undefined, input: PythonDict, index: number): void {
  const path = ['inputs', index]
  if (entry === undefined) {
    const message = `Input ${index + 1} has no type. ${breaks("KeyError: 'type'")}`
    refuse(submission, {
      code: 'CTSS-M036',
      path,
      found: input,
      sage: "'type'",
      accident: true,
      message,
      suggestion: `Add type: with ${alternatives(INPUT_TYPES)}.`,
    })
    return
  }
  const { value } = entry
  if (isWordOf(value, INPUT_TYPE_SET)) return
  const name = value.type === 'str' ? value.value : undefined
  const near = name === undefined || submission.refusals.length >= MOST_PROPOSALS ? undefined : meantInputType(name)?.type
  refuse(submission, {
    code: 'CTSS-M037',
    path: [...path, 'type'],
    found: value,
    sage: format('Input type ', value, ' not supported'),
    message:
      name === undefined
        ? `The type of input ${index + 1} must be one of Sage's words; Sage sees ${describeType(value)}.`
        : `Sage knows no input type ${quote(name)}.`,
    suggestion: near === undefined ? `Use ${alternatives(INPUT_TYPES)}.` : `Write ${near}.`,
  })
}
