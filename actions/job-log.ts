import { escapeData, printableLines } from '../pipeline/annotation.ts'
import type { Progress } from '../pipeline/ports/progress.ts'
import { duration, printable } from '../pipeline/printable.ts'
import type { RunObserver } from '../pipeline/run.ts'

/** The log of a job: a group per stage, a line per step. Nothing that a plugin prints is obeyed by the runner. */
export interface JobLog extends RunObserver {
  /** Progress of what comes before and after the stages. */
  readonly general: Progress
  /** A workflow command, complete. */
  command(text: string): void
  /** A line of ours. */
  line(text: string): void
  error(text: string): void
  warning(text: string): void
}

/** The runner obeys lines that begin with `::`, white space before it or not; each line of a stranger's has something before that. */
const BEFORE_OUTPUT = '| '
const OBEYED = /^\s*::/

/** Writes the log of a job to a stream, which the runner reads. */
export function jobLog(stream: NodeJS.WritableStream): JobLog {
  const write = (text: string): void => void stream.write(`${text}\n`)
  let isGroupOpen = false
  const progressFor = (name: string): Progress => ({
    step: (text) => write(`${name}: ${printable(text)}`),
    output: (text) => text.split(/\r?\n/).forEach((line) => write(`${BEFORE_OUTPUT}${printable(line)}`)),
  })
  return {
    general: progressFor('set-up'),
    command: write,
    line: (text) =>
      printableLines(text)
        .split('\n')
        .forEach((line) => write(OBEYED.test(line) ? `${BEFORE_OUTPUT}${line}` : line)),
    error: (text) => write(`::error::${escapeData(printableLines(text))}`),
    warning: (text) => write(`::warning::${escapeData(printableLines(text))}`),
    stageStarted(stage, reason) {
      isGroupOpen = true
      write(`::group::${stage}: ${escapeData(printable(reason))}`)
      return progressFor(stage)
    },
    stageEnded({ stage, outcome, ran, seconds, reason }) {
      if (isGroupOpen) write('::endgroup::')
      isGroupOpen = false
      write(`${stage}: ${outcome}${ran ? ` in ${duration(seconds)}` : ''}${reason === undefined ? '' : `: ${printable(reason)}`}`)
    },
  }
}
