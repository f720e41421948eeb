/** What CPython 3.11 says when Sage's code hands it a value of a kind it did not expect. */
import { codePointsOf } from './python-text.ts'
import type { PythonText, PythonValue } from './python-value.ts'

/** `type(value).__name__`, with the module of classes that are not built in, as messages of the interpreter itself print it. */
export function qualifiedTypeName({ type }: PythonValue): string {
  return type === 'date' || type === 'datetime' ? `datetime.${type}` : type
}

/** An exception, by its class and what `str()` prints. */
export interface Raised {
  readonly exception: string
  readonly words: string
}

const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff

/** Surrogates that stand for a byte that was no UTF-8 (PEP 383); the file system gets that byte. */
const isEscapedByte = (code: number): boolean => code >= 0xdc80 && code <= 0xdcff

/** Python's characters of a text. */
export function charactersOf(text: PythonText): readonly number[] {
  return text.codePoints ?? [...codePointsOf(text.value)]
}

/** `len()` of a text. */
export function lengthOfText({ value, codePoints }: PythonText): number {
  return codePoints?.length ?? lengthOf(value)
}

/** Characters of a text that holds no half ones: two units of JavaScript's may be one. */
export function lengthOf(text: string): number {
  let length = text.length
  for (const { 0: pairs } of text.matchAll(/[\uD800-\uDBFF]+/g)) length -= pairs.length
  return length
}

/** What `text.encode()` raises for surrogates, which are no UTF-8. `for`: names of files may hold escaped bytes. */
export function encodingFailure(text: PythonText, target: 'text' | 'file system' = 'text'): Raised | undefined {
  if (text.codePoints === undefined && text.value.isWellFormed()) return undefined
  const characters = charactersOf(text)
  const isRefused = target === 'text' ? isSurrogate : (code: number) => isSurrogate(code) && !isEscapedByte(code)
  const start = characters.findIndex(isRefused)
  if (start === -1) return undefined
  let end = start
  while (isSurrogate(characters[end] ?? 0)) end++
  const which =
    end === start + 1 ? `character '\\u${(characters[start] ?? 0).toString(16)}' in position ${start}` : `characters in position ${start}-${end - 1}`
  return { exception: 'UnicodeEncodeError', words: `'utf-8' codec can't encode ${which}: surrogates not allowed` }
}

/** What `subprocess` raises for an argument of a command. */
export function argumentFailure(value: PythonValue): Raised | undefined {
  if (value.type === 'bytes') return value.value.includes(0) ? { exception: 'ValueError', words: 'embedded null byte' } : undefined
  if (value.type !== 'str') return { exception: 'TypeError', words: `expected str, bytes or os.PathLike object, not ${value.type}` }
  return encodingFailure(value, 'file system') ?? (value.value.includes('\0') ? { exception: 'ValueError', words: 'embedded null byte' } : undefined)
}
