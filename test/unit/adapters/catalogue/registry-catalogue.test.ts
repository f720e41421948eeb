import { beforeEach, describe, expect, it } from 'vitest'
import { CATALOGUE_ARTIFACTS, registryCatalogue } from '../../../../adapters/catalogue/registry-catalogue.ts'
import { MEDIA_TYPES, readOciDocument } from '../../../../pipeline/build/oci-documents.ts'
import { digestOf, type Digest } from '../../../../pipeline/digest.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import type { Catalogue } from '../../../../pipeline/ports/catalogue.ts'
import type { Registry } from '../../../../pipeline/ports/registry.ts'
import { ARTIFACT_TYPES } from '../../../../pipeline/publish/attachments.ts'
import { bundleDigest } from '../../../../pipeline/publish/bundle.ts'
import { describeCatalogueContract } from '../../../contract/catalogue.ts'
import { memoryRegistry } from '../../../support/memory-registry.ts'
import { sampleBundle, sampleIndex, sampleRequest } from '../../../support/sample-bundle.ts'

const NAME = 'sage/smoke-detector'
const repositoryOf = (name: string) => `registry.test/${name}`
const REPOSITORY = repositoryOf(NAME)

async function promote(registry: Registry, contents: readonly string[] = ['a', 'b', 'c']): Promise<Registry> {
  for (const name of [NAME, 'sage/other'])
    for (const content of contents) await registry.putManifest(repositoryOf(name), sampleIndex(content), MEDIA_TYPES.index)
  return registry
}

describeCatalogueContract('a registry in memory', async () => registryCatalogue({ registry: await promote(memoryRegistry()), repositoryOf }))

let registry: Registry
let catalogue: Catalogue
beforeEach(async () => {
  registry = await promote(memoryRegistry())
  catalogue = registryCatalogue({ registry, repositoryOf })
})

const artifactsOf = async (content: string): Promise<readonly string[]> => {
  const referrers = await registry.referrers(REPOSITORY, digestOf(sampleIndex(content)))
  return referrers.map(({ artifactType }) => artifactType ?? '').toSorted()
}

/** A registry in which something other than usual happens. */
const but = (changes: Partial<Registry>): Catalogue => registryCatalogue({ registry: { ...registry, ...changes }, repositoryOf })

