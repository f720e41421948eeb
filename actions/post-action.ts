import { join } from 'node:path'
import { connectEngine } from '../adapters/engine/connect.ts'
import { sweepWorkFolders } from '../adapters/machine/work-folders.ts'
import { ownBuilderName } from '../adapters/runner/runner-builder.ts'
import { sweepRunner } from '../adapters/runner/sweep-runner.ts'
import { readActionsEnvironment } from './environment.ts'
import { jobLog } from './job-log.ts'
import { readRunId } from './post-state.ts'

/** What an action does when its job ends, also when it was cancelled or killed: removes what it started. Never fails a job. */
export async function runPost(): Promise<void> {
  const log = jobLog(process.stdout)
  const runId = readRunId()
  try {
    const { dockerHost, temporary } = readActionsEnvironment()
    const workParent = join(temporary, 'ctss', 'work')
    // Nothing was started but, perhaps, a folder.
    if (runId === undefined) return await sweepWorkFolders(workParent)
    const faults = await sweepRunner({ docker: connectEngine(dockerHost), workParent, builderName: ownBuilderName(runId) })
    for (const fault of faults) log.warning(`something may be left behind on this runner: ${fault}`)
  } catch (error) {
    log.warning(`the clean-up did not come to its end: ${error instanceof Error ? error.message : String(error)}`)
  }
}
