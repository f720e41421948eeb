import type { BuildDetails, File, Message, Problem, TrialResult } from '../../schemas/generated/types.ts'
import { asDigest, type Json } from '../digest.ts'
import { Failure } from '../failure.ts'
import type { Pipeline, TrialPlan } from '../pipeline.ts'
import type { TreeEntry } from '../ports/repository-tree.ts'
import type { Testbed, TestbedSession, TrialObservation, TrialRequest } from '../ports/testbed.ts'
import { error, hasErrors } from '../problem.ts'
import type { StageContext, StageResult } from '../stage.ts'
import { readBeehive } from './beehive-ndjson.ts'
import { readGolden, serialiseGolden } from './golden.ts'
import { judgeTrial, timeLimitMs, type Golden, type TrialJudgement } from './judge.ts'

export interface VirtualRequest {
  readonly pipeline: Pipeline
  readonly build: BuildDetails
  /** Tested first, since its figures count. */
  readonly nativePlatform: string
  readonly testbed: Testbed
}

/** One trial on one platform, with everything that `ctss test` prints or records. */
export interface FinishedTrial {
  readonly plan: TrialPlan
  readonly platform: string
  readonly observation: TrialObservation
  readonly judgement: TrialJudgement
}

export interface VirtualRun {
  readonly result: StageResult
  /** In the order in which they ran. */
  readonly trials: readonly FinishedTrial[]
}

const LOG_BYTES = 16 * 1024
const GOLDEN_BYTES = 32 * 2 ** 20

/** Everything that can change the outcome of `virtual`: the image of each platform, the trials with the files that they read, the testbed's version. */
export function virtualInputs({
  pipeline,
  build,
  testbedVersion,
  entries,
}: {
  readonly pipeline: Pipeline
  readonly build: BuildDetails
  readonly testbedVersion: string
  readonly entries: readonly TreeEntry[]
}): Json {
  const { namespace, name, version } = pipeline.manifest
  return {
    testbed: testbedVersion,
    plugin: { namespace, name, version },
    images: builtPlatforms(build).map(({ platform, digest }) => ({ platform, digest })),
    trials: pipeline.trials.map((plan) => ({
      ...plan,
      inputs: plan.inputs ?? null,
      golden: plan.golden ?? null,
      limits: { ...plan.limits },
      platforms: plan.platforms ?? null,
      // Expectations are plain JSON: a schema has read them.
      expect: JSON.stringify(plan.expect),
      files: filesOf(plan, entries).map(({ mode, blob, path }) => [mode, blob, path]),
    })),
  }
}

/**
 * The stage `virtual`: every trial on every platform that was built, one after the other, the native platform first.
 * A trial that fails stops no other; a failure of the world is thrown once the others have run.
 */
export async function runVirtual(context: StageContext, request: VirtualRequest): Promise<VirtualRun> {
  const entries = await context.tree.entries()
  const missing = missingFiles(request.pipeline.trials, entries)
  if (missing.length > 0) return { result: resultOf(missing, [], request, []), trials: [] }
  const goldens = await readGoldens(request.pipeline.trials, context)
  await context.tree.materialise(filesToMount(request.pipeline.trials, entries), inputsFolder(context), context.signal)
  context.progress.step('opening the Virtual Waggle')
  await using session = await request.testbed.open(context.progress, context.signal)
  const trials = await runTrials(context, request, session, entries, goldens)
  return { result: resultOf([], trials, request, await keepFiles(context, trials)), trials }
}

async function runTrials(
  context: StageContext,
  request: VirtualRequest,
  session: TestbedSession,
  entries: readonly TreeEntry[],
  goldens: ReadonlyMap<string, Golden>,
): Promise<readonly FinishedTrial[]> {
  const finished: FinishedTrial[] = []
  let failure: Failure | undefined
  for (const image of inOrder(request)) {
    for (const plan of request.pipeline.trials.filter(({ platforms }) => platforms === undefined || platforms.includes(image.platform))) {
      try {
        const observation = withImageSize(await session.run(requestFor(plan, image, context, request, entries), context.progress, context.signal), image.bytes)
        finished.push({ plan, platform: image.platform, observation, judgement: judgeTrial(plan, observation, goldens.get(plan.name)) })
      } catch (cause) {
        if (!(cause instanceof Failure) || stopsAll(cause)) throw cause
        failure ??= cause
      }
    }
  }
  if (failure !== undefined) throw failure
  return finished
}

