import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { requestGate } from '../../../../adapters/github/request-gate.ts'

const NONE = undefined

function fakeTime() {
  const time = { now: 0, pauses: [] as number[] }
  const pause = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
    time.pauses.push(ms)
    signal?.throwIfAborted()
  }
  return { time, options: { nowMs: () => time.now, pause } }
}

describe('the gate of an installation', () => {
  it('lets so many in at once, and the others in their order', async () => {
    const gate = requestGate({ atOnce: 2, writeGapMs: 0, ...fakeTime().options })
    const entered: number[] = []
    const turns: Disposable[] = []
    const all = [0, 1, 2, 3].map(async (index) => {
      turns[index] = await gate.enter('GET', NONE)
      entered.push(index)
    })
    await setImmediate()
    expect(entered).toEqual([0, 1])
    turns[1]![Symbol.dispose]()
    await setImmediate()
    expect(entered).toEqual([0, 1, 2])
    turns[0]![Symbol.dispose]()
    await Promise.all(all)
    for (const index of [2, 3]) turns[index]![Symbol.dispose]()
    for (let count = 0; count < 2; count += 1) await gate.enter('GET', NONE)
    expect(entered).toEqual([0, 1, 2, 3])
  })

  it('sends ten writes together, and then one a second', async () => {
    const { time, options } = fakeTime()
    const gate = requestGate({ atOnce: 100, writeGapMs: 1000, ...options })
    for (let count = 0; count < 12; count += 1) await gate.enter('POST', NONE)
    expect(time.pauses).toEqual([1000, 2000])
    await gate.enter('GET', NONE)
    expect(time.pauses).toHaveLength(2)
    time.now = 60_000
    await gate.enter('PATCH', NONE)
    expect(time.pauses).toHaveLength(2)
  })

  it('has no gap where none is wanted', async () => {
    const { time, options } = fakeTime()
    const gate = requestGate({ atOnce: 100, writeGapMs: 0, ...options })
    for (let count = 0; count < 50; count += 1) await gate.enter('POST', NONE)
    expect(time.pauses).toEqual([])
  })

  it('lets go of whoever is cancelled, and keeps no place for it', async () => {
    const gate = requestGate({ atOnce: 1, writeGapMs: 0, ...fakeTime().options })
    const first = await gate.enter('GET', NONE)
    const controller = new AbortController()
    const second = gate.enter('GET', controller.signal)
    const third = gate.enter('GET', NONE)
    controller.abort(new Error('enough'))
    await expect(second).rejects.toThrow('enough')
    first[Symbol.dispose]()
    await third
    await expect(gate.enter('GET', AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
  })

  it('gives the turn of a write that is cancelled to the next one', async () => {
    const pauses: number[] = []
    const pause = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
      pauses.push(ms)
      if (signal !== undefined) await sleep(60_000, undefined, { signal })
    }
    const gate = requestGate({ atOnce: 100, writeGapMs: 1000, nowMs: () => 0, pause })
    for (let count = 0; count < 10; count += 1) await gate.enter('POST', NONE)
    await expect(gate.enter('POST', AbortSignal.timeout(1))).rejects.toThrow(/abort/)
    await gate.enter('POST', NONE)
    expect(pauses).toEqual([1000, 1000])
  })

  it('is closed for the longest time that was named, and for no more than an hour', () => {
    const { time, options } = fakeTime()
    const gate = requestGate({ atOnce: 1, writeGapMs: 0, ...options })
    expect(gate.closedMs()).toBe(0)
    gate.close(60_000)
    gate.close(1000)
    time.now = 10_000
    expect(gate.closedMs()).toBe(50_000)
    time.now = 60_000
    expect(gate.closedMs()).toBe(0)
    gate.close(1e15)
    expect(gate.closedMs()).toBe(3_600_000)
  })

  it('waits by itself', async () => {
    const gate = requestGate({ atOnce: 100, writeGapMs: 1, nowMs: () => 0 })
    for (let count = 0; count < 12; count += 1) await gate.enter('POST', NONE)
    await expect(gate.enter('POST', AbortSignal.timeout(0))).rejects.toThrow(/abort/)
  })
})
