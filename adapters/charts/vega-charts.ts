import type * as Vega from 'vega'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Chart, ChartImage, ChartRenderer } from '../../pipeline/ports/charts.ts'
import type { Report } from '../../pipeline/report/report.ts'
import { specifyCharts, type ChartSpec } from './chart-specs.ts'
import { textWidth } from './text-width.ts'
import { configOf, DARK, LIGHT, type ChartTheme } from './chart-theme.ts'

/** Charts for dense screens: a PNG is shown at half its size. */
const PNG_SCALE = 2

type Engine = Awaited<ReturnType<typeof loadEngine>>

let engine: Promise<Engine> | undefined

/** Vega-Lite, Vega and resvg as WebAssembly, with DejaVu's fonts: no browser, no fonts of the machine, no network. Loaded when the first chart is drawn. */
export const vegaCharts: ChartRenderer = { render: renderCharts }

/** Every chart that the report has data for, light and dark, as SVG and PNG. The same report gives the same bytes. */
export async function renderCharts(report: Report): Promise<readonly Chart[]> {
  const specs = specifyCharts(report)
  if (specs.length === 0) return []
  engine ??= loadEngine()
  const loaded = await engine
  const charts: Chart[] = []
  for (const spec of specs) charts.push(await renderChart(spec, loaded))
  return charts
}

async function renderChart(chart: ChartSpec, loaded: Engine): Promise<Chart> {
  const { name, alt, section } = chart
  return { name, alt, section, light: await renderImage(chart, LIGHT, loaded), dark: await renderImage(chart, DARK, loaded) }
}

async function renderImage(chart: ChartSpec, theme: ChartTheme, { vega, vegaLite, Resvg, fonts }: Engine): Promise<ChartImage> {
  const { spec } = vegaLite.compile({ ...chart.spec(theme), config: configOf(theme) })
  // The loader would fetch an address that a specification names: ours name none, and may not.
  const view = new vega.View(vega.parse(spec), { renderer: 'none', loader: refusingLoader(vega) })
  const svg = await view.toSVG()
  view.finalize()
  const picture = new Resvg(svg, {
    font: { fontBuffers: fonts, defaultFontFamily: 'DejaVu Sans', sansSerifFamily: 'DejaVu Sans' },
    fitTo: { mode: 'zoom', value: PNG_SCALE },
  })
  return { svg, png: picture.render().asPng() }
}

function refusingLoader(vega: typeof Vega) {
  const refuse = () => Promise.reject(new Error('a chart loads nothing'))
  return { ...vega.loader(), load: refuse, sanitize: refuse, http: refuse, file: refuse }
}

async function loadEngine() {
  const { resolve } = createRequire(import.meta.url)
  const fontFolder = join(resolve('dejavu-fonts-ttf/package.json'), '..', 'ttf')
  const [vega, vegaLite, resvg, wasm, ...fonts] = await Promise.all([
    import('vega'),
    import('vega-lite'),
    import('@resvg/resvg-wasm'),
    readFile(resolve('@resvg/resvg-wasm/index_bg.wasm')),
    readFile(join(fontFolder, 'DejaVuSans.ttf')),
    readFile(join(fontFolder, 'DejaVuSans-Bold.ttf')),
  ])
  // Without a canvas Vega takes every letter for a wide one, and leaves charts no room; it lets others measure.
  Object.assign(Object(Reflect.get(vega, 'textMetrics')), { width: textWidth })
  await resvg.initWasm(wasm)
  return { vega, vegaLite, Resvg: resvg.Resvg, fonts }
}
