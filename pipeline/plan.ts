import type { StageRecord } from '../schemas/generated/types.ts'
import type { Digest } from './digest.ts'
import type { Pipeline } from './pipeline.ts'
import { STAGES, type StageName } from './stage.ts'

export interface PlanOptions {
  readonly from: StageName
  readonly to: StageName
  /** Stages that run even when a record could be reused. */
  readonly force: readonly StageName[]
  /** Go on after errors; nothing is published after one all the same. */
  readonly keepGoing: boolean
  /** The stages that may run here; absent: all. In a workflow, each of the others runs in a job of its own. */
  readonly here?: readonly StageName[]
  /** Why nothing may be published, whatever the stages come to: a pull request from a fork, say. */
  readonly unpublished?: string
}

/** What is known when the plan is made. The runner asks again after each stage, when more is known. */
export interface PlanFacts {
  /** Undefined: the manifest cannot be read, so nothing can be built. */
  readonly pipeline: Pipeline | undefined
  readonly options: PlanOptions
  /** Key of a stage, as soon as everything that it depends on is known. */
  readonly keys: Readonly<Partial<Record<StageName, Digest>>>
  /** The record of that key, where there is one that passed. */
  readonly records: Readonly<Partial<Record<StageName, StageRecord>>>
  /** Stages that this run has finished (by running, reusing or skipping), gates applied. */
  readonly outcomes: Readonly<Partial<Record<StageName, StageRecord['outcome']>>>
  /** Whether the results of the stages before leave something to work on: a model for `build`, an image for `virtual`. */
  readonly usable: Readonly<Partial<Record<StageName, boolean>>>
  /** Hardware that a stage needs, where there is some. */
  readonly attached?: { readonly node?: boolean }
}

export type StagePlan =
  | { readonly stage: StageName; readonly kind: 'run'; readonly reason: string }
  | { readonly stage: StageName; readonly kind: 'reuse'; readonly record: StageRecord; readonly reason: string }
  | { readonly stage: StageName; readonly kind: 'skip'; readonly reason: string }

/** The one plan: what becomes of each stage, with the reason. Pure; CLI and workflows call it. */
export function planRun(facts: PlanFacts): readonly StagePlan[] {
  return STAGES.map((stage) => planStage(stage, facts))
}

/** What becomes of one stage, as far as is known now. */
export function planStage(stage: StageName, facts: PlanFacts): StagePlan {
  const reason = reasonToSkip(stage, facts)
  if (reason !== undefined) return { stage, kind: 'skip', reason }
  const record = facts.records[stage]
  if (record === undefined)
    return { stage, kind: 'run', reason: facts.keys[stage] === undefined ? 'its inputs are not known yet' : 'no record of these inputs' }
  if (facts.options.force.includes(stage)) return { stage, kind: 'run', reason: 'forced' }
  return { stage, kind: 'reuse', record, reason: 'nothing that it depends on has changed' }
}

function reasonToSkip(stage: StageName, facts: PlanFacts): string | undefined {
  if (stage === 'report') return undefined
  return outsideRange(stage, facts) ?? notApplicable(stage, facts) ?? stoppedBy(stage, facts)
}

function outsideRange(stage: StageName, { options, records }: PlanFacts): string | undefined {
  const index = STAGES.indexOf(stage)
  if (index > STAGES.indexOf(options.to)) return `it comes after --to ${options.to}`
  if (records[stage] !== undefined) return undefined
  if (index < STAGES.indexOf(options.from)) return `it comes before --from ${options.from}, and there is no record to reuse`
  return options.here?.includes(stage) === false ? 'it runs in a job of its own, which has left no record here' : undefined
}

function notApplicable(stage: StageName, { pipeline, outcomes, options, attached = {} }: PlanFacts): string | undefined {
  if (stage === 'validate') return undefined
  if (pipeline === undefined) return 'the manifest cannot be read'
  if (stage === 'train' && pipeline.training === undefined) return 'ctss.yaml has no training section'
  if (stage === 'node' && attached.node !== true) return 'no Waggle node is attached'
  if ((stage === 'virtual' || stage === 'node') && outcomes.build === 'skipped') return 'there is no image to test'
  if (stage === 'publish' && options.unpublished !== undefined) return options.unpublished
  if (stage === 'publish' && outcomes.build === 'skipped') return 'there is no image to publish'
  if (stage === 'publish' && outcomes.virtual === 'skipped') return 'the image has not been tested'
  return undefined
}

function stoppedBy(stage: StageName, { options, outcomes, usable }: PlanFacts): string | undefined {
  const before = STAGES.slice(0, STAGES.indexOf(stage))
  const stopper = before.find((earlier) => outcomes[earlier] === 'failed' || outcomes[earlier] === 'error')
  if (stopper !== undefined && (stage === 'publish' || !options.keepGoing)) {
    return outcomes[stopper] === 'error' ? `${stopper} ended in an error` : `${stopper} did not pass`
  }
  if (usable[stage] === false) return stage === 'build' ? 'it needs the model that train would have made' : 'the stages before left nothing to work on'
  return undefined
}

/** The stages before that must have ended before the key of a stage can be known. */
export function stagesBefore(stage: StageName, pipeline: Pipeline | undefined): readonly StageName[] {
  switch (stage) {
    case 'validate':
    case 'train':
      return []
    case 'build':
      return pipeline?.model?.source.kind === 'train' ? ['train'] : []
    case 'virtual':
    case 'node':
      return ['build']
    case 'publish':
      return ['train', 'build', 'virtual', 'node']
    case 'report':
      return STAGES.slice(0, -1)
  }
}

/** Outcome of a whole run: the worst of its stages. */
export function worstOutcome(outcomes: readonly StageRecord['outcome'][]): 'passed' | 'failed' | 'error' {
  if (outcomes.includes('error')) return 'error'
  return outcomes.includes('failed') ? 'failed' : 'passed'
}
