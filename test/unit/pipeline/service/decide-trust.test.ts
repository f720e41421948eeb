import { describe, expect, it } from 'vitest'
import { approvalNumberOf, decideTrust, pullRequestsOf, trustClassOf } from '../../../../pipeline/service/decide-trust.ts'
import { kindOfRef, nameOfRef, versionOfTag } from '../../../../pipeline/service/ref-kind.ts'
import type { Access, Account } from '../../../../pipeline/service/world.ts'
import { COMMITS, makeForkWorld, makeTagWorld, makeWorld, NOW } from '../../../support/ref-world.ts'

function pusher(login: string, kind: Account['kind'], access: Access): Account & { readonly access: Access } {
  return { login, kind, access }
}

const APPROVAL = { pullRequest: 7, commit: COMMITS[1], by: 'zelda', at: NOW }

describe('a branch', () => {
  it.each([
    ['of a writer', pusher('zelda', 'person', 'write'), 'trusted'],
    ['of a reader', pusher('zelda', 'person', 'read'), 'held'],
    ['of a stranger', pusher('zelda', 'person', 'none'), 'held'],
    ['of a trusted bot', pusher('renovate[bot]', 'bot', 'none'), 'trusted'],
    ['of a person with the name of a trusted bot', pusher('renovate[bot]', 'person', 'none'), 'held'],
    ['of a bot that may write, and is not trusted', pusher('dependabot[bot]', 'bot', 'write'), 'held'],
    ['of a bot whose name is written otherwise', pusher('Renovate[bot]', 'bot', 'write'), 'held'],
    ['of a bot whose name only looks the same', pusher('ren\u043evate[bot]', 'bot', 'write'), 'held'],
    ['of a bot whose name is longer', pusher('renovate[bot][bot]', 'bot', 'write'), 'held'],
    ['of the merge queue outside of it', pusher('github-merge-queue[bot]', 'bot', 'none'), 'held'],
    ['of nobody known', undefined, 'held'],
  ])('%s is %s', (_, by, kind) => {
    const decision = decideTrust(makeWorld({ head: { pusher: by as never } }))
    expect(decision.kind).toBe(kind)
    expect(trustClassOf(decision)).toBe(kind === 'trusted' ? 'trusted' : 'untrusted')
  })

  it('of the merge queue is trusted when its bot pushed it', () => {
    const ref = 'refs/heads/gh-readonly-queue/main/pr-7'
    expect(decideTrust(makeWorld({ ref, head: { pusher: pusher('github-merge-queue[bot]', 'bot', 'none') } })).kind).toBe('trusted')
    expect(decideTrust(makeWorld({ ref, head: { pusher: pusher('github-merge-queue[bot]', 'person', 'none') } })).kind).toBe('held')
  })

  it('that is gone is not trusted', () => {
    expect(decideTrust(makeWorld({ head: null })).kind).toBe('held')
  })
})

describe('a fork', () => {
  it('is not trusted, whoever pushed it', () => {
    expect(decideTrust(makeForkWorld({ head: { pusher: pusher('zelda', 'person', 'write') } })).kind).toBe('held')
    expect(decideTrust(makeForkWorld({ head: { pusher: pusher('renovate[bot]', 'bot', 'write') } })).kind).toBe('held')
  })

  it.each([
    ['this commit', APPROVAL, 'approved'],
    ['an older commit', { ...APPROVAL, commit: COMMITS[0] }, 'held'],
    ['the beginning of its id', { ...APPROVAL, commit: COMMITS[1].slice(0, 7) }, 'held'],
    ['this commit in another pull request', { ...APPROVAL, pullRequest: 8 }, 'held'],
    ['this commit in a branch without pull request', { ...APPROVAL, pullRequest: 0 }, 'held'],
  ])('for which %s was approved', (_, approval, kind) => {
    const decision = decideTrust(makeForkWorld({ approvals: [approval] }))
    expect(decision.kind).toBe(kind)
    expect(trustClassOf(decision)).toBe('untrusted')
  })
})

describe('an approval of a branch', () => {
  const unknown = { head: { pusher: undefined } }

  it.each([[7], [0]])('under number %i counts', (pullRequest) => {
    expect(decideTrust(makeWorld({ ...unknown, approvals: [{ ...APPROVAL, pullRequest }] }))).toEqual({ kind: 'approved', by: 'zelda' })
  })

  it('under the number of a fork with a branch of the same name does not count', () => {
    expect(decideTrust(makeWorld({ ...unknown, pullRequests: [{ isFork: true }], approvals: [APPROVAL] })).kind).toBe('held')
  })

  it('never counts for a tag', () => {
    expect(decideTrust(makeTagWorld({ ...unknown, approvals: [{ ...APPROVAL, pullRequest: 0 }] })).kind).toBe('held')
  })
})

