import { describe, expect, it } from 'vitest'
import type { PythonValue, Span } from '../../../../../pipeline/validate/sage/python-value.ts'
import { loadPyYaml } from '../../../../../pipeline/validate/sage/pyyaml.ts'
import { Random } from '../../../../oracle/random.ts'
import { YamlTexts } from '../../../../support/yaml-texts/yaml-texts.ts'

function valueOf(text: string): PythonValue {
  const parsed = loadPyYaml(text)
  if ('error' in parsed) throw new Error(parsed.error.message)
  return parsed.value
}

function errorOf(text: string): string {
  const parsed = loadPyYaml(text)
  return 'error' in parsed ? `${parsed.error.name}: ${parsed.error.message}` : 'no error'
}

/** All values of a text, with what is written where they stand. */
function places(text: string): readonly string[] {
  const found: string[] = []
  const seen = new Set<PythonValue>()
  const visit = (value: PythonValue): void => {
    if (seen.has(value)) return
    seen.add(value)
    found.push(`${value.type} ${text.slice(value.start, value.end)}`)
    if ('items' in value) value.items.forEach(visit)
    if (value.type === 'dict') for (const entry of value.entries) [entry.key, entry.value].forEach(visit)
  }
  visit(valueOf(text))
  return found
}

/** Where what was read ends, or cannot be read. */
function endOf(text: string): number {
  const parsed = loadPyYaml(text)
  return 'error' in parsed ? parsed.error.start : parsed.value.end
}

describe('spans', () => {
  it.each<[string, string, readonly string[]]>([
    ['leave out what follows', 'a: b # c\n\n', ['dict a: b', 'str a', 'str b']],
    ['leave out tags and anchors', 'a: !!str &x 1', ['dict a: !!str &x 1', 'str a', 'str 1']],
    [
      'end a block with its last child',
      'a:\n  - b\n  - c  \n\nd: {e: f}\n',
      ['dict a:\n  - b\n  - c  \n\nd: {e: f}', 'str a', 'list - b\n  - c', 'str b', 'str c', 'str d', 'dict {e: f}', 'str e', 'str f'],
    ],
    ['take all lines of a scalar', 'a: b\n  c\nd: "e\n f"\n', ['dict a: b\n  c\nd: "e\n f"', 'str a', 'str b\n  c', 'str d', 'str "e\n f"']],
    ['end a block scalar with its last line', 'a: |\n  b\n\n  c\n\n\n', ['dict a: |\n  b\n\n  c', 'str a', 'str |\n  b\n\n  c']],
    ['take the header of an empty block scalar', 'a: |+ # c\n\n', ['dict a: |+', 'str a', 'str |+']],
    [
      'are empty where nothing is written',
      'a:\nb: [c: ]\n',
      ['dict a:\nb: [c: ]', 'str a', 'NoneType ', 'str b', 'list [c: ]', 'dict c:', 'str c', 'NoneType '],
    ],
    ['hold the pairs of a list of pairs', '!!omap [a: b]', ['list [a: b]', 'tuple a: b', 'str a', 'str b']],
    ['count in UTF-16', '😀: é', ['dict 😀: é', 'str 😀', 'str é']],
  ])('%s', (_, text, expected) => {
    expect(places(text)).toStrictEqual(expected)
  })

  it('say where an empty value would stand', () => {
    expect(valueOf('a:   \nb: 1')).toMatchObject({ entries: [{ value: { type: 'NoneType', start: 2, end: 2 } }, {}] })
  })

  it('tell the place of an error', () => {
    expect(loadPyYaml('a: 😀\nb: c: d')).toMatchObject({ error: { start: 10 } })
    expect(loadPyYaml('- a\n- !!int x')).toMatchObject({ error: { start: 12 } })
    expect(loadPyYaml('')).toStrictEqual({ value: { type: 'NoneType', start: 0, end: 0 } })
  })
})

describe('mappings', () => {
  it('keep the keys that stand again', () => {
    expect(valueOf('a: 1\nb: 2\na: 3')).toMatchObject({ entries: [{ key: { start: 0 }, value: { value: 3n } }, {}], duplicates: [{ value: 'a', start: 10 }] })
  })

  it('mark what comes from other mappings, and prefer their own keys', () => {
    const text = '- &m {a: 1, b: 2, 1: x}\n- {b: 3, <<: *m, 1: y}'
    const [, merged] = (valueOf(text) as PythonValue & { items: PythonValue[] }).items
    expect(merged).toMatchObject({
      entries: [
        { key: { value: 'a', start: 6 }, value: { value: 1n }, isMerged: true },
        { key: { value: 'b', start: text.indexOf('b: 3') }, value: { value: 3n } },
        { key: { type: 'int', start: text.indexOf('1: x') }, value: { value: 'y' } },
      ],
      duplicates: [],
    })
    expect((merged as unknown as { entries: object[] }).entries.map((entry) => 'isMerged' in entry)).toStrictEqual([true, false, false])
  })

  it('tell where an alias stands', () => {
    const text = 'a: &x {y: 1}\nb: *x'
    const value = valueOf(text)
    expect(value).toMatchObject({ entries: [{}, { alias: { start: text.indexOf('*'), end: text.length } }] })
    const [first, second] = (value as unknown as { entries: { value: PythonValue; alias?: Span }[] }).entries
    expect(second?.value).toBe(first?.value)
    expect(first).not.toHaveProperty('alias')
  })
})

