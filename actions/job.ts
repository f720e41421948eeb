import { join } from 'node:path'
import { makeRunId } from '../adapters/engine/run-id.ts'
import { folderBlobs } from '../adapters/blob-store/folder-blobs.ts'
import { layeredBlobs } from '../adapters/blob-store/layered-blobs.ts'
import { registryBlobs } from '../adapters/blob-store/registry-blobs.ts'
import { registryCatalogue } from '../adapters/catalogue/registry-catalogue.ts'
import { machineClock } from '../adapters/machine/clock.ts'
import { describeMachine } from '../adapters/machine/describe.ts'
import { makeWorkFolder, sweepWorkFolders } from '../adapters/machine/work-folders.ts'
import { folderRecords } from '../adapters/records/folder-records.ts'
import { registryRecords } from '../adapters/records/registry-records.ts'
import { baseLookup } from '../adapters/registry/base-lookup.ts'
import { dockerCredentials } from '../adapters/registry/docker-credentials.ts'
import { OciRegistry } from '../adapters/registry/oci-registry.ts'
import type { FindCredentials, RegistryClientOptions } from '../adapters/registry/registry-client.ts'
import { openFolder } from '../adapters/repository-tree/open.ts'
import { readStageFolders, type StageFolder } from '../adapters/stage-folder/read-stage-folders.ts'
import { FolderReader } from '../adapters/untrusted-folder/folder-reader.ts'
import { readBaseImageSource } from '../adapters/workstation/base-image-source.ts'
import { REGISTRY_HOST } from '../adapters/workstation/cache-layout.ts'
import { readWorkstationEnvironment } from '../adapters/workstation/environment.ts'
import packageJson from '../package.json' with { type: 'json' }
import { Failure } from '../pipeline/failure.ts'
import { nameOf, type Pipeline } from '../pipeline/pipeline.ts'
import { planningPorts } from '../pipeline/plan/planning-ports.ts'
import type { BlobStore } from '../pipeline/ports/blob-store.ts'
import type { Records } from '../pipeline/ports/records.ts'
import type { RepositoryTree } from '../pipeline/ports/repository-tree.ts'
import type { GivenStage, RunPorts } from '../pipeline/run.ts'
import type { StagePorts } from '../pipeline/stage-scripts/stage-ports.ts'
import { STAGES, type StageName } from '../pipeline/stage.ts'
import { readPipeline } from '../pipeline/validate/read-pipeline.ts'
import { readSageUsers } from '../pipeline/validate/sage-users.ts'
import type { PipelineReading } from '../pipeline/validate/validate.ts'
import type { RunPlan, StageRecord, Subject } from '../schemas/generated/types.ts'
import type { ActionsEnvironment } from './environment.ts'
import { readEvent, type RunEvent } from './event.ts'
import type { JobLog } from './job-log.ts'
import { readPlan } from './plan-file.ts'
import { InputError } from './read-inputs.ts'
import { folderInWorkspace, folderOfRecords, stateFolderOf } from './workspace.ts'

/** Inputs that the actions on a repository share. */
export interface JobInputs {
  readonly path: string | undefined
  readonly records?: string | undefined
  readonly registry?: string | undefined
  readonly 'registry-username'?: string | undefined
  readonly 'registry-password'?: string | undefined
  readonly token?: string | undefined
  readonly staging?: string
  readonly user?: string | undefined
  readonly 'sage-users': string | undefined
}

/** Where images wait between jobs. */
export type Staging = RunPlan['staging']