describe('a catalogue in a registry', () => {
  it('keeps a candidate as one artifact on its index, and claims no name', async () => {
    await catalogue.publish(sampleRequest(sampleBundle('a'), false))
    await catalogue.publish(sampleRequest(sampleBundle('a'), false))
    expect(await artifactsOf('a')).toEqual([CATALOGUE_ARTIFACTS.entry])
    expect(await registry.tags(REPOSITORY)).toEqual([])
  })

  it('gives the bundle document to whoever reads the index', async () => {
    await catalogue.publish(sampleRequest(sampleBundle('a'), false))
    const [referrer] = await registry.referrers(REPOSITORY, digestOf(sampleIndex('a')))
    const document = readOciDocument((await registry.manifest(`${REPOSITORY}@${referrer!.digest}`))!.content.toString())
    expect(document?.layers).toMatchObject([{ mediaType: ARTIFACT_TYPES.bundle, digest: bundleDigest(sampleBundle('a')) }])
  })

  it('names a release by the tag of its version, and adds its summary once', async () => {
    await catalogue.publish(sampleRequest(sampleBundle('a'), true))
    await catalogue.publish(sampleRequest(sampleBundle('a'), true, '2026-11-22T12:00:00.000Z'))
    expect(await artifactsOf('a')).toEqual([CATALOGUE_ARTIFACTS.entry, CATALOGUE_ARTIFACTS.release])
    expect((await registry.manifest(`${REPOSITORY}:1.0.0`))?.digest).toBe(digestOf(sampleIndex('a')))
  })

  it('is the same for another process', async () => {
    const first = await catalogue.publish(sampleRequest(sampleBundle('a'), true))
    const other = registryCatalogue({ registry, repositoryOf })
    expect(await other.newestRelease(NAME)).toMatchObject({ version: '1.0.0', digest: bundleDigest(sampleBundle('a')) })
    expect(await other.bundle(bundleDigest(sampleBundle('a')))).toEqual(sampleBundle('a'))
    expect(await other.publish(sampleRequest(sampleBundle('a'), true))).toEqual({ ...first, kind: 'unchanged' })
  })

  it('publishes nothing whose index has not been promoted', async () => {
    await expect(catalogue.publish(sampleRequest(sampleBundle('z'), true))).rejects.toMatchObject({ code: 'registry-refused' })
    expect(await registry.tags(REPOSITORY)).toEqual([])
  })

  it('takes a tag that somebody put on another image for a claim', async () => {
    await registry.putManifest(REPOSITORY, sampleIndex('b'), MEDIA_TYPES.index, '1.0.0')
    expect(await catalogue.publish(sampleRequest(sampleBundle('a'), true))).toEqual({
      kind: 'name-taken',
      existing: digestOf(sampleIndex('b')),
      offered: bundleDigest(sampleBundle('a')),
    })
  })

  it('does not give a name away whose bundle is gone', async () => {
    await catalogue.publish(sampleRequest(sampleBundle('a'), true))
    const lost = but({ blob: async (name, digest, limit) => (digest === bundleDigest(sampleBundle('a')) ? undefined : registry.blob(name, digest, limit)) })
    await expect(lost.publish(sampleRequest(sampleBundle('b'), true))).rejects.toMatchObject({ code: 'storage-corrupt' })
  })

  it('completes what was killed at any step', async () => {
    const writes = ['attach', 'attach', 'putManifest'] as const
    for (const [step, kind] of writes.entries())
      for (const when of ['before', 'after'] as const) {
        registry = await promote(memoryRegistry())
        let left = writes.slice(0, step + 1).filter((name) => name === kind).length
        const cut =
          <Call extends unknown[], Answer>(name: string, call: (...values: Call) => Promise<Answer>) =>
          async (...values: Call): Promise<Answer> => {
            const isLast = name === kind && --left === 0
            if (isLast && when === 'before') throw new Failure('interrupted', 'killed')
            const answer = await call(...values)
            if (isLast) throw new Failure('interrupted', 'killed')
            return answer
          }
        const killed = but({ attach: cut('attach', registry.attach), putManifest: cut('putManifest', registry.putManifest) })
        await expect(killed.publish(sampleRequest(sampleBundle('a'), true))).rejects.toMatchObject({ code: 'interrupted' })
        const next = registryCatalogue({ registry, repositoryOf })
        const answer = await next.publish(sampleRequest(sampleBundle('a'), true, '2026-11-22T12:00:00.000Z'))
        expect(answer.kind).toBe(kind === 'putManifest' && when === 'after' ? 'unchanged' : 'published')
        expect(await next.newestRelease(NAME)).toMatchObject({ published: expect.stringMatching(/^2026-11-2/), version: '1.0.0' })
        expect(await artifactsOf('a')).toEqual([CATALOGUE_ARTIFACTS.entry, CATALOGUE_ARTIFACTS.release])
      }
  })

  it('releases another bundle of an index on which a killed run left its own summary', async () => {
    const killed = but({ putManifest: async () => Promise.reject(new Failure('interrupted', 'killed')) })
    await expect(killed.publish(sampleRequest(sampleBundle('a'), true))).rejects.toThrow('killed')
    const other = { ...sampleBundle('a'), manifest: sampleBundle('b').manifest }
    expect(await catalogue.publish(sampleRequest(other, true, '2026-11-22T12:00:00.000Z'))).toMatchObject({ kind: 'published', digest: bundleDigest(other) })
    expect(await catalogue.newestRelease(NAME)).toMatchObject({ digest: bundleDigest(other) })
  })

  it.each([
    ['of another image', 'b'],
    ['of the same image', 'a'],
  ])('says that the name is taken when another process, %s, claims it in the same moment', async (_, content) => {
    const theirs = { ...sampleBundle(content), manifest: sampleBundle('c').manifest }
    const slow = but({
      putManifest: async (...values) => {
        const answer = await registry.putManifest(...values)
        await registryCatalogue({ registry: { ...registry, manifest: blind(registry.manifest) }, repositoryOf }).publish(
          sampleRequest(theirs, true, '2026-11-21T12:00:01.000Z'),
        )
        return answer
      },
    })
    expect(await slow.publish(sampleRequest(sampleBundle('a'), true))).toEqual({
      kind: 'name-taken',
      existing: bundleDigest(theirs),
      offered: bundleDigest(sampleBundle('a')),
    })
    expect(await catalogue.newestRelease(NAME)).toMatchObject({ digest: bundleDigest(theirs) })
  })

  /** Sees no tag when it looks for the first time, as one that looked a moment earlier. */
  function blind(manifest: Registry['manifest']): Registry['manifest'] {
    let looked = false
    return async (reference) => {
      if (looked || !reference.endsWith(':1.0.0')) return manifest(reference)
      looked = true
      return undefined
    }
  }

  it('gives the same id for what two put there at once: the older', async () => {
    const [one, other] = [catalogue, registryCatalogue({ registry, repositoryOf })]
    const answers = await Promise.all([one, other].map((each) => each.publish(sampleRequest(sampleBundle('a'), false))))
    const ids = answers.map((answer) => ('id' in answer ? answer.id : '')).toSorted()
    expect(await catalogue.publish(sampleRequest(sampleBundle('a'), false))).toMatchObject({ kind: 'unchanged', id: ids[0] })
  })
})

