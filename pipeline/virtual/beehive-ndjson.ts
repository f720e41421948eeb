import type { Message } from '../../schemas/generated/types.ts'
import { formatNanoseconds, readTimestamp } from './timestamp.ts'
import { isWireObject, readWireJson } from './wire-json.ts'

/** One record of the data API, with its time. */
export interface BeehiveRecord {
  readonly message: Message
  readonly ns: bigint
}

/** Reads a line of NDJSON as the data API answers it; undefined when it is none. Its time gets nine decimals. */
export function readBeehiveLine(line: string): BeehiveRecord | undefined {
  const document = readWireJson(line)
  if (!isWireObject(document)) return undefined
  const [name, value, timestamp, meta] = [document.get('name'), document.get('value'), document.get('timestamp'), document.get('meta')]
  const ns = typeof timestamp === 'string' ? readTimestamp(timestamp) : undefined
  if (typeof name !== 'string' || ns === undefined || !isWireObject(meta)) return undefined
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean') return undefined
  const labels = [...meta].filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return { ns, message: { name, value: typeof value === 'bigint' ? Number(value) : value, timestamp: formatNanoseconds(ns), meta: Object.fromEntries(labels) } }
}

/** The first messages of NDJSON as the data API answers it. */
export function readBeehive(text: string, limit: number): readonly Message[] {
  const messages: Message[] = []
  for (let start = 0; start < text.length && messages.length < limit;) {
    const end = text.indexOf('\n', start)
    const record = readBeehiveLine(text.slice(start, end === -1 ? text.length : end))
    if (record !== undefined) messages.push(record.message)
    start = end === -1 ? text.length : end + 1
  }
  return messages
}
