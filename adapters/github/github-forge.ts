import type { Forge } from '../../pipeline/ports/forge.ts'
import { githubClient, type ClientOptions } from './github-client.ts'
import { githubComments } from './github-comments.ts'
import { githubReleases } from './github-releases.ts'
import { githubTransport, type TransportOptions } from './transport.ts'

export interface GithubOptions extends ClientOptions, TransportOptions {
  readonly token: string
}

/** One repository at GitHub. Asks for nothing by itself; a token that is not valid shows at the first call. */
export function githubForge(options: GithubOptions): Forge {
  const client = githubClient(options, githubTransport(options))
  return { ...githubComments(client), ...githubReleases(client) }
}
