import type { RunPlan, StageRecord } from '../../schemas/generated/types.ts'
import { validateStageRecord } from '../../schemas/generated/validators.js'
import type { StoredRun } from '../../pipeline/ports/service-state.ts'

const MOST_RECORDS = 64

/** What is asked of a run's job: `{"records": […]}`, each a stage record of this run. A text tells what is wrong with it. */
export function readRecords(body: unknown, run: Pick<StoredRun, 'commit' | 'plan'>): readonly StageRecord[] | string {
  if (typeof body !== 'object' || body === null || !('records' in body) || !Array.isArray(body.records)) return 'the body is not {"records": […]}'
  const items: readonly unknown[] = body.records
  if (items.length > MOST_RECORDS) return `there are more than ${MOST_RECORDS} records`
  const records: StageRecord[] = []
  const seen = new Set<string>()
  for (const [index, item] of items.entries()) {
    if (!validateStageRecord(item)) return `records/${index} is no stage record of this version`
    const place = placeOf(item)
    const fault = seen.has(place) ? `is the second one of ${place}` : foreignTo(run, item)
    if (fault !== undefined) return `records/${index} ${fault}`
    seen.add(place)
    if (isOfThisRun(run.plan, item)) records.push(withSubject(item, run.plan))
  }
  return records
}

/** A stage has one record, but a build that ran in several jobs has one for each platform besides. */
function placeOf({ stage, details }: StageRecord): string {
  return details.kind === 'build' && details.part === true
    ? `${stage} for ${details.platforms
        .map(({ platform }) => platform)
        .toSorted()
        .join(', ')}`
    : stage
}

/** Why a record is not about what the run was dispatched for; undefined: it is. */
function foreignTo({ commit, plan }: Pick<StoredRun, 'commit' | 'plan'>, { stage, subject, outcome, details }: StageRecord): string | undefined {
  if (subject.commit !== commit || subject.tree !== plan.subject.tree || subject.dirty) return 'is about another state of a repository'
  if (details.kind !== 'none' && details.kind !== stage) return `is of ${stage}, and its details are not`
  const planned = plan.stages.find((one) => one.stage === stage)
  if (stage !== 'report' && planned === undefined) return `is of ${stage}, which is not in the plan`
  if (planned?.kind === 'skip' && outcome !== 'skipped') return `is of ${stage}, which was not to run`
  return undefined
}

/** Not the report, which is composed anew; not what an earlier run has made, whose record we have and believe alone. */
function isOfThisRun({ stages }: RunPlan, { stage }: StageRecord): boolean {
  return stages.some((planned) => planned.stage === stage && planned.kind === 'run')
}

/** The commit and its content are compared; how the repository is called, and its tags, are the plan's: pages link there. */
function withSubject(record: StageRecord, { subject }: RunPlan): StageRecord {
  const { index } = record.subject
  return { ...record, subject: { ...subject, ...(index !== undefined && { index }) } }
}
