import { describe, expect, it } from 'vitest'
import { excerpt } from '../../../../cli/output/validate/excerpt.ts'

const place = (line: number, column?: number, endLine?: number, endColumn?: number) => ({
  file: 'sage.yaml',
  line,
  ...(column !== undefined && { column }),
  ...(endLine !== undefined && { endLine }),
  ...(endColumn !== undefined && { endColumn }),
})

describe('the line under a problem', () => {
  it.each([
    ['a range', 'version: 1.0', place(1, 10, 1, 13), 'version: 1.0', '         ^^^'],
    ['a point', 'version: 1.0', place(1, 10), 'version: 1.0', '         ^'],
    ['no column', 'version: 1.0', place(1), 'version: 1.0', '^'],
    ['the end of a line', 'abc', place(1, 4), 'abc', '   ^'],
    ['a place behind the line', 'abc', place(1, 99, 1, 120), 'abc', '   ^'],
    ['a range over several lines: its first', 'abc', place(1, 2, 2, 1), 'abc', ' ^^'],
    ['a whole empty line', '', place(1, 1, 2, 1), '', '^'],
    ['tabs, as wide as they are shown', '\ta\tb', place(1, 4, 1, 5), '    a   b', '        ^'],
    ['wide characters', 'x: 日本 y', place(1, 4, 1, 6), 'x: 日本 y', '   ^^^^'],
    ['after wide characters', '日本 y', place(1, 4, 1, 5), '日本 y', '     ^'],
    ['a combined character', 'e\u0301x', place(1, 3, 1, 4), 'e\u0301x', ' ^'],
    ['the middle of a pair', 'a😀b', place(1, 3, 1, 4), 'a😀b', ' ^^'],
    ['what a terminal obeys', 'a\u001b[31mb\u202ec', place(1, 2, 1, 3), 'a�[31mb�c', ' ^'],
    ['half a character', 'a\ud83d', place(1, 2, 1, 3), 'a�', ' ^'],
    ['a zero-width character', 'a\u200bb', place(1, 2, 1, 3), 'a�b', ' ^'],
    ['a combining character alone', '\u0301a', place(1, 1, 1, 2), '�a', '^'],
  ])('shows %s', (_what, text, where, line, marks) => {
    expect(excerpt([text], where)).toEqual({ line, marks })
  })

  it.each([
    ['no line', { file: 'sage.yaml' }],
    ['a line that the file has not', place(7, 1)],
  ])('has nothing to show of %s', (_what, where) => {
    expect(excerpt(['a'], where)).toBeUndefined()
  })

  it('has nothing to show of a file that cannot be read', () => {
    expect(excerpt(undefined, place(1, 1))).toBeUndefined()
  })

  it.each([1, 60, 500, 4990, 5000])('cuts a long line around column %i, with the mark below it', (column) => {
    const text = `${'a'.repeat(column - 1)}X${'b'.repeat(5000 - column)}`
    const { line, marks } = excerpt([text], place(1, column, 1, column + 1)) ?? { line: '', marks: '' }

    expect(line.length).toBeLessThanOrEqual(112)
    expect(line[marks.indexOf('^')]).toBe('X')
    expect(line.startsWith('…')).toBe(column > 41)
    expect(line.endsWith('…')).toBe(column < 4900)
  })

  it('shows nothing that the runner of GitHub obeys, and keeps the carets in place', () => {
    expect(excerpt(['name: X ##[error]x'], place(1, 7))).toStrictEqual({ line: 'name: X �#[error]x', marks: '      ^' })
  })

  it('marks no more than is shown of a long range', () => {
    const { line, marks } = excerpt(['a'.repeat(5000)], place(1, 1, 1, 5001)) ?? { line: '', marks: '' }

    expect(marks.length).toBe(line.length - 1)
  })

  it('answers at once for a line of a megabyte', () => {
    const started = performance.now()
    excerpt(['\t'.repeat(1_000_000)], place(1, 500_000, 1, 1_000_000))

    expect(performance.now() - started).toBeLessThan(200)
  })
})
