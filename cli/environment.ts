import { homedir } from 'node:os'
import { join } from 'node:path'

/** What the CLI takes from the environment; nothing else in `cli/` reads it. */
export interface CliEnvironment {
  /** Records, blobs, reports and the embedded ECR: `$XDG_STATE_HOME/ctss`. */
  readonly stateFolder: string
  /** What can be made again: `$XDG_CACHE_HOME/ctss`. */
  readonly cacheFolder: string
  /** Where `docker login` keeps credentials: `$DOCKER_CONFIG`. */
  readonly dockerConfigFolder: string
  /** Whether the output goes to a continuous-integration log: plain lines, no cursor movements. */
  readonly ci: boolean
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
    dockerConfigFolder: env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'),
    ci: (env['CI'] ?? '') !== '' && env['CI'] !== 'false',
  }
}

function absolute(folder: string | undefined): string | undefined {
  return folder?.startsWith('/') ? folder : undefined
}
