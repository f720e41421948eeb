import type { PythonValue } from './python-value.ts'

/** Equal for what is one key of a dict to Python. All NaN are one, as those are that are written `.nan`; to Python, each `!!float nan` is a key of its own. */
export type HashKey = string | number | bigint | null

/** What a dict finds a key by: `1`, `1.0` and `True` are one; undefined: unhashable. Nothing that is loaded has tuples for keys. */
export function hashKey(value: PythonValue): HashKey | undefined {
  switch (value.type) {
    case 'str':
      if (value.codePoints !== undefined) return `\0points ${value.codePoints.join(' ')}`
      return value.value.startsWith('\0') ? `\0text ${value.value}` : value.value
    case 'int':
      return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : value.value
    case 'float':
      return Number.isInteger(value.value) && !Number.isSafeInteger(value.value) ? BigInt(value.value) : value.value
    case 'bool':
      return value.value ? 1 : 0
    case 'NoneType':
      return null
    case 'date':
      return `\0date ${value.text}`
    case 'datetime':
      return `\0datetime ${instant(value.text)}`
    case 'bytes':
      return `\0bytes ${value.value.join(' ')}`
    case 'list':
    case 'dict':
    case 'set':
    case 'tuple':
      return undefined
  }
}

/** Times with a zone are equal when they are the same instant. */
function instant(text: string): string {
  const zoned = /^(.{10}) (.{8})(\.\d{6})?([-+])(\d\d):(\d\d)$/.exec(text)
  if (zoned === null) return text
  const [, date = '', time = '', fraction = '', sign = '', hours = '', minutes = ''] = zoned
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000
  return `${Date.parse(`${date}T${time}Z`) - (sign === '-' ? -offset : offset)}${fraction}`
}
