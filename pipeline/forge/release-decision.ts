import semver from 'semver'
import { GITHUB_LIMIT } from '../report/render-markdown.ts'
import { error, warning, type Problem } from '../problem.ts'
import type { ForgeAsset, ForgeRelease, ReleaseFields } from '../ports/forge.ts'
import { SUMS_NAME, type ReleaseAsset } from './release-assets.ts'

/** GitHub's own limit, seen in use: it answers 422 to one more. */
const MOST_ASSETS = 1000
/** Last line of a text that is ours; people don't see it. A text without it was written by somebody else, and is kept. */
const MARKER = '<!-- ctss:release:v1 -->'

/** What a forge has of one tag. */
export interface ReleaseWorld {
  /** Commit that the tag names; undefined: there is no tag yet. */
  readonly tagCommit: string | undefined
  /** Every release of the tag, drafts among them. */
  readonly releases: readonly ForgeRelease[]
}

export interface ReleaseWish {
  readonly tag: string
  readonly commit: string
  readonly fields: ReleaseFields
  /** As `prepareAssets` makes them. */
  readonly assets: readonly ReleaseAsset[]
}

export type ReleaseAction =
  | { readonly kind: 'create-draft'; readonly fields: ReleaseFields }
  /** A second draft of ours, left by a run that was killed or whose answer was lost. */
  | { readonly kind: 'delete-draft'; readonly release: ForgeRelease }
  | { readonly kind: 'delete-asset'; readonly asset: ForgeAsset }
  | { readonly kind: 'upload-asset'; readonly asset: ReleaseAsset }
  | { readonly kind: 'publish'; readonly fields: ReleaseFields }

export type ReleaseDecision =
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  /** No action: the release is as it should be. Undefined release: the first action makes it. */
  | { readonly kind: 'decided'; readonly release: ForgeRelease | undefined; readonly actions: readonly ReleaseAction[]; readonly problems: readonly Problem[] }

/** Whether a version is a pre-release, also as Python writes it: `1.0.0rc1`. */
export function isPrerelease(version: string): boolean {
  return semver.prerelease(version, { loose: true }) !== null
}

/** The text of a release of ours. Throws a RangeError when it is longer than `GITHUB_LIMIT` bytes. */
export function composeReleaseText(text: string): string {
  const composed = `${text.toWellFormed().trimEnd()}\n\n${MARKER}`
  if (Buffer.byteLength(composed) > GITHUB_LIMIT) throw new RangeError(`a release's text has room for ${GITHUB_LIMIT} bytes, less the marker`)
  return composed
}

/**
 * The way from what is there to the release that is wanted: draft, every asset, then publish, because a published release may be immutable.
 * It leads to the same end from wherever an earlier run was killed. A release that a person made is completed, and its words are kept.
 * What is published stays as it is: what is missing is added where GitHub allows it, and nothing is replaced.
 */
export function decideRelease(world: ReleaseWorld, wish: ReleaseWish): ReleaseDecision {
  const release = chooseRelease(world.releases)
  const problems = refusals(world, release, wish)
  if (problems.length > 0) return { kind: 'refused', problems }
  const doubled = world.releases
    .filter((candidate) => candidate.isDraft && candidate !== release && isOurs(candidate))
    .map((candidate) => ({ kind: 'delete-draft', release: candidate }) as const)
  const steps = release !== undefined && !release.isDraft ? completePublished(release, wish) : completeDraft(release, wish, world.tagCommit)
  return { kind: 'decided', release, actions: [...doubled, ...steps.actions], problems: steps.problems }
}

interface Steps {
  readonly actions: readonly ReleaseAction[]
  readonly problems: readonly Problem[]
}

/** The published one, else a draft that a person made, else ours; the oldest of its kind. */
function chooseRelease(releases: readonly ForgeRelease[]): ForgeRelease | undefined {
  const rank = (release: ForgeRelease): number => (release.isDraft ? (isOurs(release) ? 2 : 1) : 0)
  return releases.toSorted((one, other) => rank(one) - rank(other) || one.id - other.id)[0]
}

function isOurs({ text }: ForgeRelease): boolean {
  return text.trimEnd().endsWith(MARKER)
}

