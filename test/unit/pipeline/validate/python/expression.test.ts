import { describe, expect, it } from 'vitest'

import { argumentsOf } from '../../../../../pipeline/validate/python/arguments.ts'
import { moduleOf } from './facts.ts'

/** What the first argument of the last call is known to be, without its place. */
function read(text: string): Record<string, unknown> {
  const module = moduleOf(text)
  const call = module.outline.calls.filter(({ path }) => path.at(-1) === 'f').at(-1)!
  const {
    start: _start,
    end: _end,
    node: _node,
    ...known
  } = module.read(module.argumentsOf(call).positional[0]!, call.scope) as unknown as Record<string, unknown>
  if (Array.isArray(known['items'])) known['items'] = known['items'].length
  if (Array.isArray(known['entries'])) known['entries'] = known['entries'].length
  delete known['inner']
  return known
}

const text = (value: string) => ({ kind: 'text', value })
const template = (...parts: readonly (string | undefined)[]) => ({ kind: 'template', parts })
const int = (value: number) => ({ kind: 'number', value, isInteger: true })

describe('what is known of an expression', () => {
  it.each<readonly [string, Record<string, unknown>]>([
    ['f("a")', text('a')],
    ['f(("a"))', text('a')],
    ['f("a" "b")', text('ab')],
    ['f("a"\n  f"{x}" "b")', template('a', undefined, 'b')],
    ['f("a" b"b")', { kind: 'bytes' }],
    ['f("a" + "b")', text('ab')],
    ['f("a" + b)', template('a', undefined)],
    ['f(a + b)', { kind: 'binary' }],
    ['f(1 * 2)', { kind: 'binary' }],
    ['f("a.%s.%d" % (b, c))', template('a.', undefined, '.', undefined)],
    ['f(5 % 2)', { kind: 'binary' }],
    ['f("a.{}.{b:>3}".format(c))', template('a.', undefined, '.', undefined)],
    ['f(x.format(c))', { kind: 'call' }],
    ['f("a".upper())', { kind: 'call' }],
    ['f(g())', { kind: 'call' }],
    ['f(f"a.{b}")', template('a.', undefined)],
    ['f(f"{b}{c}")', template(undefined, undefined)],
    ['f(F"""a{b}c""")', template('a', undefined, 'c')],
    ['f(f"a")', text('a')],
    ['f("a)', { kind: 'unknown' }],
    [`f("${'a'.repeat(3000)}")`, { kind: 'unknown' }],
    ['f(3)', int(3)],
    ['f(-0x1F)', int(-31)],
    ['f(+1_000)', int(1000)],
    ['f(1.5e3)', { kind: 'number', value: 1500, isInteger: false }],
    ['f(1j)', { kind: 'unknown' }],
    ['f(not a)', { kind: 'unary' }],
    ['f(-a)', { kind: 'unary' }],
    ['f(----------1)', { kind: 'unary' }],
    ['f(True)', { kind: 'boolean', value: true }],
    ['f(None)', { kind: 'none' }],
    ['f([1, 2])', { kind: 'list', items: 2, isWhole: true }],
    ['f([*a, 2])', { kind: 'list', items: 2, isWhole: false }],
    ['f([x for x in y])', { kind: 'list', items: 0, isWhole: false }],
    ['f({x for x in y})', { kind: 'set', items: 0, isWhole: false }],
    ['f((1, 2))', { kind: 'tuple', items: 2, isWhole: true }],
    ['f({1})', { kind: 'set', items: 1, isWhole: true }],
    ['f({"a": 1, "b": 2})', { kind: 'dict', entries: 2, isWhole: true }],
    ['f({"a": 1, **b})', { kind: 'dict', entries: 1, isWhole: false }],
    ['f({a: b for a in c})', { kind: 'dict', entries: 0, isWhole: false }],
    ['f(lambda: 1)', { kind: 'unknown' }],
    ['f(a.b)', { kind: 'name', path: 'a.b' }],
    ['f(a)', { kind: 'name', path: 'a' }],
  ])('%s', (source, expected) => expect(read(source)).toStrictEqual(expected))
})

describe('what a name stands for', () => {
  it.each<readonly [string, Record<string, unknown>]>([
    ['A = "a"\nf(A)', text('a')],
    ['A: str = "a"\nf(A)', text('a')],
    ['A = "a"\ndef g():\n  f(A + ".b")', text('a.b')],
    ['def g():\n  a = 1\n  f(a)', int(1)],
    ['A = "a"\nclass B:\n  def g(self): f(A)', text('a')],
    ['class B:\n  A = "a"\n  def g(self): f(A)', { kind: 'name', path: 'A' }],
    ['class B:\n  A = "a"\n  f(A)', text('a')],
    ['A = "a"\nA = "b"\nf(A)', { kind: 'name', path: 'A' }],
    ['A = "a"\nA += "b"\nf(A)', { kind: 'name', path: 'A' }],
    ['A = "a"\ndef g():\n  global A\n  A = "b"\nf(A)', { kind: 'name', path: 'A' }],
    ['A = "a"\ndef g(A): f(A)', { kind: 'name', path: 'A' }],
    ['A = "a"\ndel A\nf(A)', { kind: 'name', path: 'A' }],
    ['A = "a"\nfor A in b: f(A)', { kind: 'name', path: 'A' }],
    ['A = "a"\nfor (A, b) in c: f(A)', { kind: 'name', path: 'A' }],
    ['A, B = "a", "b"\nf(A)', { kind: 'name', path: 'A' }],
    ['(A, B) = c\nf(A)', { kind: 'name', path: 'A' }],
    ['A = B = "a"\nf(B)', { kind: 'name', path: 'B' }],
    ['A = "a"\nif (A := g()): f(A)', { kind: 'name', path: 'A' }],
    ['A = "a"\nimport A\nf(A)', { kind: 'name', path: 'A' }],
    ['def A(): pass\nf(A)', { kind: 'name', path: 'A' }],
    ['A: str\nf(A)', { kind: 'name', path: 'A' }],
    ['A = B\nB = C\nC = D\nD = E\nE = F\nF = 1\nf(A)', { kind: 'name', path: 'E' }],
    ['A = A\nf(A)', { kind: 'name', path: 'A' }],
  ])('%s', (source, expected) => expect(read(source)).toStrictEqual(expected))

  it('is shown where it is written', () => {
    const module = moduleOf('A = "a.b"\nf(A)')
    const [call] = module.outline.calls
    expect(module.read(module.argumentsOf(call!).positional[0]!, call!.scope)).toStrictEqual({
      kind: 'text',
      value: 'a.b',
      inner: { start: 5, end: 8 },
      start: 4,
      end: 9,
    })
  })
})

describe('arguments', () => {
  it.each<readonly [string, number, readonly string[], boolean]>([
    ['f()', 0, [], false],
    ['f(1, 2, a=3, b=4,)', 2, ['a', 'b'], false],
    ['f(1, *a, b=2)', 1, ['b'], true],
    ['f(**a)', 0, [], true],
    ['f(x for x in y)', 0, [], true],
    ['f(1, # one\n  2)', 2, [], false],
    ['f(a=', 0, ['a'], true],
    ['f(1', 1, [], true],
  ])('%s', (source, positional, keywords, isOpen) => {
    const module = moduleOf(source)
    const found = argumentsOf(module.outline.calls[0]!.node, source)
    expect([found.positional.length, [...found.keywords.keys()], found.isOpen]).toStrictEqual([positional, keywords, isOpen])
  })
})
