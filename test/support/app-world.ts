import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { refAdvancer, type AdvanceRef } from '../../app/github/advance-ref.ts'
import { commitJudge, type JudgePorts } from '../../app/github/judge-commit.ts'
import type { AppServices } from '../../app/github/services.ts'
import { takeRecords } from '../../app/api/take-records.ts'
import { namedFiles } from '../../adapters/records/named-files.ts'
import { makeWorkFolder } from '../../adapters/machine/work-folders.ts'
import type { Digest } from '../../pipeline/digest.ts'
import { makeRunPlan } from '../../pipeline/plan/make-run-plan.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { Clock } from '../../pipeline/ports/clock.ts'
import type { Delivery } from '../../pipeline/ports/inbox.ts'
import type { RepositoryTree } from '../../pipeline/ports/repository-tree.ts'
import { runStages, type GivenStage } from '../../pipeline/run.ts'
import { DEFAULT_RUNNERS } from '../../pipeline/runner-classes.ts'
import type { Account, RefAddress, ServicePolicy } from '../../pipeline/service/world.ts'
import type { Wish, WishKind } from '../../pipeline/service/wish.ts'
import type { StagePorts } from '../../pipeline/stage-scripts/stage-ports.ts'
import { makeStageScripts } from '../../pipeline/stage-scripts/stage-scripts.ts'
import { filesToSuggestFor, suggestFixes } from '../../pipeline/validate/fixes/suggest-fixes.ts'
import { readPipeline } from '../../pipeline/validate/read-pipeline.ts'
import { TESTBED_VERSION } from '../../pipeline/virtual/testbed-version.ts'
import type { RunPlan, StageRecord } from '../../schemas/generated/types.ts'
import { HEALTHY_PLUGIN } from './healthy-plugin.ts'
import { makeZip } from './make-zip.ts'
import { memoryAppForge, type MemoryAppForge, type MemoryPull, type MemoryRepository, type MemoryWorkflowRun } from './memory-app-forge.ts'
import { memoryBlobs } from './memory-blobs.ts'
import { memoryPorts } from './memory-ports.ts'
import { memoryRecords } from './memory-records.ts'
import { memoryServiceStore } from './memory-service-store.ts'

/** A plugin that passes every stage of the ports in memory. */
export const PLUGIN: Readonly<Record<string, string>> = {
  ...HEALTHY_PLUGIN,
  'ctss.yaml': 'test:\n  trials:\n    - {name: first, args: [good], golden: tests/golden.ndjson}\n',
  'tests/golden.ndjson': '{"name":"env.test","value":1,"meta":{}}\n',
}
/** The same without expectations. */
export const PASSING: Readonly<Record<string, string>> = { ...HEALTHY_PLUGIN, 'ctss.yaml': 'test:\n  trials:\n    - {name: first, args: [good]}\n' }

/** Dies as a process does: nobody catches it on its way. */
export class Crash extends Error {}

export const WRITER: Account = { login: 'octocat', kind: 'person' }
export const STRANGER: Account = { login: 'stranger', kind: 'person' }

/** Everything is allowed that is usual. */
export const POLICY: ServicePolicy = {
  owners: ['sage'],
  trustedBots: ['renovate[bot]'],
  drafts: 'validate',
  mostDispatches: 3,
  startMinutes: 60,
  runMinutes: 600,
  budgets: { repositoryMinutes: undefined, ownerMinutes: undefined, ownerServiceUnits: undefined, repositoryRuns: 3, ownerRuns: 10 },
}

export interface AppWorld extends AsyncDisposable {
  readonly github: MemoryAppForge
  readonly repository: MemoryRepository
  readonly services: AppServices
  /** Bugs that the judge was told of. */
  readonly bugs: unknown[]
  /** Points at which the process can die: after each write at the forge and in the state. */
  readonly points: () => number
  /** Dies at one of them; undefined: nowhere. */
  dieAt(point: number | undefined): void
  passTime(ms: number): void
  deliver(delivery: Omit<Delivery, 'id' | 'cause'> & { readonly id?: string }): Promise<void>
  /** A push by somebody, with its webhook. */
  push(
    ref: string,
    files?: Readonly<Record<string, string | null>>,
    options?: { readonly by?: Account; readonly message?: string; readonly isSilent?: boolean },
  ): Promise<string>
  /** A tag at the head of a branch, with its webhook. */
  tag(name: string, ref: string): Promise<string>
  openPull(ref: string, options?: { readonly fork?: string; readonly author?: Account; readonly isDraft?: boolean }): Promise<MemoryPull>
  /** Somebody asks for something in a comment. */
  ask(ref: string, what: WishKind, options?: { readonly by?: Account; readonly pull?: number; readonly commit?: string; readonly id?: string }): Promise<string>
  /** Handles what is due, over and over, as long as something is due within the time given. Whoever dies is started again. */
  settle(withinMs?: number): Promise<void>
  /** Runs the workflows that wait, as the control repository's runners do. */
  runWorkflows(options?: RunnerOptions): Promise<void>
  /** What of one ref is due, by its time. */
  due(ref: string): string | undefined
}

