import { describe, expect, it } from 'vitest'
import { decideRef } from '../../../../pipeline/service/decide-ref.ts'
import { readDelivery } from '../../../../pipeline/service/read-delivery.ts'
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
  makeTagWorld,
  makeWish,
  makeWorld,
  minutesAgo,
  passedStages,
} from '../../../support/ref-world.ts'
import { SimulatedService } from './simulated-service.ts'

const [OLD, HEAD] = COMMITS
const APPROVAL = { pullRequest: 7, commit: OLD, by: 'zelda', at: minutesAgo(60) }
const AGAIN = { kind: 'run', stages: [], again: true } as const
const GANON = { login: 'ganon', kind: 'person' } as const
const QUEUE = { login: 'github-merge-queue[bot]', kind: 'bot', access: 'none' } as const
/** The operator runs the plugins of somebody else. */
const STRANGERS = { owners: ['sage'] }
const UNTRUSTED = [makePlugin({ plan: makePlan({ trust: 'untrusted' }) })]

/** Everything that costs a machine, or gives a right that does. */
function spending(world: RefWorld): readonly string[] {
  return decideRef(world)
    .actions.map(({ kind }) => kind)
    .filter((kind) => ['create-run', 'dispatch', 'approve', 'propose', 'complete-release'].includes(kind))
}

/** Wishes that a comment becomes, with what its author may do. */
function wishesOf(comment: Record<string, unknown>, access: WishFacts['access'], changes: Record<string, unknown> = {}): readonly WishFacts[] {
  const user = { login: 'zelda', type: 'User' }
  const payload = {
    action: 'created',
    repository: { id: 1, name: 'cloud-counter', owner: { login: 'zelda' }, default_branch: 'main' },
    sender: comment['user'] ?? user,
    issue: { number: 7, pull_request: {} },
    comment: { id: 501, created_at: minutesAgo(2), user, ...comment },
    ...changes,
  }
  return readDelivery('issue_comment', 'g', payload, minutesAgo(0)).deliveries.flatMap(({ wish }) => (wish === undefined ? [] : [{ wish, access }]))
}

