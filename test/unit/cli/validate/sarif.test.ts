import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { sarifWriter } from '../../../../cli/output/validate/sarif.ts'
import type { ShownReport } from '../../../../cli/output/validate/report-writer.ts'
import { FIX, problem, RULE, shown } from './reports.ts'

/** The standard's own schema, as Microsoft's package ships it (draft 4; nothing in it that later drafts read differently but its own name). */
const official = createRequire(import.meta.url)('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json') as Record<string, unknown>
const { id: _id, $schema: _draft, ...schema } = official
const validate = new Ajv({ strict: false, unicodeRegExp: false, validateFormats: false, allErrors: true }).compile(schema)

interface Region {
  readonly startLine: number
}
interface Artifact {
  readonly uri: string
  readonly uriBaseId?: string
}
interface Result {
  readonly ruleIndex?: number
  readonly partialFingerprints: Readonly<Record<string, string>>
  readonly locations: readonly { readonly physicalLocation: { readonly artifactLocation: Artifact; readonly region?: Region } }[]
  readonly fixes?: unknown
}
interface Log {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string; readonly helpUri: string }[] } }
    readonly results: readonly Result[]
    readonly invocations: unknown
  }[]
}

function render(reports: readonly ShownReport[], failures: readonly string[] = []): Log {
  const writer = sarifWriter({ version: '1.2.3', documents: [{ ...RULE, code: 'CTSS-M001', name: 'first' }, RULE] })
  const totals = { manifests: reports.length, failed: 0, unreadable: failures.length }
  const text = [
    writer.begin(),
    ...reports.map((report) => writer.report(report) as string),
    ...failures.map((message) => writer.failure?.('place', message)),
    writer.end(totals),
  ].join('')
  const log: unknown = JSON.parse(text)
  expect(validate(log), JSON.stringify(validate.errors)).toBe(true)
  return log as Log
}

const resultsOf = (reports: readonly ShownReport[]): readonly Result[] => render(reports)[`runs`][0]!.results
const TEXT = { 'sage.yaml': 'name: counter\nversion: 1.0\n' }

describe('the schema that the log is held against', () => {
  it.each([{}, { version: '2.1.0' }, { version: '2.1.0', runs: [{ results: [] }] }])('refuses %j', (log) => {
    expect(validate(log)).toBe(false)
  })
})

describe('the SARIF log', () => {
  it('names the tool, its rules with their pages, and what columns are', () => {
    expect(render([]).runs[0]).toMatchObject({
      tool: {
        driver: {
          name: 'ctss',
          semanticVersion: '1.2.3',
          rules: [
            { id: 'CTSS-M001', name: 'First' },
            {
              id: 'CTSS-M012',
              name: 'VersionIsText',
              shortDescription: { text: 'The version is not text.' },
              helpUri: 'https://github.com/sagecontinuum/ctss/blob/main/docs/rules.md#ctss-m012',
              defaultConfiguration: { level: 'error' },
            },
          ],
        },
      },
      columnKind: 'utf16CodeUnits',
      results: [],
      invocations: [{ executionSuccessful: true }],
    })
  })

  it('has a result with region, text, fix and rule for each problem', () => {
    expect(resultsOf([shown(TEXT, [problem({ suggestion: 'Do that.', fix: FIX })])])).toMatchObject([
      {
        ruleId: 'CTSS-M012',
        ruleIndex: 1,
        level: 'error',
        message: { text: 'This is wrong. Do that.' },
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: 'sage.yaml', uriBaseId: '%SRCROOT%' },
              region: { startLine: 2, startColumn: 10, endLine: 2, endColumn: 13, snippet: { text: '1.0' } },
            },
          },
        ],
        fixes: [
          {
            description: { text: 'put quotes around it' },
            artifactChanges: [
              {
                artifactLocation: { uri: 'sage.yaml' },
                replacements: [{ deletedRegion: { startLine: 2, startColumn: 10, endLine: 2, endColumn: 13 }, insertedContent: { text: '"1.0"' } }],
              },
            ],
          },
        ],
      },
    ])
  })

  it.each([
    ['a warning', problem({ severity: 'warning' }), { level: 'warning' }],
    ['a hint', problem({ severity: 'hint' }), { level: 'note' }],
    ['an unsafe fix', problem({ fix: { ...FIX, safe: false } }), { fixes: [{ description: { text: 'put quotes around it (look at it first)' } }] }],
    ['a line without a column', problem({ place: { file: 'sage.yaml', line: 1 } }), { locations: [{ physicalLocation: { region: { startLine: 1 } } }] }],
    [
      'a path with odd characters',
      problem({ place: { file: 'a b/ü#?%\n\ud800' } }),
      { locations: [{ physicalLocation: { artifactLocation: { uri: 'a%20b/%C3%BC%23%3F%25%0A%EF%BF%BD' } } }] },
    ],
    ['a whole file', problem({ place: { file: 'ecr-meta/ecr-icon.jpg' } }), { locations: [{ physicalLocation: { region: { startLine: 1 } } }] }],
    ['half a character', problem({ message: 'a\ud800' }), { message: { text: 'a\ufffd' } }],
  ])('tells %s', (_what, found, result) => {
    expect(resultsOf([shown(TEXT, [found])])).toMatchObject([result])
  })

  it.each([
    ['no place', { code: 'x', severity: 'error', message: 'Nowhere.' } as const],
    ['a deletion', problem({ fix: { ...FIX, edits: [{ ...FIX.edits[0]!, text: '' }] } })],
    ['a range over lines', problem({ place: { file: 'sage.yaml', line: 1, column: 1, endLine: 2, endColumn: 1 } })],
    ['a file that is not there', problem({ place: { file: 'gone', line: 3, column: 1 } })],
    ['a code that is no rule', problem({ code: 'timed-out' })],
  ])('is valid with %s', (_what, found) => {
    expect(resultsOf([shown(TEXT, [found])])).toHaveLength(1)
  })

  it('points at files outside of the current folder from the root', () => {
    const [result] = resultsOf([shown(TEXT, [problem()], { shownPath: (file) => `/elsewhere/${file}` })])

    expect(result?.locations[0]?.physicalLocation.artifactLocation).toEqual({ uri: 'file:///elsewhere/sage.yaml' })
  })

  it('keeps fingerprints when lines move, and tells two of the same apart', () => {
    const at = (line: number) => problem({ place: { file: 'sage.yaml', line, column: 1 } })
    const fingerprints = (text: string, ...lines: number[]): string[] =>
      resultsOf([shown({ 'sage.yaml': text }, lines.map(at))]).map(({ partialFingerprints }) => partialFingerprints['ctssProblem/v1']!)
    const [first, again, other] = fingerprints('a\na\nb\n', 1, 2, 3)

    expect(new Set([first, again, other]).size).toBe(3)
    expect(fingerprints('\n\na\n', 3)).toEqual([first])
    expect(fingerprints('\n  b\n', 2)).toEqual([other])
  })

  it('is one log for many manifests, with and without problems', () => {
    expect(resultsOf([shown(TEXT, []), shown(TEXT, [problem()]), shown(TEXT, []), shown(TEXT, [problem(), problem()])])).toHaveLength(3)
  })

  it('notes what could not be read', () => {
    expect(render([], ['x is not there.']).runs[0]?.invocations).toEqual([
      { executionSuccessful: false, toolExecutionNotifications: [{ level: 'error', message: { text: 'x is not there.' } }] },
    ])
  })
})
