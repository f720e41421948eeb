import type { Report } from '../report/report.ts'

/** One picture in one colour scheme: a whole SVG document, and, from renderers that make PNGs, the same at twice the size. */
export interface ChartImage {
  readonly svg: string
  readonly png?: Uint8Array
}

export interface Chart {
  /** Kebab-case, unique in its report, of our own making: good for a file name. */
  readonly name: string
  /** What a reader who cannot see it is told; holds text of the plugin. */
  readonly alt: string
  /** The section of the report that it belongs to. */
  readonly section: Report['sections'][number]['kind']
  readonly light: ChartImage
  readonly dark: ChartImage
}

/** Draws what the report's figures allow: no data, no chart. The same report gives the same bytes. */
export interface ChartRenderer {
  render(report: Report): Promise<readonly Chart[]>
}
