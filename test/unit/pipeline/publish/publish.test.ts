import { describe, expect, it } from 'vitest'
import { asDigest, digestOf, type Digest } from '../../../../pipeline/digest.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import type { BlobStore } from '../../../../pipeline/ports/blob-store.ts'
import type { Catalogue } from '../../../../pipeline/ports/catalogue.ts'
import type { Registry } from '../../../../pipeline/ports/registry.ts'
import { ARTIFACT_TYPES } from '../../../../pipeline/publish/attachments.ts'
import { runPublish, type PublishInputs } from '../../../../pipeline/publish/publish.ts'
import { verifyBundle } from '../../../../pipeline/publish/verification.ts'
import type { StageResult } from '../../../../pipeline/stage.ts'
import type { PublishDetails } from '../../../../schemas/generated/types.ts'
import { validateStageRecord } from '../../../../schemas/generated/validators.js'
import { memoryCatalogue } from '../../../support/memory-catalogue.ts'
import { memoryRegistry } from '../../../support/memory-registry.ts'
import { makePipeline } from '../../../support/pipeline.ts'
import { memoryBlobs } from '../../../support/memory-blobs.ts'
import { memoryTree } from '../../../support/memory-tree.ts'
import { makeContext, makeStages } from '../../../support/publication.ts'
import { makeRecord, SUBJECT } from '../../../support/stage-record.ts'

const STAGED = 'host:5000/staging/zelda/cloud-counter'
const PUBLISHED = 'host:5000/zelda/cloud-counter'
const TREE = memoryTree({ 'sage.yaml': 'name: cloud-counter\n', 'app/main.py': 'print()\n' })

class World {
  readonly registry: Registry = memoryRegistry()
  readonly catalogue: Catalogue = memoryCatalogue()
  readonly blobs: BlobStore = memoryBlobs()

  verify(digest: string): Promise<readonly string[]> {
    const { catalogue, registry, blobs } = this
    return verifyBundle(asDigest(digest), { catalogue, registry, blobs, repository: PUBLISHED })
  }

  async publish(content: string, changes: Partial<PublishInputs> = {}, context: Partial<ReturnType<typeof makeContext>> = {}): Promise<StageResult> {
    const stages = await makeStages(this.registry, this.blobs, STAGED, content)
    return runPublish(
      { ...makeContext(TREE, this.blobs), ...context },
      { pipeline: makePipeline(), ...stages, registry: this.registry, catalogue: this.catalogue, release: false, repository: PUBLISHED, ...changes },
    )
  }
}

function detailsOf(result: StageResult): PublishDetails {
  if (result.details.kind !== 'publish') throw new Error(JSON.stringify(result.problems))
  return result.details
}

