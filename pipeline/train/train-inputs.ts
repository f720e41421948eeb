import type { TrainDetails } from '../../schemas/generated/types.ts'
import { digestOfJson, type Digest, type Json } from '../digest.ts'
import type { Training } from '../pipeline.ts'
import type { TreeEntry } from '../ports/repository-tree.ts'

/**
 * Everything that can change what a training leaves, for its key: the image's own inputs, command, data, seed, hyperparameters, GPU, network,
 * limits and platform. Gates are not in it: they are decided anew in each run. The repository's files of a data set count beside its declared
 * digest, so that changed data are noticed even when nobody changed the digest.
 */
export function trainInputs({
  image,
  training,
  platform,
  entries,
}: {
  /** Build inputs of the training image, or its reference by digest. */
  readonly image: Json
  readonly training: Training
  readonly platform: string
  readonly entries: readonly TreeEntry[]
}): Json {
  const { command, datasets, engine, gpu, hyperparameters, limits, network, seed, timeoutMs } = training
  return {
    image,
    command,
    engine,
    platform,
    seed,
    network,
    timeoutMs,
    gpu: typeof gpu === 'boolean' ? gpu : { ...gpu },
    limits: { ...limits },
    hyperparameters: readJson(hyperparameters),
    datasets: datasets.map(({ name, uri, sha256 }) => ({ name, uri, sha256, files: filesOf(uri, entries) })),
  }
}

/** Digest of what was measured: the canonical JSON of metrics and slices, in their order. Part of the bundle document. */
export function evaluationDigest({ metrics, slices }: Pick<TrainDetails, 'metrics' | 'slices'>): Digest {
  return digestOfJson({ metrics: metrics.map((metric) => ({ ...metric })), slices: slices.map((slice) => ({ ...slice })) })
}

/** The path in the repository that an address without a scheme names, without `./` and a slash at its end; undefined for any other address. */
export function repositoryPath(uri: string): string | undefined {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(uri)) return undefined
  return uri.replace(/^(\.\/+)+/, '').replace(/\/+$/, '') || '.'
}

/** The entries of a file, or of all files below a folder. */
export function entriesBelow(path: string, entries: readonly TreeEntry[]): readonly TreeEntry[] {
  return path === '.' ? entries : entries.filter((entry) => entry.path === path || entry.path.startsWith(`${path}/`))
}

function filesOf(uri: string, entries: readonly TreeEntry[]): Json {
  const path = repositoryPath(uri)
  if (path === undefined) return null
  return digestOfJson(entriesBelow(path, entries).map(({ path: name, mode, blob }) => [name, mode, blob]))
}

/** Hyperparameters come from YAML through a schema that allows anything there; what JSON does not know (YAML's `.nan`) counts by its text. */
function readJson(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return value.map((item: unknown) => readJson(item))
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, readJson(item)]))
  return typeof value === 'number' ? String(value) : null
}
