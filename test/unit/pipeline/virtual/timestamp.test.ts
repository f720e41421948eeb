import { describe, expect, it } from 'vitest'
import { formatLikeGo, formatNanoseconds, readTimestamp } from '../../../../pipeline/virtual/timestamp.ts'

describe('timestamps', () => {
  it.each([
    [0n, '1970-01-01T00:00:00.000000000Z', '1970-01-01T00:00:00Z'],
    [1_795_256_839_323_525_551n, '2026-11-21T10:27:19.323525551Z', '2026-11-21T10:27:19.323525551Z'],
    [1_700_000_000_500_000_000n, '2023-11-14T22:13:20.500000000Z', '2023-11-14T22:13:20.5Z'],
    [1_700_000_000_000_000_001n, '2023-11-14T22:13:20.000000001Z', '2023-11-14T22:13:20.000000001Z'],
  ])('keeps every digit of %s', (ns, nine, trimmed) => {
    expect([formatNanoseconds(ns), formatLikeGo(ns)]).toEqual([nine, trimmed])
    expect([readTimestamp(nine), readTimestamp(trimmed)]).toEqual([ns, ns])
  })

  it.each(['', 'yesterday', '2026-13-01T00:00:00Z', '2026-11-21T10:27:19', '2026-11-21T10:27:19.0000000001Z', '2026-11-21 10:27:19Z'])('refuses %s', (text) => {
    expect(readTimestamp(text)).toBeUndefined()
  })
})