describe('publishing', () => {
  it('makes a candidate that is known by its digest, and that no tag names', async () => {
    const world = new World()
    const result = await world.publish('a')
    const details = detailsOf(result)
    expect(result).toMatchObject({ outcome: 'passed', problems: [] })
    expect(details).toMatchObject({
      state: 'candidate',
      changed: true,
      name: 'zelda/cloud-counter',
      version: '0.1.0',
      reference: `${PUBLISHED}@${details.index}`,
    })
    expect(await world.registry.manifest(`${PUBLISHED}:0.1.0`)).toBeUndefined()
    expect(await world.catalogue.bundle(details.digest as Digest)).toMatchObject({ index: details.index, source: { commit: SUBJECT.commit } })
    expect(validateStageRecord(makeRecord('publish', { details, files: [...result.files], metrics: result.metrics }))).toBe(true)
  })

  it('promotes the tested index by its digest, and tags a release with its version', async () => {
    const world = new World()
    const { index } = detailsOf(await world.publish('a', { release: true }))
    expect((await world.registry.manifest(`${PUBLISHED}:0.1.0`))?.digest).toBe(index)
    expect((await world.registry.manifest(`${STAGED}@${index}`))?.content).toEqual((await world.registry.manifest(`${PUBLISHED}@${index}`))?.content)
    expect(await world.catalogue.newestRelease('zelda/cloud-counter')).toMatchObject({
      version: '0.1.0',
      index,
      metrics: [{ name: 'accuracy', value: 0.93 }],
      profiles: [{ platform: 'linux/amd64' }],
      imageBytes: { 'linux/arm64': expect.any(Number) },
    })
  })

  it('keeps source, manifest and document as files of the record', async () => {
    const world = new World()
    const { files } = await world.publish('a')
    expect(files.map(({ role, name }) => `${role} ${name}`)).toEqual(['source source.tar', 'manifest sage.yaml', 'bundle bundle.json'])
    for (const { digest, bytes } of files) expect((await world.blobs.get(digest as Digest))?.length).toBe(bytes)
  })

  it('attaches document, model, evaluation, native profiles and test results to the index', async () => {
    const world = new World()
    const { index, digest } = detailsOf(await world.publish('a'))
    const referrers = await world.registry.referrers(PUBLISHED, index as Digest)
    expect(referrers.map(({ artifactType }) => artifactType)).toEqual([
      ARTIFACT_TYPES.bundle,
      ARTIFACT_TYPES.model,
      ARTIFACT_TYPES.evaluation,
      ARTIFACT_TYPES.profile,
      ARTIFACT_TYPES.statement,
      ARTIFACT_TYPES.statement,
    ])
    expect(referrers.find(({ artifactType }) => artifactType === ARTIFACT_TYPES.profile)?.annotations).toEqual({
      'org.sagecontinuum.ecr.trial': 'production',
      'org.sagecontinuum.ecr.platform': 'linux/amd64',
    })
    const statements = await Promise.all(
      referrers.filter(({ artifactType }) => artifactType === ARTIFACT_TYPES.statement).map(async ({ digest: artifact }) => readLayer(world, artifact)),
    )
    expect(statements.toSorted((a, b) => JSON.stringify(a).length - JSON.stringify(b).length)).toMatchObject([
      { predicate: { result: 'PASSED', passedTests: ['a plume is smoke'] } },
      {
        _type: 'https://in-toto.io/Statement/v1',
        subject: [{ name: 'zelda/cloud-counter', digest: { sha256: index.slice(7) } }],
        predicate: { result: 'PASSED', passedTests: ['production on linux/amd64', 'production on linux/arm64'], failedTests: [] },
      },
    ])
    expect(digestOf((await world.registry.blob(PUBLISHED, digest as Digest, 2 ** 20))!)).toBe(digest)
  })

  it('changes nothing when it is done again', async () => {
    const world = new World()
    const first = await world.publish('a', { release: true })
    const referrers = await world.registry.referrers(PUBLISHED, detailsOf(first).index as Digest)
    const second = await world.publish('a', { release: true })
    expect(second).toEqual({ ...first, details: { ...detailsOf(first), changed: false } })
    expect(await world.registry.referrers(PUBLISHED, detailsOf(first).index as Digest)).toEqual(referrers)
  })

  it('makes a release of what was a candidate, under the same digest', async () => {
    const world = new World()
    const candidate = detailsOf(await world.publish('a'))
    expect(detailsOf(await world.publish('a', { release: true }))).toEqual({ ...candidate, state: 'release', changed: true })
  })

  it('publishes a plugin without training', async () => {
    const world = new World()
    const result = await world.publish('a', { pipeline: makePipeline({ training: undefined, model: undefined }), train: undefined })
    expect(await world.catalogue.bundle(detailsOf(result).digest as Digest)).toMatchObject({ model: null, evaluation: null })
  })

  it('takes the model from the files of the build where nothing was trained', async () => {
    const world = new World()
    const { build } = await makeStages(world.registry, world.blobs, STAGED, 'a')
    const digest = await world.blobs.put(Buffer.from('downloaded'))
    const result = await world.publish('a', {
      pipeline: makePipeline({ training: undefined }),
      train: undefined,
      build: { ...build, files: [{ role: 'model', name: 'weights.bin', digest, bytes: 10, mediaType: 'application/octet-stream' }] },
    })
    expect(await world.catalogue.bundle(detailsOf(result).digest as Digest)).toMatchObject({ model: { files: [{ path: 'weights.bin', digest }] } })
    expect(result.metrics['modelBytes']).toBe(10)
  })

  it('takes the model that the image holds, not the one that was trained beside it', async () => {
    const world = new World()
    const { build } = await makeStages(world.registry, world.blobs, STAGED, 'a')
    const digest = await world.blobs.put(Buffer.from('downloaded'))
    const source = { kind: 'uri' as const, uri: 'https://example.org/model.bin', sha256: digest.slice(7) }
    const result = await world.publish('a', {
      pipeline: makePipeline({ model: { path: 'app/model', source } }),
      build: { ...build, files: [{ role: 'model', name: 'model.bin', digest, bytes: 10, mediaType: 'application/octet-stream' }] },
    })
    expect(await world.catalogue.bundle(detailsOf(result).digest as Digest)).toMatchObject({ model: { files: [{ digest }] } })
  })

  it('does nothing but say why, when a stage has not passed', async () => {
    const world = new World()
    const result = await world.publish('a', { virtual: undefined })
    expect(result).toMatchObject({ outcome: 'failed', problems: [{ code: 'stage-not-passed' }], details: { kind: 'none' } })
    expect(await world.registry.manifest(`${PUBLISHED}:0.1.0`)).toBeUndefined()
  })

  it('says so when the source is too large to keep', async () => {
    const tree = { ...TREE, entries: async () => [{ path: 'huge.bin', mode: '100644' as const, blob: '0'.repeat(40), bytes: 2 ** 40 }] }
    expect(await new World().publish('a', {}, { tree })).toMatchObject({ outcome: 'failed', problems: [{ code: 'source-too-large' }] })
  })

  it('fails when the manifest disappears meanwhile', async () => {
    const read = TREE.read.bind(TREE)
    const tree = {
      ...TREE,
      entries: async () => (await TREE.entries()).filter(({ path }) => path !== 'sage.yaml'),
      read: async (path: string, limit: number) => (path === 'sage.yaml' ? undefined : read(path, limit)),
    }
    await expect(new World().publish('a', {}, { tree })).rejects.toMatchObject({ code: 'interrupted' })
  })
})

