import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunPlan } from '../schemas/generated/types.ts'
import { validateRunPlan, validateStageRecord } from '../schemas/generated/validators.js'
import { Failure } from '../pipeline/failure.ts'

/** Largest plan that is read; it holds the records that are reused. */
const PLAN_BYTES = 64 * 2 ** 20

/** The plan of this run, from the first folder below one of the parents that holds one; undefined: the action works alone. Fails with `storage-corrupt`. */
export async function readPlan(parents: readonly string[]): Promise<RunPlan | undefined> {
  for (const parent of parents) {
    // A single artifact that a pattern finds is unpacked without a folder of its own (actions/download-artifact).
    const names = await readdir(parent).catch((): string[] => [])
    for (const name of ['', ...names.toSorted()]) {
      const file = join(parent, name, 'plan.json')
      const stats = await lstat(file).catch(() => undefined)
      if (stats?.isFile() === true) return parsePlan(file, stats.size > PLAN_BYTES ? '' : await readFile(file, 'utf8'))
    }
  }
  return undefined
}

/** Reads a plan. Fails with `storage-corrupt` where it is none. */
export function parsePlan(source: string, text: string): RunPlan {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw corrupt(source, 'it is not JSON', cause)
  }
  if (!validateRunPlan(value)) throw corrupt(source, describe(validateRunPlan.errors))
  const records = [...value.stages.flatMap(({ record }) => (record === undefined ? [] : [record])), ...value.parts]
  if (!records.every((record) => validateStageRecord(record))) throw corrupt(source, `a record in it: ${describe(validateStageRecord.errors)}`)
  return value
}

function describe(errors: typeof validateRunPlan.errors): string {
  const [first] = errors ?? []
  return `${first?.instancePath ?? ''} ${first?.message ?? 'it does not fit the schema'}`.trim()
}

function corrupt(source: string, why: string, cause?: unknown): Failure {
  return new Failure('storage-corrupt', `${source} is not a plan of this version: ${why}`, {
    cause,
    suggestion: 'Use the same release of ctss in every job of the run.',
  })
}
