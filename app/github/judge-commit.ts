import type { IsolatedJudge } from '../../adapters/judge-process/isolated-judge.ts'
import { asDigest, digestOf } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import { nameOf } from '../../pipeline/pipeline.ts'
import type { MadePlan } from '../../pipeline/plan/make-run-plan.ts'
import { planningPorts, type KnownPorts } from '../../pipeline/plan/planning-ports.ts'
import { recordVerdict } from '../../pipeline/plan/record-verdict.ts'
import type { Clock } from '../../pipeline/ports/clock.ts'
import type { Records } from '../../pipeline/ports/records.ts'
import type { RepositoryTree } from '../../pipeline/ports/repository-tree.ts'
import type { ServiceState, StoredRun } from '../../pipeline/ports/service-state.ts'
import type { GivenStage, PlannedStage, StageSummary } from '../../pipeline/run.ts'
import type { RunnerMap } from '../../pipeline/runner-classes.ts'
import { pathInRepository } from '../../pipeline/service/check-annotations.ts'
import type { PluginFacts, StageFacts, SuggestedFix, Trust } from '../../pipeline/service/world.ts'
import type { StageName } from '../../pipeline/stage.ts'
import { MANIFEST_FILES } from '../../pipeline/validate/find-manifests.ts'
import type { PipelineReading } from '../../pipeline/validate/validate.ts'
import type { RunPlan, StageRecord, Subject } from '../../schemas/generated/types.ts'
import { secondsOfRecord } from '../../pipeline/record-seconds.ts'

/** One plugin of a commit: what is decided with, and what its report is made of. */
export interface JudgedPlugin {
  readonly facts: PluginFacts
  readonly subject: Subject
  /** Undefined: it could not be judged. */
  readonly reading: PipelineReading | undefined
  /** Of the stages that are done, skipped or missing. */
  readonly summaries: readonly StageSummary[]
}

export interface CommitRequest {
  readonly repository: number
  readonly commit: string
  /** Of the commit; of a folder of it, as a checkout of that folder is. */
  readonly tree: (folder?: string) => RepositoryTree
  readonly trust: Trust
  readonly release: boolean
  /** All of the commit. */
  readonly runs: readonly StoredRun[]
  /** Asks once for each name in one piece of work. */
  readonly once: <Value>(name: string, ask: () => Promise<Value>) => Promise<Value>
  readonly signal: AbortSignal
}

/** Judges and plans every plugin of a commit: none where there is no manifest. Fails as the tree, the state and the registry do. */
export type CommitJudge = (request: CommitRequest) => Promise<readonly JudgedPlugin[]>

export interface JudgePorts {
  /** Reads and plans what strangers have written, in a process of its own. */
  readonly isolated: Pick<IsolatedJudge, 'judge' | 'plan'>
  readonly state: Pick<ServiceState, 'records' | 'recordsOfRun' | 'stageSeconds'>
  readonly planning: KnownPorts
  readonly runners: RunnerMap
  /** Owner of a repository (lower case) → Sage user. */
  readonly users: ReadonlyMap<string, string>
  readonly clock: Clock
  readonly toolVersion: string
  /** Told of what was our own fault. */
  onBug(error: unknown): void
}

/** More plugins than these are not looked at. */
const MOST_PLUGINS = 20
/** Judgements that are remembered: a ref is observed many times, and its commit stays what it is. */
const REMEMBERED = 500
/** What took too much may have done so because the machine was busy. */
const TOO_HEAVY_MS = 600_000
/** Where trainings run, unless somebody maps them elsewhere. */
const NATIVE_PLATFORM = 'linux/amd64'

/** Folders of what others wrote. */
const FOREIGN = /(?:^|\/)(?:node_modules|site-packages|\.?venv|third_party|vendor)(?:\/|$)/

/**
 * Folders with a manifest by its name alone, the root's first, as paths without a slash at the end; the root is empty. One whose name cannot be shown as it is
 * (control characters, say) is passed over. Fails as the tree does.
 */
