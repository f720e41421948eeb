import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { writeOut } from '../../../../cli/output/validate/write-out.ts'

/** A reader that takes what was written when told to. */
function slowReader(): { stream: NodeJS.WriteStream; take: () => void; taken: string[] } {
  const [pending, taken]: [(() => void)[], string[]] = [[], []]
  const stream = new Writable({
    highWaterMark: 4,
    write(chunk, _encoding, done) {
      taken.push(String(chunk))
      pending.push(done)
    },
  }) as unknown as NodeJS.WriteStream
  stream.on('error', () => undefined)
  return { stream, taken, take: () => pending.shift()?.() }
}

describe('writing to a reader', () => {
  it('that keeps up waits for nothing', async () => {
    const { stream, taken } = slowReader()
    await writeOut(stream, 'ab')
    await writeOut(stream, '')

    expect(taken).toEqual(['ab'])
  })

  it('that is slow waits until it has taken all', async () => {
    const { stream, take } = slowReader()
    let isDone = false
    const writing = writeOut(stream, 'long text').then(() => (isDone = true))
    await new Promise(setImmediate)
    expect(isDone).toBe(false)
    take()

    expect(await writing).toBe(true)
    expect(stream.listenerCount('close') + stream.listenerCount('drain')).toBe(0)
  })

  it.each([
    ['goes away', undefined],
    ['breaks', new Error('EPIPE')],
  ])('that %s waits no longer', async (_how, error) => {
    const { stream } = slowReader()
    const writing = writeOut(stream, 'long text')
    stream.destroy(error)

    await expect(writing).resolves.toBeUndefined()
    await expect(writeOut(stream, 'long text')).resolves.toBeUndefined()
  })
})
