import type { RunPlan } from '../../schemas/generated/types.ts'
import type { Verdict } from '../report/report.ts'
import type { SuggestedFix, Trust } from './world.ts'

export interface CheckAnnotation {
  readonly path: string
  readonly startLine: number
  readonly endLine: number
  /** Only where both lines are the same. */
  readonly startColumn?: number
  readonly endColumn?: number
  readonly level: 'failure' | 'warning' | 'notice'
  /** At most 64 KB. */
  readonly message: string
  /** At most 255 characters. */
  readonly title: string
}

/** At most three per check; what is pressed becomes a `Wish`. Label ≤ 20, description ≤ 40, identifier ≤ 20 characters. */
export interface CheckButton {
  readonly label: string
  readonly description: string
  readonly identifier: string
}

/** A check run as it should be. */
export interface WantedCheck {
  /** `ctss`, `ctss / build`, `ctss / build (plugins/bird)`, `ctss / release (v1.0.0)`. */
  readonly name: string
  /** Goes with it to GitHub, and comes back with its buttons (`externalIdOf`). */
  readonly externalId: string
  readonly commit: string
  readonly state:
    | { readonly status: 'queued' }
    | { readonly status: 'in_progress'; readonly started?: string }
    | {
        readonly status: 'completed'
        readonly conclusion: 'success' | 'failure' | 'neutral' | 'skipped' | 'cancelled' | 'timed_out' | 'action_required'
      }
  readonly title: string
  /** Markdown, at most 65,535 characters. */
  readonly summary: string
  /** The most important first; the executor sends them in batches of 50. */
  readonly annotations: readonly CheckAnnotation[]
  readonly buttons: readonly CheckButton[]
  /** Run whose page `details_url` names; undefined: none was made. */
  readonly run?: string
  /** Changed while it runs and nothing else did: sent at most every 30 s. */
  readonly isProgress: boolean
}

/** What the executor makes so, in this order. Each is idempotent: wanted against present. `reason` is for people who ask why; where a run ends, it becomes the run's own. */
export type Action = { readonly reason: string } & (
  | { readonly kind: 'put-check'; readonly check: WantedCheck }
  /** A run in the queue; `run` is undefined until the executor has drawn its number. */
  | {
      readonly kind: 'create-run'
      readonly path: string
      readonly commit: string
      readonly trust: Trust
      readonly plan: RunPlan
      /** The run's cause: the wish that asked for one more, or `instead:<run>`; the same one never makes two. Undefined: the push itself. */
      readonly wish?: string
    }
  /** From the second on: the workflow run of the dispatch before is cancelled first, where there is one. */
  | { readonly kind: 'dispatch'; readonly run: string; readonly dispatch: number }
  /** Cancels its workflow run, where there is one, and ends it as `cancelled` with this reason. */
  | { readonly kind: 'cancel-run'; readonly run: string }
  /** Its workflow run has completed, or has nothing left to tell. */
  | { readonly kind: 'end-run'; readonly run: string; readonly outcome: 'passed' | 'failed' | 'error' | 'cancelled' }
  /** Fetches the records of a run that has completed and delivered nothing, from its artifacts. It counts as delivered then, whatever was found. */
  | { readonly kind: 'fetch-records'; readonly run: string }
  /** `pullRequest` 0: a branch without one. */
  | { readonly kind: 'approve'; readonly pullRequest: number; readonly commit: string; readonly by: string }
  /** `running`: a table of the stages below a line in Markdown. `final`: the report; `verdict`, in plain text, takes the place of its own where the service knows more. */
  | ({ readonly kind: 'put-comment'; readonly pullRequest: number; readonly path: string } & (
      | { readonly state: 'running'; readonly headline: string }
      | { readonly state: 'final'; readonly verdict?: Verdict }
    ))
  /** Paths begin at the repository's root; messages are Markdown, and safe. */
  | { readonly kind: 'suggest'; readonly pullRequest: number; readonly commit: string; readonly fixes: readonly SuggestedFix[] }
  /** Without reaction and text the wish is done silently. `text` is Markdown, and safe; where there is no comment to answer, nobody reads it. */
  | { readonly kind: 'answer'; readonly wish: string; readonly reaction?: '+1' | '-1' | 'confused'; readonly text?: string }
  | { readonly kind: 'propose'; readonly proposal: 'init' | 'golden'; readonly wish: string; readonly path: string }
  | { readonly kind: 'complete-release'; readonly path: string; readonly tag: string; readonly commit: string }
)

export interface Decision {
  readonly actions: readonly Action[]
  /** When to look again without being woken, RFC 3339; undefined: only when something happens. */
  readonly wakeAt?: string
}
