import { describe, expect, it } from 'vitest'

import { parsePython } from '../../../../../pipeline/validate/python/syntax.ts'
import { moduleOf } from './facts.ts'

const SIZE = 65_536
const fill = (piece: string): string => piece.repeat(Math.ceil(SIZE / piece.length)).slice(0, SIZE)

describe('parsePython', () => {
  it.each([
    ['today’s Python', 'match x:\n    case {"a": [1, *rest]}:\n        print(f"{rest!r:>{width}}")\n', true],
    ['Python 2', 'try:\n    print "a" % b\nexcept X, e:\n    raise E, "x"\n', true],
    ['a byte order mark', '\uFEFFimport a\n', true],
    ['floats that end with their dot', 'f(0., x * 2.)\ny = 1. if a > 89.: 1_0.\n'.replace(': 1_0.', ' else 1_0.'), true],
    ['yield alone', 'def f():\n    yield\n    x = yield # why\n    g((yield), [yield])\n', true],
    ['Windows line ends', 'import a\r\nimport b\r\n', true],
    ['nothing', '', true],
    ['a syntax error', 'import a\nx = = 1\nimport b\n', false],
    ['no Python', 'a b c '.repeat(100), false],
  ])('%s', (_, text, isWhole) => expect(parsePython(text)?.isWhole).toBe(isWhole))

  it('goes on behind an error', () => expect(moduleOf('import a\nx = = 1\nimport b\n').outline.imports.map(({ module }) => module)).toStrictEqual(['a', 'b']))

  it('leaves texts as they are', () => {
    const module = moduleOf('f("1. yield", 2., a.b1.c)')
    const [call] = module.outline.calls
    expect(module.argumentsOf(call!).positional.map((node) => module.read(node, call!.scope))).toMatchObject([
      { value: '1. yield' },
      { value: 2 },
      { path: 'a.b1.c' },
    ])
  })

  it('gives up on what is no Python, and on what is nested without end', () => {
    expect(parsePython(fill('a b c '))?.tree.length).toBeLessThan(SIZE / 4)
    const nested = `x = ${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(parsePython(nested)?.isWhole ?? false).toBe(false)
  })

  it('reads no more of a table of data than of a program', () => {
    const table = `x = [${'1,'.repeat(120_000)}]`
    expect(parsePython(table)?.isWhole).toBe(false)
    expect(parsePython(table.slice(0, 100_000))?.tree.length).toBe(100_000)
  })

  it('lists no more calls than a program has', () => {
    const module = moduleOf('f()\n'.repeat(25_000))
    expect(module.outline.calls).toHaveLength(20_000)
    expect(module.isWhole).toBe(false)
    expect(moduleOf('f()\n'.repeat(100)).isWhole).toBe(true)
  })

  it('gives up where the stack ends', () => {
    const atTheEnd = (): unknown => {
      try {
        return atTheEnd()
      } catch {
        return parsePython('f(1)')
      }
    }
    expect(atTheEnd()).toBeUndefined()
    expect(parsePython('f(1)')).toBeDefined()
  })

  it.each([
    '(',
    '[',
    '{',
    'f"{',
    'lambda:',
    '-',
    'x=',
    '@',
    '"',
    '"""',
    'f(',
    'f(1)',
    ')',
    '?',
    'if ',
    'def ',
    ':',
    'a b c ',
    '\\',
    '\0',
    '([{',
    '(a:=',
    '*',
    '...',
    'try:\n except ',
  ])('comes to an end for %j again and again', (piece) => {
    const module = moduleOf(`plugin.publish(${fill(piece)}`)
    expect(module.outline.imports).toStrictEqual([])
  })
})
