import { describe, expect, it } from 'vitest'
import type { ForgeDelivery } from '../../../../pipeline/ports/app-forge.ts'
import { chooseLostDeliveries } from '../../../../pipeline/service/choose-lost-deliveries.ts'

const NOW = '2026-11-21T12:00:00.000Z'

function attempt(guid: string, minutesAgo: number, succeeded = false): ForgeDelivery {
  return { id: `${guid}-${minutesAgo}`, guid, event: 'push', at: new Date(Date.parse(NOW) - minutesAgo * 60_000).toISOString(), succeeded }
}

describe('lost deliveries', () => {
  it.each([
    ['failed', [attempt('a', 10)], ['a-10']],
    ['failed twice', [attempt('a', 10), attempt('a', 5)], ['a-5']],
    ['failed, and then arrived', [attempt('a', 10), attempt('a', 5, true)], []],
    ['is under way', [attempt('a', 0.5)], []],
    ['failed before, and is under way again', [attempt('a', 10), attempt('a', 0.5)], []],
    ['failed as often as it is tried', [50, 40, 30, 20, 10].map((minutes) => attempt('a', minutes)), []],
  ])('of one that %s', (_, deliveries, expected) => {
    expect(chooseLostDeliveries(deliveries, NOW).map(({ id }) => id)).toEqual(expected)
  })

  it('come in the order in which they were sent', () => {
    expect(chooseLostDeliveries([attempt('b', 5), attempt('a', 10), attempt('c', 7)], NOW).map(({ guid }) => guid)).toEqual(['a', 'c', 'b'])
  })
})
