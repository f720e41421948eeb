import { describe, expect, it } from 'vitest'
import { readBeehive, readBeehiveLine } from '../../../../pipeline/virtual/beehive-ndjson.ts'
import { answerQuery, matchesPattern, readDataQuery, type StoredRecord } from '../../../../pipeline/virtual/data-query.ts'

const NOW = 1_700_000_000_000_000_000n
const HOUR = 3_600_000_000_000n

function line(second: number, name: string, value: unknown, meta: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({ timestamp: `2023-11-14T22:13:${String(second).padStart(2, '0')}Z`, name, value, meta })
}

const LINES = [
  line(3, 'env.b', 30, { sensor: 'x' }),
  line(1, 'env.a', 1, { sensor: 'x' }),
  line(2, 'env.a', 2, { sensor: 'x' }),
  line(2, 'env.a', 20, { sensor: 'y' }),
  line(4, 'env.text', 'high'),
  line(5, 'env.flag', true),
]
const RECORDS: readonly StoredRecord[] = LINES.flatMap((text) => {
  const record = readBeehiveLine(text)
  return record === undefined ? [] : [{ ...record, line: text }]
})

function ask(query: object): readonly string[] {
  const read = readDataQuery(JSON.stringify({ start: '2023-01-01T00:00:00Z', ...query }), NOW + HOUR)
  return 'message' in read ? [read.message] : answerQuery(read, RECORDS)
}

describe('lines of the data API', () => {
  it('are read with their time and value', () => {
    expect(readBeehiveLine(line(1, 'env.a', 1.5, { x: 'y' }))).toEqual({
      ns: 1_699_999_981_000_000_000n,
      message: { name: 'env.a', value: 1.5, timestamp: '2023-11-14T22:13:01.000000000Z', meta: { x: 'y' } },
    })
    expect(readBeehiveLine(line(1, 'env.a', 3))?.message.value).toBe(3)
    expect(readBeehiveLine('{"timestamp":"2023-11-14T22:13:01Z","name":"a","value":"NaN","meta":{"n":1}}')?.message).toMatchObject({ value: 'NaN', meta: {} })
  })

  it.each([
    '',
    '[]',
    '{"name":"a","value":1,"meta":{}}',
    '{"timestamp":"now","name":"a","value":1,"meta":{}}',
    '{"timestamp":"2023-11-14T22:13:01Z","value":1,"meta":{}}',
    '{"timestamp":"2023-11-14T22:13:01Z","name":"a","value":[],"meta":{}}',
    '{"timestamp":"2023-11-14T22:13:01Z","name":"a","value":1}',
  ])('are refused when they are none: %s', (text) => {
    expect(readBeehiveLine(text)).toBeUndefined()
  })

  it('are read up to a number', () => {
    const text = `${LINES.join('\n')}\nnonsense`
    expect(readBeehive(text, 2).map(({ name }) => name)).toEqual(['env.b', 'env.a'])
    expect(readBeehive(text, 100)).toHaveLength(6)
    expect(readBeehive('', 5)).toEqual([])
  })
})

