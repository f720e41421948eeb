import type { RunPlan, StageRecord, Subject } from '../../schemas/generated/types.ts'
import { nameOf, type Pipeline } from '../pipeline.ts'
import { worstOutcome } from '../plan.ts'
import type { RepositoryTree } from '../ports/repository-tree.ts'
import type { Records } from '../ports/records.ts'
import { planAhead, type GivenStage, type PlannedStage, type RunRequest } from '../run.ts'
import { platformRunner, stageRunner, type RunnerMap } from '../runner-classes.ts'
import { platformsOf, type StageOptions, type StagePorts } from '../stage-scripts/stage-ports.ts'
import { makeStageScripts } from '../stage-scripts/stage-scripts.ts'
import type { StageName } from '../stage.ts'
import type { PipelineReading } from '../validate/validate.ts'

/** What people ask of a run. */
export interface PlanWish {
  /** Only these; undefined: all that the manifest lists. */
  readonly platforms: readonly string[] | undefined
  /** Stages that run even when a record could be reused. */
  readonly force: readonly StageName[]
  readonly keepGoing: boolean
  readonly release: boolean
  readonly runners: RunnerMap
}

export interface RunPlanRequest {
  readonly subject: Subject
  readonly tree: RepositoryTree
  readonly reading: PipelineReading
  /** Of earlier runs of the same trust class. */
  readonly records: Pick<Records, 'find'>
  /** As `planningPorts` makes them: nothing is opened. */
  readonly stages: StagePorts
  readonly wish: PlanWish
  readonly trust: RunPlan['trust']
  readonly staging: RunPlan['staging']
  /** Of the machine that trains; part of the key of `train`. */
  readonly nativePlatform: string
  /** Stages that have ended: the verdict of `validate`, at least, or nothing is published. */
  readonly given: Readonly<Partial<Record<StageName, GivenStage>>>
  readonly toolVersion: string
  readonly runId: string
  readonly signal: AbortSignal
}

/** A plan, and what is known already of the run that it is for. */
export interface MadePlan {
  readonly plan: RunPlan
  /** Every stage but `report`, with the summaries of those that will not run. */
  readonly planned: readonly PlannedStage[]
  readonly outcome: 'passed' | 'failed' | 'error'
}

/** Plans a run from what is known before any of its jobs. Fails as the ports do. */
export async function makeRunPlan(request: RunPlanRequest): Promise<MadePlan> {
  const { subject, reading, wish, trust, staging, toolVersion } = request
  const { pipeline } = reading
  const planned = await planStages(request)
  const build = planned.find(({ plan }) => plan.stage === 'build')
  const parts = build?.plan.kind === 'run' && build.key !== null && !wish.force.includes('build') ? await findParts(request) : []
  const platforms = pipeline === undefined || build === undefined || build.plan.kind === 'skip' ? [] : platformsOf(pipeline, wish.platforms)
  const plan: RunPlan = {
    schema: 'ctss.run-plan/v1',
    subject,
    name: pipeline === undefined ? null : nameOf(pipeline),
    trust,
    staging,
    release: wish.release,
    keepGoing: wish.keepGoing,
    stages: planned.map((stage) => planStageEntry(stage, pipeline, wish)),
    platforms: platforms.map((platform) => {
      const { runner, emulated } = platformRunner(platform, wish.runners)
      return { platform, runner: labels(runner), emulated, build: build?.plan.kind === 'run' && !parts.some((part) => isFor(part, platform)) }
    }),
    parts: [...parts],
    tool: { name: 'ctss', version: toolVersion },
  }
  return { plan, planned, outcome: worstOutcome(planned.flatMap(({ summary }) => summary?.outcome ?? [])) }
}

async function planStages(request: RunPlanRequest, build?: StageOptions['build']): Promise<readonly PlannedStage[]> {
  const { subject, tree, reading, records, stages, wish, trust, nativePlatform, given, runId, signal } = request
  const scripts = makeStageScripts({ reading, nativePlatform, platforms: wish.platforms, release: wish.release, runId, ...(build && { build }) }, stages)
  const options: RunRequest['options'] = {
    from: 'validate',
    to: 'report',
    force: wish.force,
    keepGoing: wish.keepGoing,
    ...(trust === 'untrusted' && { unpublished: 'nothing is published for a pull request from a fork' }),
  }
  return planAhead({ subject, pipeline: reading.pipeline, options, scripts, signal, given }, { tree, records })
}

/** Builds of single platforms that an earlier run has left: an architecture that failed does not make the others build again. */
async function findParts(request: RunPlanRequest): Promise<readonly StageRecord[]> {
  const { reading, wish } = request
  if (reading.pipeline === undefined) return []
  const found = platformsOf(reading.pipeline, wish.platforms).map(async (platform) => {
    const planned = await planStages({ ...request, wish: { ...wish, platforms: [platform] } }, { kind: 'part' })
    const build = planned.find(({ plan }) => plan.stage === 'build')?.plan
    return build?.kind === 'reuse' ? [build.record] : []
  })
  return (await Promise.all(found)).flat()
}

function isFor({ details }: StageRecord, platform: string): boolean {
  return details.kind === 'build' && details.platforms.some((candidate) => candidate.platform === platform)
}

function planStageEntry({ plan }: PlannedStage, pipeline: Pipeline | undefined, { force, runners }: PlanWish): RunPlan['stages'][number] {
  const { stage, kind, reason } = plan
  return {
    stage,
    kind,
    reason,
    ...(force.includes(stage) && { force: true }),
    ...(plan.kind === 'reuse' && { record: plan.record }),
    ...((stage === 'train' || stage === 'virtual' || stage === 'node') && { runner: labels(stageRunner(stage, pipeline, runners)) }),
  }
}

function labels([first = 'ubuntu-24.04', ...others]: readonly string[]): RunPlan['platforms'][number]['runner'] {
  return [first, ...others]
}
