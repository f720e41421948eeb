import type { RunPlan } from '../../schemas/generated/types.ts'
import type { StageName } from '../stage.ts'
import type { PluginFacts, RunFacts } from './world.ts'

/** Stages that need no machine: the app judges a repository itself, and composes the report. */
const WITHOUT_MACHINE: readonly StageName[] = ['validate', 'report']

/** Whether somebody has to run something for this plan. */
export function needsRun(plan: RunPlan): boolean {
  return plan.stages.some(({ stage, kind }) => kind === 'run' && !WITHOUT_MACHINE.includes(stage))
}

/** Whether the plan runs a stage on a machine. */
export function runsStage({ stages }: RunPlan, stage: StageName): boolean {
  return !WITHOUT_MACHINE.includes(stage) && stages.some((entry) => entry.stage === stage && entry.kind === 'run')
}

/** Stages that a plan runs although there is a record. */
export function forcedStages({ stages }: RunPlan): readonly StageName[] {
  return stages.filter(({ force }) => force === true).map(({ stage }) => stage)
}

/** Stages that can be run again: those that the plan does not skip. */
export function applicableStages({ stages }: RunPlan): readonly StageName[] {
  return stages.filter(({ stage, kind }) => kind !== 'skip' && !WITHOUT_MACHINE.includes(stage)).map(({ stage }) => stage)
}

/** The plan with stages that run whatever the records say. What comes after them cannot know yet what it will work on. */
export function forceStages(plan: RunPlan, forced: readonly StageName[]): RunPlan {
  const applicable = applicableStages(plan).filter((stage) => forced.includes(stage))
  const first = plan.stages.findIndex(({ stage }) => applicable.includes(stage))
  if (first === -1) return plan
  const isBuilt = applicable.includes('build')
  return {
    ...plan,
    stages: plan.stages.map((entry, index) => {
      const { record: _, force: __, ...rest } = entry
      if (applicable.includes(entry.stage)) return { ...rest, kind: 'run', reason: 'forced', force: true }
      return index > first && entry.kind === 'reuse' ? { ...rest, kind: 'run', reason: 'its inputs are not known yet' } : entry
    }),
    platforms: isBuilt ? plan.platforms.map((platform) => ({ ...platform, build: true })) : plan.platforms,
    parts: isBuilt ? [] : plan.parts,
  }
}

/** What a run makes of its stages: `unfinished` where one that it was to run has left no record, and none before it has failed. */
export function outcomeOfRun(run: RunFacts, stages: PluginFacts['stages']): 'passed' | 'failed' | 'error' | 'unfinished' {
  for (const { stage, state, outcome } of stages) {
    if (outcome === 'failed' || outcome === 'error') return outcome
    if (runsStage(run.plan, stage) && (state === 'planned' || state === 'missing')) return 'unfinished'
  }
  return 'passed'
}
