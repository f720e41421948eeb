import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { ChartRenderer } from '../../pipeline/ports/charts.ts'
import { renderCharts, type Rasterise } from './svg-charts.ts'

/** Charts for dense screens: a PNG is shown at half its size. */
const PNG_SCALE = 2

let rasterise: Promise<Rasterise> | undefined

/** Charts as SVG and PNG: resvg as WebAssembly, with DejaVu's fonts. Loaded when the first chart is drawn. */
export const vegaCharts: ChartRenderer = { render: async (report) => renderCharts(report, async () => (rasterise ??= loadResvg())) }

async function loadResvg(): Promise<Rasterise> {
  const { resolve } = createRequire(import.meta.url)
  const fontFolder = join(resolve('dejavu-fonts-ttf/package.json'), '..', 'ttf')
  const [resvg, wasm, ...fontBuffers] = await Promise.all([
    import('@resvg/resvg-wasm'),
    readFile(resolve('@resvg/resvg-wasm/index_bg.wasm')),
    readFile(join(fontFolder, 'DejaVuSans.ttf')),
    readFile(join(fontFolder, 'DejaVuSans-Bold.ttf')),
  ])
  await resvg.initWasm(wasm)
  const font = { fontBuffers, defaultFontFamily: 'DejaVu Sans', sansSerifFamily: 'DejaVu Sans' }
  return (svg) => new resvg.Resvg(svg, { font, fitTo: { mode: 'zoom', value: PNG_SCALE } }).render().asPng()
}
