import { createHash } from 'node:crypto'

/** Where layers are kept in a registry, for builders whose own cache does not outlive them. */
export interface LayerCache {
  /** Asked in this order; what is not there, or may not be read, is passed over. */
  readonly from: readonly CachePlace[]
  /** Absent: nothing is kept. A build never fails because of it. */
  readonly to?: CachePlace
}

/** The layers of one branch: whoever may write there decides what later builds take for their own, so trust classes have repositories of their own. */
export interface CachePlace {
  /** Registry host and repository. */
  readonly repository: string
  /** Any text; Git's names of branches hold slashes, which a tag may not. */
  readonly branch: string
}

const READABLE_CHARACTERS = 60

/** The image reference under which a platform's layers of a branch lie. Two branches never share one: a part of the name's digest tells them apart. */
export function cacheReference({ repository, branch }: CachePlace, platform: string): string {
  const readable = branch.replaceAll(/[^\w.]+/g, '-').slice(0, READABLE_CHARACTERS)
  const digest = createHash('sha256').update(branch).digest('hex').slice(0, 8)
  return `${repository}:cache-${readable}-${digest}-${platform.replaceAll('/', '-')}`
}
