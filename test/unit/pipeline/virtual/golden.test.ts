import { describe, expect, it } from 'vitest'
import { judgeGolden, readGolden, serialiseGolden, type GoldenMessage } from '../../../../pipeline/virtual/golden.ts'
import { makeMessages } from './observations.ts'

const MESSAGES = makeMessages(
  ['env.a', 1.5, { sensor: 'x', camera: 'top' }],
  ['plugin.duration.inference', 123],
  ['env.b', 'NaN'],
  ['upload', 'https://storage.sagecontinuum.org/api/v1/data/j/sage-t-1/01/17-p.jpg', { filename: 'p.jpg' }],
)
const FILE =
  '{"name":"env.a","value":1.5,"meta":{"camera":"top","sensor":"x"}}\n{"name":"env.b","value":"NaN","meta":{}}\n{"name":"upload","value":"p.jpg","meta":{"filename":"p.jpg"}}\n'

function read(text: string): readonly GoldenMessage[] {
  const reading = readGolden(text)
  return reading.kind === 'read' ? reading.messages : expect.unreachable(reading.kind)
}

const numbers = (...values: readonly number[]) => makeMessages(...values.map((value) => ['env.n', value] as const))
const difference = (golden: readonly number[], found: readonly number[]) =>
  judgeGolden(read(serialiseGolden(numbers(...golden))), numbers(...found), [], 'g.ndjson')
    .result.difference?.split('\n')
    .slice(2)

describe('golden files', () => {
  it('record what stays the same from run to run', () => {
    expect(serialiseGolden(MESSAGES)).toBe(FILE)
    expect(judgeGolden(read(FILE), MESSAGES, [], 'g.ndjson')).toEqual({
      result: { name: 'golden g.ndjson', outcome: 'passed', expected: '3 messages as in g.ndjson', found: 'the same 3' },
      shortfalls: [],
    })
  })

  it('take a tolerance that is written into a line, and keep it', () => {
    const golden = read('{"name":"env.a","value":1,"tolerance":0.5}\n\n{"name":"env.b","value":NaN,"meta":{}}')
    expect(golden).toEqual([
      { name: 'env.a', value: 1, meta: {}, tolerance: 0.5 },
      { name: 'env.b', value: 'NaN', meta: {} },
    ])
    expect(judgeGolden(golden, makeMessages(['env.a', 1.4], ['env.b', 'NaN']), [], 'g').result.outcome).toBe('passed')
    expect(judgeGolden(golden, makeMessages(['env.a', 1.6], ['env.b', 'NaN']), [], 'g').result.outcome).toBe('failed')
  })

  it('take the tolerance of an expectation about the name', () => {
    const golden = read('{"name":"env.a","value":1}')
    const judge = (value: number) =>
      judgeGolden(
        golden,
        makeMessages(['env.a', value]),
        [{ name: 'env.*', tolerance: 0.1, relative_tolerance: 0.01 }, { name: 'other', tolerance: 9 }, { min_count: 1 }],
        'g',
      ).result.outcome
    expect([judge(1.09), judge(1.2), judge(1.0000005)]).toEqual(['passed', 'failed', 'passed'])
  })

  it.each([
    ['no JSON', '{"name":"a","value":1}\nhello', 2],
    ['no object', '[]', 1],
    ['no name', '{"value":1}', 1],
    ['no value', '{"name":"a"}', 1],
    ['a list as its value', '{"name":"a","value":[1]}', 1],
    ['meta that is no object', '{"name":"a","value":1,"meta":[]}', 1],
    ['a number in its meta', '{"name":"a","value":1,"meta":{"x":1}}', 1],
    ['a text as its tolerance', '{"name":"a","value":1,"tolerance":"much"}', 1],
    ['a list as its tolerance', '{"name":"a","value":1,"tolerance":[]}', 1],
  ])('say on which line they are broken: %s', (_case, text, line) => {
    expect(readGolden(text)).toEqual({ kind: 'broken', line })
  })

  it('show a change per message, with what stands around it', () => {
    const { result, shortfalls } = judgeGolden(
      read(FILE),
      makeMessages(['env.a', 1.5, { sensor: 'x', camera: 'top' }], ['env.b', 2], ['upload', 'u/17-p.jpg', { filename: 'p.jpg' }]),
      [],
      'g.ndjson',
    )
    expect(result).toMatchObject({ outcome: 'failed', found: '3, of which 1 differ or are missing and 1 are new' })
    expect(result.difference).toBe(
      '--- g.ndjson\n+++ this run\n@@ message 1 @@\n env.a 1.5 camera=top sensor=x\n-env.b "NaN"\n+env.b 2\n upload "p.jpg" filename=p.jpg',
    )
    expect(shortfalls).toEqual([{ code: 'golden-differs', expected: '3 messages as in g.ndjson', found: result.found }])
  })

  it.each([
    ['one is missing', [1, 2, 3, 4], [1, 2, 4], ['@@ message 1 @@', ' env.n 1', ' env.n 2', '-env.n 3', ' env.n 4']],
    ['one is new', [1, 2], [1, 7, 2], ['@@ message 1 @@', ' env.n 1', '+env.n 7', ' env.n 2']],
    ['all are missing', [1], [], ['@@ message 1 @@', '-env.n 1']],
    ['all are new', [], [1], ['@@ message 0 @@', '+env.n 1']],
    ['two have changed places', [1, 2, 3], [2, 1, 3], ['@@ message 1 @@', '-env.n 1', ' env.n 2', '+env.n 1', ' env.n 3']],
    [
      'the middle is another',
      [1, 2, 9, 3, 8, 4],
      [1, 7, 9, 6, 3, 4],
      ['@@ message 1 @@', ' env.n 1', '-env.n 2', '+env.n 7', ' env.n 9', '+env.n 6', ' env.n 3', '-env.n 8', ' env.n 4'],
    ],
  ])('align what is the same: %s', (_case, golden, found, lines) => {
    expect(difference(golden, found)).toEqual(lines)
  })

  it('leave out what is far from a change', () => {
    const many = Array.from({ length: 50 }, (_, n) => n)
    expect(difference(many, many.with(10, -1).with(40, -2))).toEqual([
      '@@ message 9 @@',
      ' env.n 8',
      ' env.n 9',
      '-env.n 10',
      '+env.n -1',
      ' env.n 11',
      ' env.n 12',
      '@@ message 39 @@',
      ' env.n 38',
      ' env.n 39',
      '-env.n 40',
      '+env.n -2',
      ' env.n 41',
      ' env.n 42',
    ])
  })

  it('compare very many one by one, and cut what they show', () => {
    const golden = Array.from({ length: 3000 }, (_, n) => n)
    const found = golden.map((n) => (n % 2 === 0 ? n + 0.5 : n)).concat([7])
    const lines = difference(golden, found) ?? []
    expect(lines.slice(0, 5)).toEqual(['@@ message 1 @@', '-env.n 0', '+env.n 0.5', ' env.n 1', '-env.n 2'])
    expect(lines.at(-1)).toBe('…')
    expect(judgeGolden(read(serialiseGolden(numbers(...golden))), numbers(...found), [], 'g').result.found).toBe(
      '3001, of which 1500 differ or are missing and 1501 are new',
    )
  })
})
