import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../pipeline/failure.ts'
import type { TrainingRequest } from '../../pipeline/ports/trainer.ts'

/** The folders of /opt/ml, as SageMaker lays them out. */
export interface Layout {
  readonly mounts: readonly { readonly source: string; readonly target: string; readonly readOnly: boolean }[]
  readonly env: Readonly<Record<string, string>>
  /** Folders of this machine that the container can write to. */
  readonly writable: readonly string[]
  /** Where metrics are appended while it runs. */
  readonly metricsFile: string
}

const ROOT = '/opt/ml'

/** Makes the folders and the configuration that the container finds under /opt/ml (docs/training-contract.md). Fails with `storage-full`, `storage-unavailable`. */
export async function layOut(request: TrainingRequest): Promise<Layout> {
  const config = join(request.results, 'config')
  const writable = { model: join(request.results, 'model'), output: join(request.results, 'output'), checkpoints: request.checkpoints }
  try {
    await mkdir(config, { recursive: true })
    await writeFile(join(config, 'hyperparameters.json'), `${JSON.stringify(request.hyperparameters, null, 2)}\n`)
    await writeFile(join(config, 'datasets.json'), `${JSON.stringify(describeDatasets(request), null, 2)}\n`)
    for (const folder of Object.values(writable)) await makeWritable(folder)
    await makeWritable(join(writable.output, 'eval'))
  } catch (cause) {
    const full = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC'
    throw new Failure(full ? 'storage-full' : 'storage-unavailable', `the training's folders cannot be made in ${request.results}`, { cause })
  }
  return {
    mounts: [
      { source: config, target: `${ROOT}/input/config`, readOnly: true },
      ...request.datasets.map(({ name, folder }) => ({ source: folder, target: `${ROOT}/input/data/${name}`, readOnly: true })),
      ...Object.entries(writable).map(([name, source]) => ({ source, target: `${ROOT}/${name}`, readOnly: false })),
    ],
    env: {
      CTSS_RUN_ID: request.runId,
      CTSS_SEED: String(request.seed),
      CTSS_ATTEMPT: String(request.attempt),
      CTSS_OUTPUT_DIR: `${ROOT}/output`,
      CTSS_CHECKPOINT_URI: `file://${ROOT}/checkpoints`,
      CTSS_DATASET_MANIFEST: `${ROOT}/input/config/datasets.json`,
      ...(request.deadline !== undefined && { CTSS_DEADLINE: request.deadline.end }),
    },
    writable: Object.values(writable),
    metricsFile: join(writable.output, 'metrics.ndjson'),
  }
}

function describeDatasets({ datasets }: TrainingRequest): readonly object[] {
  return datasets.map(({ name, digest, uri, license }) => ({
    name,
    path: `${ROOT}/input/data/${name}`,
    digest,
    uri,
    ...(license !== undefined && { license }),
  }))
}

/** The image's user may be anybody, and without capabilities even root may not write into another's folder. */
async function makeWritable(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o777)
}
