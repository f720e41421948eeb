import { beforeEach, describe, expect, it } from 'vitest'
import { digestOf } from '../../../../pipeline/digest.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import { completeRelease, type ReleaseRequest } from '../../../../pipeline/forge/complete-release.ts'
import { documentAsset } from '../../../../pipeline/forge/release-assets.ts'
import { composeReleaseText } from '../../../../pipeline/forge/release-decision.ts'
import type { Forge } from '../../../../pipeline/ports/forge.ts'
import { emptyWorld, interruptedForge, makeAsset, memoryForge, putRelease, type ForgeWorld } from '../../../support/github/memory-forge.ts'

const REQUEST: ReleaseRequest = {
  tag: 'v1.0.0',
  commit: 'commit',
  version: '1.0.0',
  title: 'Smoke detector 1.0.0',
  text: 'What is new',
  assets: [documentAsset('bundle.json', 'application/json', '{}'), documentAsset('report.html', 'text/html', '<p>')],
}
const UNAVAILABLE = new Failure('forge-unavailable', 'lost')

let world: ForgeWorld
let forge: Forge
let steps: string[]
beforeEach(() => {
  world = emptyWorld()
  world.tags.set('v1.0.0', 'commit')
  forge = memoryForge(world)
  steps = []
})

const progress = { step: (line: string) => void steps.push(line), output: () => undefined }
const complete = (over: Forge = forge, changes: Partial<ReleaseRequest> = {}) => completeRelease(over, { ...REQUEST, ...changes }, progress)

/** What people see, without the numbers that differ from run to run. */
function seen(): unknown {
  return world.releases.map(({ tag, title, text, isDraft, isPrerelease, assets }) => ({
    tag,
    title,
    text,
    isDraft,
    isPrerelease,
    assets: assets.map(({ name, digest, isWhole }) => `${name} ${digest} ${isWhole}`).toSorted(),
  }))
}

