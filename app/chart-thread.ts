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

/** The charts of one report take half a second, the first ones two. */
const ANSWER_MS = 60_000

/**
 * Draws charts in a thread: the charts of one report take half a second of a processor, in which no webhook would be answered. The thread is started with the
 * first report; when it dies, or answers nothing for `answerMs`, what it was asked for fails, and the next report starts another.
 */
export function chartThread(entry: URL = ENTRY, answerMs = ANSWER_MS): ChartRenderer & AsyncDisposable {
  const open = new Map<number, { readonly resolve: (charts: readonly Chart[]) => void; readonly reject: (error: Error) => void }>()
  let [worker, count] = [undefined as Worker | undefined, 0]
  let limit: NodeJS.Timeout | undefined
  const fail = (failed: Worker, error: Error): void => {
    // One that has failed before has no say in what the next one was asked for.
    if (worker !== failed) return
    worker = undefined
    clearTimeout(limit)
    for (const { reject } of open.values()) reject(error)
    open.clear()
    void failed.terminate()
  }
  const watch = (watched: Worker): void => {
    clearTimeout(limit)
    if (open.size === 0) return
    limit = setTimeout(() => fail(watched, new Error(`the thread that draws charts has not answered for ${answerMs / 1000} s`)), answerMs).unref()
  }
  const start = (): Worker => {
    const started = new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: 512 } })
    started.on('message', (answer: ChartAnswer) => {
      const asked = open.get(answer.id)
      if (asked === undefined) return
      open.delete(answer.id)
      watch(started)
      if ('charts' in answer) asked.resolve(answer.charts)
      else asked.reject(new Error(`charts cannot be drawn: ${answer.fault}`))
    })
    started.on('error', (error: Error) => fail(started, error))
    started.on('exit', () => fail(started, new Error('the thread that draws charts has ended')))
    started.unref()
    return started
  }
  return {
    render: async (report) =>
      new Promise((resolve, reject) => {
        worker ??= start()
        count += 1
        open.set(count, { resolve, reject })
        if (open.size === 1) watch(worker)
        worker.postMessage({ id: count, report } satisfies ChartQuestion)
      }),
    async [Symbol.asyncDispose]() {
      await worker?.terminate()
    },
  }
}
