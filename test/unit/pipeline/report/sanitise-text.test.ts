import { describe, expect, it } from 'vitest'
import { clipText, sanitiseLine, sanitiseText } from '../../../../pipeline/report/sanitise-text.ts'

describe('text of a plugin is shown without tricks', () => {
  it.each([
    ['colours', '\u001b[1;31mred\u001b[0m', 'red'],
    ['a link of the terminal', '\u001b]8;;https://evil.example\u0007click\u001b]8;;\u001b\\', 'click'],
    ['a title of the window', '\u001b]0;owned\u0007x', 'x'],
    ['eight-bit sequences', '\u009b31mred\u009d0;t\u009c!', 'red!'],
    ['an unfinished sequence', 'a\u001b', 'a'],
    ['cursor movements', 'a\u001b[2K\u001b[1Ab', 'ab'],
    ['control characters', 'a\u0000\u0007\u0008b\u007f', 'ab'],
    ['reversed reading', 'gpj.\u202etxt\u2066\u2069\u200f', 'gpj.txt'],
    ['invisible characters', '@\u200bus\u2060er\ufeff\u00ad\u{e0041}\u2800\u3164', '@user'],
    ['lone surrogates', 'a\ud800b', 'a\ufffdb'],
    ['piles of accents', `e${'\u0301'.repeat(50)}`, 'e\u0301\u0301\u0301'],
    ['line ends of all kinds', 'a\r\nb\rc\u2028d\u0085e', 'a\nb\nc\nd\ne'],
    ['tabs', 'a\tb', 'a    b'],
  ])('%s', (_, text, shown) => {
    expect(sanitiseText(text)).toBe(shown)
  })

  it.each(['naïve café', '漢字', 'שלום', '⚠️ 😀', 'a\nb', 'plain ASCII, all of it: ~!@#'])('leaves %j as it is', (text) => {
    expect(sanitiseText(text)).toBe(text)
  })

  it('makes one line of many', () => {
    expect(sanitiseLine('  a \n\n\t b\u00a0 c  ')).toBe('a b c')
  })

  it('says where it was cut, and cuts no character in half', () => {
    expect(clipText('abcdef', 6)).toBe('abcdef')
    expect(clipText('abcdefg', 6)).toBe('abcde…')
    expect(clipText('abc 😀😀', 6).isWellFormed()).toBe(true)
  })
})
