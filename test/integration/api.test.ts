import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readAppEnvironment } from '../../app/environment.ts'
import { openLog } from '../../app/log.ts'
import { startService, type RunningService } from '../../app/service.ts'
import { digestOf } from '../../pipeline/digest.ts'
import { startGithub } from '../support/github/github.ts'
import type { Github, WorkflowJob, WorkflowRun } from '../support/github/api.ts'
import { memoryServiceStore } from '../support/memory-service-store.ts'
import { makeRunPlan } from '../support/run-plan.ts'
import { makeRecord } from '../support/stage-record.ts'

const WORKFLOW = 'sage/ctss/.github/workflows/dispatch.yml@refs/tags/v1.0.0'
const DISPATCH = `name: Dispatch
run-name: \${{ inputs.repository }} · \${{ inputs.plan }}
on: { workflow_dispatch: { inputs: { repository: { required: true }, plan: {}, commit: {}, app: {}, path: {}, runner: {}, runners: {}, registry: {} } } }
jobs: { dispatch: { uses: ${WORKFLOW.replace('refs/tags/', '')} } }
`
const RUN = '0198a5c0-0000-4000-8000-000000000001'
const PUBLIC_URL = 'https://ctss.example.org'

let github: Github
let folder: string
let service: RunningService
let url: string
let run: WorkflowRun
let job: WorkflowJob
const store = memoryServiceStore()
const lines: string[] = []