describe('a release', () => {
  it('is drafted, gets its assets, the sums at last, and is published', async () => {
    expect(await complete()).toEqual({ kind: 'published', url: world.releases[0]!.url, problems: [] })
    expect(steps).toEqual([
      'drafting the release v1.0.0',
      'attaching bundle.json',
      'attaching report.html',
      'attaching SHA256SUMS',
      'publishing the release v1.0.0',
    ])
    expect(world.releases).toMatchObject([{ title: REQUEST.title, text: composeReleaseText('What is new'), isDraft: false, isPrerelease: false }])
  })

  it('is left alone by every further run', async () => {
    await complete()
    const before = structuredClone(world.releases)
    steps = []
    expect(await complete()).toEqual({ kind: 'unchanged', url: before[0]!.url, problems: [] })
    expect([world.releases, steps]).toEqual([before, []])
  })

  it('ends the same wherever the run before was killed', async () => {
    await complete()
    const wanted = seen()
    for (const when of ['before', 'after'] as const) {
      let isDone = false
      for (let at = 0; !isDone; at += 1) {
        world.releases.splice(0)
        isDone = await complete(interruptedForge(forge, { at, when, error: new Error('killed') })).then(
          () => true,
          () => false,
        )
        await complete()
        expect(seen(), `killed ${when} call ${at}`).toEqual(wanted)
      }
    }
  })

  it('ends the same wherever two runs in a row were killed', async () => {
    await complete()
    const wanted = seen()
    for (let first = 0; first < 8; first += 1)
      for (let second = 0; second < 8; second += 1) {
        world.releases.splice(0)
        for (const at of [first, second]) await complete(interruptedForge(forge, { at, when: 'after', error: new Error('killed') })).catch(() => undefined)
        await complete()
        expect(seen(), `killed after calls ${first} and ${second}`).toEqual(wanted)
      }
  })

  it('ends the same in one run where an answer was lost, or an upload was left half done', async () => {
    await complete()
    const wanted = seen()
    for (let at = 2; at < 7; at += 1) {
      world.releases.splice(0)
      expect(await complete(interruptedForge(forge, { at, when: 'after', error: UNAVAILABLE })).catch(() => undefined), `call ${at}`).toMatchObject({
        problems: [],
      })
      expect(seen(), `call ${at}`).toEqual(wanted)
    }
    world.releases.splice(0)
    let isFirst = true
    const broken: Forge = {
      ...forge,
      async uploadAsset(release, name, mediaType, content) {
        if (!isFirst) return forge.uploadAsset(release, name, mediaType, content)
        isFirst = false
        const index = world.releases.findIndex(({ id }) => id === release.id)
        world.releases[index] = { ...world.releases[index]!, assets: [makeAsset(name, '', { isWhole: false })] }
        throw UNAVAILABLE
      },
    }
    await complete(broken)
    expect(seen()).toEqual(wanted)
  })

  it('that a person drafted keeps its words', async () => {
    putRelease(world, { tag: 'v1.0.0', title: 'Hello', text: 'My words', assets: [makeAsset('mine.zip', 'x')] })
    expect(await complete()).toMatchObject({ kind: 'published' })
    expect(world.releases).toMatchObject([{ title: 'Hello', text: 'My words', isDraft: false }])
    expect(world.releases[0]!.assets).toHaveLength(4)
  })

  it('that a person published is completed where that is possible, and said where it is not', async () => {
    const release = putRelease(world, { tag: 'v1.0.0', title: 'Hello', text: 'My words', isDraft: false })
    expect(await complete()).toMatchObject({ kind: 'published', url: release.url, problems: [] })
    expect(world.releases).toMatchObject([{ title: 'Hello', text: 'My words' }])
    world.releases[0] = { ...release, isImmutable: true }
    expect(await complete()).toMatchObject({ kind: 'unchanged', problems: [{ code: 'release-immutable' }] })
  })

  it('is immutable at once where the repository wants it, and whole', async () => {
    world.isImmutable = true
    expect(await complete()).toMatchObject({ kind: 'published', problems: [] })
    expect(await complete()).toMatchObject({ kind: 'unchanged', problems: [] })
  })

  it('makes its tag where there is none', async () => {
    world.tags.clear()
    await complete()
    expect(world.tags.get('v1.0.0')).toBe('commit')
  })

  it('is refused when the tag names another commit, also when it moves meanwhile', async () => {
    world.tags.set('v1.0.0', 'other')
    expect(await complete()).toMatchObject({ kind: 'refused', problems: [{ code: 'release-tag-moved' }] })
    expect(world.releases).toEqual([])
    world.tags.set('v1.0.0', 'commit')
    const moving: Forge = {
      ...forge,
      async createDraft(tag, fields) {
        world.tags.set(tag, 'other')
        return forge.createDraft(tag, fields)
      },
    }
    expect(await complete(moving)).toMatchObject({ kind: 'refused' })
  })

  it('says what was left out', async () => {
    const outcome = await complete(forge, { assets: [...REQUEST.assets, documentAsset('empty', 'text/plain', '')] })
    expect(outcome).toMatchObject({ kind: 'published', problems: [{ code: 'release-asset-left-out' }] })
    world.tags.set('v1.0.0', 'other')
    expect(await complete(forge, { assets: [documentAsset('empty', 'text/plain', '')] })).toMatchObject({
      problems: [{ code: 'release-asset-left-out' }, { code: 'release-tag-moved' }],
    })
  })

  it('is found although the list of releases lags behind', async () => {
    const lagging: Forge = { ...forge, releases: async () => [] }
    expect(await complete(lagging)).toMatchObject({ kind: 'published' })
    expect(world.releases).toHaveLength(1)
  })

  it('that is doubled is one again', async () => {
    for (const title of ['one', 'two', 'three']) putRelease(world, { tag: 'v1.0.0', title, text: composeReleaseText(title) })
    await complete()
    expect(world.releases).toHaveLength(1)
    expect(steps).toContain('deleting a doubled draft of v1.0.0')
  })

  it('replaces an older content of its draft', async () => {
    putRelease(world, { tag: 'v1.0.0', text: composeReleaseText('x'), assets: [makeAsset('bundle.json', 'old')] })
    await complete()
    expect(steps).toContain('deleting bundle.json, which is not whole or another one')
    expect(world.releases[0]!.assets.find(({ name }) => name === 'bundle.json')?.digest).toBe(digestOf('{}'))
  })

  it('is not published with an asset that arrived as something else', async () => {
    const garbling: Forge = { ...forge, uploadAsset: (release, name, mediaType) => forge.uploadAsset(release, name, mediaType, Buffer.from('garbled')) }
    await expect(complete(garbling)).rejects.toMatchObject({ code: 'digest-mismatch' })
    expect(world.releases).toMatchObject([{ isDraft: true, assets: [] }])
    await complete()
    expect(world.releases).toMatchObject([{ isDraft: false }])
  })

  it('is given up, with the reason, after four rounds', async () => {
    const down: Forge = { ...forge, publishRelease: async () => Promise.reject(UNAVAILABLE) }
    await expect(complete(down)).rejects.toBe(UNAVAILABLE)
    const forgetful: Forge = { ...forge, publishRelease: async () => undefined }
    await expect(complete(forgetful)).rejects.toMatchObject({ code: 'forge-unavailable', message: expect.stringContaining('v1.0.0') as string })
    expect(world.releases).toHaveLength(1)
  })
})
