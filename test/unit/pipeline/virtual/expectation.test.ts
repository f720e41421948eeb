import { describe, expect, it } from 'vitest'
import { isClose, judgeExpectation, matchesName, showValue } from '../../../../pipeline/virtual/expectation.ts'
import type { Expectation } from '../../../../schemas/generated/types.ts'
import { makeMessages, makeObservation, makeUpload } from './observations.ts'

const SMOKE = 'env.smoke.probability'
const THREE = makeMessages([SMOKE, 0.97], ['env.heartbeat', 1], [SMOKE, 0.95, { camera: 'top' }], [SMOKE, 0.99, { camera: 'bottom' }])

function judge(expectation: Expectation, observation = makeObservation(THREE)) {
  const { result, shortfalls } = judgeExpectation(expectation, observation)
  return {
    outcome: result.outcome,
    expected: result.expected,
    found: result.found,
    problems: shortfalls.map(({ code, expected, found }) => `${code}: expected ${expected}, found ${found}`),
  }
}

describe('names', () => {
  it.each([
    ['env.smoke', 'env.smoke', true],
    ['env.smoke', 'env.smoker', false],
    ['env.*', 'env.smoke', true],
    ['env.*', 'env.smoke.probability', true],
    ['env.*', 'env', false],
    ['*.probability', 'env.smoke.probability', true],
    ['env.*.count', 'env.car.count', true],
    ['env.*.count', 'env.count', false],
    ['env.te*', 'env.test', true],
    ['env.te*', 'env.te.st', false],
    ['*', 'anything.at.all', true],
    ['env+x', 'envvx', false],
  ])('%s against %s: %s', (pattern, name, matches) => {
    expect(matchesName(pattern, name)).toBe(matches)
  })
})

describe('values', () => {
  it.each([
    [1, 1, 0, 0, true],
    [1.02, 0.97, 0.05, 0, true],
    [1.03, 0.97, 0.05, 0, false],
    [103, 100, 0, 0.05, true],
    [-95, -100, 0, 0.05, true],
    [106, 100, 0, 0.05, false],
    ['a', 'a', 0, 0, true],
    ['1', 1, 10, 0, false],
    ['NaN', 'NaN', 0, 0, true],
    ['NaN', 1, 100, 0, false],
    [true, true, 0, 0, true],
    [true, 1, 1, 0, false],
  ])('%s is %s within %s and %s: %s', (value, expected, tolerance, relative, close) => {
    expect(isClose(value, expected, tolerance, relative)).toBe(close)
  })

  it('are exact without a tolerance, and shown briefly', () => {
    expect([isClose(1, 1), isClose(1, 1.0001)]).toEqual([true, false])
    expect([showValue(1), showValue('a"b'), showValue('x'.repeat(100))]).toEqual(['1', '"a\\"b"', `"${'x'.repeat(80)}…"`])
  })
})

