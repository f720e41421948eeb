import { expect, it } from 'vitest'
import { decodeUtf8 } from '../../../../../pipeline/validate/sage/python-utf8.ts'

it('decodes, and keeps a byte order mark', () => {
  expect(decodeUtf8(new TextEncoder().encode('\uFEFFé日😀'))).toStrictEqual({ text: '\uFEFFé日😀' })
})

// Printed by CPython 3.11.
it.each<[readonly number[], string, number]>([
  [[0x61, 0xe9, 0x61], 'byte 0xe9 in position 1: invalid continuation byte', 1],
  [[0xe9], 'byte 0xe9 in position 0: unexpected end of data', 0],
  [[0xc3, 0xa9, 0xff], 'byte 0xff in position 2: invalid start byte', 2],
  [[0xc0, 0x80], 'byte 0xc0 in position 0: invalid start byte', 0],
  [[0xe2, 0x82], 'bytes in position 0-1: unexpected end of data', 0],
  [[0xe2, 0x82, 0x61], 'bytes in position 0-1: invalid continuation byte', 0],
  [[0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x61], 'bytes in position 3-5: invalid continuation byte', 3],
  [[0xe0, 0x80, 0x80], 'byte 0xe0 in position 0: invalid continuation byte', 0],
  [[0xed, 0xa0, 0x80], 'byte 0xed in position 0: invalid continuation byte', 0],
  [[0xf0, 0x80, 0x80, 0x80], 'byte 0xf0 in position 0: invalid continuation byte', 0],
  [[0xf4, 0x90, 0x80, 0x80], 'byte 0xf4 in position 0: invalid continuation byte', 0],
  [[0xf1, 0x80, 0x80, 0x80, 0x80], 'byte 0x80 in position 4: invalid start byte', 4],
])('says of %j: %s', (bytes, problem, at) => {
  expect(decodeUtf8(Uint8Array.from(bytes))).toStrictEqual({ problem: `'utf-8' codec can't decode ${problem}`, at })
})
