import type { ExpectationResult, Problem } from '../../schemas/generated/types.ts'
import type { TrialPlan } from '../pipeline.ts'
import type { TrialObservation } from '../ports/testbed.ts'
import { error, hasErrors, warning } from '../problem.ts'
import { DROP_REASONS } from './data-sharing.ts'
import { judgeExpectation, type Judgement } from './expectation.ts'
import { judgeGolden, type GoldenReading } from './golden.ts'
import { explainCrash, lastTraceback } from './traceback.ts'

export interface Golden {
  /** In the repository. */
  readonly path: string
  readonly reading: GoldenReading
}

export interface TrialJudgement {
  readonly outcome: 'passed' | 'failed'
  readonly expectations: readonly ExpectationResult[]
  readonly problems: readonly Problem[]
}

/** Programs run that many times slower under QEMU, roughly; a trial there is about correctness, so it gets the time. */
const EMULATION_FACTOR = 5

/** How long a trial may take on a platform; one that is meant to run on is not made longer. */
export function timeLimitMs({ timeoutMs, mayRunOn }: Pick<TrialPlan, 'timeoutMs' | 'mayRunOn'>, isEmulated: boolean): number {
  return isEmulated && !mayRunOn ? timeoutMs * EMULATION_FACTOR : timeoutMs
}

/** Decides about one trial: how it ended, whether it published anything, and what was expected of it. Every problem names expectation and finding. */
export function judgeTrial(plan: TrialPlan, observation: TrialObservation, golden?: Golden): TrialJudgement {
  const judgements = [
    ...plan.expect.map((expectation) => judgeExpectation(expectation, observation)),
    ...(golden?.reading.kind === 'read' ? [judgeGolden(golden.reading.messages, observation.messages, plan.expect, golden.path)] : []),
  ]
  const ending = judgeEnding(plan, observation)
  const problems = [
    ...ending,
    // Who died says nothing more, which the problem before tells already; who runs on has had its time.
    ...(ending.length > 0 && observation.ending !== 'timed-out' ? [] : judgePublishing(judgements, observation)),
    ...judgements.flatMap(({ shortfalls, result }) =>
      shortfalls.map(({ code, expected, found }) =>
        error(code, `expected ${expected}, found ${found}`, { detail: result.difference ?? '', suggestion: suggestionFor(code) }),
      ),
    ),
    ...judgeGoldenFile(golden),
    ...judgeDropped(observation),
    ...judgeChildren(observation),
  ].map((problem) => ({ ...problem, message: `trial ${plan.name} on ${observation.profile.platform}: ${problem.message}` }))
  return { outcome: hasErrors(problems) ? 'failed' : 'passed', expectations: judgements.map(({ result }) => result), problems }
}

function suggestionFor(code: Judgement['shortfalls'][number]['code']): string {
  switch (code) {
    case 'golden-differs':
      return 'if the change is meant, record it with `ctss test --record`'
    case 'too-late':
    case 'wrong-rate':
      return 'make the plugin faster, or change `expect` in ctss.yaml'
    case 'wrong-count':
    case 'wrong-value':
    case 'wrong-order':
    case 'wrong-uploads':
      return 'look at the messages and logs of the trial; if they are right, change `expect` in ctss.yaml'
  }
}

/** What it had done until then: the question that a person asks first. */
function soFar({ total, seconds }: TrialObservation): string {
  return `it had published ${total === 1 ? '1 message' : `${total} messages`} in ${seconds.toFixed(1)} s`
}

function judgeEnding(plan: TrialPlan, observation: TrialObservation): readonly Problem[] {
  const { ending, endingDetail } = observation
  const detail = lastTraceback(observation.logs) ?? ''
  const why = endingDetail === undefined ? '' : ` (${endingDetail})`
  switch (ending) {
    case 'exited':
      return judgeExitCode(plan, observation)
    case 'timed-out':
      if (plan.mayRunOn) return []
      return [
        error(
          'timed-out',
          `expected the plugin to end within ${timeLimitMs(plan, observation.emulated) / 1000} s, found it still running; ${soFar(observation)}`,
          {
            suggestion:
              explainCrash(logText(observation)) ??
              'let it end by itself (a flag for one shot, say), raise `timeout`, or write `stop: allowed` when it is meant to run for ever',
            detail,
          },
        ),
      ]
    case 'out-of-memory':
      return [
        error(
          'out-of-memory',
          `expected at most ${mebibytes(plan.limits.memoryBytes)} of memory, found that the kernel killed the plugin for more; ${soFar(observation)}`,
          {
            suggestion: 'use less memory, or raise `limits.memory` and ask for as much in the job: a node gives a plugin 1Gi unless told otherwise',
            detail,
          },
        ),
      ]
    case 'disk-limit':
      return [
        error('disk-limit', `expected at most ${mebibytes(plan.limits.diskBytes)} written to disk, found more${why}; ${soFar(observation)}`, {
          suggestion: 'delete files once they are uploaded, or raise `limits.disk`',
          detail,
        }),
      ]
    case 'flooded':
      return [
        error('flooded', `expected a plugin that a node can bear, found a flood of messages${why}; ${soFar(observation)}`, {
          suggestion: 'publish summaries, not every sample: a node shares one uplink among its plugins',
        }),
      ]
    case 'broker-lost':
      return [
        error('broker-lost', `expected the message broker to outlive the trial, found it gone${why}; ${soFar(observation)}`, {
          suggestion: 'publish smaller or fewer messages; upload files instead of publishing their content',
          detail,
        }),
      ]
    case 'not-started':
      return [
        error('not-started', `expected the container to start, found that it could not${why}`, {
          suggestion: 'look at ENTRYPOINT and CMD in the Dockerfile, and at `args` in ctss.yaml',
          detail: endingDetail ?? '',
        }),
      ]
  }
}

