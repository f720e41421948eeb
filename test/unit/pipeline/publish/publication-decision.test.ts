import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../pipeline/digest.ts'
import { decidePublication, type PublicationFacts } from '../../../../pipeline/publish/publication-decision.ts'
import { claimsName, publishedRepository, publishInputs, type PublishKeyFacts } from '../../../../pipeline/publish/publish-inputs.ts'
import { detailsOf } from '../../../../pipeline/publish/attachments.ts'
import { keyOf } from '../../../../pipeline/key.ts'
import type { Pipeline } from '../../../../pipeline/pipeline.ts'
import { memoryRegistry } from '../../../support/memory-registry.ts'
import { makePipeline } from '../../../support/pipeline.ts'
import { memoryBlobs } from '../../../support/memory-blobs.ts'
import { makeStages } from '../../../support/publication.ts'
import { makeRecord, SUBJECT } from '../../../support/stage-record.ts'

const stages = await makeStages(memoryRegistry(), memoryBlobs(), 'host/staging', 'a')
const build = detailsOf(stages.build, 'build')!
const train = detailsOf(stages.train, 'train')!

function withManifest(changes: Partial<Pipeline['manifest']>): Pipeline {
  const pipeline = makePipeline()
  return { ...pipeline, manifest: { ...pipeline.manifest, ...changes } }
}

function facts(changes: Partial<PublicationFacts> = {}): PublicationFacts {
  return { pipeline: makePipeline(), subject: SUBJECT, ...stages, release: false, ...changes }
}

describe('what claims the name', () => {
  it.each([
    ['a push', { tags: [] }, false, false],
    ['a commit with the tag 0.1.0', { tags: ['0.1.0'] }, false, true],
    ['a commit with the tag v0.1.0 among others', { tags: ['nightly', 'v0.1.0'] }, false, true],
    ["a commit with another version's tag", { tags: ['v0.2.0'] }, false, false],
    ['a changed folder on a commit with the tag', { tags: ['v0.1.0'], dirty: true }, false, false],
    ['a folder without a commit', { tags: ['v0.1.0'], commit: null }, false, false],
    ['--release', { tags: [] }, true, true],
    ['--release on a changed folder', { dirty: true }, true, true],
  ] as const)('%s', (_, subject, asked, expected) => {
    expect(claimsName(makePipeline(), { ...SUBJECT, ...subject, tags: [...('tags' in subject ? subject.tags : [])] }, asked)).toBe(expected)
  })

  it("is never an empty version's tag", () => {
    expect(claimsName(withManifest({ version: '' }), { ...SUBJECT, tags: ['v'] }, false)).toBe(false)
  })
})

