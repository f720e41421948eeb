import { Failure } from './failure.ts'

/** Exit codes of CLI and actions: 0 pass, 1 problems or a failed gate, 2 a failure (a retry may help), 3 a bug. */
export const EXIT = { passed: 0, failed: 1, error: 2, bug: 3 } as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What a thrown error means for the exit code, and what a person is told. */
export function explainError(error: unknown): { code: ExitCode; text: string } {
  if (error instanceof Failure) return { code: EXIT.error, text: [error.message, error.suggestion].filter(Boolean).join('\n  ') }
  if (error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd')
    return { code: EXIT.error, text: 'The working directory is not there any more.\n  Change to another one (cd), and run the command again.' }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: EXIT.bug, text: `This is a bug in ctss, not in your plugin. Please report it with the text below.\n${stack}` }
}
