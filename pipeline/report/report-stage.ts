import { digestOf, type Digest } from '../digest.ts'
import type { ChartRenderer } from '../ports/charts.ts'
import type { RenderedReport } from '../ports/reports.ts'
import { composeReport } from './compose-report.ts'
import { renderHtml } from './render-html.ts'
import { renderMarkdown } from './render-markdown.ts'
import type { Report, ReportInput } from './report.ts'

/** A report in every form that it is left in. The Markdown is without charts: those need an address first. */
export interface ReportDocument extends RenderedReport {
  readonly report: Report
  /** Of `json`: the same records give the same one. */
  readonly digest: Digest
}

/** Composes the report, draws its charts and renders it. Where the files go is the caller's business. */
export async function runReport(input: ReportInput, renderer: ChartRenderer): Promise<ReportDocument> {
  const report = composeReport(input)
  const charts = await renderer.render(report)
  const json = `${JSON.stringify(report, null, 2)}\n`
  return { report, digest: digestOf(json), markdown: renderMarkdown(report), html: renderHtml(report, { charts }), json, charts }
}
