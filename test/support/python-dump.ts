import { pythonJson, pythonLength, pythonRepr, pythonStr, pythonTruth, type Printed } from '../../pipeline/validate/sage/python-words.ts'
import type { Parsed, PythonValue } from '../../pipeline/validate/sage/python-value.ts'
import { codePointsOf } from '../../pipeline/validate/sage/python-text.ts'
import { quoteFloat } from '../../pipeline/validate/sage/python-number.ts'

/** What `scripts/oracle/yaml/read.py` writes about a text. */
export type Recorded = ({ readonly value: string } & Partial<Words>) | { readonly error: readonly [string, string] }

interface Words {
  readonly repr: Said
  readonly json: Said
  /** Where it is not the same as `repr`. */
  readonly str?: Said
  readonly truth: boolean
  readonly length: number | null
}

type Said = string | readonly [string, string]

/** The same of our readers' answer. */
export function record(parsed: Parsed, withWords = false): Recorded {
  if ('error' in parsed) return { error: [parsed.error.name, parsed.error.message] }
  return { value: dump(parsed.value, new Map()), ...(withWords && wordsOf(parsed.value)) }
}

function wordsOf(value: PythonValue): Words {
  const [repr, text] = [said(pythonRepr(value)), said(pythonStr(value))]
  const isOther = JSON.stringify(repr) !== JSON.stringify(text)
  return { repr, json: said(pythonJson(value)), ...(isOther && { str: text }), truth: pythonTruth(value), length: pythonLength(value) ?? null }
}

function said(printed: Printed): Said {
  return 'error' in printed ? [printed.error.name, printed.error.message] : printed.text
}

function dump(value: PythonValue, seen: Map<PythonValue, number>): string {
  if (value.type === 'NoneType') return 'n'
  if (value.type === 'bool') return value.value ? 't' : 'f'
  if (value.type === 'int') return `i${value.value.toString(16)}`
  if (value.type === 'float') return `d${quoteFloat(value.value)}`
  if (value.type === 'str') return `s"${dumpText(value.codePoints ?? codePointsOf(value.value))}"`
  if (value.type === 'bytes') return `b"${Buffer.from(value.value).toString('hex')}"`
  if ('text' in value) return `${value.type === 'date' ? 'D' : 'T'}${value.text}`
  if (value.type === 'tuple') return `(${value.items.map((item) => dump(item, seen)).join(',')})`
  const number = seen.get(value)
  if (number !== undefined) return `*${number}`
  seen.set(value, seen.size)
  if (value.type === 'dict') return `{${value.entries.map((entry) => `${dump(entry.key, seen)}:${dump(entry.value, seen)}`).join(',')}}`
  const items = value.items.map((item) => dump(item, seen))
  return value.type === 'set' ? `<${items.sort().join(',')}>` : `[${items.join(',')}]`
}

function dumpText(codePoints: Iterable<number>): string {
  return Array.from(codePoints, (code) => {
    const isPlain = code >= 0x20 && code <= 0x7e && code !== 0x22 && code !== 0x5c
    return isPlain ? String.fromCharCode(code) : `\\{${code.toString(16)}}`
  }).join('')
}
