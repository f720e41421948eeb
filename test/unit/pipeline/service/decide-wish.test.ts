import { describe, expect, it } from 'vitest'
import { decideTrust } from '../../../../pipeline/service/decide-trust.ts'
import { decideWish, decideWishes, type WishDecision } from '../../../../pipeline/service/decide-wish.ts'
import type { WishKind } from '../../../../pipeline/service/wish.ts'
import type { RefWorld, WishFacts } from '../../../../pipeline/service/world.ts'
import {
  COMMITS,
  makeButtonWish,
  makeEndedRun,
  makeForkWorld,
  makePlan,
  makePlugin,
  makeQueuedRun,
  makeReusePlan,
  makeRun,
  makeStages,
  makeTagWorld,
  makeWish,
  makeWorld,
  minutesAgo,
  passedStages,
  type WorldChanges,
} from '../../../support/ref-world.ts'

const APPROVE: WishKind = { kind: 'approve' }
const CANCEL: WishKind = { kind: 'cancel' }
const PASSED = [makePlugin({ stages: passedStages(), plan: makeReusePlan() })]

function run(changes: Partial<Extract<WishKind, { kind: 'run' }>> = {}): WishKind {
  return { kind: 'run', stages: [], again: false, ...changes }
}

function decide(world: RefWorld, wish: WishFacts): WishDecision {
  return decideWish(wish, world, decideTrust(world))
}

function sentence(decision: WishDecision): string | undefined {
  return decision.kind === 'refused' || decision.kind === 'misread' ? decision.sentence : undefined
}

describe('people without write access', () => {
  const everything: readonly WishKind[] = [
    run({ again: true }),
    CANCEL,
    APPROVE,
    { kind: 'record' },
    { kind: 'init' },
    { kind: 'help' },
    { kind: 'explain', code: 'm012' },
    { kind: 'unknown', message: 'x' },
  ]

  it.each(everything.flatMap((what) => (['none', 'read'] as const).map((access) => [what.kind, access, what] as const)))(
    'cannot %s with access %s',
    (_, access, what) => {
      for (const world of [makeWorld({ runs: [makeRun()] }), makeForkWorld(), makeTagWorld(), makeWorld({ plugins: [] })]) {
        expect(sentence(decide(world, makeWish(what, { access })))).toBe('Commands are for people with write access to this repository.')
      }
    },
  )

  it.each(everything.map((what) => [what.kind, what] as const))('bots are not even answered: %s', (_, what) => {
    expect(decide(makeForkWorld(), makeWish(what, { by: { login: 'helper[bot]', kind: 'bot' } }))).toEqual({ kind: 'ignored' })
  })
})

