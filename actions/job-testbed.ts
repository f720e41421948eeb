import { connectRunnerEngine } from '../adapters/runner/runner-engine.ts'
import { openVirtualWaggle } from '../adapters/virtual-waggle/virtual-waggle.ts'
import type { Testbed } from '../pipeline/ports/testbed.ts'
import type { Job } from './job.ts'
import { saveRunId } from './post-state.ts'

/** The Virtual Waggle on the runner's engine; nothing is started yet. Fails with `engine-unavailable`. */
export async function openTestbed({ blobs, environment, findCredentials, runId, workParent }: Job): Promise<Testbed> {
  saveRunId(runId)
  const docker = await connectRunnerEngine(environment.dockerHost)
  return openVirtualWaggle({ docker, blobs, workParent, runId, credentials: findCredentials })
}
