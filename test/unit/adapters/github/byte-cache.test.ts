import { describe, expect, it } from 'vitest'
import { byteCache } from '../../../../adapters/github/byte-cache.ts'

describe('a cache', () => {
  it('gives what it was given, until it is given something else', () => {
    const cache = byteCache<string>(100_000)
    expect(cache.get('a')).toBeUndefined()
    cache.set('a', 'one', 3)
    cache.set('a', 'two', 3)
    expect(cache.get('a')).toBe('two')
  })

  it('forgets what was not asked for longest', () => {
    const cache = byteCache<string>(10_000)
    for (const key of ['a', 'b', 'c', 'd']) cache.set(key, key, 2000)
    cache.get('a')
    cache.set('e', 'e', 2000)
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => cache.get(key))).toEqual(['a', undefined, 'c', 'd', 'e'])
  })

  it('counts what it holds once, however often it is given', () => {
    const cache = byteCache<number>(10_000)
    cache.set('a', 0, 2000)
    for (let count = 0; count < 100; count += 1) cache.set('b', count, 2000)
    expect([cache.get('a'), cache.get('b')]).toEqual([0, 99])
  })

  it('does not keep what would push out most of the rest', () => {
    const cache = byteCache<string>(10_000)
    cache.set('a', 'a', 10)
    cache.set('large', 'x', 2400)
    cache.set('a', 'larger', 2400)
    expect([cache.get('a'), cache.get('large')]).toEqual([undefined, undefined])
  })

  it('is bounded by its keys, too', () => {
    const cache = byteCache<number>(10_000)
    for (let count = 0; count < 1000; count += 1) cache.set(`key ${count}`, count, 0)
    expect(Array.from({ length: 1000 }, (_, count) => cache.get(`key ${count}`)).filter((value) => value !== undefined).length).toBeLessThan(50)
  })
})
