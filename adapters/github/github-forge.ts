import type { Forge } from '../../pipeline/ports/forge.ts'
import { githubClient, type GithubOptions } from './github-client.ts'
import { githubComments } from './github-comments.ts'
import { githubReleases } from './github-releases.ts'

/** One repository at GitHub. Asks for nothing by itself; a token that is not valid shows at the first call. */
export function githubForge(options: GithubOptions): Forge {
  const client = githubClient(options)
  return { ...githubComments(client), ...githubReleases(client) }
}