describe('a name that is taken', () => {
  it('is a problem that shows both bundles and says how to go on', async () => {
    const world = new World()
    const first = detailsOf(await world.publish('a', { release: true }))
    // The same image from another source: only the catalogue can tell.
    const result = await world.publish('a', { release: true }, { subject: { ...SUBJECT, tree: digestOf('another tree') } })
    expect(result).toMatchObject({
      outcome: 'failed',
      details: { kind: 'none' },
      problems: [{ severity: 'warning' }, { code: 'version-taken', place: { file: 'sage.yaml' } }],
    })
    expect(result.problems[1]?.message).toContain(first.digest)
    expect(result.problems[1]?.message.match(/sha256:[0-9a-f]{64}/g)).toHaveLength(2)
    expect(result.problems[1]?.suggestion).toContain('Raise `version:` in sage.yaml (to 0.1.1, for instance)')
  })

  it('is seen by the tag before anything is promoted', async () => {
    const world = new World()
    const first = detailsOf(await world.publish('a', { release: true }))
    const result = await world.publish('b', { release: true })
    expect(result.problems.map(({ code }) => code)).toContain('version-taken')
    const { build } = await makeStages(world.registry, world.blobs, STAGED, 'b')
    const offered = build.details.kind === 'build' ? build.details.index! : ''
    expect(result.problems.at(-1)?.message).toMatch(new RegExp(`${first.index}.*${offered}`))
    expect(await world.registry.manifest(`${PUBLISHED}@${offered}`)).toBeUndefined()
  })

  it("stands in no candidate's way", async () => {
    const world = new World()
    await world.publish('a', { release: true })
    expect(await world.publish('b')).toMatchObject({ outcome: 'passed', details: { state: 'candidate' } })
  })

  it('gives no next version where the version is not semantic', async () => {
    const world = new World()
    const pipeline = makePipeline()
    const named = { ...pipeline, manifest: { ...pipeline.manifest, version: 'spring' } }
    await world.publish('a', { release: true, pipeline: named })
    expect((await world.publish('b', { release: true, pipeline: named })).problems.at(-1)?.suggestion).toContain('Raise `version:` in sage.yaml, then')
  })
})

describe('a run that is cut off', () => {
  const cases = ['before', 'after'] as const
  it.each(cases)('converges when it is done again, wherever a port gave up (%s its effect)', async (when) => {
    const whole = new World()
    const expected = detailsOf(await whole.publish('a', { release: true }))
    let call = 1
    for (let finished = false; !finished; call++) {
      const world = new World()
      const stages = await makeStages(world.registry, world.blobs, STAGED, 'a')
      const meter = { left: call }
      const broken = { registry: breakAt(world.registry, meter, when), catalogue: breakAt(world.catalogue, meter, when) }
      const inputs = { pipeline: makePipeline(), ...stages, release: true, repository: PUBLISHED }
      const first = await runPublish(makeContext(TREE, breakAt(world.blobs, meter, when)), { ...inputs, ...broken }).catch((error: unknown) => error)
      finished = !(first instanceof Failure)
      const again = detailsOf(await world.publish('a', { release: true }))
      expect({ ...again, id: expected.id, changed: true }).toEqual(expected)
      expect((await world.registry.manifest(`${PUBLISHED}:0.1.0`))?.digest).toBe(expected.index)
      expect(await world.verify(again.digest)).toEqual([])
      expect(await world.registry.referrers(PUBLISHED, expected.index as Digest)).toHaveLength(6)
    }
    expect(call).toBeGreaterThan(15)
  })

  it.each(['archiving the source', 'promoting', 'attaching what was measured'])('stops when it is cancelled while %s', async (step) => {
    const world = new World()
    const cancel = new AbortController()
    const progress = { step: (line: string) => (line.startsWith(step) ? cancel.abort() : undefined), output: () => undefined }
    await expect(world.publish('a', { release: true }, { signal: cancel.signal, progress })).rejects.toThrow('aborted')
    expect(await world.catalogue.newestRelease('zelda/cloud-counter')).toBeUndefined()
  })
})

