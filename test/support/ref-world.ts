import type { RunPlan } from '../../schemas/generated/types.ts'
import type { StageName } from '../../pipeline/stage.ts'
import type { Problem } from '../../pipeline/problem.ts'
import type {
  BudgetFacts,
  HeadFacts,
  JobFacts,
  PluginFacts,
  PullRequestFacts,
  RefWorld,
  RepositoryFacts,
  RunFacts,
  ServicePolicy,
  StageFacts,
  WishFacts,
  WorkflowRunFacts,
} from '../../pipeline/service/world.ts'
import type { Wish, WishKind } from '../../pipeline/service/wish.ts'
import { makeRunPlan } from './run-plan.ts'

/** Commits of a story, the oldest first. */
export const COMMITS = ['a'.repeat(40), 'b'.repeat(40), 'c'.repeat(40), 'd'.repeat(40)] as const
/** When a world is looked at. */
export const NOW = '2026-11-21T12:00:00.000Z'

/** A time before `NOW`, or after it where the minutes are negative. */
export function minutesAgo(minutes: number): string {
  return new Date(Date.parse(NOW) - minutes * 60_000).toISOString()
}

export const POLICY: ServicePolicy = {
  owners: ['zelda'],
  trustedBots: ['renovate[bot]'],
  drafts: 'run',
  mostDispatches: 3,
  startMinutes: 30,
  runMinutes: 360,
  budgets: { repositoryMinutes: 6000, ownerMinutes: 20_000, ownerServiceUnits: undefined, repositoryRuns: 4, ownerRuns: 10 },
}

const BUDGET: BudgetFacts = { repositoryMinutes: 120, ownerMinutes: 900, ownerServiceUnits: 0, repositoryRuns: 0, ownerRuns: 0 }

const REPOSITORY: RepositoryFacts = {
  id: 1,
  owner: 'zelda',
  name: 'cloud-counter',
  isPrivate: false,
  isArchived: false,
  defaultBranch: 'main',
  installation: { kind: 'installed', lacking: [] },
}

/** What a test is about differs from a healthy branch with a pull request, pushed by a writer ten minutes ago; parts are merged one level deep. */
export interface WorldChanges extends Partial<Omit<RefWorld, 'repository' | 'policy' | 'budget' | 'head' | 'pullRequests'>> {
  readonly repository?: Partial<RepositoryFacts>
  readonly policy?: Partial<ServicePolicy>
  readonly budget?: Partial<BudgetFacts>
  readonly head?: Partial<HeadFacts> | null
  readonly pullRequests?: readonly Partial<PullRequestFacts>[]
}

/** A branch of a writer with a pull request and one plugin, before anything has run. */
export function makeWorld({ repository, policy, budget, head, pullRequests = [{}], ...rest }: WorldChanges = {}): RefWorld {
  return {
    now: NOW,
    ref: 'refs/heads/feature',
    policy: { ...POLICY, ...policy },
    repository: { ...REPOSITORY, ...repository },
    head:
      head === null
        ? undefined
        : { commit: COMMITS[1], message: 'Count clouds', pusher: { login: 'zelda', kind: 'person', access: 'write' }, since: minutesAgo(10), ...head },
    pullRequests: pullRequests.map((pull) => ({
      number: 7,
      isDraft: false,
      isFork: false,
      author: { login: 'zelda', kind: 'person' },
      baseBranch: 'main',
      ...pull,
    })),
    plugins: [makePlugin()],
    runs: [],
    approvals: [],
    wishes: [],
    budget: { ...BUDGET, ...budget },
    ...rest,
  }
}

/** The head of a fork's pull request. */
export function makeForkWorld(changes: WorldChanges = {}): RefWorld {
  return makeWorld({
    ref: 'refs/pull/7/head',
    pullRequests: [{ isFork: true, author: { login: 'ganon', kind: 'person' } }],
    plugins: [makePlugin({ plan: makePlan({ trust: 'untrusted' }) })],
    ...changes,
    head: changes.head === null ? null : { pusher: { login: 'ganon', kind: 'person', access: 'read' }, ...changes.head },
  })
}