describe('an approval', () => {
  it.each([
    ['by a button', makeButtonWish(APPROVE), true],
    ['by a button of an older commit', makeButtonWish(APPROVE, { commit: COMMITS[0] }), false],
    ['by the web, which names no commit', makeButtonWish(APPROVE, { commit: undefined as never }), false],
    ['by a comment that names the commit', makeWish(APPROVE, { commit: COMMITS[1] }), true],
    ['by a comment that names another commit', makeWish(APPROVE, { commit: COMMITS[2] }), false],
    ['by a comment that names the beginning of it', makeWish(APPROVE, { commit: COMMITS[1].slice(0, 12) }), false],
    ['by a comment eight minutes after the push', makeWish(APPROVE), true],
    ['by a comment 60 s after the push', makeWish(APPROVE, { at: minutesAgo(9) }), false],
    ['by a comment 61 s after the push', makeWish(APPROVE, { at: minutesAgo(9 - 1 / 60) }), true],
    ['by a comment before the push', makeWish(APPROVE, { at: minutesAgo(11) }), false],
  ])('%s', (_, wish, isGranted) => {
    const decision = decide(makeForkWorld(), wish)
    expect(decision.kind).toBe(isGranted ? 'granted' : 'refused')
    expect(decision.kind === 'granted' ? decision.actions : []).toEqual(
      isGranted ? [{ kind: 'approve', pullRequest: 7, commit: COMMITS[1], by: 'zelda', reason: 'zelda has approved this commit' }] : [],
    )
  })

  it('waits two minutes to be told of the push, and is refused then', () => {
    const world = makeForkWorld({ head: { since: undefined as never } })
    expect(decide(world, makeWish(APPROVE, { at: minutesAgo(1.9) })).kind).toBe('deferred')
    expect(sentence(decide(world, makeWish(APPROVE, { at: minutesAgo(2) })))).toContain(`/ctss approve ${COMMITS[1]}`)
  })

  it('obeys what the operator says of how long the head must have been there', () => {
    const world = makeForkWorld({ policy: { approvalSeconds: 0 } })
    expect(decide(world, makeWish(APPROVE, { at: minutesAgo(9.99) })).kind).toBe('granted')
    expect(decide(world, makeWish(APPROVE, { at: minutesAgo(10) })).kind).toBe('refused')
  })

  it('that was given already is granted, and does nothing', () => {
    const world = makeForkWorld({ approvals: [{ pullRequest: 7, commit: COMMITS[1], by: 'zelda', at: minutesAgo(3) }] })
    expect(decide(world, makeWish(APPROVE))).toEqual({ kind: 'granted' })
  })

  it.each<readonly [string, RefWorld, string]>([
    ['of what is trusted', makeWorld(), 'Nothing here waits for approval.'],
    ['of what is gone', makeForkWorld({ head: null }), 'There is nothing to do it with: the branch, tag or pull request is gone.'],
    ['of a tag', makeTagWorld({ head: { pusher: undefined } }), 'A tag needs no approval: it is released when somebody with write access pushes it.'],
  ])('%s is refused', (_, world, expected) => {
    expect(sentence(decide(world, makeWish(APPROVE)))).toBe(expected)
  })
})

