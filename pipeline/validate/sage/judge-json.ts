import type { DocumentPath } from '../yaml-source.ts'
import { keyText } from '../manifest-spans.ts'
import { qualifiedTypeName } from './judge-python.ts'
import { breaks, describeType, isQuotedAlready, refuse } from './judge-submission.ts'
import type { Submission } from './judge-submission.ts'
import { MAX_DECIMAL_DIGITS, RAISE_LIMIT, TOO_MANY_DIGITS } from './python-number.ts'
import type { PythonValue } from './python-value.ts'

/** What `json.dumps` cannot write. */
export interface JsonFault {
  readonly path: DocumentPath
  readonly part: 'key' | 'value'
  readonly found: PythonValue
  readonly exception: string
  readonly words: string
}

const TOO_LARGE = 10n ** BigInt(MAX_DECIMAL_DIGITS)

/** The first value, in the order of writing, that JSON does not know. */
export function findJsonFault(value: PythonValue, path: DocumentPath): JsonFault | undefined {
  return findFault(value, path, { open: new Set(), good: new Set() })
}

/** Collections that are being walked, and those that hold no fault: aliases may lead to them again and again. */
interface Walk {
  readonly open: Set<PythonValue>
  readonly good: Set<PythonValue>
}

function findFault(value: PythonValue, path: DocumentPath, walk: Walk): JsonFault | undefined {
  const fault = (words: string, exception = 'TypeError'): JsonFault => ({ path, part: 'value', found: value, exception, words })
  switch (value.type) {
    case 'dict':
    case 'list':
    case 'tuple': {
      if (walk.good.has(value)) return undefined
      if (walk.open.has(value)) return fault('Circular reference detected', 'ValueError')
      walk.open.add(value)
      const found = findFaultInside(value, path, walk)
      walk.open.delete(value)
      walk.good.add(value)
      return found
    }
    case 'date':
    case 'datetime':
    case 'bytes':
    case 'set':
      return fault(`Object of type ${value.type} is not JSON serializable`)
    case 'int':
      return isTooLarge(value.value) ? fault(`${TOO_MANY_DIGITS}; ${RAISE_LIMIT}`, 'ValueError') : undefined
    case 'str':
    case 'bool':
    case 'float':
    case 'NoneType':
      return undefined
  }
}

function findFaultInside(value: Extract<PythonValue, { type: 'dict' | 'list' | 'tuple' | 'set' }>, path: DocumentPath, walk: Walk): JsonFault | undefined {
  if (value.type !== 'dict') {
    for (const [index, item] of value.items.entries()) {
      const found = findFault(item, [...path, index], walk)
      if (found !== undefined) return found
    }
    return undefined
  }
  for (const { key, value: item } of value.entries) {
    if (isPlain(key) && isPlain(item)) continue
    const below = [...path, keyText(key)]
    const found = findKeyFault(key, below) ?? findFault(item, below, walk)
    if (found !== undefined) return found
  }
  return undefined
}

function isPlain({ type }: PythonValue): boolean {
  return type === 'str' || type === 'bool' || type === 'float' || type === 'NoneType'
}

function isTooLarge(value: bigint): boolean {
  return value >= TOO_LARGE || value <= -TOO_LARGE
}

function findKeyFault(key: PythonValue, path: DocumentPath): JsonFault | undefined {
  if (isPlain(key)) return undefined
  const fault = { path, part: 'key', found: key } as const
  if (key.type !== 'int') {
    return { ...fault, exception: 'TypeError', words: `keys must be str, int, float, bool or None, not ${qualifiedTypeName(key)}` }
  }
  return isTooLarge(key.value) ? { ...fault, exception: 'ValueError', words: `${TOO_MANY_DIGITS}; ${RAISE_LIMIT}` } : undefined
}

/** `before`: what Sage's answer puts before the exception's words. */
export function refuseJsonFault(submission: Submission, fault: JsonFault, before = ''): void {
  const { path, part, found, words } = fault
  refuse(submission, {
    code: 'CTSS-M038',
    path,
    part,
    found,
    sage: before + words,
    accident: true,
    message: `${describeFault(fault)}, which JSON cannot hold, and Sage stores it as JSON. ${breaks(words)}`,
    suggestion: isQuotedAlready(submission, path) ? 'The Portal drops the quotes: write it differently, for instance with a word more.' : suggest(found),
  })
}

function suggest({ type }: PythonValue): string {
  return type === 'date' || type === 'datetime' || type === 'int' ? 'Put it in quotes.' : 'Write it as text, or as a plain list or mapping.'
}

function describeFault({ part, found }: JsonFault): string {
  const what = part === 'key' ? `Sage sees ${describeType(found)} for a key` : `Sage sees ${describeType(found)} here`
  if (found.type === 'int') return `${what} with more than ${MAX_DECIMAL_DIGITS} digits`
  return part === 'value' && (found.type === 'dict' || found.type === 'list') ? `${what} that holds itself` : what
}
