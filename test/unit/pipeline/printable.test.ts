import { describe, expect, it } from 'vitest'
import { duration, INVISIBLE, printable } from '../../../pipeline/printable.ts'

describe('a printable line', () => {
  it.each([
    ['words', 'plain words, ümläuts, 漢字, 😀', 'plain words, ümläuts, 漢字, 😀'],
    ['indentation', '  two blanks', '  two blanks'],
    ['blanks at the end', 'a \t ', 'a'],
    ['nothing', '', ''],
    ['colours', '\u001b[31mred\u001b[0m', 'red'],
    ['a title for the terminal', 'a\u001b]0;title\u0007b', 'ab'],
    ['a link', '\u001b]8;;https://evil.example\u0007click\u001b]8;;\u0007', 'click'],
    ['a line end', 'a\nb', 'a b'],
    ['a carriage return', 'a\rb', 'a b'],
    ['a line end of Unicode', 'a\u0085b\u2028c\u2029d', 'a b c d'],
    ['what has no width', 'a\u200bb\u2060c\ufeffd\u00ade', 'a b c d e'],
    ['a change of direction', 'a\u202eb\u2066c\u061cd', 'a b c d'],
    ['control characters', 'a\u0000b\u0008c\u007fd\u009be', 'a b c d e'],
  ])('has of %s what can be shown', (_, line, shown) => {
    expect(printable(line)).toBe(shown)
  })

  it.each([
    ['##[error]x', '# #[error]x'],
    ['a ##[command]x', 'a # #[command]x'],
    ['###[group]x', '## #[group]x'],
    ['##[a]##[b]', '# #[a]# #[b]'],
    ['#\u001b[0m#[error]x', '# #[error]x'],
    ['#\u200b#[error]x', '# #[error]x'],
    ['##\u0000[error]x', '## [error]x'],
  ])('holds no old command of GitHub’s runner: %j', (line, shown) => {
    expect(printable(line)).toBe(shown)
  })

  it('is at most 500 characters long, and says so', () => {
    expect(printable('x'.repeat(500))).toBe('x'.repeat(500))
    expect(printable('x'.repeat(501))).toBe(`${'x'.repeat(500)}…`)
  })

  it('is the same when it is made printable again', () => {
    for (const line of ['##[error]\u001b[31m::x\u200b', '\t a\r', `${'y'.repeat(600)}##[x]`])
      expect(printable(printable(line).slice(0, 500))).toBe(printable(line).slice(0, 500))
  })
})

describe('what cannot be seen', () => {
  it('is found everywhere in a text', () => {
    expect('a\u200bb\u0000c'.replaceAll(INVISIBLE, '')).toBe('abc')
  })

  it('is no letter, no accent, no emoji', () => {
    expect('é e\u0301 \u{1f468}\ufe0f ~'.match(INVISIBLE)).toBeNull()
  })
})

describe('a duration', () => {
  it.each([
    [0, '0.0 s'],
    [9.94, '9.9 s'],
    [10, '10 s'],
    [119.4, '119 s'],
    [119.6, '2 min 0 s'],
    [179.7, '3 min 0 s'],
    [200, '3 min 20 s'],
    [7322, '122 min 2 s'],
  ])('of %d s is %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text)
  })
})
