import { describe, expect, it } from 'vitest'
import { decideRef } from '../../../../pipeline/service/decide-ref.ts'
import { overBudget } from '../../../../pipeline/service/budget.ts'
import { REPLACEABLE } from '../../../../pipeline/service/run-steps.ts'
import type { RefWorld, RunFacts } from '../../../../pipeline/service/world.ts'
import {
  COMMITS,
  makeEndedRun,
  makeJob,
  makePlan,
  makePlugin,
  makeQueuedRun,
  makeRun,
  makeStages,
  makeWorkflow,
  makeWorld,
  minutesAgo,
  NOW,
  passedStages,
  POLICY,
} from '../../../support/ref-world.ts'

/** What is done about runs: `dispatch run-1 2`, `end-run run-1 error`, `create-run`. */
function steps(world: RefWorld): readonly string[] {
  return decideRef(world).actions.flatMap((action) => {
    if (action.kind === 'dispatch') return [`dispatch ${action.run} ${action.dispatch}`]
    if (action.kind === 'end-run') return [`end ${action.run} ${action.outcome}`]
    if (action.kind === 'cancel-run') return [`cancel ${action.run}: ${action.reason}`]
    if (action.kind === 'fetch-records') return [`fetch ${action.run}`]
    return action.kind === 'create-run' ? [`create${action.wish === undefined ? '' : ` ${action.wish}`}`] : []
  })
}

function wakeSeconds(world: RefWorld): number | undefined {
  const { wakeAt } = decideRef(world)
  return wakeAt === undefined ? undefined : (Date.parse(wakeAt) - Date.parse(NOW)) / 1000
}

const TRAINED = [makePlugin({ stages: makeStages({ train: { state: 'ran', outcome: 'passed' } }), plan: makePlan({ kinds: { train: 'reuse' } }) })]
const started = makeWorkflow({ jobs: [makeJob()] })
const completed = (conclusion: string | null) => makeWorkflow({ status: 'completed', conclusion })

describe('a run that was dispatched', () => {
  it.each<readonly [string, Partial<RunFacts>, readonly string[]]>([
    ['is waited for', {}, []],
    ['is waited for until the last minute', { dispatched: minutesAgo(29.99) }, []],
    ['and never started is dispatched again', { dispatched: minutesAgo(30) }, ['dispatch run-1 2']],
    ['and never started is dispatched a third time', { dispatched: minutesAgo(30), dispatches: 2 }, ['dispatch run-1 3']],
    ['and never started three times is given up', { dispatched: minutesAgo(30), dispatches: 3 }, ['end run-1 error']],
    ['and whose machine works is waited for', { dispatched: minutesAgo(31), workflow: started }, []],
    ['and was claimed is waited for', { dispatched: minutesAgo(31), isClaimed: true }, []],
    ['and works too long is stopped', { dispatched: minutesAgo(360), workflow: started }, ['cancel run-1: it took longer than a run may']],
    ['and cannot be started is dispatched again', { workflow: completed('startup_failure') }, ['dispatch run-1 2']],
    ['and failed before it came for its plan is dispatched again', { workflow: completed('failure') }, ['dispatch run-1 2']],
    ['and is forgotten before its start is dispatched again', { workflow: makeWorkflow({ status: 'missing' }) }, ['dispatch run-1 2']],
    ['and passed without a claim is looked through', { workflow: completed('success') }, ['fetch run-1']],
    ['and is over is looked through', { workflow: completed('cancelled'), isClaimed: true }, ['fetch run-1']],
    [
      'and is forgotten is given up, and made anew',
      { workflow: makeWorkflow({ status: 'missing' }), isClaimed: true },
      ['end run-1 error', 'create instead:run-1'],
    ],
    [
      'and brought nothing is given up, and made anew',
      { workflow: completed('failure'), isClaimed: true, isDelivered: true },
      ['end run-1 error', 'create instead:run-1'],
    ],
    ['without a time counts from when it was made', { dispatched: undefined, created: minutesAgo(31) }, ['dispatch run-1 2']],
  ])('%s', (_, changes, expected) => {
    expect(steps(makeWorld({ runs: [makeRun(changes)] }))).toEqual(expected)
  })

  it.each<readonly [string, number, Partial<RunFacts>]>([
    ['in a minute', 60, {}],
    ['when its time is up, if that is sooner', 30, { dispatched: minutesAgo(29.5) }],
  ])('is looked at again %s', (_, seconds, changes) => {
    expect(wakeSeconds(makeWorld({ runs: [makeRun(changes)] }))).toBe(seconds)
  })

  it('is not lost for a stage after one that failed', () => {
    const plugins = [makePlugin({ stages: makeStages({ train: { state: 'ran', outcome: 'failed' } }) })]
    expect(steps(makeWorld({ plugins, runs: [makeRun({ isDelivered: true, isClaimed: true })] }))).toEqual(['end run-1 failed'])
  })

  it('of a commit that is the head no more keeps its verdict where it has delivered, and is stopped where it has not', () => {
    const run = (isDelivered: boolean) => makeRun({ commit: COMMITS[0], isClaimed: true, isDelivered, stages: passedStages(), workflow: started })
    expect(steps(makeWorld({ plugins: [], runs: [run(true)] }))).toEqual(['end run-1 passed'])
    expect(steps(makeWorld({ plugins: [], runs: [run(false)] }))).toEqual([`cancel run-1: ${REPLACEABLE.superseded}`])
  })

  it('of a plugin that is not there any more ends as GitHub says', () => {
    const run = (conclusion: string) => makeRun({ path: 'gone', isClaimed: true, isDelivered: true, workflow: completed(conclusion) })
    expect(['success', 'failure', 'cancelled'].map((conclusion) => steps(makeWorld({ plugins: [], runs: [run(conclusion)] })))).toEqual([
      ['end run-1 passed'],
      ['end run-1 failed'],
      ['end run-1 error'],
    ])
  })
})

