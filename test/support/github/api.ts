/** What a test says to the stand-in for GitHub, and what it is told. `README.md` shows it in use. */
import { readAppManifest } from '../../../app/manifest.ts'
import type { MemoryFile } from '../memory-tree.ts'
import type { Fault } from './faults.ts'
import type { ReleaseSettings, StoredRelease } from './releases.ts'

/** `read` < `write` < `admin`, as an app's permissions and a person's role in a repository know it. */
export type Level = 'read' | 'write' | 'admin'

/** Permissions of an app, an installation or a token by GitHub's names, for instance `{ checks: 'write' }`. `metadata: read` is always there. */
export type Permissions = Readonly<Partial<Record<string, Level>>>

export interface GithubOptions {
  /** A free one without it. */
  readonly port?: number
  /** `127.0.0.1` without it; from a container nothing but `0.0.0.0` is reached. */
  readonly host?: string
  readonly app?: AppOptions
  /** Where the app is installed; without it, in `sage`, in all its repositories. */
  readonly installations?: readonly InstallationOptions[]
  /** Further logins beside `PEOPLE`; one that ends in `[bot]` is an app's, which may push everywhere. */
  readonly people?: readonly string[]
  /** Without it, `sage/plugin` alone. Owners that are nobody of the people are organisations. A control repository is one like any other. */
  readonly repositories?: readonly (string | RepositoryOptions)[]
  /** Limits that count; without it, nothing is limited. */
  readonly limits?: Limits
}

export interface AppOptions {
  /** `12345` without it. */
  readonly id?: number
  /** `ctss` without it; comments are by `<slug>[bot]`. */
  readonly slug?: string
  /** Without it, `DEFAULT_PERMISSIONS`. */
  readonly permissions?: Permissions
  /** Without it, `DEFAULT_EVENTS`. What GitHub sends to every app (installation, buttons of its own checks) need not be named. */
  readonly events?: readonly string[]
  /** `s3cr3t` without it. */
  readonly webhookSecret?: string
}

export interface InstallationOptions {
  readonly account: string
  /** Names (`owner/name`); without it, all of the account, later ones too. */
  readonly repositories?: readonly string[]
  /** As the account granted them; without it, all that the app asks for. */
  readonly permissions?: Permissions
}

export interface RepositoryOptions {
  /** `owner/name` */
  readonly name: string
  readonly isPrivate?: boolean
  /** `main` without it. */
  readonly defaultBranch?: string
  /** Its first commit; a README without it. `{}`: an empty repository. */
  readonly files?: Files
  /** By login. Without it, `octocat` is its admin. Everybody may read a public repository. */
  readonly roles?: Readonly<Record<string, Level>>
  /** RFC 3339; now without it. One made before 2026-07-15 has no numbers in the subject of its jobs' tokens. */
  readonly createdAt?: string
}

export interface Limits {
  /** Requests of one token owner within an hour; GitHub gives 5,000. The rest of them answer 403 with `x-ratelimit-reset`. */
  readonly perHour?: number
  /** Points (GET 1, everything else 5) within a minute; GitHub gives 900. Answers 403 with `retry-after`. */
  readonly pointsPerMinute?: number
  /** Things made that notify somebody (comments, issues, pull requests, reviews, releases) within a minute; GitHub gives 80. */
  readonly contentPerMinute?: number
}

/** Files of a commit by path; null removes one. */
export type Files = Readonly<Record<string, MemoryFile | null>>

export interface LoggedRequest {
  /** For instance `POST /repos/sage/plugin/issues/1/comments`. */
  readonly line: string
  /** With its query. */
  readonly path: string
  readonly login: string
  /** Undefined: the connection was cut. 304: a conditional request, which costs nothing. */
  readonly status: number | undefined
  readonly fault?: Fault['kind']
  /** Milliseconds since the epoch, as the stand-in's clock says. */
  readonly atMs: number
}

