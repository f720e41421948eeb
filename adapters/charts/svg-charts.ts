import type * as Vega from 'vega'
import type { Chart, ChartImage, ChartRenderer } from '../../pipeline/ports/charts.ts'
import type { Report } from '../../pipeline/report/report.ts'
import { specifyCharts, type ChartSpec } from './chart-specs.ts'
import { textWidth } from './text-width.ts'
import { configOf, DARK, LIGHT, type ChartTheme } from './chart-theme.ts'

/** Makes a PNG of an SVG document. */
export type Rasterise = (svg: string) => Uint8Array

type Engine = Awaited<ReturnType<typeof loadEngine>>

let engine: Promise<Engine> | undefined

/** Vega-Lite and Vega without a browser, fonts of the machine, or a network. Loaded when the first chart is drawn. */
export const svgCharts: ChartRenderer = { render: async (report) => renderCharts(report, async () => undefined) }

/** Every chart that the report has data for, light and dark; with PNGs where there is something that makes them. The same report gives the same bytes. */
export async function renderCharts(report: Report, loadRasterise: () => Promise<Rasterise | undefined>): Promise<readonly Chart[]> {
  const specs = specifyCharts(report)
  if (specs.length === 0) return []
  engine ??= loadEngine()
  const [loaded, rasterise] = await Promise.all([engine, loadRasterise()])
  const charts: Chart[] = []
  for (const spec of specs) charts.push(await renderChart(spec, loaded, rasterise))
  return charts
}

async function renderChart(chart: ChartSpec, loaded: Engine, rasterise: Rasterise | undefined): Promise<Chart> {
  const { name, alt, section } = chart
  const light = await renderImage(chart, LIGHT, loaded, rasterise)
  return { name, alt, section, light, dark: await renderImage(chart, DARK, loaded, rasterise) }
}

async function renderImage(chart: ChartSpec, theme: ChartTheme, { vega, vegaLite }: Engine, rasterise: Rasterise | undefined): Promise<ChartImage> {
  const { spec } = vegaLite.compile({ ...chart.spec(theme), config: configOf(theme) })
  // The loader would fetch an address that a specification names: ours name none, and may not.
  const view = new vega.View(vega.parse(spec), { renderer: 'none', loader: refusingLoader(vega) })
  const svg = await view.toSVG()
  view.finalize()
  return { svg, ...(rasterise && { png: rasterise(svg) }) }
}

function refusingLoader(vega: typeof Vega) {
  const refuse = () => Promise.reject(new Error('a chart loads nothing'))
  return { ...vega.loader(), load: refuse, sanitize: refuse, http: refuse, file: refuse }
}

async function loadEngine() {
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')])
  // Without a canvas Vega takes every letter for a wide one, and leaves charts no room; it lets others measure.
  Object.assign(Object(Reflect.get(vega, 'textMetrics')), { width: textWidth })
  return { vega, vegaLite }
}
