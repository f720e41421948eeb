import type { Action, CheckButton, WantedCheck } from '../../../../pipeline/service/action.ts'
import { decideRef } from '../../../../pipeline/service/decide-ref.ts'
import { decideTrust, trustClassOf } from '../../../../pipeline/service/decide-trust.ts'
import { isReleaseRef } from '../../../../pipeline/service/ref-kind.ts'
import type { Wish } from '../../../../pipeline/service/wish.ts'
import type {
  Account,
  ApprovalFacts,
  PluginFacts,
  PullRequestFacts,
  RefWorld,
  RunFacts,
  StageFacts,
  Trust,
  WorkflowRunFacts,
} from '../../../../pipeline/service/world.ts'
import { makePlan, makePlugin, makeProblem, makeStages, makeWorld, POLICY } from '../../../support/ref-world.ts'

/** What a commit holds: how its plugin fares, by folder. */
export type CommitSpec = Readonly<
  Record<string, { readonly version?: string; readonly fails?: 'validate' | 'build' | 'virtual'; readonly machineLost?: number }>
>

export interface PullSpec extends PullRequestFacts {
  readonly ref: string
}

/** What GitHub has: the truth, whatever was told of it. */
export interface Truth {
  readonly commits: Map<string, CommitSpec>
  readonly refs: Map<string, string>
  readonly pulls: Map<number, PullSpec>
  readonly writers: Set<string>
  isInstalled: boolean
}

/** What a webhook tells. */
export interface Told {
  readonly ref: string
  readonly pushed?: { readonly commit: string; readonly by: Account; readonly at: string }
  readonly wish?: Wish
}

interface SimulatedRun extends RunFacts {
  readonly work: { started: number; isLost: boolean } | undefined
}

const STAGES = ['train', 'build', 'virtual', 'publish'] as const
const MINUTE = 60_000

/** GitHub, the state, the machines and the worker, without any of their failures: time passes only when it is told to. */
export class SimulatedService {
  now = Date.parse('2026-11-21T08:00:00Z')
  readonly truth: Truth = { commits: new Map(), refs: new Map(), pulls: new Map(), writers: new Set(['zelda']), isInstalled: true }
  readonly checks = new Map<string, WantedCheck>()
  readonly comments = new Map<string, string>()
  readonly releases = new Map<string, 'whole'>()
  readonly answers = new Map<string, Extract<Action, { kind: 'answer' }>>()
  readonly proposals = new Set<string>()
  readonly actions: Action[] = []
  #runs: SimulatedRun[] = []
  readonly #wishes = new Map<string, { readonly ref: string; readonly wish: Wish }>()
  readonly #pushes = new Map<string, { readonly commit: string; readonly by: Account; readonly at: string }>()
  readonly #pushers = new Map<string, Account>()
  readonly #approvals: ApprovalFacts[] = []
  readonly #firstTagCommits = new Map<string, string>()
  /** Outcome of a stage, by trust class, folder and commit: records. */
  readonly #records = new Map<string, 'passed' | 'failed'>()
  readonly #woken = new Set<string>()
  readonly #alarms = new Map<string, number>()

  get runs(): readonly RunFacts[] {
    return this.#runs
  }

  /** Keeps what a webhook tells; told twice, it counts once. A comment on a branch's pull request goes to the branch. */
  tell({ ref, pushed, wish }: Told): void {
    const pull = [...this.truth.pulls.values()].find(({ number }) => ref === `refs/pull/${number}/head`)
    const address = pull?.ref ?? ref
    const before = this.#pushes.get(address)
    if (pushed !== undefined) this.#pushers.set(`${address} ${pushed.commit}`, pushed.by)
    if (pushed !== undefined && (before === undefined || before.at < pushed.at)) this.#pushes.set(address, pushed)
    if (wish !== undefined && !this.answers.has(wish.id)) this.#wishes.set(wish.id, { ref: address, wish })
    this.#woken.add(address)
  }

