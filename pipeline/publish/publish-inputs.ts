import type { BuildDetails, Subject, TrainDetails } from '../../schemas/generated/types.ts'
import { digestOf, type Json } from '../digest.ts'
import { nameOf, type Pipeline } from '../pipeline.ts'
import { evaluationDocument } from './bundle.ts'

export interface PublishKeyFacts {
  readonly pipeline: Pipeline
  readonly build: BuildDetails
  readonly train: TrainDetails | undefined
  /** Git blob id (or any digest) of the manifest file. */
  readonly manifestBlob: string
  /** From `claimsName`. */
  readonly release: boolean
  /** Registry host and repository that are published to. */
  readonly repository: string
}

/**
 * What the key of `publish` is made of. The source tree is left out on purpose: touching a file that reaches neither image nor model
 * publishes nothing anew, and the recorded bundle keeps its own commit.
 */
export function publishInputs({ pipeline, build, train, manifestBlob, release, repository }: PublishKeyFacts): Json {
  return {
    name: nameOf(pipeline),
    version: pipeline.manifest.version,
    index: build.index ?? null,
    model: build.model ?? train?.model?.digest ?? null,
    manifest: manifestBlob,
    evaluation: train === undefined ? null : digestOf(evaluationDocument(train)),
    release,
    repository,
  }
}

/** Whether this run claims the immutable name: asked to (`--release`), or by a clean commit with the version's tag (`1.2.3` or `v1.2.3`). */
export function claimsName(pipeline: Pipeline, subject: Subject, asked: boolean): boolean {
  return asked || (!subject.dirty && subject.commit !== null && hasVersionTag(pipeline, subject))
}

/** Whether one of the commit's tags is the manifest's version. */
export function hasVersionTag({ manifest }: Pipeline, { tags }: Subject): boolean {
  return manifest.version !== '' && (tags ?? []).some((tag) => tag === manifest.version || tag === `v${manifest.version}`)
}

/** Registry host and repository of a plugin's published images; repository names of OCI are lower-case. */
export function publishedRepository(registry: string, pipeline: Pipeline): string {
  return `${registry}/${nameOf(pipeline).toLowerCase()}`
}
