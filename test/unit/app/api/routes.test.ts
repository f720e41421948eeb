import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readdirSync } from 'node:fs'
import { generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { openIdentities } from '../../../../app/api/job-identity.ts'
import { digestOf } from '../../../../pipeline/digest.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import { makeRecord } from '../../../support/stage-record.ts'
import { makeRunPlan } from '../../../support/run-plan.ts'
import { CLAIMS, makeJobWorld, passedRecords, PUBLIC_URL, REPOSITORY, WORKFLOW } from '../world.ts'

const NOWHERE = '0198a5c0-0000-4000-8000-0000000000ff'
const NOW_SECONDS = Date.parse('2026-11-21T12:00:00.000Z') / 1000

describe('the plan', () => {
  it('is given to the first job that comes, and as often as it asks', async () => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const token = await world.token()
    const first = await world.send('GET', `/runs/${run.id}/plan`, { token })
    const again = await world.send('GET', `/runs/${run.id}/plan`, { token })
    expect([first.status, await first.json(), again.status]).toEqual([200, run.plan, 200])
    expect(await world.state.run(run.id)).toMatchObject({ claim: { workflowRun: 9001, attempt: 1 } })
    expect(world.deliveries[0]).toEqual({ id: `claim/${run.id}/9001/1`, address: { repository: REPOSITORY, ref: 'refs/heads/main' }, cause: 'claim' })
    expect(world.lines.join('')).toContain('"runner":"github-hosted"')
    expect(world.lines.join('')).toContain(run.id)
  })

  it.each([
    ['another workflow run', { run_id: '9002' }],
    ['another attempt', { run_attempt: '2' }],
  ])('is refused to %s once it is claimed', async (_, claims) => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    await world.claim(run)
    const answer = await world.send('GET', `/runs/${run.id}/plan`, { token: await world.token(claims) })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([409, 'application/problem+json'])
  })

  it.each([
    ['the one that was dispatched', 9001, 200],
    ['a later dispatch, whose number is not written down yet', 9003, 200],
    ['an earlier dispatch', 8999, 409],
    ['one that was dispatched for another run', 9002, 409],
  ])('of a run that was dispatched is given to nobody but its own workflow run: %s', async (_, workflowRun, status) => {
    const world = await makeJobWorld()
    const [run, other] = [await world.makeRun(), await world.makeRun()]
    await world.state.moveRun(other.id, { state: 'dispatched', now: '2026-11-21T12:00:00.000Z', dispatches: 2, workflowRun: 9002 })
    const answer = await world.send('GET', `/runs/${run.id}/plan`, { token: await world.token({ run_id: String(workflowRun) }) })
    expect(answer.status).toBe(status)
  })

  it('is given to the job of a dispatch that is written down while it asks', async () => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const asked = world.state.runOfWorkflow
    world.state.runOfWorkflow = async (workflowRun) => {
      await world.state.moveRun(run.id, { state: 'dispatched', now: '2026-11-21T12:00:00.000Z', dispatches: 2, workflowRun })
      return asked(workflowRun)
    }
    expect((await world.send('GET', `/runs/${run.id}/plan`, { token: await world.token({ run_id: '9003' }) })).status).toBe(200)
  })

  it('is gone when the run has ended', async () => {
    const world = await makeJobWorld()
    const [unclaimed, claimed] = [await world.makeRun(), await world.makeRun()]
    const token = await world.claim(claimed)
    for (const { id } of [unclaimed, claimed]) await world.state.moveRun(id, { state: 'ended', now: '2026-11-21T12:00:00.000Z', outcome: 'cancelled' })
    expect((await world.send('GET', `/runs/${unclaimed.id}/plan`, { token })).status).toBe(410)
    expect((await world.state.run(unclaimed.id))?.claim).toBeUndefined()
    expect((await world.send('GET', `/runs/${claimed.id}/plan`, { token })).status).toBe(410)
  })
})