describe('an expectation that is met', () => {
  it.each<[string, Expectation, string]>([
    ['a count', { name: SMOKE, count: 3 }, '3: 0.97, 0.95, 0.99'],
    ['at least once, without a count', { name: SMOKE }, '3: 0.97, 0.95, 0.99'],
    ['a range of counts', { name: SMOKE, min_count: 2, max_count: 4 }, '3: 0.97, 0.95, 0.99'],
    ['none at all', { name: 'env.error', count: 0 }, '0'],
    ['at most', { name: 'env.error', max_count: 2 }, '0'],
    ['meta', { name: SMOKE, meta: { camera: 'top' }, count: 1 }, '1: 0.95'],
    ['meta alone', { meta: { camera: 'top' } }, '1: 0.95'],
    ['a value with a tolerance', { name: SMOKE, value: 0.97, tolerance: 0.02 }, '3: 0.97, 0.95, 0.99'],
    ['a value with a relative tolerance', { name: SMOKE, value: 0.97, relative_tolerance: 0.05 }, '3: 0.97, 0.95, 0.99'],
    ['a range of values', { name: SMOKE, min: 0.9, max: 1 }, '3: 0.97, 0.95, 0.99'],
    ['values in order', { name: SMOKE, values: [0.97, 0.95, 0.99] }, '3: 0.97, 0.95, 0.99'],
    ['an order', { name: 'env.heartbeat', after: SMOKE }, '1: 1'],
    ['a rate', { name: SMOKE, rate: { min_hz: 6, max_hz: 7 } }, '3: 0.97, 0.95, 0.99'],
    ['a time', { name: SMOKE, within: '400ms' }, '3: 0.97, 0.95, 0.99'],
    ['a time in minutes', { name: SMOKE, within: '1m' }, '3: 0.97, 0.95, 0.99'],
    ['anything', { min_count: 4 }, '4: 0.97, 1, 0.95, 0.99'],
  ])('%s', (_case, expectation, found) => {
    expect(judge(expectation)).toMatchObject({ outcome: 'passed', found, problems: [] })
  })

  it('says no more than five values', () => {
    const many = makeObservation(makeMessages(...Array.from({ length: 7 }, (_, n) => ['env.n', n] as const)))
    expect(judge({ name: 'env.n' }, many).found).toBe('7: 0, 1, 2, 3, 4, …')
  })
})