describe('the decision to publish', () => {
  it('makes a candidate of every run that passes', () => {
    expect(decidePublication(facts())).toMatchObject({ kind: 'candidate', problems: [] })
  })

  it("makes a release of a clean commit with the version's tag, without a warning", () => {
    expect(decidePublication(facts({ subject: { ...SUBJECT, tags: ['v0.1.0'] } }))).toMatchObject({ kind: 'release', problems: [] })
  })

  it('goes without training where there is none to do', () => {
    expect(decidePublication(facts({ pipeline: makePipeline({ training: undefined }), train: undefined }))).toMatchObject({ kind: 'candidate' })
  })

  it('asks no agreement of a trained model where the image holds another on purpose', () => {
    const source = { kind: 'uri' as const, uri: 'https://example.org/model.bin', sha256: 'a'.repeat(64) }
    const other = { ...stages.build, details: { ...build, model: digestOf('another') } }
    expect(decidePublication(facts({ build: other, pipeline: makePipeline({ model: { path: 'app/model', source } }) }))).toMatchObject({ kind: 'candidate' })
  })

  it.each([
    ['release-without-commit', { commit: null, dirty: true }],
    ['release-dirty', { dirty: true, tags: ['v0.1.0'] }],
    ['release-untagged', { tags: ['v9'] }],
  ] as const)('releases when asked to, with the warning %s', (code, subject) => {
    expect(decidePublication(facts({ subject: { ...SUBJECT, ...subject, tags: [...('tags' in subject ? subject.tags : [])] }, release: true }))).toMatchObject({
      kind: 'release',
      problems: [{ code, severity: 'warning' }],
    })
  })

  it.each([
    ['stage-not-passed', { virtual: undefined }],
    ['stage-not-passed', { virtual: { ...stages.virtual, outcome: 'failed' } }],
    ['stage-not-passed', { train: { ...stages.train, outcome: 'failed' } }],
    ['stage-not-passed', { build: { ...stages.build, outcome: 'failed' } }],
    ['no-image', { build: makeRecord('build', { details: { kind: 'build', repository: 'host/staging', platforms: build.platforms } }) }],
    ['records-disagree', { virtual: { ...stages.virtual, subject: { ...SUBJECT, index: digestOf('another') } } }],
    ['records-disagree', { build: { ...stages.build, details: { ...build, model: digestOf('another') } } }],
    ['name-not-publishable', { pipeline: withManifest({ name: 'cloud counter' }) }],
    ['name-not-publishable', { pipeline: withManifest({ namespace: '..' }) }],
    ['version-missing', { pipeline: withManifest({ version: '' }), release: true }],
    ['version-not-publishable', { pipeline: withManifest({ version: '1.0.0+build' }), release: true }],
    ['platform-missing', { pipeline: withManifest({ platforms: ['linux/amd64', 'linux/arm/v7'] }), release: true }],
  ] as const)('is a refusal with %s', (code, changes) => {
    const decision = decidePublication(facts(changes as Partial<PublicationFacts>))
    expect(decision.kind).toBe('refused')
    expect(decision.problems.map((problem) => problem.code)).toContain(code)
  })

  it('lists everything that stands against it', () => {
    const decision = decidePublication(
      facts({ virtual: undefined, build: undefined, train: undefined, pipeline: withManifest({ name: '!', version: '' }), release: true }),
    )
    expect(decision.problems.filter(({ severity }) => severity === 'error').map(({ code }) => code)).toEqual([
      'stage-not-passed',
      'stage-not-passed',
      'stage-not-passed',
      'name-not-publishable',
      'version-missing',
    ])
  })

  it('takes a candidate of fewer platforms than promised, and says so', () => {
    const decision = decidePublication(facts({ pipeline: withManifest({ platforms: ['linux/amd64', 'linux/arm/v7'] }) }))
    expect(decision).toMatchObject({
      kind: 'candidate',
      problems: [{ code: 'platform-missing', severity: 'warning', message: 'sage.yaml promises linux/arm/v7, which this image is not built for' }],
    })
  })

  it('takes a candidate without a version', () => {
    expect(decidePublication(facts({ pipeline: withManifest({ version: '' }) }))).toMatchObject({ kind: 'candidate' })
  })
})

describe('the key of publish', () => {
  const base: PublishKeyFacts = { pipeline: makePipeline(), build, train, manifestBlob: 'abc', release: false, repository: 'host/zelda/cloud-counter' }
  it.each([
    ['the image index', true, { build: { ...build, index: digestOf('other') } }],
    ['the model', true, { build: { ...build, model: digestOf('other') } }],
    [
      'a model that is not in the image',
      true,
      { build: { ...build, model: undefined }, train: { ...train, model: { ...train.model!, digest: digestOf('other') } } },
    ],
    ['the evaluation', true, { train: { ...train, metrics: [] } }],
    ['the manifest', true, { manifestBlob: 'def' }],
    ['the version', true, { pipeline: withManifest({ version: '0.2.0' }) }],
    ['claiming the name', true, { release: true }],
    ['where it is published', true, { repository: 'elsewhere/zelda/cloud-counter' }],
    ['what each build step took', false, { build: { ...build, platforms: [] } }],
    ['the gates', false, { pipeline: makePipeline({ training: { ...makePipeline().training!, gates: [{ metric: 'accuracy', min: 0.99 }] } }) }],
  ] as const)('changes with %s: %s', (_, changes, change) => {
    expect(keyOf('publish', publishInputs({ ...base, ...(change as Partial<PublishKeyFacts>) })) !== keyOf('publish', publishInputs(base))).toBe(changes)
  })

  it('holds the model that the build took from elsewhere, and nulls for what there is not', () => {
    expect(publishInputs({ ...base, train: undefined })).toMatchObject({ model: build.model, evaluation: null })
    expect(publishInputs({ ...base, train: undefined, build: { kind: 'build', repository: 'r', platforms: [] } })).toMatchObject({ model: null, index: null })
  })
})

describe('the published repository', () => {
  it('is lower-case, as OCI wants it', () => {
    expect(publishedRepository('127.0.0.1:5055', withManifest({ namespace: 'Zelda' }))).toBe('127.0.0.1:5055/zelda/cloud-counter')
  })
})