export async function findPlugins(tree: RepositoryTree): Promise<readonly string[]> {
  const folders = (await tree.entries()).flatMap(({ path }) => {
    const slash = path.lastIndexOf('/')
    const folder = path.slice(0, Math.max(slash, 0))
    const isNamed = folder === '' || pathInRepository('', folder) !== undefined
    return MANIFEST_FILES.some((name) => name === path.slice(slash + 1)) && isNamed && !FOREIGN.test(folder) ? [folder] : []
  })
  return [...new Set(folders)].toSorted().slice(0, MOST_PLUGINS)
}

interface Judgement {
  readonly reading: PipelineReading
  readonly fixes: readonly SuggestedFix[]
  readonly verdict: StageRecord
}

/** By the state of a repository; `until`: milliseconds since 1970. */
type Remembered = Map<string, { readonly judgement: Judgement | string; readonly until: number }>

/** Judges commits, and remembers what was judged. */
export function commitJudge(ports: JudgePorts): CommitJudge {
  const remembered: Remembered = new Map()
  return async (request) => {
    const plugins: JudgedPlugin[] = []
    for (const path of await findPlugins(request.tree())) {
      request.signal.throwIfAborted()
      plugins.push(await judgePlugin(ports, remembered, request, path))
    }
    return plugins
  }
}

async function judgePlugin(ports: JudgePorts, remembered: Remembered, request: CommitRequest, path: string): Promise<JudgedPlugin> {
  const tree = path === '' ? request.tree() : request.tree(path)
  const subject = await tree.subject()
  const unjudged = (sentence: string): JudgedPlugin => ({
    facts: { path, name: undefined, version: undefined, stages: [], plan: undefined, fixes: [], unjudged: sentence },
    subject,
    reading: undefined,
    summaries: [],
  })
  try {
    const judgement = await judge(ports, remembered, tree, subject, request.signal)
    if (typeof judgement === 'string') return unjudged(judgement)
    const planned = await planPlugin(ports, request, path, tree, subject, judgement)
    if (typeof planned === 'string') return unjudged(planned)
    const { pipeline } = judgement.reading
    const run = newestRun(request, path)
    const again = new Set(run?.state === 'ended' ? [] : run?.plan.stages.flatMap(({ stage, force }) => (force === true ? [stage] : [])))
    const stages = await Promise.all(planned.now.planned.map(async (stage) => stageFacts(ports, request, path, stage, again.has(stage.plan.stage))))
    const facts: PluginFacts = {
      path,
      name: pipeline && nameOf(pipeline),
      version: pipeline?.manifest.version,
      stages,
      plan: planned.next.plan,
      fixes: judgement.fixes,
      ...(pipeline?.trials.some(({ golden }) => golden !== undefined) === true && { hasGolden: true }),
    }
    return { facts, subject, reading: judgement.reading, summaries: planned.now.planned.flatMap(({ summary }) => summary ?? []) }
  } catch (error) {
    if (error instanceof Failure || request.signal.aborted) throw error
    ports.onBug(error)
    return unjudged('A fault in ctss itself kept it from reading this plugin. It is logged where the service runs; nothing is wrong with the plugin for sure.')
  }
}

/** What was said of a state, which stays what it is; a text: why it cannot be judged. */
async function judge(ports: JudgePorts, remembered: Remembered, tree: RepositoryTree, subject: Subject, signal: AbortSignal): Promise<Judgement | string> {
  // It depends on the repository's address, its tags and its branch as well as on its files.
  const key = JSON.stringify(subject)
  const nowMs = Date.parse(ports.clock.now())
  const known = remembered.get(key)
  const isKnown = known !== undefined && known.until > nowMs
  const judgement = isKnown ? known.judgement : await judgeAnew(ports, tree, subject, signal)
  // The one that was used last stands last.
  remembered.delete(key)
  remembered.set(key, { judgement, until: isKnown ? known.until : typeof judgement === 'string' ? nowMs + TOO_HEAVY_MS : Infinity })
  const [oldest] = remembered.keys()
  if (remembered.size > REMEMBERED && oldest !== undefined) remembered.delete(oldest)
  return judgement
}

