import { describe, expect, it } from 'vitest'
import { composeReport } from '../../../../pipeline/report/compose-report.ts'
import { renderHtml } from '../../../../pipeline/report/render-html.ts'
import { renderMarkdown } from '../../../../pipeline/report/render-markdown.ts'
import type { Report } from '../../../../pipeline/report/report.ts'
import type { BuildDetails } from '../../../../schemas/generated/types.ts'
import { makeBareInput, makeBuildDetails, makeRun } from '../../../support/records.ts'

/** A report on a build whose one step takes so many seconds on arm64, which is emulated, and 9 on amd64. */
function reportOn(name: string, seconds: number): Report {
  const platform = (one: string, emulated: boolean, took: number): BuildDetails['platforms'][number] => ({
    platform: one,
    outcome: 'passed',
    seconds: took,
    emulated,
    steps: [{ name, seconds: took, cached: false, line: 12 }],
  })
  const details = makeBuildDetails({ platforms: [platform('linux/amd64', false, 9), platform('linux/arm64', true, seconds)] })
  return composeReport(makeBareInput({ stages: [makeRun('build', details)] }))
}

const TITLE = 'Where the build spends its time'
const TOLD = 'takes 50 s on linux/arm64, emulated, and 9.0 s on linux/amd64'

describe('where the build spends its time', () => {
  const report = reportOn('[2/3] RUN npm ci && npm run build', 50)

  it('is told, folded, in Markdown', () => {
    const markdown = renderMarkdown(report)
    expect(markdown).toContain(`<details><summary><b>${TITLE}</b></summary>`)
    expect(markdown).toContain(TOLD)
    expect(markdown).toContain('Every figure is an estimate')
    expect(markdown).toContain('Put it into a stage of its own')
  })

  it('is told in HTML and JSON', () => {
    const html = renderHtml(report, { charts: [] })
    expect(html).toContain(TITLE)
    expect(html).toContain(TOLD)
    expect(report.sections.find(({ kind }) => kind === 'slow-steps')).toMatchObject({
      advice: [{ kind: 'native-step', line: 12, platforms: ['linux/arm64'], seconds: 50, estimatedSavingSeconds: 41 }],
    })
  })

  it('is not told when there is nothing to say', () => {
    const quiet = reportOn('[2/3] RUN npm ci && npm run build', 19)
    expect(quiet.sections.map(({ kind }) => kind)).not.toContain('slow-steps')
    expect(renderMarkdown(quiet)).not.toContain(TITLE)
  })

  it('shows what a Dockerfile says as text', () => {
    const hostile = reportOn('[2/3] RUN echo "<script>alert(1)</script> @somebody ![x](https://example.org/x.png)"', 50)
    expect(renderHtml(hostile, { charts: [] })).not.toContain('<script>alert')
    const outsideOfCode = renderMarkdown(hostile).replaceAll(/`[^`]*`/g, '')
    expect(outsideOfCode).toContain('takes 50 s')
    expect(outsideOfCode).not.toMatch(/<script>|!\[x\]\(|@somebody/)
  })

  it('has names of steps as long as a row takes, however much a record keeps of them', () => {
    const markdown = renderMarkdown(reportOn(`[2/3] RUN ${'true && '.repeat(100)}true`, 50))
    expect(Math.max(...markdown.split('\n').map((line) => line.split('true').length))).toBeLessThan(60)
  })
})