/** The stand-in. What people do (`person`) happens at once and is no request; what the app does is judged and logged. */
export interface Github extends AsyncDisposable {
  /** Base address of the REST API; `/api/v3` behind it is understood, too. */
  readonly url: string
  /** Of the first repository. */
  readonly owner: string
  readonly repository: string
  /** Tokens of somebody who may write (`octocat`), and of somebody who may read (`stranger`). */
  readonly people: { readonly maintainer: string; readonly stranger: string }
  readonly app: GithubApp
  readonly webhooks: Webhooks
  readonly actions: Actions
  /** The issuer of the tokens of jobs: `url`, whose keys are at `<url>/.well-known/jwks`. */
  readonly oidc: { readonly url: string; sign(claims: Readonly<Record<string, unknown>>): Promise<string> }
  /** Somebody of the people, by login. */
  person(login?: string): Person
  /** A look at a repository, by its name now or earlier; without it, the first. Throws where there is none. */
  repo(name?: string): HostedRepository
  /** Where the app is installed, by account or repository; without it, in the first one's account. Throws where it is not. */
  installation(account?: string): Installation
  install(options: InstallationOptions): Promise<Installation>
  /** A job's token, which comments as `github-actions[bot]`. */
  workflowToken(permissions: Permissions): Promise<string>
  /** Requests so far whose line matches; without a pattern, all. `by` asks for one login (`ctss[bot]`, `ctss` for the app's own calls). */
  calls(pattern?: RegExp, by?: string): readonly LoggedRequest[]
  readonly log: readonly LoggedRequest[]
  /** Requests that GitHub would not understand. */
  readonly violations: readonly Violation[]
  /** Answers and webhooks of the stand-in that GitHub would not give. */
  readonly deviations: ReadonlySet<string>
  /** Takes violations away that a test wants to see, and answers them. */
  forgive(pattern: RegExp): readonly Violation[]
  /** Throws when a request was sent that GitHub would not understand, or when an answer or webhook was not GitHub's. Disposing does it too, where no test did. */
  assertFaithful(): void
  readonly settings: ReleaseSettings
  /** As GitHub keeps them, with every byte. */
  releases(repository?: string): readonly StoredRelease[]
  arm(fault: Fault): void
  disarm(): void
  /** From now on, what is made is missing from lists at first. Undefined: lists are right at once again. */
  lag(lag: Lag | undefined): void
  /** Lets the stand-in's clock jump ahead: tokens, download links and limits end. */
  passTime(ms: number): void
  /** Waits until no webhook is under way for a moment, and, unless only webhooks are meant, no runner is at work. What is held back does not count. */
  settle(what?: 'webhooks'): Promise<void>
}

export interface Violation {
  readonly line: string
  readonly errors: readonly string[]
}

export interface Lag {
  /** Lists that lag; without it, all. */
  readonly on?: RegExp
  /** A new thing is missing from this many answers of the list, */
  readonly requests?: number
  /** or for this long. */
  readonly ms?: number
}

export interface GithubApp {
  readonly id: number
  readonly slug: string
  /** `<slug>[bot]` */
  readonly login: string
  readonly clientId: string
  /** PKCS#1, the newest. */
  readonly privateKey: string
  /** The newest, by which deliveries are signed. */
  readonly webhookSecret: string
  readonly permissions: Permissions
  readonly events: readonly string[]
  /** One more private key beside those that there are. */
  addKey(): string
  removeKey(privateKey: string): void
  /** From now on, deliveries are signed with this one. */
  useSecret(secret: string): void
  /** Changes what the app asks for and, unless only the app is meant, what every installation grants. Level undefined: not at all. */
  setPermission(name: string, level: Level | undefined, where?: 'everywhere' | 'app'): void
  /** The token by which the app shows who it is; ten minutes. */
  jwt(): string
  /** A code as the manifest flow hands it to the app's page, for `POST /app-manifests/{code}/conversions`. */
  manifestCode(): string
}

export interface Installation {
  readonly id: number
  readonly account: string
  /** A token as the app would fetch it. */
  token(options?: { readonly repositories?: readonly string[]; readonly permissions?: Permissions }): string
  setPermission(name: string, level: Level | undefined): Promise<void>
  suspend(): Promise<void>
  unsuspend(): Promise<void>
  uninstall(): Promise<void>
  addRepositories(...names: readonly string[]): Promise<void>
  removeRepositories(...names: readonly string[]): Promise<void>
}

