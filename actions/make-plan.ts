import { makeRunPlan, type MadePlan, type PlanWish } from '../pipeline/plan/make-run-plan.ts'
import { givenStages, sharedRecords, type Job, type Staging } from './job.ts'
import { layeredRecords } from './layered-records.ts'

/** Its token may write nothing, whatever the workflow asks for (docs.github.com, "Dependabot on GitHub Actions"). */
const READ_ONLY_ACTOR = 'dependabot[bot]'

/** Plans the run of a job that has the verdict over the manifest. Fails as the ports do. */
export async function makePlan(job: Job, wish: PlanWish): Promise<MadePlan> {
  const { subject, tree, reading, stages, event, nativePlatform, runId, signal, run } = job
  const shared = sharedRecords(job, { readOnly: true })
  const records = shared === undefined ? run.records : layeredRecords(run.records, shared)
  const given = givenStages(job, 'train')
  const { toolVersion } = run
  return makeRunPlan({
    subject,
    tree,
    reading,
    records,
    stages,
    wish,
    trust: event.trust,
    staging: stagingOf(job),
    nativePlatform,
    given,
    toolVersion,
    runId,
    signal,
  })
}

function stagingOf({ staging, environment }: Job): Staging {
  if (staging !== 'auto') return staging
  return environment.actor === READ_ONLY_ACTOR ? 'archive' : 'registry'
}
