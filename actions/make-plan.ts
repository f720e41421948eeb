import { planAhead, type PlannedStage, type RunRequest } from '../pipeline/run.ts'
import { worstOutcome } from '../pipeline/plan.ts'
import { platformsOf, type StageOptions } from '../pipeline/stage-scripts/stage-ports.ts'
import { makeStageScripts } from '../pipeline/stage-scripts/stage-scripts.ts'
import { nameOf } from '../pipeline/pipeline.ts'
import { platformRunner, stageRunner, type RunnerMap } from '../pipeline/runner-classes.ts'
import type { StageName } from '../pipeline/stage.ts'
import type { RunPlan, StageRecord } from '../schemas/generated/types.ts'
import { givenStages, sharedRecords, type Job, type Staging } from './job.ts'
import { layeredRecords } from './layered-records.ts'

export interface PlanWish {
  readonly platforms: readonly string[] | undefined
  readonly force: readonly StageName[]
  readonly keepGoing: boolean
  readonly release: boolean
  readonly runners: RunnerMap
}

/** A plan, and what is known already of the run's outcome. */
export interface MadePlan {
  readonly plan: RunPlan
  readonly outcome: 'passed' | 'failed' | 'error'
}

/** Its token may write nothing, whatever the workflow asks for (docs.github.com, "Dependabot on GitHub Actions"). */
const READ_ONLY_ACTOR = 'dependabot[bot]'

/** Plans a run from what is known before any of its jobs. Fails as the ports do. */
export async function makePlan(job: Job, wish: PlanWish): Promise<MadePlan> {
  const planned = await planAhead(...planRequest(job, wish))
  const build = planned.find(({ plan }) => plan.stage === 'build')
  const parts = build?.plan.kind === 'run' && build.key !== null && !wish.force.includes('build') ? await findParts(job, wish) : []
  const platforms = job.pipeline === undefined ? [] : platformsOf(job.pipeline, wish.platforms)
  const plan: RunPlan = {
    schema: 'ctss.run-plan/v1',
    subject: job.subject,
    name: job.pipeline === undefined ? null : nameOf(job.pipeline),
    trust: job.event.trust,
    staging: stagingOf(job),
    release: wish.release,
    keepGoing: wish.keepGoing,
    stages: planned.map((stage) => planStageEntry(stage, job, wish)),
    platforms:
      build === undefined || build.plan.kind === 'skip'
        ? []
        : platforms.map((platform) => {
            const { runner, emulated } = platformRunner(platform, wish.runners)
            return { platform, runner: labels(runner), emulated, build: build.plan.kind === 'run' && !parts.some((part) => isFor(part, platform)) }
          }),
    parts: [...parts],
    tool: { name: 'ctss', version: job.run.toolVersion },
  }
  return { plan, outcome: worstOutcome(planned.flatMap(({ summary }) => summary?.outcome ?? [])) }
}

function stagingOf({ staging, environment }: Job): Staging {
  if (staging !== 'auto') return staging
  return environment.actor === READ_ONLY_ACTOR ? 'archive' : 'registry'
}

function planRequest(job: Job, wish: PlanWish, build?: StageOptions['build']): Parameters<typeof planAhead> {
  const shared = sharedRecords(job, { readOnly: true })
  const scripts = makeStageScripts(
    {
      reading: job.reading,
      nativePlatform: job.nativePlatform,
      platforms: wish.platforms,
      release: wish.release,
      runId: job.runId,
      ...(build && { build }),
    },
    job.stages,
  )
  const request: RunRequest = {
    subject: job.subject,
    pipeline: job.pipeline,
    options: {
      from: 'validate',
      to: 'report',
      force: wish.force,
      keepGoing: wish.keepGoing,
      ...(job.event.trust === 'untrusted' && { unpublished: 'nothing is published for a pull request from a fork' }),
    },
    scripts,
    signal: job.signal,
    given: givenStages(job, 'train'),
  }
  return [request, { ...job.run, ...(shared && { records: layeredRecords(job.run.records, shared) }) }]
}

/** Builds of single platforms that an earlier run has left: an architecture that failed does not make the others build again. */
async function findParts(job: Job, wish: PlanWish): Promise<readonly StageRecord[]> {
  if (job.pipeline === undefined) return []
  const found = platformsOf(job.pipeline, wish.platforms).map(async (platform) => {
    const planned = await planAhead(...planRequest(job, { ...wish, platforms: [platform] }, { kind: 'part' }))
    const build = planned.find(({ plan }) => plan.stage === 'build')?.plan
    return build?.kind === 'reuse' ? [build.record] : []
  })
  return (await Promise.all(found)).flat()
}

function isFor({ details }: StageRecord, platform: string): boolean {
  return details.kind === 'build' && details.platforms.some((candidate) => candidate.platform === platform)
}

function planStageEntry({ plan }: PlannedStage, { pipeline }: Job, { force, runners }: PlanWish): RunPlan['stages'][number] {
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
