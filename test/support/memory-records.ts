import type { Records } from '../../pipeline/ports/records.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'

/** Records in memory, copied on the way in and out as a file would. */
export function memoryRecords(): Records {
  const records = new Map<string, StageRecord>()
  return {
    find: async (key) => structuredClone(records.get(key)),
    async put(record) {
      records.set(record.key, structuredClone(record))
    },
  }
}
