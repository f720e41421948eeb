import { exportImage } from '../adapters/oci-layout/export-image.ts'
import { startJobRegistry } from '../adapters/runner/job-registry.ts'
import { connectRunnerEngine } from '../adapters/runner/runner-engine.ts'
import { stageFolderLayout } from '../adapters/stage-folder/stage-folder-layout.ts'
import { asDigest } from '../pipeline/digest.ts'
import { importImages } from './import-images.ts'
import { outFolder, trustedRepository, type Job, type Staging } from './job.ts'
import { saveRunId } from './post-state.ts'

export interface StagingOptions {
  /** Whether the stage works on images that other jobs have left. */
  readonly imports: boolean
  /** Where the stage leaves images, whatever the plan says. */
  readonly staging?: Staging
}

/** Where images wait that have passed no test yet, as one job sees it. */
export interface JobStaging extends AsyncDisposable {
  readonly kind: Staging
  /** Registry host and prefix; a registry of this job's own is started when it is first asked for. */
  readonly root: () => Promise<string>
  /** The job, with images that travelled as archives named by where they are now. */
  readonly job: Job
  /** Puts an image into the folder of a stage; nothing to do where images wait in the registry. */
  exportImage(repository: string, digest: string, name: string): Promise<void>
}

/** Chooses where images wait, and brings those that travelled as archives to where the stage looks for them. Whatever is started is ended with it. */
export async function openJobStaging(job: Job, options: StagingOptions): Promise<JobStaging> {
  const stack = new AsyncDisposableStack()
  try {
    return await prepareStaging(job, options, stack)
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function prepareStaging(job: Job, options: StagingOptions, stack: AsyncDisposableStack): Promise<JobStaging> {
  const kind = options.staging ?? (await chooseStaging(job, options))
  let started: Promise<string> | undefined
  const root = async (): Promise<string> =>
    (started ??= kind === 'registry' ? Promise.resolve(`${job.registryRoot}/staging/trusted`) : startRegistry(job, stack))
  return {
    kind,
    root,
    job: options.imports ? await importImages(job, root) : job,
    async exportImage(repository, digest, name) {
      if (kind === 'registry') return
      job.log.general.step(`putting ${digest} into an archive`)
      await exportImage({ registry: job.registry, repository, digest: asDigest(digest), folder: stageFolderLayout(outFolder(job.environment, name)).image })
    },
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  }
}

/** As the plan says; alone, archives where images came as such, or where the token may not write. */
async function chooseStaging({ staging, folders, pipeline, registry, registryRoot }: Job, { imports }: StagingOptions): Promise<Staging> {
  if (staging !== 'auto') return staging
  if (imports) return folders.some(({ imageFolder }) => imageFolder !== undefined) ? 'archive' : 'registry'
  const mayWrite = pipeline !== undefined && (await registry.mayPush(trustedRepository(registryRoot, pipeline)))
  return mayWrite ? 'registry' : 'archive'
}

async function startRegistry({ runId, environment, log, signal }: Job, stack: AsyncDisposableStack): Promise<string> {
  saveRunId(runId)
  const docker = await connectRunnerEngine(environment.dockerHost)
  const { host } = stack.use(await startJobRegistry({ docker, runId, progress: log.general, signal }))
  return `${host}/staging`
}
