import { describe, expect, it } from 'vitest'
import { planRun, planStage, stagesBefore, worstOutcome, type PlanFacts, type PlanOptions } from '../../../pipeline/plan.ts'
import { makePipeline } from '../../support/pipeline.ts'
import { makeRecord } from '../../support/stage-record.ts'

const facts = (overrides: Partial<PlanFacts> = {}): PlanFacts => ({
  pipeline: makePipeline(),
  options: { from: 'validate', to: 'report', force: [], keepGoing: false },
  keys: {},
  records: {},
  outcomes: {},
  usable: {},
  ...overrides,
})

describe('the plan', () => {
  it('runs every stage of a new plugin but node, and says why', () => {
    const plan = planRun(facts())

    expect(plan.map(({ stage, kind }) => `${stage} ${kind}`)).toEqual([
      'validate run',
      'train run',
      'build run',
      'virtual run',
      'node skip',
      'publish run',
      'report run',
    ])
    expect(plan.every(({ reason }) => reason.length > 0)).toBe(true)
  })

  it('reuses a stage whose record is there', () => {
    expect(planStage('build', facts({ records: { build: makeRecord('build') } })).kind).toBe('reuse')
  })

  it('runs a forced stage although its record is there', () => {
    const plan = planStage(
      'build',
      facts({ records: { build: makeRecord('build') }, options: { from: 'validate', to: 'report', force: ['build'], keepGoing: false } }),
    )

    expect(plan).toMatchObject({ kind: 'run', reason: 'forced' })
  })

  it('skips train without a training section', () => {
    expect(planStage('train', facts({ pipeline: makePipeline({ training: undefined }) }))).toMatchObject({
      kind: 'skip',
      reason: 'ctss.yaml has no training section',
    })
  })

  it('skips what comes after --to', () => {
    expect(planStage('publish', facts({ options: { from: 'validate', to: 'virtual', force: [], keepGoing: false } }))).toMatchObject({
      kind: 'skip',
      reason: 'it comes after --to virtual',
    })
  })

  it('reuses, and never runs, what comes before --from', () => {
    const options = { from: 'virtual', to: 'report', force: [], keepGoing: false } as const

    expect(planStage('build', facts({ options })).kind).toBe('skip')
    expect(planStage('build', facts({ options, records: { build: makeRecord('build') } })).kind).toBe('reuse')
  })

  it.each(['train', 'build', 'virtual', 'publish'] as const)('skips %s when the manifest cannot be read', (stage) => {
    expect(planStage(stage, facts({ pipeline: undefined }))).toMatchObject({ kind: 'skip', reason: 'the manifest cannot be read' })
  })

  it('skips what follows a failed stage, and names it', () => {
    expect(planStage('build', facts({ outcomes: { validate: 'failed' } }))).toMatchObject({ kind: 'skip', reason: 'validate did not pass' })
    expect(planStage('virtual', facts({ outcomes: { build: 'error' } }))).toMatchObject({ kind: 'skip', reason: 'build ended in an error' })
  })

  it('goes on after errors with --keep-going, but never publishes', () => {
    const options = { from: 'validate', to: 'report', force: [], keepGoing: true } as const

    expect(planStage('build', facts({ options, outcomes: { validate: 'failed' } })).kind).toBe('run')
    expect(planStage('publish', facts({ options, outcomes: { validate: 'failed' } }))).toMatchObject({ kind: 'skip', reason: 'validate did not pass' })
  })

  it('skips build when train left no model, and virtual when build left no image', () => {
    const options = { from: 'validate', to: 'report', force: [], keepGoing: true } as const

    expect(planStage('build', facts({ options, outcomes: { train: 'failed' }, usable: { build: false } }))).toMatchObject({
      kind: 'skip',
      reason: 'it needs the model that train would have made',
    })
    expect(planStage('virtual', facts({ options, outcomes: { build: 'failed' }, usable: { virtual: false } })).kind).toBe('skip')
    expect(planStage('virtual', facts({ outcomes: { build: 'skipped' } })).kind).toBe('skip')
    expect(planStage('publish', facts({ outcomes: { build: 'skipped' } })).kind).toBe('skip')
    expect(planStage('publish', facts({ outcomes: { virtual: 'skipped' } })).kind).toBe('skip')
  })

  it('runs on a node only where one is attached, and there is an image', () => {
    expect(planStage('node', facts())).toMatchObject({ kind: 'skip', reason: 'no Waggle node is attached' })
    expect(planStage('node', facts({ attached: {} })).kind).toBe('skip')
    expect(planStage('node', facts({ attached: { node: true } })).kind).toBe('run')
    expect(planStage('node', facts({ attached: { node: true }, outcomes: { build: 'skipped' } }))).toMatchObject({
      kind: 'skip',
      reason: 'there is no image to test',
    })
  })

  it('always reports', () => {
    expect(planStage('report', facts({ pipeline: undefined, outcomes: { validate: 'failed' } })).kind).toBe('run')
  })
})

