import type { StageRecord } from '../../schemas/generated/types.ts'
import { asDigest } from '../digest.ts'
import { Failure } from '../failure.ts'
import { assetName, documentAsset, type ReleaseAsset } from '../forge/release-assets.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { RenderedReport } from '../ports/reports.ts'
import { detailsOf } from './attachments.ts'
import { evaluationDocument } from './bundle.ts'

export interface ReleasedRun {
  readonly publish: StageRecord
  readonly train: StageRecord | undefined
  readonly virtual: StageRecord | undefined
  readonly report: RenderedReport
}

/** What a release at a forge is given: bundle document, report, evaluation, and a profile of each trial and platform. */
export function releaseAssets({ publish, train, virtual, report }: ReleasedRun, blobs: BlobStore): readonly ReleaseAsset[] {
  const trained = detailsOf(train, 'train')
  return [
    ...publish.files.filter(({ role }) => role === 'bundle').map((file) => fileAsset('bundle.json', file, blobs)),
    documentAsset('report.md', 'text/markdown', report.markdown),
    documentAsset('report.html', 'text/html', report.html),
    documentAsset('report.json', 'application/json', report.json),
    ...(trained === undefined ? [] : [documentAsset('evaluation.json', 'application/json', evaluationDocument(trained))]),
    ...(virtual?.files ?? [])
      .filter(({ role }) => role === 'profile')
      .map((file) => fileAsset(assetName(`profile-${(file.name ?? '').replace(/\/profile\.json$/, '')}.json`), file, blobs)),
  ]
}

function fileAsset(name: string, { digest, bytes, mediaType }: StageRecord['files'][number], blobs: BlobStore): ReleaseAsset {
  const read = async (): Promise<Uint8Array> => {
    const content = await blobs.get(asDigest(digest))
    if (content === undefined)
      throw new Failure('storage-corrupt', `${name} (${digest}) is not in the store`, { suggestion: 'Run the stage that made it again.' })
    return content
  }
  return { name, mediaType, bytes, digest: asDigest(digest), read }
}
