import type { StageRecord } from '../../schemas/generated/types.ts'
import type { BaseLookup } from '../build/base-images.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Datasets } from '../ports/datasets.ts'
import type { ImageBuilder } from '../ports/image-builder.ts'
import type { Registry } from '../ports/registry.ts'
import type { Testbed } from '../ports/testbed.ts'
import type { Trainer } from '../ports/trainer.ts'
import type { UntrustedFolders } from '../ports/untrusted-folder.ts'
import type { TrainingJob } from '../train/training-job.ts'
import type { PipelineReading } from '../validate/validate.ts'
import type { FinishedTrial } from '../virtual/virtual.ts'

/** How the stage `build` is done: at once, one platform in a job of its own, or such parts joined. */
export type BuildMode = { readonly kind: 'whole' } | { readonly kind: 'part' } | { readonly kind: 'join'; readonly parts: readonly StageRecord[] }

export interface StagePorts {
  /** What only a stage that runs needs; opening it may install and start things. */
  readonly openBuilder: () => Promise<ImageBuilder>
  readonly openTrainer: () => Promise<Trainer>
  readonly openTestbed: () => Promise<Testbed>
  /** Registry host and prefix below which images wait that have passed no test yet, for instance `127.0.0.1:5055/staging/local`; the registry answers then. */
  readonly openStaging: () => Promise<string>
  /** Of the testbed that `openTestbed` opens; part of the key of `virtual`. */
  readonly testbedVersion: string
  readonly registry: Registry
  /** Host, and namespace where there is one, of what is published: `127.0.0.1:5055`, `ghcr.io/sage`. */
  readonly registryRoot: string
  readonly lookUpBase: BaseLookup
  readonly datasets: Datasets
  readonly folders: UntrustedFolders
  readonly catalogue: Catalogue
  /** A real node, where one is attached: the same trials as in the Virtual Waggle, on its own platform. */
  readonly node?: { readonly testbed: Testbed; readonly platform: string }
}

export interface StageOptions {
  /** Manifest and pipeline file, read in every run. */
  readonly reading: PipelineReading
  /** Of this machine: training and the first trials run on it. */
  readonly nativePlatform: string
  /** Only these; undefined: all that the manifest lists. */
  readonly platforms: readonly string[] | undefined
  /** `--release`. */
  readonly release: boolean
  readonly runId: string
  /** Absent: `whole`. */
  readonly build?: BuildMode
  /** What a training goes on from, and what another job could go on from. Absent: it has to end in this run. */
  readonly training?: TrainingJob
  /** Told what each trial published, which the record holds only as files. */
  readonly onTrials?: (trials: readonly FinishedTrial[]) => void
}

/** The platforms of a run, in the manifest's order. */
export function platformsOf({ manifest }: Pipeline, wanted: readonly string[] | undefined): readonly string[] {
  return wanted ?? manifest.platforms
}

/** Images that have passed no test yet lie under a prefix per trust class; what runs on a person's own machine is that person's. */
export async function stagingRepository({ manifest }: Pipeline, { openStaging }: StagePorts): Promise<string> {
  return `${await openStaging()}/${manifest.namespace}/${manifest.name}`.toLowerCase()
}
