import { createHash } from 'node:crypto'

/** From the root of the repository. */
export const VERSIONS_FILE = 'runner-images/versions.json'

/** The one file of pipeline/ that names the content of an image's folder. */
export const TESTBED_FILE = 'pipeline/virtual/testbed-version.ts'

/** With the digest of their base in them. */
export const DOCKERFILES = ['runner-images/runner/Dockerfile', 'runner-images/virtual-waggle/Dockerfile'] as const

/** Every file that other versions can change, by its path from the root. */
export const PROPOSED_FILES = [VERSIONS_FILE, TESTBED_FILE, ...DOCKERFILES] as const

/** A name of a branch that is the same for the same proposal, so that asking twice does not propose twice. */
export function proposalBranch(files: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256')
  for (const path of Object.keys(files).toSorted()) hash.update(`${path}\0${files[path]}\0`)
  return `runner-images/versions-${hash.digest('hex').slice(0, 12)}`
}
