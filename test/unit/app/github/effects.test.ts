import { describe, expect, it } from 'vitest'
import { answerWish } from '../../../../app/github/answer-wish.ts'
import { dispatchRun } from '../../../../app/github/dispatch-run.ts'
import { machineMinutes } from '../../../../app/github/end-run.ts'
import { fetchRecords } from '../../../../app/github/fetch-records.ts'
import type { ActContext } from '../../../../app/github/services.ts'
import { suggestFixes } from '../../../../app/github/suggest-fixes.ts'
import { digestOf } from '../../../../pipeline/digest.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import type { SuggestedFix } from '../../../../pipeline/service/world.ts'
import { makeAppWorld, WRITER, type AppWorld } from '../../../support/app-world.ts'
import { makeZip } from '../../../support/make-zip.ts'
import { makeRunPlan } from '../../../support/run-plan.ts'
import { makeRecord, SUBJECT } from '../../../support/stage-record.ts'

const REF = 'refs/heads/main'

/** What an action is carried out with, without an observation. */
function contextOf(world: AppWorld, changes: Partial<ActContext['world']> = {}): ActContext {
  const { services, repository } = world
  const installed = { installation: 1, id: repository.id, owner: 'sage', name: 'plugin' }
  const bare = { now: services.clock.now(), ref: REF, wishes: [], runs: [], plugins: [], ...changes }
  return {
    services,
    address: { repository: repository.id, ref: REF },
    repository: installed,
    // Only what the action looks at.
    world: bare as unknown as ActContext['world'],
    plugins: [],
    forge: services.forge.open(installed),
    control: services.forge.openControl(),
    signal: new AbortController().signal,
  }
}

async function makeRun({ services, repository }: AppWorld, path = '') {
  return services.state.createRun({
    id: '01a20057-1ad3-752b-aa95-807d26678ceb',
    repository: repository.id,
    ref: REF,
    commit: SUBJECT.commit!,
    path,
    trust: 'trusted',
    release: false,
    plan: makeRunPlan(),
    cause: 'push',
    now: services.clock.now(),
  })
}

function loseAnswer(world: AppWorld, method: string, when: 'before' | 'after'): void {
  let isLost = false
  world.github.onCall = (call, isDone) => {
    if (isLost || isDone !== (when === 'after') || !call.startsWith(method)) return
    isLost = true
    throw new Failure('forge-unavailable', 'the connection was cut')
  }
}

describe('a dispatch', () => {
  it('starts the workflow with what it needs, and nothing of the plan', async () => {
    await using world = await makeAppWorld()
    const { id } = await makeRun(world, 'plugins/bird')
    await dispatchRun(contextOf(world), { kind: 'dispatch', run: id, dispatch: 1, reason: '' })
    expect(world.github.runs.map(({ inputs }) => inputs)).toEqual([
      { registry: 'registry.test', repository: 'sage/plugin', commit: SUBJECT.commit, plan: id, app: 'https://ctss.example', path: 'plugins/bird' },
    ])
    expect(await world.services.state.run(id)).toMatchObject({ state: 'dispatched', dispatches: 1, workflowRun: world.github.runs[0]!.id })
  })

  it.each(['before', 'after'] as const)('whose connection is cut %s it was carried out is there once', async (when) => {
    await using world = await makeAppWorld()
    const { id } = await makeRun(world)
    loseAnswer(world, 'control.dispatch', when)
    const action = { kind: 'dispatch', run: id, dispatch: 1, reason: '' } as const
    await expect(dispatchRun(contextOf(world), action)).rejects.toMatchObject({ code: 'forge-unavailable' })
    for (let times = 0; times < 2; times += 1) await dispatchRun(contextOf(world), action)
    expect(world.github.runs).toHaveLength(1)
    expect(await world.services.state.run(id)).toMatchObject({ state: 'dispatched', workflowRun: world.github.runs[0]!.id })
  })

  it('the second time cancels the first, and is not taken for it', async () => {
    await using world = await makeAppWorld()
    const { id } = await makeRun(world)
    await dispatchRun(contextOf(world), { kind: 'dispatch', run: id, dispatch: 1, reason: '' })
    loseAnswer(world, 'control.dispatch', 'before')
    const second = { kind: 'dispatch', run: id, dispatch: 2, reason: '' } as const
    await expect(dispatchRun(contextOf(world), second)).rejects.toMatchObject({ code: 'forge-unavailable' })
    await dispatchRun(contextOf(world), second)
    expect(world.github.runs.map(({ conclusion }) => conclusion)).toEqual(['cancelled', null])
    expect(await world.services.state.run(id)).toMatchObject({ dispatches: 2, workflowRun: world.github.runs[1]!.id })
  })

  it.each(['nobody-knows', 'ended'])('of a run that is %s does nothing', async (kind) => {
    await using world = await makeAppWorld()
    const { id } = await makeRun(world)
    if (kind === 'ended') await world.services.state.moveRun(id, { state: 'ended', outcome: 'cancelled', now: world.services.clock.now() })
    expect(await dispatchRun(contextOf(world), { kind: 'dispatch', run: kind === 'ended' ? id : 'nobody-knows', dispatch: 1, reason: '' })).toEqual({
      changed: false,
    })
    expect(world.github.calls).toEqual([])
  })
})

