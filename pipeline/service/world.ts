import type { RunPlan, StageRecord } from '../../schemas/generated/types.ts'
import type { Problem } from '../problem.ts'
import type { StageName } from '../stage.ts'
import type { Wish } from './wish.ts'

/** Who may spend a machine without being asked: writers' own branches are trusted, everything else is not. */
export type Trust = 'trusted' | 'untrusted'

/** What the service watches and decides about, one at a time: a branch, a tag, or the head of a pull request from a fork. */
export interface RefAddress {
  /** GitHub's number of the repository, which a rename keeps. */
  readonly repository: number
  /** `refs/heads/…` (also of a pull request from the same repository), `refs/tags/…`, or `refs/pull/<number>/head` of one from a fork. */
  readonly ref: string
}

export interface Account {
  readonly login: string
  readonly kind: 'person' | 'bot'
}

/** What an account may do in a repository; `write` stands for write, maintain and admin. */
export type Access = 'none' | 'read' | 'write'

export interface RepositoryFacts {
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly isPrivate: boolean
  readonly isArchived: boolean
  readonly defaultBranch: string
  /** `removed`: the app is no longer installed there, or was suspended. `lacking`: permissions that app.yml asks for and the installation has not granted. */
  readonly installation: { readonly kind: 'installed'; readonly lacking: readonly string[] } | { readonly kind: 'removed' }
}

/** What the operator has set. */
export interface ServicePolicy {
  /** Accounts whose repositories may spend machines, in lower case; undefined: everybody's. */
  readonly owners: readonly string[] | undefined
  /** Bots whose branches are trusted as a writer's, by login, for instance `renovate[bot]`. */
  readonly trustedBots: readonly string[]
  readonly drafts: 'run' | 'validate'
  /** How often a run that never started, died, or lost its machine is dispatched again. */
  readonly mostDispatches: number
  /** A dispatched run of which no job has started after this time is given up and dispatched again. */
  readonly startMinutes: number
  /** A run is given up after this time. */
  readonly runMinutes: number
  /**
   * A comment that names no commit approves the head only where it was the head for this long already: who writes has not seen what was pushed a moment ago.
   * Undefined: 60 s.
   */
  readonly approvalSeconds?: number
  readonly budgets: {
    /** Of one repository, and of all of an owner's, in the last 30 days. Undefined: no limit. */
    readonly repositoryMinutes: number | undefined
    readonly ownerMinutes: number | undefined
    readonly ownerServiceUnits: number | undefined
    /** Runs at a time. */
    readonly repositoryRuns: number
    readonly ownerRuns: number
  }
}

/** Machine time that has been spent, and is being spent now. */
export interface BudgetFacts {
  readonly repositoryMinutes: number
  readonly ownerMinutes: number
  readonly ownerServiceUnits: number
  /** Dispatched and not ended. */
  readonly repositoryRuns: number
  readonly ownerRuns: number
}

/** The newest commit of a ref. */
export interface HeadFacts {
  readonly commit: string
  /** The whole message; a stranger's text. */
  readonly message: string
  /** Who pushed it; undefined: nobody knows, so nobody is trusted for it. */
  readonly pusher: (Account & { readonly access: Access }) | undefined
  /**
   * When the ref came to be here for the last time, by GitHub's clock (`Delivery.pushed.at` of the newest push that was told of this ref).
   * Absent where that push is another commit's, or nothing was told: nobody knows then what somebody who wrote a comment has seen.
   */
  readonly since?: string
  /**
   * Of a fork's head: whether a branch of the repository has the same newest commit (GitHub's `branches-where-head`). Its checks are the branch's then: a
   * stranger who opens a pull request with somebody's commit does not change what is said of it. Absent: no.
   */
  readonly isBranchHead?: boolean
}

/** An open pull request whose head is the ref. */
export interface PullRequestFacts {
  readonly number: number
  readonly isDraft: boolean
  /** True also when the fork is gone. */
  readonly isFork: boolean
  readonly author: Account | undefined
  /** Without `refs/heads/`. */
  readonly baseBranch: string
}

/** What is known of one stage of one plugin at one commit. */
export interface StageFacts {
  readonly stage: StageName
  /** `reused`: its record is an earlier run's. `planned`: it will run. `missing`: the run ended without a record of it. */
  readonly state: 'planned' | 'ran' | 'reused' | 'skipped' | 'missing'
  readonly reason: string
  /** Once it is known, gates applied. */
  readonly outcome?: StageRecord['outcome']
  readonly problems: readonly Problem[]
  readonly seconds?: number
  /** Of a record that is reused: the commit that it was made for, and when. */
  readonly from?: { readonly commit: string | null; readonly ended: string }
  /** How long the stage took in earlier runs of this plugin, median in seconds. */
  readonly usualSeconds?: number
}

/** A fix that no author could have meant otherwise, as lines of a file at the head. */
export interface SuggestedFix {
  readonly code: string
  readonly message: string
  readonly file: string
  readonly startLine: number
  readonly endLine: number
  /** The lines as they should be, without a line end at the end; empty: they go. */
  readonly replacement: string
}

