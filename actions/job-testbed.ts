import { saveState } from '@actions/core'
import { connectRunnerEngine } from '../adapters/runner/runner-engine.ts'
import { openVirtualWaggle } from '../adapters/virtual-waggle/virtual-waggle.ts'
import type { Testbed } from '../pipeline/ports/testbed.ts'
import type { Job } from './job.ts'
import { RUN_STATE } from './post-state.ts'

/** The Virtual Waggle on the runner's engine; nothing is started yet. Fails with `engine-unavailable`. */
export async function openTestbed({ blobs, environment, findCredentials, runId, workParent }: Job): Promise<Testbed> {
  // Before anything is started: a job that is killed is swept by its post step.
  saveState(RUN_STATE, runId)
  const docker = await connectRunnerEngine(environment.dockerHost)
  return openVirtualWaggle({ docker, blobs, workParent, runId, credentials: findCredentials })
}
