import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { ApiUse } from '../adapters/github/api-budget.ts'
import type { Inbox } from '../pipeline/ports/inbox.ts'
import type { ServiceState } from '../pipeline/ports/service-state.ts'
import type { CountDelivery } from './webhook.ts'

/** What the service tells of itself, in Prometheus' format. Labels are names of ours, and numbers of installations: nothing that strangers choose. */
export interface Metrics {
  readonly countDelivery: CountDelivery
  /** A ref was handled, from observing to acting. */
  observeRef(seconds: number, outcome: 'done' | 'failed'): void
  observeRequest(route: string, status: number, seconds: number): void
  render(): Promise<{ readonly contentType: string; readonly text: string }>
}

export interface MetricsPorts {
  readonly inbox: Pick<Inbox, 'counts'>
  readonly state: Pick<ServiceState, 'openRuns'>
  /** What has been used of GitHub's API, by installation. */
  readonly uses: () => readonly Pick<ApiUse, 'installation' | 'remaining' | 'limit' | 'calls' | 'notModified'>[]
  readonly now: () => number
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Figures of one process; what stands in the database is asked for when somebody looks. */
export function openMetrics({ inbox, state, uses, now }: MetricsPorts): Metrics {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register })
  const deliveries = new Counter({
    name: 'ctss_deliveries_total',
    help: 'Webhook deliveries, by event and how they were answered.',
    labelNames: ['event', 'answer'],
    registers,
  })
  const refs = new Histogram({
    name: 'ctss_ref_seconds',
    help: 'Time from waking a ref until it is as it should be.',
    labelNames: ['outcome'],
    buckets: SECONDS,
    registers,
  })
  const requests = new Histogram({
    name: 'ctss_request_seconds',
    help: 'Requests, by route and status.',
    labelNames: ['route', 'status'],
    buckets: SECONDS,
    registers,
  })
  const ofInstallation = (name: string, help: string, read: (use: ReturnType<MetricsPorts['uses']>[number]) => number | undefined): void => {
    new Gauge({
      name,
      help,
      labelNames: ['installation'],
      registers,
      collect() {
        for (const use of uses()) {
          const value = read(use)
          if (value !== undefined) this.set({ installation: use.installation }, value)
        }
      },
    })
  }
  ofInstallation('ctss_github_requests_remaining', "What is left of an installation's requests of this hour.", ({ remaining }) => remaining)
  ofInstallation('ctss_github_requests_limit', 'Requests that GitHub allows an installation in an hour.', ({ limit }) => limit)
  ofInstallation('ctss_github_calls', 'Requests to GitHub since the service was started.', ({ calls }) => calls)
  ofInstallation('ctss_github_calls_not_modified', 'Of these: answered 304, which GitHub does not count.', ({ notModified }) => notModified)
  new Gauge({
    name: 'ctss_inbox_refs',
    help: 'Refs in the inbox; those that are parked wait for a person.',
    labelNames: ['state'],
    registers,
    async collect() {
      for (const [name, count] of Object.entries(await inbox.counts())) this.set({ state: name }, Number(count))
    },
  })
  new Gauge({
    name: 'ctss_runs',
    help: 'Runs that have not ended.',
    labelNames: ['state'],
    registers,
    async collect() {
      const runs = await state.openRuns()
      for (const name of ['queued', 'dispatched', 'running']) this.set({ state: name }, runs.filter((run) => run.state === name).length)
    },
  })
  new Gauge({
    name: 'ctss_queue_wait_seconds',
    help: 'How long the oldest run has waited of which no job has come yet.',
    registers,
    async collect() {
      const waiting = (await state.openRuns()).filter(({ claim }) => claim === undefined)
      this.set(Math.max(0, ...waiting.map(({ created }) => (now() - Date.parse(created)) / 1000)))
    },
  })
  return {
    countDelivery: (event, answer) => deliveries.inc({ event, answer }),
    observeRef: (seconds, outcome) => refs.observe({ outcome }, seconds),
    observeRequest: (route, status, seconds) => requests.observe({ route, status }, seconds),
    render: async () => ({ contentType: register.contentType, text: await register.metrics() }),
  }
}
