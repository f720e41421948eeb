import type { File, Model } from '../../schemas/generated/types.ts'
import { listingDigest } from '../digest.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Datasets } from '../ports/datasets.ts'
import type { UntrustedFolders } from '../ports/untrusted-folder.ts'
import { error, type Problem } from '../problem.ts'
import type { StageContext } from '../stage.ts'

const MODEL_FILES = 1000

type UriModel = Extract<NonNullable<Pipeline['model']>['source'], { readonly kind: 'uri' }>

/** Fetches a model that `model.uri` names, verified against its SHA-256 like a data set, and keeps its files in the blob store. Fails as `Datasets` does. */
export async function fetchModel(
  context: StageContext,
  { uri, sha256 }: UriModel,
  ports: { readonly datasets: Datasets; readonly folders: UntrustedFolders },
): Promise<Model | Problem> {
  context.progress.step(`verifying the model ${uri}`)
  const answer = await ports.datasets.fetch(
    { dataset: { name: 'model', uri, sha256 }, tree: context.tree, scratch: `${context.workFolder}-model`, places: {} },
    context.progress,
    context.signal,
  )
  if (answer.kind === 'refused') return answer.problem
  const { entries, complete } = await ports.folders.list(answer.folder, MODEL_FILES)
  if (!complete || entries.length === 0) return error('model-invalid', `model.uri ${uri} holds ${complete ? 'no file' : `more than ${MODEL_FILES} files`}`)
  const files: Model['files'] = []
  for (const { path } of entries) files.push({ path, ...(await context.blobs.putFile(`${answer.folder}/${path}`)) })
  return { digest: listingDigest(files), files }
}

/** The model among the files of a build's record, where it was fetched for that build; undefined without one. */
export function keptModel(files: readonly File[]): Model | undefined {
  const found = new Map(files.flatMap(({ role, name = '', digest, bytes }) => (role === 'model' ? [[name, { path: name, digest, bytes }]] : [])))
  const [first, ...others] = found.values()
  return first && { digest: listingDigest([first, ...others]), files: [first, ...others] }
}