describe('verifying a bundle', () => {
  it('finds a whole one whole', async () => {
    const world = new World()
    const { digest } = detailsOf(await world.publish('a'))
    expect(await world.verify(digest)).toEqual([])
  })

  it('names what is missing, everywhere at once', async () => {
    const world = new World()
    const { digest, index } = detailsOf(await world.publish('a'))
    expect(await world.verify(digestOf('nothing'))).toEqual([`the catalogue has no bundle ${digestOf('nothing')}`])
    const faults = await verifyBundle(digest as Digest, { catalogue: world.catalogue, registry: memoryRegistry(), blobs: memoryBlobs(), repository: PUBLISHED })
    expect(faults).toEqual([
      `${PUBLISHED} has no index ${index}`,
      expect.stringMatching(/^the blob store has not got the source archive \(sha256:/),
      expect.stringMatching(/^the blob store has not got sage\.yaml/),
      expect.stringMatching(/^the blob store has not got the model's model\.bin/),
      `no referrer of the index ${index} holds the bundle document ${digest}`,
    ])
  })

  it('sees an index without the platforms that the document lists, and a platform without its image', async () => {
    const world = new World()
    const { digest } = detailsOf(await world.publish('a'))
    const document = (await world.catalogue.bundle(digest as Digest))!
    const images = document.platforms.map((platform) => platform.digest)
    const registry = {
      ...world.registry,
      manifest: async (reference: string) => (reference.endsWith(images[0]!) ? undefined : world.registry.manifest(reference)),
    }
    const catalogue = {
      ...world.catalogue,
      bundle: async () => ({ ...document, platforms: [...document.platforms, { platform: 'linux/arm/v7', digest: digestOf('elsewhere') }] }),
    }
    expect(await verifyBundle(digest as Digest, { catalogue, registry, blobs: world.blobs, repository: PUBLISHED })).toEqual([
      `${PUBLISHED} has no image ${images[0]} for linux/amd64`,
      `the index ${document.index} does not list ${digestOf('elsewhere')} for linux/arm/v7`,
    ])
  })

  it.each([undefined, 'x'])('is not enough for a release whose tag names %s', async (content) => {
    const world = new World()
    let tagged = false
    const registry: Registry = {
      ...world.registry,
      putManifest: async (...values) => {
        tagged = true
        return world.registry.putManifest(...values)
      },
      manifest: async (reference) => {
        const other = content === undefined ? undefined : { digest: digestOf(content), mediaType: '', content: Buffer.from(content) }
        return tagged && reference === `${PUBLISHED}:0.1.0` ? other : world.registry.manifest(reference)
      },
    }
    await expect(world.publish('a', { registry, release: true })).rejects.toMatchObject({
      code: 'registry-refused',
      message: expect.stringContaining(content === undefined ? 'names nothing' : digestOf(content)),
    })
  })

  it('is done after publishing, and a registry that lost something is a failure', async () => {
    const world = new World()
    await expect(world.publish('a', { registry: { ...world.registry, referrers: async () => [] } })).rejects.toMatchObject({
      code: 'registry-refused',
      message: expect.stringContaining('no referrer of the index'),
    })
    await expect(
      world.publish('a', { registry: { ...world.registry, promote: async () => undefined }, repository: 'host:5000/elsewhere/x' }),
    ).rejects.toMatchObject({ code: 'registry-refused' })
  })
})

async function readLayer(world: World, artifact: Digest): Promise<unknown> {
  const manifest = JSON.parse((await world.registry.manifest(`${PUBLISHED}@${artifact}`))!.content.toString()) as { layers: { digest: Digest }[] }
  return JSON.parse((await world.registry.blob(PUBLISHED, manifest.layers[0]!.digest, 2 ** 20))!.toString())
}

/** The port, which is cut off at the nth call of all that share the meter, before or after what the call does. */
function breakAt<Port extends object>(port: Port, meter: { left: number }, when: 'before' | 'after'): Port {
  return new Proxy(port, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver)
      if (typeof member !== 'function') return member
      return async (...values: unknown[]) => {
        const cut = --meter.left === 0
        if (cut && when === 'before') throw new Failure('registry-unavailable', 'cut off')
        const answer: unknown = await Reflect.apply(member, target, values)
        if (cut) throw new Failure('registry-unavailable', 'cut off')
        return answer
      }
    },
  })
}
