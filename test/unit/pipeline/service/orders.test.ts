import { describe, expect, it } from 'vitest'
import type { WishKind } from '../../../../pipeline/service/wish.ts'
import { Random, seedOf } from '../../../oracle/random.ts'
import { SimulatedService, type CommitSpec, type PullSpec, type Told } from './simulated-service.ts'

const ORDERS_PER_STORY = 120
const SERIES = 6

/** Something that happens at GitHub, and what its webhooks tell of it. `isAwaited`: people see that all is done before they do it. */
interface Step {
  readonly isAwaited?: boolean
  happen(service: SimulatedService): readonly Told[]
}

const ZELDA = { login: 'zelda', kind: 'person' } as const
const GANON = { login: 'ganon', kind: 'person' } as const

function sha(name: string): string {
  return Buffer.from(name).toString('hex').padEnd(40, '0').slice(0, 40)
}

function push(ref: string, name: string, spec: CommitSpec, by: { readonly login: string; readonly kind: 'person' | 'bot' } = ZELDA, isAwaited = false): Step {
  return {
    isAwaited,
    happen(service) {
      service.truth.commits.set(sha(name), spec)
      service.truth.refs.set(ref, sha(name))
      return [{ ref, pushed: { commit: sha(name), by, at: new Date(service.now).toISOString() } }]
    },
  }
}

function remove(ref: string): Step {
  return {
    happen(service) {
      service.truth.refs.delete(ref)
      for (const pull of service.truth.pulls.values()) if (pull.ref === ref) service.truth.pulls.delete(pull.number)
      return [{ ref }]
    },
  }
}

function open(pull: Partial<PullSpec> & { readonly ref: string }): Step {
  return {
    happen(service) {
      const { number = 7 } = pull
      service.truth.pulls.set(number, { number, isDraft: false, isFork: pull.ref.startsWith('refs/pull/'), author: ZELDA, baseBranch: 'main', ...pull })
      return [{ ref: pull.ref }]
    },
  }
}

let wishes = 0

function press(ref: string, name: string, what: WishKind, isAwaited = false, by: { readonly login: string; readonly kind: 'person' } = ZELDA): Step {
  wishes += 1
  const id = `button:${wishes}`
  return { isAwaited, happen: (service) => [{ ref, wish: { id, what, by, at: new Date(service.now).toISOString(), commit: sha(name) } }] }
}

function comment(ref: string, what: WishKind, isAwaited = false, by: { readonly login: string; readonly kind: 'person' } = ZELDA): Step {
  wishes += 1
  const id = wishes
  return {
    isAwaited,
    happen: (service) => [{ ref, wish: { id: `comment:${id}`, what, by, at: new Date(service.now).toISOString(), comment: { id, issue: 7 } } }],
  }
}

const uninstall: Step = {
  happen(service) {
    service.truth.isInstalled = false
    return [...service.truth.refs.keys()].map((ref) => ({ ref }))
  },
}

const GOOD: CommitSpec = { '': {} }
const BRANCH = 'refs/heads/feature'
const MAIN = 'refs/heads/main'
const FORK = 'refs/pull/7/head'

const STORIES: Readonly<Record<string, readonly Step[]>> = {
  'a push that passes': [push(BRANCH, 'one', GOOD)],
  'a push that is corrected': [push(BRANCH, 'one', { '': { fails: 'validate' } }), open({ ref: BRANCH }), push(BRANCH, 'two', GOOD)],
  'three pushes one after the other': [
    push(BRANCH, 'one', GOOD),
    open({ ref: BRANCH }),
    push(BRANCH, 'two', { '': { fails: 'build' } }),
    push(BRANCH, 'three', GOOD),
  ],
  'a push that is taken back': [push(BRANCH, 'one', GOOD), push(BRANCH, 'two', GOOD), push(BRANCH, 'one', GOOD)],
  'several commits on the default branch': [push(MAIN, 'one', GOOD), push(MAIN, 'two', { '': { fails: 'virtual' } }), push(MAIN, 'three', GOOD)],
  'a fork that is approved and pushes again': [
    push(FORK, 'one', GOOD, GANON),
    open({ ref: FORK }),
    press(FORK, 'one', { kind: 'approve' }),
    push(FORK, 'two', GOOD, GANON),
    press(FORK, 'one', { kind: 'approve' }),
  ],
  'a fork that is approved at its second commit': [
    push(FORK, 'one', GOOD, GANON),
    open({ ref: FORK }),
    push(FORK, 'two', { '': { fails: 'build' } }, GANON),
    press(FORK, 'two', { kind: 'approve' }),
  ],
  'a fork whose author asks for everything': [
    push(FORK, 'one', GOOD, GANON),
    open({ ref: FORK }),
    comment(FORK, { kind: 'approve' }, false, GANON),
    comment(FORK, { kind: 'run', stages: [], again: true }, false, GANON),
    press(FORK, 'one', { kind: 'approve' }, false, GANON),
  ],
  'a tag that is released, and moved': [
    push(MAIN, 'one', GOOD),
    push('refs/tags/v1.0.0', 'one', GOOD),
    push(MAIN, 'two', GOOD, ZELDA, true),
    push('refs/tags/v1.0.0', 'two', GOOD, ZELDA, true),
  ],
  'a tag of another version': [push(MAIN, 'one', GOOD), push('refs/tags/v2.0.0', 'one', GOOD)],
  'a branch that is deleted while it runs': [push(BRANCH, 'one', GOOD), open({ ref: BRANCH }), remove(BRANCH)],
  'a branch that is merged by fast-forward and deleted': [push(BRANCH, 'one', GOOD), push(MAIN, 'one', GOOD), remove(BRANCH)],
  'a machine that is lost twice': [push(BRANCH, 'one', { '': { machineLost: 2 } }), open({ ref: BRANCH })],
  'machines that are always lost': [push(BRANCH, 'one', { '': { machineLost: 99 } }), open({ ref: BRANCH })],
  'two plugins, one of which fails': [push(BRANCH, 'one', { '': {}, bird: { fails: 'build' } }), open({ ref: BRANCH })],
  'everything once more': [push(BRANCH, 'one', GOOD), open({ ref: BRANCH }), comment('refs/pull/7/head', { kind: 'run', stages: [], again: true }, true)],
  'cancelled, and run again': [
    push(BRANCH, 'one', GOOD),
    comment(BRANCH, { kind: 'cancel' }, true),
    press(BRANCH, 'one', { kind: 'run', stages: [], again: false }, true),
  ],
  'the app goes': [push(BRANCH, 'one', GOOD), open({ ref: BRANCH }), uninstall],
}

