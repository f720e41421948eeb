/** Records and report inputs for tests: small factories with defaults, and a few whole runs that look like real ones. */
import type {
  BuildDetails,
  BuildStep,
  EvaluationTest,
  ExpectationResult,
  Metric,
  Profile,
  StageRecord,
  Subject,
  TrainDetails,
  TrialResult,
} from '../../schemas/generated/types.ts'
import { digestOf } from '../../pipeline/digest.ts'
import type { ReleaseSummary } from '../../pipeline/ports/catalogue.ts'
import type { Problem } from '../../pipeline/problem.ts'
import type { ReportedBundle, ReportInput } from '../../pipeline/report/report.ts'
import type { StageSummary } from '../../pipeline/run.ts'
import { STAGES, type StageName } from '../../pipeline/stage.ts'
import { decideGates } from '../../pipeline/train/gates.ts'

const COMMIT = '4f2c9a1d7be03586a1c4e9f02d6b8873c5aa1e90'
const CPU = 'AMD EPYC 7763 64-Core Processor'

export function makeSubject(overrides: Partial<Subject> = {}): Subject {
  return { repository: 'https://github.com/waggle-sensor/plugin-smoke-detector', commit: COMMIT, dirty: false, tree: digestOf('tree'), ...overrides }
}

export function makeRecord(stage: StageName, overrides: Partial<StageRecord> = {}): StageRecord {
  return {
    schema: 'ctss.stage-record/v1',
    stage,
    subject: makeSubject(),
    key: digestOf(`key of ${stage}`),
    outcome: 'passed',
    started: '2026-11-21T12:00:00.000Z',
    ended: '2026-11-21T12:00:41.000Z',
    problems: [],
    metrics: {},
    files: [],
    environment: { kind: 'laptop', os: 'Debian GNU/Linux 12', architecture: 'x64', cpu: CPU, cpus: 2, cgroup: 2 },
    tool: { name: 'ctss', version: '0.1.0' },
    details: { kind: 'none' },
    ...overrides,
  }
}

/** A stage that ran and left a record. */
export function makeSummary(stage: StageName, overrides: Partial<StageSummary> = {}): StageSummary {
  return { stage, outcome: 'passed', ran: true, seconds: 1.5, key: digestOf(`key of ${stage}`), problems: [], ...overrides }
}

/** A stage that was skipped. */
export function makeSkip(stage: StageName, reason: string): StageSummary {
  return { stage, outcome: 'skipped', ran: false, seconds: 0, key: null, reason, problems: [] }
}

/** A stage that ran, with its record. */
export function makeRun(stage: StageName, details: StageRecord['details'], overrides: Partial<StageSummary> = {}): StageSummary {
  const { outcome = 'passed', problems = [] } = overrides
  return makeSummary(stage, { record: makeRecord(stage, { details, outcome, problems: [...problems] }), ...overrides })
}

export function makeMetric(value: number, unit: Metric['unit'], overrides: Partial<Metric> = {}): Metric {
  return { unit, value, source: 'counter', ...overrides }
}

/** Samples that spread around a median, without chance. */
export function makeSamples(median: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Number((median * (1 + 0.28 * Math.sin(index * 12.9898) ** 3 + 0.06 * Math.cos(index * 3.7))).toFixed(6)))
}

export function makeDuration(median: number, count = 36): Metric {
  const samples = makeSamples(median, count)
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0
  return { unit: 's', value: at(0.5), source: 'plugin', n: count, min: at(0), max: at(1), p95: at(0.95), samples }
}

export function makeProfile(platform: string, overrides: Partial<Profile> = {}): Profile {
  return {
    schema: 'ecr.profile/v1',
    platform,
    environment: { kind: 'virtual', emulated: false, cpu: CPU, cgroup: 2 },
    metrics: {
      wall_seconds: makeMetric(2.84, 's', { source: 'clock' }),
      cpu_seconds: makeMetric(1.92, 's'),
      memory_peak_bytes: makeMetric(71_303_168, 'bytes', { source: 'sampled' }),
      first_message_ms: makeMetric(912, 'ms', { source: 'clock' }),
      disk_written_bytes: makeMetric(40_960, 'bytes'),
      oom_kills: makeMetric(0, 'count'),
      'plugin.duration.inference': makeDuration(0.0123),
      'plugin.duration.input': makeDuration(0.0061),
      'plugin.duration.load': makeDuration(0.214, 3),
    },
    ...overrides,
  }
}

