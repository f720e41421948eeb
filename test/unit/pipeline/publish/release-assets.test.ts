import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../pipeline/digest.ts'
import { prepareAssets } from '../../../../pipeline/forge/release-assets.ts'
import type { BlobStore } from '../../../../pipeline/ports/blob-store.ts'
import { evaluationDocument } from '../../../../pipeline/publish/bundle.ts'
import { releaseAssets } from '../../../../pipeline/publish/release-assets.ts'
import type { File } from '../../../../schemas/generated/types.ts'
import { memoryBlobs } from '../../../support/memory-blobs.ts'
import { makeRecord, makeTrainDetails } from '../../../support/records.ts'

const REPORT = { markdown: '# ok', html: '<p>ok</p>', json: '{}', charts: [] }

async function keep(blobs: BlobStore, role: string, name: string | undefined, text: string): Promise<File> {
  const content = Buffer.from(text)
  return { role, ...(name !== undefined && { name }), digest: await blobs.put(content), bytes: content.length, mediaType: 'application/json' }
}

describe('the assets of a release', () => {
  it('are bundle document, report, evaluation, and the profile of each trial and platform', async () => {
    const blobs = memoryBlobs()
    const details = makeTrainDetails()
    const publish = makeRecord('publish', {
      files: [await keep(blobs, 'source', 'source.tar', 'tar'), await keep(blobs, 'bundle', 'bundle.json', '{"bundle":1}')],
    })
    const virtual = makeRecord('virtual', {
      files: [
        await keep(blobs, 'log', 'production/linux-amd64/stdout.log', 'log'),
        await keep(blobs, 'profile', 'production/linux-amd64/profile.json', '{"a":1}'),
        await keep(blobs, 'profile', 'production/linux-arm-v7/profile.json', '{"b":2}'),
      ],
    })
    const assets = releaseAssets({ publish, train: makeRecord('train', { details }), virtual, report: REPORT }, blobs)
    const texts = await Promise.all(assets.map(async (asset) => [asset.name, Buffer.from(await asset.read()).toString()]))

    expect(texts).toEqual([
      ['bundle.json', '{"bundle":1}'],
      ['report.md', '# ok'],
      ['report.html', '<p>ok</p>'],
      ['report.json', '{}'],
      ['evaluation.json', evaluationDocument(details)],
      ['profile-production-linux-amd64.json', '{"a":1}'],
      ['profile-production-linux-arm-v7.json', '{"b":2}'],
    ])
    for (const { name, digest, bytes } of assets) {
      const text = Object.fromEntries(texts)[name] ?? ''
      expect([digest, bytes]).toEqual([digestOf(text), Buffer.byteLength(text)])
    }
    expect(prepareAssets(assets)).toMatchObject({ problems: [] })
  })

  it('are the report alone of a run that left nothing else', () => {
    const assets = releaseAssets({ publish: makeRecord('publish'), train: undefined, virtual: undefined, report: REPORT }, memoryBlobs())

    expect(assets.map(({ name }) => name)).toEqual(['report.md', 'report.html', 'report.json'])
  })

  it('have names that GitHub keeps, whatever a record calls its files', async () => {
    const blobs = memoryBlobs()
    const files = [await keep(blobs, 'profile', '../../é \n/profile.json', '{}'), await keep(blobs, 'profile', undefined, '{}')]
    const assets = releaseAssets({ publish: makeRecord('publish'), train: undefined, virtual: makeRecord('virtual', { files }), report: REPORT }, blobs)

    expect(assets.slice(3).map(({ name }) => name)).toEqual(['profile-.-.-.json', 'profile-.json'])
    expect(() => prepareAssets(assets)).not.toThrow()
  })

  it('fail with a sentence when a file of a record is not here', async () => {
    const publish = makeRecord('publish', { files: [await keep(memoryBlobs(), 'bundle', 'bundle.json', '{}')] })
    const [bundle] = releaseAssets({ publish, train: undefined, virtual: undefined, report: REPORT }, memoryBlobs())

    await expect(bundle?.read()).rejects.toMatchObject({ code: 'storage-corrupt', message: expect.stringMatching(/^bundle\.json \(sha256:/) })
  })
})