  /** Time passes, and machines work: a dispatched run starts after a minute and is done after five. */
  pass(minutes: number): void {
    this.now += Math.round(minutes * MINUTE)
    this.#runs = this.#runs.map((run) => this.#work(run))
    for (const [ref, at] of this.#alarms) if (at <= this.now) this.#woken.add(ref)
  }

  /** One round of a worker for one ref. Whether anything has changed. */
  round(ref: string): boolean {
    const before = this.#fingerprint()
    const decision = decideRef(this.observe(ref))
    this.actions.push(...decision.actions)
    if (decision.wakeAt === undefined) this.#alarms.delete(ref)
    else this.#alarms.set(ref, Date.parse(decision.wakeAt))
    for (const action of decision.actions) this.#carryOut(action, ref)
    return this.#fingerprint() !== before
  }

  /** A worker's whole work: rounds until nothing changes. */
  advance(ref: string): void {
    let rounds = 0
    while (this.round(ref)) {
      rounds += 1
      if (rounds > 12) throw new Error(`${ref} does not come to rest: ${JSON.stringify(this.actions.slice(-8))}`)
    }
    this.#woken.delete(ref)
  }

  /** Refs that somebody has to look at. */
  get woken(): readonly string[] {
    return [...this.#woken]
  }

  /** Lets everything come to its end. */
  settle(): void {
    for (let step = 0; step < 100; step += 1) {
      for (const ref of this.#woken) this.advance(ref)
      if (this.#woken.size === 0 && this.#alarms.size === 0) return
      this.pass(2)
    }
    throw new Error('it does not come to an end')
  }

  observe(ref: string): RefWorld {
    const { refs, pulls, writers, isInstalled } = this.truth
    const commit = refs.get(ref)
    const pushed = this.#pushes.get(ref)
    const pull = [...pulls.values()].filter((candidate) => candidate.ref === ref)
    const isTag = ref.startsWith('refs/tags/')
    if (isTag && commit !== undefined && !this.#firstTagCommits.has(ref)) this.#firstTagCommits.set(ref, commit)
    const pusher = this.#pushers.get(`${ref} ${commit}`)
    const since = pushed !== undefined && pushed.commit === commit ? pushed.at : (undefined as never)
    const bare = makeWorld({
      now: this.#time(),
      ref,
      policy: { ...POLICY, mostDispatches: 3 },
      repository: { installation: isInstalled ? { kind: 'installed', lacking: [] } : { kind: 'removed' } },
      head:
        commit === undefined
          ? null
          : {
              commit,
              message: '',
              pusher: pusher && { ...pusher, access: writers.has(pusher.login) ? 'write' : 'read' },
              since,
            },
      pullRequests: pull,
      plugins: [],
      runs: this.#runs.filter((run) => (run.ref === ref && run.state !== 'ended') || run.commit === commit),
      approvals: this.#approvals,
      wishes: [...this.#wishes.values()]
        .filter((entry) => entry.ref === ref)
        .map(({ wish }) => ({ wish, access: writers.has(wish.by.login) ? 'write' : 'none' })),
      budget: { repositoryRuns: this.#runs.filter(({ state }) => state === 'dispatched').length, ownerRuns: 0 },
      ...(isTag &&
        commit !== undefined && {
          tag: {
            firstCommit: this.#firstTagCommits.get(ref) ?? commit,
            release: this.releases.get(ref.slice('refs/tags/'.length)) ?? 'none',
            isReachableFromBranch: true,
          },
        }),
    })
    const trust = trustClassOf(decideTrust(bare))
    const isJudged = !isTag || isReleaseRef(ref)
    const plugins =
      commit === undefined || !isJudged ? [] : Object.keys(this.truth.commits.get(commit) ?? {}).map((path) => this.#judge(commit, path, trust, isTag))
    return { ...bare, plugins }
  }

  /** What can be seen from outside of the refs as they are now, without what depends on how often something was tried. */
  picture(): unknown {
    const heads = new Set(this.truth.refs.values())
    // What was written stays as it was at that moment.
    if (!this.truth.isInstalled) return { open: this.#runs.filter(({ state }) => state !== 'ended').length }
    return {
      checks: Object.fromEntries(
        [...this.checks]
          .filter(([key, check]) => heads.has(check.commit) && !key.includes('/ validate'))
          .map(([key, { state, buttons }]) => [
            key,
            [state.status === 'completed' ? state.conclusion : state.status, ...buttons.map((button: CheckButton) => button.identifier)].join(' '),
          ]),
      ),
      comments: Object.fromEntries([...this.comments].filter(([key]) => this.truth.pulls.has(Number(key.split(' ')[0])))),
      releases: Object.fromEntries(this.releases),
      open: this.#runs.filter(({ state }) => state !== 'ended').length,
      proposals: Object.fromEntries([...this.proposals].map((proposal) => [proposal, true])),
    }
  }

  #judge(commit: string, path: string, trust: Trust, release: boolean): PluginFacts {
    const spec = this.truth.commits.get(commit)?.[path]
    const outcomes = new Map(STAGES.map((stage) => [stage, this.#records.get(this.#key(commit, path, trust, stage, release))]))
    const isInvalid = spec?.fails === 'validate'
    const failed = STAGES.find((stage) => outcomes.get(stage) === 'failed')
    const newest = this.#runs.filter((run) => run.commit === commit && run.path === path && run.trust === trust && run.release === release).at(-1)
    const stages = makeStages({
      ...(isInvalid && { validate: { outcome: 'failed', problems: [makeProblem()] } }),
      ...Object.fromEntries(
        STAGES.map((stage) => [stage, this.#stage(stage, { isInvalid, failed, outcome: outcomes.get(stage), isEnded: newest?.state === 'ended' })]),
      ),
      ...(trust === 'untrusted' &&
        !isInvalid &&
        failed === undefined && { publish: { state: 'skipped', reason: 'nothing is published for a pull request from a fork' } }),
    })
    const kinds = Object.fromEntries(
      STAGES.map(
        (stage) => [stage, isInvalid || (stage === 'publish' && trust === 'untrusted') ? 'skip' : outcomes.get(stage) === 'passed' ? 'reuse' : 'run'] as const,
      ),
    )
    return makePlugin({
      path,
      name: `zelda/${path === '' ? 'root' : path}`,
      version: spec?.version ?? '1.0.0',
      stages,
      plan: makePlan({ trust, release, kinds }),
    })
  }

  #stage(
    stage: string,
    { isInvalid, failed, outcome, isEnded }: { isInvalid: boolean; failed: string | undefined; outcome: 'passed' | 'failed' | undefined; isEnded: boolean },
  ): Partial<StageFacts> {
    if (isInvalid) return { state: 'skipped', reason: 'validate did not pass' }
    if (outcome !== undefined) return { state: 'ran', outcome, problems: outcome === 'failed' ? [makeProblem()] : [] }
    if (failed !== undefined) return { state: 'skipped', reason: `${failed} did not pass` }
    return { state: isEnded ? 'missing' : 'planned', reason: stage }
  }

  #key(commit: string, path: string, trust: Trust, stage: string, release: boolean): string {
    return [trust, path, commit, stage, stage === 'publish' ? release : ''].join(' ')
  }

  #work(run: SimulatedRun): SimulatedRun {
    if (run.state === 'queued' || run.state === 'ended' || run.work === undefined) return run
    const minutes = (this.now - run.work.started) / MINUTE
    const workflow: WorkflowRunFacts = { id: 1, status: 'queued', conclusion: null, url: '', jobs: [] }
    if (minutes < 1) return { ...run, workflow }
    if (minutes < 5)
      return {
        ...run,
        isClaimed: true,
        workflow: {
          ...workflow,
          status: 'in_progress',
          jobs: [
            {
              id: 1,
              name: 'pipeline / build',
              status: 'in_progress',
              conclusion: null,
              runner: 'm',
              started: new Date(run.work.started + MINUTE).toISOString(),
              ended: null,
              step: null,
            },
          ],
        },
      }
    if (run.workflow?.status === 'completed') return run
    const isFailed = run.work.isLost || this.#deliver(run)
    return {
      ...run,
      isClaimed: true,
      isDelivered: !run.work.isLost,
      workflow: { ...workflow, status: 'completed', conclusion: isFailed ? 'failure' : 'success' },
    }
  }

  /** Records of every stage that the run has come to. Whether one has failed. */
  #deliver(run: SimulatedRun): boolean {
    const spec = this.truth.commits.get(run.commit)?.[run.path]
    for (const stage of STAGES) {
      if (!run.plan.stages.some((entry) => entry.stage === stage && entry.kind === 'run')) continue
      const outcome = spec?.fails === stage ? 'failed' : 'passed'
      this.#records.set(this.#key(run.commit, run.path, run.trust, stage, run.release), outcome)
      if (outcome === 'failed') return true
    }
    return false
  }

  #carryOut(action: Action, ref: string): void {
    switch (action.kind) {
      case 'put-check':
        this.checks.set(`${action.check.name} ${action.check.commit}`, action.check)
        break
      case 'create-run':
        this.#create(action, ref)
        break
      case 'dispatch':
        this.#change(action.run, (run) => ({
          ...run,
          state: 'dispatched',
          dispatched: this.#time(),
          dispatches: action.dispatch,
          work: { started: this.now, isLost: this.#isLost(run) },
        }))
        break
      case 'cancel-run':
        this.#change(action.run, (run) => ({ ...run, state: 'ended', outcome: 'cancelled', reason: action.reason }))
        break
      case 'end-run':
        this.#change(action.run, (run) => ({ ...run, state: 'ended', outcome: action.outcome, reason: action.reason }))
        break
      case 'fetch-records':
        this.#change(action.run, (run) => ({ ...run, isDelivered: true }))
        break
      case 'approve':
        this.#approvals.push({ pullRequest: action.pullRequest, commit: action.commit, by: action.by, at: this.#time() })
        break
      case 'put-comment':
        this.comments.set(
          `${action.pullRequest} ${action.path}`,
          `${action.state} ${action.state === 'running' ? action.headline : (action.verdict?.sentence ?? '')}`,
        )
        break
      case 'answer':
        if (this.answers.has(action.wish)) throw new Error(`${action.wish} is answered twice`)
        this.answers.set(action.wish, action)
        this.#wishes.delete(action.wish)
        break
      case 'propose':
        this.proposals.add(`${action.proposal} ${action.path}`)
        break
      case 'complete-release':
        this.releases.set(action.tag, 'whole')
        break
      case 'suggest':
        break
    }
  }

  #create({ path, commit, trust, plan, wish }: Extract<Action, { kind: 'create-run' }>, ref: string): void {
    const cause = wish ?? 'push'
    const same = this.#runs.find(
      (run) => run.commit === commit && run.path === path && run.trust === trust && run.release === plan.release && run.cause === cause,
    )
    if (same !== undefined) return
    const id = `run-${this.#runs.length + 1}`
    // The order in which they were made, also within a millisecond.
    const created = new Date(this.now + this.#runs.length).toISOString()
    this.#runs.push({
      id,
      ref,
      commit,
      path,
      trust,
      release: plan.release,
      plan,
      cause,
      state: 'queued',
      outcome: undefined,
      reason: undefined,
      created,
      dispatched: undefined,
      dispatches: 0,
      workflow: undefined,
      isClaimed: false,
      isDelivered: false,
      work: undefined,
    })
  }

  #isLost({ commit, path }: RunFacts): boolean {
    const lost = this.truth.commits.get(commit)?.[path]?.machineLost ?? 0
    return this.#runs.filter((run) => run.commit === commit && run.path === path && run.dispatches > 0).length < lost
  }

  #change(id: string, change: (run: SimulatedRun) => SimulatedRun): void {
    this.#runs = this.#runs.map((run) => (run.id === id && run.state !== 'ended' ? change(run) : run))
  }

  #time(): string {
    return new Date(this.now).toISOString()
  }

  #fingerprint(): string {
    return JSON.stringify([
      [...this.checks.entries()],
      [...this.comments],
      [...this.releases],
      [...this.answers.keys()],
      [...this.proposals],
      this.#approvals.length,
      this.#runs.map(({ id, state, outcome, dispatches, isDelivered }) => [id, state, outcome, dispatches, isDelivered]),
    ])
  }
}
