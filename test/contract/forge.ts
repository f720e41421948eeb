import { describe, expect, it } from 'vitest'
import { digestOf } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import { completeRelease, type ReleaseRequest } from '../../pipeline/forge/complete-release.ts'
import { documentAsset } from '../../pipeline/forge/release-assets.ts'
import { upsertComment } from '../../pipeline/forge/upsert-comment.ts'
import type { Forge } from '../../pipeline/ports/forge.ts'
import { interruptedForge } from '../support/github/memory-forge.ts'

export interface ForgeUnderTest {
  readonly forge: Forge
  /** What people do there. */
  readonly people: {
    /** Opens a pull request, or pushes to it once more; its newest commit. */
    push(pullRequest?: number): Promise<{ readonly number: number; readonly head: string }>
    comment(pullRequest: number, body: string): Promise<void>
    tag(name: string, options?: { readonly isAnnotated?: boolean }): Promise<string>
    /** Any commit that has no tag. */
    commit(): Promise<string>
    makeReleasesImmutable(): void
  }
}

const QUIET = { step: () => undefined, output: () => undefined }
const FIELDS = { title: 'Title', text: 'Text\nof *two* lines', isPrerelease: true }

/** Every forge passes this. */
export function describeForgeContract(name: string, make: () => Promise<ForgeUnderTest>): void {
  describe(`${name}, as a forge`, () => {
    it('knows who writes its comments', async () => {
      const { forge, people } = await make()
      const { number } = await people.push()
      expect((await forge.createComment(number, 'text')).author).toBe(await forge.author())
    })

    it('knows the newest commit of a pull request', async () => {
      const { forge, people } = await make()
      const { number, head } = await people.push()
      expect(await forge.pullRequest(number)).toEqual({ head })
      const next = await people.push(number)
      expect(next.head).not.toBe(head)
      expect(await forge.pullRequest(number)).toEqual({ head: next.head })
      expect(await forge.pullRequest(987_654)).toBeUndefined()
    })

    it('keeps comments in their order, and says whose they are', async () => {
      const { forge, people } = await make()
      const { number } = await people.push()
      expect(await forge.comments(number)).toEqual([])
      await people.comment(number, 'one')
      const own = await forge.createComment(number, 'two')
      const comments = await forge.comments(number)
      expect(comments.map(({ body }) => body)).toEqual(['one', 'two'])
      expect(comments[0]!.author).not.toBe(comments[1]!.author)
      expect(comments[1]).toEqual(own)
      expect(comments[0]!.id).toBeLessThan(comments[1]!.id)
      expect(URL.canParse(own.url)).toBe(true)
    })

    it('edits and deletes comments, and says when one is gone', async () => {
      const { forge, people } = await make()
      const { number } = await people.push()
      const { id } = await forge.createComment(number, 'one')
      expect(await forge.updateComment(id, 'two')).toBe(true)
      expect((await forge.comments(number)).map(({ body }) => body)).toEqual(['two'])
      for (let times = 0; times < 2; times += 1) await forge.deleteComment(id)
      expect(await forge.comments(number)).toEqual([])
      expect(await forge.updateComment(id, 'three')).toBe(false)
    })

    it('lists more comments than stand on one page', async () => {
      const { forge, people } = await make()
      const { number } = await people.push()
      for (let count = 0; count < 101; count += 1) await forge.createComment(number, `comment ${count}`)
      expect((await forge.comments(number)).map(({ body }) => body)).toEqual(Array.from({ length: 101 }, (_, count) => `comment ${count}`))
    })

    it.each(['<!-- ctss:report:v1 x -->', '"quoted" \\ back\tslash', '😀 \u202e ﷽ 漢字', '<script>alert(1)</script>', '__proto__', '}}${{ github.token }}'])(
      'keeps a comment as it was written: %s',
      async (body) => {
        const { forge, people } = await make()
        const { number } = await people.push()
        await forge.createComment(number, body)
        expect((await forge.comments(number))[0]?.body).toBe(body)
      },
    )

    it('takes 65,536 characters, and refuses one more', async () => {
      const { forge, people } = await make()
      const { number } = await people.push()
      const { id } = await forge.createComment(number, '😀'.repeat(65_536))
      await expect(forge.createComment(number, 'x'.repeat(65_537))).rejects.toMatchObject({ code: 'forge-refused' })
      await expect(forge.updateComment(id, 'x'.repeat(65_537))).rejects.toMatchObject({ code: 'forge-refused' })
    })

    it('refuses to comment on what is not there', async () => {
      const { forge } = await make()
      await expect(forge.createComment(987_654, 'x')).rejects.toMatchObject({ code: 'forge-refused' })
    })

    it.each(['v1.0.0', 'release/v1.0.0', 'v1.0.0+build#1'])('knows the commit of the tag %s', async (tag) => {
      const { forge, people } = await make()
      expect(await forge.tagCommit(tag)).toBeUndefined()
      const commit = await people.tag(tag)
      expect(await forge.tagCommit(tag)).toBe(commit)
    })

    it('looks through an annotated tag', async () => {
      const { forge, people } = await make()
      const commit = await people.tag('v2.0.0', { isAnnotated: true })
      expect(await forge.tagCommit('v2.0.0')).toBe(commit)
    })

    it('makes drafts, as many as are asked for, and publishes one', async () => {
      const { forge, people } = await make()
      await people.tag('v1')
      expect(await forge.releases('v1')).toEqual([])
      const [first, second] = [await forge.createDraft('v1', FIELDS), await forge.createDraft('v1', { ...FIELDS, title: 'Second' })]
      expect(first).toMatchObject({ tag: 'v1', ...FIELDS, isDraft: true, isImmutable: false, assets: [] })
      expect(new Set((await forge.releases('v1')).map(({ id }) => id))).toEqual(new Set([first.id, second.id]))
      await forge.publishRelease(first, { title: 'Other', text: 'words', isPrerelease: false })
      expect(await forge.release(first.id)).toMatchObject({ tag: 'v1', title: 'Other', text: 'words', isDraft: false, isPrerelease: false })
      await forge.deleteDraft(second.id)
      await forge.deleteDraft(second.id)
      expect(await forge.release(second.id)).toBeUndefined()
      expect(await forge.releases('v0')).toEqual([])
    })

    it('deletes no release that is published', async () => {
      const { forge, people } = await make()
      await people.tag('v1')
      const release = await forge.createDraft('v1', FIELDS)
      await forge.publishRelease(release, FIELDS)
      await forge.deleteDraft(release.id)
      expect(await forge.release(release.id)).toMatchObject({ isDraft: false })
    })

    it('publishes one release of a tag, not two', async () => {
      const { forge, people } = await make()
      await people.tag('v1')
      const [first, second] = [await forge.createDraft('v1', FIELDS), await forge.createDraft('v1', FIELDS)]
      await forge.publishRelease(first, FIELDS)
      await expect(forge.publishRelease(second, FIELDS)).rejects.toMatchObject({ code: 'forge-refused' })
    })

    it('makes the tag that is not there yet', async () => {
      const { forge, people } = await make()
      const commit = await people.commit()
      const release = await forge.createDraft('v9', { ...FIELDS, commit })
      expect(await forge.tagCommit('v9')).toBeUndefined()
      await forge.publishRelease(release, { ...FIELDS, commit })
      expect(await forge.tagCommit('v9')).toBe(commit)
    })

    it('takes assets, one of a name', async () => {
      const { forge, people } = await make()
      await people.tag('v1')
      const release = await forge.createDraft('v1', FIELDS)
      const content = Buffer.from([0, 255, 10, 13])
      const asset = await forge.uploadAsset(release, 'a.bin', 'application/octet-stream', content)
      expect(asset).toMatchObject({ name: 'a.bin', bytes: 4, digest: digestOf(content), isWhole: true })
      expect(await forge.uploadAsset(release, 'a.bin', 'application/json', Buffer.from('{}'))).toBeUndefined()
      await forge.uploadAsset(release, 'b.json', 'application/json', Buffer.from('{"b": 1}'))
      expect((await forge.release(release.id))?.assets.map(({ name }) => name).toSorted()).toEqual(['a.bin', 'b.json'])
      expect((await forge.releases('v1'))[0]?.assets).toHaveLength(2)
      for (let times = 0; times < 2; times += 1) await forge.deleteAsset(asset!.id)
      expect((await forge.release(release.id))?.assets.map(({ name }) => name)).toEqual(['b.json'])
    })

    it('changes nothing of an immutable release', async () => {
      const { forge, people } = await make()
      people.makeReleasesImmutable()
      await people.tag('v1')
      const release = await forge.createDraft('v1', FIELDS)
      const asset = await forge.uploadAsset(release, 'a', 'text/plain', Buffer.from('a'))
      await forge.publishRelease(release, FIELDS)
      expect(await forge.release(release.id)).toMatchObject({ isImmutable: true })
      await expect(forge.uploadAsset(release, 'b', 'text/plain', Buffer.from('b'))).rejects.toMatchObject({ code: 'forge-refused' })
      await expect(forge.deleteAsset(asset!.id)).rejects.toMatchObject({ code: 'forge-refused' })
    })

    it('ends with one comment when four runs write at once', async () => {
      const { forge, people } = await make()
      const { number } = await people.push()
      const texts = ['one', 'two', 'three', 'four']
      await Promise.all(texts.map((text) => upsertComment(forge, { pullRequest: number, plugin: '.', text })))
      const comments = await forge.comments(number)
      expect(comments).toHaveLength(1)
      expect(texts).toContain(comments[0]!.body.split('\n')[1])
    })

    describe.each(['before', 'after'] as const)('killed %s any of its calls', (when) => {
      it('leaves a release that the next run completes, and one more leaves alone', async () => {
        const { forge, people } = await make()
        let at = 0
        for (let isDone = false; !isDone; at += 1) {
          const tag = `v1.${at}.0-rc.1`
          const request = await requestRelease(people, tag)
          const killed = interruptedForge(forge, { at, when, error: new Error('killed') })
          isDone = await completeRelease(killed, request, QUIET).then(
            () => true,
            () => false,
          )
          const outcome = await completeRelease(forge, request, QUIET)
          expect(outcome).toMatchObject({ problems: [] })
          expect(await completeRelease(forge, request, QUIET)).toEqual({ ...outcome, kind: 'unchanged' })
          const releases = await forge.releases(tag)
          expect(releases).toHaveLength(1)
          expect(releases[0]).toMatchObject({ isDraft: false, isPrerelease: true, title: 'Title', text: expect.stringContaining('What is new') as string })
          expect(releases[0]!.assets.map(({ name }) => name).toSorted()).toEqual(['SHA256SUMS', 'bundle.json', 'report.html'])
        }
        expect(at).toBeGreaterThan(6)
      })

      it('leaves at most one comment, which the next run brings to its text', async () => {
        const { forge, people } = await make()
        for (const [index, isThere] of [false, true].entries()) {
          let at = 0
          for (let isDone = false; !isDone; at += 1) {
            const { number, head } = await people.push()
            const plugin = `plugin-${index}`
            if (isThere) await upsertComment(forge, { pullRequest: number, plugin, text: 'before' })
            const request = { pullRequest: number, plugin, text: 'after', commit: head }
            isDone = await upsertComment(interruptedForge(forge, { at, when, error: new Error('killed') }), request).then(
              () => true,
              () => false,
            )
            await upsertComment(forge, request)
            expect((await forge.comments(number)).map(({ body }) => body.split('\n')[1])).toEqual(['after'])
          }
          expect(at).toBeGreaterThan(3)
        }
      })

      it('goes on where only an answer was lost, and makes nothing twice', async () => {
        const { forge, people } = await make()
        const lost = new Failure('forge-unavailable', 'lost')
        for (let at = 0; at < 8; at += 1) {
          const tag = `v2.${at}.0`
          const request = await requestRelease(people, tag)
          await completeRelease(interruptedForge(forge, { at, when, error: lost }), request, QUIET).catch((cause: unknown) => expect(cause).toBe(lost))
          await completeRelease(forge, request, QUIET)
          expect(await forge.releases(tag)).toHaveLength(1)
        }
      })
    })
  })
}

async function requestRelease(people: ForgeUnderTest['people'], tag: string): Promise<ReleaseRequest> {
  const commit = await people.tag(tag)
  const assets = [documentAsset('report.html', 'text/html', '<p>fine</p>'), documentAsset('bundle.json', 'application/json', '{}')]
  return { tag, commit, version: tag.slice(1), title: 'Title', text: 'What is new', assets }
}
