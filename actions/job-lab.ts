import { openDockerConfig } from '../adapters/registry/docker-config.ts'
import { openRunnerLab, type RunnerLab, type RunnerLabOptions } from '../adapters/runner/runner-lab.ts'
import type { JobStaging } from './job-staging.ts'
import { trustedRepository, type Job } from './job.ts'
import { saveRunId } from './post-state.ts'

/** Engine and builder of the runner. */
export interface JobLab extends AsyncDisposable {
  /** Opened once, when the stage must run. */
  readonly open: () => Promise<Pick<RunnerLab, 'docker' | 'builder'>>
}

/** Nothing is opened yet; whatever is opened is ended with it. `cache`: layers are kept in the registry for later runs. */
export function jobLab(
  { job, kind }: Pick<JobStaging, 'job' | 'kind'>,
  { cache, platforms = [] }: { readonly cache: boolean; readonly platforms?: readonly string[] },
): JobLab {
  const stack = new AsyncDisposableStack()
  let lab: Promise<RunnerLab> | undefined
  return {
    open: async () => (lab ??= openLab(job, { platforms, layerCache: cache ? layerCache(job, kind) : undefined }, stack)),
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  }
}

async function openLab(job: Job, options: Pick<RunnerLabOptions, 'platforms' | 'layerCache'>, stack: AsyncDisposableStack): Promise<RunnerLab> {
  const { credentials, environment, log, registry, registryRoot, runId, signal, workParent } = job
  saveRunId(runId)
  const [host = ''] = registryRoot.split('/')
  const { dockerConfigFolder: userFolder, buildxFolder, dockerHost } = environment
  const config = credentials && stack.use(await openDockerConfig({ workParent, userFolder, buildxFolder, host, credentials }))
  return stack.use(await openRunnerLab({ ...options, dockerHost, env: config?.env, registry, workParent, runId, progress: log.general, signal }))
}

/** Layers by branch, with the default branch's to fall back on. Only trusted runs write where trusted runs read. */
function layerCache({ event, environment, pipeline, registryRoot }: Job, kind: JobStaging['kind']): RunnerLabOptions['layerCache'] {
  if (pipeline === undefined) return undefined
  const repository = trustedRepository(registryRoot, pipeline)
  const branches = [...new Set([environment.ref, event.defaultRef])]
  return {
    from: branches.map((branch) => ({ repository, branch })),
    ...(event.trust === 'trusted' && kind === 'registry' && { to: { repository, branch: environment.ref } }),
  }
}