describe('a wish to run', () => {
  const refusals: readonly (readonly [string, WorldChanges, WishKind, string])[] = [
    ['nothing changed', { plugins: PASSED }, run(), 'There is nothing to run: every stage has its verdict for these inputs. `--again` runs it all the same.'],
    ['no plugin', { plugins: [] }, run(), 'There is no plugin here: no folder has a `sage.yaml` or `sage.json`. `/ctss init` proposes one.'],
    ['no plan', { plugins: [makePlugin({ plan: undefined })] }, run(), 'Nothing can be run before the problems that validate has found are mended.'],
    ['spent budget', { budget: { repositoryMinutes: 9000 } }, run(), 'The repository has used 9,000 of 6,000 minutes in the last 30 days.'],
    ['no node', {}, run({ node: 'W023' }), 'The node W023 cannot be used: no Waggle node is attached.'],
    [
      'another node',
      { plugins: [makePlugin({ plan: makePlan({ kinds: { node: 'run' } }) })] },
      run({ node: 'W023' }),
      'The node W023 cannot be used: this plugin runs on another one.',
    ],
    [
      'a stage that does not apply',
      { plugins: [makePlugin({ plan: makePlan({ kinds: { train: 'skip' } }) })] },
      run({ stages: ['train'], again: true }),
      'train does not run here: it does not apply.',
    ],
  ]

  it.each(refusals)('is refused: %s', (_, changes, what, expected) => {
    expect(sentence(decide(makeWorld(changes), makeWish(what)))).toBe(expected)
  })

  it('is refused while nobody has approved', () => {
    expect(sentence(decide(makeForkWorld(), makeWish(run({ again: true }))))).toContain('comes from a fork. Approve it first')
  })

  it('is refused for the operator’s reason where no approval would do, and so is the approval', () => {
    const world = makeWorld({ policy: { owners: ['sage'] } })
    const reason = 'This service runs no machines for `zelda`: its operator lists whose plugins it runs (OWNERS).'
    for (const what of [run({ again: true }), APPROVE]) expect(sentence(decide(world, makeButtonWish(what)))).toBe(reason)
  })

  it('on a node that the plan uses is granted', () => {
    const plan = makePlan()
    const stages = plan.stages.map((stage) =>
      stage.stage === 'node' ? { ...stage, kind: 'run' as const, runner: ['waggle', 'W023'] as [string, string] } : stage,
    )
    expect(decide(makeWorld({ plugins: [makePlugin({ plan: { ...plan, stages } })] }), makeWish(run({ node: 'W023' })))).toMatchObject({
      kind: 'granted',
      starts: [{ path: '' }],
    })
  })

  it.each([
    ['what the app does itself', run({ stages: ['validate', 'report'] }), []],
    ['what runs already', run(), [makeRun()]],
    ['once more what waits to run', run({ stages: ['build'], again: true }), [makeQueuedRun()]],
  ])('for %s is granted, and makes no run', (_, what, runs) => {
    const decision = decide(makeWorld({ runs }), makeWish(what))
    expect(decision).toMatchObject({ kind: 'granted' })
    expect(decision.kind === 'granted' ? (decision.starts ?? []) : []).toEqual([])
  })

  it('for once more what an open run has delivered already makes another run', () => {
    const decision = decide(makeWorld({ plugins: PASSED, runs: [makeRun({ isDelivered: true })] }), makeWish(run({ stages: ['build'], again: true })))
    expect(decision).toMatchObject({ kind: 'granted', starts: [{ path: '' }] })
  })

  it('of a button of an earlier commit does nothing but say so', () => {
    expect(sentence(decide(makeWorld(), makeButtonWish(run(), { commit: COMMITS[0] })))).toBe(
      'Nothing was done: this is about commit `aaaaaaa`, and the newest one is `bbbbbbb`.',
    )
  })

  it('forces the stages that are named, and lets those after them decide anew', () => {
    const decision = decide(makeWorld({ plugins: PASSED, runs: [makeEndedRun('passed')] }), makeWish(run({ stages: ['build'], again: true })))
    const plan = decision.kind === 'granted' ? decision.starts?.[0]?.plan : undefined
    expect(plan?.stages.map(({ stage, kind, force }) => `${stage} ${kind}${force === true ? ' forced' : ''}`)).toEqual([
      'validate reuse',
      'train reuse',
      'build run forced',
      'virtual run',
      'node skip',
      'publish run',
    ])
    expect(plan?.platforms.every(({ build }) => build)).toBe(true)
  })

  it('keeps builds of platforms that nobody wants anew', () => {
    const plan = makeReusePlan({ platforms: [{ platform: 'linux/amd64', runner: ['ubuntu-24.04'], emulated: false, build: false }] })
    const decision = decide(makeWorld({ plugins: [makePlugin({ stages: passedStages(), plan })] }), makeWish(run({ stages: ['virtual'], again: true })))
    expect(decision.kind === 'granted' ? decision.starts?.[0]?.plan.platforms : undefined).toEqual(plan.platforms)
  })

  it('of two checks is one run of both', () => {
    const world = makeWorld({
      plugins: PASSED,
      wishes: [makeButtonWish(run({ stages: ['train'], again: true })), makeButtonWish(run({ stages: ['virtual'], again: true }), { id: 'button:d2' })],
    })
    const { starts, answers } = decideWishes(world, decideTrust(world))
    expect(starts.get('')?.wish).toBe('button:d1')
    expect(
      starts
        .get('')
        ?.plan.stages.filter(({ force }) => force === true)
        .map(({ stage }) => stage),
    ).toEqual(['train', 'virtual'])
    expect(answers).toHaveLength(2)
  })

  it('is for every plugin, and refused only where none can run', () => {
    const invalid = makePlugin({ path: 'bird', plan: undefined })
    const decision = decide(makeWorld({ plugins: [invalid, makePlugin()] }), makeWish(run()))
    expect(decision.kind === 'granted' ? decision.starts?.map(({ path }) => path) : []).toEqual([''])
  })
})

