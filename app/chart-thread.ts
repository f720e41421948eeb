import { Worker } from 'node:worker_threads'
import type { Chart, ChartRenderer } from '../pipeline/ports/charts.ts'
import type { Report } from '../pipeline/report/report.ts'

export interface ChartQuestion {
  readonly id: number
  readonly report: Report
}

export type ChartAnswer = { readonly id: number; readonly charts: readonly Chart[] } | { readonly id: number; readonly fault: string }

/** From sources, and in a bundle, where the thread's entry lies beside what starts it. */
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './chart-worker.ts' : './chart-worker.mjs', import.meta.url)

/**
 * Draws charts in a thread: the charts of one report take half a second of a processor, in which no webhook would be answered. The thread is started with the
 * first report; when it dies, what it was asked for fails, and the next report starts another.
 */
export function chartThread(entry: URL = ENTRY): ChartRenderer & AsyncDisposable {
  const open = new Map<number, { readonly resolve: (charts: readonly Chart[]) => void; readonly reject: (error: Error) => void }>()
  let [worker, count] = [undefined as Worker | undefined, 0]
  const fail = (error: Error): void => {
    worker = undefined
    for (const { reject } of open.values()) reject(error)
    open.clear()
  }
  const start = (): Worker => {
    const started = new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: 512 } })
    started.on('message', (answer: ChartAnswer) => {
      const asked = open.get(answer.id)
      open.delete(answer.id)
      if ('charts' in answer) asked?.resolve(answer.charts)
      else asked?.reject(new Error(`charts cannot be drawn: ${answer.fault}`))
    })
    started.on('error', fail)
    started.on('exit', () => fail(new Error('the thread that draws charts has ended')))
    started.unref()
    return started
  }
  return {
    render: async (report) =>
      new Promise((resolve, reject) => {
        worker ??= start()
        count += 1
        open.set(count, { resolve, reject })
        worker.postMessage({ id: count, report } satisfies ChartQuestion)
      }),
    async [Symbol.asyncDispose]() {
      await worker?.terminate()
    },
  }
}