async function judgeAnew(
  { isolated, users, clock, toolVersion }: JudgePorts,
  tree: RepositoryTree,
  subject: Subject,
  signal: AbortSignal,
): Promise<Judgement | string> {
  const judged = await isolated.judge(tree, { users }, signal)
  if (judged.kind === 'too-heavy') return judged.message
  return { ...judged, verdict: await recordVerdict(judged.reading, subject, { clock: stoppedClock(clock), environment: { kind: 'github' }, toolVersion }) }
}

/** How long it took would make every verdict another one. */
function stoppedClock(clock: Clock): Clock {
  const now = clock.now()
  return { now: () => now, monotonicMs: () => 0 }
}

/** `now`: what has become of the stages; `next`: what a run would do. A text: why it cannot be planned. */
async function planPlugin(
  ports: JudgePorts,
  request: CommitRequest,
  path: string,
  tree: RepositoryTree,
  subject: Subject,
  { reading, verdict }: Judgement,
): Promise<{ readonly now: MadePlan; readonly next: MadePlan } | string> {
  const records = usableRecords(ports, request)
  const run = newestRun(request, path)
  const given = await givenByRun(ports, run)
  const validated = await keepVerdict(ports, request, verdict)
  const plan = async (more: Readonly<Partial<Record<StageName, GivenStage>>>): ReturnType<IsolatedJudge['plan']> =>
    ports.isolated.plan({
      subject,
      tree,
      reading,
      records,
      stages: planningPorts(ports.planning),
      wish: { platforms: undefined, force: [], keepGoing: false, release: request.release, runners: ports.runners },
      trust: request.trust,
      staging: request.trust === 'trusted' ? 'registry' : 'archive',
      nativePlatform: NATIVE_PLATFORM,
      given: { ...more, validate: { kind: 'record', record: validated, ran: validated.subject.commit === request.commit } },
      toolVersion: ports.toolVersion,
      runId: 'app',
      signal: request.signal,
    })
  // What a run leaves behind may be reused by the next one.
  const delivered = request.runs.filter((candidate) => candidate.delivered !== undefined).length
  const planOnce = async (more: typeof given): ReturnType<typeof plan> =>
    request.once(`plan ${path} ${request.trust} ${delivered} ${digestOf(JSON.stringify(more))}`, async () => plan(more))
  const next = await planOnce({})
  if (next.kind === 'too-heavy') return next.message
  const now = Object.keys(given).length === 0 ? next : await planOnce(given)
  return now.kind === 'too-heavy' ? now.message : { now, next }
}

/** The verdict of an earlier commit where nothing that it depends on has changed; else this one, kept for later ones. */
async function keepVerdict({ state }: JudgePorts, { repository, trust }: CommitRequest, verdict: StageRecord): Promise<StageRecord> {
  if (verdict.outcome !== 'passed') return verdict
  const records = state.records(repository, trust)
  const earlier = await records.find(asDigest(verdict.key))
  if (earlier?.stage === 'validate' && earlier.outcome === 'passed') return earlier
  await records.put(verdict)
  return verdict
}

/** Images of untrusted runs wait in artifacts of those runs alone, so that nothing of them is reused. Of trusted ones, what is still in the registry is. */
function usableRecords({ state, planning }: JudgePorts, { repository, trust }: CommitRequest): Pick<Records, 'find'> {
  if (trust === 'untrusted') return { find: async () => undefined }
  const records = state.records(repository, trust)
  return {
    async find(key) {
      const record = await records.find(key)
      return record !== undefined && (await hasImages(record, planning)) ? record : undefined
    },
  }
}

async function hasImages({ details }: StageRecord, { registry, registryRoot }: KnownPorts): Promise<boolean> {
  if (details.kind !== 'build') return true
  // A record may name any address: only our own registry is asked.
  if (!details.repository.startsWith(`${registryRoot}/`)) return false
  const digests = [details.index, ...details.platforms.map(({ digest }) => digest)].filter((digest) => digest !== undefined)
  const found = await Promise.all(digests.map(async (digest) => registry.manifest(`${details.repository}@${digest}`)))
  return found.every((manifest) => manifest !== undefined)
}

