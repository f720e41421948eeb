import type { File, Model, ModelManifest, Problem, TrainDetails } from '../../schemas/generated/types.ts'
import { asDigest, listingDigest, type Digest } from '../digest.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { UntrustedEntry, UntrustedFolders } from '../ports/untrusted-folder.ts'
import { error } from '../problem.ts'
import { readEvaluationResult, readEvaluationSlices, readModelManifest, type Reading } from './evaluation.ts'
import { readJunit } from './junit.ts'

/** Largest documents that are read, and how many files and tests there may be. Ours: far beyond what an evaluation needs, small enough to hold. */
export const RESULT_LIMITS = {
  resultBytes: 5 * 2 ** 20,
  slicesBytes: 5 * 2 ** 20,
  junitBytes: 10 * 2 ** 20,
  junitFiles: 50,
  tests: 10_000,
  documentBytes: 2 ** 20,
  manifestBytes: 5 * 2 ** 20,
  modelFiles: 1001,
} as const

const CONTRACT = 'docs/training-contract.md tells what a training container leaves'

/** What a training that ended with 0 left, kept in the blob store; `problems` holds every breach of the contract. */
export interface TrainingResults {
  readonly problems: readonly Problem[]
  readonly files: readonly File[]
  readonly model: Model | undefined
  readonly metrics: TrainDetails['metrics']
  readonly slices: TrainDetails['slices']
  readonly tests: TrainDetails['tests']
}

export interface ResultPorts {
  readonly folders: UntrustedFolders
  readonly blobs: BlobStore
}

/** Reads and keeps what lies in a results folder (`model/` and `output/`). `diskBytes`: the model's files together may not be larger. Fails as the blob store does. */
export async function collectResults(results: string, diskBytes: number, { folders, blobs }: ResultPorts): Promise<TrainingResults> {
  const shelf = new Shelf(`${results}/output`, folders, blobs)
  const metrics = (await shelf.document('result', 'result.json', 'application/json', RESULT_LIMITS.resultBytes, readEvaluationResult)) ?? []
  if (!shelf.has('result.json'))
    shelf.problems.push(error('training-result-missing', 'the training ended with 0, but left no /opt/ml/output/result.json', { suggestion: CONTRACT }))
  const slices = (await shelf.document('slices', 'eval/slices.json', 'application/json', RESULT_LIMITS.slicesBytes, readEvaluationSlices)) ?? []
  const tests = await collectTests(shelf, `${results}/output/eval`, folders)
  await shelf.document('model-card', 'README.md', 'text/markdown', RESULT_LIMITS.documentBytes, readAnything)
  await shelf.document('croissant', 'dataset/croissant.json', 'application/ld+json', RESULT_LIMITS.documentBytes, readAnything)
  const model = await collectModel(`${results}/model`, diskBytes, { folders, blobs })
  return { problems: [...shelf.problems, ...model.problems], files: [...shelf.files, ...model.files], model: model.model, metrics, slices, tests }
}

/** Documents of the output folder: read once, kept, and what is wrong with them noted. */
class Shelf {
  readonly problems: Problem[] = []
  readonly files: File[] = []
  readonly #folder: string
  readonly #folders: UntrustedFolders
  readonly #blobs: BlobStore
  readonly #found = new Set<string>()

  constructor(folder: string, folders: UntrustedFolders, blobs: BlobStore) {
    this.#folder = folder
    this.#folders = folders
    this.#blobs = blobs
  }

  has(path: string): boolean {
    return this.#found.has(path)
  }

