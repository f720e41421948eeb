import { describe, expect, it } from 'vitest'
import type { Problem } from '../../../../../pipeline/problem.ts'
import { filesToSuggestFor, suggestFixes } from '../../../../../pipeline/validate/fixes/suggest-fixes.ts'
import type { Edit } from '../../../../../schemas/generated/types.ts'

const TEXT = 'name: clouds\nversion: 1.2\nsource:\n  architectures: [arm]\n'

function edit(line: number, column: number, endLine: number, endColumn: number, text: string, file = 'sage.yaml'): Edit {
  return { file, line, column, endLine, endColumn, text }
}

function problem(edits: readonly Edit[], changes: Partial<Problem> = {}): Problem {
  const [first = edit(1, 1, 1, 1, ''), ...others] = edits
  return { code: 'CTSS-M001', severity: 'error', message: 'It is wrong.', fix: { title: 'Mend it', safe: true, edits: [first, ...others] }, ...changes }
}

function suggest(problems: readonly Problem[], texts: Readonly<Record<string, string>> = { 'sage.yaml': TEXT }) {
  return suggestFixes(problems, new Map(Object.entries(texts))).map(({ startLine, endLine, replacement }) => [startLine, endLine, replacement])
}

describe('suggestions of safe fixes', () => {
  it.each<[string, readonly Edit[], readonly [number, number, string]]>([
    ['a value that is put in quotes', [edit(2, 10, 2, 13, '"1.2"')], [2, 2, 'version: "1.2"']],
    ['two places of one fix', [edit(1, 7, 1, 13, 'rain'), edit(2, 10, 2, 13, '"1.2"')], [1, 2, 'name: rain\nversion: "1.2"']],
    ['a line that goes', [edit(2, 1, 3, 1, '')], [2, 2, '']],
    ['a line that is put in', [edit(3, 1, 3, 1, 'license: MIT\n')], [2, 2, 'version: 1.2\nlicense: MIT']],
    ['a line at the top', [edit(1, 1, 1, 1, '# clouds\n')], [1, 1, '# clouds\nname: clouds']],
    ['a line at the end', [edit(5, 1, 5, 1, 'license: MIT\n')], [4, 4, '  architectures: [arm]\nlicense: MIT']],
    ['a line that becomes empty', [edit(2, 1, 2, 13, '')], [1, 2, 'name: clouds\n']],
    ['the first line that becomes empty', [edit(1, 1, 1, 13, '')], [1, 2, '\nversion: 1.2']],
  ])('stand on lines: %s', (_, edits, expected) => {
    expect(suggest([problem(edits)])).toEqual([expected])
  })

  it('say what they are for', () => {
    expect(suggestFixes([problem([edit(2, 10, 2, 13, '"1.2"')])], new Map([['sage.yaml', TEXT]]))).toEqual([
      { code: 'CTSS-M001', message: 'It is wrong.', file: 'sage.yaml', startLine: 2, endLine: 2, replacement: 'version: "1.2"' },
    ])
  })

  it.each<[string, Problem, Readonly<Record<string, string>>?]>([
    ['there is no fix', { code: 'CTSS-M001', severity: 'error', message: 'It is wrong.' }],
    ['a person must look at it', problem([edit(2, 10, 2, 13, '"1.2"')], { fix: { title: 'Mend it', safe: false, edits: [edit(2, 10, 2, 13, '"1.2"')] } })],
    ['it would only be nicer', problem([edit(2, 10, 2, 13, '"1.2"')], { severity: 'hint' })],
    ['it changes two files', problem([edit(2, 10, 2, 13, '"1.2"'), edit(1, 1, 1, 1, 'x', 'ctss.yaml')])],
    ['the file is not there', problem([edit(1, 1, 1, 1, 'x', 'other.yaml')])],
    ['it lies outside of the text', problem([edit(9, 1, 9, 1, 'x')])],
    ['it changes nothing', problem([edit(2, 10, 2, 13, '1.2')])],
    ['the file is empty', problem([edit(1, 1, 1, 1, 'x\n')]), { 'sage.yaml': '' }],
    ['lines end as in Windows', problem([edit(2, 10, 2, 13, '"1.2"')]), { 'sage.yaml': TEXT.replaceAll('\n', '\r\n') }],
  ])('are left out where %s', (_, wrong, texts) => {
    expect(suggest([wrong], texts)).toEqual([])
  })

  it('never touch the lines of one before, which comes first', () => {
    const problems = [
      problem([edit(2, 10, 2, 13, '"1.2"')]),
      problem([edit(2, 10, 2, 13, '"1.2.0"')]),
      problem([edit(4, 19, 4, 22, 'linux/arm64')]),
      problem([edit(1, 1, 1, 1, 'x', 'ctss.yaml')]),
    ]

    expect(suggest(problems, { 'sage.yaml': TEXT, 'ctss.yaml': 'y' })).toEqual([
      [2, 2, 'version: "1.2"'],
      [4, 4, '  architectures: [linux/arm64]'],
      [1, 1, 'xy'],
    ])
  })

  it('need these files alone', () => {
    expect(
      filesToSuggestFor([problem([edit(1, 1, 1, 1, '')]), problem([edit(2, 1, 2, 1, '')]), problem([edit(1, 1, 1, 1, '', 'b')], { severity: 'hint' })]),
    ).toEqual(['sage.yaml'])
  })
})
