import { crc32, inflateRawSync } from 'node:zlib'

/** A file of a zip, read whole and compared with its check sum. */
export interface ZipFile {
  readonly name: string
  readonly content: Buffer
}

/** What a zip may hold; more of it is an error. */
export interface ZipLimits {
  readonly files: number
  /** Of all files together, unpacked. */
  readonly bytes: number
}

// Signatures and sizes of APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
const END = 0x06_05_4b_50
const END_BYTES = 22
const LONGEST_COMMENT = 0xff_ff
const ENTRY = 0x02_01_4b_50
const ENTRY_BYTES = 46
const LOCAL = 0x04_03_4b_50
const LOCAL_BYTES = 30
const STORED = 0
const DEFLATED = 8
const ENCRYPTED = 1

/**
 * Reads the files of a zip whose names are wanted; folders and everything else are passed over. The zip may come from anywhere: what is not as the format
 * says, is encrypted, of zip64, or over the limits is a RangeError with a sentence, and nothing of it is answered.
 */
export function readZip(zip: Buffer, isWanted: (name: string) => boolean, limits: ZipLimits): readonly ZipFile[] {
  const files: ZipFile[] = []
  let left = limits.bytes
  for (const entry of listEntries(zip, limits.files)) {
    if (entry.name.endsWith('/') || !isWanted(entry.name)) continue
    if (entry.bytes > left) throw new RangeError(`it holds more than ${limits.bytes} bytes`)
    left -= entry.bytes
    files.push({ name: entry.name, content: readEntry(zip, entry) })
  }
  return files
}

interface Entry {
  readonly name: string
  readonly method: number
  readonly flags: number
  readonly checkSum: number
  readonly packedBytes: number
  readonly bytes: number
  /** Of its local header. */
  readonly offset: number
}

function listEntries(zip: Buffer, most: number): readonly Entry[] {
  const end = findEnd(zip)
  const count = zip.readUInt16LE(end + 10)
  if (count > most) throw new RangeError(`it holds more than ${most} files`)
  const entries: Entry[] = []
  let at = zip.readUInt32LE(end + 16)
  for (let index = 0; index < count; index += 1) {
    if (at + ENTRY_BYTES > end || zip.readUInt32LE(at) !== ENTRY) throw new RangeError('it is no zip of the usual kind')
    const nameBytes = zip.readUInt16LE(at + 28)
    const next = at + ENTRY_BYTES + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
    if (next > end) throw new RangeError('it is cut off')
    entries.push({
      name: zip.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes),
      flags: zip.readUInt16LE(at + 8),
      method: zip.readUInt16LE(at + 10),
      checkSum: zip.readUInt32LE(at + 16),
      packedBytes: zip.readUInt32LE(at + 20),
      bytes: zip.readUInt32LE(at + 24),
      offset: zip.readUInt32LE(at + 42),
    })
    at = next
  }
  return entries
}

function findEnd(zip: Buffer): number {
  for (let at = zip.length - END_BYTES; at >= Math.max(0, zip.length - END_BYTES - LONGEST_COMMENT); at -= 1) if (zip.readUInt32LE(at) === END) return at
  throw new RangeError('it is no zip')
}

function readEntry(zip: Buffer, { name, method, flags, checkSum, packedBytes, bytes, offset }: Entry): Buffer {
  if (offset + LOCAL_BYTES > zip.length || zip.readUInt32LE(offset) !== LOCAL) throw new RangeError(`${JSON.stringify(name)} is not where the zip says`)
  const start = offset + LOCAL_BYTES + zip.readUInt16LE(offset + 26) + zip.readUInt16LE(offset + 28)
  const packed = zip.subarray(start, start + packedBytes)
  if (packed.length !== packedBytes || (flags & ENCRYPTED) !== 0 || (method !== STORED && method !== DEFLATED))
    throw new RangeError(`${JSON.stringify(name)} is cut off, encrypted or packed in an unusual way`)
  const content = method === STORED ? packed : inflate(name, packed, bytes)
  if (content.length !== bytes || crc32(content) !== checkSum) throw new RangeError(`${JSON.stringify(name)} is broken`)
  return content
}

function inflate(name: string, packed: Buffer, bytes: number): Buffer {
  try {
    // What unpacks to more than it says ends here.
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) })
  } catch (cause) {
    throw new RangeError(`${JSON.stringify(name)} is broken`, { cause })
  }
}