describe('the newest release in a registry', () => {
  const release = async (content: string, version: string, published = '2026-11-21T12:00:00.000Z') =>
    catalogue.publish(sampleRequest(sampleBundle(content, { version }), true, published))

  it('is the one of the highest version, whatever was released last', async () => {
    await release('a', '1.10.0')
    await release('b', '1.9.0', '2026-11-22T12:00:00.000Z')
    await release('c', '2.0.0-rc.1')
    expect(await catalogue.newestRelease(NAME)).toMatchObject({ version: '2.0.0-rc.1' })
    await release('b', '2.0.0')
    expect(await catalogue.newestRelease(NAME)).toMatchObject({ version: '2.0.0' })
  })

  it('of versions that are none of Semantic Versioning is the one that sorts last', async () => {
    await release('a', '1.9')
    await release('b', '1.10')
    expect(await catalogue.newestRelease(NAME)).toMatchObject({ version: '1.10' })
    await release('c', '0.0.1')
    expect(await catalogue.newestRelease(NAME)).toMatchObject({ version: '0.0.1' })
  })

  it('is none of the tags that are no release: the list of referrers, a tag by hand', async () => {
    await release('a', '1.0.0')
    await registry.putManifest(REPOSITORY, sampleIndex('b'), MEDIA_TYPES.index, '9.0.0')
    await registry.putManifest(REPOSITORY, sampleIndex('a'), MEDIA_TYPES.index, '9.0.1')
    await registry.putManifest(REPOSITORY, sampleIndex('b'), MEDIA_TYPES.index, digestOf('x').replace(':', '-'))
    expect(await catalogue.newestRelease(NAME)).toMatchObject({ version: '1.0.0' })
  })

  it.each([
    ['no JSON', 'nonsense', 'sage/smoke-detector:1.0.0'],
    ['of another schema', '{"version":"1.0.0"}', 'sage/smoke-detector:1.0.0'],
    ["another name's", JSON.stringify({ ...summaryOf('a'), name: 'sage/other' }), 'sage/smoke-detector:1.0.0'],
    ["another index's", JSON.stringify({ ...summaryOf('a'), index: digestOf('other') }), 'sage/smoke-detector:1.0.0'],
    ["another version's", JSON.stringify(summaryOf('a')), 'sage/smoke-detector:1.0.1'],
  ])('is none whose summary is %s', async (_, content, title) => {
    const text = sampleIndex('a')
    const digest = await registry.putManifest(REPOSITORY, text, MEDIA_TYPES.index, '1.0.0')
    const type = CATALOGUE_ARTIFACTS.release
    const annotations = { 'org.opencontainers.image.title': title }
    await registry.attach(REPOSITORY, { mediaType: MEDIA_TYPES.index, digest, size: text.length }, type, type, Buffer.from(content), annotations)
    expect(await catalogue.newestRelease(NAME)).toBeUndefined()
  })

  function summaryOf(content: string): object {
    const bundle = sampleBundle(content)
    return { ...sampleRequest(bundle, true).summary, digest: bundleDigest(bundle), published: '2026-11-21T12:00:00.000Z' }
  }

  it('is none where the registry refuses to show anything, and a failure where it does not answer', async () => {
    const saying = (code: 'registry-refused' | 'registry-unavailable') => but({ tags: async () => Promise.reject(new Failure(code, 'no')) })
    expect(await saying('registry-refused').newestRelease(NAME)).toBeUndefined()
    await expect(saying('registry-unavailable').newestRelease(NAME)).rejects.toMatchObject({ code: 'registry-unavailable' })
  })

  it('is found by what the artifacts say, not by what the list of them says', async () => {
    await release('a', '1.0.0')
    const wrong = but({
      referrers: async (name, digest: Digest) =>
        (await registry.referrers(name, digest)).map((descriptor) => ({ ...descriptor, artifactType: MEDIA_TYPES.config })),
    })
    expect(await wrong.newestRelease(NAME)).toMatchObject({ version: '1.0.0' })
  })
})
