import type { RunPlan, StageRecord } from '../../schemas/generated/types.ts'
import { validateStageRecord } from '../../schemas/generated/validators.js'
import type { StoredRun } from '../../pipeline/ports/service-state.ts'

const MOST_RECORDS = 64
const SECOND_CHARACTERS = '2026-11-21T12:00:00'.length

type Run = Pick<StoredRun, 'commit' | 'plan' | 'trust'>

/**
 * What is asked of a run's job: `{"records": […], "reused": […]}`. The first are stage records of this run; the others, which only a trusted run may have, are
 * of earlier runs: its jobs have found them under the key of a stage, and gone on with them. A text tells what is wrong with it.
 */
export function readRecords(body: unknown, run: Run): readonly StageRecord[] | string {
  const reused: unknown = typeof body === 'object' && body !== null && 'reused' in body ? body.reused : []
  if (typeof body !== 'object' || body === null || !('records' in body) || !Array.isArray(body.records) || !Array.isArray(reused))
    return 'the body is not {"records": […]}'
  const own: readonly unknown[] = body.records
  const items = own.concat(reused)
  if (items.length > MOST_RECORDS) return `there are more than ${MOST_RECORDS} records`
  const records: StageRecord[] = []
  const seen = new Set<string>()
  for (const [index, item] of items.entries()) {
    const isReused = index >= own.length
    const name = isReused ? `reused/${index - own.length}` : `records/${index}`
    if (!validateStageRecord(item)) return `${name} is no stage record of this version`
    const place = placeOf(item)
    const fault = seen.has(place) ? `is the second one of ${place}` : foreignTo(run, item, isReused)
    if (fault !== undefined) return `${name} ${fault}`
    seen.add(place)
    if (isOfThisRun(run.plan, item)) records.push(isReused ? item : withSubject(item, run.plan))
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
function foreignTo({ commit, plan, trust }: Run, record: StageRecord, isReused: boolean): string | undefined {
  const { stage, subject, outcome, details, started, ended } = record
  if (![started, ended].every(isTime)) return 'has a time that never was'
  const isOwn = subject.commit === commit && subject.tree === plan.subject.tree
  if (subject.dirty || (isReused ? trust === 'untrusted' : !isOwn)) return 'is about another state of a repository'
  if (details.kind !== 'none' && details.kind !== stage) return `is of ${stage}, and its details are not`
  const planned = plan.stages.find((one) => one.stage === stage)
  if (stage !== 'report' && planned === undefined) return `is of ${stage}, which is not in the plan`
  if (planned?.kind === 'skip' && outcome !== 'skipped') return `is of ${stage}, which was not to run`
  return undefined
}

/** The schema takes 9999-99-99T99:99:99Z and the 31st of February, and a database does not. */
function isTime(text: string): boolean {
  const ms = Date.parse(text)
  return ms > 0 && new Date(ms).toISOString().slice(0, SECOND_CHARACTERS) === text.slice(0, SECOND_CHARACTERS)
}

/** Not the report, which is composed anew; not what the plan says is reused, whose record we have and believe alone. */
function isOfThisRun({ stages }: RunPlan, { stage }: StageRecord): boolean {
  return stages.some((planned) => planned.stage === stage && planned.kind === 'run')
}

/** The commit and its content are compared; how the repository is called, and its tags, are the plan's: pages link there. */
function withSubject(record: StageRecord, { subject }: RunPlan): StageRecord {
  const { index } = record.subject
  return { ...record, subject: { ...subject, ...(index !== undefined && { index }) } }
}
