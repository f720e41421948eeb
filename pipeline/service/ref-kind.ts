import type { RefWorld } from './world.ts'

const BRANCH = 'refs/heads/'
const TAG = 'refs/tags/'
/** Where GitHub puts what its merge queue would merge (docs.github.com, "Managing a merge queue"). */
const MERGE_QUEUE = 'refs/heads/gh-readonly-queue/'
/** `1.2.3` and what may follow it, as Python (`1.2.3rc1`) and SemVer (`1.2.3-rc.1`) write a pre-release. */
const VERSION_TAG = /^refs\/tags\/v?(\d+\.\d+\.\d+(?:[-+.]?[0-9A-Za-z][0-9A-Za-z.+-]*)?)$/
const LONGEST_TAG = 128

export type RefKind = 'branch' | 'default-branch' | 'merge-queue' | 'tag' | 'fork'

/** What a ref is, in a repository with this default branch. */
export function kindOfRef(ref: string, defaultBranch: string): RefKind {
  if (ref.startsWith(TAG)) return 'tag'
  if (!ref.startsWith(BRANCH)) return 'fork'
  if (ref === `${BRANCH}${defaultBranch}`) return 'default-branch'
  return ref.startsWith(MERGE_QUEUE) ? 'merge-queue' : 'branch'
}

/** The same of the ref that a world is about. */
export function kindOfWorld({ ref, repository }: RefWorld): RefKind {
  return kindOfRef(ref, repository.defaultBranch)
}

/** Whether a run of it releases: a tag that is a version. Every other tag is nobody's business. */
export function isReleaseRef(ref: string): boolean {
  return versionOfTag(ref) !== undefined
}

/** Version that a tag names, without a `v`; undefined: it is no tag, or no version such as `v1` that people move along. */
export function versionOfTag(ref: string): string | undefined {
  return ref.length > LONGEST_TAG ? undefined : VERSION_TAG.exec(ref)?.[1]
}

/** What people call a ref: `main`, `v1.0.0`, `pull request 7`. */
export function nameOfRef(ref: string): string {
  return ref.replace(/^refs\/(heads|tags)\//, '').replace(/^refs\/pull\/(\d+)\/head$/, 'pull request $1')
}
