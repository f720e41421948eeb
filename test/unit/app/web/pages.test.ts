import { describe, expect, it } from 'vitest'
import { openLinks } from '../../../../app/links.ts'
import { openLog } from '../../../../app/log.ts'
import { serviceRoutes } from '../../../../app/routes.ts'
import { pageRoutes } from '../../../../app/web/pages.ts'
import { openRunCharts } from '../../../../app/web/run-charts.ts'
import { watchRuns } from '../../../../app/web/watch-runs.ts'
import { Failure } from '../../../../pipeline/failure.ts'
import type { ReleaseSummary } from '../../../../pipeline/ports/catalogue.ts'
import type { Chart } from '../../../../pipeline/ports/charts.ts'
import type { Report } from '../../../../pipeline/report/report.ts'
import type { StoredRun } from '../../../../pipeline/ports/service-state.ts'
import type { WorkflowRunFacts } from '../../../../pipeline/service/world.ts'
import type { StageRecord } from '../../../../schemas/generated/types.ts'
import { error } from '../../../../pipeline/problem.ts'
import { makeRichInput } from '../../../support/records.ts'
import { makeRunPlan } from '../../../support/run-plan.ts'
import { makeRecord } from '../../../support/stage-record.ts'

const ID = '0198a5c0-0000-4000-8000-000000000001'
const HOSTILE = '<script>alert(1)</script>"\'\u202e'
const links = openLinks({ publicUrl: 'https://ctss.example.org', linkSecret: 'l'.repeat(32) })

const RUN: StoredRun = {
  id: ID,
  repository: 1,
  ref: 'refs/heads/main',
  commit: 'a'.repeat(40),
  path: '',
  trust: 'trusted',
  release: false,
  plan: makeRunPlan(),
  cause: 'push',
  state: 'running',
  outcome: undefined,
  reason: undefined,
  created: '2026-11-21T12:00:00.000Z',
  dispatched: '2026-11-21T12:00:01.000Z',
  dispatches: 1,
  workflowRun: 9001,
  claim: undefined,
  delivered: undefined,
  minutes: undefined,
}

const WORKFLOW: WorkflowRunFacts = {
  id: 9001,
  status: 'in_progress',
  conclusion: null,
  url: 'https://github.com/sage/control/actions/runs/9001',
  jobs: [
    {
      id: 1,
      name: 'pipeline / plan',
      status: 'completed',
      conclusion: 'success',
      runner: 'GitHub Actions 1',
      started: '2026-11-21T12:00:02Z',
      ended: '2026-11-21T12:00:20Z',
      step: null,
    },
    {
      id: 2,
      name: 'pipeline / build / linux/arm64',
      status: 'in_progress',
      conclusion: null,
      runner: 'machine-7',
      started: '2026-11-21T12:01:00Z',
      ended: null,
      step: 'Build the image',
    },
    { id: 3, name: 'pipeline / virtual / virtual', status: 'queued', conclusion: null, runner: null, started: null, ended: null, step: null },
  ],
}

