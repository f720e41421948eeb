import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../../../pipeline/failure.ts'
import { commentMarker, composeComment } from '../../../../pipeline/forge/comment-text.ts'
import { upsertComment } from '../../../../pipeline/forge/upsert-comment.ts'
import type { Forge } from '../../../../pipeline/ports/forge.ts'
import { Random } from '../../../oracle/random.ts'
import { emptyWorld, interruptedForge, memoryForge, putComment, type ForgeWorld } from '../../../support/github/memory-forge.ts'

const UNAVAILABLE = new Failure('forge-unavailable', 'down')
let world: ForgeWorld
let forge: Forge
beforeEach(() => {
  world = emptyWorld()
  world.heads.set(1, 'newest')
  forge = memoryForge(world)
})

const request = { pullRequest: 1, plugin: '.', text: 'text' }
const bodies = (): readonly string[] => (world.comments.get(1) ?? []).map(({ body }) => body)

describe('writing the comment', () => {
  it('makes it, leaves it, edits it in place, and says which', async () => {
    const made = await upsertComment(forge, request)
    expect(made).toMatchObject({ kind: 'created', url: world.comments.get(1)![0]!.url })
    expect(await upsertComment(forge, request)).toEqual({ ...made, kind: 'unchanged' })
    expect(await upsertComment(forge, { ...request, text: 'other' })).toEqual({ ...made, kind: 'updated' })
    expect(bodies()).toEqual([composeComment(commentMarker('.'), 'other')])
  })

  it('keeps a comment for each plugin', async () => {
    for (const plugin of ['one', 'two', 'one']) await upsertComment(forge, { ...request, plugin, text: plugin })
    expect(bodies()).toHaveLength(2)
  })

  it('touches nothing that others wrote', async () => {
    const theirs = [putComment(world, 1, 'stranger', composeComment(commentMarker('.'), 'fake')), putComment(world, 1, undefined, 'text')]
    await upsertComment(forge, request)
    expect(world.comments.get(1)!.slice(0, 2)).toEqual(theirs)
    expect(bodies()).toHaveLength(3)
  })

  it('makes one again that a person has deleted', async () => {
    await upsertComment(forge, request)
    world.comments.clear()
    expect(await upsertComment(forge, request)).toMatchObject({ kind: 'created' })
    expect(bodies()).toHaveLength(1)
  })

  it('writes nothing about a commit that is not the newest one', async () => {
    expect(await upsertComment(forge, { ...request, commit: 'older' })).toEqual({ kind: 'outdated', head: 'newest' })
    expect(bodies()).toEqual([])
    expect(await upsertComment(forge, { ...request, commit: 'newest' })).toMatchObject({ kind: 'created' })
  })

  it('makes another one where it is deleted while it is edited', async () => {
    await upsertComment(forge, request)
    const racing: Forge = {
      ...forge,
      async updateComment(id, body) {
        await forge.deleteComment(id)
        return forge.updateComment(id, body)
      },
    }
    expect(await upsertComment(racing, { ...request, text: 'other' })).toMatchObject({ kind: 'created' })
    expect(bodies()).toEqual([composeComment(commentMarker('.'), 'other')])
  })

  it('does not believe a list that lags behind what it made itself', async () => {
    const lagging: Forge = { ...forge, comments: async () => [] }
    expect(await upsertComment(lagging, request)).toMatchObject({ kind: 'created' })
    expect(bodies()).toHaveLength(1)
  })

  it.each([0, 1, 2, 3])('looks again where the answer of call %i is lost, and ends with one comment', async (at) => {
    const lossy = interruptedForge(forge, { at, when: 'after', error: UNAVAILABLE })
    await upsertComment(lossy, request).catch((cause: unknown) => expect(cause).toBe(UNAVAILABLE))
    expect(bodies().length).toBeLessThanOrEqual(1)
    await upsertComment(forge, request)
    expect(bodies()).toHaveLength(1)
  })

  it('gives up after four rounds, with the reason of the last', async () => {
    let tries = 0
    const down: Forge = {
      ...forge,
      createComment: async () => {
        tries += 1
        throw UNAVAILABLE
      },
    }
    await expect(upsertComment(down, request)).rejects.toBe(UNAVAILABLE)
    expect(tries).toBe(4)
  })

  it('does not try again what was refused', async () => {
    const refused = new Failure('forge-refused', 'no')
    await expect(upsertComment(interruptedForge(forge, { at: 2, when: 'before', error: refused }), request)).rejects.toBe(refused)
    expect(bodies()).toEqual([])
  })

  it('says so where somebody else keeps deleting it', async () => {
    await upsertComment(forge, request)
    const gone: Forge = { ...forge, updateComment: async () => false }
    await expect(upsertComment(gone, { ...request, text: 'other' })).rejects.toMatchObject({
      code: 'forge-unavailable',
      message: expect.stringContaining('pull request 1') as string,
    })
  })
})

describe('runs at once', () => {
  /** Every call takes a while of its own, and lists may lag. */
  function slowForge(random: Random, lag: number): Forge {
    const slow = async <Value>(call: () => Promise<Value>): Promise<Value> => {
      for (let turns = random.integer(0, 6); turns > 0; turns -= 1) await setImmediate()
      const value = await call()
      for (let turns = random.integer(0, 3); turns > 0; turns -= 1) await setImmediate()
      return value
    }
    return {
      ...forge,
      comments: async (number) => slow(async () => (random.chance(lag) ? [] : forge.comments(number))),
      createComment: async (number, body) => slow(() => forge.createComment(number, body)),
      updateComment: async (id, body) => slow(() => forge.updateComment(id, body)),
      deleteComment: async (id) => slow(() => forge.deleteComment(id)),
    }
  }

  it('end with one comment, whatever the order of their calls', async () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      world.comments.clear()
      const random = new Random(seed)
      const texts = Array.from({ length: random.integer(2, 5) }, (_, index) => `text ${index}`)
      await Promise.all(texts.map((text) => upsertComment(slowForge(random, 0), { ...request, text })))
      expect(bodies(), `seed ${seed}`).toHaveLength(1)
    }
  })

  it('may leave two where lists lag, and the next run leaves one', async () => {
    let doubled = 0
    for (let seed = 1; seed <= 100; seed += 1) {
      world.comments.clear()
      const random = new Random(seed)
      await Promise.all(['one', 'two'].map((text) => upsertComment(slowForge(random, 0.7), { ...request, text })))
      doubled += bodies().length - 1
      await upsertComment(forge, request)
      expect(bodies(), `seed ${seed}`).toEqual([composeComment(commentMarker('.'), 'text')])
    }
    // Were it none, this test would show nothing.
    expect(doubled).toBeGreaterThan(0)
  })
})
