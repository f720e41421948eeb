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

/** Options of `ctss validate`. */
export interface ValidateOptions {
  /** The Sage user who registers the plugin. */
  readonly user?: string
  /** What the Portal would fill in as `source.url` and `source.branch`. */
  readonly repository?: string
  readonly branch?: string
  /** Judges what `POST /submit` gets, with nothing filled in. */
  readonly asSubmitted?: boolean
  readonly fix?: boolean
  readonly diff?: boolean
  readonly json?: boolean
  readonly sarif?: boolean
  readonly github?: boolean
  /** Asks BuildKit's own check about the Dockerfile, too. */
  readonly buildkit?: boolean
  /** Warnings fail too. */
  readonly strict?: boolean
  readonly quiet?: boolean
  readonly ref?: string
}
