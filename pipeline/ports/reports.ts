import type { Digest } from '../digest.ts'
import type { Chart } from './charts.ts'

export interface RenderedReport {
  readonly markdown: string
  readonly html: string
  /** The whole document. */
  readonly json: string
  readonly charts: readonly Chart[]
}

export interface ReportFiles {
  readonly markdown: string
  readonly html: string
}

/** The newest report of one plugin. */
export interface Reports {
  /** Undefined: there is none, or it is not whole. `key` stands for all that it says. */
  state(): Promise<(ReportFiles & { readonly key: Digest }) | undefined>
  /** Replaces the report; the key is written last, so that a half-written one is not taken for whole. Fails with `storage-full`, `storage-unavailable`. */
  write(report: RenderedReport, key: Digest): Promise<ReportFiles>
}
