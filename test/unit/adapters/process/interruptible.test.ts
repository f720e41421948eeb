import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { interruptible } from '../../../../adapters/process/interruptible.ts'
import { Failure } from '../../../../pipeline/failure.ts'

const send = (name: NodeJS.Signals): void => void process.emit(name, name)
const aborted = async (signal: AbortSignal): Promise<void> => new Promise((resolve) => signal.addEventListener('abort', () => resolve()))

let written = ''
beforeEach(() => {
  written = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written += String(text)
    return true
  })
})
afterEach(() => vi.restoreAllMocks())

describe('work that may be interrupted', () => {
  it('gives its result, or its own failure, when nobody interrupts it', async () => {
    expect(await interruptible(async () => 7)).toBe(7)
    await expect(interruptible(async () => Promise.reject(new Failure('lock-held', 'x')))).rejects.toMatchObject({ code: 'lock-held' })
    expect(written).toBe('')
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('is told of %s, cleans up, and fails as cancelled', async (name) => {
    let cleaned = false
    const work = interruptible(async (signal) => {
      await aborted(signal)
      cleaned = true
      throw new Error('because of the signal')
    })
    send(name)
    await expect(work).rejects.toMatchObject({ code: 'cancelled' })
    expect(cleaned).toBe(true)
    expect(written).toMatch(/^\nStopping, and cleaning up.* …\n$/)
  })

  it('fails as cancelled also when it came to its end all the same, and keeps a failure that has a code', async () => {
    const ended = interruptible(aborted)
    send('SIGINT')
    await expect(ended).rejects.toMatchObject({ code: 'cancelled' })
    const failed = interruptible(async (signal) => {
      await aborted(signal)
      throw new Failure('storage-full', 'x')
    })
    send('SIGINT')
    await expect(failed).rejects.toMatchObject({ code: 'storage-full' })
  })

  it('goes on cleaning up when a SIGTERM comes after, as from a runner, and ends at once at a second Ctrl-C', async () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never)
    const work = interruptible(aborted)
    send('SIGINT')
    send('SIGTERM')
    expect(exit).not.toHaveBeenCalled()
    send('SIGINT')
    expect(exit).toHaveBeenCalledWith(2)
    await expect(work).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('listens no longer than it works', async () => {
    const before = [process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')]
    await interruptible(async () => undefined)
    expect([process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')]).toEqual(before)
  })
})