describe('the plan of one job of several', () => {
  const inJobOf = (...here: NonNullable<PlanOptions['here']>): PlanOptions => ({ from: 'validate', to: 'report', force: [], keepGoing: false, here })

  it('runs the stage of that job alone, and the report', () => {
    const plan = planRun(facts({ options: inJobOf('build') }))

    expect(plan.filter(({ kind }) => kind === 'run').map(({ stage }) => stage)).toEqual(['build', 'report'])
    expect(plan.find(({ stage }) => stage === 'train')).toMatchObject({ kind: 'skip', reason: 'it runs in a job of its own, which has left no record here' })
  })

  it('reuses the record of a stage that runs elsewhere', () => {
    expect(planStage('train', facts({ options: inJobOf('build'), records: { train: makeRecord('train') } })).kind).toBe('reuse')
  })

  it('runs its own stage again when that is forced', () => {
    const options = { ...inJobOf('build'), force: ['build'] as const }

    expect(planStage('build', facts({ options, records: { build: makeRecord('build') } }))).toMatchObject({ kind: 'run', reason: 'forced' })
  })
})

describe('a run that may publish nothing', () => {
  const options: PlanOptions = { from: 'validate', to: 'report', force: [], keepGoing: true, unpublished: 'it is a fork' }

  it('does all but publish, and says why', () => {
    const plan = planRun(facts({ options }))

    expect(plan.filter(({ kind }) => kind === 'skip')).toMatchObject([{ stage: 'node' }, { stage: 'publish', reason: 'it is a fork' }])
  })

  it('publishes not even what a record could be reused for, or what is forced', () => {
    const forced = { ...options, force: ['publish'] as const }

    expect(planStage('publish', facts({ options, records: { publish: makeRecord('publish') } }))).toMatchObject({ kind: 'skip', reason: 'it is a fork' })
    expect(planStage('publish', facts({ options: forced }))).toMatchObject({ kind: 'skip', reason: 'it is a fork' })
  })
})

describe('the stages that a key waits for', () => {
  const trained = makePipeline()
  const fetched = makePipeline({ model: { path: 'model', source: { kind: 'uri', uri: 'https://example.org/model', sha256: `sha256:${'0'.repeat(64)}` } } })

  it.each([
    ['validate', trained, []],
    ['train', trained, []],
    ['build', trained, ['train']],
    ['build', fetched, []],
    ['build', makePipeline({ model: undefined }), []],
    ['build', undefined, []],
    ['virtual', trained, ['build']],
    ['node', trained, ['build']],
    ['publish', trained, ['train', 'build', 'virtual', 'node']],
    ['report', trained, ['validate', 'train', 'build', 'virtual', 'node', 'publish']],
  ] as const)('%s, case %#', (stage, pipeline, stages) => {
    expect(stagesBefore(stage, pipeline)).toEqual(stages)
  })
})

describe('the worst outcome', () => {
  it.each([
    [['passed', 'skipped'], 'passed'],
    [['passed', 'failed'], 'failed'],
    [['failed', 'error'], 'error'],
    [[], 'passed'],
  ] as const)('of %j is %s', (outcomes, worst) => {
    expect(worstOutcome(outcomes)).toBe(worst)
  })
})
