import type { Progress } from '../../pipeline/ports/progress.ts'
import type { StageSummary } from '../../pipeline/run.ts'
import type { StageName } from '../../pipeline/stage.ts'
import { duration, printable } from '../../pipeline/printable.ts'
import type { Output } from './output.ts'

/** Lines for a log: one per step, prefixed with the seconds since the start. */
export function plainOutput(stream: NodeJS.WritableStream, started = performance.now()): Output {
  const line = (text: string): void => void stream.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${text}\n`)
  const progressFor = (name: string): Progress => ({
    step: (text) => line(`${name}: ${printable(text)}`),
    output: (text) => text.split(/\r?\n/).forEach((part) => line(`${name}| ${printable(part)}`)),
  })
  return {
    general: progressFor('set-up'),
    stageStarted(stage: StageName, reason: string): Progress {
      line(`${stage}: runs, ${reason}`)
      return progressFor(stage)
    },
    stageEnded: (summary) => line(describe(summary)),
    close: async () => {},
  }
}

/** Nothing at all. */
export function quietOutput(): Output {
  const silent: Progress = { step: () => {}, output: () => {} }
  return { general: silent, stageStarted: () => silent, stageEnded: () => {}, close: async () => {} }
}

/** One line about a stage that has ended. */
export function describe({ stage, outcome, ran, seconds, reason, problems }: StageSummary): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length
  const warnings = problems.filter((problem) => problem.severity === 'warning').length
  const counts = [errors > 0 && `${errors} ${errors === 1 ? 'problem' : 'problems'}`, warnings > 0 && `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`]
    .filter(Boolean)
    .join(', ')
  const how = ran ? ` in ${duration(seconds)}` : outcome === 'skipped' ? '' : ' (reused)'
  return `${stage}: ${outcome}${how}${counts === '' ? '' : `, ${counts}`}${reason === undefined ? '' : `: ${printable(reason)}`}`
}
