import type { BuildDetails, Model, StageRecord, TrainDetails } from '../../schemas/generated/types.ts'
import { hasErrors } from '../problem.ts'
import type { RunState } from '../run.ts'
import type { StageName } from '../stage.ts'

/** What the stages of a run have come to so far. */
export type Summaries = Pick<RunState, 'summaries'>

/** The record of a stage, this run's gates applied to its outcome. */
export function recordOf({ summaries }: Summaries, stage: StageName): StageRecord | undefined {
  const summary = summaries.find((candidate) => candidate.stage === stage)
  return summary?.record && { ...summary.record, outcome: hasErrors(summary.problems) ? 'failed' : summary.record.outcome }
}

/** What the training of a run has come to; undefined without one. */
export function trainDetails(run: Summaries): TrainDetails | undefined {
  const details = recordOf(run, 'train')?.details
  return details?.kind === 'train' ? details : undefined
}

/** The model that the run's training left, where the pipeline builds with it. */
export function trainedModel(run: Summaries & Pick<RunState, 'pipeline'>): Model | undefined {
  return run.pipeline?.model?.source.kind === 'train' ? trainDetails(run)?.model : undefined
}

/** What the build of a run has come to; undefined without one. */
export function buildDetails(run: Summaries): BuildDetails | undefined {
  const details = recordOf(run, 'build')?.details
  return details?.kind === 'build' ? details : undefined
}

/** The planner lets a stage run only when its inputs are there. */
export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new TypeError(`a stage was started without its ${name}`)
  return value
}
