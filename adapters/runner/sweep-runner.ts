import { getExecOutput } from '@actions/exec'
import type Docker from 'dockerode'

import { Failure } from '../../pipeline/failure.ts'
import { isRunOver } from '../engine/run-id.ts'
import { sweepWorkFolders } from '../machine/work-folders.ts'
import { sweepLeftovers } from '../virtual-waggle/sweep-leftovers.ts'
import { listBuilders, ownBuilderName } from './runner-builder.ts'

export interface RunnerSweepOptions {
  readonly docker: Docker
  /** Parent of work folders. */
  readonly workParent: string
  /** The builder that the run of this job made for itself (`ownBuilderName`), whether its process still lives or not. */
  readonly builderName?: string | undefined
}

/**
 * Removes what runs of this machine left whose process is gone: containers, networks, volumes, cgroups, builders and work folders; and the builder of this job.
 * Answers a sentence for each part that could not be swept: a clean-up fails no job.
 */
export async function sweepRunner({ docker, workParent, builderName }: RunnerSweepOptions): Promise<readonly string[]> {
  const faults: string[] = []
  const attempt = async (sweep: () => Promise<void>): Promise<void> => {
    try {
      await sweep()
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      faults.push(error.message)
    }
  }
  await attempt(async () => sweepLeftovers({ docker, workParent }))
  await attempt(async () => {
    for (const name of await listBuilders({})) if (name === builderName || isOfDeadRun(name)) await removeBuilder(name)
  })
  await attempt(async () => sweepWorkFolders(workParent))
  return faults
}

function isOfDeadRun(name: string): boolean {
  const prefix = ownBuilderName('')
  return name.startsWith(prefix) && isRunOver(name.slice(prefix.length))
}

/** That it is gone already, or that there is no docker client, stops no clean-up. */
async function removeBuilder(name: string): Promise<void> {
  await getExecOutput('docker', ['buildx', 'rm', '--force', name], { silent: true, ignoreReturnCode: true }).catch(() => undefined)
}