describe('machine time', () => {
  it('counts each begun minute of each job', () => {
    const job = { id: 1, name: 'x', status: 'completed', conclusion: 'success', runner: null, step: null } as const
    const jobs = [
      { ...job, started: '2026-11-21T12:00:00Z', ended: '2026-11-21T12:00:01Z' },
      { ...job, started: '2026-11-21T12:00:00Z', ended: '2026-11-21T12:02:00Z' },
      { ...job, started: '2026-11-21T12:00:00Z', ended: null },
      { ...job, started: null, ended: null },
    ]
    expect(machineMinutes({ jobs }, '2026-11-21T12:04:30Z')).toBe(1 + 2 + 5)
  })

  it.each([
    ['was skipped', 'skipped', null, 0],
    ['was cancelled while it waited', 'cancelled', null, 0],
    ['was cancelled on its machine', 'cancelled', 'node-1', 5],
  ])('of a job that %s', (_, conclusion, runner, minutes) => {
    const times = { started: '2026-11-21T12:00:00Z', ended: '2026-11-21T12:05:00Z' }
    const job = { id: 1, name: 'x', status: 'completed', conclusion, runner, ...times, step: null } as const
    expect(machineMinutes({ jobs: [job] }, '2026-11-21T13:00:00Z')).toBe(minutes)
  })
})

const FILE = Buffer.from('messages\n')
const FILE_DIGEST = digestOf(FILE)
const BUILD = makeRecord('virtual', { files: [{ role: 'messages', digest: FILE_DIGEST, bytes: FILE.length, mediaType: 'text/plain' }] })

