import { codePointsOf, hexadecimal } from './python-text.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Python's `base64.decodebytes`: characters that are not of the alphabet are skipped. The problem in PyYAML's words. */
export function decodeBase64(text: string, codePoints?: readonly number[]): Uint8Array<ArrayBuffer> | { readonly problem: string } {
  const fault = asciiFault(codePoints ?? [...codePointsOf(text)])
  if (fault !== undefined) return { problem: `failed to convert base64 data into ascii: ${fault}` }
  const bytes: number[] = []
  let [position, left, padding] = [0, 0, 0]
  for (const character of text) {
    if (character === '=') {
      if (position >= 2) padding += 1
      if (position >= 2 && position + padding >= 4) return Uint8Array.from(bytes)
      continue
    }
    const bits = ALPHABET.indexOf(character)
    if (bits === -1) continue
    padding = 0
    if (position > 0) bytes.push(((left << (2 * position)) | (bits >> (6 - 2 * position))) & 0xff)
    left = bits
    position = (position + 1) % 4
  }
  if (position === 0) return Uint8Array.from(bytes)
  const words =
    position === 1
      ? `Invalid base64-encoded string: number of data characters (${(bytes.length / 3) * 4 + 1}) cannot be 1 more than a multiple of 4`
      : 'Incorrect padding'
  return { problem: `failed to decode base64 data: ${words}` }
}

/** `str()` of Python's UnicodeEncodeError. */
function asciiFault(codePoints: readonly number[]): string | undefined {
  const start = codePoints.findIndex((code) => code > 0x7f)
  const code = codePoints[start]
  if (code === undefined) return undefined
  let end = start + 1
  while ((codePoints[end] ?? 0) > 0x7f) end += 1
  const which = end - start === 1 ? `character '${escapeCodePoint(code)}' in position ${start}` : `characters in position ${start}-${end - 1}`
  return `'ascii' codec can't encode ${which}: ordinal not in range(128)`
}

function escapeCodePoint(code: number): string {
  if (code < 0x100) return `\\x${hexadecimal(code, 2)}`
  return code < 0x10000 ? `\\u${hexadecimal(code, 4)}` : `\\U${hexadecimal(code, 8)}`
}
