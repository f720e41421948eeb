import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { Failure } from '../pipeline/failure.ts'

/** What the actions take from the environment; nothing else in `actions/` reads it. */
export interface ActionsEnvironment {
  /** Where the repository is checked out. */
  readonly workspace: string
  /** Emptied by the runner before and after each job; what steps of one job share lies in `ctss` below it. */
  readonly temporary: string
  /** `owner/name`. */
  readonly repository: string
  readonly owner: string
  /** The event's name, for instance `push`. */
  readonly event: string
  /** File with the event as JSON; undefined without one. */
  readonly eventFile: string | undefined
  /** For instance `refs/heads/main`. */
  readonly ref: string
  readonly apiUrl: string
  readonly runUrl: string
  readonly actor: string
  /** File that the job summary is appended to; undefined where the runner gives none. */
  readonly summaryFile: string | undefined
  /** Where `docker login` keeps credentials. */
  readonly dockerConfigFolder: string
  /** `$BUILDX_CONFIG`. */
  readonly buildxFolder: string | undefined
  /** `$DOCKER_HOST`; undefined: the default socket. */
  readonly dockerHost: string | undefined
  /** Names the run in all its jobs. */
  readonly runId: string
  /** The end of the machine's lease, RFC 3339; undefined: it has none. */
  readonly deadline: string | undefined
  /** Texts of the inputs by name, lower case, as they are written in `action.yml`. */
  readonly inputs: ReadonlyMap<string, string>
}

const REQUIRED = ['GITHUB_WORKSPACE', 'RUNNER_TEMP', 'GITHUB_REPOSITORY'] as const

/** Reads the environment once. Fails with `workstation-unsupported`, naming every variable that is missing. */
export function readActionsEnvironment(env: NodeJS.ProcessEnv = process.env): ActionsEnvironment {
  const value = (name: string): string => env[name] ?? ''
  const wrong = REQUIRED.filter((name) => value(name) === '' || (name !== 'GITHUB_REPOSITORY' && !isAbsolute(value(name))))
  if (wrong.length > 0)
    throw new Failure('workstation-unsupported', `this is not a job of GitHub Actions: ${wrong.join(', ')} ${wrong.length === 1 ? 'is' : 'are'} missing`, {
      suggestion: 'Run it in a workflow; on your own machine, `ctss run` does the same.',
    })
  const server = value('GITHUB_SERVER_URL') || 'https://github.com'
  return {
    workspace: value('GITHUB_WORKSPACE'),
    temporary: value('RUNNER_TEMP'),
    repository: value('GITHUB_REPOSITORY'),
    owner: value('GITHUB_REPOSITORY').split('/')[0] ?? '',
    event: value('GITHUB_EVENT_NAME'),
    eventFile: env['GITHUB_EVENT_PATH'] || undefined,
    ref: value('GITHUB_REF'),
    apiUrl: value('GITHUB_API_URL') || 'https://api.github.com',
    runUrl: `${server}/${value('GITHUB_REPOSITORY')}/actions/runs/${value('GITHUB_RUN_ID')}`,
    actor: value('GITHUB_ACTOR'),
    summaryFile: env['GITHUB_STEP_SUMMARY'] || undefined,
    dockerConfigFolder: value('DOCKER_CONFIG') || join(homedir(), '.docker'),
    buildxFolder: env['BUILDX_CONFIG'] || undefined,
    dockerHost: env['DOCKER_HOST'] || undefined,
    runId: value('GITHUB_RUN_ID'),
    deadline: env['CTSS_DEADLINE'] || undefined,
    inputs: readTexts(env),
  }
}

/** `INPUT_REGISTRY-PASSWORD` is the input `registry-password`: the runner writes names in upper case, and leaves hyphens. */
function readTexts(env: NodeJS.ProcessEnv): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(env).flatMap(([name, text]) =>
      name.startsWith('INPUT_') && text !== undefined ? [[name.slice('INPUT_'.length).toLowerCase(), text] as const] : [],
    ),
  )
}