/** Every event told at once, and everything done before the next one. */
function playPlain(steps: readonly Step[]): SimulatedService {
  const service = new SimulatedService()
  for (const step of steps) {
    if (step.isAwaited === true) service.settle()
    service.pass(1 / 60)
    for (const told of step.happen(service)) service.tell(told)
    for (const ref of service.woken) service.advance(ref)
    service.pass(3)
  }
  service.settle()
  return service
}

/** What happens keeps its order; what is told of it comes late, twice, and in any order, and workers look whenever they like. */
function playShuffled(steps: readonly Step[], random: Random): SimulatedService {
  const service = new SimulatedService()
  let waiting: Told[] = []
  const tellSome = (all: boolean): void => {
    while (waiting.length > 0 && (all || random.chance(0.5))) {
      const told = random.pick(waiting)
      service.tell(told)
      if (random.chance(0.3)) service.tell(told)
      if (random.chance(0.8)) waiting = waiting.filter((other) => other !== told)
    }
  }
  for (const step of steps) {
    if (step.isAwaited === true) {
      tellSome(true)
      service.settle()
    }
    // GitHub's clock goes by seconds.
    service.pass(1 / 60)
    waiting.push(...step.happen(service))
    for (let turn = random.below(4); turn > 0; turn -= 1) {
      tellSome(false)
      for (const ref of service.woken) if (random.chance(0.6)) service.round(ref)
      if (random.chance(0.7)) service.pass(random.integer(1, 4))
    }
  }
  tellSome(true)
  service.settle()
  return service
}

describe.each(Object.entries(STORIES))('%s', (_, steps) => {
  it(`ends the same in ${ORDERS_PER_STORY} orders`, () => {
    const plain = playPlain(steps)
    expect(plain.picture()).toMatchObject({ open: 0 })
    for (let order = 0; order < ORDERS_PER_STORY; order += 1) {
      const service = playShuffled(steps, new Random(seedOf(SERIES, order)))
      expect(service.picture(), `order ${order}`).toEqual(plain.picture())
    }
  })

  it('has nothing left to do at its end', () => {
    const service = playPlain(steps)
    for (const ref of service.truth.refs.keys()) expect(service.round(ref), ref).toBe(false)
  })
})

describe('stories end as they should', () => {
  const conclusions = (name: string): readonly string[] => {
    const { checks } = playPlain(STORIES[name]!).picture() as { readonly checks: Readonly<Record<string, string>> }
    return Object.entries(checks).flatMap(([key, conclusion]) => (/^ctss(?: \/ release.*)? [0-9a-f]+$/.test(key) ? [conclusion.split(' ')[0] ?? ''] : []))
  }

  it.each([
    ['a push that passes', ['success']],
    ['three pushes one after the other', ['success']],
    ['a fork that is approved and pushes again', ['action_required']],
    ['a fork that is approved at its second commit', ['failure']],
    ['a fork whose author asks for everything', ['action_required']],
    ['a tag that is released, and moved', ['failure', 'success']],
    ['a tag of another version', ['failure', 'success']],
    ['a machine that is lost twice', ['success']],
    ['machines that are always lost', ['failure']],
    ['two plugins, one of which fails', ['failure']],
    ['cancelled, and run again', ['success']],
  ])('%s', (name, expected) => {
    expect(new Set(conclusions(name))).toEqual(new Set(expected))
  })

  it('a fork nobody has approved spends no machine', () => {
    expect(playPlain(STORIES['a fork whose author asks for everything']!).runs).toEqual([])
  })

  it('a machine that is always lost is asked for three times', () => {
    expect(playPlain(STORIES['machines that are always lost']!).actions.filter(({ kind }) => kind === 'dispatch')).toHaveLength(3)
  })
})