describe('a wish to cancel', () => {
  it('stops every run of the ref that goes on', () => {
    const runs = [
      makeRun(),
      makeQueuedRun({ id: 'run-2', path: 'bird' }),
      makeEndedRun('passed', { id: 'run-3' }),
      makeRun({ id: 'run-4', ref: 'refs/heads/other' }),
    ]
    const decision = decide(makeWorld({ runs }), makeWish(CANCEL))
    expect(decision.kind === 'granted' ? decision.cancels?.map(({ id }) => id) : []).toEqual(['run-1', 'run-2'])
  })

  it('stops one plugin’s where it is about one', () => {
    const runs = [makeRun(), makeQueuedRun({ id: 'run-2', path: 'bird' })]
    const decision = decide(makeWorld({ runs }), makeButtonWish(CANCEL, { path: 'bird' }))
    expect(decision.kind === 'granted' ? decision.cancels?.map(({ id }) => id) : []).toEqual(['run-2'])
  })

  it('is refused where nothing runs', () => {
    expect(sentence(decide(makeWorld(), makeWish(CANCEL)))).toBe('Nothing is running.')
  })
})

describe('a wish to record', () => {
  const measured = (outcome: 'passed' | 'failed', path = '') => makePlugin({ path, stages: makeStages({ virtual: { state: 'ran', outcome } }) })

  it.each([
    ['what failed, where something did', [measured('passed'), measured('failed', 'bird')], ['bird']],
    ['what passed, where nothing failed', [measured('passed'), makePlugin({ path: 'bird' })], ['']],
  ])('proposes %s', (_, plugins, paths) => {
    const decision = decide(makeWorld({ plugins }), makeWish({ kind: 'record' }))
    expect(decision.kind === 'granted' ? decision.actions : []).toMatchObject(paths.map((path) => ({ kind: 'propose', proposal: 'golden', path })))
  })

  it.each<readonly [string, RefWorld, string]>([
    ['of a fork', makeForkWorld({ plugins: [measured('failed')] }), 'Expected results are recorded for branches of this repository'],
    ['of a tag', makeTagWorld({ plugins: [measured('failed')] }), 'Expected results are recorded for branches of this repository'],
    ['of what was not measured', makeWorld(), 'There is nothing to record'],
    [
      'without the right to propose',
      makeWorld({ repository: { installation: { kind: 'installed', lacking: ['contents: write'] } }, plugins: [measured('failed')] }),
      'The app may not open a pull request here',
    ],
  ])('is refused: %s', (_, world, expected) => {
    expect(sentence(decide(world, makeWish({ kind: 'record' })))).toContain(expected)
  })
})

describe('a wish for a manifest', () => {
  it('is granted where there is none, whenever it was written', () => {
    expect(decide(makeWorld({ plugins: [] }), makeWish({ kind: 'init' }, { at: minutesAgo(60) }))).toMatchObject({
      kind: 'granted',
      actions: [{ kind: 'propose', proposal: 'init' }],
    })
  })

  it.each<readonly [string, WorldChanges, string]>([
    ['there is one', {}, 'There is a plugin already.'],
    ['there is one in a folder', { plugins: [makePlugin({ path: 'plugins/`bird`' })] }, 'There is a plugin already in `` plugins/`bird` ``.'],
    [
      'nobody may propose it',
      { plugins: [], repository: { installation: { kind: 'installed', lacking: ['pull_requests: write'] } } },
      'The app may not open a pull request here',
    ],
  ])('is refused where %s', (_, changes, expected) => {
    expect(sentence(decide(makeWorld(changes), makeWish({ kind: 'init' })))).toContain(expected)
  })
})

describe('an explanation', () => {
  it.each([['CTSS-M012'], ['m012'], ['ctss-m012']])('of %s is the rule’s page', (code) => {
    expect(decide(makeWorld({ head: null }), makeWish({ kind: 'explain', code }))).toMatchObject({
      kind: 'granted',
      text: expect.stringMatching(/^\*\*CTSS-M012 [a-z-]+\*\* /) as string,
    })
  })

  it.each([
    ['m0122', 'm0122 is no rule’s code. Did you mean CTSS-M012?'.replace('’', "'")],
    ['@zelda', "`@zelda` is no rule's code."],
  ])('of %s: %s', (code, expected) => {
    expect(sentence(decide(makeWorld(), makeWish({ kind: 'explain', code })))).toBe(expected)
  })
})
