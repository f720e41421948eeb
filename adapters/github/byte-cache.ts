/** A map that forgets what was not asked for longest. */
export interface ByteCache<Value> {
  get(key: string): Value | undefined
  /** What is larger than a quarter of the cache is not kept. */
  set(key: string, value: Value, bytes: number): void
}

/** What an entry takes besides its bytes, estimated. */
const ENTRY_BYTES = 200

/** A cache of at most `limitBytes`, as its callers count them. */
export function byteCache<Value>(limitBytes: number): ByteCache<Value> {
  const entries = new Map<string, { readonly value: Value; readonly bytes: number }>()
  let total = 0
  const remove = (key: string): void => {
    total -= entries.get(key)?.bytes ?? 0
    entries.delete(key)
  }
  return {
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      // A Map keeps its order: the last one is the one asked for last.
      entries.delete(key)
      entries.set(key, entry)
      return entry.value
    },
    set(key, value, ownBytes) {
      const bytes = ownBytes + key.length + ENTRY_BYTES
      remove(key)
      if (bytes > limitBytes / 4) return
      entries.set(key, { value, bytes })
      total += bytes
      for (const oldest of entries.keys()) {
        if (total <= limitBytes) break
        remove(oldest)
      }
    },
  }
}
