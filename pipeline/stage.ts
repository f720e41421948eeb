import type { BlobStore } from './ports/blob-store.ts'
import type { Clock } from './ports/clock.ts'
import type { Progress } from './ports/progress.ts'
import type { RepositoryTree } from './ports/repository-tree.ts'
import type { Environment, File, Problem, StageRecord, Subject } from '../schemas/generated/types.ts'

/** The stages, always these names, in this order. */
export const STAGES = ['validate', 'train', 'build', 'virtual', 'node', 'publish', 'report'] as const

export type StageName = (typeof STAGES)[number]

/** What every stage script is given besides its own ports. */
export interface StageContext {
  readonly tree: RepositoryTree
  readonly subject: Subject
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly progress: Progress
  readonly signal: AbortSignal
  /** An empty folder for this stage alone, removed when the stage ends, however it ends. */
  readonly workFolder: string
  readonly environment: Environment
}

/** What a stage script returns; the runner wraps it into a `StageRecord`. Failures are thrown instead. */
export interface StageResult {
  readonly outcome: 'passed' | 'failed'
  readonly problems: readonly Problem[]
  readonly metrics: StageRecord['metrics']
  readonly files: readonly File[]
  readonly details: StageRecord['details']
  /** Base images of this stage that are stand-ins, for the record's environment. */
  readonly standIns?: readonly string[]
}
