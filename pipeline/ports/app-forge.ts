import type { Access, Account, PullRequestFacts, RepositoryFacts, WorkflowRunFacts } from '../service/world.ts'
import type { CheckAnnotation, WantedCheck } from '../service/action.ts'
import type { Forge } from './forge.ts'
import type { RepositoryTree } from './repository-tree.ts'

/** A repository that the app is installed in. */
export interface InstalledRepository {
  readonly installation: number
  readonly id: number
  readonly owner: string
  readonly name: string
}

export interface AppInstallation {
  readonly id: number
  readonly owner: string
  readonly isSuspended: boolean
  /** As granted: `checks` → `write`. */
  readonly permissions: Readonly<Record<string, string>>
}

/** A delivery of a webhook, as the forge remembers it. */
export interface ForgeDelivery {
  /** Of this attempt. GitHub's are longer than a number in JavaScript since February 2026 (octokit/request.js#797): a text where it is one. */
  readonly id: number | string
  /** The same for every attempt. */
  readonly guid: string
  readonly at: string
  readonly succeeded: boolean
  /** Somebody asked for this attempt; the first one is none. */
  readonly isRedelivery: boolean
}

/** The forge as an app sees it that is installed in many repositories. Everything fails with `forge-unavailable`, `forge-refused`, `cancelled`. */
export interface AppForge {
  /** Login that the app's comments carry, `ctss[bot]`, and the app's number. */
  self(): Promise<{ readonly login: string; readonly id: number; readonly slug: string }>
  installations(): Promise<readonly AppInstallation[]>
  /** Undefined: it is gone. */
  installation(id: number): Promise<AppInstallation | undefined>
  repositoriesOf(installation: number): Promise<readonly (InstalledRepository & { readonly isArchived: boolean; readonly defaultBranch: string })[]>
  /** One repository with an installation's rights; ask for a new one for each piece of work. */
  open(repository: InstalledRepository, signal?: AbortSignal): RepositoryForge
  /** The control repository. */
  openControl(signal?: AbortSignal): ControlForge
  /** Reads this one repository's contents and nothing else; `expires` in RFC 3339. */
  readToken(repository: InstalledRepository): Promise<{ readonly token: string; readonly expires: string }>
  /** Those of the last time, the newest first, back to `since`. */
  deliveries(since: string): Promise<readonly ForgeDelivery[]>
  redeliver(id: number | string): Promise<void>
}

export interface ForgeCheck {
  readonly id: number
  readonly name: string
  readonly annotationCount: number
}

/** What a check run is given at once; `annotations` are added to those that it has. */
export interface CheckContent extends Omit<WantedCheck, 'annotations' | 'run' | 'isProgress' | 'commit'> {
  readonly detailsUrl: string | undefined
  readonly externalId: string
  /** At most 50. */
  readonly annotations: readonly CheckAnnotation[]
}

export interface ProposedFile {
  readonly path: string
  readonly content: Uint8Array
}

/** One repository in which the app is installed. Undefined answers mean: there is no such thing (any more). */
export interface RepositoryForge extends Forge {
  facts(): Promise<Omit<RepositoryFacts, 'installation'> | undefined>
  /** Commit that a ref (`refs/…`) names, also through an annotated tag. */
  refCommit(ref: string): Promise<string | undefined>
  commit(sha: string): Promise<{ readonly message: string } | undefined>
  /** Whether a branch has the commit among its ancestors (the default branch is asked). */
  isOnDefaultBranch(commit: string): Promise<boolean>
  /** Whether a commit is the newest one of a branch of this repository. */
  isBranchHead(commit: string): Promise<boolean>
  /** Open ones whose head is this branch of this repository. */
  pullRequestsOf(branch: string): Promise<readonly PullRequestFacts[]>
  /** With its head; `headRef` is undefined where the fork is gone. */
  pull(number: number): Promise<(PullRequestFacts & { readonly head: string; readonly isOpen: boolean; readonly headBranch: string | undefined }) | undefined>
  openPulls(): Promise<readonly (PullRequestFacts & { readonly head: string; readonly headBranch: string | undefined })[]>
  access(login: string): Promise<Access>
  /** Who moved a ref to this commit, as the forge's activity log says; undefined where that was not its last move. */
  lastPusher(ref: string, commit: string): Promise<Account | undefined>
  /** Of the whole repository, or of one folder of it, as a checkout of that folder is. */
  tree(commit: string, folder?: string): RepositoryTree
  /** Ours on a commit. */
  checks(commit: string): Promise<readonly ForgeCheck[]>
  createCheck(commit: string, content: CheckContent): Promise<number>
  /** False: it is gone. */
  updateCheck(id: number, content: CheckContent): Promise<boolean>
  /** The same reaction twice is one. */
  react(comment: number, reaction: '+1' | '-1' | 'confused' | 'eyes'): Promise<void>
  /** A review with suggestions at lines of the pull request; lines outside its diff are refused by the forge: false. */
  suggest(
    pullRequest: number,
    commit: string,
    comments: readonly { readonly path: string; readonly startLine: number; readonly line: number; readonly body: string }[],
  ): Promise<boolean>
  /** Bodies of our review comments. */
  reviewComments(pullRequest: number): Promise<readonly string[]>
  /** A branch with these files on top of the base branch, and a pull request of it; one that is there already is answered. */
  propose(proposal: {
    readonly branch: string
    readonly base: string
    readonly title: string
    readonly body: string
    readonly files: readonly ProposedFile[]
  }): Promise<{ readonly number: number; readonly url: string }>
}

export interface ForgeArtifact {
  readonly id: number
  readonly name: string
  readonly bytes: number
}

/** The control repository, whose one workflow runs what the app dispatches. */
export interface ControlForge {
  /** Number of the workflow run that it started. `forge-unavailable` leaves open whether it was started: look by `findRun`. */
  dispatch(inputs: Readonly<Record<string, string>>): Promise<number>
  /** Workflow runs whose name holds the text, made since then, the oldest first. */
  findRuns(text: string, since: string): Promise<readonly number[]>
  run(id: number): Promise<WorkflowRunFacts>
  /** One that has ended is no failure. */
  cancel(id: number): Promise<void>
  artifacts(run: number): Promise<readonly ForgeArtifact[]>
  /** The artifact's zip; more than `limitBytes` is a `Failure` `storage-corrupt`. */
  downloadArtifact(id: number, limitBytes: number): Promise<Buffer>
}