describe('records that a run has left as artifacts', () => {
  async function fetchFrom(world: AppWorld, artifacts: Readonly<Record<string, Buffer>>) {
    const { id } = await makeRun(world)
    await dispatchRun(contextOf(world), { kind: 'dispatch', run: id, dispatch: 1, reason: '' })
    world.github.runs[0]!.artifacts.push(...Object.entries(artifacts).map(([name, zip], index) => ({ id: 70 + index, name, bytes: zip.length, zip })))
    await fetchRecords(contextOf(world), { kind: 'fetch-records', run: id, reason: '' })
    const run = await world.services.state.run(id)
    return { run, records: await world.services.state.recordsOfRun(id) }
  }
  const zipOf = (record: unknown, files: Readonly<Record<string, Buffer>> = { [`blobs/${FILE_DIGEST.slice(7)}`]: FILE }): Buffer =>
    makeZip({ 'record.json': JSON.stringify(record), ...files })

  it('are taken with their files', async () => {
    await using world = await makeAppWorld()
    const { run, records } = await fetchFrom(world, { 'ctss-virtual': zipOf(BUILD), 'ctss-plan': Buffer.from('x'), source: Buffer.from('x') })
    expect(records).toEqual([BUILD])
    expect(run?.delivered).toBeDefined()
    expect(await world.services.blobs.get(FILE_DIGEST)).toEqual(FILE)
  })

  it.each([
    ['is no zip', Buffer.from('x')],
    ['has no record', makeZip({ other: 'x' })],
    ['has a record that is none', makeZip({ 'record.json': '{"schema": "x"}' })],
    ['has a record of another commit', zipOf({ ...BUILD, subject: { ...SUBJECT, commit: 'b'.repeat(40) } })],
    ['has a record of another tree', zipOf({ ...BUILD, subject: { ...SUBJECT, tree: digestOf('other') } })],
    ['has a record of a changed folder', zipOf({ ...BUILD, subject: { ...SUBJECT, dirty: true } })],
    ['has a record of a stage that was not to run', zipOf(makeRecord('node'))],
    ['has a file with another content', zipOf(BUILD, { [`blobs/${FILE_DIGEST.slice(7)}`]: Buffer.from('other') })],
    [
      'names an image that is nowhere',
      zipOf(
        makeRecord('build', { details: { kind: 'build', repository: 'evil.example/x', index: digestOf('x'), platforms: [], bases: [], steps: [] } as never }),
      ),
    ],
  ])('are left where an artifact %s, and the run counts as delivered', async (_, zip) => {
    await using world = await makeAppWorld()
    const { run, records } = await fetchFrom(world, { 'ctss-virtual': zip })
    expect(records).toEqual([])
    expect(run?.delivered).toBeDefined()
    expect(await world.services.blobs.get(digestOf('other'))).toBeUndefined()
  })

  it('are taken of an earlier run where the run says that it goes on with them', async () => {
    await using world = await makeAppWorld()
    const earlier = { ...BUILD, subject: { ...SUBJECT, commit: 'b'.repeat(40), tree: digestOf('other') } }
    const { commit, tree } = SUBJECT
    const zip = makeZip({
      'record.json': JSON.stringify(earlier),
      'reused-for.json': JSON.stringify({ commit, tree }),
      [`blobs/${FILE_DIGEST.slice(7)}`]: FILE,
    })
    const { records } = await fetchFrom(world, { 'ctss-virtual': zip })
    expect(records).toEqual([earlier])
  })

  it('are left where there are two of one stage', async () => {
    await using world = await makeAppWorld()
    const { run, records } = await fetchFrom(world, { 'ctss-virtual': zipOf(BUILD), 'ctss-virtual-2': zipOf(BUILD) })
    expect(records).toEqual([])
    expect(run?.delivered).toBeDefined()
  })

  it('are not asked for where the artifact is too large, or the run has delivered', async () => {
    await using world = await makeAppWorld()
    const { run } = await fetchFrom(world, {})
    const before = world.github.calls.length
    await fetchRecords(contextOf(world), { kind: 'fetch-records', run: run!.id, reason: '' })
    expect(world.github.calls).toHaveLength(before)
  })
})

const FIX: SuggestedFix = { code: 'CTSS-M001', message: 'Write it so.', file: 'sage.yaml', startLine: 2, endLine: 3, replacement: 'version: "1.0.0"\n```' }