/** Without an engine, or once cancelled, no other trial can run. */
function stopsAll({ code }: Failure): boolean {
  return code === 'cancelled' || code === 'engine-unavailable' || code === 'storage-full' || code === 'storage-unavailable'
}

interface BuiltImage {
  readonly platform: string
  readonly digest: string
  readonly bytes: number | undefined
}

function builtPlatforms({ platforms }: BuildDetails): readonly BuiltImage[] {
  return platforms.flatMap(({ platform, outcome, digest, bytes }) => (outcome === 'passed' && digest !== undefined ? [{ platform, digest, bytes }] : []))
}

function inOrder({ build, nativePlatform }: VirtualRequest): readonly BuiltImage[] {
  return builtPlatforms(build).toSorted((a, b) => Number(b.platform === nativePlatform) - Number(a.platform === nativePlatform))
}

function requestFor(
  plan: TrialPlan,
  image: BuiltImage,
  context: StageContext,
  { pipeline, build, nativePlatform }: VirtualRequest,
  entries: readonly TreeEntry[],
): TrialRequest {
  const folder = inputsFolder(context)
  const { namespace, name, version } = pipeline.manifest
  return {
    name: plan.name,
    image: `${build.repository}@${image.digest}`,
    platform: image.platform,
    plugin: { namespace, name, version },
    args: plan.args,
    env: plan.env,
    inputs: plan.inputs === undefined ? undefined : within(folder, plan.inputs),
    cameras: Object.fromEntries(
      Object.entries(plan.cameras).map(([camera, path]) => [camera, entriesBelow(path, entries).map((entry) => within(folder, entry.path))]),
    ),
    timeoutMs: timeLimitMs(plan, image.platform !== nativePlatform),
    mayRunOn: plan.mayRunOn,
    limits: plan.limits,
    network: plan.network,
  }
}

function inputsFolder({ workFolder }: StageContext): string {
  return `${workFolder}/inputs`
}

function within(folder: string, path: string): string {
  const inside = normal(path)
  return inside === '' ? folder : `${folder}/${inside}`
}

