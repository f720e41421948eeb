import type { Records } from '../pipeline/ports/records.ts'

/** Records in front of others: what the near ones lack is looked up in the far ones. Only the near ones are written. */
export function layeredRecords(near: Records, far: Pick<Records, 'find'>): Records {
  return { find: async (key) => (await near.find(key)) ?? far.find(key), put: async (record) => near.put(record) }
}
