import { describe, expect, it } from 'vitest'

import { applyEdits, applyFixes } from '../../../../../pipeline/validate/fixes/apply-edits.ts'
import { textFile } from '../../../../../pipeline/validate/text-file.ts'
import type { Edit, Fix } from '../../../../../schemas/generated/types.ts'

const TEXT = 'one\r\ntwo\rthree\nfour'
const file = textFile('a', TEXT)
const edit = (start: number, end: number, text: string): Edit => file.replace({ start, end }, text)
const at = (line: number, column: number, endLine: number, endColumn: number, text = 'x'): Edit => ({ file: 'a', line, column, endLine, endColumn, text })
const fix = (...edits: readonly Edit[]): Fix => ({ title: 'mend', safe: true, edits: [...edits] })

describe('edits', () => {
  it.each<readonly [string, readonly Edit[], string]>([
    ['nothing', [], TEXT],
    ['a replacement', [edit(5, 8, 'zwei')], 'one\r\nzwei\rthree\nfour'],
    ['several, in any order', [edit(15, 19, 'D'), edit(0, 3, 'A')], 'A\r\ntwo\rthree\nD'],
    ['insertions at one place, in their order', [edit(3, 3, '1'), edit(3, 3, '2')], 'one12\r\ntwo\rthree\nfour'],
    ['the same one twice', [edit(3, 3, '1'), edit(0, 3, 'A'), edit(3, 3, '1')], 'A1\r\ntwo\rthree\nfour'],
    ['an insertion at either edge of a deletion', [edit(5, 8, ''), edit(5, 5, '<'), edit(8, 8, '>')], 'one\r\n<>\rthree\nfour'],
    ['one at the end', [edit(19, 19, '!')], `${TEXT}!`],
  ])('apply %s', (_, edits, expected) => {
    expect(applyEdits(TEXT, edits)).toStrictEqual({ text: expected, dropped: [] })
  })

  it.each<readonly [string, readonly Edit[], Edit]>([
    ['it overlaps an earlier one', [edit(0, 5, 'A')], edit(3, 8, 'B')],
    ['an earlier one begins inside', [edit(3, 8, 'A')], edit(0, 5, 'B')],
    ['it inserts inside an earlier one', [edit(0, 5, 'A')], edit(3, 3, 'B')],
    ['it says something else of the same place', [edit(0, 3, 'A')], edit(0, 3, 'B')],
    ['its line is not there', [], at(9, 1, 9, 1)],
    ['its column is not there', [], at(1, 7, 1, 7)],
    ['its column is before the line', [], at(1, 0, 1, 1)],
    ['its end is not there', [], at(1, 1, 9, 1)],
    ['it ends before it begins', [], at(1, 3, 1, 1)],
  ])('are dropped when %s', (_, earlier, late) => {
    expect(applyEdits(TEXT, [...earlier, late])).toStrictEqual({ text: applyEdits(TEXT, earlier).text, dropped: [late] })
  })

  it('never change what lies outside of them', () => {
    const random = lottery(1)
    for (let round = 0; round < 300; round++) {
      const length = random(30)
      const text = Array.from({ length }, () => 'ab\n\r'[random(4)]).join('')
      const source = textFile('a', text)
      const edits = Array.from({ length: random(6) }, () => {
        const start = random(length + 1)
        return source.replace({ start, end: start + random(length + 1 - start) }, 'XYZ'.slice(random(4)))
      })
      const { text: changed, dropped } = applyEdits(text, edits)
      const kept = edits.filter((each) => !dropped.includes(each))
      // Columns go over \r\n as over two characters, so that all offsets survive the way through lines.
      const removed = new Set(kept.flatMap((each) => spanOf(text, each)))
      const outside = text
        .split('')
        .filter((_, offset) => !removed.has(offset))
        .join('')
      expect(changed.replaceAll(/[XYZ]/g, '')).toBe(outside)
      expect(applyEdits(text, kept)).toStrictEqual({ text: changed, dropped: [] })
    }
  })
})

describe('fixes', () => {
  const files = new Map([
    ['a', 'one'],
    ['b', 'two'],
  ])
  const inB = { file: 'b', line: 1, column: 1, endLine: 1, endColumn: 4, text: 'zwei' }

  it('are applied to the files that they name, and may create one', () => {
    const created = { file: 'new/c', line: 1, column: 1, endLine: 1, endColumn: 1, text: 'three\n' }
    const fixes = [fix(at(1, 1, 1, 4), inB), fix(created)]
    expect(applyFixes(files, fixes)).toStrictEqual({
      files: new Map([
        ['a', 'x'],
        ['b', 'zwei'],
        ['new/c', 'three\n'],
      ]),
      applied: fixes,
      skipped: [],
    })
  })

  it('are applied whole or not at all', () => {
    const [first, second, third] = [fix(at(1, 1, 1, 2)), fix(inB, at(1, 1, 1, 4)), fix({ ...inB, text: 'deux' })]
    expect(applyFixes(files, [first, second, third])).toStrictEqual({
      files: new Map([
        ['a', 'xne'],
        ['b', 'deux'],
      ]),
      applied: [first, third],
      skipped: [second],
    })
  })

  it('may share an edit, which stays when one of them cannot be applied', () => {
    const [first, second] = [fix(inB), fix(inB, at(9, 1, 9, 1))]
    expect(applyFixes(files, [first, second])).toStrictEqual({ files: new Map([['b', 'zwei']]), applied: [first], skipped: [second] })
  })

  it('that change nothing leave no file', () => {
    const same = fix({ ...inB, text: 'two' })
    expect(applyFixes(files, [same])).toStrictEqual({ files: new Map(), applied: [same], skipped: [] })
  })
})

/** Numbers below a bound, always the same ones. */
function lottery(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * bound)
  }
}

/** Every offset that an edit replaces. */
function spanOf(text: string, { line, column, endLine, endColumn }: Edit): readonly number[] {
  const starts = [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), (found) => found.index + found[0].length)]
  const [start, end] = [(starts[line - 1] ?? 0) + column - 1, (starts[endLine - 1] ?? 0) + endColumn - 1]
  return Array.from({ length: end - start }, (_, index) => start + index)
}