export function makeExpectation(overrides: Partial<ExpectationResult> = {}): ExpectationResult {
  return {
    name: 'env.smoke.probability',
    outcome: 'passed',
    expected: '3 messages, value 0.97 ± 0.05',
    found: '3 messages, values 0.958 to 0.981',
    ...overrides,
  }
}

export function makeTrial(overrides: Partial<TrialResult> = {}): TrialResult {
  const platform = overrides.platform ?? 'linux/amd64'
  const emulated = overrides.emulated ?? false
  return {
    name: 'production',
    platform,
    outcome: 'passed',
    emulated,
    network: 'none',
    args: ['--input', '/data/inputs/smoke-01.png', '--threshold', '0.9'],
    exitCode: 0,
    ending: 'exited',
    seconds: 2.84,
    firstMessageMs: 912,
    total: 14,
    names: [
      { name: 'env.smoke.probability', count: 3, last: 0.981 },
      { name: 'plugin.duration.inference', count: 9, last: 12_301_002 },
      { name: 'sys.plugin.heartbeat', count: 1, last: 1 },
      { name: 'upload', count: 1, last: 'https://storage.sagecontinuum.org/api/v1/data/smoke-01.jpg' },
    ],
    dropped: [],
    uploads: [
      {
        name: 'smoke-01.jpg',
        timestamp: '2026-11-21T12:03:04.123456789Z',
        bytes: 48_213,
        digest: digestOf('upload'),
        labels: { filename: 'smoke-01.jpg', probability: '0.981' },
      },
    ],
    expectations: [makeExpectation(), makeExpectation({ name: 'upload', expected: '1 upload of at least 10 KiB', found: '1 upload of 47.1 KiB' })],
    logs: { stdout: 'smoke-01.png 0.958\nsmoke-02.png 0.974\nsmoke-03.png 0.981\n', stderr: '' },
    profile: makeProfile(platform, emulated ? { environment: { kind: 'virtual', emulated: true } } : {}),
    ...overrides,
  }
}

export function makeTrainDetails(overrides: Partial<TrainDetails> = {}): TrainDetails {
  const test = (name: string, category: string, outcome: EvaluationTest['outcome'] = 'passed', message?: string): EvaluationTest => ({
    name,
    category,
    outcome,
    seconds: 0.02,
    ...(message && { message }),
  })
  return {
    kind: 'train',
    image: `registry.example/train@${digestOf('train image')}`,
    attempts: 1,
    exitCode: 0,
    seed: 1,
    metrics: [
      { name: 'accuracy', value: 0.9531, better: 'higher', split: 'test', n: 640, ci95: [0.934, 0.967] },
      { name: 'log_loss', value: 0.1382, better: 'lower', split: 'test', n: 640, ci95: [0.112, 0.166] },
    ],
    slices: [
      { slice: 'day', metric: 'accuracy', value: 0.981, n: 160, ci95: [0.946, 0.994] },
      { slice: 'dusk', metric: 'accuracy', value: 0.956, n: 160, ci95: [0.912, 0.979] },
      { slice: 'haze', metric: 'accuracy', value: 0.944, n: 160, ci95: [0.896, 0.97] },
      { slice: 'night', metric: 'accuracy', value: 0.931, n: 160, ci95: [0.881, 0.961] },
    ],
    tests: [
      test('finds a plume by day', 'minimum-functionality'),
      test('finds a plume at night', 'minimum-functionality'),
      test('says nothing of an empty sky', 'minimum-functionality'),
      test('brightness by a tenth changes nothing', 'invariance'),
      test('a mirrored picture is the same', 'invariance'),
      test('more smoke, more probable', 'direction'),
    ],
    datasets: [{ name: 'smoke', digest: digestOf('data'), uri: 'data/smoke', license: 'CC0-1.0' }],
    ...overrides,
  }
}

