import { describe, expect, it } from 'vitest'
import { digestOf } from '../../pipeline/digest.ts'
import type { Catalogue } from '../../pipeline/ports/catalogue.ts'
import { bundleDigest } from '../../pipeline/publish/bundle.ts'
import { sampleBundle, sampleRequest } from '../support/sample-bundle.ts'

/** Every catalogue passes this. `make` answers an empty one. */
export function describeCatalogueContract(name: string, make: () => Promise<Catalogue>): void {
  describe(`${name}, as a catalogue`, () => {
    it('keeps a candidate by its digest, and answers its document', async () => {
      const catalogue = await make()
      const bundle = sampleBundle('a')
      const answer = await catalogue.publish(sampleRequest(bundle, false))
      expect(answer).toMatchObject({ kind: 'published', digest: bundleDigest(bundle) })
      expect(await catalogue.bundle(bundleDigest(bundle))).toEqual(bundle)
    })

    it('changes nothing when the same candidate comes again', async () => {
      const catalogue = await make()
      const first = await catalogue.publish(sampleRequest(sampleBundle('a'), false))
      const second = await catalogue.publish(sampleRequest(sampleBundle('a'), false, '2026-11-21T13:00:00.000Z'))
      expect(second).toEqual({ ...first, kind: 'unchanged' })
    })

    it('keeps many candidates of one version, none of which is a release', async () => {
      const catalogue = await make()
      for (const content of ['a', 'b']) expect(await catalogue.publish(sampleRequest(sampleBundle(content), false))).toMatchObject({ kind: 'published' })
      expect(await catalogue.newestRelease('sage/smoke-detector')).toBeUndefined()
    })

    it('makes a candidate a release under the same id and digest', async () => {
      const catalogue = await make()
      const candidate = await catalogue.publish(sampleRequest(sampleBundle('a'), false))
      const release = await catalogue.publish(sampleRequest(sampleBundle('a'), true))
      expect(release).toEqual(candidate)
      expect(await catalogue.publish(sampleRequest(sampleBundle('a'), false))).toEqual({ ...candidate, kind: 'unchanged' })
    })

    it('changes nothing when a release is released again, whatever the evaluation came to', async () => {
      const catalogue = await make()
      const first = await catalogue.publish(sampleRequest(sampleBundle('a'), true))
      const again = { ...sampleBundle('a'), evaluation: digestOf('measured once more') }
      expect(await catalogue.publish(sampleRequest(again, true, '2026-11-22T00:00:00.000Z'))).toEqual({ ...first, kind: 'unchanged' })
      expect(await catalogue.newestRelease('sage/smoke-detector')).toMatchObject({ published: '2026-11-21T12:00:00.000Z' })
    })

    it.each(['index', 'model', 'manifest', 'source'] as const)('refuses another %s under a name that is taken, and shows both digests', async (part) => {
      const catalogue = await make()
      await catalogue.publish(sampleRequest(sampleBundle('a'), true))
      const other = { ...sampleBundle('a'), [part]: sampleBundle('b')[part] }
      expect(await catalogue.publish(sampleRequest(other, true))).toEqual({
        kind: 'name-taken',
        existing: bundleDigest(sampleBundle('a')),
        offered: bundleDigest(other),
      })
      expect(await catalogue.bundle(bundleDigest(other))).toBeUndefined()
      expect(await catalogue.newestRelease('sage/smoke-detector')).toMatchObject({ digest: bundleDigest(sampleBundle('a')) })
    })

    it('takes another content under the same version as a candidate', async () => {
      const catalogue = await make()
      await catalogue.publish(sampleRequest(sampleBundle('a'), true))
      expect(await catalogue.publish(sampleRequest(sampleBundle('b'), false))).toMatchObject({ kind: 'published' })
    })

    it('answers the newest release of a name, with its figures', async () => {
      const catalogue = await make()
      const later = sampleBundle('b', { version: '1.1.0' })
      await catalogue.publish(sampleRequest(sampleBundle('a'), true, '2026-11-21T12:00:00.000Z'))
      await catalogue.publish(sampleRequest(later, true, '2026-11-21T12:00:01.000Z'))
      await catalogue.publish(sampleRequest(sampleBundle('c', { name: 'sage/other' }), true, '2026-11-21T12:00:02.000Z'))
      expect(await catalogue.newestRelease('sage/smoke-detector')).toEqual({
        ...sampleRequest(later, true).summary,
        digest: bundleDigest(later),
        published: '2026-11-21T12:00:01.000Z',
      })
    })

    it('knows no release and no bundle that it was never given', async () => {
      const catalogue = await make()
      expect(await catalogue.newestRelease('sage/unknown')).toBeUndefined()
      expect(await catalogue.newestRelease('../../etc/passwd')).toBeUndefined()
      expect(await catalogue.bundle(digestOf('nothing'))).toBeUndefined()
    })

    it('lets exactly one of two contents have a name when both come at once', async () => {
      const catalogue = await make()
      const answers = await Promise.all(['a', 'b'].map((content) => catalogue.publish(sampleRequest(sampleBundle(content), true))))
      expect(answers.map(({ kind }) => kind).toSorted()).toEqual(['name-taken', 'published'])
    })
  })
}
