import { BuildkitBuilder } from '../adapters/buildx/buildkit-builder.ts'
import { EngineBuilder } from '../adapters/buildx/engine-builder.ts'
import { DockerTrainer } from '../adapters/docker-trainer/docker-trainer.ts'
import { connectEngine } from '../adapters/engine/connect.ts'
import { sweepLeftovers } from '../adapters/virtual-waggle/sweep-leftovers.ts'
import { openVirtualWaggle } from '../adapters/virtual-waggle/virtual-waggle.ts'
import { setUp } from '../adapters/workstation/workstation.ts'
import type { BlobStore } from '../pipeline/ports/blob-store.ts'
import type { Progress } from '../pipeline/ports/progress.ts'
import type { Registry } from '../pipeline/ports/registry.ts'
import type { ImageBuilder } from '../pipeline/ports/image-builder.ts'
import type { Testbed } from '../pipeline/ports/testbed.ts'
import type { Trainer } from '../pipeline/ports/trainer.ts'

/** What stages run on. */
export interface Lab {
  readonly builder: ImageBuilder
  readonly trainer: Trainer
  readonly testbed: Testbed
}

export interface LabOptions {
  readonly blobs: BlobStore
  readonly registry: Registry
  /** Parent of work folders. */
  readonly workParent: string
  /** On everything that is created, so that what a killed run left can be swept. */
  readonly runId: string
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** Sets the workstation up and opens what stages run on. */
export async function openLab({ blobs, registry, workParent, runId, progress, signal }: LabOptions): Promise<Lab> {
  const { engine, builder, platforms } = await setUp({ progress, signal })
  const docker = connectEngine(engine.host)
  // A run that was killed may have left a training at work, whether this run comes to the Virtual Waggle or not.
  await sweepLeftovers({ docker, workParent })
  return {
    builder:
      builder.kind === 'engine'
        ? new EngineBuilder({ platforms, registry })
        : new BuildkitBuilder({ kind: builder.kind, builder: builder.name, platforms, registry, workParent }),
    trainer: new DockerTrainer(docker, { label: runId }),
    testbed: openVirtualWaggle({ docker, blobs, workParent, runId }),
  }
}
