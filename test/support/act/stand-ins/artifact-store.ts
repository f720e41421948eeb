/**
 * GitHub's artifact service as a folder: `$CTSS_STAND_IN_ARTIFACTS/<run>/<artifact>/`. GitHub's own service, its zips and its limits are not tested by this.
 * What the actions around it do to the files is: see upload-artifact.ts and download-artifact.ts.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readVariable } from './runner-protocol.ts'

/** The folder of a run's artifacts. */
export function runFolder(run = readVariable('GITHUB_RUN_ID')): string {
  return join(readVariable('CTSS_STAND_IN_ARTIFACTS'), run)
}

/** Names of a run's artifacts, sorted; those that are still written are not among them. */
export function listArtifacts(run?: string): readonly string[] {
  const folder = runFolder(run)
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => !name.startsWith('.'))
        .toSorted()
    : []
}
