import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../pipeline/digest.ts'
import { detailsOf, listAttachments } from '../../../../pipeline/publish/attachments.ts'
import { bundleDigest, bundleDocument, composeBundle, evaluationDocument, sameBundle, type BundleParts } from '../../../../pipeline/publish/bundle.ts'
import { validateBundle } from '../../../../schemas/generated/validators.js'
import { memoryRegistry } from '../../../support/memory-registry.ts'
import { makePipeline } from '../../../support/pipeline.ts'
import { memoryBlobs } from '../../../support/memory-blobs.ts'
import { makeStages } from '../../../support/publication.ts'
import { SUBJECT } from '../../../support/stage-record.ts'

async function makeParts(): Promise<BundleParts> {
  const stages = await makeStages(memoryRegistry(), memoryBlobs(), 'host/staging', 'a')
  const train = detailsOf(stages.train, 'train')!
  const build = detailsOf(stages.build, 'build')!
  return {
    pipeline: makePipeline(),
    subject: SUBJECT,
    build: { ...build, index: build.index! },
    train,
    model: train.model!,
    sourceArchive: digestOf('archive'),
    manifest: digestOf('manifest'),
  }
}

describe('a bundle document', () => {
  it('is what its schema says, and has one byte sequence', async () => {
    const bundle = composeBundle(await makeParts())
    expect(validateBundle(bundle)).toBe(true)
    expect(bundleDocument(bundle)).toBe(bundleDocument(JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(bundle).toReversed())))))
    expect(bundleDigest(bundle)).toBe(digestOf(bundleDocument(bundle)))
    expect(bundle).toMatchObject({ name: 'zelda/cloud-counter', version: '0.1.0', platforms: [{ platform: 'linux/amd64' }, { platform: 'linux/arm64' }] })
  })

  it('does not depend on the order of platforms, model files and data sets', async () => {
    const parts = await makeParts()
    const files = [...parts.model!.files, { path: 'a.txt', digest: digestOf('a'), bytes: 1 }]
    const datasets = [...parts.train!.datasets, { name: 'clouds', digest: digestOf('clouds'), uri: 'data/clouds' }]
    const forward = composeBundle({ ...parts, model: { ...parts.model!, files }, train: { ...parts.train!, datasets } })
    const backward = composeBundle({
      ...parts,
      build: { ...parts.build, platforms: parts.build.platforms.toReversed() },
      model: { ...parts.model!, files: files.toReversed() },
      train: { ...parts.train!, datasets: datasets.toReversed() },
    })
    expect(bundleDigest(forward)).toBe(bundleDigest(backward))
  })

  it('holds no times, durations or attempts', async () => {
    const parts = await makeParts()
    const slower = {
      ...parts,
      build: { ...parts.build, platforms: parts.build.platforms.map((platform) => ({ ...platform, seconds: 99 })) },
      train: { ...parts.train!, attempts: 3 },
    }
    expect(bundleDigest(composeBundle(slower))).toBe(bundleDigest(composeBundle(parts)))
  })

  it('has neither model nor evaluation nor data sets where nothing was trained', async () => {
    const bundle = composeBundle({ ...(await makeParts()), train: undefined, model: null })
    expect(bundle).toMatchObject({ model: null, evaluation: null, datasets: [] })
    expect(validateBundle(bundle)).toBe(true)
  })

  it('names the evaluation by the digest of its metrics and slices', async () => {
    const parts = await makeParts()
    expect(composeBundle(parts).evaluation).toBe(digestOf(evaluationDocument(parts.train!)))
    const better = { ...parts.train!, metrics: [{ name: 'accuracy', value: 0.99, better: 'higher' as const }] }
    expect(composeBundle({ ...parts, train: better }).evaluation).not.toBe(composeBundle(parts).evaluation)
  })
})

describe('two bundle documents', () => {
  const other = digestOf('other')
  it.each([
    ['index', false, (parts: BundleParts) => ({ ...parts, build: { ...parts.build, index: other } })],
    ['model', false, (parts: BundleParts) => ({ ...parts, model: { ...parts.model!, digest: other } })],
    ['having a model', false, (parts: BundleParts) => ({ ...parts, model: null })],
    ['manifest', false, (parts: BundleParts) => ({ ...parts, manifest: other })],
    ['source tree', false, (parts: BundleParts) => ({ ...parts, subject: { ...parts.subject, tree: other } })],
    ['commit', false, (parts: BundleParts) => ({ ...parts, subject: { ...parts.subject, commit: 'b'.repeat(40) } })],
    ['source archive', false, (parts: BundleParts) => ({ ...parts, sourceArchive: other })],
    ['place of the repository', true, (parts: BundleParts) => ({ ...parts, subject: { ...parts.subject, repository: '/home/zelda/clone' } })],
    ['evaluation', true, (parts: BundleParts) => ({ ...parts, train: { ...parts.train!, slices: [] } })],
    ['data sets', true, (parts: BundleParts) => ({ ...parts, train: { ...parts.train!, datasets: [] } })],
  ] as const)('that differ in %s are the same bundle: %s', async (_, same, change) => {
    const parts = await makeParts()
    expect(sameBundle(composeBundle(parts), composeBundle(change(parts)))).toBe(same)
  })
})

describe('the attachments of a bundle', () => {
  it('are the document alone where nothing was trained or tried', async () => {
    const bundle = composeBundle({ ...(await makeParts()), train: undefined, model: null })
    expect(listAttachments(bundle, undefined, undefined).map(({ content }) => content)).toEqual([bundleDocument(bundle)])
  })

  it('tell which evaluation tests passed, failed and were left out', async () => {
    const parts = await makeParts()
    const tests = (['passed', 'failed', 'error', 'skipped'] as const).map((outcome) => ({
      name: `test that ${outcome}`,
      category: 'invariance',
      outcome,
      seconds: 0,
    }))
    const statement = listAttachments(composeBundle(parts), { ...parts.train!, tests }, undefined).at(-1)
    expect(JSON.parse(statement?.content ?? '')).toMatchObject({
      predicateType: 'https://in-toto.io/attestation/test-result/v0.1',
      predicate: {
        result: 'FAILED',
        passedTests: ['test that passed'],
        failedTests: ['test that failed', 'test that error'],
        warnedTests: ['test that skipped'],
      },
    })
    expect(statement?.annotations).toMatchObject({ 'org.sagecontinuum.ecr.suite': 'evaluation' })
  })
})