  async document<T>(role: string, path: string, mediaType: string, limitBytes: number, read: (content: Buffer) => Reading<T>): Promise<T | undefined> {
    const content = await this.#folders.read(this.#folder, path, limitBytes)
    if (content === undefined) return undefined
    this.#found.add(path)
    if (content.length > limitBytes) return this.refuse(path, `it is larger than ${limitBytes} bytes`)
    const reading = read(content)
    this.files.push({ role, name: path, digest: await this.#blobs.put(content), bytes: content.length, mediaType })
    return reading.kind === 'read' ? reading.value : this.refuse(path, reading.reason)
  }

  refuse(path: string, reason: string): undefined {
    this.problems.push(error('training-result-invalid', `/opt/ml/output/${path} cannot be read: ${reason}`, { suggestion: CONTRACT }))
  }
}

function readAnything(content: Buffer): Reading<Buffer> {
  return { kind: 'read', value: content }
}

async function collectTests(shelf: Shelf, folder: string, folders: UntrustedFolders): Promise<TrainDetails['tests']> {
  const { entries } = await folders.list(folder, RESULT_LIMITS.modelFiles)
  const names = entries.filter(({ kind, path }) => kind === 'file' && !path.includes('/') && path.endsWith('.xml')).map(({ path }) => path)
  if (names.length > RESULT_LIMITS.junitFiles) shelf.refuse('eval', `it has ${names.length} JUnit files; ${RESULT_LIMITS.junitFiles} are read`)
  const tests: TrainDetails['tests'] = []
  for (const name of names.slice(0, RESULT_LIMITS.junitFiles)) {
    tests.push(...((await shelf.document('junit', `eval/${name}`, 'application/xml', RESULT_LIMITS.junitBytes, readJunit)) ?? []))
  }
  if (tests.length > RESULT_LIMITS.tests) shelf.refuse('eval', `it has ${tests.length} tests; ${RESULT_LIMITS.tests} are read`)
  return tests.slice(0, RESULT_LIMITS.tests)
}

interface CollectedModel {
  readonly problems: readonly Problem[]
  readonly files: readonly File[]
  readonly model: Model | undefined
}

/** Every file of the model folder, manifest.json included, is the model: what it lists has to be there, and nothing else. Without a manifest every file counts. */
async function collectModel(folder: string, diskBytes: number, { folders, blobs }: ResultPorts): Promise<CollectedModel> {
  const { entries, complete } = await folders.list(folder, RESULT_LIMITS.modelFiles)
  const unfit = describeUnfit(entries, complete, diskBytes)
  if (unfit !== undefined) return refuseModel(unfit)
  const content = await folders.read(folder, 'manifest.json', RESULT_LIMITS.manifestBytes)
  const manifest = content && readManifest(content)
  if (manifest?.kind === 'refused') return refuseModel(`/opt/ml/model/manifest.json cannot be read: ${manifest.reason}`)
  const kept: { path: string; digest: Digest; bytes: number }[] = []
  for (const { path } of entries) kept.push({ path, ...(await blobs.putFile(`${folder}/${path}`)) })
  const breach = manifest && describeBreach(manifest.value, kept)
  if (breach !== undefined) return refuseModel(breach)
  const files = kept.map(({ path, digest, bytes }) => ({
    role: 'model',
    name: path,
    digest,
    bytes,
    mediaType: path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
  }))
  return { problems: [], files, model: { digest: listingDigest(kept), files: kept } }
}

function describeUnfit(entries: readonly UntrustedEntry[], complete: boolean, diskBytes: number): string | undefined {
  const wrong = entries.find(({ kind }) => kind !== 'file')
  if (wrong)
    return `/opt/ml/model/${wrong.path} is ${wrong.kind === 'link' ? 'a symbolic link' : 'not a regular file with a plain name'}: a model is regular files`
  if (!complete) return `/opt/ml/model has more than ${RESULT_LIMITS.modelFiles} files`
  if (!entries.some(({ path }) => path !== 'manifest.json')) return 'the training ended with 0, but left no model file in /opt/ml/model'
  const total = entries.reduce((sum, { bytes }) => sum + bytes, 0)
  return total > diskBytes ? `/opt/ml/model has ${total} bytes, more than the training's disk limit of ${diskBytes}` : undefined
}

function readManifest(content: Buffer): Reading<ModelManifest> {
  return content.length > RESULT_LIMITS.manifestBytes
    ? { kind: 'refused', reason: `it is larger than ${RESULT_LIMITS.manifestBytes} bytes` }
    : readModelManifest(content)
}

function describeBreach(manifest: ModelManifest, files: readonly { path: string; digest: Digest; bytes: number }[]): string | undefined {
  const present = new Map(files.map((file) => [file.path, file]))
  for (const { path, bytes, sha256 } of manifest) {
    const file = present.get(path)
    if (file === undefined || path === 'manifest.json') return `/opt/ml/model/manifest.json lists ${path}, which is no file of /opt/ml/model`
    if (file.digest !== asDigest(`sha256:${sha256}`)) return `/opt/ml/model/${path} has sha256 ${file.digest.slice(7)}, but manifest.json says ${sha256}`
    if (file.bytes !== bytes) return `/opt/ml/model/${path} has ${file.bytes} bytes, but manifest.json says ${bytes}`
  }
  const listed = new Set(manifest.map(({ path }) => path))
  const extra = files.find(({ path }) => path !== 'manifest.json' && !listed.has(path))
  return extra && `/opt/ml/model/${extra.path} is not in manifest.json: list it, or leave it out`
}

function refuseModel(message: string): CollectedModel {
  return { problems: [error('training-model-invalid', message, { suggestion: CONTRACT })], files: [], model: undefined }
}
