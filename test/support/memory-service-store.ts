import { Failure } from '../../pipeline/failure.ts'
import type { Delivery, Inbox, ParkedRef } from '../../pipeline/ports/inbox.ts'
import type { EffectState, KnownRepository, RunClaim, ServiceState, StoredRun } from '../../pipeline/ports/service-state.ts'
import type { Wish } from '../../pipeline/service/wish.ts'
import type { Account, ApprovalFacts, RefAddress, Trust } from '../../pipeline/service/world.ts'
import type { StageRecord } from '../../schemas/generated/types.ts'
import { isFurther } from '../../adapters/service-state/run-progress.ts'
import { secondsOfRecord } from '../../pipeline/record-seconds.ts'

export interface MemoryStoreOptions {
  /** Milliseconds since 1970; the machine's own by default. */
  readonly now?: () => number
  readonly attempts?: number
  readonly backoffMs?: number
}

/** A service store in memory: the model that the real ones are held against, and what other tests use. */
export function memoryServiceStore(options: MemoryStoreOptions = {}): { state: ServiceState; inbox: Inbox; close(): Promise<void> } {
  const state = memoryServiceState(options)
  return { state, inbox: memoryInbox(state, options), close: async () => undefined }
}

function memoryServiceState({ now: nowMs = Date.now }: MemoryStoreOptions): ServiceState {
  const repositories = new Map<number, KnownRepository>()
  const effects = new Map<string, { since: string; done?: EffectState & { kind: 'done' } }>()
  const pushers = new Map<string, { name: string; commit: string; by: Account; at: string | undefined }>()
  const tags = new Map<string, string>()
  const wishes = new Map<string, { address: string; wish: Wish; answered: boolean }>()
  const approvals = new Map<string, ApprovalFacts & { repository: number }>()
  const runs = new Map<string, { run: StoredRun; ended?: string }>()
  const once = new Set<string>()
  const delivered = new Map<string, readonly StageRecord[]>()
  const records = new Map<string, StageRecord & { repository: number }>()
  const sweeps = new Map<string, string>()

  const get = (id: string): { run: StoredRun; ended?: string } => {
    const found = runs.get(id)
    if (found === undefined) throw new Error(`there is no run ${id}`)
    return found
  }
  const listRuns = (): StoredRun[] => [...runs.values()].map(({ run }) => structuredClone(run))
  const ownerOf = (repository: number): string | undefined => repositories.get(repository)?.owner.toLowerCase()

  return {
    effects: {
      async begin(key, now) {
        const found = effects.get(key)
        if (found === undefined) {
          effects.set(key, { since: now })
          return { kind: 'begun' }
        }
        return found.done ?? { kind: 'in-doubt', since: found.since }
      },
      async finish(key, external, content, now) {
        effects.set(key, { since: effects.get(key)?.since ?? now, done: { kind: 'done', external, content, at: now } })
      },
      async restart(key, now) {
        effects.set(key, { since: now })
      },
    },
    repository: async (id) => repositories.get(id),
    repositories: async () => [...repositories.values()].toSorted((a, b) => a.id - b.id),
    putRepository: async (repository) => void repositories.set(repository.id, { ...repository }),
    async putPusher(address, commit, { login, kind }, at) {
      const name = nameOf(address)
      const before = pushers.get(`${name} ${commit}`)
      if (before?.at !== undefined && (at === undefined || at < before.at)) return
      pushers.set(`${name} ${commit}`, { name, commit, by: { login, kind }, at })
    },
    pusher: async (address, commit) => pushers.get(`${nameOf(address)} ${commit}`)?.by,
    async lastPush(address) {
      const timed = [...pushers.values()].flatMap(({ name, commit, at }) => (name === nameOf(address) && at !== undefined ? { commit, at } : []))
      return timed.toSorted((a, b) => compare(b.at, a.at))[0]
    },
    async firstTagCommit(address, commit) {
      const name = nameOf(address)
      const first = tags.get(name) ?? commit
      tags.set(name, first)
      return first
    },
    async putWish(address, wish) {
      if (wishes.has(wish.id)) return false
      wishes.set(wish.id, { address: nameOf(address), wish: structuredClone(wish), answered: false })
      return true
    },
    openWishes: async (address) =>
      [...wishes.values()]
        .filter((kept) => kept.address === nameOf(address) && !kept.answered)
        .map(({ wish }) => structuredClone(wish))
        .toSorted((a, b) => compare(a.at, b.at) || compare(a.id, b.id)),
    async answerWish(id) {
      const kept = wishes.get(id)
      if (kept !== undefined) kept.answered = true
    },
    approvals: async (repository, pullRequest) =>
      [...approvals.values()]
        .filter((kept) => kept.repository === repository && kept.pullRequest === pullRequest)
        .map(({ commit, by, at }) => ({ pullRequest, commit, by, at })),
    async putApproval(repository, approval) {
      const key = `${repository} ${approval.pullRequest} ${approval.commit} ${approval.by}`
      if (!approvals.has(key)) approvals.set(key, { ...approval, repository })
    },
    async createRun({ now, ...made }) {
      const same = listRuns().find(
        (run) =>
          run.repository === made.repository &&
          run.commit === made.commit &&
          run.path === made.path &&
          run.trust === made.trust &&
          run.release === made.release &&
          run.cause === made.cause,
      )
      if (same !== undefined) return same
      const run: StoredRun = {
        ...structuredClone(made),
        state: 'queued',
        outcome: undefined,
        reason: undefined,
        created: now,
        dispatched: undefined,
        dispatches: 0,
        workflowRun: undefined,
        claim: undefined,
        delivered: undefined,
        minutes: undefined,
      }
      runs.set(run.id, { run })
      return structuredClone(run)
    },
    run: async (id) => structuredClone(runs.get(id)?.run),
    runOfWorkflow: async (workflowRun) => listRuns().find((run) => run.workflowRun === workflowRun),
    runsOf: async ({ repository, ref }, commit) =>
      listRuns()
        .filter((run) => run.repository === repository && ((run.ref === ref && run.state !== 'ended') || run.commit === commit))
        .toSorted((a, b) => compare(b.created, a.created) || compare(b.id, a.id)),
    openRuns: async () =>
      listRuns()
        .filter(({ state }) => state !== 'ended')
        .toSorted((a, b) => compare(a.created, b.created) || compare(a.id, b.id)),
    async moveRun(id, change) {
      const kept = get(id)
      const { run } = kept
      const dispatches = change.dispatches ?? run.dispatches
      if (isFurther(run, { state: change.state, dispatches })) {
        const isNewDispatch = dispatches > run.dispatches
        kept.run = {
          ...run,
          state: change.state,
          dispatches,
          dispatched: isNewDispatch || (run.dispatched === undefined && change.state === 'dispatched') ? change.now : run.dispatched,
          workflowRun: change.workflowRun ?? (isNewDispatch ? undefined : run.workflowRun),
          claim: isNewDispatch && run.claim?.workflowRun !== change.workflowRun ? undefined : run.claim,
          outcome: change.outcome ?? run.outcome,
          reason: change.reason ?? (isNewDispatch ? undefined : run.reason),
          minutes: change.minutes ?? run.minutes,
        }
        if (change.state === 'ended') kept.ended = change.now
      } else if (dispatches === run.dispatches && run.workflowRun === undefined && change.workflowRun !== undefined) {
        kept.run = { ...run, workflowRun: change.workflowRun }
      }
      return structuredClone(kept.run)
    },
    async claimRun(id, claim): Promise<RunClaim> {
      const kept = get(id)
      if (kept.run.claim === undefined) kept.run = { ...kept.run, claim, workflowRun: claim.workflowRun }
      return kept.run.claim ?? claim
    },
    async once(run, what) {
      get(run)
      const key = `${run} ${what}`
      if (once.has(key)) return false
      once.add(key)
      return true
    },
    async deliverRun(id, now, delivery) {
      const kept = get(id)
      if (kept.run.delivered !== undefined) return
      kept.run = { ...kept.run, delivered: now }
      delivered.set(id, structuredClone(delivery))
    },
    recordsOfRun: async (id) => structuredClone(delivered.get(id) ?? []),
    records: (repository: number, trust: Trust) => ({
      async find(key) {
        const found = records.get(`${repository} ${trust} ${key}`)
        if (found === undefined) return undefined
        const { repository: _, ...record } = structuredClone(found)
        return record
      },
      async put(record) {
        records.delete(`${repository} ${trust} ${record.key}`)
        records.set(`${repository} ${trust} ${record.key}`, { ...structuredClone(record), repository })
      },
    }),
    stageSeconds: async (repository, path, stage) =>
      [...records]
        .flatMap(([key, kept]) => (key.startsWith(`${repository} trusted `) ? [kept] : []))
        .filter((kept) => kept.stage === stage && (kept.subject.prefix ?? '') === path && kept.outcome === 'passed')
        .toSorted((a, b) => compare(b.ended, a.ended))
        .slice(0, 20)
        .map(secondsOfRecord),
    async spending(repository, since) {
      const owner = ownerOf(repository)
      const sums = { repositoryMinutes: 0, ownerMinutes: 0, repositoryRuns: 0, ownerRuns: 0 }
      for (const { run, ended } of runs.values()) {
        const minutes = run.state === 'ended' ? minutesOf(run, ended, since) : elapsedMinutes(run, since, nowMs())
        const open = run.state === 'dispatched' || run.state === 'running' ? 1 : 0
        if (run.repository === repository) {
          sums.repositoryMinutes += minutes
          sums.repositoryRuns += open
        }
        if (run.repository === repository || (owner !== undefined && ownerOf(run.repository) === owner)) {
          sums.ownerMinutes += minutes
          sums.ownerRuns += open
        }
      }
      return sums
    },
    lastSweep: async (name) => sweeps.get(name),
    putSweep: async (name, began) => void sweeps.set(name, began),
  }
}