/** What a push changed. */
export interface Pushed {
  /** Full, such as `refs/heads/main`. */
  readonly ref: string
  /** 40 zeros where there was nothing. */
  readonly before: string
  /** 40 zeros where nothing is left. */
  readonly commit: string
}

export interface PushOptions {
  /** `change` without it. */
  readonly message?: string
  /** Replaces the branch by a commit on top of this one; without it, on top of the branch, or of the default branch where it is new. */
  readonly onto?: string
  /** All files of the commit, instead of a change of those below it. */
  readonly isWhole?: boolean
}

/** Somebody, who does what people do by Git and on the web. Each does nothing, and throws, where GitHub would refuse it. */
export interface Person {
  readonly login: string
  /** For requests by this person: `authorization: token …`. */
  readonly token: string
  push(repository: string, branch: string, files: Files, options?: PushOptions): Promise<Pushed>
  /** A folder of this machine as one commit, whole. What `.git` holds stays behind. */
  pushFolder(repository: string, branch: string, folder: string, options?: PushOptions): Promise<Pushed>
  /** Moves or makes a ref (`refs/heads/x`, `refs/tags/v1`) to a commit or tag that the repository or its forks have; by force where need be. */
  pushRef(repository: string, ref: string, commit: string): Promise<Pushed>
  /** All commits of a ref of a local Git repository, with equal ids, to a branch or tag of the same name, or to `to`. */
  mirror(repository: string, folder: string, ref?: string, to?: string): Promise<Pushed>
  deleteRef(repository: string, ref: string): Promise<Pushed>
  /** A tag; of the default branch's head without `commit`. An existing one is moved. */
  tag(repository: string, name: string, options?: { readonly commit?: string; readonly message?: string; readonly isAnnotated?: boolean }): Promise<Pushed>
  /** `head` is a branch, or `owner:branch` of a fork. `base`: the default branch. */
  openPull(
    repository: string,
    options: { readonly head: string; readonly base?: string; readonly title?: string; readonly body?: string; readonly isDraft?: boolean },
  ): Promise<{ readonly number: number; readonly head: string }>
  closePull(repository: string, number: number): Promise<void>
  reopenPull(repository: string, number: number): Promise<void>
  editPull(repository: string, number: number, change: { readonly title?: string; readonly body?: string; readonly base?: string }): Promise<void>
  readyForReview(repository: string, number: number): Promise<void>
  convertToDraft(repository: string, number: number): Promise<void>
  mergePull(repository: string, number: number): Promise<{ readonly commit: string }>
  /** Into the merge queue: a commit on a branch `gh-readonly-queue/…`, and `merge_group`. */
  enqueue(repository: string, number: number): Promise<{ readonly branch: string; readonly commit: string }>
  /** Out of the queue again: merged, or thrown out. */
  dequeue(repository: string, branch: string, isMerged: boolean): Promise<void>
  openIssue(repository: string, title: string, body?: string): Promise<{ readonly number: number }>
  comment(repository: string, number: number, body: string): Promise<{ readonly id: number }>
  editComment(repository: string, id: number, body: string): Promise<void>
  deleteComment(repository: string, id: number): Promise<void>
  /** A button that the app put on its check run. */
  pressButton(repository: string, checkRun: number, identifier: string): Promise<void>
  /** GitHub's own "Re-run" of a check run. */
  rerequestCheck(repository: string, checkRun: number): Promise<void>
  /** GitHub's own "Re-run all checks". */
  rerequestSuite(repository: string, suite: number): Promise<void>
  /** A fork below the person's own account; its name. */
  fork(repository: string, name?: string): Promise<string>
  renameRepository(repository: string, name: string): Promise<string>
  transferRepository(repository: string, owner: string): Promise<string>
  archiveRepository(repository: string): Promise<void>
  unarchiveRepository(repository: string): Promise<void>
  deleteRepository(repository: string): Promise<void>
  /** A release that somebody made by hand. */
  release(
    repository: string,
    tag: string,
    options?: { readonly title?: string; readonly body?: string; readonly isDraft?: boolean; readonly isPrerelease?: boolean },
  ): Promise<{ readonly id: number }>
  cancelRun(repository: string, run: number): Promise<void>
  /** "Re-run all jobs": the next attempt of the run. */
  rerun(repository: string, run: number): Promise<void>
}

