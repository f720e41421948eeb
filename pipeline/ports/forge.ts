import type { Digest } from '../digest.ts'

export interface ForgeComment {
  /** Grows: a comment with a smaller one is older. */
  readonly id: number
  /** Login, for instance `github-actions[bot]`; undefined when the account is gone. */
  readonly author: string | undefined
  /** Markdown as it was sent, but perhaps with other line ends. */
  readonly body: string
  /** Where people read it. */
  readonly url: string
}

export interface ForgePullRequest {
  /** The newest commit of the branch that is to be merged. */
  readonly head: string
}

/** The conversation of one repository's pull requests. Everything fails with `forge-unavailable`, `forge-refused`, `cancelled`. */
export interface ForgeComments {
  /** Login that comments made here carry. */
  author(): Promise<string>
  /** Undefined: there is no such pull request. */
  pullRequest(number: number): Promise<ForgePullRequest | undefined>
  /** Every comment, the oldest first. What was written a moment ago may still be missing. */
  comments(pullRequest: number): Promise<readonly ForgeComment[]>
  /** `forge-unavailable` leaves open whether it was made: look before making another one. */
  createComment(pullRequest: number, body: string): Promise<ForgeComment>
  /** False: somebody has deleted it. */
  updateComment(id: number, body: string): Promise<boolean>
  /** One that is gone already is no failure. */
  deleteComment(id: number): Promise<void>
}

export interface ForgeAsset {
  readonly id: number
  readonly name: string
  readonly bytes: number
  /** Undefined where the forge does not tell. */
  readonly digest: Digest | undefined
  /** False: its upload broke off; it can be deleted, and nothing else. */
  readonly isWhole: boolean
}

export interface ForgeRelease {
  readonly id: number
  readonly tag: string
  /** Empty: none was given. */
  readonly title: string
  /** Markdown; empty: none was given. */
  readonly text: string
  readonly isDraft: boolean
  readonly isPrerelease: boolean
  /** True: its assets and its tag can be changed no more. */
  readonly isImmutable: boolean
  /** Where people read it. A draft's changes when it is published. */
  readonly url: string
  /** Where the forge takes this release's assets. */
  readonly uploadUrl: string
  readonly assets: readonly ForgeAsset[]
}

export interface ReleaseFields {
  readonly title: string
  readonly text: string
  readonly isPrerelease: boolean
  /** Commit that the tag is made at; only where there is no such tag yet. */
  readonly commit?: string
}

/** The releases of one repository. Everything fails with `forge-unavailable`, `forge-refused`, `cancelled`. */
export interface ForgeReleases {
  /** Commit that a tag names, also through an annotated one; undefined: there is no such tag. */
  tagCommit(tag: string): Promise<string | undefined>
  /** Every release of a tag, drafts among them: a tag has at most one published release, but any number of drafts. A draft made a moment ago may still be missing. */
  releases(tag: string): Promise<readonly ForgeRelease[]>
  /** One release as it is now; undefined: it is gone. */
  release(id: number): Promise<ForgeRelease | undefined>
  /** `forge-unavailable` leaves open whether it was made. */
  createDraft(tag: string, fields: ReleaseFields): Promise<ForgeRelease>
  /** Makes a draft public; one that is public already is only changed. */
  publishRelease(release: ForgeRelease, fields: ReleaseFields): Promise<void>
  /** One that is gone already, or that somebody has published meanwhile, is left as it is. */
  deleteDraft(id: number): Promise<void>
  /** Undefined: the release has an asset of this name. `forge-unavailable` leaves open whether the asset is there, whole or not. */
  uploadAsset(release: ForgeRelease, name: string, mediaType: string, content: Uint8Array): Promise<ForgeAsset | undefined>
  /** One that is gone already is no failure. */
  deleteAsset(id: number): Promise<void>
}

/** One repository where its people work, such as at GitHub, seen with the rights of one token. */
export interface Forge extends ForgeComments, ForgeReleases {}
