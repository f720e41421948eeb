import { deflateRawSync, crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readZip } from '../../../../app/github/read-zip.ts'
import { makeZip } from '../../../support/make-zip.ts'

const LIMITS = { files: 10, bytes: 1000 }
const every = (): boolean => true

describe('a zip', () => {
  it.each([true, false])('is read (packed: %s)', (isPacked) => {
    const zip = makeZip({ 'record.json': '{"a": 1}', 'blobs/x': 'y'.repeat(500), 'empty/': '' }, { isPacked })
    expect(readZip(zip, (name) => name !== 'empty', LIMITS).map(({ name, content }) => [name, content.toString()])).toEqual([
      ['record.json', '{"a": 1}'],
      ['blobs/x', 'y'.repeat(500)],
    ])
  })

  it('shows only what is wanted, and does not unpack the rest', () => {
    const zip = makeZip({ large: 'x'.repeat(5000), 'record.json': '1' })
    expect(readZip(zip, (name) => name === 'record.json', LIMITS)).toHaveLength(1)
  })

  const good = makeZip({ 'record.json': '{"a": 1}' })
  const changed = (change: (zip: Buffer) => void): Buffer => {
    const zip = Buffer.from(good)
    change(zip)
    return zip
  }
  const entry = good.indexOf(Buffer.from('PK\x01\x02'))
  it.each([
    ['that is none', Buffer.from('not a zip'), 'no zip'],
    ['that is empty', Buffer.alloc(0), 'no zip'],
    ['that is cut off', good.subarray(0, good.length - 30), 'no zip'],
    ['with more files than it may have', makeZip(Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`f${n}`, '']))), 'more than 10 files'],
    ['with more bytes than it may have', makeZip({ a: 'x'.repeat(600), b: 'x'.repeat(600) }), 'more than 1000 bytes'],
    ['that unpacks to more than it says', changed((zip) => zip.writeUInt32LE(1, entry + 24)), 'broken'],
    ['that unpacks to less than it says', changed((zip) => zip.writeUInt32LE(9, entry + 24)), 'broken'],
    ['of another content than its sum', changed((zip) => zip.writeUInt32LE(1, entry + 16)), 'broken'],
    ['that is encrypted', changed((zip) => zip.writeUInt16LE(1, entry + 8)), 'encrypted'],
    ['that is packed in another way', changed((zip) => zip.writeUInt16LE(14, entry + 10)), 'unusual'],
    ['whose file begins elsewhere', changed((zip) => zip.writeUInt32LE(5, entry + 42)), 'not where'],
    ['whose file begins outside', changed((zip) => zip.writeUInt32LE(0xff_ff_ff_00, entry + 42)), 'not where'],
    ['whose file ends outside', changed((zip) => zip.writeUInt32LE(0xff_ff, entry + 20)), 'cut off'],
    ['whose list begins elsewhere', changed((zip) => zip.writeUInt32LE(3, zip.length - 6)), 'no zip of the usual kind'],
    ['whose list begins outside', changed((zip) => zip.writeUInt32LE(0xff_ff_ff_ff, zip.length - 6)), 'no zip of the usual kind'],
    ['whose names are longer than it', changed((zip) => zip.writeUInt16LE(0xff_ff, entry + 28)), 'cut off'],
    ['whose content is no deflated one', changed((zip) => zip.fill(0xff, 41, 46)), 'broken'],
  ])('%s is refused', (_, zip, message) => {
    expect(() => readZip(zip, every, LIMITS)).toThrow(message)
    expect(() => readZip(zip, every, LIMITS)).toThrow(RangeError)
  })

  it('is never anything but read or refused, whatever bytes it has', () => {
    for (let at = 0; at < good.length; at += 1) {
      for (const value of [0, 0x7f, 0xff]) {
        const zip = changed((copy) => void (copy[at] = value))
        try {
          for (const { content } of readZip(zip, every, LIMITS)) expect([crc32(content), deflateRawSync(content).length]).toHaveLength(2)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }
    }
  })
})
