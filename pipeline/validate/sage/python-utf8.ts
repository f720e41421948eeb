/** The text, or what Python's strict UTF-8 decoder says (`str()` of its UnicodeDecodeError) and at which byte. */
export type Decoded = { readonly text: string } | { readonly problem: string; readonly at: number }

/** `bytes.decode()`: UTF-8, a byte order mark kept as a character. */
export function decodeUtf8(bytes: Uint8Array): Decoded {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { ...describeFirstFault(bytes) }
  }
}

function describeFirstFault(bytes: Uint8Array): { readonly problem: string; readonly at: number } {
  let at = 0
  for (;;) {
    const { length, reason } = readSequence(bytes, at)
    if (reason !== undefined) {
      const which = length === 1 ? `byte 0x${(bytes[at] ?? 0).toString(16).padStart(2, '0')} in position ${at}` : `bytes in position ${at}-${at + length - 1}`
      return { problem: `'utf-8' codec can't decode ${which}: ${reason}`, at }
    }
    at += length
  }
}

/** How many bytes belong together here; the reason when they are no character (Unicode 15, table 3-7). */
function readSequence(bytes: Uint8Array, at: number): { readonly length: number; readonly reason?: string } {
  const first = bytes[at] ?? 0
  if (first < 0x80) return { length: 1 }
  if (first < 0xc2 || first > 0xf4) return { length: 1, reason: 'invalid start byte' }
  const expected = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  for (let index = 1; index < expected; index += 1) {
    const byte = bytes[at + index]
    if (byte === undefined) return { length: index, reason: 'unexpected end of data' }
    const [low, high] = index === 1 ? secondByteRange(first) : [0x80, 0xbf]
    if (byte < low || byte > high) return { length: index, reason: 'invalid continuation byte' }
  }
  return { length: expected }
}

function secondByteRange(first: number): readonly [number, number] {
  if (first === 0xe0) return [0xa0, 0xbf]
  if (first === 0xed) return [0x80, 0x9f]
  if (first === 0xf0) return [0x90, 0xbf]
  if (first === 0xf4) return [0x80, 0x8f]
  return [0x80, 0xbf]
}