describe('what Python gives up on', () => {
  const merges = (count: number, last: string) =>
    `d: [[[${Array.from({ length: count }, (_, index) => (index === 0 ? '&m0 {x: 1}' : `&m${index} {<<: *m${index - 1}}`)).join(', ')}]]]\n${last}: {<<: *m${count - 1}}`

  it.each([
    ['brackets', 'RecursionError: maximum recursion depth exceeded', '['.repeat(5000)],
    ['lists', 'RecursionError: maximum recursion depth exceeded', '- '.repeat(5000)],
    ['mappings', 'RecursionError: maximum recursion depth exceeded', '[? '.repeat(300)],
    ['merges', 'RecursionError: maximum recursion depth exceeded', merges(1200, 'e')],
    ['values of values', 'RecursionError: maximum recursion depth exceeded', '&a !!str {=: *a}'],
    [
      'merges that double',
      'MemoryError: ',
      Array.from({ length: 40 }, (_, index) => `m${index}: &m${index} {<<: [${index === 0 ? '{x: 1}' : `*m${index - 1}, *m${index - 1}`}]}`).join('\n'),
    ],
    [
      'digits',
      'ValueError: Exceeds the limit (4300 digits) for integer string conversion: value has 4301 digits; use sys.set_int_max_str_digits() to increase the limit',
      `a: -${'9'.repeat(4301)}`,
    ],
  ])('%s', (_, expected, text) => {
    expect(errorOf(text)).toBe(expected)
  })

  it.each([
    ['400 levels', '['.repeat(400) + ']'.repeat(400)],
    ['400 merges', merges(400, 'e')],
    ['merges that meet', 'a: &a {x: 1}\nb: {<<: [*a, *a]}'],
    ['4300 digits', `- ${'9'.repeat(4300)}`],
    ['more digits in base 16', `- 0x${'f'.repeat(9000)}`],
    ['hours without end', `- 1${':0'.repeat(20_000)}`],
  ])('but not on %s', (_, text) => {
    expect(errorOf(text)).toBe('no error')
  })

  it('joins digits of base 60', () => {
    expect(valueOf('1:2:3:4:5')).toMatchObject({ value: 60n ** 4n + 2n * 60n ** 3n + 3n * 3600n + 4n * 60n + 5n })
  })
})

describe('hostile texts', () => {
  const big = (piece: string) => piece.repeat(Math.floor(2 ** 18 / piece.length))

  it.each(
    [
      'a',
      'a ',
      'a\n',
      'a: ',
      'a: 1\n',
      '- a\n',
      '- ',
      '? ',
      '[',
      '{',
      '{}',
      '[],',
      'a,',
      '&a ',
      '*a ',
      '!a ',
      '!',
      '!%41',
      '%',
      '%a\n',
      '"',
      '" ',
      '"a": ',
      "''",
      '\\',
      '"\\',
      '|\n',
      '> \n',
      '# ',
      '\n',
      ' ',
      ' \n',
      '\t',
      '\r',
      '\r\n',
      '---\n',
      '...\n',
      ':',
      ': ',
      ': - ',
      ',',
      '1:',
      '1_',
      '0x',
      '😀',
      '😀: ',
      '\uFEFF',
      '\uFEFF: ',
      '<<: ',
      '=: ',
      '2001-01-01 ',
    ].map((piece) => [JSON.stringify(piece), piece]),
  )('of %s come to an end inside of the text', (_, piece) => {
    for (const text of [big(piece), `[${big(piece)}`, `a: "${big(piece)}`, `a: |\n  ${big(piece)}`]) expect(endOf(text)).toBeLessThanOrEqual(text.length)
  })

  it.each([
    ['an int of white space', `!!int "1${big(' ')}1"`],
    ['an int of other digits', `!!int "${big('𝟿')}"`],
    ['a float of white space', `!!float "1${big(' ')}1"`],
    ['a float of digits', `1${big('1')}x.`],
    ['a time of white space', `!!timestamp "2001-01-01${big(' ')}x"`],
    ['a time of digits', `2001-01-01 00:00:00.${big('1')}x`],
    ['bytes', `!!binary "${big('QUJD')}"`],
    ['a bool', `!!bool ${big('İ')}`],
    ['an unknown tag', `!${big('a')} x`],
    ['a line before an error', `${big('a ')}: : :`],
    ['sexagesimals', `1${big(':1')}.5`],
  ])('come to an end inside of the text as %s', (_, text) => {
    expect(endOf(text)).toBeLessThanOrEqual(text.length)
  })

  it('never throw, and have their places inside of the text', () => {
    const texts = new YamlTexts(new Random(42))
    for (let count = 0; count < 3_000; count += 1) {
      const text = texts.text([])
      const parsed = loadPyYaml(text)
      if ('error' in parsed) {
        expect(parsed.error.start).toBeGreaterThanOrEqual(0)
        expect(parsed.error.start).toBeLessThanOrEqual(text.length)
      } else for (const place of places(text)) expect(place).toMatch(/^[a-zA-Z]+ /)
    }
  })
})
