import { MEDIA_TYPES, platformObject } from '../../pipeline/build/oci-documents.ts'
import { digestOf, listingDigest, type Digest } from '../../pipeline/digest.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { Registry } from '../../pipeline/ports/registry.ts'
import type { RepositoryTree } from '../../pipeline/ports/repository-tree.ts'
import type { StageContext } from '../../pipeline/stage.ts'
import type { BuildDetails, StageRecord, Subject, TrainDetails, VirtualDetails } from '../../schemas/generated/types.ts'
import { makeRecord, SUBJECT } from './stage-record.ts'

/** What a plugin repository's three stages before `publish` have left, for a given content of image, model and source. */
export interface Stages {
  readonly train: StageRecord
  readonly build: StageRecord
  readonly virtual: StageRecord
}

/** Stages an image of two platforms whose layers hold `content`, and answers its index and images. */
export async function stageImage(
  registry: Registry,
  repository: string,
  content: string,
): Promise<Pick<BuildDetails, 'platforms'> & { readonly index: Digest }> {
  const images = await Promise.all(
    ['linux/amd64', 'linux/arm64'].map(async (platform) => {
      const layer = Buffer.from(`${content} for ${platform}`)
      const config = Buffer.from(JSON.stringify({ ...platformObject(platform), rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }))
      await Promise.all([registry.putBlob(repository, layer), registry.putBlob(repository, config)])
      const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.manifest,
        config: { mediaType: MEDIA_TYPES.config, digest: digestOf(config), size: config.length },
        layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digestOf(layer), size: layer.length }],
      })
      const digest = await registry.putManifest(repository, manifest, MEDIA_TYPES.manifest)
      return { platform, digest, size: manifest.length }
    }),
  )
  const manifests = images.map(({ platform, digest, size }) => ({ mediaType: MEDIA_TYPES.manifest, digest, size, platform: platformObject(platform) }))
  const index = await registry.putManifest(repository, JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests }), MEDIA_TYPES.index)
  return {
    index,
    platforms: images.map(({ platform, digest, size }) => ({
      platform,
      outcome: 'passed',
      digest,
      bytes: size,
      seconds: 1,
      emulated: platform !== 'linux/amd64',
      steps: [],
    })),
  }
}

/** Trains, builds and tests in name only: the model's files and the staged image are really there. */
export async function makeStages(registry: Registry, blobs: BlobStore, repository: string, content: string): Promise<Stages> {
  const weights = Buffer.from(`weights of ${content}`)
  const files = [{ path: 'model.bin', digest: await blobs.put(weights), bytes: weights.length }]
  const model = { digest: listingDigest(files), files }
  const train: TrainDetails = {
    kind: 'train',
    image: `registry/train@${digestOf('train')}`,
    attempts: 1,
    exitCode: 0,
    model,
    metrics: [{ name: 'accuracy', value: 0.93, better: 'higher' }],
    slices: [{ slice: 'night', metric: 'accuracy', value: 0.9, n: 40 }],
    tests: [{ name: 'a plume is smoke', category: 'minimum-functionality', outcome: 'passed', seconds: 0.1 }],
    datasets: [{ name: 'smoke', digest: digestOf('data'), uri: 'data/smoke' }],
  }
  const staged = await stageImage(registry, repository, content)
  const build: BuildDetails = { kind: 'build', repository, model: model.digest, ...staged }
  const trial = (platform: string, emulated: boolean): VirtualDetails['trials'][number] => ({
    name: 'production',
    platform,
    outcome: 'passed',
    emulated,
    network: 'none',
    exitCode: 0,
    ending: 'exited',
    seconds: 2,
    total: 3,
    names: [],
    dropped: [],
    uploads: [],
    expectations: [],
    logs: { stdout: '', stderr: '' },
    profile: {
      schema: 'ecr.profile/v1',
      platform,
      environment: { kind: 'virtual', emulated },
      metrics: { cpu_seconds: { unit: 's', value: 1.5, source: 'counter' } },
    },
  })
  const virtual: VirtualDetails = { kind: 'virtual', testbed: 'virtual-waggle/1', trials: [trial('linux/amd64', false), trial('linux/arm64', true)] }
  return {
    train: makeRecord('train', { details: train }),
    build: makeRecord('build', { details: build }),
    virtual: makeRecord('virtual', { details: virtual, subject: { ...SUBJECT, index: staged.index } }),
  }
}

/** What the runner gives to the stage. */
export function makeContext(tree: RepositoryTree, blobs: BlobStore, subject: Subject = SUBJECT): StageContext {
  return {
    tree,
    subject,
    blobs,
    clock: { now: () => '2026-11-21T12:00:00.000Z', monotonicMs: () => 0 },
    progress: { step: () => undefined, output: () => undefined },
    signal: new AbortController().signal,
    workFolder: '/nonexistent',
    environment: { kind: 'laptop' },
  }
}