/** One job's view of a run: the repository, what other jobs left, and the ports. */
export interface Job {
  readonly environment: ActionsEnvironment
  readonly log: JobLog
  readonly signal: AbortSignal
  readonly event: RunEvent
  readonly tree: RepositoryTree
  readonly subject: Subject
  readonly reading: PipelineReading
  /** Undefined: the manifest cannot be read. */
  readonly pipeline: Pipeline | undefined
  readonly plan: RunPlan | undefined
  /** What earlier steps and jobs of this run left. */
  readonly folders: readonly Extract<StageFolder, { kind: 'record' }>[]
  readonly registry: OciRegistry
  /** Registry host with namespace, for instance `ghcr.io/sage`. */
  readonly registryRoot: string
  /** Of this job's registry; undefined: it is used as whoever runs the job is signed in. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined
  readonly findCredentials: FindCredentials
  readonly staging: Staging | 'auto'
  readonly runId: string
  readonly nativePlatform: string
  readonly blobs: BlobStore
  /** Takes what no artifact takes; undefined: there is no place for it. */
  readonly largeFiles: BlobStore | undefined
  readonly workParent: string
  readonly run: RunPorts
  readonly stages: StagePorts
}

export interface JobCall {
  readonly inputs: JobInputs
  readonly environment: ActionsEnvironment
  readonly log: JobLog
  readonly signal: AbortSignal
}

