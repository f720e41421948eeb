import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FolderReader } from '../../adapters/untrusted-folder/folder-reader.ts'
import { digestOf } from '../../pipeline/digest.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { TrainingRequest } from '../../pipeline/ports/trainer.ts'
import type { StagePorts } from '../../pipeline/stage-scripts/stage-ports.ts'
import { memoryBuilder } from './memory-builder.ts'
import { memoryCatalogue } from './memory-catalogue.ts'
import { memoryRegistry } from './memory-registry.ts'
import { memoryTestbed } from './memory-testbed.ts'

/** Every port of the stages without engine or network. What is built and trained is remembered. */
export interface MemoryPorts extends StagePorts {
  readonly trainings: TrainingRequest[]
  /** What was opened, in order. */
  readonly opened: string[]
}

/**
 * Base images whose names begin with `base-` are stand-ins; a training leaves `weights.txt` and an accuracy of 0.91; data sets and models from elsewhere
 * are the one file `weights.txt` in `folder`.
 */
export function memoryPorts(blobs: BlobStore, folder: string): MemoryPorts {
  const registry = memoryRegistry()
  const testbed = memoryTestbed({ blobs })
  const trainings: TrainingRequest[] = []
  const opened: string[] = []
  return {
    trainings,
    opened,
    async openBuilder() {
      opened.push('builder')
      return memoryBuilder(registry)
    },
    async openTrainer() {
      opened.push('trainer')
      return {
        engine: 'docker',
        requireGpu: async () => [],
        restoreCheckpoints: async () => undefined,
        async train(request) {
          trainings.push(request)
          await write(join(request.results, 'model/weights.txt'), '42\n')
          await write(join(request.results, 'output/result.json'), JSON.stringify({ schema: 'ctss.result/v1', metrics: { accuracy: { value: 0.91 } } }))
          return { exitCode: 0, ending: 'exited', seconds: 1, log: 'epoch 1\n', cpuSeconds: null, memoryPeakBytes: null }
        },
      }
    },
    async openTestbed() {
      opened.push('testbed')
      return testbed
    },
    async openStaging() {
      opened.push('staging')
      return 'registry.test/staging/Trusted'
    },
    testbedVersion: testbed.version,
    registry,
    registryRoot: 'registry.test',
    lookUpBase: async (image) => ({ digest: digestOf(image), standIn: image.startsWith('base-') }),
    datasets: {
      async fetch() {
        await write(join(folder, 'fetched/weights.txt'), '42\n')
        return { kind: 'verified', folder: join(folder, 'fetched'), digest: digestOf('model') }
      },
    },
    folders: new FolderReader(),
    catalogue: memoryCatalogue(),
  }
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
