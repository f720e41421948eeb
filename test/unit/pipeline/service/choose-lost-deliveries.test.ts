import { describe, expect, it } from 'vitest'
import type { ForgeDelivery } from '../../../../pipeline/ports/app-forge.ts'
import { chooseLostDeliveries } from '../../../../pipeline/service/choose-lost-deliveries.ts'

const NOW = '2026-11-21T12:00:00.000Z'

function attempt(guid: string, minutesAgo: number, succeeded = false, isRedelivery = false): ForgeDelivery {
  return { id: `${guid}-${minutesAgo}`, guid, at: new Date(Date.parse(NOW) - minutesAgo * 60_000).toISOString(), succeeded, isRedelivery }
}

/** Attempts of one delivery, the first one first. */
function attempts(...minutesAgo: readonly number[]): readonly ForgeDelivery[] {
  return minutesAgo.map((minutes, index) => attempt('a', minutes, false, index > 0))
}

const idsOf = (deliveries: readonly ForgeDelivery[]): readonly unknown[] =>
  chooseLostDeliveries(deliveries, NOW).flatMap(({ id, isDue }) => (isDue ? [id] : []))

describe('lost deliveries', () => {
  it.each([
    ['failed', [attempt('a', 10)], ['a-10']],
    ['failed twice', attempts(10, 5), ['a-5']],
    ['failed, and then arrived', [attempt('a', 10), attempt('a', 5, true, true)], []],
    ['is under way', [attempt('a', 0.5)], []],
    ['failed before, and is under way again', attempts(10, 0.5), []],
    ['failed five times, the last time a while ago', attempts(60, 50, 40, 30, 20), ['a-20']],
    ['failed five times, the last time just now', attempts(50, 40, 30, 20, 10), []],
    ['failed many times, and an hour ago', attempts(...Array.from({ length: 30 }, (_, index) => 100 - index)), ['a-71']],
    ['failed for as long as the forge keeps it', [attempt('a', 70, false, true)], []],
  ])('of one that %s', (_, deliveries, expected) => {
    expect(idsOf(deliveries)).toEqual(expected)
  })

  it('come in the order in which they were sent', () => {
    expect(chooseLostDeliveries([attempt('b', 5), attempt('a', 10), attempt('c', 7)], NOW).map(({ guid }) => guid)).toEqual(['a', 'c', 'b'])
  })

  it('that wait for their time are told, but for one that nobody knows to be lost', () => {
    expect(chooseLostDeliveries([...attempts(10, 0.5), attempt('b', 0.5)], NOW)).toEqual([{ guid: 'a', id: 'a-0.5', isDue: false }])
  })

  it('are asked for ever more rarely, and no less than once an hour', () => {
    const waits = Array.from({ length: 9 }, (_, index) => {
      const before = attempts(...Array.from({ length: index + 1 }, () => 0))
      const isDueAfter = (minutes: number): boolean =>
        chooseLostDeliveries(before, new Date(Date.parse(NOW) + minutes * 60_000 + 1).toISOString()).some(({ isDue }) => isDue)
      return Array.from({ length: 100 }, (_minutes, minutes) => minutes).find(isDueAfter)
    })
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  })
})
