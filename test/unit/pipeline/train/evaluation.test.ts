import { describe, expect, it } from 'vitest'
import { readEvaluationResult, readEvaluationSlices, readModelManifest } from '../../../../pipeline/train/evaluation.ts'

const read = (text: string) => readEvaluationResult(Buffer.from(text))
const result = (metrics: string): string => `{"schema": "ctss.result/v1", "metrics": ${metrics}}`

describe('result.json', () => {
  it('gives its metrics in order; higher is better unless it says otherwise', () => {
    expect(
      read(
        result(
          '{"accuracy": {"value": 0.91, "unit": "1", "better": "higher", "split": "test", "n": 1200, "ci95": [0.89, 0.93]}, "loss": {"value": 0.1, "better": "lower"}, "f1": {"value": 1, "extra": true}}',
        ),
      ),
    ).toEqual({
      kind: 'read',
      value: [
        { name: 'accuracy', value: 0.91, unit: '1', better: 'higher', split: 'test', n: 1200, ci95: [0.89, 0.93] },
        { name: 'loss', value: 0.1, better: 'lower' },
        { name: 'f1', value: 1, better: 'higher' },
      ],
    })
  })

  it('keeps the NaN and infinities that Python writes, and drops intervals that hold them', () => {
    expect(
      read(result('{"a \\" NaN": {"value": 1}, "b": {"value": NaN, "ci95": [NaN, 1]}, "c": {"value": -Infinity}}').replace('a \\" NaN', 'a NaN')),
    ).toMatchObject({
      kind: 'read',
      value: [
        { name: 'a NaN', value: 1 },
        { name: 'b', value: 'NaN' },
        { name: 'c', value: '-Infinity' },
      ],
    })
  })

  it.each<[string, string | Buffer, RegExp]>([
    ['no JSON', '{', /JSON/],
    ['not UTF-8', Buffer.from([0xff]), /utf-8/i],
    ['another schema', '{"schema": "x", "metrics": {}}', /\/schema must be equal to constant \("ctss.result\/v1"\)/],
    ['no metrics', '{"schema": "ctss.result/v1"}', /the document must have required property 'metrics'/],
    ['a list', '[]', /the document must be object/],
    ['a value that is text', result('{"a": {"value": "0.9"}}'), /\/metrics\/a\/value/],
    ['a number that no double holds', result('{"a": {"value": 1e999}}'), /\/metrics\/a\/value/],
    ['a metric with a strange name', result('{"a\\u0000<script>": {"value": 1}}'), /property name/],
    ['very many errors', result(`{${Array.from({ length: 20 }, (_, index) => `"m${index}": {}`).join()}}`), /and 15 more$/],
  ])('is refused with %s', (_name, content, reason) => {
    const reading = readEvaluationResult(Buffer.from(content))

    expect(reading).toMatchObject({ kind: 'refused', reason: expect.stringMatching(reason) })
  })

  it('takes __proto__ as a name like any other', () => {
    expect(read(result('{"__proto__": {"value": 1}}'))).toEqual({ kind: 'read', value: [{ name: '__proto__', value: 1, better: 'higher' }] })
  })
})

describe('slices.json', () => {
  it('gives its rows', () => {
    const rows = [
      { slice: 'day', metric: 'accuracy', value: 0.9, n: 10, ci95: [0.8, 1], baseline: 0.7 },
      { slice: 'fog', metric: 'accuracy', value: 'NaN', n: 0, baseline: null },
    ]

    expect(readEvaluationSlices(Buffer.from(JSON.stringify(rows)))).toEqual({
      kind: 'read',
      value: [rows[0], { slice: 'fog', metric: 'accuracy', value: 'NaN', n: 0 }],
    })
  })
})

describe('manifest.json', () => {
  it('gives its files, and refuses an empty list', () => {
    const files = [{ path: 'model.onnx', bytes: 3, sha256: 'a'.repeat(64), format: 'onnx' }]

    expect(readModelManifest(Buffer.from(JSON.stringify(files)))).toEqual({ kind: 'read', value: files })
    expect(readModelManifest(Buffer.from('[]'))).toMatchObject({ kind: 'refused' })
  })
})
