import { describe, expect, it } from 'vitest'

import { moduleOf } from './facts.ts'

describe('imports', () => {
  it.each<readonly [string, readonly (readonly (string | undefined)[])[]]>([
    ['import a', [['a', undefined, 'a']]],
    ['import a.b', [['a.b', undefined, 'a']]],
    ['import a.b as c, d', [['a.b', undefined, 'c'], ['d', undefined, 'd']]],
    ['from a.b import c, d as e', [['a.b', 'c', 'c'], ['a.b', 'd', 'e']]],
    ['from a import (\n  b,\n  c,\n)', [['a', 'b', 'b'], ['a', 'c', 'c']]],
    ['from . import a', [['.', 'a', 'a']]],
    ['from ..a.b import c', [['..a.b', 'c', 'c']]],
    ['from a import *', [['a', '*', '*']]],
    ['def f():\n  import a', [['a', undefined, 'a']]],
    ['import', []],
    ['from a', []],
  ])('%s', (text, expected) => expect(moduleOf(text).outline.imports.map(({ module, name, alias }) => [module, name, alias])).toStrictEqual(expected)) // prettier-ignore
})

describe('the name of a function', () => {
  it.each([
    ['import a\na.b()', 'a.b'],
    ['import a.b\na.b.c()', 'a.b.c'],
    ['import a.b as x\nx.c()', 'a.b.c'],
    ['from a.b import c as d\nd()', 'a.b.c'],
    ['from . import a\na.f()', '.a.f'],
    ['from .p import a\na()', '.p.a'],
    ['self.a.b()', 'self.a.b'],
    ['a().b()', '.b'],
    ['a[1].b()', '.b'],
    ['a[1]()', ''],
    ['a.b.c.d.e.f.g.h.i.j()', '.c.d.e.f.g.h.i.j'],
    ['(a.b)()', ''],
  ])('%s', (text, expected) => {
    const module = moduleOf(text)
    expect(module.functionName(module.outline.calls[0]!)).toBe(expected)
  })
})

describe('where a call stands', () => {
  const marks = (text: string): readonly string[] =>
    moduleOf(text).outline.calls.map(({ path, isMain, isTried, scope }) => `${path.join('.')}${isMain ? ' main' : ''}${isTried ? ' tried' : ''} ${scope.kind}`)

  it.each<readonly [string, readonly string[]]>([
    ['f()', ['f module']],
    ['def g():\n  f()\nclass A:\n  g()', ['f function', 'g class']],
    ['x = lambda: f()', ['f function']],
    ['if __name__ == "__main__":\n  f()\ng()', ['f main module', 'g module']],
    ["if __name__=='__main__':\n  f()\nelse:\n  g()", ['f main module', 'g module']],
    ['if a == "__main__":\n  f()', ['f module']],
    ['if a:\n  f()\nelse:\n  g()', ['f module', 'g module']],
    ['try:\n  f()\nexcept A:\n  g()\nelse:\n  h()\nfinally:\n  i()\nj()', ['f tried module', 'g module', 'h module', 'i module', 'j module']],
    ['try:\n  try:\n    f()\n  finally:\n    g()\nexcept: h()', ['f tried module', 'g tried module', 'h module']],
    ['for a in b: f()\nelse: g()', ['f module', 'g module']],
  ])('%s', (text, expected) => expect(marks(text)).toStrictEqual(expected))

  it('knows functions that ask whether a file is there', () => {
    const { calls } = moduleOf('def g():\n  os.path.exists("a")\n  f()\ndef h():\n  i()\n').outline
    expect(calls.map(({ path, scope }) => [path.at(-1), scope.asksForFiles])).toStrictEqual([['exists', true], ['f', true], ['i', false]]) // prettier-ignore
  })
})

describe('with', () => {
  it.each<readonly [string, readonly (readonly [string, string | undefined])[]]>([
    ['with a() as b: pass', [['a()', 'b']]],
    ['with a() as b, c() as d: pass', [['a()', 'b'], ['c()', 'd']]],
    ['with a(), c(): pass', [['a()', undefined], ['c()', undefined]]],
    ['with a: pass', [['a', undefined]]],
    ['with (a()) as b: pass', [['a()', 'b']]],
    ['with (a() as b): pass', [['a()', 'b']]],
    ['with (a() as b, c() as d): pass', [['a()', 'b'], ['c()', 'd']]],
    ['async def f():\n  async with a() as b: pass', [['a()', 'b']]],
    ['with a() as b.c: pass', [['a()', undefined]]],
    ['with a() as (b, c): pass', [['a()', undefined]]],
    ['with as b: pass', [['b', undefined]]],
    ['with a() as', [['a()', undefined]]],
  ])('%s', (text, expected) =>
    expect(moduleOf(text).outline.withItems.map(({ expression, alias }) => [text.slice(expression.from, expression.to), alias])).toStrictEqual(expected)) // prettier-ignore
})

describe('definitions and attributes', () => {
  it('are all that are there', () => {
    const { definitions, attributes } = moduleOf('def f(): pass\nclass A:\n  def g(self): return sys.argv\nx = lambda: 1\n').outline
    expect([[...definitions], [...attributes]]).toStrictEqual([['f', 'A', 'g'], ['argv']])
  })

  it('of a node that is no call there is none', () => {
    const module = moduleOf('f(1)')
    expect(module.callAt(module.outline.calls[0]!.node)).toBe(module.outline.calls[0])
    expect(module.callAt(module.outline.calls[0]!.node.firstChild!)).toBeUndefined()
  })
})
