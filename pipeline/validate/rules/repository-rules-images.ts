/** What the first bytes of a file say it is. */
export type ImageKind = 'jpeg' | 'png' | 'gif' | 'webp' | 'heic' | 'git-lfs' | 'empty' | 'other'

export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** Recognises a file by its magic bytes, never by its name. */
export function recogniseImage(bytes: Uint8Array): ImageKind {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1')
  if (head === '') return 'empty'
  if (head.startsWith('\u00FF\u00D8\u00FF')) return 'jpeg'
  if (head.startsWith('\u0089PNG')) return 'png'
  if (head.startsWith('GIF8')) return 'gif'
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'webp'
  if (head.slice(4, 8) === 'ftyp') return 'heic'
  return head.startsWith('version https://git-lfs') ? 'git-lfs' : 'other'
}

/**
 * Pixels of a JPEG, from its frame header (ITU-T T.81, annex B). Undefined when the header does not lie within the bytes, or they are no JPEG.
 */
export function jpegSize(bytes: Uint8Array): ImageSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 2
  while (at + 9 <= bytes.length) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    if (marker === 0xff) {
      // Fill bytes may stand before a marker.
      at++
      continue
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
    // Scan data begins, or the image ends, without a frame header.
    if (marker === 0xda || marker === 0xd9) return undefined
    at += 2 + view.getUint16(at + 2)
  }
  return undefined
}