function open(
  change: {
    drawn?: Error
    baseline?: ReleaseSummary | Error
    run?: Partial<StoredRun>
    records?: readonly StageRecord[]
    workflow?: WorkflowRunFacts | Error
    isPrivate?: boolean | Error | (() => Promise<boolean>)
  } = {},
) {
  const state = { run: { ...RUN, ...change.run }, records: change.records ?? [] }
  let [asked, now] = [0, 0]
  const log = openLog('silent')
  const stopping = new AbortController()
  const runs = watchRuns({
    state: {
      run: async (id) => (id === ID ? state.run : undefined),
      repository: async (id) => ({ id, owner: 'zelda', name: 'cloud-counter', installation: 7, isSuspended: false }),
      recordsOfRun: async () => state.records,
    },
    async workflowRun() {
      asked += 1
      if (change.workflow instanceof Error) throw change.workflow
      return change.workflow ?? WORKFLOW
    },
    async isPrivate() {
      if (change.isPrivate instanceof Error) throw change.isPrivate
      if (typeof change.isPrivate === 'function') return change.isPrivate()
      return change.isPrivate ?? false
    },
    githubUrl: 'https://github.com',
    now: () => now,
    log,
  })
  const chart: Chart = {
    name: 'image-size',
    alt: 'x',
    section: 'images',
    light: { svg: '', png: Buffer.from('light') },
    dark: { svg: '', png: Buffer.from('dark') },
  }
  const reports: Report[] = []
  const renderer = {
    async render(report: Report) {
      reports.push(report)
      if (change.drawn !== undefined) throw change.drawn
      return [chart]
    },
  }
  const newestRelease = async (): Promise<ReleaseSummary | undefined> => {
    if (change.baseline instanceof Error) throw change.baseline
    return change.baseline
  }
  const charts = openRunCharts({
    state: { recordsOfRun: async () => state.records },
    catalogue: { newestRelease },
    renderer,
    now: () => now,
  })
  const pages = pageRoutes({ runs, charts, links, installUrl: async () => 'https://github.com/apps/ctss', now: () => now, log, signal: stopping.signal })
  const routes = serviceRoutes({
    log,
    githubUrl: 'https://github.com',
    metrics: undefined,
    operatorToken: 'o',
    isReady: async () => true,
    mounts: [['/', pages]],
  })
  return {
    state,
    stopping,
    routes,
    asked: () => asked,
    drawn: () => reports.length,
    reports,
    pass: (ms: number) => void (now += ms),
    get: async (path: string) => {
      const answer = await routes.request(path)
      return { status: answer.status, headers: answer.headers, text: await answer.text() }
    },
  }
}

const privateUrl = (path = ''): string => `/runs/${ID}${path}?key=${new URL(links.run(ID, true)).searchParams.get('key')}`

