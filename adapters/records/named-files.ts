import { asDigest, type Digest } from '../../pipeline/digest.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'

/** A blob that a record cannot do without. */
export interface NamedFile {
  readonly digest: Digest
  readonly bytes: number
}

/** Every blob that a record names, each once: its files, and those of the model that training left. */
export function namedFiles({ files, details }: StageRecord): readonly NamedFile[] {
  const model = details.kind === 'train' ? (details.model?.files ?? []) : []
  return [...new Map([...files, ...model].map(({ digest, bytes }) => [digest, { digest: asDigest(digest), bytes }])).values()]
}
