import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../pipeline/digest.ts'
import type { ReleaseSummary } from '../../../../pipeline/ports/catalogue.ts'
import { decideGates, gateProblems } from '../../../../pipeline/train/gates.ts'
import type { EvaluationMetric, EvaluationSlice, EvaluationTest, Gate } from '../../../../schemas/generated/types.ts'

const METRICS: EvaluationMetric[] = [
  { name: 'accuracy', value: 0.9, better: 'higher' },
  { name: 'loss', value: 0.3, better: 'lower' },
  { name: 'broken', value: 'NaN', better: 'higher' },
]
const SLICES: EvaluationSlice[] = [
  { slice: 'day', metric: 'accuracy', value: 0.95, n: 100 },
  { slice: 'night', metric: 'accuracy', value: 0.8, n: 50 },
  { slice: 'night', metric: 'loss', value: 0.5, n: 50 },
  { slice: 'fog', metric: 'recall', value: 'NaN', n: 0 },
  { slice: 'fog', metric: 'broken', value: 0.5, n: 1 },
]
const RELEASE: ReleaseSummary = {
  name: 'sage/smoke',
  version: '1.2.0',
  digest: digestOf('bundle'),
  index: digestOf('index'),
  published: '2026-11-01T00:00:00.000Z',
  profiles: [],
  imageBytes: {},
  metrics: [
    { name: 'accuracy', value: 0.95, better: 'higher' },
    { name: 'loss', value: 0.2, better: 'lower' },
    { name: 'broken', value: 0.5, better: 'higher' },
  ],
  slices: [{ slice: 'night', metric: 'accuracy', value: 0.82, n: 50 }],
}

function decide(
  gate: Gate,
  baseline: ReleaseSummary | null = RELEASE,
  changes: { metrics?: EvaluationMetric[]; slices?: EvaluationSlice[]; tests?: EvaluationTest[] } = {},
) {
  return decideGates([gate], { metrics: METRICS, slices: SLICES, tests: [], ...changes }, baseline ?? undefined)
}

