import { namedFiles, type NamedFile } from '../../adapters/records/named-files.ts'
import { asDigest } from '../../pipeline/digest.ts'
import { keyOf } from '../../pipeline/key.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { Clock } from '../../pipeline/ports/clock.ts'
import type { Inbox } from '../../pipeline/ports/inbox.ts'
import type { ServiceState, StoredRun } from '../../pipeline/ports/service-state.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'
import { checkImages, type ImagePorts } from './check-images.ts'
import { readRecords } from './read-records.ts'

/** What records are taken with. */
export interface RecordPorts extends ImagePorts {
  readonly state: Pick<ServiceState, 'records' | 'deliverRun'>
  readonly inbox: Pick<Inbox, 'put'>
  readonly blobs: Pick<BlobStore, 'has'>
  readonly clock: Clock
}

/** `missing`: these files first, then the records again. */
export type Taken =
  | { readonly kind: 'taken' }
  | { readonly kind: 'missing'; readonly files: readonly NamedFile[] }
  | { readonly kind: 'refused'; readonly detail: string }

/** Larger files stay where the jobs have put them: in artifacts, and in the registry once they are published. */
export const FILE_BYTES = 64 * 2 ** 20
const RUN_BYTES = 512 * 2 ** 20

/**
 * Takes the records of a run, whose every byte may be a stranger's. They count together, once everything that they name is there: schema, subject, plan,
 * images, files. The same again changes nothing, and so does anything that comes after. Fails as its ports do; nothing has been kept then that would not be kept again.
 */
export async function takeRecords(run: StoredRun, body: unknown, ports: RecordPorts): Promise<Taken> {
  const { state, inbox, clock } = ports
  const records = readRecords(body, run)
  if (typeof records === 'string') return { kind: 'refused', detail: records }
  if (run.delivered === undefined) {
    for (const record of records) {
      const detail = await checkImages(record, run.plan.staging, ports)
      if (detail !== undefined) return { kind: 'refused', detail }
    }
    const files = await missingFiles(records, ports.blobs)
    if (files.length > 0) return { kind: 'missing', files }
    const kept = state.records(run.repository, run.trust)
    for (const record of records.filter(isReusable)) {
      const isOwn = record.subject.commit === run.commit
      // What an earlier run has made may be newer here than where a job has found it.
      if (isOwn || (await kept.find(asDigest(record.key))) === undefined) await kept.put(record)
    }
    await state.deliverRun(run.id, clock.now(), records)
  }
  await inbox.put({ id: `records/${run.id}`, address: { repository: run.repository, ref: run.ref }, cause: 'records' })
  return { kind: 'taken' }
}

/** Under its key it would be found again. One that failed before its inputs were known has a key that says nothing. */
function isReusable({ stage, outcome, key }: StageRecord): boolean {
  return (outcome === 'passed' || outcome === 'failed') && key !== keyOf(stage, null)
}

async function missingFiles(records: readonly StageRecord[], blobs: Pick<BlobStore, 'has'>): Promise<readonly NamedFile[]> {
  const named = new Map(records.flatMap((record) => namedFiles(record)).map((file) => [file.digest, file]))
  const missing: NamedFile[] = []
  let bytes = 0
  for (const file of named.values()) {
    bytes += file.bytes
    if (file.bytes > FILE_BYTES || bytes > RUN_BYTES) bytes -= file.bytes
    else if (!(await blobs.has(file.digest))) missing.push(file)
  }
  return missing
}