const REGISTRY_ROOT = /^[a-z0-9]+([.-][a-z0-9]+)*(:\d{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*){0,8}$/

/** Folder of what one stage (or part of it) leaves for other jobs. */
export function outFolder(environment: Pick<ActionsEnvironment, 'temporary'>, name: string): string {
  return join(stateFolderOf(environment), 'out', name)
}

/** Name of the folder of one platform's part of the build. */
export function partName(platform: string): string {
  return `build-${platform.replaceAll('/', '-')}`
}

/** Reads the repository and what other jobs left, and puts the adapters behind the ports. Nothing is started yet. `largeFiles` are asked last. */
export async function openJob({ inputs, environment, log, signal }: JobCall, largeFiles?: BlobStore): Promise<Job> {
  const folder = await folderInWorkspace([environment.workspace], inputs.path ?? '.', 'path')
  const event = await readEvent(environment)
  const state = stateFolderOf(environment)
  const workParent = join(state, 'work')
  await sweepWorkFolders(workParent)
  const tree = await openFolder(folder, { signal })
  const [subject, reading] = await Promise.all([
    tree.subject(),
    readPipeline(tree, { users: readSageUsers(inputs['sage-users'] ?? ''), ...(inputs.user !== undefined && { user: inputs.user }) }),
  ])
  const registryRoot = registryRootOf(inputs, environment)
  const credentials = credentialsOf(inputs, registryRoot)
  const findCredentials = credentialFinder(credentials, registryRoot, environment)
  const registry = new OciRegistry({ credentials: findCredentials, suggest: suggestFor(registryRoot), signal })
  const near = folderBlobs(join(state, 'blobs'))
  const { plan, folders } = await readOthers({ inputs, environment, log, subject }, near)
  // A plan comes from a folder: it may take trust away, and give none.
  const trust = event.trust === 'untrusted' ? 'untrusted' : (plan?.trust ?? 'trusted')
  const far = [
    ...(reading.pipeline === undefined ? [] : [registryBlobs({ registry, repository: trustedRepository(registryRoot, reading.pipeline) })]),
    ...(largeFiles === undefined ? [] : [largeFiles]),
  ]
  const blobs = far.reduce(layeredBlobs, near)
  const { cacheFolder } = readWorkstationEnvironment()
  const machine = describeMachine()
  return {
    environment,
    log,
    signal,
    event: { ...event, trust },
    tree,
    subject,
    reading,
    pipeline: reading.pipeline,
    plan,
    folders,
    registry,
    registryRoot,
    credentials,
    findCredentials,
    staging: trust === 'untrusted' ? 'archive' : stagingOf(inputs, plan),
    runId: makeRunId(),
    nativePlatform: machine.architecture === 'arm64' ? 'linux/arm64' : 'linux/amd64',
    blobs,
    largeFiles,
    workParent,
    run: {
      tree,
      records: folderRecords(join(state, 'records'), { onCorrupt: (message) => log.warning(message) }),
      blobs,
      clock: machineClock,
      observer: log,
      environment: { ...machine, kind: 'github' },
      toolVersion: packageJson.version,
      makeWorkFolder: async (stage) => makeWorkFolder(workParent, stage),
    },
    stages: {
      // An action opens what its own stage runs on, and takes data where it needs some.
      ...planningPorts({
        registry,
        registryRoot,
        lookUpBase: baseLookup({
          registry,
          // A machine that `ctss up` made ready may build on stand-ins.
          findStandInHost: async () => ((await readBaseImageSource(cacheFolder)) === 'stand-ins' ? REGISTRY_HOST : undefined),
          memoryFile: join(state, 'base-images.json'),
        }),
        catalogue: registryCatalogue({ registry, repositoryOf: (name) => `${registryRoot}/${name}`.toLowerCase() }),
      }),
      folders: new FolderReader(),
    },
  }
}

/** Asked only where a run is trusted: what strangers have made must not wait where trusted runs look. */
function stagingOf({ staging }: JobInputs, plan: RunPlan | undefined): Job['staging'] {
  return staging === 'registry' || staging === 'archive' ? staging : (plan?.staging ?? 'auto')
}

/** The workflow's token goes to GitHub's own registry alone, whatever somebody typed in as the registry. */
function credentialsOf(inputs: JobInputs, registryRoot: string): Job['credentials'] {
  const password = inputs['registry-password'] ?? (registryRoot.startsWith('ghcr.io/') ? inputs.token : undefined)
  return password === undefined ? undefined : { username: inputs['registry-username'] ?? 'token', password }
}

function credentialFinder(credentials: Job['credentials'], registryRoot: string, { dockerConfigFolder }: ActionsEnvironment): FindCredentials {
  const stored = dockerCredentials(dockerConfigFolder)
  const [ownHost] = registryRoot.split('/')
  return async (host) => (host === ownHost ? (credentials ?? stored(host)) : stored(host))
}

/** Who reads it sits at GitHub, not at the machine. */
function suggestFor(registryRoot: string): NonNullable<RegistryClientOptions['suggest']> {
  const [ownHost] = registryRoot.split('/')
  return (host, code) => {
    if (code === 'registry-unavailable') return 'check that it runs and that the runner reaches it, then run the failed jobs again'
    if (host !== ownHost) return 'sign in to it in a step before, with docker/login-action'
    return 'give the input `registry-password` of an account that may do this; at ghcr.io, the permission `packages: write` gives it to the job'
  }
}

function registryRootOf({ registry }: JobInputs, { owner }: ActionsEnvironment): string {
  const root = (registry ?? `ghcr.io/${owner}`).toLowerCase().replace(/\/+$/, '')
  if (REGISTRY_ROOT.test(root)) return root
  throw new InputError([`input \`registry\`: \`${root.slice(0, 80)}\` is no registry; one looks like ghcr.io/sage or 127.0.0.1:5000`])
}

/** The plan and the stage folders of this run: those that were downloaded, and those of earlier steps of this job. */
async function readOthers(
  { inputs, environment, log, subject }: Pick<JobCall, 'inputs' | 'environment' | 'log'> & { readonly subject: Subject },
  blobs: BlobStore,
): Promise<Pick<Job, 'plan' | 'folders'>> {
  const downloaded = await folderOfRecords(inputs.records, environment)
  const parents = [downloaded, join(stateFolderOf(environment), 'out')]
  const plan = await readPlan(parents)
  if (plan !== undefined && plan.subject.commit !== subject.commit)
    throw new Failure('interrupted', `the plan is for commit ${plan.subject.commit ?? 'none'}, and ${subject.commit ?? 'none'} is checked out`, {
      suggestion: 'Check out the same commit in every job of the run.',
    })
  const found = (await Promise.all(parents.map(async (parent) => readStageFolders(parent, blobs)))).flat()
  const folders: Extract<StageFolder, { kind: 'record' }>[] = []
  for (const folder of found) {
    if (folder.kind === 'broken') log.warning(`${folder.folder} is not used: ${folder.reason}`)
    else if (folder.about.commit !== subject.commit || folder.about.tree !== subject.tree)
      log.warning(`${folder.folder} is not used: it is about another state of the repository`)
    else folders.push(folder)
  }
  return { plan, folders }
}

/** The record of a whole stage that this run has left; undefined without one. */
export function folderOf(job: Pick<Job, 'folders'>, stage: StageName): Extract<StageFolder, { kind: 'record' }> | undefined {
  return job.folders.findLast(({ record }) => record.stage === stage && !isPart(record))
}

/** Builds of single platforms that wait for `index`: of this run, else of an earlier one. */
export function partsOf({ folders, plan }: Pick<Job, 'folders' | 'plan'>): readonly StageRecord[] {
  return [...folders.map(({ record }) => record).filter(isPart), ...(plan?.parts ?? []).filter(isPart)]
}

function isPart({ stage, details }: StageRecord): boolean {
  return stage === 'build' && details.kind === 'build' && details.part === true
}

/** What other jobs have made of the stages before one; a stage of which nothing is known is left out. */
export function givenStages(job: Pick<Job, 'folders' | 'plan'>, before: StageName): Partial<Record<StageName, GivenStage>> {
  const stages = STAGES.slice(0, STAGES.indexOf(before))
  return Object.fromEntries(stages.flatMap((stage) => [[stage, givenStage(job, stage)] as const]).filter(([, given]) => given !== undefined))
}

function givenStage(job: Pick<Job, 'folders' | 'plan'>, stage: StageName): GivenStage | undefined {
  const folder = folderOf(job, stage)
  // A job may find only when it runs that an earlier one has done its work: after a build that came out the same, say.
  if (folder !== undefined) return { kind: 'record', record: folder.record, ran: folder.record.subject.commit === folder.about.commit }
  const planned = job.plan?.stages.find((candidate) => candidate.stage === stage)
  if (planned === undefined) return undefined
  if (planned.kind === 'skip') return { kind: 'skipped', reason: planned.reason }
  return planned.kind === 'reuse' && planned.record !== undefined ? { kind: 'record', record: planned.record, ran: false } : { kind: 'missing' }
}

/** Where trusted runs leave images and records. Untrusted ones read it, and write nothing to a registry. */
export function trustedRepository(registryRoot: string, pipeline: Pipeline): string {
  return `${registryRoot}/staging/trusted/${nameOf(pipeline)}`.toLowerCase()
}

/** Whether what a build left is still there: somebody may have tidied the registry up. */
async function hasImages({ details }: StageRecord, registry: OciRegistry): Promise<boolean> {
  if (details.kind !== 'build') return true
  const digests = [details.index, ...details.platforms.map(({ digest }) => digest)].filter((digest) => digest !== undefined)
  const found = await Promise.all(digests.map(async (digest) => registry.manifest(`${details.repository}@${digest}`)))
  return found.every((manifest) => manifest !== undefined)
}

/** Records of earlier runs in the registry; a registry that does not answer means only that nothing is reused. */
export function sharedRecords(
  { pipeline, registry, registryRoot, blobs, workParent, log }: Job,
  { readOnly }: { readonly readOnly: boolean },
): Records | undefined {
  if (pipeline === undefined) return undefined
  const records = registryRecords({
    registry,
    repository: trustedRepository(registryRoot, pipeline),
    blobs,
    readOnly,
    workParent,
    tell: (message) => log.line(message),
  })
  return {
    async find(key) {
      try {
        const record = await records.find(key)
        return record !== undefined && (await hasImages(record, registry)) ? record : undefined
      } catch (error) {
        if (!(error instanceof Failure) || error.code === 'cancelled') throw error
        log.warning(`records of earlier runs cannot be read, so nothing is reused: ${error.message}`)
        return undefined
      }
    },
    put: async (record) => records.put(record),
  }
}