describe('a run that was lost', () => {
  const lost = (changes: Partial<RunFacts> = {}) => makeEndedRun('error', { reason: 'lost', ...changes })

  it.each<readonly [string, readonly RunFacts[], readonly string[]]>([
    ['once is made anew', [lost()], ['create instead:run-1']],
    ['twice is made anew', [lost(), lost({ id: 'run-2', cause: 'instead:run-1', created: minutesAgo(4) })], ['create instead:run-2']],
    [
      'three times is not',
      [lost(), lost({ id: 'run-2', cause: 'instead:run-1', created: minutesAgo(4) }), lost({ id: 'run-3', cause: 'instead:run-2', created: minutesAgo(3) })],
      [],
    ],
    ['after three dispatches is not', [lost({ dispatches: 3 })], []],
    [
      'after one that was superseded counts anew',
      [makeEndedRun('cancelled', { reason: REPLACEABLE.superseded, dispatches: 3 }), lost({ id: 'run-2', cause: 'instead:run-1', created: minutesAgo(4) })],
      ['create instead:run-2'],
    ],
  ])('%s', (_, runs, expected) => {
    expect(steps(makeWorld({ runs }))).toEqual(expected)
  })

  it('is made anew from what it has left', () => {
    const actions = decideRef(makeWorld({ plugins: TRAINED, runs: [lost()] })).actions
    const plan = actions.flatMap((action) => (action.kind === 'create-run' ? [action.plan] : []))[0]
    expect(plan?.stages.find(({ stage }) => stage === 'train')?.kind).toBe('reuse')
  })

  it('is made anew with what it was to do in any case', () => {
    const stages = makePlan().stages.map((stage) => (stage.stage === 'train' ? { ...stage, force: true } : stage))
    const actions = decideRef(makeWorld({ plugins: TRAINED, runs: [lost({ plan: makePlan({ stages }) })] })).actions
    const plan = actions.flatMap((action) => (action.kind === 'create-run' ? [action.plan] : []))[0]
    expect(plan?.stages.find(({ stage }) => stage === 'train')).toMatchObject({ kind: 'run', force: true })
  })
})

