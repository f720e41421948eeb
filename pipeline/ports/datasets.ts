import type { Digest } from '../digest.ts'
import type { Dataset } from '../pipeline.ts'
import type { Place, Problem } from '../problem.ts'
import type { Progress } from './progress.ts'
import type { RepositoryTree } from './repository-tree.ts'

export interface DatasetRequest {
  readonly dataset: Dataset
  /** Where paths without a scheme are looked up. */
  readonly tree: RepositoryTree
  /** An empty or missing folder for this data set alone, removed by whoever asked. */
  readonly scratch: string
  /** Of the data set's `uri` and `sha256` in ctss.yaml, where they are known. */
  readonly places: { readonly uri?: Place; readonly sha256?: Place }
}

export type DatasetAnswer =
  /** `folder` holds the data set's files and nothing else; it may be shared, and is only ever read. */
  { readonly kind: 'verified'; readonly folder: string; readonly digest: Digest } | { readonly kind: 'refused'; readonly problem: Problem }

/** Finds data sets and verifies them: nothing is handed out that differs from its declared SHA-256. */
export interface Datasets {
  /**
   * `refused` when the address is wrong, nothing is there, it holds something else than regular files, or its digest differs (both are shown).
   * Fails with `download-failed`, `storage-full`, `storage-unavailable`, `cancelled`.
   */
  fetch(request: DatasetRequest, progress: Progress, signal: AbortSignal): Promise<DatasetAnswer>
}