describe('a gate', () => {
  it.each<[string, Gate, 'passed' | 'failed', string]>([
    ['min below', { metric: 'accuracy', min: 0.91 }, 'failed', 'accuracy is 0.9, and has to be at least 0.91'],
    ['min equal', { metric: 'accuracy', min: 0.9 }, 'passed', 'at least 0.9'],
    ['min above', { metric: 'accuracy', min: 0.89 }, 'passed', 'at least 0.89'],
    ['max above', { metric: 'loss', max: 0.29 }, 'failed', 'loss is 0.3, and has to be at most 0.29'],
    ['max equal', { metric: 'loss', max: 0.3 }, 'passed', 'at most 0.3'],
    ['NaN under min', { metric: 'broken', min: -1 }, 'failed', 'broken is NaN'],
    ['NaN under max', { metric: 'broken', max: 1 }, 'failed', 'broken is NaN'],
    ['a slice under min', { metric: 'accuracy', slice: 'night', min: 0.85 }, 'failed', 'accuracy on slice night is 0.8'],
    ['a slice under max', { metric: 'loss', slice: 'night', max: 0.5 }, 'passed', 'loss on slice night is 0.5'],
    ['an unknown metric', { metric: 'f1', min: 0 }, 'failed', 'has no metric f1; it has accuracy, loss, broken'],
    ['an unknown slice', { metric: 'accuracy', slice: 'rain', min: 0 }, 'failed', 'no such slice of accuracy; it has day, night'],
    [
      'a gap above',
      { metric: 'accuracy', slice: 'night', max_gap: 0.05 },
      'failed',
      'accuracy on slice night is 0.8, overall 0.9: 0.1 worse, and has to be at most 0.05 behind',
    ],
    ['a gap equal in decimals, not in binary', { metric: 'accuracy', slice: 'night', max_gap: 0.1 }, 'passed', '0.1 worse'],
    ['a gap to the better side', { metric: 'accuracy', slice: 'day', max_gap: 0 }, 'passed', '0.05 better'],
    ['a gap where lower is better', { metric: 'loss', slice: 'night', max_gap: 0.1 }, 'failed', '0.2 worse'],
    ['a gap without a slice: the worst one', { metric: 'accuracy', max_gap: 0.05 }, 'failed', 'slice night'],
    ['a gap to a NaN overall', { metric: 'broken', slice: 'fog', max_gap: 10 }, 'failed', 'overall NaN'],
    ['a gap of a metric without slices', { metric: 'f1', max_gap: 10 }, 'failed', 'has no metric f1'],
    ['a gap of a metric that has only slices', { metric: 'recall', max_gap: 10 }, 'failed', 'has no metric recall'],
    [
      'a drop above',
      { metric: 'accuracy', max_drop: 0.01 },
      'failed',
      'accuracy is 0.9, in sage/smoke:1.2.0 it was 0.95: 0.05 worse, and has to be at most 0.01 worse than the newest release',
    ],
    ['a drop equal in decimals', { metric: 'accuracy', max_drop: 0.05 }, 'passed', '0.05 worse'],
    ['a drop where lower is better', { metric: 'loss', max_drop: 0.05 }, 'failed', '0.1 worse'],
    ['a drop of a slice', { metric: 'accuracy', slice: 'night', max_drop: 0.01 }, 'failed', 'accuracy on slice night is 0.8, in sage/smoke:1.2.0 it was 0.82'],
    ['a drop to NaN', { metric: 'broken', max_drop: 1 }, 'failed', 'broken is NaN'],
    ['a drop of an unknown metric', { metric: 'f1', max_drop: 1 }, 'failed', 'has no metric f1'],
  ])('%s', (_name, gate, outcome, part) => {
    const [decision, ...more] = decide(gate)

    expect(more).toEqual([])
    expect(decision).toMatchObject({ gate, index: 0, outcome })
    expect(decision?.message).toContain(part)
  })

  it('decides each of its bounds', () => {
    const decisions = decide({ metric: 'accuracy', min: 0.5, max: 0.8, max_gap: 1, max_drop: 1 })

    expect(decisions.map(({ outcome }) => outcome)).toEqual(['passed', 'failed', 'passed', 'passed'])
  })

  it.each<[string, Gate, ReleaseSummary | null, string]>([
    ['without a release', { metric: 'accuracy', max_drop: 0 }, null, 'there is no release to compare with'],
    ['against a release without that metric', { metric: 'accuracy', max_drop: 0 }, { ...RELEASE, metrics: [] }, 'sage/smoke:1.2.0 has no such figure'],
    [
      'against a release whose figure is NaN',
      { metric: 'accuracy', max_drop: 0 },
      { ...RELEASE, metrics: [{ name: 'accuracy', value: 'NaN', better: 'higher' }] },
      'has no such figure',
    ],
    ['against a release without that slice', { metric: 'accuracy', slice: 'day', max_drop: 0 }, RELEASE, 'has no such figure'],
  ])('max_drop %s passes and says so', (_name, gate, baseline, part) => {
    const [decision] = decide(gate, baseline)

    expect(decision).toMatchObject({ outcome: 'passed', informational: true })
    expect(decision?.message).toContain(part)
  })

  it('fails on NaN even without a release to compare with', () => {
    const [decision] = decide({ metric: 'broken', max_drop: 1 }, null)

    expect(decision?.outcome).toBe('failed')
    expect(decision?.informational).toBeUndefined()
  })

  it('fails on a gap when any slice is NaN', () => {
    const slices = [...SLICES, { slice: 'fog', metric: 'accuracy', value: 'NaN' as const, n: 0 }]

    expect(decide({ metric: 'accuracy', max_gap: 10 }, null, { slices })).toMatchObject([{ outcome: 'failed', found: 'NaN worse' }])
  })

  it.each<[EvaluationMetric['value'], number, 'passed' | 'failed']>([
    [0.7, 0.2, 'passed'],
    [0.6999999999999, 0.2, 'failed'],
    ['-Infinity', 1e9, 'failed'],
    ['Infinity', 0, 'passed'],
  ])('compares a drop from 0.9 to %s with %s: %s', (value, max_drop, outcome) => {
    const baseline = { ...RELEASE, metrics: [{ name: 'accuracy', value: 0.9, better: 'higher' as const }] }

    expect(decide({ metric: 'accuracy', max_drop }, baseline, { metrics: [{ name: 'accuracy', value, better: 'higher' }] })).toMatchObject([{ outcome }])
  })

  it('prints enough digits that a failed difference never reads like its limit', () => {
    const baseline = { ...RELEASE, metrics: [{ name: 'accuracy', value: 0.1, better: 'higher' as const }] }
    const [decision] = decide({ metric: 'accuracy', max_drop: 0.05 }, baseline, { metrics: [{ name: 'accuracy', value: 0.049999999999999, better: 'higher' }] })

    expect(decision?.outcome).toBe('failed')
    expect(decision?.found).not.toBe('0.05 worse')
  })
})

