import { describe, expect, it } from 'vitest'

import { textFile } from '../../../../pipeline/validate/text-file.ts'

describe('a text file', () => {
  it.each([
    ['the beginning', 'ab\ncd', 0, { line: 1, column: 1 }],
    ['the end of a line', 'ab\ncd', 2, { line: 1, column: 3 }],
    ['the next line', 'ab\ncd', 3, { line: 2, column: 1 }],
    ['a line that ends as on Windows', 'ab\r\ncd', 4, { line: 2, column: 1 }],
    ['a line that ends as on old Macintoshes', 'ab\rcd', 3, { line: 2, column: 1 }],
    ['a wide character, as two units', '😀x', 2, { line: 1, column: 3 }],
    ['beyond the end', 'ab\n', 99, { line: 2, column: 1 }],
    ['before the beginning', 'ab', -5, { line: 1, column: 1 }],
  ])('places %s', (_, text, offset, expected) => {
    expect(textFile('f', text).place({ start: offset, end: offset })).toStrictEqual({ file: 'f', ...expected })
  })

  it('places a span over lines, and replaces it', () => {
    const file = textFile('f', 'ab\ncd\nef')
    expect(file.place({ start: 1, end: 5 })).toStrictEqual({ file: 'f', line: 1, column: 2, endLine: 2, endColumn: 3 })
    expect(file.replace({ start: 1, end: 5 }, 'x')).toStrictEqual({ file: 'f', line: 1, column: 2, endLine: 2, endColumn: 3, text: 'x' })
    expect(file.replace({ start: 3, end: 3 }, 'x')).toStrictEqual({ file: 'f', line: 2, column: 1, endLine: 2, endColumn: 1, text: 'x' })
  })
})