describe('not a minute of a machine is spent', () => {
  it.each<readonly [string, RefWorld]>([
    ['a fork that changes workflow, manifest and schema together', makeForkWorld({ head: { message: 'Change everything' } })],
    ['a fork whose fork is gone', makeForkWorld({ pullRequests: [{ isFork: true, author: undefined }] })],
    ['a fork whose pull request nobody has', makeForkWorld({ pullRequests: [] })],
    ['a fork that a contributor of long ago made', makeForkWorld({ pullRequests: [{ isFork: true, author: GANON }] })],
    ['a fork that names its branch as ours', makeForkWorld({ pullRequests: [{ isFork: true }, { number: 8, isFork: true }] })],
    ['a fork with an approval of an older commit', makeForkWorld({ approvals: [APPROVAL] })],
    ['a fork with an approval of another pull request', makeForkWorld({ approvals: [{ ...APPROVAL, commit: HEAD, pullRequest: 8 }] })],
    ['an approval that a push overtook', makeForkWorld({ head: { since: minutesAgo(1) }, wishes: [makeWish({ kind: 'approve' })] })],
    ['an approval in the minute after a push', makeForkWorld({ head: { since: minutesAgo(2.9) }, wishes: [makeWish({ kind: 'approve' })] })],
    [
      'an approval while the head was another one for a moment',
      makeForkWorld({ head: { since: undefined as never }, wishes: [makeWish({ kind: 'approve' })] }),
    ],
    ['an approval by a button of the older commit', makeForkWorld({ wishes: [makeButtonWish({ kind: 'approve' }, { commit: OLD })] })],
    ['an approval by its author', makeForkWorld({ wishes: [makeWish({ kind: 'approve' }, { by: GANON, access: 'read' })] })],
    ['an approval by a bot that may write', makeForkWorld({ wishes: [makeWish({ kind: 'approve' }, { by: { login: 'helper[bot]', kind: 'bot' } })] })],
    ['a run that its author asks for', makeForkWorld({ wishes: [makeWish(AGAIN, { by: GANON, access: 'none' })] })],
    ['a run that a writer asks for before approving', makeForkWorld({ wishes: [makeWish(AGAIN)] })],
    ['a commit message with a command', makeForkWorld({ head: { message: '/ctss approve\n/ctss run --again' } })],
    ['a commit message that asks to be skipped', makeForkWorld({ head: { message: '[skip ctss]' } })],
    ['a bot that is not trusted', makeWorld({ head: { pusher: { login: 'dependabot[bot]', kind: 'bot', access: 'write' } } })],
    ['a person with the name of a trusted bot', makeWorld({ head: { pusher: { login: 'renovate', kind: 'person', access: 'read' } } })],
    ['a bot with Cyrillic letters', makeWorld({ head: { pusher: { login: 'ren\u043evate[bot]', kind: 'bot', access: 'write' } } })],
    ['a push of somebody who lost the right', makeWorld({ head: { pusher: { ...GANON, access: 'none' } } })],
    ['a push that nobody was told of', makeWorld({ head: { pusher: undefined } })],
    ['a queued run of somebody who lost the right', makeWorld({ head: { pusher: { ...GANON, access: 'none' } }, runs: [makeQueuedRun()] })],
    ['a queued run of an approval that is gone', makeForkWorld({ runs: [makeQueuedRun({ ref: 'refs/pull/7/head', trust: 'untrusted' })] })],
    ['a branch in the folder of the merge queue', makeWorld({ ref: 'refs/heads/gh-readonly-queue/main/x', head: { pusher: { ...GANON, access: 'read' } } })],
    ['a tag by a reader', makeTagWorld({ head: { pusher: { ...GANON, access: 'read' } } })],
    ['a tag of a fork’s commit', makeTagWorld({ tag: { firstCommit: HEAD, release: 'none', isReachableFromBranch: false } })],
    ['a tag that was moved after its release', makeTagWorld({ tag: { firstCommit: OLD, release: 'whole', isReachableFromBranch: true } })],
    ['a tag that nobody has looked at', makeTagWorld({ tag: undefined as never })],
    ['an archived repository', makeWorld({ repository: { isArchived: true }, wishes: [makeWish(AGAIN)] })],
    ['a repository that the app has left', makeWorld({ repository: { installation: { kind: 'removed' } }, wishes: [makeWish(AGAIN)] })],
    ['a fork’s commit that passed elsewhere', makeForkWorld({ runs: [makeEndedRun('passed', { trust: 'trusted' })] })],
    ['a fork that opens somebody’s commit', makeForkWorld({ head: { isBranchHead: true } })],
    ['a writer of a repository that is nobody’s business here', makeWorld({ policy: STRANGERS, plugins: UNTRUSTED })],
    ['an approval by such a writer', makeWorld({ policy: STRANGERS, plugins: UNTRUSTED, wishes: [makeButtonWish({ kind: 'approve' })] })],
    ['an approval of before', makeForkWorld({ policy: STRANGERS, approvals: [{ ...APPROVAL, commit: HEAD }] })],
    ['a run that such a writer asks for', makeWorld({ policy: STRANGERS, plugins: UNTRUSTED, wishes: [makeWish(AGAIN)] })],
    ['a queued run of an owner who is listed no more', makeWorld({ policy: STRANGERS, plugins: UNTRUSTED, runs: [makeQueuedRun()] })],
    ['a tag in such a repository', makeTagWorld({ policy: STRANGERS })],
    ['a tag there that nobody is known to have pushed', makeTagWorld({ policy: STRANGERS, head: { pusher: undefined } })],
    ['a merge queue there', makeWorld({ policy: STRANGERS, plugins: UNTRUSTED, ref: 'refs/heads/gh-readonly-queue/main/x', head: { pusher: QUEUE } })],
    ['a budget that is spent', makeWorld({ budget: { ownerMinutes: 99_999 }, runs: [makeQueuedRun()] })],
  ])('%s', (_, world) => {
    expect(spending(world)).toEqual([])
  })

  it.each<readonly [string, readonly WishFacts[]]>([
    ['a quoted command', wishesOf({ body: '> /ctss approve' }, 'write')],
    ['a command under a quotation', wishesOf({ body: '> so I wrote\n/ctss approve' }, 'write')],
    ['a command in code', wishesOf({ body: '```\n/ctss approve\n```' }, 'write')],
    ['an edited comment', wishesOf({ body: '/ctss approve' }, 'write', { action: 'edited' })],
    ['a comment that another account sends', wishesOf({ body: '/ctss approve' }, 'write', { sender: { login: 'ganon', type: 'User' } })],
    ['an app in a writer’s name', wishesOf({ body: '/ctss approve', performed_via_github_app: { id: 1 } }, 'write')],
    ['a bot', wishesOf({ body: '/ctss approve', user: { login: 'helper[bot]', type: 'Bot' } }, 'write')],
    ['a shortened commit', wishesOf({ body: `/ctss approve ${HEAD.slice(0, 12)}` }, 'write')],
    ['an older commit', wishesOf({ body: `/ctss approve ${OLD}` }, 'write')],
    ['an account that is gone', wishesOf({ body: '/ctss approve', user: null }, 'write')],
  ])('%s', (_, wishes) => {
    expect(spending(makeForkWorld({ wishes }))).toEqual([])
  })

  it('a plan for trusted runs that a fork’s commit got by mistake is a bug, and runs nothing', () => {
    const approvals = [{ ...APPROVAL, commit: HEAD }]
    expect(() => decideRef(makeForkWorld({ approvals, plugins: [makePlugin()] }))).toThrow('was made for a run that is trusted')
    expect(() => decideRef(makeWorld({ plugins: [makePlugin({ plan: makePlan({ release: true }) })] }))).toThrow(
      'was made for a run that is trusted and releases',
    )
  })

  it('fifty pull requests of forks at once', () => {
    const service = new SimulatedService()
    for (let number = 1; number <= 50; number += 1) {
      const ref = `refs/pull/${number}/head`
      const commit = String(number).padStart(40, 'a')
      service.truth.commits.set(commit, { '': {} })
      service.truth.refs.set(ref, commit)
      service.truth.pulls.set(number, { number, ref, isDraft: false, isFork: true, author: GANON, baseBranch: 'main' })
      service.tell({ ref, pushed: { commit, by: GANON, at: minutesAgo(300) } })
    }
    service.settle()
    expect(service.runs).toEqual([])
    expect(service.checks.size).toBe(350)
  })
})

