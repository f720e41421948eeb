import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { git } from '../layout.ts'
import type { MiniGitHub } from './github.ts'
import type { HostedRepository } from './workflow.ts'

/** Repositories by `owner/name`, each a folder. */
type Folders = Readonly<Record<string, string>>

/**
 * A GitHub in a folder that hosts these repositories, third-party actions among them. Jobs check out what lies in `folder/repositories/owner/name`. Its machines have PATH (with
 * this process's Node first), HOME and DOCKER_HOST, a state folder of their own, and nothing else of this process.
 */
export async function makeMiniGitHub(
  folder: string,
  folders: Folders,
  options: Omit<Partial<MiniGitHub>, 'folder' | 'repositories'> = {},
): Promise<MiniGitHub> {
  const artifacts = join(folder, 'artifacts')
  await mkdir(artifacts, { recursive: true })
  const hosted = Object.entries(folders).map(([name, place]): [string, HostedRepository] => [name, { name, folder: place, commit: commitOf(place) }])
  return {
    ...options,
    folder,
    repositories: Object.fromEntries(hosted),
    environment: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: process.env['HOME'] ?? '',
      ...(process.env['DOCKER_HOST'] !== undefined && { DOCKER_HOST: process.env['DOCKER_HOST'] }),
      XDG_STATE_HOME: join(folder, 'state'),
      CTSS_STAND_IN_REPOSITORIES: join(folder, 'repositories'),
      CTSS_STAND_IN_ARTIFACTS: artifacts,
      ...options.environment,
    },
  }
}

/** The commit that is checked out in a folder; zeros where it is no repository of its own. */
function commitOf(folder: string): string {
  return existsSync(join(folder, '.git')) ? git(folder, 'rev-parse', 'HEAD') : '0'.repeat(40)
}
