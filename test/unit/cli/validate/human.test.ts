import { readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { printablePath } from '../../../../cli/output/printable-path.ts'
import { humanWriter } from '../../../../cli/output/validate/human.ts'
import { describeMending } from '../../../../cli/output/validate/mending.ts'
import type { ShownReport } from '../../../../cli/output/validate/report-writer.ts'
import { FIX, problem, RULE, shown } from './reports.ts'

const TEXT = 'name: counter\nversion: 1.0\n'

async function render(report: ShownReport, color = false): Promise<string> {
  return humanWriter({ color, loadNames: async () => (code) => (code === RULE.code ? RULE.name : undefined) }).report(report)
}

describe('a report for a person', () => {
  it('shows the place, the line, what to do and the fix, then the verdict and how to have it mended', async () => {
    const found = problem({ suggestion: 'Write "1.0.0".', detail: 'one\ntwo\n', fix: FIX })

    expect(
      await render(shown({ 'sage.yaml': TEXT }, [found, problem({ severity: 'warning', place: { file: 'Dockerfile' }, code: 'other' })], { fixes: 1 })),
    ).toBe(
      [
        'sage.yaml:2:10: error: This is wrong. [CTSS-M012 version-is-text]',
        '    2 | version: 1.0',
        '      |          ^^^',
        '    → Write "1.0.0".',
        '    ✎ fix available: put quotes around it',
        '    | one',
        '    | two',
        'Dockerfile:1:1: warning: This is wrong. [other]',
        'sage.yaml: not valid: 1 error, 1 warning',
        '    the Portal would refuse it · POST /submit would refuse it as it stands',
        '    1 safe fix: ctss validate . --fix (--diff shows what it would change)',
        '',
      ].join('\n'),
    )
  })

  it('says that all is well, without loading a rule', async () => {
    const writer = humanWriter({ color: false, loadNames: () => Promise.reject(new Error('loaded')) })
    const report = shown({}, [], { failed: false, verdict: { portal: 'accepted', submitted: 'refused' } })

    expect(await writer.report(report)).toBe(
      'sage.yaml: valid: 0 errors, 0 warnings\n    the Portal would accept it · POST /submit would refuse it as it stands (--as-submitted says why)\n',
    )
  })

  it.each([
    ['an unsafe fix', problem({ fix: { ...FIX, safe: false } }), 'fix available, to be looked at first: put quotes around it'],
    ['a hint', problem({ severity: 'hint' }), '0 errors, 0 warnings, 1 hint'],
    ['a problem without a place', { code: 'x', severity: 'error', message: 'Nowhere.' } as const, 'sage.yaml:1:1: error: Nowhere. [x]'],
    ['a long detail', problem({ detail: 'line\n'.repeat(1234) }), '    | … and 1,194 more lines'],
  ])('shows %s', async (_what, found, text) => {
    expect(await render(shown({}, [found]))).toContain(text)
  })

  it.each([
    ["it's mine", String.raw`'it'\''s mine'`],
    ['-dash', './-dash'],
    ['--fix it', "'./--fix it'"],
    ['p/sage.yaml', 'p/sage.yaml'],
  ])('names the command that mends %j, as a shell and the command take it', async (place, word) => {
    expect(await render(shown({}, [problem()], { place, fixes: 1 }))).toContain(`    1 safe fix: ctss validate ${word} --fix (`)
    expect(await render(shown({}, [problem({ fix: FIX })], { place }))).not.toContain('--fix')
  })

  it.each([
    [{ verdict: { portal: 'accepted', submitted: 'accepted' } }, 'the Portal would accept it · POST /submit would accept it as it stands'],
    [
      { verdict: { portal: 'accepted', submitted: 'accepted' }, isPortals: false },
      'the Portal would accept its content, but reads sage.yaml at the root alone · POST /submit would accept it as it stands',
    ],
    [{ verdict: { portal: 'refused', submitted: 'refused' }, isPortals: false }, 'the Portal would refuse it · POST /submit would refuse it as it stands'],
    [{ isJudged: false }, 'not judged: it was not read'],
  ] as const)('says what Sage would answer: %j', async (overrides, answer) => {
    expect((await render(shown({}, [], overrides))).split('\n')[1]).toBe(`    ${answer}`)
  })

  it('uses colours only when it may, and says the same', async () => {
    const report = shown({ 'sage.yaml': TEXT }, [problem({ fix: FIX }), problem({ severity: 'warning' }), problem({ severity: 'hint' })], { fixes: 1 })
    const [plain, colored] = [await render(report), await render(report, true)]

    expect(plain).not.toContain('\u001b')
    expect(colored).toContain('\u001b[31merror:\u001b[39m')
    expect(stripVTControlCharacters(colored)).toBe(plain)
  })

  it('leaves a line between manifests that have something to be told', async () => {
    const writer = humanWriter({ color: false, loadNames: async () => () => undefined })
    const texts = [shown({}, []), shown({}, [problem()]), shown({}, [])].map(async (report) => writer.report(report))

    expect((await Promise.all(texts)).map((text) => text.startsWith('\n'))).toEqual([false, true, false])
  })

  it('lets no terminal obey what a stranger wrote', async () => {
    const hostile = 'a\u001b[2J\u0007\u202e\nb\u2028c'
    const found = problem({
      message: hostile,
      suggestion: hostile,
      detail: hostile,
      place: { file: hostile, line: 1, column: 1 },
      fix: { ...FIX, title: hostile },
    })
    const text = await render(shown({ [hostile]: hostile }, [found], { path: hostile, place: hostile }))

    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    expect(text).toContain(String.raw`a\u001b[2J\u0007\u202e\nb\u2028c:1:1: error:`)
  })

  it.each([
    [{ manifests: 1, failed: 0, unreadable: 0 }, ''],
    [{ manifests: 1200, failed: 3, unreadable: 0 }, '1,200 manifests: 1197 valid, 3 not valid\n'],
    [{ manifests: 1, failed: 1, unreadable: 2 }, '1 manifest: 0 valid, 1 not valid, 2 places could not be read\n'],
  ])('sums up %j', (totals, text) => {
    const writer = humanWriter({ color: false, loadNames: async () => () => undefined })

    expect(writer.begin() + writer.end(totals)).toBe(text)
  })

  it('escapes a path so that it stays one line', () => {
    expect(printablePath('a\tb\nc\u009b\u200b')).toBe(String.raw`a\tb\nc\u009b\u200b`)
  })
})

describe('the problem matchers of docs/', () => {
  interface Pattern {
    readonly regexp: string
    readonly file: number
    readonly line: number
    readonly column: number
    readonly severity: number
    readonly message: number
    readonly code: number
  }
  const github = JSON.parse(readFileSync('docs/problem-matcher.json', 'utf8')) as { problemMatcher: { pattern: Pattern[] }[] }
  const inEditors = /```json tasks\n([^]*?)```/.exec(readFileSync('docs/editors.md', 'utf8'))?.[1] ?? ''
  const tasks = JSON.parse(inEditors) as { tasks: { problemMatcher: { pattern: Pattern } }[] }

  it.each([
    ['GitHub', github.problemMatcher[0]?.pattern[0]],
    ['VS Code', tasks.tasks[0]?.problemMatcher.pattern],
  ])('read every line of a problem and no other: %s', async (_editor, pattern) => {
    const text = await render(
      shown({ 'a: b/sage.yaml': TEXT }, [
        problem({ place: { file: 'a: b/sage.yaml', line: 2, column: 10 } }),
        problem({ severity: 'hint', message: 'A [b] c: d.' }),
      ]),
    )
    const { regexp, file, line, column, severity, message, code } = pattern ?? ({} as Pattern)
    const matches = text.split('\n').flatMap((written) => new RegExp(regexp).exec(written) ?? [])
    const groups = [file, line, column, severity, message, code]
    const size = matches.length / 2

    expect(groups.map((group) => matches[group])).toEqual(['a: b/sage.yaml', '2', '10', 'error', 'This is wrong.', 'CTSS-M012'])
    expect(groups.map((group) => matches[size + group])).toEqual(['sage.yaml', '2', '10', 'hint', 'A [b] c: d.', 'CTSS-M012'])
  })
})

describe('what was mended', () => {
  const mending = {
    files: [{ file: 'sage.yaml', before: undefined, after: Buffer.from('') }],
    applied: [FIX],
    refused: [{ title: 'x', reason: 'a link' }],
    unfinished: 0,
  }

  it('is said line by line', () => {
    expect(describeMending(mending, { place: '.', kind: 'folder' }, 'fixed')).toBe(
      'sage.yaml: fixed: put quotes around it\nnot fixed: x: a link\n1 fix in 1 file.\n',
    )
  })

  it('says when fixes undo each other', () => {
    expect(describeMending({ ...mending, applied: [], refused: [], unfinished: 2 }, { place: '.', kind: 'folder' }, 'fixed')).toBe(
      '2 fixes left: they undo each other. Please report it.\n',
    )
  })
})