/** A look at what a repository holds: for assertions. */
export interface HostedRepository {
  readonly id: number
  /** `owner/name`, as it is now. */
  readonly name: string
  readonly defaultBranch: string
  readonly isArchived: boolean
  /** Commit (or tag object) that a ref names: `refs/heads/main`, or a branch's name. Undefined: there is none. */
  head(ref?: string): string | undefined
  /** Text of a file at a commit or ref. */
  file(path: string, at?: string): string | undefined
  checks(commit?: string): readonly StoredCheck[]
  comments(number: number): Promise<readonly StoredComment[]>
  pulls(): readonly StoredPull[]
  reviews(number: number): readonly StoredReview[]
  /** Writes the files of a commit into a folder, as a checkout would. */
  checkOut(commit: string, folder: string): Promise<void>
  setRole(login: string, level: Level | undefined): void
}

export interface StoredCheck {
  readonly id: number
  readonly suite: number
  readonly app: string
  readonly name: string
  readonly commit: string
  readonly externalId: string
  readonly status: string
  readonly conclusion: string | null
  readonly detailsUrl: string | null
  readonly title: string | null
  readonly summary: string | null
  readonly text: string | null
  readonly annotations: readonly Readonly<Record<string, unknown>>[]
  readonly actions: readonly { readonly label: string; readonly description: string; readonly identifier: string }[]
  readonly startedAt: string | null
  readonly completedAt: string | null
}

export interface StoredComment {
  readonly id: number
  readonly login: string
  readonly body: string
  readonly created: string
  readonly updated: string
  readonly reactions: readonly { readonly login: string; readonly content: string }[]
}

export interface StoredPull {
  readonly number: number
  readonly title: string
  readonly body: string | null
  readonly author: string
  readonly state: 'open' | 'closed'
  readonly isDraft: boolean
  readonly isMerged: boolean
  readonly headRef: string
  /** Undefined: the fork is gone. */
  readonly headRepository: string | undefined
  readonly head: string
  readonly base: string
}

export interface StoredReview {
  readonly id: number
  readonly login: string
  readonly state: string
  readonly body: string
  readonly commit: string
  readonly comments: readonly { readonly path: string; readonly line: number | null; readonly startLine: number | null; readonly body: string }[]
}

export interface WebhookDelivery {
  /** Of this attempt. */
  readonly id: number
  /** The same for every attempt. */
  readonly guid: string
  readonly event: string
  readonly action: string | null
  readonly repository: string | undefined
  readonly isRedelivery: boolean
  readonly payload: Readonly<Record<string, unknown>>
  /** Undefined until it was tried, and where it was dropped or is held back. 0: nobody answered (in time). */
  readonly status: number | undefined
  readonly target: string | undefined
}

/** What becomes of a delivery; `hold` waits for `release`. A dropped one is remembered as failed, and can be asked for again. */
export type DeliveryFate = 'deliver' | 'drop' | 'double' | 'hold'

export interface Webhooks {
  /** One more receiver; several take turns, as replicas behind a balancer. Answers how to part. */
  connect(url: string): () => void
  /** Every attempt so far, the oldest first. */
  readonly deliveries: readonly WebhookDelivery[]
  /** Decides for each delivery; undefined: all are delivered. */
  steer(fate: ((delivery: WebhookDelivery) => DeliveryFate) | undefined): void
  /** Those that are held back, in the order in which they happened. */
  readonly held: readonly WebhookDelivery[]
  /** Delivers what is held back, one after the other; `order` may leave out, repeat and mix. Answers when all are answered. */
  release(order?: (held: readonly WebhookDelivery[]) => readonly WebhookDelivery[]): Promise<void>
  /** The same GUID and body once more. */
  redeliver(id: number): Promise<void>
  /** An event of a test's own making, completed, judged and signed as all others. */
  emit(event: string, payload: Readonly<Record<string, unknown>>, options?: { readonly repository?: string; readonly by?: string }): Promise<void>
  /** How long GitHub waits for an answer; 10 s. */
  timeoutMs: number
}