function minutesOf(run: StoredRun, ended: string | undefined, since: string): number {
  return ended !== undefined && ended >= since ? (run.minutes ?? 0) : 0
}

function elapsedMinutes(run: StoredRun, since: string, nowMs: number): number {
  if (run.dispatched === undefined) return 0
  return Math.max(0, nowMs - Math.max(Date.parse(run.dispatched), Date.parse(since))) / 60_000
}

interface WaitingRef {
  readonly address: RefAddress
  cause: string
  /** When it is to be handled next; undefined: not at all. */
  due: number | undefined
  isActive: boolean
  attempts: number
  /** Of the last attempt, where it failed and comes again. */
  error: string | undefined
  parked: ParkedRef | undefined
}

function memoryInbox(state: ServiceState, { now = Date.now, attempts: most = 8, backoffMs = 2000 }: MemoryStoreOptions): Inbox {
  const delivered = new Set<string>()
  const refs = new Map<string, WaitingRef>()
  const listeners = new Set<() => void>()
  const announce = (): void => listeners.forEach((listener) => listener())

  const refOf = (address: RefAddress): WaitingRef => {
    const name = nameOf(address)
    const found: WaitingRef = refs.get(name) ?? {
      address: { repository: address.repository, ref: address.ref },
      cause: '',
      due: undefined,
      isActive: false,
      attempts: 0,
      error: undefined,
      parked: undefined,
    }
    refs.set(name, found)
    return found
  }
  const wake = (ref: WaitingRef): void => {
    ref.due = Math.min(ref.due ?? Infinity, now())
    if (ref.parked !== undefined) [ref.attempts, ref.error] = [0, undefined]
    ref.parked = undefined
    announce()
  }
  const put = async (delivery: Delivery): Promise<boolean> => {
    if (delivered.has(delivery.id)) return false
    delivered.add(delivery.id)
    if (delivery.pushed !== undefined) await state.putPusher(delivery.address, delivery.pushed.commit, delivery.pushed.by, delivery.pushed.at)
    if (delivery.wish !== undefined) await state.putWish(delivery.address, delivery.wish)
    const ref = refOf(delivery.address)
    ref.cause = delivery.cause
    wake(ref)
    return true
  }

  return {
    put,
    async putAll(deliveries) {
      let fresh = 0
      for (const delivery of deliveries) if (await put(delivery)) fresh += 1
      return fresh
    },
    async wakeAt(address, at) {
      const ref = refOf(address)
      ref.due = Math.min(ref.due ?? Infinity, Date.parse(at))
      announce()
    },
    async work(handle, { parallel, signal }) {
      const underWay = new Set<Promise<void>>()
      const attend = async (ref: WaitingRef): Promise<void> => {
        ref.due = undefined
        ref.isActive = true
        try {
          await handle(ref.address, new AbortController().signal)
          ;[ref.attempts, ref.error] = [0, undefined]
        } catch (error) {
          ref.error = error instanceof Error ? error.message : String(error)
          if (!isOutage(error)) ref.attempts += 1
          if (ref.due !== undefined && ref.due <= now()) ref.attempts = 0
          else if (ref.attempts >= most) {
            ref.parked = { address: ref.address, cause: ref.cause, attempts: ref.attempts, error: ref.error, at: new Date(now()).toISOString() }
          } else ref.due = Math.min(ref.due ?? Infinity, now() + backoffMs * 2 ** Math.max(0, ref.attempts - 1))
        }
        ref.isActive = false
      }
      while (!signal.aborted) {
        const ready = [...refs.values()].filter(({ due, isActive, parked }) => due !== undefined && due <= now() && !isActive && parked === undefined)
        // As in the database: forks wait for everybody else.
        const isFork = ({ address: { ref } }: WaitingRef): number => Number(ref.startsWith('refs/pull/'))
        const inTurn = ready.toSorted((one, other) => isFork(one) - isFork(other))
        for (const ref of inTurn.slice(0, parallel - underWay.size)) {
          const task = attend(ref).finally(() => underWay.delete(task))
          underWay.add(task)
        }
        await somethingHappens(listeners, underWay, signal, nextDue(refs, now()))
      }
      await Promise.all(underWay)
    },
    async counts() {
      const all = [...refs.values()]
      const waits = all.filter(({ due, isActive, parked }) => due !== undefined && due <= now() && !isActive && parked === undefined)
      return {
        waiting: waits.filter(({ error }) => error === undefined).length,
        active: all.filter(({ isActive }) => isActive).length,
        retrying: all.filter(isRetrying).length,
        parked: all.filter(({ parked }) => parked !== undefined).length,
      }
    },
    parked: async (limit) =>
      [...refs.values()]
        .flatMap(({ parked }) => parked ?? [])
        .toSorted((a, b) => compare(b.at, a.at))
        .slice(0, limit),
    retrying: async (limit) =>
      [...refs.values()]
        .filter(isRetrying)
        .map(({ address, cause, error = '', due = 0 }) => ({ address, cause, error, at: new Date(due).toISOString() }))
        .toSorted((a, b) => compare(a.at, b.at))
        .slice(0, limit),
    async replay(address) {
      const ref = refs.get(nameOf(address))
      if (ref?.parked === undefined) return false
      wake(ref)
      return true
    },
    missing: async (guids) => guids.filter((guid) => ![...delivered].some((id) => id === guid || id.startsWith(`${guid}/`))),
  }
}

