import { homedir } from 'node:os'
import { join } from 'node:path'
import { readSageUsers } from '../pipeline/validate/sage-users.ts'

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
  /** Whether colours are wanted: `NO_COLOR` and `FORCE_COLOR` decide; `auto`: on a terminal. */
  readonly color: 'auto' | 'always' | 'never'
  /** Owner on GitHub (lower case) → Sage user who registers the plugins: `$CTSS_SAGE_USERS`, for instance `waggle-sensor=waggle,alice=alice1`. */
  readonly sageUsers: ReadonlyMap<string, string>
  /** Address of the app that operators ask: `$CTSS_APP`. */
  readonly appUrl?: string | undefined
  /** What the app knows operators by: `$CTSS_OPERATOR_TOKEN`, the app's own `OPERATOR_TOKEN`. Never shown. */
  readonly operatorToken?: string | undefined
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
    color: readColor(env),
    sageUsers: readSageUsers(env['CTSS_SAGE_USERS'] ?? ''),
    appUrl: env['CTSS_APP'] || undefined,
    operatorToken: env['CTSS_OPERATOR_TOKEN'] || undefined,
  }
}

function absolute(folder: string | undefined): string | undefined {
  return folder?.startsWith('/') ? folder : undefined
}

/** https://no-color.org and https://force-color.org: set and not empty counts; Node lets FORCE_COLOR win, and 0 in it switches colours off. */
function readColor(env: NodeJS.ProcessEnv): CliEnvironment['color'] {
  const forced = env['FORCE_COLOR']
  if (forced !== undefined && forced !== '') return forced === '0' || forced === 'false' ? 'never' : 'always'
  return (env['NO_COLOR'] ?? '') === '' ? 'auto' : 'never'
}

/** Whether to colour what is written to a stream: `$FORCE_COLOR` and `$NO_COLOR` decide, else whether it is a terminal. */
export function wantsColor({ color }: Pick<CliEnvironment, 'color'>, stream: { readonly isTTY?: boolean }): boolean {
  return color === 'always' || (color === 'auto' && stream.isTTY === true)
}
