import { AsyncLocalStorage } from 'node:async_hooks'
import { pino, type Logger, type DestinationStream } from 'pino'
import type { LogLevel } from './environment.ts'

/** What a line of the log is about; it goes with everything that is logged below `withLogContext`. */
export interface LogContext {
  /** Delivery id of a webhook. */
  readonly delivery?: string
  readonly event?: string
  readonly repository?: number
  readonly ref?: string
  readonly run?: string
}

export type { Logger } from 'pino'

const context = new AsyncLocalStorage<LogContext>()

/** Runs something whose log lines all carry the context, on top of the one that is there. */
export function withLogContext<Value>(more: LogContext, work: () => Value): Value {
  return context.run({ ...context.getStore(), ...more }, work)
}

/** Names of values that are never written, wherever they stand at the top of a line or one level below. */
const SECRET_NAMES = [
  'token',
  'authorization',
  'privateKey',
  'private_key',
  'pem',
  'secret',
  'webhook_secret',
  'client_secret',
  'password',
  'cookie',
  'x-hub-signature-256',
  'payload',
  'body',
]
/** Tokens of GitHub in a text (docs.github.com, "About authentication": `ghs_`, `ghp_`, `github_pat_` …), signed JWTs, and what follows the word Bearer. */
const TOKENS = /\b(?:gh[a-z]_[A-Za-z0-9_.-]{10,}|github_pat_\w{10,}|eyJ[\w-]{10,}\.[\w-]+\.[\w-]*)|(?<=\bbearer )\S+/gi
const LONGEST_TEXT = 8192

/** Text without tokens that somebody has put into a message. */
export function withoutTokens(text: string): string {
  return text.slice(0, LONGEST_TEXT).replace(TOKENS, '[token]')
}

interface ErrorLine {
  readonly type: string
  readonly code?: string
  readonly message: string
  readonly stack?: string
  readonly cause?: ErrorLine
}

const MOST_CAUSES = 4

/** Name, code, message and causes: an error of Octokit or Probot also carries requests, tokens and whole payloads. */
function describeError(error: unknown, depth = 0): ErrorLine {
  if (!(error instanceof Error)) return { type: typeof error, message: 'something was thrown that is no error' }
  const inner: unknown = error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined)
  return {
    type: error.name,
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    message: withoutTokens(error.message),
    ...(error.stack !== undefined && { stack: withoutTokens(error.stack) }),
    ...(inner !== undefined && depth < MOST_CAUSES && { cause: describeError(inner, depth + 1) }),
  }
}

/** JSON lines: with the context of `withLogContext`, without tokens, without payloads. */
export function openLog(level: LogLevel, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => ({ ...context.getStore() }),
      serializers: {
        err: (error: unknown) => describeError(error),
        error: (error: unknown) => describeError(error),
        event: (event: unknown) => (typeof event === 'string' ? event : undefined),
        req: () => undefined,
        res: () => undefined,
      },
      redact: { paths: SECRET_NAMES.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: '[removed]' },
      hooks: {
        logMethod(args, method) {
          method.apply(this, args.map((arg: unknown) => (typeof arg === 'string' ? withoutTokens(arg) : arg)) as typeof args)
        },
      },
    },
    destination ?? pino.destination({ dest: 1, sync: false, minLength: 0 }),
  )
}