describe('evaluation tests', () => {
  const tests: EvaluationTest[] = [
    { name: 'a', category: 'invariance', outcome: 'passed', seconds: 0 },
    { name: 'b', category: 'invariance', outcome: 'failed', seconds: 0, message: 'rotated: 0.2' },
    { name: 'c', category: 'invariance', outcome: 'error', seconds: 0 },
    { name: 'd', category: 'standard', outcome: 'passed', seconds: 0 },
    { name: 'e', category: 'standard', outcome: 'skipped', seconds: 0 },
  ]

  it('fail their category, which names them', () => {
    const decisions = decideGates([], { metrics: [], slices: [], tests }, undefined)

    expect(decisions).toMatchObject([
      {
        gate: undefined,
        outcome: 'failed',
        found: '1 of 3 passed',
        message: '2 of 3 evaluation tests (invariance) failed: b, c',
        detail: 'b\nrotated: 0.2\n\nc\n',
      },
      { outcome: 'passed', found: '1 of 2 passed', message: 'evaluation tests (standard): 1 of 2 passed' },
    ])
  })

  it('are named up to ten', () => {
    const many = Array.from({ length: 12 }, (_, index): EvaluationTest => ({ name: `t${index}`, category: 'x', outcome: 'failed', seconds: 0 }))

    expect(decideGates([], { metrics: [], slices: [], tests: many }, undefined)[0]?.message).toMatch(/t9 and 2 more$/)
  })
})

describe('problems of gates', () => {
  it('are the failed decisions, each with its place in ctss.yaml', () => {
    const gates: Gate[] = [
      { metric: 'accuracy', min: 0.5 },
      { metric: 'accuracy', min: 0.95 },
      { metric: 'loss', max: 0.1 },
    ]
    const tests: EvaluationTest[] = [{ name: 'b', category: 'invariance', outcome: 'failed', seconds: 0, message: 'why' }]
    const decisions = decideGates(gates, { metrics: METRICS, slices: [], tests }, undefined)

    expect(gateProblems(decisions, (index) => (index === 1 ? { file: 'ctss.yaml', line: 7 } : undefined))).toEqual([
      { code: 'gate-failed', severity: 'error', message: 'accuracy is 0.9, and has to be at least 0.95', place: { file: 'ctss.yaml', line: 7 } },
      { code: 'gate-failed', severity: 'error', message: 'loss is 0.3, and has to be at most 0.1' },
      { code: 'evaluation-tests-failed', severity: 'error', message: '1 of 1 evaluation tests (invariance) failed: b', detail: 'b\nwhy' },
    ])
    expect(gateProblems(decisions)).toHaveLength(3)
  })
})
