import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** What the CLI takes from the environment; nothing else in `cli/` reads it. */
export interface CliEnvironment {
  /** Records, blobs, reports and the embedded ECR: `$XDG_STATE_HOME/ctss`. */
  readonly stateFolder: string
  /** What can be made again: `$XDG_CACHE_HOME/ctss`. */
  readonly cacheFolder: string
  /** Parent of the folders that stages work in. */
  readonly temporaryFolder: string
  /** Whether the output goes to a continuous-integration log: plain lines, no cursor movements. */
  readonly ci: boolean
  /** Whether a person asked for no colours (https://no-color.org). */
  readonly noColor: boolean
}

/** Parent of the folders that work in progress lies in; what a killed run left there is swept by the next. */
export function workParentOf({ stateFolder }: CliEnvironment): string {
  return join(stateFolder, 'work')
}

/** Reads the environment once. Relative XDG folders are ignored, as the XDG specification asks. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): CliEnvironment {
  return {
    stateFolder: join(absolute(env['XDG_STATE_HOME']) ?? join(homedir(), '.local/state'), 'ctss'),
    cacheFolder: join(absolute(env['XDG_CACHE_HOME']) ?? join(homedir(), '.cache'), 'ctss'),
    temporaryFolder: tmpdir(),
    ci: (env['CI'] ?? '') !== '' && env['CI'] !== 'false',
    noColor: (env['NO_COLOR'] ?? '') !== '',
  }
}

function absolute(folder: string | undefined): string | undefined {
  return folder?.startsWith('/') ? folder : undefined
}