describe('suggestions', () => {
  it('are made once for a problem, whatever commits follow', async () => {
    await using world = await makeAppWorld()
    for (const commit of ['a', 'b'])
      await suggestFixes(contextOf(world), {
        kind: 'suggest',
        pullRequest: 1,
        commit,
        fixes: [FIX, { ...FIX, startLine: commit === 'a' ? 9 : 5, file: 'ctss.yaml' }],
        reason: '',
      })
    expect(world.repository.reviews).toHaveLength(1)
    expect(world.repository.reviews[0]!.bodies).toHaveLength(2)
    expect(world.repository.reviews[0]!.bodies[0]).toContain('````suggestion\nversion: "1.0.0"\n```\n````')
  })

  it('that are equal stand at each of their lines, and are told apart', async () => {
    await using world = await makeAppWorld()
    const fixes = [FIX, { ...FIX, startLine: FIX.startLine + 4, endLine: FIX.endLine + 4 }]
    for (const commit of ['a', 'b']) await suggestFixes(contextOf(world), { kind: 'suggest', pullRequest: 1, commit, fixes, reason: '' })
    const [bodies, ...others] = world.repository.reviews.map((review) => review.bodies)
    expect(others).toEqual([])
    expect(new Set(bodies?.map((body) => body.split('\n')[0]))).toHaveLength(2)
    expect(world.github.calls.map((call) => call.split(' ')[0])).toEqual(['suggest'])
  })

  it('stand only at lines that the pull request changes, and are not tried again', async () => {
    await using world = await makeAppWorld()
    world.repository.diff = new Set(['sage.yaml:3'])
    for (let times = 0; times < 2; times += 1)
      await suggestFixes(contextOf(world), { kind: 'suggest', pullRequest: 1, commit: 'a', fixes: [FIX, { ...FIX, file: 'Dockerfile' }], reason: '' })
    expect(world.repository.reviews.map(({ bodies }) => bodies.length)).toEqual([1])
    expect(world.github.calls.filter((call) => call.startsWith('suggest'))).toHaveLength(3)
  })

  it.each(['before', 'after'] as const)('are there once where the connection is cut %s they are made', async (when) => {
    await using world = await makeAppWorld()
    loseAnswer(world, 'suggest', when)
    const action = { kind: 'suggest', pullRequest: 1, commit: 'a', fixes: [{ ...FIX, replacement: '' }], reason: '' } as const
    await expect(suggestFixes(contextOf(world), action)).rejects.toMatchObject({ code: 'forge-unavailable' })
    for (let times = 0; times < 2; times += 1) await suggestFixes(contextOf(world), action)
    expect(world.repository.reviews).toHaveLength(1)
  })
})

describe('an answer', () => {
  const wish = { id: 'comment:5', what: { kind: 'help' } as const, by: WRITER, at: '2026-11-21T12:00:00.000Z', comment: { id: 900, issue: 1 } }
  const action = { kind: 'answer', wish: wish.id, reaction: '+1', text: 'This is how.', reason: '' } as const
  const asked = (world: AppWorld): ActContext => contextOf(world, { wishes: [{ wish, access: 'write' }] })
  const prepare = (world: AppWorld): void => {
    world.repository.forge.heads.set(1, 'a')
    world.repository.forge.comments.set(1, [{ id: 900, author: 'octocat', body: '/ctss help', url: '' }])
  }

  it.each(['before', 'after'] as const)('is given once where the connection is cut %s it is written', async (when) => {
    await using world = await makeAppWorld()
    prepare(world)
    loseAnswer(world, 'createComment', when)
    await expect(answerWish(asked(world), action)).rejects.toMatchObject({ code: 'forge-unavailable' })
    for (let times = 0; times < 2; times += 1) await answerWish(asked(world), action)
    expect(world.repository.forge.comments.get(1)!.map(({ body }) => body.split('\n').at(-1))).toEqual(['/ctss help', 'This is how.'])
    expect([...world.repository.reactions]).toEqual(['900 +1'])
  })

  it('is not owed to somebody who has deleted his comment', async () => {
    await using world = await makeAppWorld()
    await world.services.state.putWish({ repository: world.repository.id, ref: REF }, wish)
    await answerWish(asked(world), action)
    expect(await world.services.state.openWishes({ repository: world.repository.id, ref: REF })).toEqual([])
  })

  it('is silent where nobody asked in a comment', async () => {
    await using world = await makeAppWorld()
    await answerWish(contextOf(world), action)
    expect(world.github.calls).toEqual([])
  })
})