export function makeSteps(seconds: number): BuildStep[] {
  return [
    { name: '[1/6] FROM debian:bookworm-slim', seconds: seconds * 0.04, cached: true },
    {
      name: '[2/6] RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip python3-numpy',
      seconds: seconds * 0.52,
      cached: false,
    },
    { name: '[3/6] COPY requirements.txt /app/', seconds: seconds * 0.01, cached: false },
    { name: '[4/6] RUN pip install --no-cache-dir -r /app/requirements.txt', seconds: seconds * 0.29, cached: false },
    { name: '[5/6] COPY model /app/model', seconds: seconds * 0.02, cached: false },
    { name: '[6/6] COPY app /app', seconds: seconds * 0.01, cached: false },
    { name: 'exporting to image', seconds: seconds * 0.11, cached: false },
  ]
}

export function makeBuildDetails(overrides: Partial<BuildDetails> = {}): BuildDetails {
  const platform = (name: string, seconds: number, bytes: number, emulated: boolean): BuildDetails['platforms'][number] => ({
    platform: name,
    outcome: 'passed',
    digest: digestOf(`image for ${name}`),
    bytes,
    seconds,
    emulated,
    steps: makeSteps(seconds),
  })
  return {
    kind: 'build',
    repository: '127.0.0.1:5055/staging/waggle/smoke-detector',
    index: digestOf('index'),
    builder: 'buildkit-remote',
    platforms: [
      platform('linux/amd64', 19.4, 88_604_672, false),
      platform('linux/arm64', 44.7, 86_507_520, true),
      platform('linux/arm/v7', 52.1, 80_216_064, true),
    ],
    bases: [{ image: 'debian:bookworm-slim', digest: digestOf('base'), standIn: true }],
    ...overrides,
  }
}

export function makeBundle(overrides: Partial<ReportedBundle> = {}): ReportedBundle {
  const index = digestOf('index')
  return {
    name: 'waggle/smoke-detector',
    version: '0.3.0',
    digest: digestOf('bundle'),
    index,
    reference: `127.0.0.1:5055/waggle/smoke-detector@${index}`,
    state: 'candidate',
    ...overrides,
  }
}

export function makeBaseline(overrides: Partial<ReleaseSummary> = {}): ReleaseSummary {
  const { metrics, slices } = makeTrainDetails()
  const profile = makeProfile('linux/amd64')
  const faster = { ...profile, metrics: { ...profile.metrics, cpu_seconds: makeMetric(1.71, 's'), memory_peak_bytes: makeMetric(72_351_744, 'bytes') } }
  return {
    name: 'waggle/smoke-detector',
    version: '0.2.1',
    digest: digestOf('release'),
    index: digestOf('release index'),
    published: '2026-10-02T09:00:00.000Z',
    metrics: metrics.map((metric) => (metric.name === 'accuracy' ? { ...metric, value: 0.9406 } : { ...metric, value: 0.1501 })),
    slices: slices.map((slice) => (slice.slice === 'night' ? { ...slice, value: 0.944 } : slice)),
    profiles: [faster, faster],
    imageBytes: { 'linux/amd64': 81_264_640, 'linux/arm64': 86_507_520, 'linux/arm/v7': 80_740_352 },
    ...overrides,
  }
}

const GATES = [
  { metric: 'accuracy', min: 0.9 },
  { metric: 'accuracy', slice: 'night', max_gap: 0.05 },
  { metric: 'accuracy', max_drop: 0.01 },
]
const MANIFEST = {
  namespace: 'waggle',
  name: 'smoke-detector',
  version: '0.3.0',
  description: 'Tells how probable smoke is in a picture of the sky.',
  license: 'Apache-2.0',
  authors: 'A. Scientist',
}

