import type { ColumnType } from 'kysely'

/** A 64-bit number, such as GitHub's ids: `pg` reads it as text, PGlite as a number. */
type Long = ColumnType<string | number, number, number>
/** RFC 3339 in, a date out. */
type Time = ColumnType<Date, string, string>
type MaybeLong = ColumnType<string | number | null, number | null | undefined, number | null>
type MaybeTime = ColumnType<Date | null, string | null | undefined, string | null>
/** Not in an insert: it begins empty. */
type Later<Value> = ColumnType<Value | null, Value | null | undefined, Value | null>

export interface RunsTable {
  id: string
  repository: Long
  ref: string
  commit: string
  path: string
  trust: string
  release: boolean
  cause: string
  /** JSON of a `RunPlan`. */
  plan: string
  state: string
  outcome: Later<string>
  reason: Later<string>
  created: Time
  dispatched: MaybeTime
  dispatches: number
  workflow_run: MaybeLong
  claim_workflow_run: MaybeLong
  claim_attempt: Later<number>
  claim_at: MaybeTime
  delivered: MaybeTime
  ended: MaybeTime
  minutes: Later<number>
}

/** The tables that `migrations.ts` makes. JSON is kept as text, which can hold what `jsonb` refuses (NUL in a string). */
export interface ServiceTables {
  'service.repositories': { id: Long; owner: string; name: string; installation: MaybeLong; is_suspended: boolean }
  'service.pushers': { repository: Long; ref: string; commit: string; login: string; kind: string; at: MaybeTime }
  'service.tags': { repository: Long; ref: string; commit: string }
  'service.wishes': { id: string; repository: Long; ref: string; at: Time; document: string; answered: MaybeTime }
  'service.approvals': { repository: Long; pull_request: number; commit: string; account: string; at: Time }
  'service.effects': { key: string; since: Time; external: Later<string>; content: Later<string>; at: MaybeTime }
  'service.runs': RunsTable
  'service.marks': { run: string; what: string; at: Time }
  'service.run_records': { run: string; position: number; document: string }
  'service.records': {
    repository: Long
    trust: string
    key: string
    path: string
    stage: string
    outcome: string
    seconds: number
    ended: Time
    document: string
  }
  'service.deliveries': { id: string; arrived: ColumnType<Date, never, never> }
  'service.refs': {
    repository: Long
    ref: string
    told: Long
    done: ColumnType<string | number, number | undefined, number>
    cause: string
    told_at: ColumnType<Date, never, Date>
    wake_at: MaybeTime
    error: Later<string>
    parked_at: MaybeTime
    attempts: Later<number>
  }
  'service.sweeps': { name: string; began: Time }
}
