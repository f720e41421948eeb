import { describe, expect, it } from 'vitest'
import { escapeMarkdown } from '../../../../pipeline/report/escape-markdown.ts'
import { sayAccount, sayClock, sayCommit, sayPath, sayPlain, sayText } from '../../../../pipeline/service/say.ts'
import { Random, seedOf } from '../../../oracle/random.ts'
import { hostileTexts } from '../report/hostile-texts.ts'

describe('text in a sentence', () => {
  it('is what escaping makes of it, also where that is not looked at', () => {
    const words = [
      'Passed',
      'Skipped:',
      'a',
      '42',
      's,',
      'deadbeef',
      'deadbee',
      'facade',
      ':1234',
      'x:',
      'c-1',
      'www',
      'GH',
      '1.',
      'and',
      ';',
      ':',
      ' ',
      '  ',
      '#1',
      'Ünited',
    ]
    const random = new Random(seedOf(3, 1))
    const texts = Array.from({ length: 5000 }, () => Array.from({ length: random.integer(1, 5) }, () => random.pick(words)).join(random.chance(0.8) ? ' ' : ''))
    for (const text of [...texts, ...hostileTexts(2000)]) {
      // Spaces at an end, and doubled ones, show nothing.
      const expected = escapeMarkdown(text)
      expect(sayText(text, 10_000).replaceAll(/ +/g, ' ').trim()).toBe(expected.replaceAll(/ +/g, ' ').trim())
    }
  })

  it('is cut', () => {
    expect(sayText('abcdef', 4)).toBe('abc…')
    expect(sayPlain('abc\u202e\ndef', 5)).toBe('abc…')
  })
})

describe('names', () => {
  it('wake nobody', () => {
    expect([sayAccount({ login: 'zelda' }), sayCommit('a'.repeat(40)), sayPath('plugins/@bird'), sayClock(0)]).toEqual([
      '`zelda`',
      '`aaaaaaa`',
      '`plugins/@bird`',
      '00:00 UTC',
    ])
  })
})
