import { namedFiles } from '../../adapters/records/named-files.ts'
import { parseRecord, RECORD_BYTES } from '../../adapters/records/parse-record.ts'
import { parseReuse } from '../../adapters/stage-folder/read-stage-folders.ts'
import { REUSE_NAME } from '../../adapters/stage-folder/stage-folder-layout.ts'
import { digestOf } from '../../pipeline/digest.ts'
import type { StoredRun } from '../../pipeline/ports/service-state.ts'
import type { Action } from '../../pipeline/service/action.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'
import { checkImages } from '../api/check-images.ts'
import { readRecords } from '../api/read-records.ts'
import { takeRecords } from '../api/take-records.ts'
import { readZip, type ZipFile } from './read-zip.ts'
import { DONE, type ActContext, type ActOutcome } from './services.ts'

/** What the jobs of this project's workflows name the folder of a stage; the plan's own is none. */
const ARTIFACT = /^ctss-(?:validate|train|build|virtual|node|publish)(?:-[\w.-]{1,64})?$/
/** Records and their small files. What is larger (an image, a model) stays where it is, and its record counts all the same. */
const ARTIFACT_BYTES = 64 * 2 ** 20
const MOST_ARTIFACTS = 40
const LIMITS = { files: 5000, bytes: RECORD_BYTES * 2 }
const WANTED = /^(?:record\.json|reused-for\.json|blobs\/[0-9a-f]{64})$/

/**
 * Fetches what the jobs of a run have left as artifacts, where they could not deliver it. Every byte may be a stranger's: a record counts when it would have
 * been taken from a job, too; its files when their digests are theirs. The run counts as delivered then, whatever was found.
 */
export async function fetchRecords({ services, control }: ActContext, { run: id }: Extract<Action, { kind: 'fetch-records' }>): Promise<ActOutcome> {
  const { state, inbox, clock, images, log } = services
  const run = await state.run(id)
  if (run === undefined || run.delivered !== undefined) return DONE
  const artifacts = run.workflowRun === undefined ? [] : (await control.artifacts(run.workflowRun)).filter(({ name }) => ARTIFACT.test(name))
  const [records, reused]: [StageRecord[], StageRecord[]] = [[], []]
  for (const { id: artifact, name, bytes } of artifacts.slice(0, MOST_ARTIFACTS)) {
    const found = bytes > ARTIFACT_BYTES ? 'it is too large' : await readArtifact(services, run, await control.downloadArtifact(artifact, ARTIFACT_BYTES))
    if (typeof found === 'string') log.warn({ run: id, artifact: name }, `an artifact is not used: ${found}`)
    else (found.isReused ? reused : records).push(found.record)
  }
  // What is not in an artifact will not come any more.
  const taken = await takeRecords(run, { records, reused }, { state, inbox, clock, blobs: { has: async () => true }, ...images })
  if (taken.kind === 'taken') return { changed: true }
  log.warn({ run: id }, `the artifacts of a run are not used: ${taken.kind === 'refused' ? taken.detail : 'files are missing'}`)
  await state.deliverRun(id, clock.now(), [])
  return { changed: true }
}

interface FoundRecord {
  readonly record: StageRecord
  /** It is an earlier run's, and the run says that it goes on with it. */
  readonly isReused: boolean
}

/** Its record, with the files stored; a text tells why it is none. */
async function readArtifact({ blobs, images }: Pick<ActContext['services'], 'blobs' | 'images'>, run: StoredRun, zip: Buffer): Promise<FoundRecord | string> {
  const files = unpack(zip)
  if (typeof files === 'string') return files
  const text = files.find((file) => file.name === 'record.json')?.content
  if (text === undefined || text.length > RECORD_BYTES) return 'it has no record that can be read'
  const record = parseRecord(text.toString('utf8'))
  if (typeof record === 'string') return `its record is ${record}`
  const reuse = parseReuse(files.find((file) => file.name === REUSE_NAME)?.content.toString('utf8') ?? '')
  const isReused = reuse?.commit === run.commit && reuse.tree === run.plan.subject.tree
  const fault = readRecords(isReused ? { records: [], reused: [record] } : { records: [record] }, run)
  if (typeof fault === 'string') return fault
  const lost = await checkImages(record, run.plan.staging, images)
  if (lost !== undefined) return lost
  const wanted = new Map(namedFiles(record).map(({ digest, bytes }) => [`blobs/${digest.slice('sha256:'.length)}`, { digest, bytes }]))
  for (const { name, content } of files) {
    const named = wanted.get(name)
    if (named === undefined) continue
    if (content.length !== named.bytes || digestOf(content) !== named.digest) return `its file ${named.digest} has another content`
    await blobs.put(content)
  }
  return { record, isReused }
}

function unpack(zip: Buffer): readonly ZipFile[] | string {
  try {
    return readZip(zip, (name) => WANTED.test(name), LIMITS)
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
}
