import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StageRecord } from '../../../schemas/generated/types.ts'
import { validateStageRecord } from '../../../schemas/generated/validators.js'

/** What has to be the same wherever a commit runs: laptop, act, mini-runner. Digests of images, times and machines are not. */
export interface RunFacts {
  /** What became of each stage, gates decided. */
  readonly outcomes: Readonly<Record<string, string>>
  readonly problems: readonly unknown[]
  readonly gates: readonly unknown[]
  readonly records: Readonly<Record<string, RecordFacts>>
}

interface RecordFacts {
  readonly outcome: string
  /** Of `validate`, `train` and `build`; the other stages' keys hold digests of images, which differ from build to build. */
  readonly key?: string
  readonly problems: readonly unknown[]
  /** Role and name of each file. */
  readonly files: readonly string[]
  /** By trial and platform. */
  readonly expectations: readonly unknown[]
}

const KEYED = ['validate', 'train', 'build']

/** The facts of the records of a run, and of the folder of its report. */
export function factsOf(records: readonly StageRecord[], reportFolder: string): RunFacts {
  const facts = records.map((record): [string, RecordFacts] => {
    const { stage, outcome, key, problems, files, details } = record
    const trials = details.kind === 'virtual' ? details.trials : []
    return [
      stage,
      {
        outcome,
        ...(KEYED.includes(stage) && { key }),
        problems,
        files: files.map(({ role, name }) => [role, name].filter(Boolean).join(' ')).toSorted(),
        expectations: trials.map(({ name, platform, outcome: verdict, expectations }) => ({ trial: name, platform, verdict, expectations })),
      },
    ]
  })
  const rows = (kind: string): readonly unknown[] => rowsOf(reportFolder, kind)
  return { outcomes: readOutcomes(reportFolder), problems: rows('problems'), gates: rows('gates'), records: Object.fromEntries(facts) }
}

/** What became of each stage, as the report of a run says it. */
export function readOutcomes(reportFolder: string): Readonly<Record<string, string>> {
  const rows = rowsOf(reportFolder, 'stages') as readonly { readonly stage: string; readonly outcome: string }[]
  return Object.fromEntries(rows.map(({ stage, outcome }) => [stage, outcome]))
}

function rowsOf(reportFolder: string, kind: string): readonly unknown[] {
  const { sections } = JSON.parse(readFileSync(join(reportFolder, 'report.json'), 'utf8')) as {
    readonly sections: readonly { readonly kind: string; readonly rows?: readonly unknown[] }[]
  }
  return sections.find((section) => section.kind === kind)?.rows ?? []
}

/** Reads a stage record; throws when it is none. */
export function readRecord(file: string): StageRecord {
  const record: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (!validateStageRecord(record)) throw new Error(`${file} is no stage record: ${JSON.stringify(validateStageRecord.errors)}`)
  return record
}

/** The record that each job of a run has left among its artifacts, by the artifact's name without `ctss-`. */
export function recordsAmong(artifacts: string): Readonly<Record<string, StageRecord>> {
  const names = readdirSync(artifacts).filter((name) => existsSync(join(artifacts, name, 'record.json')))
  return Object.fromEntries(names.map((name) => [name.replace(/^ctss-/, ''), readRecord(join(artifacts, name, 'record.json'))]))
}