describe('a job', () => {
  it.each([
    ['without a token', undefined, 401],
    ['with no token at all', 'nonsense', 401],
  ])('%s is not known', async (_, token, status) => {
    const world = await makeJobWorld()
    const answer = await world.send('GET', `/runs/${NOWHERE}/plan`, token === undefined ? {} : { token })
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([status, 'Bearer'])
  })

  it.each([
    ['of another issuer', { iss: 'https://token.example.org' }, 401],
    ['for another service', { aud: 'https://other.example.org' }, 401],
    ['whose time is over', { exp: NOW_SECONDS - 61 }, 401],
    ['whose time has not begun', { nbf: NOW_SECONDS + 61 + 3600 }, 401],
    ['without an end', { exp: undefined }, 401],
    ['of another repository', { repository_id: '203' }, 403],
    ["of the repository's own workflow", { job_workflow_ref: 'sage/control/.github/workflows/dispatch.yml@refs/heads/main' }, 403],
    ['of another version of the workflow', { job_workflow_ref: WORKFLOW.replace('v1.0.0', 'v1.0.1') }, 403],
    ['of a look-alike', { job_workflow_ref: `${WORKFLOW}/x` }, 403],
    ['that was not dispatched', { event_name: 'push' }, 403],
    ['of no run', { run_id: 'x' }, 403],
    ['of no attempt', { run_attempt: undefined }, 403],
  ])('%s is refused before anything is looked up', async (_, claims, status) => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const token = await world.token(claims)
    const [known, unknown] = [await world.send('GET', `/runs/${run.id}/plan`, { token }), await world.send('GET', `/runs/${NOWHERE}/plan`, { token })]
    expect([known.status, unknown.status]).toEqual([status, status])
    expect(await known.text()).toBe(await unknown.text())
    expect((await world.state.run(run.id))?.claim).toBeUndefined()
  })

  it('may have a clock that is a minute apart', async () => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const token = await world.token({ nbf: NOW_SECONDS + 50, exp: NOW_SECONDS + 300 })
    expect((await world.send('GET', `/runs/${run.id}/plan`, { token })).status).toBe(200)
  })

  it('is refused with a signature of somebody else, and with another algorithm', async () => {
    const world = await makeJobWorld()
    const [others, weak] = [await generateKeyPair('RS256'), await generateKeyPair('PS256')]
    for (const token of [await world.token({}, others.privateKey), await world.token({}, weak.privateKey, 'PS256')])
      expect((await world.send('GET', `/runs/${NOWHERE}/plan`, { token })).status).toBe(401)
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(CLAIMS)).toString('base64url')}.`
    expect((await world.send('GET', `/runs/${NOWHERE}/plan`, { token: unsigned })).status).toBe(401)
  })

  it.each([
    ['plan', 'GET'],
    ['token', 'POST'],
    ['records', 'POST'],
  ])('learns nothing of runs that are not its own: %s', async (what, method) => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    await world.claim(run)
    const token = await world.token({ run_id: '9002' })
    const answers = await Promise.all(
      [run.id, NOWHERE, 'x', '..%2F'].map(async (id) => world.send(method, `/runs/${id}/${what}`, { token, body: method === 'POST' ? {} : undefined })),
    )
    // For the plan of a run that was dispatched twice, the job that comes second is told to end.
    expect(answers.map(({ status }) => status)).toEqual([what === 'plan' ? 409 : 404, 404, 404, 404])
    if (what !== 'plan') expect(new Set(await Promise.all(answers.map(async (answer) => answer.text()))).size).toBe(1)
  })

  it.each([
    ['cannot be reached', 'http://127.0.0.1:9'],
    ['answers something else', undefined],
  ])('waits where the issuer %s', async (_, issuer) => {
    const server = createServer((_request, response) => response.writeHead(500).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const identify = openIdentities({
      issuer: issuer ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      audience: PUBLIC_URL,
      controlRepository: async () => 1,
      dispatchWorkflows: [],
    })
    const world = await makeJobWorld()
    await expect(identify(await world.token())).rejects.toThrow(expect.objectContaining({ code: 'forge-unavailable' }))
    server.close()
  })
})

describe('the token', () => {
  it("is given once, for the run's own repository", async () => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const token = await world.claim(run)
    const [first, second] = [await world.send('POST', `/runs/${run.id}/token`, { token }), await world.send('POST', `/runs/${run.id}/token`, { token })]
    expect([first.status, await first.json(), first.headers.get('cache-control')]).toEqual([
      200,
      { token: `ghs_${REPOSITORY}`, expires: '2026-11-21T13:00:00Z' },
      'no-store',
    ])
    expect([second.status, await second.json()]).toMatchObject([409, { detail: 'this job has had its token' }])
    expect(world.lines.join('')).not.toContain('ghs_')
  })

  it('is given to one of two who ask at once', async () => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const token = await world.claim(run)
    const answers = await Promise.all([1, 2, 3].map(async () => world.send('POST', `/runs/${run.id}/token`, { token })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409])
  })

  it('may be asked for again where GitHub could not make one', async () => {
    let calls = 0
    const readToken = async (): Promise<{ token: string; expires: string }> => {
      if ((calls += 1) === 1) throw new Failure('forge-unavailable', 'down')
      return { token: 'ghs_x', expires: '' }
    }
    const world = await makeJobWorld({ forge: { readToken } })
    const run = await world.makeRun()
    const token = await world.claim(run)
    expect([
      (await world.send('POST', `/runs/${run.id}/token`, { token })).status,
      (await world.send('POST', `/runs/${run.id}/token`, { token })).status,
    ]).toEqual([500, 200])
  })

  it.each([
    ['the plan was not asked for', async () => undefined, 404],
    [
      'the run has ended',
      async (world: Awaited<ReturnType<typeof makeJobWorld>>, id: string) =>
        void (await world.state.moveRun(id, { state: 'ended', now: '2026-11-21T12:00:00.000Z' })),
      410,
    ],
    [
      'the app was removed',
      async (world: Awaited<ReturnType<typeof makeJobWorld>>) =>
        world.state.putRepository({ id: REPOSITORY, owner: 'zelda', name: 'x', installation: undefined, isSuspended: false }),
      410,
    ],
  ])('is refused where %s', async (what, prepare, status) => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    if (what !== 'the plan was not asked for') await world.claim(run)
    await prepare(world, run.id)
    expect((await world.send('POST', `/runs/${run.id}/token`, { token: await world.token() })).status).toBe(status)
    expect(world.tokens).toEqual([])
  })
})

describe('records', () => {
  it('wait for the files that they name, then count, once', async () => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const token = await world.claim(run)
    const asked = await world.records(run, passedRecords('weights'), token)
    const { missing } = (await asked.json()) as {
      missing: { digest: string; bytes: number; upload: { method: string; url: string; headers: Record<string, string> } }[]
    }
    const [file] = missing
    expect([asked.status, missing.length, file?.digest, file?.bytes, file?.upload.url]).toEqual([
      200,
      1,
      digestOf('weights'),
      7,
      `${PUBLIC_URL}/api/v1/runs/${run.id}/blobs/${digestOf('weights')}`,
    ])
    expect((await world.state.run(run.id))?.delivered).toBeUndefined()

    const path = file!.upload.url.slice(`${PUBLIC_URL}/api/v1`.length)
    const put = async (): Promise<number> =>
      (await world.send(file!.upload.method, path, { body: Buffer.from('weights'), headers: { ...file!.upload.headers, 'content-length': '7' } })).status
    expect([await put(), await put()]).toEqual([201, 204])

    const taken = await world.records(run, passedRecords('weights'), token)
    expect([taken.status, await taken.json()]).toEqual([201, { missing: [] }])
    expect(await world.state.run(run.id)).toMatchObject({ delivered: expect.any(String) })
    expect((await world.state.recordsOfRun(run.id)).map(({ stage }) => stage)).toEqual(['validate', 'train'])
    expect(await world.state.records(REPOSITORY, 'trusted').find(digestOf('train'))).toMatchObject({ stage: 'train' })
    expect(world.deliveries.at(-1)).toEqual({ id: `records/${run.id}`, address: { repository: REPOSITORY, ref: 'refs/heads/main' }, cause: 'records' })
    expect(readdirSync('/tmp/ctss-app-uploads')).toEqual([])
  })

  it('change nothing when they come again, or others after them', async () => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const token = await world.claim(run)
    world.blobs.set(digestOf('model'), Buffer.from('model'))
    expect((await world.records(run, passedRecords(), token)).status).toBe(201)
    const others = [makeRecord('train', { outcome: 'failed', ended: '2026-11-22T00:00:00.000Z' })]
    expect((await world.records(run, others, token)).status).toBe(201)
    expect((await world.state.recordsOfRun(run.id)).map(({ outcome }) => outcome)).toEqual(['passed', 'passed'])
    expect(await world.state.records(REPOSITORY, 'trusted').find(digestOf('train'))).toMatchObject({ outcome: 'passed' })
  })

  it('of an untrusted run are read by untrusted runs alone', async () => {
    const world = await makeJobWorld()
    const run = await world.makeRun({ trust: 'untrusted' })
    const token = await world.claim(run)
    expect((await world.records(run, [makeRecord('train')], token)).status).toBe(201)
    expect(await world.state.records(REPOSITORY, 'trusted').find(digestOf('train'))).toBeUndefined()
    expect(await world.state.records(REPOSITORY, 'untrusted').find(digestOf('train'))).toBeDefined()
  })

  it('of stages that an earlier run has made are not believed', async () => {
    const plan = makeRunPlan()
    const stages = plan.stages.map((planned) => (planned.stage === 'train' ? { ...planned, kind: 'reuse' as const, record: makeRecord('train') } : planned))
    const world = await makeJobWorld()
    const run = await world.makeRun({ plan: { ...plan, stages } })
    const token = await world.claim(run)
    expect((await world.records(run, [makeRecord('train', { outcome: 'failed' }), makeRecord('report')], token)).status).toBe(201)
    expect(await world.state.recordsOfRun(run.id)).toEqual([])
    expect(await world.state.records(REPOSITORY, 'trusted').find(digestOf('train'))).toBeUndefined()
  })

  it('are refused when the run has ended', async () => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const token = await world.claim(run)
    await world.state.moveRun(run.id, { state: 'ended', now: '2026-11-21T12:00:00.000Z' })
    expect((await world.records(run, [], token)).status).toBe(410)
  })

  it.each([
    ['more than 4 MiB', 'x'.repeat(4 * 2 ** 20 + 1), 413],
    ['no JSON', '{', 422],
    ['something else', '[]', 422],
  ])('are refused that are %s', async (_, text, status) => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const token = await world.claim(run)
    const answer = await world.routes.request(`/runs/${run.id}/records`, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: text })
    expect([answer.status, (await world.state.run(run.id))?.delivered]).toEqual([status, undefined])
  })
})

describe('an upload', () => {
  const DIGEST = digestOf('weights')

  it.each([
    ['another content of the same length', Buffer.from('WEIGHTS'), 422],
    ['less than it should', Buffer.from('weight'), 422],
    ['more than it should', Buffer.from('weights and more'), 422],
  ])('is refused that holds %s', async (_, body, status) => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const token = await world.claim(run)
    const asked = (await (await world.records(run, passedRecords('weights'), token)).json()) as { missing: { upload: { headers: Record<string, string> } }[] }
    const headers = { ...asked.missing[0]?.upload.headers, 'content-length': '7' }
    expect((await world.send('PUT', `/runs/${run.id}/blobs/${DIGEST}`, { body, headers })).status).toBe(status)
    expect(world.blobs.size).toBe(0)
  })

  it.each([
    ['without a ticket', {}],
    ["with a job's token", { authorization: 'token' }],
    ['of another length', { 'content-length': '8' }],
    ['without a length', { 'content-length': 'x' }],
  ])('is refused %s', async (_, change: Record<string, string>) => {
    const world = await makeJobWorld()
    const run = await world.makeRun()
    const token = await world.claim(run)
    const asked = (await (await world.records(run, passedRecords('weights'), token)).json()) as { missing: { upload: { headers: Record<string, string> } }[] }
    const authorization =
      change['authorization'] === 'token' ? `Bearer ${token}` : _ === 'without a ticket' ? '' : (asked.missing[0]?.upload.headers['authorization'] ?? '')
    const headers = { 'content-length': '7', ...change, authorization }
    expect((await world.send('PUT', `/runs/${run.id}/blobs/${DIGEST}`, { body: Buffer.from('weights'), headers })).status).toBe(401)
  })
})
