/** bench:report: a report of 10,000 rows from records to Markdown, HTML and JSON, against its goals; and an everyday one, with the first charts and the next ones. */
import { vegaCharts } from '../../adapters/charts/vega-charts.ts'
import { composeReport } from '../../pipeline/report/compose-report.ts'
import { renderHtml } from '../../pipeline/report/render-html.ts'
import { renderMarkdown } from '../../pipeline/report/render-markdown.ts'
import type { ReportInput } from '../../pipeline/report/report.ts'
import { makeExpectation, makeRichInput, makeRun, makeTrainDetails, makeTrial } from '../support/records.ts'
import { machineFacts, median } from './measure.ts'

const ROWS = 10_000
const GOAL_MS = 200
const GOAL_CHARACTERS = 65_536
const REPETITIONS = 15

/** A quarter of the rows each: problems, slices, expectations, names. */
function makeLargeInput(): ReportInput {
  const rows = <T>(make: (index: number) => T): T[] => Array.from({ length: ROWS / 4 }, (_, index) => make(index))
  const rich = makeRichInput()
  const problems = rows((index) => ({
    code: 'unknown-key',
    severity: 'error' as const,
    message: `key number_${index} is not known here`,
    suggestion: 'Take it out, or look for a misspelling.',
    place: { file: 'ctss.yaml', line: index + 1, column: 3 },
  }))
  const slices = rows((index) => ({ slice: `site ${index}`, metric: 'accuracy', value: 0.9 + (index % 100) / 1000, n: 160, ci95: [0.88, 0.99] }))
  const trial = makeTrial({
    outcome: 'failed',
    expectations: rows((index) => makeExpectation({ name: `env.sensor.${index}`, outcome: index % 2 === 0 ? 'failed' : 'passed' })),
    names: rows((index) => ({ name: `env.sensor.${index}`, count: 1, last: index / 7 })),
  })
  return {
    ...rich,
    stages: [
      makeRun('validate', { kind: 'none' }, { outcome: 'failed', problems }),
      makeRun('train', makeTrainDetails({ slices })),
      makeRun('virtual', { kind: 'virtual', testbed: 'Virtual Waggle 1', trials: [trial] }),
    ],
  }
}

function render(input: ReportInput): { readonly markdown: string; readonly html: string; readonly json: string } {
  const report = composeReport(input)
  return { markdown: renderMarkdown(report), html: renderHtml(report), json: JSON.stringify(report) }
}

/** Wall time, and the processor's: on a busy machine the first says little. */
function time<T>(what: () => T): { readonly ms: number; readonly cpuMs: number; readonly result: T } {
  const [started, before] = [performance.now(), process.cpuUsage()]
  const result = what()
  const { user, system } = process.cpuUsage(before)
  return { ms: performance.now() - started, cpuMs: (user + system) / 1000, result }
}

async function timeCharts(): Promise<number> {
  const started = performance.now()
  await vegaCharts.render(composeReport(makeRichInput()))
  return performance.now() - started
}

console.log(machineFacts())
const [large, everyday] = [makeLargeInput(), makeRichInput()]
const first = time(() => render(large))
const samples = Array.from({ length: REPETITIONS }, () => ({ large: time(() => render(large)), everyday: time(() => render(everyday)) }))
const warm = median(samples.map((sample) => sample.large.ms))
const { markdown, html } = first.result
const characters = Buffer.byteLength(markdown)
console.log(
  `${ROWS} rows, first time      ${first.ms.toFixed(0).padStart(6)} ms   ${(first.ms / GOAL_MS).toFixed(2)} × the goal of ${GOAL_MS} ms   (processor ${first.cpuMs.toFixed(0)} ms)`,
)
console.log(
  `${ROWS} rows, median          ${warm.toFixed(0).padStart(6)} ms   ${(warm / GOAL_MS).toFixed(2)} × the goal of ${GOAL_MS} ms   (processor ${median(samples.map((sample) => sample.large.cpuMs)).toFixed(0)} ms)`,
)
console.log(
  `${ROWS} rows, Markdown        ${String(characters).padStart(6)} bytes   ${(characters / GOAL_CHARACTERS).toFixed(2)} × the limit of ${GOAL_CHARACTERS} (the HTML, which holds everything: ${html.length})`,
)
console.log(
  `an everyday report, median ${median(samples.map((sample) => sample.everyday.ms))
    .toFixed(1)
    .padStart(6)} ms`,
)
const firstCharts = await timeCharts()
const nextCharts: number[] = []
for (let repetition = 0; repetition < 5; repetition += 1) nextCharts.push(await timeCharts())
console.log(`its four charts, light and dark, SVG and PNG: first ${firstCharts.toFixed(0)} ms (loads Vega and resvg), then ${median(nextCharts).toFixed(0)} ms`)
