import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { METRIC_LIMITS, TrainingMetrics } from '../../../../pipeline/train/training-metrics.ts'
import { trainScripted } from './scripted-training.ts'

let now = 0
let steps: string[] = []
beforeEach(() => {
  now = 0
  steps = []
})

const make = (): TrainingMetrics =>
  new TrainingMetrics({ step: (line) => void steps.push(line), output: () => undefined }, { now: () => '', monotonicMs: () => now })
const point = (metric: string, step: number, value: unknown): string => `${JSON.stringify({ metric, step, value })}\n`
const linesOf = (metrics: TrainingMetrics): unknown[] =>
  (metrics.document()?.toString() ?? '')
    .split('\n')
    .filter(Boolean)
    .map((line): unknown => JSON.parse(line))

describe('metrics of a training', () => {
  it('are shown as they come: the newest step, and the newest value of each', () => {
    const metrics = make()
    metrics.push(point('accuracy', 100, 0.92) + point('loss', 100, 0.4) + point('loss', 120, 0.312_345))

    expect(steps).toEqual(['step 120: accuracy 0.92, loss 0.3123'])
  })

  it('are shown every five seconds at most, and once more at the end', () => {
    const metrics = make()
    metrics.push(point('loss', 1, 3))
    now = 4999
    metrics.push(point('loss', 2, 2))
    now = 5000
    metrics.push('')
    metrics.push(point('loss', 3, 1))
    metrics.endAttempt()
    metrics.endAttempt()

    expect(steps).toEqual(['step 1: loss 3', 'step 2: loss 2', 'step 3: loss 1'])
  })

  it('are shown four at most', () => {
    const metrics = make()
    metrics.push(['a', 'b', 'c', 'd', 'e'].map((name) => point(name, 1, 1)).join(''))

    expect(steps).toEqual(['step 1: a 1, b 1, c 1, d 1'])
  })

  it('may come cut anywhere, without an end of the last line, with blank lines and Windows line ends', () => {
    const metrics = make()
    const text = `${point('loss', 1, 1)}\n${point('loss', 2, 2).replace('\n', '\r\n')}${point('loss', 3, 3).trimEnd()}`
    for (const character of text) metrics.push(character)
    metrics.endAttempt()

    expect(linesOf(metrics)).toMatchObject([{ step: 1 }, { step: 2 }, { step: 3 }])
    expect(metrics.ignored).toBe(0)
  })

  it('may be what JSON has no number for', () => {
    const metrics = make()
    metrics.push('{"metric": "loss", "step": 1, "value": NaN}\n{"metric": "x", "step": 1, "value": -Infinity}\n')

    expect(steps).toEqual(['step 1: loss NaN, x -Infinity'])
    expect(linesOf(metrics)).toMatchObject([{ value: 'NaN' }, { value: '-Infinity' }])
  })

  it.each<[string, string]>([
    ['no JSON', 'loss 0.3'],
    ['no object', '3'],
    ['null', 'null'],
    ['no name', point('', 1, 1)],
    ['a name that a terminal would obey', point('\u001b[31m', 1, 1)],
    ['a name that the runner would obey', point('::error::x', 1, 1)],
    ['a name that is too long', point('x'.repeat(65), 1, 1)],
    ['a name that is none', '{"metric": 3, "step": 1, "value": 1}'],
    ['a step before the first', point('loss', -1, 1)],
    ['half a step', point('loss', 0.5, 1)],
    ['no step', '{"metric": "loss", "value": 1}'],
    ['a value that is none', point('loss', 1, 'low')],
    ['a value too large', '{"metric": "loss", "step": 1, "value": 1e999}'],
    ['a line too long', point('loss', 1, 1).replace('{', `{${' '.repeat(1000)}`)],
  ])('are ignored, and counted, where a line is no point: %s', (_name, line) => {
    const metrics = make()
    metrics.push(line)
    metrics.endAttempt()

    expect([metrics.ignored, metrics.document(), steps]).toEqual([1, undefined, []])
  })

  it('keep nothing else of a line', () => {
    const metrics = make()
    metrics.push('{"metric": "loss", "step": 1, "value": 1, "secret": "x", "__proto__": {"value": 2}}\n')

    expect(linesOf(metrics)).toEqual([{ metric: 'loss', step: 1, value: 1 }])
  })

  it('are held in bounded memory: a line without an end, more metrics, more points', () => {
    const metrics = make()
    for (let index = 0; index < 100; index += 1) metrics.push('x'.repeat(100_000))
    metrics.push('\n')
    for (let name = 0; name < METRIC_LIMITS.metrics + 5; name += 1) metrics.push(point(`m${name}`, 1, 1))
    for (let step = 2; step <= 10_000; step += 1) metrics.push(point('m0', step, step))
    const kept = linesOf(metrics)
    const first = kept.filter((line) => (line as { metric: string }).metric === 'm0').map((line) => (line as { step: number }).step)

    expect(metrics.ignored).toBe(6)
    expect(kept).toHaveLength(METRIC_LIMITS.metrics - 1 + first.length)
    expect(first.length).toBeLessThanOrEqual(METRIC_LIMITS.points)
    expect(first.length).toBeGreaterThan(METRIC_LIMITS.points / 2)
    expect([first[0], first.at(-1)]).toEqual([1, 10_000])
    const distances = new Set(first.slice(1, -1).map((step, index) => step - (first[index] ?? 0)))
    expect(distances.size).toBe(1)
  })
})

describe('the record of a training', () => {
  it('keeps its metrics over all attempts, also of one that failed, and says what was not read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ctss-train-'))
    const { result, context } = await trainScripted(folder, [
      { checkpoint: 'a', metrics: [point('loss', 1, 2)], observation: { exitCode: 75 } },
      { metrics: [point('loss', 2, 1).slice(0, 9), point('loss', 2, 1).slice(9), 'Epoch 3\n', 'Epoch 4'], observation: { exitCode: 1 } },
    ])
    const file = result.files.find(({ role }) => role === 'metrics')

    expect(file).toMatchObject({ name: 'metrics.ndjson', mediaType: 'application/x-ndjson' })
    expect(context.blobs.read(file?.digest ?? '')).toBe('{"metric":"loss","step":1,"value":2}\n{"metric":"loss","step":2,"value":1}\n')
    expect(result.problems.map(({ severity, code, message }) => [severity, code, message])).toEqual([
      ['error', 'training-failed', 'the training ended with exit code 1'],
      ['warning', 'training-metrics-ignored', '2 lines of /opt/ml/output/metrics.ndjson were not read'],
    ])
    await rm(folder, { recursive: true, force: true })
  })

  it('has no such file of a training that says nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ctss-train-'))
    const { result } = await trainScripted(folder, [{ metrics: ['Epoch 1\n'], observation: { exitCode: 1 } }])

    expect(result.files.map(({ role }) => role)).toEqual(['log'])
    expect(result.problems[1]?.message).toBe('1 line of /opt/ml/output/metrics.ndjson was not read')
    await rm(folder, { recursive: true, force: true })
  })
})