export type RunStatus = 'queued' | 'in_progress' | 'completed'
export type RunConclusion = 'success' | 'failure' | 'cancelled' | 'skipped' | 'timed_out'

/** Executes a dispatched run: a mini-runner, a script, or a test by hand. What it throws ends the run as failed. */
export type Runner = (run: WorkflowRun) => Promise<void>

export interface Actions {
  /** Who executes runs from now on; undefined: they stay queued, and a test drives them by `runs()`. */
  useRunner(runner: Runner | undefined): void
  /** All runs, the oldest first. */
  runs(repository?: string): readonly WorkflowRun[]
}

/** A run, and what a runner does to it. Every change becomes a webhook. */
export interface WorkflowRun {
  readonly id: number
  readonly attempt: number
  readonly repository: string
  /** `.github/workflows/dispatch.yml` */
  readonly path: string
  /** The workflow's name, and what `run-name` made of the inputs. */
  readonly name: string
  readonly title: string
  readonly event: string
  /** Full ref, and its commit. */
  readonly ref: string
  readonly commit: string
  readonly actor: string
  readonly inputs: Readonly<Record<string, string>>
  readonly status: RunStatus
  readonly conclusion: RunConclusion | null
  readonly jobs: readonly WorkflowJob[]
  readonly artifacts: readonly string[]
  /** Fires when somebody cancels the run. */
  readonly signal: AbortSignal
  /** One more job of this attempt, queued. */
  job(name: string, options?: JobOptions): Promise<WorkflowJob>
  /** An artifact of these files, as actions/upload-artifact leaves it. */
  artifact(name: string, files: Readonly<Record<string, string | Buffer>>): void
  /** Ends the run, and all jobs that have not ended; without a conclusion, that of its jobs. */
  complete(conclusion?: RunConclusion): Promise<void>
  /** Somebody deletes the run: GitHub knows it no longer. */
  remove(): Promise<void>
}

export interface JobOptions {
  /** `['ubuntu-24.04']` without it. */
  readonly labels?: readonly string[]
  /** Names of its steps. */
  readonly steps?: readonly string[]
  /** Workflow that the job is written in, `owner/name/.github/workflows/file.yml@refs/…`; without it, the one that the run's only calls, or the run's own. */
  readonly workflow?: string
}

export interface WorkflowJob {
  readonly id: number
  readonly name: string
  readonly labels: readonly string[]
  readonly status: RunStatus
  readonly conclusion: RunConclusion | null
  readonly runner: string | undefined
  readonly steps: readonly { readonly name: string; readonly status: RunStatus; readonly conclusion: RunConclusion | null }[]
  /** A machine takes it; `GitHub Actions <n>` without a name, one of GitHub's own. */
  start(runner?: string): Promise<void>
  /** Its next step begins; the one before has ended well. Tells nobody, as at GitHub. */
  step(name: string): void
  complete(conclusion?: RunConclusion): Promise<void>
  /** Where the job asks for its OIDC token: `ACTIONS_ID_TOKEN_REQUEST_URL` and `…_TOKEN`, for this process or another. */
  tokenService(): { readonly url: string; readonly token: string }
  /** A token as the job would get it; `claims` replace GitHub's own, for attacks. */
  idToken(audience: string, claims?: Readonly<Record<string, unknown>>): Promise<string>
  /** What a job's processes find in their environment: GitHub's address, repository, run, and the token service. */
  environment(): Readonly<Record<string, string>>
}

/** Who there is, unless a test names more. */
export const PEOPLE = ['octocat', 'stranger', 'dependabot[bot]', 'renovate[bot]', 'github-actions[bot]', 'ctss-bot', 'dependabot-bot'] as const

const { permissions, events } = readAppManifest()

/** What app.yml asks for. */
export const DEFAULT_PERMISSIONS = permissions as Permissions

/** What app.yml listens to. */
export const DEFAULT_EVENTS = events
