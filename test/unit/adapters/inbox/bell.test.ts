import { describe, expect, it } from 'vitest'
import { makeBell } from '../../../../adapters/inbox/bell.ts'

const AGES_MS = 60_000

describe('a bell', () => {
  it('wakes who waits', async () => {
    const bell = makeBell(new AbortController().signal)
    const waiting = bell.wait(AGES_MS)
    bell.ring()
    await expect(waiting).resolves.toBeUndefined()
  })

  it('lets nobody sleep over what rang while he was awake', async () => {
    const bell = makeBell(new AbortController().signal)
    bell.reset()
    bell.ring()
    await expect(bell.wait(AGES_MS)).resolves.toBeUndefined()
    bell.reset()
    await expect(bell.wait(1)).resolves.toBeUndefined()
  })

  it('rings when the signal fires, and for ever after', async () => {
    const stopping = new AbortController()
    const bell = makeBell(stopping.signal)
    const waiting = bell.wait(AGES_MS)
    stopping.abort()
    await waiting
    bell.reset()
    await expect(bell.wait(AGES_MS)).resolves.toBeUndefined()
  })
})
