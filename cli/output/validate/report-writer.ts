import type { Problem } from '../../../pipeline/problem.ts'

/** What Sage would answer, in both ways to submit. */
export type ShownVerdict = Readonly<Record<'portal' | 'submitted', 'accepted' | 'refused'>>

/** One manifest, judged, and what is needed to show it. */
export interface ShownReport {
  /** Inside its repository; of a lone file, as it was given. */
  readonly path: string
  readonly verdict: ShownVerdict
  /** Whether it was read at all: what is too large, or binary, is not, and its verdict says nothing of Sage's. */
  readonly isJudged: boolean
  /** Whether it is the file that the Portal fetches: `sage.yaml` at the root of its repository. */
  readonly isPortals: boolean
  /** How many safe fixes `--fix` would begin with here. */
  readonly fixes: number
  /** Whether its problems fail the command: errors; with `--strict`, warnings too. */
  readonly failed: boolean
  /** By importance, then place; at most 100, and one that counts the rest. */
  readonly problems: readonly Problem[]
  /** What the person gave: a folder, a file, or a Git URL. */
  readonly place: string
  /** A file of the same repository (as problems and edits name it), as seen from the current folder where it lies below it. */
  shownPath(file: string): string
  /** The same with the place in front, where it is not the file itself. */
  distinctPath(file: string): string
  /** Lines of a file that problems stand in, without their ends; undefined: not there, or not a text. */
  linesOf(file: string): readonly string[] | undefined
}

/** What has been seen when all is shown. */
export interface Totals {
  readonly manifests: number
  readonly failed: number
  /** Places that could not be read. */
  readonly unreadable: number
}

/** One way to show reports, piece by piece, so that thousands need no more memory than one. Each call returns what goes to stdout next. */
export interface ReportWriter {
  /** Whether it asks for lines of files. */
  readonly showsLines: boolean
  begin(): string
  report(report: ShownReport): string | Promise<string>
  /** A place that could not be read; stderr says so too. */
  failure?(place: string, message: string): string
  end(totals: Totals): string
}

/** A rule's page in `docs/rules.md`, wherever its reader is. */
export function rulePage(code: string): string {
  return `https://github.com/sagecontinuum/ctss/blob/main/docs/rules.md#${code.toLowerCase()}`
}

/** What a code's rule is called, where it is a rule's. */
export type NameOf = (code: string) => string | undefined

/** Asked for when there is a problem to name: rules take their time to load. */
export type LoadNames = () => Promise<NameOf>