export interface RunnerOptions {
  /** `lost`: the machine goes before any job; `silent`: it delivers nothing, and leaves no artifact; `artifacts`: it delivers nothing, and leaves them. */
  readonly fate?: 'lost' | 'silent' | 'artifacts'
  readonly change?: (record: StageRecord) => StageRecord
}

/** What changes something: dying anywhere else is as good as dying right after the write before. */
const WRITES = /^(?:control\.(?:dispatch|cancel)|create|update|delete|publish|upload|react|suggest|propose)/
const STATE_WRITES = /^(?:begin|finish|restart|put|answer|create|move|deliver|firstTag|wake)/

const readings = new Map<string, ReturnType<typeof readPipeline>>()

/** A service in memory beside a forge in memory, with one repository `sage/plugin` at which `octocat` may write. */
export async function makeAppWorld(changes: Partial<AppServices> = {}): Promise<AppWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'ctss-app-'))
  let nowMs = Date.parse('2026-11-21T12:00:00.000Z')
  const clock = { now: () => new Date(nowMs).toISOString(), monotonicMs: () => nowMs }
  const github = memoryAppForge(clock.now)
  github.installations.push({ id: 1, owner: 'sage', isSuspended: false, permissions: { checks: 'write' } })
  const repository = github.addRepository('sage', 'plugin', {
    access: new Map([
      ['octocat', 'write'],
      ['stranger', 'read'],
    ]),
  })
  const blobs = memoryBlobs(new Map<Digest, Buffer>())
  const stagePorts = { ...memoryPorts(blobs, folder), testbedVersion: TESTBED_VERSION }
  const store = memoryServiceStore({ now: () => nowMs })
  const bugs: unknown[] = []

  let points = 0
  let deadly: number | undefined
  const pass = (): void => {
    points += 1
    if (points - 1 === deadly) throw new Crash(`died at point ${points - 1}`)
  }
  github.onCall = (call, isDone) => {
    if (isDone && WRITES.test(call)) pass()
  }
  const watched = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name)
        if (typeof method === 'object' && method !== null) return watched(method)
        if (typeof method !== 'function' || !STATE_WRITES.test(String(name))) return method
        return async (...values: unknown[]): Promise<unknown> => {
          const answer: unknown = await (method as (...all: unknown[]) => Promise<unknown>).apply(target, values)
          pass()
          return answer
        }
      },
    })

  const due = new Map<string, { readonly address: RefAddress; at: number }>()
  const wake = (address: RefAddress, at: number): void => {
    const key = `${address.repository} ${address.ref}`
    due.set(key, { address, at: Math.min(due.get(key)?.at ?? Infinity, at) })
  }
  const { state } = store
  const inbox: AppServices['inbox'] = {
    ...store.inbox,
    async put(delivery) {
      const isNew = await store.inbox.put(delivery)
      if (isNew) wake(delivery.address, nowMs)
      return isNew
    },
    async putAll(deliveries) {
      let count = 0
      for (const delivery of deliveries) if (await inbox.put(delivery)) count += 1
      return count
    },
    async wakeAt(address, at) {
      wake(address, Date.parse(at))
    },
  }

  const isolated: JudgePorts['isolated'] = {
    async judge(tree, options) {
      const key = JSON.stringify(await tree.subject())
      const known = readings.get(key) ?? readPipeline(tree, options)
      readings.set(key, known)
      const reading = await known
      const texts = filesToSuggestFor(reading.problems).map(async (file) => [file, (await tree.read(file, 100_000))?.toString('utf8') ?? ''] as const)
      return { kind: 'judged', reading, fixes: suggestFixes(reading.problems, new Map(await Promise.all(texts))) }
    },
    plan: async (request) => ({ kind: 'planned', ...(await makeRunPlan(request)) }),
  }
  const makeJudge = (): AppServices['judge'] =>
    commitJudge({
      isolated,
      state,
      planning: stagePorts,
      runners: DEFAULT_RUNNERS,
      users: new Map(),
      clock,
      toolVersion: '0.1.0',
      onBug: (error) => bugs.push(error),
    })
  const services: AppServices = {
    forge: github.forge,
    state: watched(state),
    inbox: watched(inbox),
    judge: makeJudge(),
    blobs,
    images: { registry: stagePorts.registry, namespace: stagePorts.registryRoot },
    catalogue: stagePorts.catalogue,
    releaseBefore: async () => undefined,
    clock,
    log: pino({ level: 'silent' }),
    policy: POLICY,
    githubUrl: 'https://github.com',
    publicUrl: 'https://ctss.example',
    runUrl: (run, isPrivate) => `https://ctss.example/runs/${run}${isPrivate ? '?key=secret' : ''}`,
    dispatchInputs: { registry: 'registry.test' },
    permissions: { checks: 'write' },
    toolVersion: '0.1.0',
    settleMs: 10_000,
    async pause(ms) {
      nowMs += ms
    },
    ...changes,
  }
  await state.putRepository({ id: repository.id, owner: 'sage', name: 'plugin', installation: 1, isSuspended: false })

  let advance: AdvanceRef = refAdvancer(services)
  let deliveries = 0
  const signal = new AbortController().signal

  async function handle(address: RefAddress): Promise<void> {
    for (;;) {
      try {
        return await advance(address, signal)
      } catch (error) {
        if (!(error instanceof Crash)) throw error
        // A new process knows nothing but what is written down, and the ref's lease ends.
        nowMs += 15_000
        advance = refAdvancer({ ...services, judge: makeJudge() })
      }
    }
  }

  const world: AppWorld = {
    github,
    repository,
    services,
    bugs,
    points: () => points,
    dieAt(point) {
      deadly = point
      points = 0
    },
    passTime(ms) {
      nowMs += ms
    },
    async deliver(delivery) {
      deliveries += 1
      await inbox.put({ id: `guid-${deliveries}`, cause: 'test', ...delivery })
    },
    async push(ref, files = PASSING, { by = WRITER, message, isSilent = false } = {}) {
      const commit = github.push(repository, ref, files, message)
      if (!isSilent) await world.deliver({ address: { repository: repository.id, ref }, pushed: { commit, by, at: clock.now() } })
      return commit
    },
    async tag(name, ref) {
      const commit = repository.refs.get(ref) ?? ''
      repository.refs.set(`refs/tags/${name}`, commit)
      repository.forge.tags.set(name, commit)
      await world.deliver({ address: { repository: repository.id, ref: `refs/tags/${name}` }, pushed: { commit, by: WRITER, at: clock.now() } })
      return commit
    },
    async openPull(ref, { fork, author = WRITER, isDraft = false } = {}) {
      const number = repository.pulls.length + 1
      const pull: MemoryPull = { number, author, fork, ref: fork === undefined ? ref : `refs/pull/${number}/head`, baseBranch: 'main', isDraft, isOpen: true }
      repository.pulls.push(pull)
      const head = repository.refs.get(ref)
      if (fork !== undefined && head !== undefined) repository.refs.set(pull.ref, head)
      repository.forge.heads.set(number, repository.refs.get(pull.ref) ?? '')
      await world.deliver({ address: { repository: repository.id, ref: pull.ref } })
      return pull
    },
    async ask(ref, what, { by = WRITER, pull, commit, id = `comment:${deliveries}` } = {}) {
      const comment = pull === undefined ? undefined : { id: 9_000_000 + deliveries, issue: pull }
      if (comment !== undefined) {
        const known = repository.forge.comments.get(comment.issue) ?? []
        repository.forge.comments.set(comment.issue, [...known, { id: comment.id, author: by.login, body: '/ctss', url: 'https://forge.invalid' }])
      }
      const wish: Wish = { id, what, by, at: clock.now(), ...(commit !== undefined && { commit }), ...(comment && { comment }) }
      await world.deliver({ address: { repository: repository.id, ref }, wish })
      return id
    },
    async settle(withinMs = 0) {
      const end = nowMs + withinMs
      for (let turns = 0; turns < 1000; turns += 1) {
        const [next] = [...due.values()].toSorted((one, other) => one.at - other.at)
        if (next === undefined || next.at > Math.max(end, nowMs)) return
        nowMs = Math.max(nowMs, next.at)
        due.delete(`${next.address.repository} ${next.address.ref}`)
        await handle(next.address)
      }
      throw new Error('it does not settle')
    },
    async runWorkflows(options = {}) {
      for (const run of github.runs.filter(({ status }) => status === 'queued')) await runWorkflow(run, options)
    },
    due(ref) {
      const found = due.get(`${repository.id} ${ref}`)
      return found && new Date(found.at).toISOString()
    },
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  }

  /** As dispatch.yml: the first job claims the plan, the stages run, the last one delivers. */
  async function runWorkflow(workflow: MemoryWorkflowRun, { fate, change = (record) => record }: RunnerOptions): Promise<void> {
    const run = await state.run(workflow.inputs['plan'] ?? '')
    if (run === undefined || run.state === 'ended') throw new Error('nobody waits for this run')
    const end = async (conclusion: string): Promise<void> => {
      Object.assign(workflow, { status: 'completed', conclusion })
      await world.deliver({ address: { repository: run.repository, ref: run.ref } })
    }
    workflow.status = 'in_progress'
    if (fate === 'lost') return end('failure')
    const claim = await state.claimRun(run.id, { workflowRun: workflow.id, attempt: 1, at: clock.now() })
    // Another dispatch of the same run was first.
    if (claim.workflowRun !== workflow.id) return end('failure')
    await state.moveRun(run.id, { state: 'running', now: clock.now(), workflowRun: workflow.id })
    const started = clock.now()
    nowMs += 60_000
    workflow.jobs.push({
      id: workflow.id + 1,
      name: 'pipeline / build',
      status: 'completed',
      conclusion: 'success',
      runner: 'runner-1',
      started,
      ended: clock.now(),
      step: null,
    })
    if (fate === 'silent') return end('success')
    const records = (
      await runPlan(run.plan, {
        tree: github.forge.open({ installation: 1, id: repository.id, owner: 'sage', name: 'plugin' }).tree(run.commit, run.path),
        folder,
        stagePorts,
        blobs,
        clock,
      })
    ).map(change)
    if (fate === 'artifacts') {
      for (const [index, record] of records.entries()) {
        const files = await Promise.all(
          namedFiles(record).map(async ({ digest }) => [`blobs/${digest.slice('sha256:'.length)}`, (await blobs.get(digest)) ?? Buffer.alloc(0)] as const),
        )
        const zip = makeZip({ 'record.json': JSON.stringify(record), ...Object.fromEntries(files) })
        workflow.artifacts.push({ id: workflow.id * 100 + index, name: `ctss-${record.stage}`, bytes: zip.length, zip })
      }
      return end('success')
    }
    await takeRecords(run, { records }, { state, inbox, blobs, clock, registry: stagePorts.registry, namespace: stagePorts.registryRoot })
    await end(records.some(({ outcome }) => outcome !== 'passed') ? 'failure' : 'success')
  }

  return world
}