function normal(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

function entriesBelow(path: string, entries: readonly TreeEntry[]): readonly TreeEntry[] {
  const root = normal(path)
  return entries.filter((entry) => root === '' || entry.path === root || entry.path.startsWith(`${root}/`))
}

function mountedPaths({ inputs, cameras }: TrialPlan): readonly string[] {
  return [...(inputs === undefined ? [] : [inputs]), ...Object.values(cameras)]
}

function filesOf(plan: TrialPlan, entries: readonly TreeEntry[]): readonly TreeEntry[] {
  return [...mountedPaths(plan), ...(plan.golden === undefined ? [] : [plan.golden])].flatMap((path) => entriesBelow(path, entries))
}

function filesToMount(trials: readonly TrialPlan[], entries: readonly TreeEntry[]): readonly string[] {
  return [...new Set(trials.flatMap(mountedPaths).flatMap((path) => entriesBelow(path, entries).map((entry) => entry.path)))]
}

function missingFiles(trials: readonly TrialPlan[], entries: readonly TreeEntry[]): readonly Problem[] {
  return trials.flatMap((plan) =>
    mountedPaths(plan)
      .filter((path) => entriesBelow(path, entries).length === 0)
      .map((path) =>
        error('inputs-missing', `trial ${plan.name}: expected files at ${path}, found none in the repository`, {
          suggestion: 'commit them, or correct the path in ctss.yaml',
        }),
      ),
  )
}

async function readGoldens(trials: readonly TrialPlan[], { tree }: StageContext): Promise<ReadonlyMap<string, Golden>> {
  const goldens = new Map<string, Golden>()
  for (const { name, golden } of trials) {
    if (golden === undefined) continue
    const content = await tree.read(normal(golden), GOLDEN_BYTES)
    goldens.set(name, { path: golden, reading: content === undefined ? { kind: 'missing' } : readGolden(content.toString('utf8')) })
  }
  return goldens
}

/** The registry knows the compressed size, which is what a node downloads. */
function withImageSize(observation: TrialObservation, bytes: number | undefined): TrialObservation {
  if (bytes === undefined) return observation
  const { profile } = observation
  return { ...observation, profile: { ...profile, metrics: { ...profile.metrics, image_bytes: { unit: 'bytes', value: bytes, source: 'registry' } } } }
}

/** NDJSON for the golden file of each trial that names one, from the first platform on which it ran. */
export function recordGoldens(trials: readonly FinishedTrial[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  for (const { plan, observation } of trials) {
    if (plan.golden !== undefined && !files.has(plan.golden)) files.set(plan.golden, serialiseGolden(observation.messages))
  }
  return files
}

async function keepFiles(context: StageContext, trials: readonly FinishedTrial[]): Promise<readonly File[]> {
  const files = await Promise.all(
    trials.map(async ({ plan, platform, observation }): Promise<readonly File[]> => {
      const folder = `${plan.name}/${platform.replaceAll('/', '-')}`
      const profile = Buffer.from(JSON.stringify(observation.profile))
      return [
        { role: 'messages', name: `${folder}/beehive.ndjson`, ...observation.beehive, mediaType: 'application/x-ndjson' },
        { role: 'log', name: `${folder}/stdout.log`, ...observation.logs.stdoutFile, mediaType: 'text/plain' },
        { role: 'log', name: `${folder}/stderr.log`, ...observation.logs.stderrFile, mediaType: 'text/plain' },
        {
          role: 'profile',
          name: `${folder}/profile.json`,
          digest: await context.blobs.put(profile),
          bytes: profile.length,
          mediaType: 'application/vnd.sage.ecr.profile.v1+json',
        },
        ...observation.uploads.map(({ name, digest, bytes, timestamp }): File => ({
          role: 'upload',
          name: `${folder}/${timestamp}-${name}`,
          digest,
          bytes,
          mediaType: 'application/octet-stream',
        })),
      ]
    }),
  )
  return files.flat()
}

function resultOf(problems: readonly Problem[], trials: readonly FinishedTrial[], { testbed }: VirtualRequest, files: readonly File[]): StageResult {
  const all = [...problems, ...trials.flatMap(({ judgement }) => judgement.problems)]
  return {
    outcome: hasErrors(all) ? 'failed' : 'passed',
    problems: all,
    metrics: {
      trials: trials.length,
      trialsPassed: trials.filter(({ judgement }) => judgement.outcome === 'passed').length,
      messages: trials.reduce((sum, { observation }) => sum + observation.total, 0),
      uploads: trials.reduce((sum, { observation }) => sum + observation.uploads.length, 0),
    },
    files,
    details: { kind: 'virtual', testbed: testbed.version, trials: trials.map(toTrialResult) },
  }
}

function toTrialResult({ plan, platform, observation, judgement }: FinishedTrial): TrialResult {
  const { exitCode, ending, seconds, firstMessageMs, total, emulated, logs, profile } = observation
  return {
    name: plan.name,
    platform,
    outcome: judgement.outcome,
    emulated,
    network: plan.network,
    args: [...plan.args],
    exitCode,
    ending,
    seconds,
    firstMessageMs,
    total,
    names: observation.names.map((entry) => ({ ...entry })),
    dropped: observation.dropped.map((entry) => ({ ...entry })),
    uploads: [...observation.uploads],
    expectations: [...judgement.expectations],
    logs: { stdout: logs.stdout.slice(-LOG_BYTES), stderr: logs.stderr.slice(-LOG_BYTES) },
    profile,
  }
}

/** The messages of a trial from its NDJSON in the blob store, as far as they are kept: for a record that is reused. */
export async function readMessages(context: Pick<StageContext, 'blobs'>, file: Pick<File, 'digest'>, limit = 10_000): Promise<readonly Message[] | undefined> {
  const content = await context.blobs.get(asDigest(file.digest))
  return content === undefined ? undefined : readBeehive(content.toString('utf8'), limit)
}
