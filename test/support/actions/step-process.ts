import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CommandFiles } from '../mini-runner/command-files.ts'
import { readCommand, type RunnerCommand } from './runner-command.ts'

/** A step, or the post step of one, that has come to its end. */
export interface FinishedStep {
  /** Null: a signal ended it. */
  readonly exitCode: number | null
  readonly outputs: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
  readonly summary: string
  /** Everything on both streams, as it came: nothing is masked. */
  readonly raw: string
  /** What the runner obeys. */
  readonly commands: readonly RunnerCommand[]
  /** Messages of the annotations. */
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  readonly masks: readonly string[]
  /** What the runner shows and keeps of it: no commands, and secrets masked. */
  readonly shown: string
  readonly seconds: number
}

/** A program of an action that runs. */
export interface StepProcess {
  readonly pid: number
  readonly finished: Promise<FinishedStep>
  /** Returns when the log holds this; throws, with the log, when the program ends before. */
  until(text: string | RegExp): Promise<void>
  kill(signal: NodeJS.Signals): void
}

const STREAMS_MS = 1000

/** Starts a program of an action with this environment and no other. Both its streams are read as the runner reads them. */
export function startStep(program: string, environment: Readonly<Record<string, string>>, files: CommandFiles): StepProcess {
  const started = performance.now()
  const child = spawn(process.execPath, [program], { cwd: '/', env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  let raw = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (raw += text))
  const closed = once(child, 'close')
  const ended = once(child, 'exit').then(async ([code]: unknown[]) => {
    // A program in the background may hold the streams open for longer than the step lasts.
    await Promise.race([closed, sleep(STREAMS_MS, undefined, { ref: false })])
    return typeof code === 'number' ? code : null
  })
  const finished = ended.then(async (exitCode): Promise<FinishedStep> => {
    const { outputs, state, summary } = await files.read()
    const lines = raw.split(/\r\n|\r|\n/)
    const commands = lines.map((line) => readCommand(line)).filter((command) => command !== undefined)
    const valuesOf = (name: string): readonly string[] => commands.filter((command) => command.name === name).map(({ value }) => value)
    const masks = valuesOf('add-mask')
    const shown = lines.filter((line) => readCommand(line) === undefined).join('\n')
    return {
      exitCode,
      outputs,
      state,
      summary,
      raw,
      commands,
      errors: valuesOf('error'),
      warnings: valuesOf('warning'),
      masks,
      shown: [shown, ...valuesOf('error'), ...valuesOf('warning'), ...valuesOf('notice')].map((text) => hide(text, masks)).join('\n'),
      seconds: (performance.now() - started) / 1000,
    }
  })
  return {
    pid: child.pid ?? 0,
    finished,
    kill: (signal) => void child.kill(signal),
    async until(text) {
      while (raw.search(text) < 0) {
        const end = await Promise.race([once(child.stdout, 'data').then(() => undefined), finished])
        if (end !== undefined && raw.search(text) < 0) throw new Error(`it ended with ${end.exitCode} before it said ${text}:\n${raw}`)
      }
    },
  }
}

function hide(text: string, masks: readonly string[]): string {
  return masks.reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text)
}
