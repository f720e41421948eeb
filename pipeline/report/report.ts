import type {
  BuildDetails,
  EvaluationMetric,
  EvaluationSlice,
  EvaluationTest,
  Metric,
  StageRecord,
  Subject,
  TrialResult,
} from '../../schemas/generated/types.ts'
import type { SlowStepAdvice } from '../build/slow-steps.ts'
import type { Digest } from '../digest.ts'
import type { ReleaseSummary } from '../ports/catalogue.ts'
import type { Problem } from '../problem.ts'
import type { StageSummary } from '../run.ts'
import type { StageName } from '../stage.ts'
import type { GateDecision } from '../train/gates.ts'

type Outcome = StageRecord['outcome']

/** The bundle that the run left, published or about to be. */
export interface ReportedBundle {
  /** `namespace/name` */
  readonly name: string
  readonly version: string
  readonly digest: Digest
  readonly index: Digest
  /** What `docker pull` takes, by digest. */
  readonly reference: string
  readonly state: 'candidate' | 'release'
}

/** Everything that a report is made of. The records are the only source of figures. */
export interface ReportInput {
  readonly subject: Subject
  readonly stages: readonly StageSummary[]
  readonly gates: readonly GateDecision[]
  /** Of one stage alone, in a job of its own; `plugin` is `namespace/name`, undefined while the manifest cannot be read. */
  readonly part?: { readonly plugin: string | undefined }
  /** The newest release, where there is one. */
  readonly baseline?: ReleaseSummary
  readonly bundle?: ReportedBundle
  readonly toolVersion: string
  /** Where lines can be linked to, when it is not the subject's repository: `https://github.com/owner/name`. */
  readonly repositoryUrl?: string
  /** Base images that were stand-ins, besides those that the records name. */
  readonly standIns?: readonly string[]
}

/** The answer in one sentence, and what to do next. */
export interface Verdict {
  readonly outcome: 'passed' | 'failed' | 'error'
  /** Names the first stage that did not pass; undefined when all did. */
  readonly stage?: StageName
  readonly sentence: string
  readonly next: string
}

export interface StageRow {
  readonly stage: StageName
  readonly outcome: Outcome
  readonly ran: boolean
  readonly seconds: number
  readonly reason?: string
  /** The run that the record comes from, when this one did not run the stage. `seconds` is how long it took then. */
  readonly reusedFrom?: { readonly commit: string | null; readonly started: string; readonly seconds: number }
}

export interface ReportedProblem extends Problem {
  readonly stage: StageName
  /** The line at GitHub; absent when the commit cannot show it. */
  readonly url?: string
}

export interface GateRow {
  /** The metric, with its slice; or the category of evaluation tests. */
  readonly subject: string
  readonly outcome: 'passed' | 'failed'
  readonly found: string
  readonly required: string
  readonly message: string
  readonly informational: boolean
}

/** A lower or upper bound that a gate puts on a metric, for the chart. */
export interface GateLine {
  readonly metric: string
  readonly slice?: string
  readonly bound: 'min' | 'max'
  readonly value: number
}

export interface TestCategory {
  readonly category: string
  readonly passed: number
  readonly total: number
  readonly seconds: number
  /** Those that did not pass. */
  readonly failed: readonly EvaluationTest[]
}

export interface ReportedTrial extends TrialResult {
  /** The testbed that it ran on, in its own words. */
  readonly testbed: string
}

/** Performance of one trial on a platform that this machine runs natively. */
export interface ProfileRow {
  readonly trial: string
  readonly platform: string
  readonly cpu?: string
  readonly metrics: Readonly<Record<string, Metric>>
}

export interface ChangeRow {
  /** What is compared: a metric's name, or a figure of a profile. */
  readonly figure: string
  /** The slice, trial or platform. */
  readonly where: string
  readonly unit: 'number' | Metric['unit']
  readonly before: number
  readonly after: number
  /** Whether the change matters, in the figure's better direction. */
  readonly direction: 'better' | 'worse' | 'same'
}

/** Something that a reader has to know before trusting the figures. */
export interface Reservation {
  readonly kind: 'emulated' | 'sampled' | 'stand-in' | 'network-open' | 'dirty' | 'skipped' | 'not-compared'
  readonly text: string
}

export type ReportSection =
  | { readonly kind: 'stages'; readonly rows: readonly StageRow[] }
  | { readonly kind: 'problems'; readonly rows: readonly ReportedProblem[] }
  | { readonly kind: 'gates'; readonly rows: readonly GateRow[]; readonly lines: readonly GateLine[] }
  | { readonly kind: 'evaluation'; readonly metrics: readonly EvaluationMetric[]; readonly slices: readonly EvaluationSlice[] }
  | { readonly kind: 'evaluation-tests'; readonly categories: readonly TestCategory[] }
  | { readonly kind: 'trials'; readonly trials: readonly ReportedTrial[] }
  | { readonly kind: 'images'; readonly platforms: BuildDetails['platforms'] }
  | { readonly kind: 'slow-steps'; readonly advice: readonly SlowStepAdvice[] }
  | { readonly kind: 'profile'; readonly rows: readonly ProfileRow[]; readonly emulated: readonly string[] }
  | {
      readonly kind: 'changes'
      readonly release: { readonly name: string; readonly version: string; readonly digest: Digest }
      readonly rows: readonly ChangeRow[]
    }
  | { readonly kind: 'bundle'; readonly bundle: ReportedBundle }
  | { readonly kind: 'reservations'; readonly rows: readonly Reservation[] }

/** The one document: laptop, pull request and release show the same. Sections without content are absent; their order is the order of reading. */
export interface Report {
  readonly schema: 'ctss.report/v1'
  /** `namespace/name`, or the repository's name while the manifest cannot be read. */
  readonly name: string
  readonly version?: string
  readonly description?: string
  readonly subject: Subject
  /** `https://github.com/owner/name`, when the repository is there. */
  readonly repositoryUrl?: string
  readonly verdict: Verdict
  readonly sections: readonly ReportSection[]
  readonly tool: { readonly name: 'ctss'; readonly version: string }
}
