import type { RunPlan, StageRecord } from '../../schemas/generated/types.ts'
import type { Wish } from '../service/wish.ts'
import type { Account, ApprovalFacts, RefAddress, RunFacts, RunOutcome, RunState, Trust } from '../service/world.ts'
import type { Records } from './records.ts'

/** A repository as the service knows it; GitHub's number stays when it is renamed or transferred. */
export interface KnownRepository {
  readonly id: number
  readonly owner: string
  readonly name: string
  /** Undefined: the app is not installed there any more. */
  readonly installation: number | undefined
  readonly isSuspended: boolean
}

/** A run as it is kept; what GitHub says of it is asked anew each time. */
export interface StoredRun extends Omit<RunFacts, 'workflow' | 'isClaimed' | 'isDelivered'> {
  readonly repository: number
  readonly plan: RunPlan
  /** What it was made for: `push`, or the wish that asked for one more. */
  readonly cause: string
  /** Workflow run of the newest dispatch, once it is known. */
  readonly workflowRun: number | undefined
  readonly claim: RunClaim | undefined
  readonly delivered: string | undefined
  readonly minutes: number | undefined
}

/** The job that came first for the plan, by its OIDC token; every other one is refused. */
export interface RunClaim {
  readonly workflowRun: number
  readonly attempt: number
  readonly at: string
}

export interface NewRun {
  readonly id: string
  readonly repository: number
  readonly ref: string
  readonly commit: string
  readonly path: string
  readonly trust: Trust
  readonly release: boolean
  readonly plan: RunPlan
  readonly cause: string
  readonly now: string
}

/** One effect on the world that cannot be repeated without harm, such as a comment that is made. */
export type EffectState =
  /** Nobody has begun it: now we have. */
  | { readonly kind: 'begun' }
  /** Somebody began it (we, perhaps, before we died) and nobody knows how it ended: look at the world before doing it again. */
  | { readonly kind: 'in-doubt'; readonly since: string }
  /** `content`: digest of what was written last; `external`: what the world calls it (the id of a comment, of a check run). */
  | { readonly kind: 'done'; readonly external: string; readonly content: string; readonly at: string }

/** Effects by key, for instance `comment:<repository>:<pull request>:<path>`. */
export interface Effects {
  /** Begins an effect that nobody has begun, or tells how it stands. Atomic among replicas. */
  begin(key: string, now: string): Promise<EffectState>
  finish(key: string, external: string, content: string, now: string): Promise<void>
  /** Begins one anew that was in doubt or done: its thing is gone. */
  restart(key: string, now: string): Promise<void>
}

/**
 * What the service itself remembers: the rest is asked of GitHub each time. States of runs only go forward.
 * Everything fails with `storage-full`, `storage-unavailable`; what was answered is durable.
 */
export interface ServiceState {
  readonly effects: Effects

  repository(id: number): Promise<KnownRepository | undefined>
  repositories(): Promise<readonly KnownRepository[]>
  putRepository(repository: KnownRepository): Promise<void>

  /** Who pushed a commit to a ref, as a webhook told; `at`: when, by GitHub's clock, where it told. Of several pushes of one commit the newest counts. */
  putPusher(address: RefAddress, commit: string, pusher: Account, at?: string): Promise<void>
  pusher(address: RefAddress, commit: string): Promise<Account | undefined>
  /** The newest push to a ref, by GitHub's clock, of those that were told with their time (`Delivery.pushed.at`, kept by the inbox); one told late changes nothing. */
  lastPush(address: RefAddress): Promise<{ readonly commit: string; readonly at: string } | undefined>

  /** The commit that a tag named when it was seen first, which never changes; `commit` becomes it where there is none. */
  firstTagCommit(address: RefAddress, commit: string): Promise<string>

  /** Keeps a wish once; false: it was there, whether answered or not. */
  putWish(address: RefAddress, wish: Wish): Promise<boolean>
  /** Those that were not answered, the oldest first. */
  openWishes(address: RefAddress): Promise<readonly Wish[]>
  answerWish(id: string, now: string): Promise<void>

  approvals(repository: number, pullRequest: number): Promise<readonly ApprovalFacts[]>
  putApproval(repository: number, approval: ApprovalFacts): Promise<void>

  /** Makes a run; where there is one of the same repository, commit, path, trust, release and cause, that one is answered. */
  createRun(run: NewRun): Promise<StoredRun>
  run(id: string): Promise<StoredRun | undefined>
  runOfWorkflow(workflowRun: number): Promise<StoredRun | undefined>
  /** Those of a ref that have not ended, and all of a commit of its repository; the newest first. */
  runsOf(address: RefAddress, commit: string | undefined): Promise<readonly StoredRun[]>
  /** All that have not ended, the oldest first. */
  openRuns(): Promise<readonly StoredRun[]>
  /**
   * Moves a run forward; one that is there already, or further, is left as it is, but for a workflow run that was not known. Answers what it is now.
   * A later dispatch is further than an earlier one: it forgets the workflow run of the one before, and who had claimed it. Nothing comes after the end.
   */
  moveRun(
    id: string,
    change: {
      readonly state: RunState
      readonly now: string
      readonly dispatches?: number
      readonly workflowRun?: number
      readonly outcome?: RunOutcome
      readonly reason?: string
      readonly minutes?: number
    },
  ): Promise<StoredRun>
  /** The first claim stays, and its workflow run is the run's; answers the one that counts. */
  claimRun(id: string, claim: RunClaim): Promise<RunClaim>
  /** Marks something that may be done once for a run, such as handing out its token; false: it was done before. */
  once(run: string, what: string, now: string): Promise<boolean>
  /** `records`: everything that came, also of stages that failed or were skipped, whose keys may say nothing. The first delivery stays. */
  deliverRun(id: string, now: string, records: readonly StageRecord[]): Promise<void>
  /** What a run has delivered, in the order in which it came; none before. */
  recordsOfRun(id: string): Promise<readonly StageRecord[]>

  /** Records of a trust class of one repository: trusted runs read trusted ones only. */
  records(repository: number, trust: Trust): Records
  /** Seconds that a stage took lately in trusted runs of a plugin, at most the newest 20. */
  stageSeconds(repository: number, path: string, stage: string): Promise<readonly number[]>

  /** Machine minutes and open runs of a repository and of all repositories of its owner, since a time. */
  spending(
    repository: number,
    since: string,
  ): Promise<{
    readonly repositoryMinutes: number
    readonly ownerMinutes: number
    readonly repositoryRuns: number
    readonly ownerRuns: number
  }>

  /** When the newest sweep of a name that came to its end was begun, by whichever replica; undefined: none has ended. */
  lastSweep(name: string): Promise<string | undefined>
  /** Notes that a sweep came to its end; the one noted last counts. */
  putSweep(name: string, began: string): Promise<void>
}