describe('a query', () => {
  it.each<[object, readonly (string | undefined)[]]>([
    [{}, [LINES[1], LINES[2], LINES[3], LINES[0], LINES[5], LINES[4]]],
    [{ filter: { name: 'env.a' } }, [LINES[1], LINES[2], LINES[3]]],
    [{ filter: { name: 'env.a', sensor: 'y' } }, [LINES[3]]],
    [{ filter: { name: 'env.a|env.b', sensor: 'x' } }, [LINES[1], LINES[2], LINES[0]]],
    [{ filter: { name: 'env.*', sensor: '.*' } }, [LINES[1], LINES[2], LINES[3], LINES[0]]],
    [{ filter: { vsn: 'W000' } }, []],
    [{ filter: null }, [LINES[1], LINES[2], LINES[3], LINES[0], LINES[5], LINES[4]]],
    [{ filter: { name: 'env.a' }, head: 1 }, [LINES[1], LINES[3]]],
    [{ filter: { name: 'env.a' }, tail: 1 }, [LINES[2], LINES[3]]],
    [{ filter: { name: 'env.a' }, tail: 0 }, []],
    [{ start: '2023-11-14T22:13:02Z', end: '2023-11-14T22:13:03Z' }, [LINES[2], LINES[3]]],
    [{ start: '2023-11-14T23:13:02.0+01:00', end: '2023-11-14T22:13:03+00:00' }, [LINES[2], LINES[3]]],
    [{ start: '-1h17s', end: '-1h' }, [LINES[0], LINES[5], LINES[4]]],
    [{ start: '-2h', end: '' }, [LINES[1], LINES[2], LINES[3], LINES[0], LINES[5], LINES[4]]],
    [{ start: '+1h' }, []],
    [{ bucket: 'waggle', filter: { name: 'env.b' } }, [LINES[0]]],
  ])('%o', (query, lines) => {
    expect(ask(query)).toEqual(lines)
  })

  it.each([
    ['mean', 1.5],
    ['min', 1],
    ['max', 2],
    ['sum', 3],
    ['count', 2],
  ])('aggregates by %s within each series', (func, value) => {
    expect(ask({ experimental_func: func, filter: { name: 'env.a', sensor: 'x' } }).map((text): unknown => JSON.parse(text))).toEqual([
      { timestamp: '2023-01-01T00:00:00Z', name: 'env.a', value, meta: { sensor: 'x' } },
    ])
  })

  it('has no mean of texts, but their count', () => {
    expect(ask({ experimental_func: 'mean', filter: { name: 'env.text' } })).toEqual([])
    expect(ask({ experimental_func: 'count', filter: { name: 'env.text' } })).toHaveLength(1)
    expect(ask({ experimental_func: 'count', head: 0 })).toEqual([])
  })

  it.each<[string, string]>([
    ['nonsense', 'error: failed to parse query: not a JSON object'],
    ['[]', 'error: failed to parse query: not a JSON object'],
    ['{"start":"-1h","x":1}', 'error: failed to parse query: json: unknown field "x"'],
    ['{"start":""}', 'error: failed to parse query: missing start field'],
    ['{"start":1}', 'error: failed to parse query: a field has a value of the wrong type'],
    ['{"start":"-1h","head":1.5}', 'error: failed to parse query: a field has a value of the wrong type'],
    ['{"start":"-1h","tail":"1"}', 'error: failed to parse query: a field has a value of the wrong type'],
    ['{"start":"-1h","filter":"x"}', 'error: failed to parse query: filter is not an object'],
    ['{"start":"-1h","filter":{"a-b":"x"}}', 'error: failed to parse query: invalid filter key: "a-b"'],
    ['{"start":"-1h","filter":{"a":1}}', 'error: failed to parse query: a filter is not a text'],
    ['{"start":"-1h","filter":{"a":"(x)"}}', 'error: failed to query backend: invalid filter field pattern "(x)"'],
    ['{"start":"soon"}', 'error: failed to query backend: invalid start timestamp "soon"'],
    ['{"start":"-1h","end":"2023-99-99T00:00:00+00:00"}', 'error: failed to query backend: invalid end timestamp "2023-99-99T00:00:00+00:00"'],
    ['{"start":"-1h","head":1,"tail":1}', 'error: failed to query backend: head and tail cannot both be specified'],
    ['{"start":"-1h","experimental_func":"median"}', 'error: failed to query backend: unsupported function'],
    ['{"start":"-1h","experimental_window":"5m"}', 'error: failed to query backend: window cannot be used without aggregation function'],
    ['{"start":"-1h","experimental_window":"5m","experimental_func":"mean"}', 'error: failed to query backend: windows are not offered by a Virtual Waggle'],
    ['{"start":"-1h","bucket":"_x"}', 'error: failed to query backend: not authorized to access bucket "_x"'],
  ])('is refused: %s', (body, message) => {
    expect(readDataQuery(body, NOW)).toMatchObject({ message })
  })
})

describe('a pattern', () => {
  it.each([
    ['env.a', 'env.a', true],
    ['env.a', 'env_a', false],
    ['env.a|x', 'env_a', true],
    ['a*', '', true],
    ['a*', 'aaa', true],
    ['a*', 'aab', false],
    ['.*count', 'env.count', true],
    ['.+|x', '', false],
    ['a?b|x', 'b', true],
    ['a?b|x', 'aab', false],
    ['a+b*|x', 'aabb', true],
  ])('%s against %s: %s', (pattern, value, matches) => {
    expect(matchesPattern(pattern, value)).toBe(matches)
  })

  it('takes no exponential time', () => {
    expect(matchesPattern(`${'a*'.repeat(1000)}b`, 'a'.repeat(128))).toBe(false)
  })
})