export interface PlanRunner {
  readonly tree: RepositoryTree
  /** Of this machine, for what the stages work in. */
  readonly folder: string
  readonly stagePorts: StagePorts
  readonly blobs: BlobStore
  readonly clock: Clock
}

/** Runs what a plan wants to be run, on ports in memory; the records of what ran. */
export async function runPlan(plan: RunPlan, { tree, folder, stagePorts, blobs, clock }: PlanRunner): Promise<readonly StageRecord[]> {
  const reading = await readPipeline(tree)
  const given = Object.fromEntries(
    plan.stages.flatMap(({ stage, kind, record }): readonly (readonly [string, GivenStage])[] =>
      kind === 'reuse' && record !== undefined ? [[stage, { kind: 'record', record, ran: false }]] : [],
    ),
  )
  const summaries = await runStages(
    {
      subject: plan.subject,
      pipeline: reading.pipeline,
      options: { from: 'validate', to: 'report', force: [], keepGoing: false, ...(plan.trust === 'untrusted' && { unpublished: 'untrusted' }) },
      scripts: makeStageScripts({ reading, nativePlatform: 'linux/amd64', platforms: undefined, release: plan.release, runId: 'test' }, stagePorts),
      signal: new AbortController().signal,
      given,
    },
    {
      tree,
      records: memoryRecords(),
      blobs,
      clock,
      observer: { stageStarted: () => ({ step: () => undefined, output: () => undefined }), stageEnded: () => undefined },
      environment: { kind: 'github' },
      toolVersion: '0.1.0',
      makeWorkFolder: async (stage) => makeWorkFolder(folder, stage),
    },
  )
  return summaries.flatMap(({ ran, record }) => (ran && record !== undefined ? [record] : []))
}
