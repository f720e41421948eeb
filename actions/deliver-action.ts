import { setSecret } from '@actions/core'
import { join } from 'node:path'
import { folderBlobs } from '../adapters/blob-store/folder-blobs.ts'
import { namedFiles } from '../adapters/records/named-files.ts'
import { readStageFolders } from '../adapters/stage-folder/read-stage-folders.ts'
import { isDigest, type Digest } from '../pipeline/digest.ts'
import { EXIT } from '../pipeline/exit-code.ts'
import { Failure } from '../pipeline/failure.ts'
import type { BlobStore } from '../pipeline/ports/blob-store.ts'
import type { RunPlan, StageRecord, Subject } from '../schemas/generated/types.ts'
import { openAppRun, parseJson, RETRY_DELAYS_MS, type AppRun, type Upload } from './app-run.ts'
import type { DELIVER } from './definitions.ts'
import { readEvent } from './event.ts'
import type { JobLog } from './job-log.ts'
import { parsePlan } from './plan-file.ts'
import { InputError } from './read-inputs.ts'
import type { ActionCall, ActionResult } from './run-action.ts'
import { folderOfRecords, stateFolderOf } from './workspace.ts'

/** Once to learn what is missing, once to say that it is there; more only where the app has lost something meanwhile. */
const ROUNDS = 4
const MOST_FILES = 5_000

/** The action `deliver`: gives the records that the jobs of a dispatched run have left to the app, and the files that it lacks. */
export async function runDeliver(
  { inputs, environment, log, signal }: ActionCall<typeof DELIVER>,
  delaysMs = RETRY_DELAYS_MS,
): Promise<ActionResult<typeof DELIVER>> {
  await readEvent(environment)
  const { plan: reference, app } = inputs
  if (reference === undefined || app === undefined) throw new InputError(['inputs `plan` and `app` are needed: what is delivered belongs to a run of the app'])
  const folder = await folderOfRecords(inputs.records, environment)
  const blobs = folderBlobs(join(stateFolderOf(environment), 'blobs'))
  const run = openAppRun({ app, reference }, signal, delaysMs)
  const plan = parsePlan(`the plan ${reference}`, await run.ask('GET', 'plan'))
  const records = await readRecords(folder, plan, blobs, log)
  const files = await deliver(
    run,
    { records: records.filter((record) => isOf(plan.subject, record)), reused: records.filter((record) => !isOf(plan.subject, record)) },
    blobs,
  )
  log.line(`${records.length} records and ${files} files are with the app`)
  return { outputs: { records: String(records.length), files: String(files) }, exitCode: EXIT.passed }
}

/** Those of the run that the plan is of, and, of a trusted one, what its jobs have found of earlier runs: the app would refuse all for one that is neither. */
async function readRecords(folder: string, { subject, trust }: RunPlan, blobs: BlobStore, log: JobLog): Promise<readonly StageRecord[]> {
  const records: StageRecord[] = []
  for (const found of await readStageFolders(folder, blobs)) {
    if (found.kind === 'broken') log.warning(`${found.folder} is not delivered: ${found.reason}`)
    else if (found.about.commit !== subject.commit || found.about.tree !== subject.tree)
      log.warning(`${found.folder} is not delivered: its record is about another state of the repository`)
    else if (isOf(subject, found.record) || (trust === 'trusted' && (await hasFiles(found.record, blobs)))) records.push(found.record)
    else log.line(`${found.folder} is not delivered: its record is an earlier run's`)
  }
  return records
}

function isOf(subject: Subject, record: StageRecord): boolean {
  return record.subject.commit === subject.commit && record.subject.tree === subject.tree
}

async function hasFiles(record: StageRecord, blobs: BlobStore): Promise<boolean> {
  const has = await Promise.all(namedFiles(record).map(async ({ digest }) => blobs.has(digest)))
  return !has.includes(false)
}

interface Delivery {
  readonly records: readonly StageRecord[]
  /** Of earlier runs. */
  readonly reused: readonly StageRecord[]
}

/** Answers how many files were uploaded. */
async function deliver(run: AppRun, delivery: Delivery, blobs: BlobStore): Promise<number> {
  let files = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const missing = readMissing(await run.ask('POST', 'records', delivery))
    if (missing.length === 0) return files
    for (const { digest, upload } of missing) {
      for (const value of Object.values(upload.headers)) if (value.length > 2) setSecret(value)
      const content = await blobs.get(digest)
      if (content === undefined) throw new Failure('storage-corrupt', `the app asks for the file ${digest}, which no job of this run has left`)
      await run.upload(upload, content)
      files++
    }
  }
  throw new Failure('forge-unavailable', `the app still lacks files that it was sent ${ROUNDS - 1} times`, { suggestion: 'Run the job again.' })
}

interface MissingFile {
  readonly digest: Digest
  readonly upload: Upload
}

function readMissing(text: string): readonly MissingFile[] {
  const value = parseJson(text)
  const items: readonly unknown[] | undefined =
    typeof value === 'object' && value !== null && 'missing' in value && Array.isArray(value.missing) ? value.missing : undefined
  if (items === undefined || items.length > MOST_FILES || !items.every(isMissingFile))
    throw new Failure('storage-corrupt', 'the app did not answer which files it lacks')
  return items
}

function isMissingFile(value: unknown): value is MissingFile {
  if (typeof value !== 'object' || value === null || !('digest' in value) || !('upload' in value)) return false
  const { digest, upload } = value
  if (typeof digest !== 'string' || !isDigest(digest) || typeof upload !== 'object' || upload === null) return false
  const headers = 'headers' in upload ? upload.headers : undefined
  return (
    'method' in upload &&
    upload.method === 'PUT' &&
    'url' in upload &&
    typeof upload.url === 'string' &&
    typeof headers === 'object' &&
    headers !== null &&
    Object.values(headers).every((header) => typeof header === 'string')
  )
}