describe('an expectation that is not met', () => {
  it.each<[string, Expectation, readonly string[]]>([
    ['a count', { name: SMOKE, count: 4 }, ['wrong-count: expected 4 of env.smoke.probability, found 3']],
    ['at least once', { name: 'env.rain' }, ['wrong-count: expected at least 1 of env.rain, found 0']],
    ['a range', { name: SMOKE, min_count: 5, max_count: 9 }, ['wrong-count: expected 5 to 9 of env.smoke.probability, found 3']],
    ['at most', { name: SMOKE, max_count: 2 }, ['wrong-count: expected at most 2 of env.smoke.probability, found 3']],
    ['none', { name: SMOKE, count: 0 }, ['wrong-count: expected 0 of env.smoke.probability, found 3']],
    ['meta', { name: SMOKE, meta: { camera: 'left' } }, ['wrong-count: expected at least 1 of env.smoke.probability with camera=left, found 0']],
    [
      'a value',
      { name: SMOKE, value: 0.97, tolerance: 0.01 },
      ['wrong-value: expected env.smoke.probability with value 0.97 ± 0.01, found 2 of 3 otherwise: 0.95 (2nd), 0.99 (3rd)'],
    ],
    [
      'a relative tolerance',
      { name: SMOKE, value: 0.97, relative_tolerance: 0.01 },
      ['wrong-value: expected env.smoke.probability with value 0.97 ± 1 %, found 2 of 3 otherwise: 0.95 (2nd), 0.99 (3rd)'],
    ],
    ['a minimum', { name: SMOKE, min: 0.96 }, ['wrong-value: expected env.smoke.probability with value at least 0.96, found 1 of 3 otherwise: 0.95 (2nd)']],
    [
      'a maximum',
      { name: SMOKE, max: 0.96 },
      ['wrong-value: expected env.smoke.probability with value at most 0.96, found 2 of 3 otherwise: 0.97 (1st), 0.99 (3rd)'],
    ],
    [
      'a range of values',
      { name: 'env.heartbeat', min: 2, max: 3 },
      ['wrong-value: expected env.heartbeat with value from 2 to 3, found 1 of 1 otherwise: 1 (1st)'],
    ],
    [
      'a value and a range',
      { name: 'env.heartbeat', value: 5, max: 0 },
      ['wrong-value: expected env.heartbeat with value 5, at most 0, found 1 of 1 otherwise: 1 (1st)'],
    ],
    [
      'values in order',
      { name: SMOKE, values: [0.97, 0.99, 0.95], tolerance: 0.001 },
      ['wrong-order: expected the 2nd env.smoke.probability to be 0.99 ± 0.001, found 0.95'],
    ],
    ['too few values', { name: SMOKE, values: [0.97, 0.95] }, ['wrong-count: expected 2 of env.smoke.probability, found 3']],
    [
      'an order',
      { name: SMOKE, after: 'env.heartbeat' },
      ['wrong-order: expected env.smoke.probability after env.heartbeat, found it is message 1, and the first env.heartbeat message 2'],
    ],
    ['an order after nothing', { name: SMOKE, after: 'env.start' }, ['wrong-order: expected env.smoke.probability after env.start, found no env.start at all']],
    ['a rate', { name: SMOKE, rate: { min_hz: 10 } }, ['wrong-rate: expected env.smoke.probability at least 10 per second, found 6.67 per second']],
    [
      'a rate that is too high',
      { name: SMOKE, rate: { max_hz: 1 } },
      ['wrong-rate: expected env.smoke.probability at most 1 per second, found 6.67 per second'],
    ],
    [
      'a rate of one message',
      { name: 'env.heartbeat', rate: { min_hz: 1, max_hz: 2 } },
      ['wrong-rate: expected env.heartbeat at least 1 per second, at most 2 per second, found one message, which has no rate'],
    ],
    ['a time', { name: 'env.heartbeat', within: '450ms' }, ['too-late: expected the first env.heartbeat within 450ms of the start, found after 0.50 s']],
    [
      'two things at once',
      { name: SMOKE, count: 1, value: 0.97 },
      [
        'wrong-count: expected 1 of env.smoke.probability, found 3',
        'wrong-value: expected env.smoke.probability with value 0.97, found 2 of 3 otherwise: 0.95 (2nd), 0.99 (3rd)',
      ],
    ],
  ])('%s', (_case, expectation, problems) => {
    expect(judge(expectation)).toMatchObject({ outcome: 'failed', problems })
  })

  it('says no more than five examples, and counts the rest', () => {
    const many = makeObservation(makeMessages(...Array.from({ length: 23 }, (_, n) => ['env.n', n] as const)))
    expect(judge({ name: 'env.n', value: -1 }, many).problems[0]).toContain('found 23 of 23 otherwise: 0 (1st), 1 (2nd), 2 (3rd), 3 (4th), 4 (5th) and 18 more')
    expect(judge({ name: 'env.n', max: 9 }, many).problems[0]).toContain('10 (11th), 11 (12th), 12 (13th), 13 (14th), 14 (15th)')
    expect(judge({ name: 'env.n', max: 20 }, many).problems[0]).toContain('21 (22nd), 22 (23rd)')
  })

  it('refuses a text where a range of numbers is expected', () => {
    expect(judge({ name: 'env.n', min: 0 }, makeObservation(makeMessages(['env.n', 'NaN']))).problems[0]).toContain('1 of 1 otherwise: "NaN" (1st)')
  })

  it('is a bug with a duration that no schema lets through', () => {
    expect(() => judge({ name: SMOKE, within: 'soon' })).toThrow(TypeError)
  })
})

it('expects no speed under emulation', () => {
  const emulated = makeObservation(THREE, { emulated: true })
  expect(judge({ name: SMOKE, rate: { min_hz: 100 }, within: '1ms' }, emulated)).toMatchObject({ outcome: 'passed', problems: [] })
})

describe('expectations about more messages than are kept', () => {
  const flood = makeObservation(makeMessages(['env.a', 1], ['env.b', 2]), {
    total: 50_000,
    names: [
      { name: 'env.a', count: 30_000 },
      { name: 'env.b', count: 20_000 },
    ],
  })

  it.each<[Expectation, readonly string[]]>([
    [{ name: 'env.a', count: 30_000 }, []],
    [{ name: 'env.*', count: 50_000 }, []],
    [{ count: 50_000 }, []],
    [{ name: 'env.a', count: 1 }, ['wrong-count: expected 1 of env.a, found 30000']],
    [{ name: 'env.a', meta: { node: '01' }, count: 30_000 }, ['wrong-count: expected 30000 of env.a with node=01, found at least 1']],
  ])('counts all: %o', (expectation, problems) => {
    expect(judge(expectation, flood).problems).toEqual(problems)
  })
})

