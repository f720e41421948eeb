import type { ConcurrencyGroups } from './concurrency.ts'
import type { Access, Permissions } from './permissions.ts'
import type { Value } from './template.ts'
import type { HostedRepository } from './workflow.ts'

/** A right of the token that an action cannot do without. */
export interface Need {
  readonly scope: string
  readonly access: Access
}

/** The GitHub that the mini-runner plays: what it hosts, and how its repositories are set up. */
export interface MiniGitHub {
  /** By `owner/name`; whatever version is asked for is this one. */
  readonly repositories: Readonly<Record<string, HostedRepository>>
  /** Scratch folder: machines, artifacts, events. */
  readonly folder: string
  /** What every machine has in its environment, PATH among it; nothing else of this process is seen. */
  readonly environment: Readonly<Record<string, string>>
  readonly secrets?: Readonly<Record<string, string>>
  readonly variables?: Readonly<Record<string, string>>
  /** Of the repository's settings; without it, the restricted ones. */
  readonly defaultPermissions?: Permissions
  /** Rights that an action needs of the token, by its `owner/name/path`; undefined: not known. */
  readonly needsOf?: (action: string) => readonly Need[] | undefined
  /** The token of a job with these rights; without it, a made-up one. */
  readonly issueToken?: (permissions: Permissions) => Promise<string>
  /** Where a job with `id-token: write` asks for its OIDC token. */
  readonly tokenService?: { readonly url: string; readonly token: string }
  /** Hears of every job with steps before it waits for a machine, and hosts it: its own OIDC tokens, and whoever watches. */
  readonly hostJob?: (job: HostedJob) => Promise<JobHost>
  /** How many jobs run at once; 2 unless given. */
  readonly machines?: number
  readonly concurrency?: ConcurrencyGroups
  /** Hears every line of the log as it comes. */
  readonly onLine?: (line: string) => void
}

/** A job that will run. */
export interface HostedJob {
  /** As GitHub shows it, such as `ctss / build (linux/arm64)`. */
  readonly name: string
  /** Workflow in which it is written, as `job_workflow_ref` names it. */
  readonly workflow: string
  readonly labels: readonly string[]
}

/** What becomes of a job, told to whoever hosts it. */
export interface JobHost {
  /** Variables of its steps in the place of the runner's own. */
  readonly environment: Readonly<Record<string, string>>
  /** Where it asks for its OIDC token, if it may. */
  readonly tokenService: { readonly url: string; readonly token: string }
  start(): Promise<void>
  step(name: string): void
  complete(conclusion: Conclusion): Promise<void>
}

export type Conclusion = 'success' | 'failure' | 'cancelled' | 'skipped'

/** A finding at a line of a file, as `::error::` and its like make it. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice'
  readonly message: string
  /** `file`, `line`, `col`, `title` and their like. */
  readonly properties: Readonly<Record<string, string>>
}

export interface StepRun {
  /** Its id, or its place among the steps. */
  readonly id: string
  readonly name: string
  /** What came out before `continue-on-error`. */
  readonly outcome: Conclusion
  readonly conclusion: Conclusion
  readonly outputs: Readonly<Record<string, string>>
  readonly summary: string
  readonly seconds: number
}

export interface JobRun {
  /** Ids from the first workflow to the job, such as `ctss/build`. */
  readonly id: string
  /** As GitHub shows it, such as `ctss / build (linux/arm64)`. */
  readonly name: string
  readonly matrix: Readonly<Record<string, Value>>
  readonly conclusion: Conclusion
  readonly permissions: Permissions
  /** Labels of the machine that it asks for. */
  readonly labels: readonly string[]
  readonly outputs: Readonly<Record<string, string>>
  readonly steps: readonly StepRun[]
  readonly annotations: readonly Annotation[]
  /** Programs that were still running when the job had ended, and were killed. */
  readonly orphans: readonly string[]
  /** Ids of the programs of its steps. */
  readonly processes: readonly number[]
  readonly seconds: number
}

/** A run of a workflow, with every job of it and of the workflows that it calls, in the order in which they ended. */
export interface WorkflowRun {
  readonly conclusion: Conclusion
  readonly runId: string
  readonly jobs: readonly JobRun[]
  readonly outputs: Readonly<Record<string, string>>
  /** Everything that was printed, secrets masked, each line after its job's name. */
  readonly log: readonly string[]
  /** The artifacts, one folder each. */
  readonly artifacts: string
}

/** GitHub would not have started the run: "Invalid workflow file", with every reason. */
export class StartupFailure extends Error {
  override name = 'StartupFailure'
  readonly reasons: readonly string[]

  constructor(reasons: readonly string[]) {
    super(reasons.join('\n'))
    this.reasons = reasons
  }
}