function isRetrying({ error, due, isActive, parked }: WaitingRef): boolean {
  return error !== undefined && due !== undefined && !isActive && parked === undefined
}

function isOutage(error: unknown): boolean {
  return error instanceof Failure && ['forge-unavailable', 'registry-unavailable', 'storage-unavailable', 'storage-full'].includes(error.code)
}

function nextDue(refs: ReadonlyMap<string, WaitingRef>, nowMs: number): number {
  const times = [...refs.values()].filter(({ isActive, parked }) => !isActive && parked === undefined).flatMap(({ due }) => due ?? [])
  return Math.min(50, Math.max(1, Math.min(...times) - nowMs))
}

/** Returns after a wake, the end of a ref, the signal, or `ms`. */
async function somethingHappens(listeners: Set<() => void>, underWay: ReadonlySet<Promise<void>>, signal: AbortSignal, ms: number): Promise<void> {
  let listener = (): void => undefined
  await Promise.race([
    ...underWay,
    new Promise<void>((resolve) => {
      listener = resolve
      listeners.add(listener)
      signal.addEventListener('abort', listener, { once: true })
      setTimeout(resolve, ms)
    }),
  ])
  listeners.delete(listener)
  signal.removeEventListener('abort', listener)
}

function nameOf({ repository, ref }: RefAddress): string {
  return `${repository} ${ref}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