describe('a stranger changes nothing of what is said about others', () => {
  it('by opening a pull request with the commit of a branch', () => {
    expect(decideRef(makeForkWorld({ head: { isBranchHead: true } })).actions).toEqual([])
  })

  it('by a pull request that ours has the number of', () => {
    expect(decideRef(makeWorld({ ref: 'refs/pull/7/head' })).actions).toEqual([])
  })

  it('and gets no verdict that passes for a message that asks to be skipped', () => {
    const { actions } = decideRef(makeForkWorld({ head: { message: '[skip ctss]' } }))
    const checks = actions.flatMap((action) => (action.kind === 'put-check' ? [action.check] : []))
    expect(checks.find(({ name }) => name === 'ctss')?.state).toEqual({ status: 'completed', conclusion: 'action_required' })
    expect(checks.find(({ name }) => name === 'ctss / build')?.state).toEqual({ status: 'queued' })
  })

  it('and passes only on what untrusted runs have found', () => {
    const { actions } = decideRef(makeForkWorld({ plugins: [makePlugin({ stages: passedStages(), plan: makeReusePlan({ trust: 'untrusted' }) })] }))
    expect(actions.flatMap((action) => (action.kind === 'put-check' && action.check.name === 'ctss' ? [action.check.state] : []))).toEqual([
      { status: 'completed', conclusion: 'success' },
    ])
  })
})
