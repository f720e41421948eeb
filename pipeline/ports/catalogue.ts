import type { Digest } from '../digest.ts'
import type { Bundle, EvaluationMetric, EvaluationSlice, Profile } from '../../schemas/generated/types.ts'

/** What a later run compares itself with. */
export interface ReleaseSummary {
  readonly name: string
  readonly version: string
  readonly digest: Digest
  readonly index: Digest
  readonly published: string
  readonly metrics: readonly EvaluationMetric[]
  readonly slices: readonly EvaluationSlice[]
  readonly profiles: readonly Profile[]
  readonly imageBytes: Readonly<Record<string, number>>
}

export interface PublicationRequest {
  readonly bundle: Bundle
  /** Claim the immutable name `namespace/name:version`; otherwise the bundle stays a candidate, known by its digest. */
  readonly release: boolean
  /** Registry host and repository of the promoted image. */
  readonly reference: string
  readonly summary: Omit<ReleaseSummary, 'digest' | 'published'>
  readonly now: string
}

export type Publication =
  | { readonly kind: 'published'; readonly id: string; readonly digest: Digest }
  | { readonly kind: 'unchanged'; readonly id: string; readonly digest: Digest }
  | { readonly kind: 'name-taken'; readonly existing: Digest; readonly offered: Digest }

/** The Edge Code Repository's rows. */
export interface Catalogue {
  /** Stores the bundle's document and row, reads both back, and verifies them. Fails with `storage-full`, `storage-unavailable`, `storage-corrupt`, `lock-held`. */
  publish(request: PublicationRequest): Promise<Publication>
  /** The newest release of `namespace/name`; never opens the database (a run that changes nothing must stay fast). */
  newestRelease(name: string): Promise<ReleaseSummary | undefined>
  /** A bundle document, verified against its digest. */
  bundle(digest: Digest): Promise<Bundle | undefined>
}