/** The whole service, on a GitHub that signs tokens of jobs, makes those of installations, and delivers; a run that was dispatched. */
beforeAll(async () => {
  github = await startGithub({
    repositories: ['sage/plugin', { name: 'sage/control', isPrivate: true, files: { '.github/workflows/dispatch.yml': DISPATCH } }],
  })
  folder = mkdtempSync(join(tmpdir(), 'ctss-api-'))
  const environment = readAppEnvironment({
    PUBLIC_URL,
    OPERATOR_TOKEN: 'o'.repeat(40),
    STATE_FOLDER: folder,
    PORT: '0',
    GITHUB_URL: github.url,
    OIDC_ISSUER: github.oidc.url,
    APP_ID: String(github.app.id),
    PRIVATE_KEY: github.app.privateKey,
    WEBHOOK_SECRET: 'a secret that GitHub does not use any more',
    PREVIOUS_WEBHOOK_SECRET: github.app.webhookSecret.padEnd(16, '.'),
    LINK_SECRET: 'l'.repeat(40),
    CONTROL_REPOSITORY: 'sage/control',
    DISPATCH_WORKFLOW: WORKFLOW,
    REGISTRY: '127.0.0.1:9/sage',
  })
  const app = { ...environment.app!, webhookSecrets: [environment.app?.webhookSecrets[0] ?? '', github.app.webhookSecret] }
  service = await startService(
    { ...environment, app },
    { log: openLog('debug', { write: (line: string) => void lines.push(line) }), store, advance: async () => undefined, forge: { writeGapMs: 0 } },
  )
  url = `http://127.0.0.1:${service.port}`
  github.webhooks.connect(`${url}/api/github/webhooks`)

  const { commit } = await github.person('octocat').push('sage/plugin', 'main', { 'sage.yaml': 'name: counter\n' })
  await github.settle()
  const listed = await vi.waitFor(
    async () => (await store.state.repositories()).find(({ name }) => name === 'plugin') ?? { id: github.repo('sage/plugin').id },
    5000,
  )
  const installation = github.installation('sage')
  await store.state.putRepository({ id: listed.id, owner: 'sage', name: 'plugin', installation: installation.id, isSuspended: false })
  const plan = makeRunPlan()
  await store.state.createRun({
    id: RUN,
    repository: listed.id,
    ref: 'refs/heads/main',
    commit: plan.subject.commit ?? commit,
    path: '',
    trust: 'trusted',
    release: false,
    plan,
    cause: 'push',
    now: new Date().toISOString(),
  })

  const dispatched = await fetch(`${github.url}/repos/sage/control/actions/workflows/dispatch.yml/dispatches`, {
    method: 'POST',
    headers: { authorization: `Bearer ${installation.token()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ref: 'main', inputs: { repository: 'sage/plugin', plan: RUN, commit, app: PUBLIC_URL } }),
  })
  if (!dispatched.ok) throw new Error(`not dispatched: ${dispatched.status} ${await dispatched.text()}`)
  run = await vi.waitFor(() => github.actions.runs('sage/control')[0] ?? expect.fail('no run yet'), 5000)
  job = await run.job('dispatch / source')
  await job.start()
})

afterAll(async () => {
  await service?.stop()
  rmSync(folder, { recursive: true, force: true })
  await github?.[Symbol.asyncDispose]()
})

async function ask(method: string, path: string, token: string, body?: unknown): Promise<Response> {
  return fetch(`${url}/api/v1/runs/${RUN}/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

describe('a dispatched run, on GitHub', () => {
  it('was told of by a delivery that is signed with the secret before', () => {
    expect(lines.join('')).toMatch(/"delivery":"[^"]+","event":"push".*a delivery was kept/)
    expect(github.webhooks.deliveries.filter(({ event }) => event === 'push').length).toBeGreaterThan(0)
  })

  it.each([
    ['of a job of another workflow', { job_workflow_ref: 'sage/control/.github/workflows/dispatch.yml@refs/heads/main' }, 403],
    ['of another repository', { repository_id: '1' }, 403],
    ['of a push', { event_name: 'push' }, 403],
    ['of yesterday', { iat: 1, exp: 300, nbf: 1 }, 401],
  ])('gives nothing for a token %s', async (_, claims, status) => {
    expect((await ask('GET', 'plan', await job.idToken(PUBLIC_URL, claims))).status).toBe(status)
    expect((await store.state.run(RUN))?.claim).toBeUndefined()
  })

  it('gives nothing for a token that was asked for another service', async () => {
    expect((await ask('GET', 'plan', await job.idToken('https://other.example.org'))).status).toBe(401)
  })

  it('gives its job the plan, and one token that reads one repository', async () => {
    const token = await job.idToken(PUBLIC_URL)
    const plan = await ask('GET', 'plan', token)
    expect([plan.status, await plan.json()]).toEqual([200, makeRunPlan()])
    const made = (await (await ask('POST', 'token', token)).json()) as { token: string; expires: string }
    expect((await ask('POST', 'token', token)).status).toBe(409)
    const read = async (repository: string, method = 'GET', path = 'contents/sage.yaml'): Promise<number> =>
      (await fetch(`${github.url}/repos/${repository}/${path}`, { method, headers: { authorization: `Bearer ${made.token}` } })).status
    expect([await read('sage/plugin'), await read('sage/control', 'GET', 'contents/.github/workflows/dispatch.yml')]).toEqual([200, 404])
    expect(Date.parse(made.expires)).toBeGreaterThan(Date.now())
    expect(lines.join('')).not.toContain(made.token)
  })

  it('takes its records, and the file that they name', async () => {
    const token = await job.idToken(PUBLIC_URL)
    const content = Buffer.from('weights')
    const file = { role: 'model', name: 'model.onnx', digest: digestOf(content), bytes: content.length, mediaType: 'application/octet-stream' }
    const records = [makeRecord('validate', { details: { kind: 'validate', manifest: null } }), makeRecord('train', { files: [file] })]
    const asked = (await (await ask('POST', 'records', token, { records })).json()) as {
      missing: { upload: { method: string; url: string; headers: Record<string, string> } }[]
    }
    for (const { upload } of asked.missing) {
      const put = await fetch(upload.url.replace(PUBLIC_URL, url), { method: upload.method, headers: upload.headers, body: content })
      expect(put.status).toBe(201)
    }
    const taken = await ask('POST', 'records', token, { records })
    expect([asked.missing.length, taken.status, await taken.json()]).toEqual([1, 201, { missing: [] }])
    expect((await store.state.recordsOfRun(RUN)).map(({ stage }) => stage)).toEqual(['validate', 'train'])
  })

  it('has a page, public as its repository is', async () => {
    const page = await fetch(`${url}/runs/${RUN}`)
    expect([page.status, (await page.text()).includes(`${github.url}/sage/plugin`)]).toEqual([200, true])
    const home = await (await fetch(url)).text()
    expect(home).toContain('/github-apps/ctss/installations/new')
  })
})