function mebibytes(bytes: number): string {
  return `${Number((bytes / 2 ** 20).toFixed(1))} MiB`
}

function judgeExitCode(plan: TrialPlan, observation: TrialObservation): readonly Problem[] {
  const { exitCode, logs } = observation
  if (exitCode === plan.exitCode) return []
  const detail = lastTraceback(logs) ?? (logs.stderr.trim() || logs.stdout.trim())
  const suggestion = explainCrash(detail) ?? 'its last output is below; the whole log is among the files of the trial'
  return [error('exit-code', `expected exit code ${plan.exitCode}, found ${describeExit(exitCode)}; ${soFar(observation)}`, { suggestion, detail })]
}

function describeExit(exitCode: number | null): string {
  if (exitCode === null) return 'none'
  const signals: Readonly<Record<number, string>> = {
    132: 'SIGILL, an instruction that this processor lacks',
    134: 'SIGABRT',
    135: 'SIGBUS',
    136: 'SIGFPE',
    137: 'SIGKILL',
    139: 'SIGSEGV',
    143: 'SIGTERM',
  }
  const signal = signals[exitCode]
  return signal === undefined ? String(exitCode) : `${exitCode} (${signal})`
}

/** Without a single expectation a plugin must at least say something: a heartbeat, an upload. */
function judgePublishing(judgements: readonly Judgement[], observation: TrialObservation): readonly Problem[] {
  const stayed = observation.dropped.find(({ reason }) => reason === DROP_REASONS.scopeNode)
  if (judgements.length > 0 || observation.total > 0 || observation.uploads.length > 0 || stayed !== undefined) return []
  const dropped = observation.dropped.reduce((sum, { count }) => sum + count, 0)
  const found =
    dropped === 0 ? 'nothing' : `nothing that a node would pass on: it dropped ${dropped}, for instance because of ${observation.dropped[0]?.reason ?? ''}`
  const suggestion =
    explainCrash(logText(observation)) ??
    'publish with pywaggle inside `with Plugin() as plugin:`, at least a heartbeat; a plugin that waits for a camera or a sensor needs `camera`, `inputs` or `args` in a trial of ctss.yaml'
  return [error('published-nothing', `expected at least one message or upload, found ${found}`, { suggestion, detail: lastTraceback(observation.logs) ?? '' })]
}

function logText({ logs }: TrialObservation): string {
  return `${logs.stderr}\n${logs.stdout}`
}

function judgeGoldenFile(golden: Golden | undefined): readonly Problem[] {
  if (golden === undefined || golden.reading.kind === 'read') return []
  const suggestion = 'record it with `ctss test --record`'
  if (golden.reading.kind === 'missing')
    return [warning('golden-missing', `there is no golden file at ${golden.path} yet, so nothing was compared with it`, { suggestion })]
  const { line } = golden.reading
  return [
    error('golden-broken', `expected a message (name, value, meta) on each line of ${golden.path}, found something else on line ${line}`, {
      suggestion,
      place: { file: golden.path, line },
    }),
  ]
}

function judgeDropped({ dropped }: TrialObservation): readonly Problem[] {
  return dropped
    .filter(({ reason }) => reason !== DROP_REASONS.scopeNode)
    .map(({ reason, count, example }) =>
      warning('dropped-messages', `a node would drop ${count === 1 ? '1 message' : `${count} messages`}: ${reason}`, { detail: example ?? '' }),
    )
}

function judgeChildren({ ending, profile }: TrialObservation): readonly Problem[] {
  const kills = profile.metrics['oom_kills']?.value ?? 0
  if (ending !== 'exited' || kills === 0) return []
  return [
    warning('child-out-of-memory', 'the kernel killed a process that the plugin had started, because the memory limit was reached', {
      suggestion: 'look whether its work is missing from the results, or raise `limits.memory`',
    }),
  ]
}
