import type { Place, Problem } from '../schemas/generated/types.ts'

export type { Place, Problem }

export interface ProblemDetails {
  readonly place?: Place
  readonly suggestion?: string
  /** A longer excerpt, such as a traceback; cut to 8 KiB. */
  readonly detail?: string
}

const DETAIL_CHARACTERS = 8192

function makeProblem(severity: Problem['severity'], code: string, message: string, { place, suggestion, detail }: ProblemDetails): Problem {
  return { code, severity, message, ...(place && { place }), ...(suggestion && { suggestion }), ...(detail && { detail: detail.slice(-DETAIL_CHARACTERS) }) }
}

/** A problem that fails its stage. */
export function error(code: string, message: string, details: ProblemDetails = {}): Problem {
  return makeProblem('error', code, message, details)
}

/** A problem that the report shows, and that fails nothing. */
export function warning(code: string, message: string, details: ProblemDetails = {}): Problem {
  return makeProblem('warning', code, message, details)
}

/** Whether any of the problems fails its stage. */
export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === 'error')
}
