import { digestOfJson, type Digest, type Json } from './digest.ts'
import type { StageName } from './stage.ts'

/** Raised whenever a stage's own code changes what the same inputs lead to: records made before are then no longer reused. */
const STAGE_VERSIONS: Readonly<Record<StageName, number>> = { validate: 1, train: 1, build: 1, virtual: 1, node: 1, publish: 1, report: 1 }

/**
 * The key of a stage: the digest of everything that can change its outcome. docs/keys.md lists the inputs of each stage.
 * Gates are in no key: they are decided anew in every run.
 */
export function keyOf(stage: StageName, inputs: Json): Digest {
  return digestOfJson({ stage, version: STAGE_VERSIONS[stage], inputs })
}
