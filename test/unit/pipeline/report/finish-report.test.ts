import { describe, expect, it } from 'vitest'
import type { Digest } from '../../../../pipeline/digest.ts'
import type { RenderedReport, Reports } from '../../../../pipeline/ports/reports.ts'
import { finishReport } from '../../../../pipeline/report/finish-report.ts'
import type { ReportInput } from '../../../../pipeline/report/report.ts'
import { makeBareInput, makeFailingInput, makeRecord, makeSummary } from '../../../support/records.ts'

function inMemory(): Reports & { readonly written: RenderedReport[] } {
  const files = { markdown: 'report.md', html: 'report.html' }
  let newest: Digest | undefined
  const written: RenderedReport[] = []
  return {
    written,
    state: () => Promise.resolve(newest && { ...files, key: newest }),
    write(report, key) {
      written.push(report)
      newest = key
      return Promise.resolve(files)
    },
  }
}

describe('the stage report', () => {
  const loadRenderer = () => Promise.resolve({ render: () => Promise.resolve([]) })
  const reused: ReportInput = makeBareInput({ stages: [makeSummary('train', { ran: false, record: makeRecord('train') })] })

  it('writes the first report, and leaves one that says the same', async () => {
    const reports = inMemory()
    expect(await finishReport(reused, { reports, loadRenderer, force: false })).toMatchObject({ ran: true, outcome: 'passed', files: { html: 'report.html' } })
    expect(await finishReport(reused, { reports, loadRenderer: () => Promise.reject(new Error('not needed')), force: false })).toMatchObject({ ran: false })
    expect(reports.written).toHaveLength(1)
  })

  it('writes it again when it is told to, or when it says something else', async () => {
    const reports = inMemory()
    await finishReport(reused, { reports, loadRenderer, force: false })
    expect(await finishReport(reused, { reports, loadRenderer, force: true })).toMatchObject({ ran: true })
    expect(await finishReport(makeFailingInput(), { reports, loadRenderer, force: false })).toMatchObject({ ran: true, outcome: 'failed' })
    expect(reports.written).toHaveLength(3)
  })

  it('shows a gate that was decided anew though no stage ran', async () => {
    const reports = inMemory()
    await finishReport(reused, { reports, loadRenderer, force: false })
    const gates = [{ gate: { metric: 'accuracy' }, outcome: 'passed', found: '1', required: 'at least 0.9', message: 'accuracy is 1' }] as const
    expect(await finishReport({ ...reused, gates }, { reports, loadRenderer, force: false })).toMatchObject({ ran: false })
    expect(reports.written).toHaveLength(2)
  })
})