describe('a run that ended', () => {
  it.each(Object.values(REPLACEABLE))('because %s is made anew when its commit is the head', (reason) => {
    expect(steps(makeWorld({ runs: [makeEndedRun('cancelled', { reason })] }))).toEqual(['create instead:run-1'])
  })

  it.each<readonly [string, RunFacts]>([
    ['because somebody cancelled it', makeEndedRun('cancelled', { reason: 'zelda has cancelled it' })],
    ['because it took too long', makeEndedRun('cancelled', { reason: 'it took longer than a run may' })],
    ['without passing', makeEndedRun('failed')],
    ['and passed, though its inputs are others today', makeEndedRun('passed')],
  ])('%s stays', (_, run) => {
    expect(steps(makeWorld({ runs: [run] }))).toEqual([])
  })

  it.each<readonly [string, Partial<RunFacts>]>([
    ['of another plugin', { path: 'bird' }],
    ['of another trust class', { trust: 'untrusted' }],
    ['of a release', { release: true }],
    ['of another commit', { commit: COMMITS[0] }],
  ])('%s is nobody’s verdict', (_, changes) => {
    expect(steps(makeWorld({ runs: [makeEndedRun('passed', changes)] }))).toEqual(['create'])
  })
})

describe('a budget', () => {
  it.each([
    [{}, undefined],
    [{ repositoryMinutes: 6000 }, 'The repository has used 6,000 of 6,000 minutes in the last 30 days.'],
    [{ ownerMinutes: 25_000 }, 'The owner has used 25,000 of 20,000 minutes in the last 30 days.'],
  ])('of which %j is used', (budget, expected) => {
    expect(overBudget(makeWorld({ budget }))).toBe(expected)
  })

  it('without limits is never spent', () => {
    const budgets = { repositoryMinutes: undefined, ownerMinutes: undefined, ownerServiceUnits: undefined, repositoryRuns: 1, ownerRuns: 1 }
    expect(overBudget(makeWorld({ policy: { budgets }, budget: { repositoryMinutes: 1e9, ownerMinutes: 1e9 } }))).toBeUndefined()
  })

  it('gives its places to the runs that were made first', () => {
    const plugins = ['', 'a', 'b'].map((path) => makePlugin({ path }))
    const runs = [
      makeQueuedRun({ id: 'late', created: minutesAgo(1) }),
      makeQueuedRun({ id: 'first', path: 'a', created: minutesAgo(3) }),
      makeQueuedRun({ id: 'second', path: 'b', created: minutesAgo(2) }),
    ]
    const world = makeWorld({ plugins, runs, budget: { repositoryRuns: 2, ownerRuns: 0 } })
    expect(steps(world)).toEqual(['dispatch first 1', 'dispatch second 1'])
    expect(wakeSeconds(world)).toBe(60)
  })

  it('is looked at once an hour', () => {
    expect(wakeSeconds(makeWorld({ budget: { repositoryMinutes: 6000 } }))).toBe(3600)
    expect(wakeSeconds(makeWorld({ budget: { repositoryMinutes: 6000 }, runs: [makeQueuedRun()] }))).toBe(3600)
  })

  it('does not stop what runs', () => {
    expect(steps(makeWorld({ budget: { repositoryMinutes: 6000 }, runs: [makeRun({ workflow: started })] }))).toEqual([])
  })

  it('of no place at all lets nothing start', () => {
    expect(steps(makeWorld({ policy: { budgets: { ...POLICY.budgets, ownerRuns: 0 } }, runs: [makeQueuedRun()] }))).toEqual([])
  })
})

describe('the message of a commit', () => {
  it.each([
    ['[skip ctss]', []],
    ['Mend a typo [CTSS skip]', []],
    ['[skip ci]', ['create']],
    ['skip ctss', ['create']],
  ])('%s', (message, expected) => {
    expect(steps(makeWorld({ head: { message } }))).toEqual(expected)
  })
})
