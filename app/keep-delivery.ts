import type { Clock } from '../pipeline/ports/clock.ts'
import type { Delivery, Inbox } from '../pipeline/ports/inbox.ts'
import type { ServiceState } from '../pipeline/ports/service-state.ts'
import { readDelivery, type ControlRun, type InstallationChange, type RepositoryChange, type UnplacedDelivery } from '../pipeline/service/read-delivery.ts'
import { listParked } from './list-parked.ts'
import type { Logger } from './log.ts'
import type { WebhookEvent } from './webhook.ts'

export interface KeepPorts {
  readonly state: Pick<ServiceState, 'effects' | 'repository' | 'repositories' | 'putRepository' | 'openRuns' | 'runOfWorkflow' | 'runsOf'>
  readonly inbox: Pick<Inbox, 'parked' | 'replay' | 'wakeAt'>
  /** Durable once it is answered. */
  readonly put: (deliveries: readonly Delivery[]) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
  readonly appId: number
}

/** A run has some ten jobs, each with three webhooks, and a check shows progress every 30 s at most. */
const PROGRESS_MS = 20_000

/**
 * Keeps what a webhook tells, in the database and nowhere else: GitHub is asked by the worker, later. The same delivery again changes nothing, also when
 * what it told is no longer so. Fails with `storage-full`, `storage-unavailable`; then nothing of it counts, and it may come again.
 */
export async function keepDelivery({ id, name, payload }: WebhookEvent, ports: KeepPorts): Promise<void> {
  const { put, clock, log, appId } = ports
  const told = readDelivery(name, id, payload, clock.now(), { appId })
  if (told.seen !== undefined && (await ports.state.repository(told.seen.id)) === undefined) {
    await ports.state.putRepository({ ...told.seen, isSuspended: false })
  }
  const isAboutRepositories = told.repositories.length > 0 || told.installations.length > 0
  const changed = isAboutRepositories ? await once(id, ports, async () => changeRepositories(told.repositories, told.installations, ports)) : []
  const woken = changed.length === 0 ? [] : await wakeRuns(id, new Set(changed), ports)
  const runs = await Promise.all(told.controlRuns.map(async (run) => wakeRun(id, name, run, ports)))
  const placed = await Promise.all(told.unplaced.map(async (delivery) => place(delivery, ports)))
  const deliveries = [...told.deliveries, ...woken, ...runs.flat(), ...placed.flat()]
  if (deliveries.length > 0) await put(deliveries)
  log.info({ refs: deliveries.length }, 'a delivery was kept')
}

/**
 * Of a delivery that comes again, maybe long after: a removed installation must not come back. Answers what was changed each time, as nobody was woken where
 * what follows failed.
 */
async function once(id: string, { state, clock }: KeepPorts, change: () => Promise<readonly number[]>): Promise<readonly number[]> {
  const key = `installation:${id}`
  const before = await state.effects.begin(key, clock.now())
  if (before.kind === 'done') return (before.external.match(/\d+/g) ?? []).map(Number)
  const changed = await change()
  await state.effects.finish(key, changed.join(' '), '', clock.now())
  return changed
}

/** Answers the numbers of those that were changed and have runs that are to be looked at. */
async function changeRepositories(
  repositories: readonly RepositoryChange[],
  installations: readonly InstallationChange[],
  { state, inbox }: KeepPorts,
): Promise<readonly number[]> {
  const changed = new Set<number>()
  for (const change of repositories) {
    const known = await state.repository(change.id)
    const installation = change.kind === 'removed' ? undefined : (change.installation ?? known?.installation)
    const isSuspended = change.kind === 'suspended' || (known?.isSuspended === true && (change.kind === 'renamed' || change.kind === 'transferred'))
    await state.putRepository({ id: change.id, owner: change.owner, name: change.name, installation, isSuspended })
    changed.add(change.id)
  }
  for (const { kind, installation } of installations) {
    for (const known of (await state.repositories()).filter((one) => one.installation === installation)) {
      changed.add(known.id)
      if (kind === 'permissions') continue
      await state.putRepository({ ...known, ...(kind === 'removed' ? { installation: undefined } : { isSuspended: kind === 'suspended' }) })
    }
  }
  // What waited for a right, and what runs where the app may not be any more.
  for (const { address } of await listParked(inbox)) if (changed.has(address.repository)) await inbox.replay(address)
  const running = new Set((await state.openRuns()).map(({ repository }) => repository))
  return [...changed].filter((repository) => running.has(repository))
}

async function wakeRuns(id: string, repositories: ReadonlySet<number>, { state }: KeepPorts): Promise<readonly Delivery[]> {
  const runs = (await state.openRuns()).filter(({ repository }) => repositories.has(repository))
  return runs.map(({ repository, ref }, index) => ({ id: `${id}/run/${index}`, address: { repository, ref }, cause: 'installation' }))
}

/** A workflow run that is none of ours wakes nothing; progress of a job wakes in a while. */
async function wakeRun(id: string, name: string, { workflowRun, isOver }: ControlRun, { state, inbox, clock }: KeepPorts): Promise<readonly Delivery[]> {
  const run = await state.runOfWorkflow(workflowRun)
  if (run === undefined) return []
  const address = { repository: run.repository, ref: run.ref }
  if (isOver) return [{ id, address, cause: name }]
  await inbox.wakeAt(address, new Date(Date.parse(clock.now()) + PROGRESS_MS).toISOString())
  return []
}

/** What names a commit alone is for the refs that had a run of it. */
async function place({ repository, commit, ...delivery }: UnplacedDelivery, { state, log }: KeepPorts): Promise<readonly Delivery[]> {
  const refs = [...new Set((await state.runsOf({ repository, ref: '' }, commit)).map(({ ref }) => ref))]
  if (refs.length === 0) log.info({ repository }, 'a check of a commit that no ref is known for was pressed')
  return refs.map((ref, index) => ({ ...delivery, id: `${delivery.id}/${index}`, address: { repository, ref } }))
}