function refusals({ tagCommit }: ReleaseWorld, release: ForgeRelease | undefined, { tag, commit, assets }: ReleaseWish): readonly Problem[] {
  const names = new Set([...(release?.assets ?? []), ...assets].map(({ name }) => name))
  return [
    ...(tagCommit === undefined || tagCommit === commit
      ? []
      : [
          error('release-tag-moved', `nothing is released, because the tag ${tag} names the commit ${tagCommit}, and this run is of ${commit}`, {
            suggestion: 'A tag that was released never moves: raise the version, and tag the new commit with it.',
          }),
        ]),
    ...(names.size <= MOST_ASSETS
      ? []
      : [error('release-too-full', `nothing is released, because the release ${tag} would have ${names.size} assets, and GitHub takes ${MOST_ASSETS}`)]),
  ]
}

function completeDraft(draft: ForgeRelease | undefined, { commit, fields, assets }: ReleaseWish, tagCommit: string | undefined): Steps {
  const wanted = { ...fields, ...(tagCommit === undefined && { commit }) }
  const broken = assets.flatMap((asset) => (draft?.assets ?? []).filter((present) => present.name === asset.name && !isSame(present, asset)))
  const missing = assets.filter((asset) => !draft?.assets.some((present) => isSame(present, asset)))
  return {
    actions: [
      ...(draft === undefined ? [{ kind: 'create-draft', fields: wanted } as const] : []),
      ...broken.map((asset) => ({ kind: 'delete-asset', asset }) as const),
      ...missing.map((asset) => ({ kind: 'upload-asset', asset }) as const),
      { kind: 'publish', fields: draft === undefined || isOurs(draft) ? wanted : keepWords(draft, wanted) },
    ],
    problems: [],
  }
}

function keepWords({ title, text, isPrerelease: isMarked }: ForgeRelease, wanted: ReleaseFields): ReleaseFields {
  return { ...wanted, title: title || wanted.title, text: text.trim() === '' ? wanted.text : text, isPrerelease: isMarked || wanted.isPrerelease }
}

function completePublished(release: ForgeRelease, { assets }: ReleaseWish): Steps {
  const present = new Map(release.assets.map((asset) => [asset.name, asset]))
  const other = assets.filter(({ name, digest, bytes }) => {
    const found = present.get(name)
    return found?.isWhole === true && !isSame(found, { digest, bytes, name })
  })
  const missing = assets.filter(({ name }) => present.get(name)?.isWhole !== true)
  // The sums would not be those of a file that is another one.
  const added = other.length === 0 ? missing : missing.filter(({ name }) => name !== SUMS_NAME)
  const kept = other.length === 0 ? [] : [keptWarning(release, other)]
  if (release.isImmutable) return { actions: [], problems: missing.length === 0 ? kept : [...kept, immutableWarning(release, missing)] }
  const broken = release.assets.filter(({ name, isWhole }) => !isWhole && added.some((asset) => asset.name === name))
  return {
    actions: [...broken.map((asset) => ({ kind: 'delete-asset', asset }) as const), ...added.map((asset) => ({ kind: 'upload-asset', asset }) as const)],
    problems: kept,
  }
}

/** Where the forge tells no digest, the size has to do. */
function isSame(present: ForgeAsset, wanted: Pick<ReleaseAsset, 'name' | 'bytes' | 'digest'>): boolean {
  return present.isWhole && present.name === wanted.name && (present.digest === undefined ? present.bytes === wanted.bytes : present.digest === wanted.digest)
}

function keptWarning({ tag }: ForgeRelease, assets: readonly ReleaseAsset[]): Problem {
  return warning('release-asset-kept', `the release ${tag} is published with another ${listNames(assets)} than this run's, and keeps it`, {
    suggestion: 'What is published is not replaced. Where it is wrong, delete the asset at GitHub and run again.',
  })
}

function immutableWarning({ tag }: ForgeRelease, assets: readonly ReleaseAsset[]): Problem {
  return warning('release-immutable', `the release ${tag} is published and immutable, so that ${listNames(assets)} cannot be attached`, {
    suggestion: 'Next time push the tag alone, or keep your release a draft: it is completed, then published, with your words.',
  })
}

function listNames(assets: readonly ReleaseAsset[]): string {
  return assets.map(({ name }) => name).join(', ')
}