function newestRun({ runs, commit, trust, release }: CommitRequest, path: string): StoredRun | undefined {
  return runs
    .filter((run) => run.commit === commit && run.path === path && run.trust === trust && run.release === release)
    .toSorted((a, b) => Number(b.state !== 'ended') - Number(a.state !== 'ended') || (a.created < b.created ? 1 : -1))[0]
}

/** What a run has come to that has delivered, or will not any more. */
async function givenByRun({ state }: JudgePorts, run: StoredRun | undefined): Promise<Readonly<Partial<Record<StageName, GivenStage>>>> {
  if (run === undefined || (run.delivered === undefined && run.state !== 'ended')) return {}
  const records = (await state.recordsOfRun(run.id)).filter((record) => !isPart(record))
  return Object.fromEntries(
    run.plan.stages.flatMap(({ stage, kind, record: reused }): readonly (readonly [StageName, GivenStage])[] => {
      const record = records.findLast((candidate) => candidate.stage === stage)
      if (stage === 'validate' || stage === 'report' || kind === 'skip') return []
      // One that a job has found under its key is an earlier run's.
      if (record !== undefined) return [[stage, { kind: 'record', record, ran: record.subject.commit === run.commit }]]
      if (kind === 'reuse' && reused !== undefined) return [[stage, { kind: 'record', record: reused, ran: false }]]
      return kind === 'run' ? [[stage, { kind: 'missing' }]] : []
    }),
  )
}

function isPart({ details }: StageRecord): boolean {
  return details.kind === 'build' && details.part === true
}

/** `isAgain`: the newest run makes it anew, whatever record there is. */
async function stageFacts(
  { state }: JudgePorts,
  { repository, commit }: CommitRequest,
  path: string,
  { plan, summary }: PlannedStage,
  isAgain: boolean,
): Promise<StageFacts> {
  const { stage } = plan
  if (summary === undefined) {
    const usualSeconds = median(await state.stageSeconds(repository, path, stage))
    return { stage, state: 'planned', reason: plan.reason, problems: [], ...(usualSeconds !== undefined && { usualSeconds }) }
  }
  const { outcome, record, reason = plan.reason } = summary
  const { problems } = summary
  // What a run has left out has no outcome: how the run ended tells more.
  if (record === undefined) return outcome === 'error' ? { stage, state: 'missing', reason, problems } : { stage, state: 'skipped', reason, outcome, problems }
  return factsOfRecord(record, outcome, problems, isAgain && !summary.ran ? null : commit, reason)
}

/** What came of a run of a commit that is not judged any more, by its records alone. */
export function stagesOfRun({ stages, subject }: RunPlan, records: readonly StageRecord[]): readonly StageFacts[] {
  return stages.map(({ stage, kind, reason, record: reused }): StageFacts => {
    const record = records.findLast((candidate) => candidate.stage === stage && !isPart(candidate)) ?? reused
    if (record !== undefined) return factsOfRecord(record, record.outcome, record.problems, subject.commit, reason)
    return kind === 'run' ? { stage, state: 'missing', reason, problems: [] } : { stage, state: 'skipped', reason, outcome: 'skipped', problems: [] }
  })
}

function factsOfRecord(
  record: StageRecord,
  outcome: StageRecord['outcome'],
  problems: StageFacts['problems'],
  commit: string | null,
  reason: string,
): StageFacts {
  // Of the same commit it is this commit's own, whichever round has seen it first.
  const isOwn = record.subject.commit === commit
  const seconds = secondsOfRecord(record)
  return {
    stage: record.stage,
    state: isOwn ? 'ran' : 'reused',
    reason: outcome === 'error' ? (record.reason ?? reason) : isOwn ? 'it ran for this commit' : reason,
    outcome,
    problems,
    ...(seconds > 0 && { seconds }),
    ...(!isOwn && { from: { commit: record.subject.commit, ended: record.ended } }),
  }
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
