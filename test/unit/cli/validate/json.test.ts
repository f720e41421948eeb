import { describe, expect, it } from 'vitest'
import { jsonWriter } from '../../../../cli/output/validate/json.ts'
import type { ShownReport } from '../../../../cli/output/validate/report-writer.ts'
import { validateValidateOutput } from '../../../../schemas/generated/validators.js'
import { FIX, problem, shown } from './reports.ts'

const TOTALS = { manifests: 0, failed: 0, unreadable: 0 }

function render(reports: readonly ShownReport[], pathOf = (_report: ShownReport, file: string): string => file): unknown {
  const writer = jsonWriter(pathOf)
  const output: unknown = JSON.parse([writer.begin(), ...reports.map((report) => writer.report(report) as string), writer.end(TOTALS)].join(''))
  expect(validateValidateOutput(output), JSON.stringify(validateValidateOutput.errors)).toBe(true)
  return output
}

describe('the JSON document', () => {
  it('holds what the schema says, and nothing else', () => {
    const bare = { code: 'x', severity: 'hint', message: 'Nowhere.' } as const

    expect(render([shown({}, [problem({ suggestion: 's', detail: 'd', fix: FIX }), bare])])).toEqual({
      manifests: [
        {
          path: 'sage.yaml',
          verdict: { portal: 'refused', submitted: 'refused' },
          problems: [
            {
              code: 'CTSS-M012',
              severity: 'error',
              path: 'sage.yaml',
              line: 2,
              column: 10,
              endLine: 2,
              endColumn: 13,
              message: 'This is wrong.',
              suggestion: 's',
              detail: 'd',
              fix: FIX,
            },
            { code: 'x', severity: 'hint', path: 'sage.yaml', line: 1, column: 1, message: 'Nowhere.' },
          ],
        },
      ],
    })
  })

  it.each([0, 1, 2, 50])('is one document for %i manifests', (number) => {
    expect(render(Array.from({ length: number }, () => shown({}, [problem()])))).toMatchObject({ manifests: { length: number } })
  })

  it('names files with their place where there are several', () => {
    const output = render([shown({}, [problem({ fix: FIX })])], (report, file) => report.distinctPath(file))

    expect(output).toMatchObject({
      manifests: [{ path: 'plugin/sage.yaml', problems: [{ path: 'plugin/sage.yaml', fix: { edits: [{ file: 'plugin/sage.yaml' }] } }] }],
    })
  })
})
