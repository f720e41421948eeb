import { describe, expect, it } from 'vitest'
import { parseYaml } from '../../../../pipeline/validate/yaml-source.ts'

const parse = (text: string | Buffer) => parseYaml('sage.yaml', Buffer.from(text))
const LETTERS = 'bcdefghi'.split('')

describe('parseYaml', () => {
  it('remembers where keys and values stand', () => {
    const { source } = parse('name: cloud\nsource:\n  architectures:\n    - linux/amd64\n    - "linux/arm64"\ninputs: []\nempty:\n')
    const at = (path: (string | number)[], part?: 'key' | 'value') => source?.place(path, part)
    expect(at(['name'])).toStrictEqual({ file: 'sage.yaml', line: 1, column: 7, endLine: 1, endColumn: 12 })
    expect(at(['name'], 'key')).toStrictEqual({ file: 'sage.yaml', line: 1, column: 1, endLine: 1, endColumn: 5 })
    expect(at(['source', 'architectures', 1])).toStrictEqual({ file: 'sage.yaml', line: 5, column: 7, endLine: 5, endColumn: 20 })
    expect(at(['source', 'architectures'])).toMatchObject({ line: 3, column: 3 })
    expect(at(['source', 'missing'])).toMatchObject({ line: 2, column: 1 })
    expect(at(['source', 'architectures', 7])).toMatchObject({ line: 3 })
    expect(at(['empty'])).toMatchObject({ line: 7, column: 1 })
    expect(at([])).toStrictEqual({ file: 'sage.yaml', line: 1, column: 1 })
    expect(source?.written(['name'])).toBe('cloud')
    expect(source?.written(['source'])).toBeUndefined()
    expect(source?.written(['nothing'])).toBeUndefined()
  })

  it.each([
    ['a BOM', '\uFEFFname: x\n', { name: 'x' }],
    ['Windows line ends', 'name: x\r\nversion: "1"\r\n', { name: 'x', version: '1' }],
    ['no end of line', 'name: x', { name: 'x' }],
    ['JSON', '{"name": "x", "inputs": [{"id": "a"}]}', { name: 'x', inputs: [{ id: 'a' }] }],
    ['emoji', 'name: "😀"', { name: '😀' }],
    ['nothing', '', null],
    ['comments only', '# x\n', null],
    ['an alias', 'a: &a x\nb: *a', { a: 'x', b: 'x' }],
    ['a merge key', 'a: &a {x: 1}\nb: {<<: *a, y: 2}', { a: { x: 1 }, b: { x: 1, y: 2 } }],
    ['two merge keys', 'a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n', { a: { x: 1 }, b: { x: 1 } }],
    ['a date, as text', 'd: 2023-01-01', { d: '2023-01-01' }],
    ['words that YAML 1.1 took for booleans', 'a: yes\nb: off', { a: 'yes', b: 'off' }],
  ])('reads %s', (_, text, value) => {
    expect(parse(text)).toMatchObject({ problems: [], source: { value } })
  })

  it('keeps names of prototypes as plain keys', () => {
    const { source } = parse('__proto__: {polluted: true}\nconstructor: x\n')
    expect(Object.keys(source?.value as object)).toStrictEqual(['__proto__', 'constructor'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it.each<[string, string | Buffer, string, number | undefined]>([
    ['256 KiB and one byte', Buffer.alloc(256 * 1024 + 1, '#'), 'CTSS-C002', undefined],
    ['bytes that are no UTF-8', Buffer.from([0x61, 0x3a, 0x20, 0xff]), 'CTSS-C001', undefined],
    ['UTF-16', Buffer.from('\uFEFFname: x', 'utf16le'), 'CTSS-C001', undefined],
    ['NUL', 'name: x\nb: a\0b\n', 'CTSS-C001', 2],
    ['an escape sequence', 'name: \u001B[31mred', 'CTSS-C001', 1],
    ['half a surrogate pair, as the decoder leaves it out', Buffer.from([0x61, 0x3a, 0x20, 0xed, 0xa0, 0x80]), 'CTSS-C001', undefined],
    ['a tab as indentation', 'source:\n\turl: x\n', 'CTSS-C001', 2],
    ['two documents', 'a: 1\n---\nb: 2\n', 'CTSS-C001', 2],
    ['conflict marks', '<<<<<<< HEAD\nname: a\n=======\nname: b\n>>>>>>> x\n', 'CTSS-C001', undefined],
    ['a colon in a plain text', '- id: "-sampling-interval":\n', 'CTSS-C001', 1],
    ['wrong indentation', 'source:\n    url: x\n  branch: y\n', 'CTSS-C001', 3],
    ['an open quote', 'name: "x\n', 'CTSS-C001', undefined],
    ['a key twice', 'name: a\nversion: "1"\nname: b\n', 'CTSS-C003', 3],
    ['a key twice, deeper', 'source: {url: a, url: b}', 'CTSS-C003', 1],
    ['a list as a key', '? [a]\n: b', 'CTSS-C001', 1],
    ['a mapping as a key', '{a: b}: c', 'CTSS-C001', 1],
    ['an alias as a key', 'a: &a x\n*a : y', 'CTSS-C001', 2],
    ['a tag of Python', 'name: !!python/object:os.system x', 'CTSS-C001', 1],
    ['a tag of nobody', 'name: !secret x', 'CTSS-C001', 1],
    ['a list in a list, 66 deep', '['.repeat(66) + ']'.repeat(66), 'CTSS-C001', 1],
    ['mappings, 100 deep', Array.from({ length: 100 }, (__, depth) => `${' '.repeat(depth)}a:`).join('\n'), 'CTSS-C001', 66],
    ['an alias of nothing', 'a: *b', 'CTSS-C002', undefined],
    ['an alias of itself', 'a: &a [*a]', 'CTSS-C002', undefined],
    ['a merge of what is no mapping', 'a: {<<: 3}', 'CTSS-C002', undefined],
    [
      'a billion laughs',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${LETTERS.map((letter, at) => `${letter}: &${letter} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[at]}`).join(',')}]`).join('\n')}`,
      'CTSS-C002',
      undefined,
    ],
    ['a hundred thousand values', `a: [${'1,'.repeat(100_001)}]`, 'CTSS-C002', undefined],
    ['NaN', 'a: .nan', 'CTSS-C007', undefined],
    ['an infinity', 'a: [-.inf]', 'CTSS-C007', undefined],
  ])('refuses %s', (_, text, code, line) => {
    const { source, problems } = parse(text)
    expect(source).toBeUndefined()
    expect(problems[0]).toMatchObject({ code, severity: 'error', place: { file: 'sage.yaml', ...(line !== undefined && { line }) } })
    expect(problems.length).toBeLessThanOrEqual(10)
  })

  it.each([
    ['opening brackets', '['.repeat(60_000)],
    ['dashes', '- '.repeat(30_000)],
    ['question marks', '? '.repeat(30_000)],
    ['colons', 'a: '.repeat(20_000)],
    ['quotes', '"'.repeat(40_000)],
    ['anchors', '&a '.repeat(20_000)],
    ['documents', '---\n'.repeat(60_000)],
  ])('survives a file of nothing but %s', (_, text) => {
    expect(parse(text)).toMatchObject({ source: undefined, problems: expect.arrayContaining([expect.objectContaining({ severity: 'error' })]) })
  })

  it('never throws on random bytes, and answers either a value or a reason', () => {
    let seed = 1
    const next = (limit: number): number => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % limit
    }
    const pieces = [
      'name',
      ': ',
      '- ',
      '\n',
      '  ',
      '"',
      "'",
      '[',
      ']',
      '{',
      '}',
      ',',
      '&a ',
      '*a',
      '!!',
      '|',
      '>',
      '#',
      '---',
      '...',
      '%',
      '\t',
      '?',
      '<<: ',
      '\0',
      '\u00e9',
      '😀',
      '1.0',
      '.nan',
      '~',
      '\r',
      '@',
      '`',
    ]
    for (let round = 0; round < 1000; round++) {
      const text = Array.from({ length: next(40) }, () => pieces[next(pieces.length)]).join('')
      const content = round % 4 === 0 ? Buffer.from(Array.from({ length: next(60) }, () => next(256))) : Buffer.from(text)
      const { source, problems } = parseYaml('sage.yaml', content)
      expect([content.toString(), source === undefined]).toStrictEqual([content.toString(), problems.length > 0])
      if (source !== undefined) JSON.stringify(source.value)
    }
  })
})
