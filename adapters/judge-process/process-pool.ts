import { fork, type ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Answers, FromProcess, Task, ToProcess } from './messages.ts'

/** What a task may use. */
export interface PoolLimits {
  /** Processes at a time; further tasks wait. */
  readonly processes: number
  /** Of one process's heap, in MiB. */
  readonly memoryMb: number
  /** Of work on one task; waiting for answers does not count. */
  readonly timeoutMs: number
}

/** What a pool runs. */
export interface PoolEntry {
  /** File of the process's code. */
  readonly file: URL
  /** Folder of everything that it loads; it may read no other file. */
  readonly folder: URL
}

/** `too-heavy`: it hit a limit, and its process was ended; the message says which, for the author. */
export type PoolResult = { readonly kind: 'done'; readonly value: unknown } | { readonly kind: 'too-heavy'; readonly message: string }

/** Processes that are used again and again, and replaced when one had to be ended. */
export interface ProcessPool extends AsyncDisposable {
  /** Fails with what an answer failed with, with the signal's reason, and with an `Error` where the process's own code is at fault. */
  run(task: Task, answers: Answers, signal: AbortSignal): Promise<PoolResult>
}

/** A task asks for more than it may: thrown by an answer, it makes the task `too-heavy`. */
export class TooMuch extends Error {}

/** Loading the code takes a second at most, several on a machine that is busy. */
const START_MS = 60_000
/** What V8 says before it aborts for want of memory (v8/src/heap, "Ineffective mark-compacts near heap limit", "invalid size error"). */
const MEMORY_WORDS = /heap out of memory|heap limit|invalid (?:size|array length|table size) error|Allocation failed/i
const STDERR_CHARACTERS = 16_384

/** Opens a pool of processes. None is started before there is a task. */
export function openProcessPool(entry: PoolEntry, limits: PoolLimits): ProcessPool {
  const all = new Set<JudgeProcess>()
  const idle: JudgeProcess[] = []
  const queue: (() => void)[] = []
  let busy = 0

  const acquire = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted()
    if (busy < limits.processes) {
      busy++
      return
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        queue.splice(queue.indexOf(enter), 1)
        reject(asError(signal.reason))
      }
      const enter = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      queue.push(enter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }
  // Whoever waits takes the place over; nobody else can slip in between.
  const release = (): void => {
    const next = queue.shift()
    if (next === undefined) busy--
    else next()
  }
  const start = (): JudgeProcess => {
    const started = startProcess(entry, limits)
    all.add(started)
    return started
  }

  return {
    async run(task, answers, signal) {
      await acquire(signal)
      try {
        const taken = idle.pop()
        // One may have ended by itself meanwhile.
        const own = taken?.isUsable() === true ? taken : start()
        if (taken !== own && taken !== undefined) all.delete(taken)
        return await own.run(task, answers, signal).finally(() => {
          if (own.isUsable()) idle.push(own)
          else all.delete(own)
        })
      } finally {
        release()
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...all].map(async (each) => each.end()))
    },
  }
}

interface JudgeProcess {
  run(task: Task, answers: Answers, signal: AbortSignal): Promise<PoolResult>
  isUsable(): boolean
  end(): Promise<void>
}

function startProcess({ file, folder }: PoolEntry, { memoryMb, timeoutMs }: PoolLimits): JudgeProcess {
  const child = fork(file, [], {
    // Nothing of ours is in reach of what it reads: no variable, no file but its own code, no other process.
    env: {},
    cwd: dirname(fileURLToPath(file)),
    execArgv: [`--max-old-space-size=${memoryMb}`, '--permission', `--allow-fs-read=${fileURLToPath(folder)}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-STDERR_CHARACTERS)))
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  let isReady = false
  let isUsable = true
  child.once('exit', () => (isUsable = false))
  // What goes wrong while it has no task is nobody's: the next task gets another process.
  child.on('error', () => (isUsable = false))
  const end = async (): Promise<void> => {
    isUsable = false
    child.kill('SIGKILL')
    await ended
  }
  // A message to one that has just ended is nobody's; its end is told by `close`.
  const send = (message: ToProcess): void => void child.send(message, () => undefined)

  const run: JudgeProcess['run'] = async (task, answers, signal) =>
    new Promise<PoolResult>((resolve, reject) => {
      let unanswered = 0
      let leftMs = timeoutMs
      let since = 0
      let timer: NodeJS.Timeout | undefined
      const goOn = (ms = leftMs): void => {
        since = performance.now()
        timer = setTimeout(() => tooHeavy(`It took more than ${timeoutMs / 1000} s.`), Math.max(1, ms))
      }
      const pause = (): void => {
        clearTimeout(timer)
        leftMs -= performance.now() - since
      }
      const begin = (): void => {
        goOn()
        send({ kind: 'task', task })
      }
      const settle = (then: () => void): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        child.off('message', onMessage).off('error', onError).off('close', onClose)
        leave(child)
        then()
      }
      const stop = (then: () => void): void => settle(() => void end().then(then, then))
      const fail = (error: unknown): void => stop(() => reject(asError(error)))
      const tooHeavy = (message: string): void => stop(() => resolve({ kind: 'too-heavy', message }))
      const onAbort = (): void => fail(signal.reason)
      const onError = (error: Error): void => fail(error)
      const onQuestion = async ({ id, name, values }: Extract<FromProcess, { kind: 'question' }>): Promise<void> => {
        if (unanswered++ === 0) pause()
        try {
          const answer = Object.hasOwn(answers, name) ? answers[name] : undefined
          if (answer === undefined) throw new TypeError(`nobody answers ${name}`)
          const value = await answer(...values)
          if (!isUsable) return
          send({ kind: 'answer', id, value })
          if (--unanswered === 0) goOn()
        } catch (error) {
          if (!isUsable) return
          if (error instanceof TooMuch) tooHeavy(error.message)
          else fail(error)
        }
      }
      const onMessage = (message: FromProcess): void => {
        if (message.kind === 'question') void onQuestion(message)
        else if (message.kind === 'done') settle(() => resolve({ kind: 'done', value: message.value }))
        else if (message.kind === 'broken' && message.tooDeep) tooHeavy('Something in it is nested too deeply, or too large to be held.')
        else if (message.kind === 'broken') fail(new Error(`judging broke: ${message.message}`, { cause: message.stack }))
        else {
          isReady = true
          clearTimeout(timer)
          begin()
        }
      }
      const onClose = (code: number | null, exitSignal: string | null): void => {
        if (MEMORY_WORDS.test(said)) tooHeavy(`It needed more than ${memoryMb} MiB of memory.`)
        else fail(new Error(`the process that judges ended by itself (${exitSignal ?? code ?? 'unknown'}): ${said.slice(-1000)}`))
      }
      hold(child)
      signal.addEventListener('abort', onAbort, { once: true })
      child.on('message', onMessage).on('error', onError).on('close', onClose)
      if (signal.aborted) onAbort()
      else if (isReady) begin()
      else timer = setTimeout(() => fail(new Error(`the process that judges did not start in ${START_MS / 1000} s: ${said.slice(-1000)}`)), START_MS)
    })

  return { run, end, isUsable: () => isUsable }
}

/** One that waits for tasks keeps nobody from ending. */
function leave(child: ChildProcess): void {
  child.unref()
  child.channel?.unref()
  if (child.stderr instanceof Socket) child.stderr.unref()
}

function hold(child: ChildProcess): void {
  child.ref()
  child.channel?.ref()
  if (child.stderr instanceof Socket) child.stderr.ref()
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
