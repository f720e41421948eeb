import type { StageRecord } from '../../schemas/generated/types.ts'
import { validateStageRecord } from '../../schemas/generated/validators.js'

/** Largest record that is read: the largest that a stage writes is far smaller. */
export const RECORD_BYTES = 64 * 2 ** 20

/** The record in a text that may be anything; a string tells what is wrong with it. */
export function parseRecord(text: string): StageRecord | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message : 'unreadable'}`
  }
  if (validateStageRecord(value)) return value
  const [first] = validateStageRecord.errors ?? []
  return `not a stage record of this version: ${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim()
}
