import type { StageName } from '../pipeline/stage.ts'

/** Options that commands on a repository share, as commander hands them over. */
export interface RepositoryOptions {
  readonly platform?: readonly string[]
  readonly force?: readonly StageName[] | true
  readonly keepGoing?: boolean
  readonly ref?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

/** Options of `ctss run` and its parts. */
export interface RunOptions extends RepositoryOptions {
  readonly from?: StageName
  readonly to?: StageName
  readonly release?: boolean
  /** The manifest's problems are shown, and stop nothing: only the Dockerfile counts. */
  readonly dockerfileSuffices?: boolean
}

/** Options of `ctss test`. */
export interface TestOptions extends RepositoryOptions {
  readonly record?: boolean
  readonly trial?: readonly string[]
}
