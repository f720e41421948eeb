import { describe, expect, it } from 'vitest'
import { readLimited } from '../../../../adapters/http/read-limited.ts'

describe('a body', () => {
  it.each([
    ['', 0, '', true],
    ['abc', 3, 'abc', true],
    ['abc', 2, 'ab', false],
    ['abc', 0, '', false],
  ])('of %j with the limit %i is %j, and whole: %s', async (text, limitBytes, expected, complete) => {
    expect(await readLimited(new Response(text), limitBytes)).toEqual({ content: Buffer.from(expected), complete })
  })

  it('that does not end is left', async () => {
    let isCancelled = false
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel: () => void (isCancelled = true),
    })
    expect((await readLimited(new Response(body), 1500)).content).toHaveLength(1500)
    expect(isCancelled).toBe(true)
  })

  it('that there is none of is empty', async () => {
    expect(await readLimited(new Response(null, { status: 204 }), 10)).toEqual({ content: Buffer.alloc(0), complete: true })
  })

  it('that breaks off throws', async () => {
    const body = new ReadableStream({ start: (controller) => controller.error(new Error('cut')) })
    await expect(readLimited(new Response(body), 10)).rejects.toThrow('cut')
  })
})