describe('uploads', () => {
  const observation = makeObservation(THREE, { uploads: [makeUpload('one.jpg'), makeUpload('two.jpg', { bytes: 5, digest: `sha256:${'a'.repeat(64)}` })] })

  it.each<[string, Expectation, readonly string[]]>([
    ['at least one', { uploads: {} }, []],
    ['a count', { uploads: { count: 2 } }, []],
    ['a name', { uploads: { filename: 'one.jpg', count: 1 } }, []],
    ['a pattern', { uploads: { filename: '*.jpg', min_count: 2 } }, []],
    ['a digest', { uploads: { sha256: 'a'.repeat(64) } }, []],
    ['a digest as OCI writes it', { uploads: { sha256: `sha256:${'a'.repeat(64)}` } }, []],
    ['a wrong count', { uploads: { count: 3 } }, ['wrong-uploads: expected 3 uploads, found 2']],
    [
      'a wrong name',
      { uploads: { filename: '*.png' } },
      ['wrong-uploads: expected at least 1 uploads named *.png, found 0, among 2 uploads: one.jpg, two.jpg'],
    ],
    ['a size', { uploads: { min_bytes: 8 } }, ['wrong-uploads: expected uploads of at least 8 bytes, found two.jpg with 5 bytes']],
    [
      'a wrong digest',
      { uploads: { sha256: 'b'.repeat(64), filename: 'one.jpg' } },
      [`wrong-uploads: expected one of the uploads named one.jpg with SHA-256 ${'b'.repeat(64)}, found ${'0'.repeat(64)}`],
    ],
    [
      'messages and uploads',
      { name: SMOKE, count: 1, uploads: { count: 1 } },
      ['wrong-count: expected 1 of env.smoke.probability, found 3', 'wrong-uploads: expected 1 uploads, found 2'],
    ],
  ])('%s', (_case, expectation, problems) => {
    expect(judge(expectation, observation).problems).toEqual(problems)
  })

  it('tells a digest that is missing among none', () => {
    expect(judge({ uploads: { sha256: 'b'.repeat(64), count: 0 } }, makeObservation()).problems).toEqual([
      `wrong-uploads: expected one of the uploads with SHA-256 ${'b'.repeat(64)}, found none`,
    ])
  })
})

describe('how an expectation is told', () => {
  it.each<[Expectation, string]>([
    [{ name: SMOKE, count: 3, value: 0.97, tolerance: 0.05 }, '3 of env.smoke.probability, with value 0.97 ± 0.05'],
    [
      { name: SMOKE, values: [1, 2, 3, 4, 5, 6], after: 'a', rate: { min_hz: 1 }, within: '1s' },
      '6 of env.smoke.probability, values 1, 2, 3, 4, 5, …, after a, at least 1 per second, the first within 1s',
    ],
    [{ uploads: { count: 1, filename: 'x' } }, '1 uploads named x'],
    [{ name: 'a', uploads: { min_count: 2 } }, 'at least 1 of a, at least 2 uploads'],
  ])('%o', (expectation, text) => {
    expect(judge(expectation).expected).toBe(text)
  })

  it('is named after its subject', () => {
    expect(judgeExpectation({ uploads: {} }, makeObservation()).result.name).toBe('uploads')
    expect(judgeExpectation({ name: 'a', meta: { x: 'y' } }, makeObservation()).result.name).toBe('a with x=y')
    expect(judgeExpectation({ uploads: {} }, makeObservation([], { uploads: [makeUpload('a')] })).result.found).toBe('1 uploads')
  })
})
