import { Listr, ListrLogger, ProcessOutput, type ListrTaskWrapper } from 'listr2'
import type { Progress } from '../../pipeline/ports/progress.ts'
import type { StageSummary } from '../../pipeline/run.ts'
import { STAGES, type StageName } from '../../pipeline/stage.ts'
import { printable } from '../../pipeline/printable.ts'
import type { Output } from './output.ts'
import { describe } from './plain.ts'

interface Slot {
  readonly started: PromiseWithResolvers<void>
  readonly ended: PromiseWithResolvers<StageSummary | undefined>
  task: ListrTaskWrapper<unknown, never, never> | undefined
}

/** How many of the newest lines about the set-up stand below the list. */
const SET_UP_LINES = 10

/** A list of the stages that is redrawn in place, each with its newest line; below it what the set-up does, which would be lost among what is redrawn. */
export function interactiveOutput(stream: NodeJS.WriteStream): Output {
  const slots = new Map(
    STAGES.map((stage): [StageName, Slot] => [stage, { started: Promise.withResolvers(), ended: Promise.withResolvers(), task: undefined }]),
  )
  const setUp: { task: Slot['task']; readonly lines: string[]; readonly ended: PromiseWithResolvers<void> } = {
    task: undefined,
    lines: [],
    ended: Promise.withResolvers(),
  }
  const general: Progress = {
    step(text) {
      if (drawing === undefined) return void stream.write(`${printable(text)}\n`)
      setUp.lines.push(printable(text))
      if (setUp.task) setUp.task.output = setUp.lines.slice(-SET_UP_LINES).join('\n')
    },
    output: () => {},
  }
  let drawing: Promise<unknown> | undefined

  const draw = (): void => {
    drawing ??= new Listr(
      [
        ...[...slots].map(([stage, slot]) => ({
          // All have a spinner from the start, as each is told from outside when it begins.
          title: `${stage}: waits`,
          task: async (_context: unknown, task: unknown) => {
            slot.task = task as Slot['task']
            const summary = await slot.ended.promise
            if (summary === undefined) return slot.task?.skip(`${stage}: not reached`)
            const text = describe(summary)
            if (slot.task) slot.task.title = text
            if (summary.outcome === 'skipped') slot.task?.skip(text)
            if (summary.outcome === 'failed' || summary.outcome === 'error') throw new Error(text)
          },
        })),
        // Without a title it has no line of its own in the list, and its output stands below.
        {
          task: async (_context: unknown, task: unknown) => {
            setUp.task = task as Slot['task']
            await setUp.ended.promise
          },
        },
      ],
      {
        exitOnError: false,
        concurrent: true,
        renderer: 'default',
        // Whether stdout is a terminal says nothing about stderr, to which this draws.
        fallbackRendererCondition: false,
        forceTTY: true,
        // The titles say it all.
        rendererOptions: {
          logger: new ListrLogger({ processOutput: new ProcessOutput(stream, stream) }),
          showErrorMessage: false,
          showSkipMessage: false,
          suffixSkips: false,
        },
      },
    ).run()
  }
  return {
    general,
    stageStarted(stage) {
      draw()
      show(slots.get(stage), `${stage}: runs`)
      return {
        step: (text) => show(slots.get(stage), `${stage}: ${printable(text)}`),
        output: (text) => detail(slots.get(stage), printable(text.trimEnd().split('\n').at(-1) ?? '')),
      }
    },
    stageEnded(summary) {
      draw()
      slots.get(summary.stage)?.ended.resolve(summary)
    },
    async close() {
      for (const slot of slots.values()) slot.ended.resolve(undefined)
      setUp.ended.resolve()
      await drawing?.catch(() => {})
    },
  }
}

function show(slot: Slot | undefined, text: string): void {
  if (slot?.task) slot.task.title = text
}

function detail(slot: Slot | undefined, text: string): void {
  if (slot?.task) slot.task.output = text
}