describe('a page', () => {
  it('lets nothing run or come from elsewhere', async () => {
    const { headers, text } = await open().get('/')
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self' https://github.com; base-uri 'none'; frame-ancestors 'none'",
    )
    expect([headers.get('x-content-type-options'), headers.get('x-frame-options'), headers.get('referrer-policy')]).toEqual(['nosniff', 'DENY', 'no-referrer'])
    expect(text).toContain('href="https://github.com/apps/ctss"')
    expect(text).not.toMatch(/<script(?! src="\/assets)|style=|onclick|<style/)
  })

  it('has a style and a script of its own', async () => {
    const { get } = open()
    expect((await get('/assets/style.css')).headers.get('content-type')).toBe('text/css; charset=utf-8')
    expect((await get('/assets/live.js')).text).toContain('EventSource')
  })

  it('says that there is nothing, to people and to programs', async () => {
    const { get } = open()
    expect(await get('/nothing')).toMatchObject({ status: 404, text: expect.stringContaining('There is nothing here') })
    expect((await get('/api/nothing')).headers.get('content-type')).toBe('application/problem+json')
  })
})

describe('the page of a run', () => {
  it('shows what the machines do', async () => {
    const { text } = await open().get(`/runs/${ID}`)
    for (const shown of [
      'zelda/cloud-counter',
      'is under way',
      'done, not told yet',
      'machine-7',
      'Build the image',
      'build running',
      '<b>build / linux/arm64</b>',
      'virtual',
      'no Waggle node is attached',
      'actions/runs/9001',
      `commit/${'a'.repeat(40)}`,
    ])
      expect(text).toContain(shown)
    expect(text).toContain(`data-events="/runs/${ID}/events"`)
  })

  it('shows what they have delivered', async () => {
    const problem = error('gate-failed', 'accuracy is 0.7', { place: { file: 'ctss.yaml', line: 12 }, suggestion: 'train longer', detail: 'a trace' })
    const records = [makeRecord('validate'), makeRecord('train', { outcome: 'failed', problems: [problem] })]
    const { text } = await open({ run: { state: 'ended', outcome: 'failed', delivered: 'x', dispatches: 2 }, records }).get(`/runs/${ID}`)
    for (const shown of [
      'The run failed',
      'train failed',
      'ctss.yaml:12',
      'accuracy is 0.7',
      'train longer',
      'a trace',
      'started 2 times',
      'build skipped',
      'train did not pass',
      '10 s',
    ])
      expect(text).toContain(shown)
    expect(text).not.toContain('data-events')
  })

  it.each([
    [{ state: 'queued' as const, workflowRun: undefined, reason: 'two runs are under way' }, ['waits for its turn', 'two runs are under way']],
    [{ state: 'dispatched' as const, workflowRun: undefined }, ['waits for a machine']],
    [{ state: 'dispatched' as const }, ['is under way']],
    [{ state: 'ended' as const, outcome: 'cancelled' as const }, ['was cancelled']],
    [{ state: 'ended' as const, outcome: 'error' as const, reason: 'the machine was lost' }, ['ended in an error', 'the machine was lost']],
    [{ state: 'ended' as const, outcome: 'passed' as const, ref: 'refs/tags/v1.0.0' }, ['The run passed', 'v1.0.0 ·']],
  ])('tells %j in words', async (run, shown) => {
    const { text } = await open({ run }).get(`/runs/${ID}`)
    for (const words of shown) expect(text).toContain(words)
  })

  it('says nothing of what the service judged before the run, but that it passed', async () => {
    const plan = makeRunPlan()
    const stages = plan.stages.map((planned) => (planned.stage === 'validate' ? { ...planned, kind: 'reuse' as const, reason: 'finished' } : planned))
    const { text } = await open({ run: { plan: { ...plan, stages } } }).get(`/runs/${ID}`)
    expect(text).toMatch(/<b>validate<\/b><span class="muted">passed/)
    expect(text).not.toContain('finished')
  })

  it('says which stage left nothing, where none before it is to blame', async () => {
    const { text } = await open({ run: { state: 'ended', outcome: 'error' }, records: [makeRecord('train')] }).get(`/runs/${ID}`)
    expect(text).toContain('build left no record')
  })

  it('shows texts of strangers as texts', async () => {
    const problem = error('x', HOSTILE, { place: { file: HOSTILE }, suggestion: HOSTILE, detail: HOSTILE })
    const workflow = { ...WORKFLOW, url: `https://github.com/${HOSTILE}`, jobs: WORKFLOW.jobs.map((job) => ({ ...job, runner: HOSTILE, step: HOSTILE })) }
    const plan = makeRunPlan({ name: HOSTILE })
    const { text } = await open({
      run: { plan, reason: HOSTILE, ref: `refs/heads/${HOSTILE}` },
      records: [makeRecord('train', { problems: [problem], reason: HOSTILE })],
      workflow,
    }).get(`/runs/${ID}`)
    expect(text).toContain('&lt;script&gt;')
    expect(text).not.toContain('<script>')
    expect(text).not.toContain('\u202e')
  })

  it('counts problems that are too many', async () => {
    const problems = Array.from({ length: 250 }, (_, index) => error('x', `problem ${index}`))
    expect((await open({ records: [makeRecord('train', { problems })] }).get(`/runs/${ID}`)).text).toContain('and 50 more')
  })

  it('asks GitHub once in half a minute, however many look', async () => {
    const { get, asked, pass } = open()
    await Promise.all([get(`/runs/${ID}`), get(`/runs/${ID}`), get(`/runs/${ID}`)])
    expect(asked()).toBe(1)
    pass(30_001)
    await get(`/runs/${ID}`)
    expect(asked()).toBe(2)
  })

  it('shows the rest where GitHub cannot be asked', async () => {
    const { status, text } = await open({ workflow: new Error('down') }).get(`/runs/${ID}`)
    expect([status, text.includes('machine-7')]).toEqual([200, false])
  })

  it('is there for those alone who were given its address, where the repository is private or nobody knows', async () => {
    for (const isPrivate of [true, new Error('GitHub is down')]) {
      const { get } = open({ isPrivate })
      const [missing, unknown] = [await get(`/runs/${ID}`), await get('/runs/0198a5c0-0000-4000-8000-0000000000ff')]
      expect([missing.status, missing.text]).toEqual([404, unknown.text])
      expect((await get(`/runs/${ID}?key=${'a'.repeat(22)}`)).status).toBe(404)
      expect((await get(`/runs/${ID}/events`)).status).toBe(404)
      expect(await get(privateUrl())).toMatchObject({ status: 200, text: expect.stringContaining(`/runs/${ID}/events?key=`) })
    }
  })
})

describe('whether a run is public', () => {
  it('is asked again soon where GitHub cannot say, and in a while where it can', async () => {
    let asked = 0
    const { get, pass } = open({
      isPrivate: async () => {
        asked += 1
        if (asked === 1) throw new Error('GitHub is down')
        return false
      },
    })
    const status = async (): Promise<number> => (await get(`/runs/${ID}`)).status
    expect([await status(), await status(), asked]).toEqual([404, 404, 1])
    pass(5001)
    expect([await status(), asked]).toEqual([200, 2])
    pass(299_000)
    expect([await status(), asked]).toEqual([200, 2])
  })
})

describe('events of a run', () => {
  it('bring the whole part that changes, and end with the run', async () => {
    const { get } = open({ run: { state: 'ended', outcome: 'passed' } })
    const { headers, text } = await get(`/runs/${ID}/events`)
    expect([headers.get('content-type'), headers.get('x-accel-buffering')]).toEqual(['text/event-stream', 'no'])
    const [event, data] = text.split('\n')
    expect(event).toBe('event: run')
    expect(JSON.parse((data ?? '').slice('data: '.length))).toContain('The run passed')
    expect(text.trimEnd().endsWith('event: end\ndata:')).toBe(true)
  })

  it('begin anew for whoever names an earlier one', async () => {
    const { routes } = open({ run: { state: 'ended', outcome: 'passed' } })
    const answer = await routes.request(`/runs/${ID}/events`, { headers: { 'last-event-id': HOSTILE.replaceAll(/[^ -~]/g, '') } })
    expect(await answer.text()).toContain('event: run')
  })

  it('end when the service is stopped', async () => {
    const { routes, stopping } = open()
    const answer = await routes.request(`/runs/${ID}/events`)
    const text = answer.text()
    stopping.abort()
    expect(await text).toContain('event: run')
  })
})

describe('charts', () => {
  const path = (scheme: 'light' | 'dark'): string => new URL(links.chart(ID, 'image-size', scheme)).pathname
  const delivered = { run: { state: 'ended' as const, outcome: 'passed' as const, delivered: 'x' }, records: [makeRecord('train')] }

  it('are pictures at addresses that nobody can guess, drawn once', async () => {
    const { get, drawn } = open(delivered)
    const [light, dark] = [await get(path('light')), await get(path('dark'))]
    expect([light.status, light.text, dark.text, drawn()]).toEqual([200, 'light', 'dark', 1])
    expect([light.headers.get('content-type'), light.headers.get('cache-control'), light.headers.get('cross-origin-resource-policy')]).toEqual([
      'image/png',
      'public, max-age=31536000, immutable',
      'cross-origin',
    ])
    expect((await get(`/runs/${ID}`)).text).toContain('image-size-light.png')
  })

  it('are drawn without a release to compare with, where the registry is down; a page goes without those that cannot be drawn', async () => {
    expect((await open({ ...delivered, baseline: new Failure('registry-unavailable', 'down') }).get(path('light'))).status).toBe(200)
    const { status, text } = await open({ ...delivered, drawn: new Error('no') }).get(`/runs/${ID}`)
    expect([status, text.includes('<img')]).toEqual([200, false])
  })

  it('compare with the newest release, unless that is what the run itself has published', async () => {
    const { stages, baseline } = makeRichInput()
    const manifest = { namespace: 'local', name: 'cloud-counter', version: '1.2.0', description: 'counts clouds' }
    const records = [makeRecord('validate', { details: { kind: 'validate', manifest } }), ...stages.flatMap(({ record }) => record ?? [])]
    for (const [version, isCompared] of [
      ['1.1.0', true],
      ['1.2.0', false],
    ] as const) {
      const { get, reports } = open({ ...delivered, records, ...(baseline && { baseline: { ...baseline, version } }) })
      await get(path('light'))
      expect(reports.map(({ sections }) => sections.some(({ kind }) => kind === 'changes'))).toEqual([isCompared])
    }
  })

  it.each([
    ['another key', path('light').replace(/\.[\w-]{22}/, `.${'a'.repeat(22)}`), {}],
    ['another chart', path('light').replace('image-size', 'other'), {}],
    ['another kind', path('light').replace('.png', '.svg'), {}],
    ['a private repository', path('light'), { isPrivate: true }],
    ['a run that has delivered nothing', path('light'), { run: { delivered: undefined } }],
  ])('are not there for %s', async (_, address, change) => {
    expect((await open({ ...delivered, ...change }).get(address)).status).toBe(404)
  })
})