describe('a repository', () => {
  const policy = { owners: ['sage', 'sky-lab'] }

  it.each([
    ['a branch of a writer', makeWorld({ policy })],
    ['a branch that was approved', makeWorld({ policy, head: { pusher: undefined }, approvals: [APPROVAL] })],
    ['a fork that was approved', makeForkWorld({ policy, approvals: [APPROVAL] })],
    ['a tag of a writer', makeTagWorld({ policy })],
  ])('of somebody whom the operator does not list spends nothing, and nobody there can change it: %s', (_, world) => {
    expect(decideTrust(world)).toEqual({
      kind: 'held',
      reason: 'This service runs no machines for `zelda`: its operator lists whose plugins it runs (OWNERS).',
      isFinal: true,
    })
  })

  it.each([
    ['listed', ['zelda'], 'zelda', 'trusted'],
    ['listed, written otherwise', ['zelda'], 'ZelDa', 'trusted'],
    ['named like one who is listed', ['zelda'], 'zelda-2', 'held'],
    ['anybody', undefined, 'ganon', 'trusted'],
    ['anybody, where nobody is listed', [], 'zelda', 'held'],
  ])('of somebody who is %s', (_, owners, owner, kind) => {
    expect(decideTrust(makeWorld({ policy: { owners }, repository: { owner } })).kind).toBe(kind)
  })

  it('counts, not the one that a fork is', () => {
    expect(decideTrust(makeForkWorld({ policy: { owners: ['zelda'] }, approvals: [APPROVAL] }))).toEqual({ kind: 'approved', by: 'zelda' })
  })
})

describe('pull requests of a ref', () => {
  it('of a branch are those from the repository', () => {
    expect(pullRequestsOf(makeWorld({ pullRequests: [{ number: 7 }, { number: 8, isFork: true }] })).map(({ number }) => number)).toEqual([7])
  })

  it('of a fork are the one that it is', () => {
    const pullRequests = [{ number: 7, isFork: true }, { number: 8, isFork: true }, { number: 9 }]
    expect(pullRequestsOf(makeForkWorld({ pullRequests })).map(({ number }) => number)).toEqual([7])
  })

  it('give approvals their number', () => {
    expect(approvalNumberOf(makeWorld({ pullRequests: [] }))).toBe(0)
    expect(approvalNumberOf(makeWorld())).toBe(7)
    expect(approvalNumberOf(makeForkWorld({ ref: 'refs/pull/12/head' }))).toBe(12)
  })
})

describe('a ref', () => {
  it.each([
    ['refs/heads/main', 'default-branch', 'main'],
    ['refs/heads/mainly', 'branch', 'mainly'],
    ['refs/heads/gh-readonly-queue/main/pr-1', 'merge-queue', 'gh-readonly-queue/main/pr-1'],
    ['refs/heads/refs/tags/v1.0.0', 'branch', 'refs/tags/v1.0.0'],
    ['refs/tags/v1.0.0', 'tag', 'v1.0.0'],
    ['refs/tags/heads/main', 'tag', 'heads/main'],
    ['refs/pull/7/head', 'fork', 'pull request 7'],
  ])('%s is a %s', (ref, kind, name) => {
    expect(kindOfRef(ref, 'main')).toBe(kind)
    expect(nameOfRef(ref)).toBe(name)
  })

  it.each([
    ['v1.2.3', '1.2.3'],
    ['1.2.3', '1.2.3'],
    ['v1.2.3-rc.1', '1.2.3-rc.1'],
    ['1.2.3rc1', '1.2.3rc1'],
    ['v1.2.3+build.5', '1.2.3+build.5'],
    ['v1', undefined],
    ['v1.2', undefined],
    ['release-1.2.3', undefined],
    ['vv1.2.3', undefined],
    ['v1.2.3;rm', undefined],
    ['v1.2.3/x', undefined],
    [`v1.2.3-${'x'.repeat(128)}`, undefined],
    ['latest', undefined],
  ])('tag %s names version %s', (tag, version) => {
    expect(versionOfTag(`refs/tags/${tag}`)).toBe(version)
    expect(versionOfTag(`refs/heads/${tag}`)).toBeUndefined()
  })
})
