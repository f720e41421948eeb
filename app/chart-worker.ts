import { parentPort } from 'node:worker_threads'
import { vegaCharts } from '../adapters/charts/vega-charts.ts'
import type { ChartAnswer, ChartQuestion } from './chart-thread.ts'

// What runs in the thread: draws what it is asked for, one report after the other.
parentPort?.on('message', ({ id, report }: ChartQuestion) => {
  const answer = (value: ChartAnswer): void => parentPort?.postMessage(value)
  vegaCharts.render(report).then(
    (charts) => answer({ id, charts }),
    (error: unknown) => answer({ id, fault: error instanceof Error ? error.message : 'unknown' }),
  )
})