/** One plugin of the repository at the head, judged and planned. Paths in its problems and fixes begin at its folder. */
export interface PluginFacts {
  /** Folder in the repository; empty: the root. */
  readonly path: string
  /** namespace/name; undefined while the manifest cannot be read. */
  readonly name: string | undefined
  readonly version: string | undefined
  /** Every stage but `report`, as the plan for the head sees it now: records that arrived are in it. */
  readonly stages: readonly StageFacts[]
  /** To be given to a run; undefined: nothing can be planned. Made for the trust class and the release that `decideTrust` and the ref say. */
  readonly plan: RunPlan | undefined
  readonly fixes: readonly SuggestedFix[]
  /** A trial compares its messages with a file of the repository, which can be recorded. Absent: none does. */
  readonly hasGolden?: boolean
  /** Judging it hit a limit of time or memory, or a bug of ours: the sentence for the author. */
  readonly unjudged?: string
}

export type RunState = 'queued' | 'dispatched' | 'running' | 'ended'
export type RunOutcome = 'passed' | 'failed' | 'error' | 'cancelled'

/** A job of a dispatched run, as GitHub shows it. */
export interface JobFacts {
  readonly id: number
  /** As GitHub shows it, for instance `pipeline / build / linux/arm64`. */
  readonly name: string
  readonly status: 'queued' | 'waiting' | 'in_progress' | 'completed'
  readonly conclusion: string | null
  readonly runner: string | null
  readonly started: string | null
  readonly ended: string | null
  /** Of the step that runs now. */
  readonly step: string | null
}

/** What GitHub says of a workflow run of ours. `missing`: GitHub knows it no longer. */
export interface WorkflowRunFacts {
  readonly id: number
  readonly status: 'queued' | 'in_progress' | 'completed' | 'missing'
  readonly conclusion: string | null
  readonly url: string
  readonly jobs: readonly JobFacts[]
}

/** One plugin's way through the machines at one commit. */
export interface RunFacts {
  /** UUID; also the reference of its plan. */
  readonly id: string
  readonly ref: string
  readonly commit: string
  readonly path: string
  readonly trust: Trust
  readonly release: boolean
  /** As it was made: what the run runs. */
  readonly plan: RunPlan
  /** What it was made for: `push`, the wish that asked for one more, or `instead:<run>` for one that was lost or superseded. */
  readonly cause: string
  readonly state: RunState
  readonly outcome: RunOutcome | undefined
  /** Why it waits, was given up or cancelled. */
  readonly reason: string | undefined
  readonly created: string
  /** Of the newest dispatch. */
  readonly dispatched: string | undefined
  readonly dispatches: number
  readonly workflow: WorkflowRunFacts | undefined
  /** The job that starts the run has come for the plan; from then on only it belongs to this run. */
  readonly isClaimed: boolean
  /** Every record that there is has come, from its jobs or out of its artifacts. */
  readonly isDelivered: boolean
  /**
   * What came of its stages, once it has delivered. Absent: the plugins tell of the newest run at the head; of one at another commit only GitHub's conclusion is known.
   */
  readonly stages?: readonly StageFacts[]
}

/** What somebody with write access has approved: one head commit of one pull request. */
export interface ApprovalFacts {
  /** 0: of a branch without one. */
  readonly pullRequest: number
  readonly commit: string
  readonly by: string
  readonly at: string
}

/** A wish that was not answered yet, with what its author may do now. */
export interface WishFacts {
  readonly wish: Wish
  readonly access: Access
}

/** Of a tag alone. */
export interface TagFacts {
  /** Commit that the tag named when it was seen first. */
  readonly firstCommit: string
  /** `whole`: published with every asset. */
  readonly release: 'none' | 'draft' | 'published' | 'whole'
  /** Its commit is on the default branch, or the newest one of another: a fork's is neither. */
  readonly isReachableFromBranch: boolean
}

/** Something that GitHub did not let the app do. */
export interface Refusal {
  /** Plain text. */
  readonly sentence: string
  /** Without it nothing has passed; else it is only told. */
  readonly isGrave: boolean
}

/** Everything that decides what becomes of a ref: observed afresh each time, events only wake. */
export interface RefWorld {
  /** RFC 3339 in UTC. */
  readonly now: string
  readonly ref: string
  readonly policy: ServicePolicy
  readonly repository: RepositoryFacts
  /** Undefined: the branch or tag is deleted, the pull request closed. */
  readonly head: HeadFacts | undefined
  readonly pullRequests: readonly PullRequestFacts[]
  readonly plugins: readonly PluginFacts[]
  /** Of this ref that have not ended, and all of the head's commit, whatever ref they were made for. */
  readonly runs: readonly RunFacts[]
  readonly approvals: readonly ApprovalFacts[]
  readonly wishes: readonly WishFacts[]
  readonly budget: BudgetFacts
  readonly tag?: TagFacts
  /** What GitHub would not let the app do here when it tried last. */
  readonly refused?: readonly Refusal[]
}
