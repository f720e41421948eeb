import { describe, expect, it } from 'vitest'
import {
  formatBytes,
  formatCount,
  formatFigure,
  formatInterval,
  formatList,
  formatNumber,
  formatPlural,
  formatSeconds,
  formatTime,
} from '../../../../pipeline/report/format-figures.ts'

describe('figures are written as a person would', () => {
  it.each([
    [0, '0 ms'],
    [0.0123, '12.3 ms'],
    [0.9994, '999 ms'],
    [0.9996, '1.0 s'],
    [7.34, '7.3 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [71.3, '1 min 11 s'],
    [3600, '1 h'],
    [3780, '1 h 3 min'],
    [NaN, 'NaN'],
  ])('%d seconds is %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text)
  })

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [71_303_168, '68.0 MiB'],
    [104_857_600, '100 MiB'],
    [2 ** 52, '4096 TiB'],
  ])('%d bytes is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it.each([
    [0.95312, '0.9531'],
    [12345, '12,345'],
    [-1234567, '-1,234,567'],
    ['NaN', 'NaN'],
    [Infinity, 'Infinity'],
    [1e21, '1e+21'],
    [123.456, '123.5'],
  ])('the number %s is %s', (value, text) => {
    expect(formatNumber(value)).toBe(text)
  })

  it.each([
    [912, 'ms', '912 ms'],
    [1500, 'ms', '1.5 s'],
    [2, 's', '2.0 s'],
    [2048, 'bytes', '2.0 KiB'],
    [3, 'count', '3'],
    [0.5, 'number', '0.5'],
  ] as const)('%d %s is %s', (value, unit, text) => {
    expect(formatFigure(value, unit)).toBe(text)
  })

  it.each([
    [[0.896, 0.97], '0.896 – 0.970'],
    [[1, 2], '1 – 2'],
    [[1e-9, 5], '1e-9 – 5'],
    [undefined, ''],
    [[1], ''],
  ])('the interval %j is "%s"', (interval, text) => {
    expect(formatInterval(interval)).toBe(text)
  })

  it('lists, counts and dates', () => {
    expect(formatList([])).toBe('')
    expect(formatList(['a'])).toBe('a')
    expect(formatList(['a', 'b', 'c'])).toBe('a, b and c')
    expect(formatCount(999)).toBe('999')
    expect([formatPlural(1, 'entry', 'entries'), formatPlural(2000, 'trial')]).toEqual(['1 entry', '2,000 trials'])
    expect(formatTime('2026-11-21T12:00:41.000Z')).toBe('2026-11-21 12:00 UTC')
  })
})