/** A tag of a version, pushed by a writer. */
export function makeTagWorld(changes: WorldChanges = {}): RefWorld {
  return makeWorld({
    ref: 'refs/tags/v1.2.0',
    pullRequests: [],
    plugins: [makePlugin({ plan: makePlan({ release: true }) })],
    tag: { firstCommit: COMMITS[1], release: 'none', isReachableFromBranch: true },
    ...changes,
  })
}

/** `runs`, `reuses` or `skips` per stage; what is not named keeps what it has. */
export function makePlan(changes: Partial<RunPlan> & { readonly kinds?: Partial<Record<StageName, 'run' | 'reuse' | 'skip'>> } = {}): RunPlan {
  const { kinds = {}, ...overrides } = changes
  const plan = makeRunPlan({ subject: { repository: 'zelda/cloud-counter', commit: COMMITS[1], tree: `sha256:${'1'.repeat(64)}`, dirty: false }, ...overrides })
  const reasons = { run: 'no record of these inputs', reuse: 'nothing that it depends on has changed', skip: 'it does not apply' }
  return {
    ...plan,
    stages: plan.stages.map((stage) =>
      kinds[stage.stage] === undefined ? stage : { ...stage, kind: kinds[stage.stage]!, reason: reasons[kinds[stage.stage]!] },
    ),
  }
}

/** A plan in which every result is used again. */
export function makeReusePlan(changes: Partial<RunPlan> = {}): RunPlan {
  return makePlan({ kinds: { validate: 'reuse', train: 'reuse', build: 'reuse', virtual: 'reuse', publish: 'reuse' }, ...changes })
}

const STAGE_DEFAULTS: Readonly<Record<string, StageFacts>> = {
  validate: { stage: 'validate', state: 'ran', reason: 'no record of these inputs', outcome: 'passed', problems: [], seconds: 0.2 },
  train: { stage: 'train', state: 'planned', reason: 'no record of these inputs', problems: [], usualSeconds: 600 },
  build: { stage: 'build', state: 'planned', reason: 'its inputs are not known yet', problems: [], usualSeconds: 240 },
  virtual: { stage: 'virtual', state: 'planned', reason: 'its inputs are not known yet', problems: [], usualSeconds: 90 },
  node: { stage: 'node', state: 'skipped', reason: 'no Waggle node is attached', problems: [] },
  publish: { stage: 'publish', state: 'planned', reason: 'its inputs are not known yet', problems: [] },
}

/** Every stage of a plugin, as before a run; change what the test is about. */
export function makeStages(changes: Partial<Record<StageName, Partial<StageFacts>>> = {}): readonly StageFacts[] {
  return Object.values(STAGE_DEFAULTS).map((stage) => ({ ...stage, ...changes[stage.stage] }))
}

export const PASSED: Partial<StageFacts> = { state: 'ran', outcome: 'passed', seconds: 42 }
export const REUSED: Partial<StageFacts> = {
  state: 'reused',
  outcome: 'passed',
  reason: 'nothing that it depends on has changed',
  from: { commit: COMMITS[0], ended: '2026-11-20T09:30:00Z' },
}

/** Every stage as after a run in which all has passed. */
export function passedStages(changes: Partial<Record<StageName, Partial<StageFacts>>> = {}): readonly StageFacts[] {
  return makeStages({ train: PASSED, build: PASSED, virtual: PASSED, publish: PASSED, ...changes })
}

/** Every stage as before a run that will not be needed. */
export function reusedStages(changes: Partial<Record<StageName, Partial<StageFacts>>> = {}): readonly StageFacts[] {
  return makeStages({ train: REUSED, build: REUSED, virtual: REUSED, publish: REUSED, ...changes })
}

export function makePlugin(changes: Partial<PluginFacts> = {}): PluginFacts {
  return { path: '', name: 'zelda/cloud-counter', version: '1.2.0', stages: makeStages(), plan: makePlan(), fixes: [], hasGolden: true, ...changes }
}