/** Trials of a plugin with two modes on three platforms, two of them emulated. */
export function makeTrials(): TrialResult[] {
  return ['production', 'development'].flatMap((name) =>
    ['linux/amd64', 'linux/arm64', 'linux/arm/v7'].map((platform) =>
      makeTrial({
        name,
        platform,
        emulated: platform !== 'linux/amd64',
        ...(name === 'development' && { args: ['--folder', '/data/inputs', '--once'], network: 'open' as const }),
      }),
    ),
  )
}

/** A run in which everything passed, with a release to compare with: the fullest report. */
export function makeRichInput(overrides: Partial<ReportInput> = {}): ReportInput {
  const train = makeTrainDetails()
  const baseline = makeBaseline()
  const reused = makeRecord('train', {
    details: train,
    started: '2026-11-20T16:20:00.000Z',
    ended: '2026-11-20T16:20:46.000Z',
    subject: makeSubject({ commit: 'b81d02c77a3e4f0596d8c1ab2f3049e5d6c7b8a9' }),
  })
  const publish: StageRecord['details'] = { kind: 'publish', changed: true, ...makeBundle() }
  return {
    subject: makeSubject(),
    stages: [
      makeRun(
        'validate',
        { kind: 'validate', manifest: MANIFEST },
        {
          seconds: 0.08,
          problems: [
            {
              code: 'description-is-short',
              severity: 'warning',
              message: 'ecr-meta/ecr-science-description.md has 38 words; readers of the catalogue see little else.',
              suggestion: 'Say what is measured, how well, and where it was tried.',
              place: { file: 'ecr-meta/ecr-science-description.md', line: 1 },
            },
          ],
        },
      ),
      makeSummary('train', { ran: false, seconds: 0, record: reused, reason: 'unchanged since the run of 2026-11-20 16:20:00 UTC at commit b81d02c' }),
      makeRun('build', makeBuildDetails(), { seconds: 71.3 }),
      makeRun('virtual', { kind: 'virtual', testbed: 'Virtual Waggle 1', trials: makeTrials() }, { seconds: 24.6 }),
      makeSkip('node', 'no Waggle node is attached'),
      makeRun('publish', publish, { seconds: 3.2 }),
    ],
    gates: decideGates(GATES, train, baseline),
    baseline,
    bundle: makeBundle(),
    toolVersion: '0.1.0',
    ...overrides,
  }
}

const TRACEBACK = `INFO:root:opening /data/inputs/smoke-01.png
Traceback (most recent call last):
  File "/app/main.py", line 88, in <module>
    main()
  File "/app/main.py", line 61, in main
    csv = open(args.output)
          ^^^^^^^^^^^^^^^^^
FileNotFoundError: [Errno 2] No such file or directory: ''
`

/** A run that the Virtual Waggle stopped: a wrong value on one platform, a crash on another. */
export function makeFailingInput(overrides: Partial<ReportInput> = {}): ReportInput {
  const wrong = makeExpectation({
    outcome: 'failed',
    found: '3 messages, values 0.412 to 0.981',
    difference: '--- expected\n+++ found\n@@ message 2 @@\n-env.smoke.probability 0.974 {"camera":"top"}\n+env.smoke.probability 0.412 {"camera":"top"}',
  })
  const trials = [
    makeTrial({ outcome: 'failed', expectations: [makeExpectation({ name: 'upload', expected: '1 upload', found: '1 upload' }), wrong] }),
    makeTrial({
      platform: 'linux/arm64',
      emulated: true,
      outcome: 'failed',
      exitCode: 1,
      total: 24,
      expectations: [],
      uploads: [],
      dropped: [{ reason: 'the name has a space', count: 2, example: 'env smoke' }],
      logs: { stdout: '', stderr: TRACEBACK },
    }),
    makeTrial({ platform: 'linux/arm/v7', emulated: true }),
  ]
  const problems: readonly Problem[] = [
    {
      code: 'expectation-not-met',
      severity: 'error',
      message: 'trial production on linux/amd64: env.smoke.probability was expected as 3 messages, value 0.97 ± 0.05, but values are 0.412 to 0.981',
      suggestion: 'If the new values are right, record them with: ctss test --record',
      place: { file: 'ctss.yaml', line: 23, column: 11 },
    },
    {
      code: 'plugin-failed',
      severity: 'error',
      message: 'trial production on linux/arm64 exited with 1 after 24 messages',
      suggestion: 'The end of its log shows where; an argument that names an output file seems to be missing.',
      detail: TRACEBACK,
    },
  ]
  const rich = makeRichInput()
  const { bundle: _, ...rest } = rich
  return {
    ...rest,
    stages: rich.stages.map((stage) => {
      if (stage.stage === 'virtual')
        return makeRun('virtual', { kind: 'virtual', testbed: 'Virtual Waggle 1', trials }, { seconds: 19.2, outcome: 'failed', problems })
      return stage.stage === 'publish' ? makeSkip('publish', 'virtual did not pass') : stage
    }),
    ...overrides,
  }
}

