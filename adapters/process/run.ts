import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'
import type { Readable } from 'node:stream'

import { Failure } from '../../pipeline/failure.ts'

/** A program and its arguments: data, never a shell's string. */
export interface Command {
  readonly command: string
  readonly args: readonly string[]
}

export interface RunOptions {
  readonly cwd?: string
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Written to the program's standard input, which is closed then; without it there is none. */
  readonly input?: string | Uint8Array
  /** SIGTERM to the program and all it started, then, `graceMs` later, SIGKILL; the call fails with `cancelled`. */
  readonly signal?: AbortSignal
  /** The same at this time limit; the call fails with `timed-out`. */
  readonly timeoutMs?: number
  /** 5000 without it. */
  readonly graceMs?: number
  /** How much of each stream's end is kept; 1 MiB without it. */
  readonly limitBytes?: number
  /** Every line of both streams as it comes, without its end, cut to 64 Ki characters. Untrusted text. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
}

export interface RunResult {
  /** Null: a signal ended it. */
  readonly exitCode: number | null
  readonly exitSignal: NodeJS.Signals | null
  /** The end of each stream, at most `limitBytes` long. */
  readonly stdout: string
  readonly stderr: string
  /** Whether either stream was longer. */
  readonly truncated: boolean
}

const LINE_CHARACTERS = 65_536
const DEFAULT_LIMIT_BYTES = 2 ** 20
const DEFAULT_GRACE_MS = 5000
/** A program that has ended may have left a child that holds its pipes open: they are read this much longer. */
const DRAIN_MS = 1000

/**
 * Runs a program to its end, in a process group of its own, so that what it started ends with it.
 * An exit code other than 0 is a result, not a failure. Fails with `missing-tool`, `cancelled`, `timed-out`.
 */
export async function run({ command, args }: Command, options: RunOptions = {}): Promise<RunResult> {
  if (options.signal?.aborted) throw new Failure('cancelled', `${command} was not started: cancelled`)
  const child = spawn(command, args, {
    detached: true,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    // oxlint-disable-next-line no-restricted-properties -- handed on whole, never read
    ...(options.env && { env: { ...process.env, ...options.env } }),
  })
  const stdout = collect(child.stdout, 'stdout', options)
  const stderr = collect(child.stderr, 'stderr', options)
  const end = watchEnd(child, command)
  const stopper = stopOn(child, command, options)
  feed(child, options.input)
  try {
    const { exitCode, exitSignal } = await end
    if (stopper.reason) throw stopper.reason
    return { exitCode, exitSignal, stdout: stdout.text(), stderr: stderr.text(), truncated: stdout.truncated() || stderr.truncated() }
  } finally {
    stopper.dispose()
  }
}

/** Sends a signal to a process group that may be gone already. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // ESRCH: the group has ended, which is what was wanted.
  }
}

function watchEnd(child: ChildProcess, command: string): Promise<{ exitCode: number | null; exitSignal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new Failure('missing-tool', `${command} cannot be run: ${cause.message}`, { cause, suggestion: 'run `ctss doctor`, which tells what is missing' }))
    })
    child.once('exit', (exitCode, exitSignal) => {
      const drained = setTimeout(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
      }, DRAIN_MS)
      child.once('close', () => {
        clearTimeout(drained)
        resolve({ exitCode, exitSignal })
      })
    })
  })
}

function stopOn(
  child: ChildProcess,
  command: string,
  { signal, timeoutMs, graceMs = DEFAULT_GRACE_MS }: RunOptions,
): { readonly reason: Failure | undefined; dispose(): void } {
  let reason: Failure | undefined
  let kill: NodeJS.Timeout | undefined
  const stop = (failure: Failure): void => {
    if (reason) return
    reason = failure
    signalGroup(child, 'SIGTERM')
    kill = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs)
  }
  const onAbort = (): void => stop(new Failure('cancelled', `${command} was cancelled`))
  const limit =
    timeoutMs === undefined ? undefined : setTimeout(() => stop(new Failure('timed-out', `${command} took more than ${timeoutMs / 1000} s`)), timeoutMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    get reason() {
      return reason
    },
    dispose() {
      clearTimeout(limit)
      clearTimeout(kill)
      signal?.removeEventListener('abort', onAbort)
      // What the program left running in its group must not outlive a cancelled call.
      if (reason) signalGroup(child, 'SIGKILL')
    },
  }
}

function feed(child: ChildProcess, input: string | Uint8Array | undefined): void {
  if (input === undefined || !child.stdin) return
  // EPIPE: the program ended without reading all; its exit code tells why.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
}

function collect(
  stream: Readable | null,
  name: 'stdout' | 'stderr',
  { limitBytes = DEFAULT_LIMIT_BYTES, onLine }: RunOptions,
): { text(): string; truncated(): boolean } {
  const chunks: Buffer[] = []
  let bytes = 0
  let truncated = false
  stream?.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    for (let first = chunks[0]; first && bytes - first.length >= limitBytes; first = chunks[0]) {
      bytes -= first.length
      truncated = true
      chunks.shift()
    }
  })
  if (stream && onLine) splitLines(stream, (line) => onLine(line, name))
  return {
    text: () => Buffer.concat(chunks).subarray(-limitBytes).toString('utf8'),
    truncated: () => truncated || bytes > limitBytes,
  }
}

function splitLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const take = (text: string): void => {
    const lines = (rest + text).split('\n')
    // A line without an end is kept only to its cap, so that a program cannot fill our memory with one.
    rest = (lines.pop() ?? '').slice(0, LINE_CHARACTERS)
    for (const line of lines) onLine(line.slice(0, LINE_CHARACTERS).replace(/\r$/, ''))
  }
  stream.on('data', (chunk: Buffer) => take(decoder.write(chunk)))
  stream.on('close', () => {
    take(decoder.end())
    if (rest) onLine(rest)
  })
}
