import { digestOf } from '../../pipeline/digest.ts'
import type { StageName } from '../../pipeline/stage.ts'
import type { StageRecord, Subject } from '../../schemas/generated/types.ts'

export const SUBJECT: Subject = { repository: 'https://github.com/zelda/cloud-counter', commit: 'a'.repeat(40), dirty: false, tree: digestOf('tree') }

/** A stage record that passed; override what the test is about. */
export function makeRecord(stage: StageName, overrides: Partial<StageRecord> = {}): StageRecord {
  return {
    schema: 'ctss.stage-record/v1',
    stage,
    subject: SUBJECT,
    key: digestOf(stage),
    outcome: 'passed',
    started: '2026-11-21T12:00:00.000Z',
    ended: '2026-11-21T12:00:10.000Z',
    problems: [],
    metrics: {},
    files: [],
    environment: { kind: 'laptop' },
    tool: { name: 'ctss', version: '0.0.0' },
    details: { kind: 'none' },
    ...overrides,
  }
}