/** Every text of a plugin that reaches a report, replaced by the given one; `rows` of everything that there can be many of. */
export function makeHostileInput(text: string, rows = 1): ReportInput {
  const many = <T>(make: (index: number) => T): T[] => Array.from({ length: rows }, (_, index) => make(index))
  const trial = makeTrial({
    name: text,
    outcome: 'failed',
    exitCode: 1,
    args: many(() => text),
    names: many(() => ({ name: text, count: 1, last: text })),
    dropped: many(() => ({ reason: text, count: 1, example: text })),
    uploads: many(() => ({ name: text, timestamp: '2026-11-21T12:03:04Z', bytes: 1, digest: digestOf(text), labels: { [text]: text } })),
    expectations: many(() => ({ name: text, outcome: 'failed', expected: text, found: text, difference: text })),
    logs: { stdout: text, stderr: `Traceback (most recent call last)\nValueError: ${text}` },
    profile: makeProfile('linux/amd64', { metrics: { [`plugin.duration.${text}`]: makeDuration(0.1) } }),
  })
  const train = makeTrainDetails({
    metrics: many(() => ({ name: text, value: 0.5, better: 'higher', unit: text, split: text })),
    slices: many(() => ({ slice: text, metric: text, value: 0.5, n: 1 })),
    tests: many(() => ({ name: text, category: text, outcome: 'failed', seconds: 0, message: text })),
  })
  const build = makeBuildDetails({ bases: [{ image: text, standIn: true }] })
  const problem: Problem = { code: 'hostile', severity: 'error', message: text, suggestion: text, detail: text, place: { file: text, line: 3 } }
  const bundle: ReportedBundle = { ...makeBundle(), name: text, version: text, reference: text }
  return {
    subject: makeSubject(),
    stages: [
      makeRun(
        'validate',
        { kind: 'validate', manifest: { namespace: text, name: text, version: text, description: text } },
        { problems: many(() => problem), outcome: 'failed' },
      ),
      makeRun('train', train),
      makeRun('build', {
        ...build,
        platforms: build.platforms.map((platform) => ({ ...platform, steps: many(() => ({ name: text, seconds: 1, cached: false })) })),
      }),
      makeRun('virtual', { kind: 'virtual', testbed: text, trials: [trial] }),
      makeSkip('node', text),
    ],
    gates: many(() => ({ gate: { metric: text, slice: text }, outcome: 'failed', found: text, required: text, message: text })),
    baseline: makeBaseline({ name: text, version: text, metrics: [{ name: text, value: 0.4, better: 'higher', split: text }], imageBytes: { [text]: 1 } }),
    bundle,
    toolVersion: '0.1.0',
    standIns: [text],
  }
}

/** Every stage, passed, without details. */
export function makeBareInput(overrides: Partial<ReportInput> = {}): ReportInput {
  return {
    subject: makeSubject(),
    stages: STAGES.filter((stage) => stage !== 'report').map((stage) => makeSummary(stage)),
    gates: [],
    toolVersion: '0.1.0',
    ...overrides,
  }
}