export function makeProblem(changes: Partial<Problem> = {}): Problem {
  return {
    code: 'CTSS-M012',
    severity: 'error',
    message: 'version is the number 1.1',
    suggestion: 'Write it in quotes.',
    place: { file: 'sage.yaml', line: 3, column: 10, endLine: 3, endColumn: 13 },
    ...changes,
  }
}

/** A run at the head, dispatched five minutes ago. */
export function makeRun(changes: Partial<RunFacts> = {}): RunFacts {
  return {
    id: 'run-1',
    ref: 'refs/heads/feature',
    commit: COMMITS[1],
    path: '',
    trust: 'trusted',
    release: false,
    plan: makePlan(),
    cause: 'push',
    state: 'dispatched',
    outcome: undefined,
    reason: undefined,
    created: minutesAgo(6),
    dispatched: minutesAgo(5),
    dispatches: 1,
    workflow: undefined,
    isClaimed: false,
    isDelivered: false,
    ...changes,
  }
}

/** A run that waits to be dispatched. */
export function makeQueuedRun(changes: Partial<RunFacts> = {}): RunFacts {
  return makeRun({ state: 'queued', dispatched: undefined, dispatches: 0, ...changes })
}

/** A run that is over. */
export function makeEndedRun(outcome: NonNullable<RunFacts['outcome']>, changes: Partial<RunFacts> = {}): RunFacts {
  return makeRun({
    state: 'ended',
    outcome,
    isClaimed: true,
    isDelivered: true,
    workflow: makeWorkflow({ status: 'completed', conclusion: outcome === 'passed' ? 'success' : 'failure' }),
    ...changes,
  })
}

export function makeWorkflow(changes: Partial<WorkflowRunFacts> = {}): WorkflowRunFacts {
  return { id: 9001, status: 'in_progress', conclusion: null, url: 'https://github.com/sage/control/actions/runs/9001', jobs: [], ...changes }
}

export function makeJob(changes: Partial<JobFacts> = {}): JobFacts {
  return {
    id: 1,
    name: 'pipeline / build / linux/amd64',
    status: 'in_progress',
    conclusion: null,
    runner: 'GitHub Actions 3',
    started: minutesAgo(2),
    ended: null,
    step: 'Build',
    ...changes,
  }
}

/** A comment of a writer, two minutes ago. */
export function makeWish(what: WishKind, changes: Partial<Wish> & { readonly access?: WishFacts['access'] } = {}): WishFacts {
  const { access = 'write', ...wish } = changes
  return { wish: { id: 'comment:501', what, by: { login: 'zelda', kind: 'person' }, at: minutesAgo(2), comment: { id: 501, issue: 7 }, ...wish }, access }
}

/** The same by a button of a check, which names its commit and has nowhere to answer. */
export function makeButtonWish(what: WishKind, changes: Partial<Wish> & { readonly access?: WishFacts['access'] } = {}): WishFacts {
  const { wish, access } = makeWish(what, { id: 'button:d1', commit: COMMITS[1], ...changes })
  const { comment: _, ...rest } = wish
  return { wish: rest, access }
}

const LINE_CHARACTERS = 160

/** JSON of a situation, as people review it: what fits on a line stays on one. With a line end. */
export function formatSituation(value: unknown): string {
  return `${formatValue(value, '')}\n`
}

function formatValue(value: unknown, indent: string): string {
  const line = JSON.stringify(value)
  if (typeof value !== 'object' || value === null || indent.length + line.length <= LINE_CHARACTERS) return line
  const inner = `${indent}  `
  const parts = Array.isArray(value)
    ? value.map((item: unknown) => formatValue(item, inner))
    : Object.entries(value).flatMap(([name, item]) => (item === undefined ? [] : [`${JSON.stringify(name)}: ${formatValue(item, inner)}`]))
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${parts.map((part) => `${inner}${part}`).join(',\n')}\n${indent}${close}`
}
