import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunPlan } from '../schemas/generated/types.ts'
import { validateRunPlan, validateStageRecord } from '../schemas/generated/validators.js'
import { Failure } from '../pipeline/failure.ts'

/** Largest plan that is read; it holds the records that are reused. */
const PLAN_BYTES = 64 * 2 ** 20

/** The artifact of the plan, its folder in the job that plans, and the bare parent: a single artifact is unpacked without a folder of its own (actions/download-artifact). */
const PLACES = ['ctss-plan', 'plan', '']

/** The plan of this run, below one of the parents; undefined: the action works alone. Another artifact's plan is none. Fails with `storage-corrupt`. */
export async function readPlan(parents: readonly string[]): Promise<RunPlan | undefined> {
  for (const parent of parents) {
    for (const place of PLACES) {
      const file = join(parent, place, 'plan.json')
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
