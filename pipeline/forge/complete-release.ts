import { Failure } from '../failure.ts'
import type { ForgeRelease, ForgeReleases } from '../ports/forge.ts'
import type { Progress } from '../ports/progress.ts'
import type { Problem } from '../problem.ts'
import { prepareAssets, type ReleaseAsset } from './release-assets.ts'
import { composeReleaseText, decideRelease, isPrerelease, type ReleaseAction, type ReleaseWish, type ReleaseWorld } from './release-decision.ts'
import { untilSettled } from './rounds.ts'

export interface ReleaseRequest {
  /** Without `refs/tags/`, for instance `v1.2.0`. */
  readonly tag: string
  /** Commit that was published; the tag is made at it where there is none. */
  readonly commit: string
  /** The plugin's version; one with a pre-release part makes a pre-release. */
  readonly version: string
  readonly title: string
  /** Markdown, at most `GITHUB_LIMIT` bytes less some 30 for a marker. */
  readonly text: string
  readonly assets: readonly ReleaseAsset[]
}

export type ReleaseOutcome =
  | { readonly kind: 'published' | 'unchanged'; readonly url: string; readonly problems: readonly Problem[] }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

/**
 * Brings a tag's release to what is wanted: draft, every asset and their sums, then published. A run that was killed anywhere is finished by the next
 * one, and one more changes nothing: every round looks at what is there first, and the last one finds nothing left to do.
 * Fails as the port does, and with `digest-mismatch` when an asset arrived as something else.
 */
export async function completeRelease(forge: ForgeReleases, request: ReleaseRequest, progress: Progress): Promise<ReleaseOutcome> {
  const { assets, problems } = prepareAssets(request.assets)
  const wish = wishOf(request, assets)
  let known: ForgeRelease | undefined
  let kind: 'published' | 'unchanged' = 'unchanged'
  const outcome = await untilSettled<ReleaseWorld, ReleaseOutcome>(
    () => lookAt(forge, request.tag, known?.id),
    async (world) => {
      const decision = decideRelease(world, wish)
      if (decision.kind === 'refused') return { ...decision, problems: [...problems, ...decision.problems] }
      known = decision.release
      if (known !== undefined && decision.actions.length === 0) return { kind, url: known.url, problems: [...problems, ...decision.problems] }
      kind = 'published'
      for (const action of decision.actions) known = await carryOut(forge, action, known, wish, progress)
      return undefined
    },
  )
  if (outcome !== undefined) return outcome
  throw new Failure('forge-unavailable', `the release ${request.tag} does not stay as it is written`, {
    suggestion: 'Somebody else changes it at the same time. Run again when they are done: what is there stays.',
  })
}

function wishOf({ tag, commit, version, title, text }: ReleaseRequest, assets: readonly ReleaseAsset[]): ReleaseWish {
  return { tag, commit, fields: { title, text: composeReleaseText(text), isPrerelease: isPrerelease(version) }, assets }
}

/** A list may lag behind; a release that we know of is asked for by itself. */
async function lookAt(forge: ForgeReleases, tag: string, known: number | undefined): Promise<ReleaseWorld> {
  const tagCommit = await forge.tagCommit(tag)
  const listed = await forge.releases(tag)
  const missing = known === undefined || listed.some(({ id }) => id === known) ? undefined : await forge.release(known)
  return { tagCommit, releases: missing === undefined ? listed : [...listed, missing] }
}

/** The release, which the first action may have to make. */
async function carryOut(
  forge: ForgeReleases,
  action: ReleaseAction,
  release: ForgeRelease | undefined,
  { tag }: ReleaseWish,
  progress: Progress,
): Promise<ForgeRelease | undefined> {
  if (action.kind === 'create-draft') {
    progress.step(`drafting the release ${tag}`)
    return forge.createDraft(tag, action.fields)
  }
  if (release === undefined) throw new TypeError(`${action.kind} needs a release`)
  switch (action.kind) {
    case 'delete-draft':
      progress.step(`deleting a doubled draft of ${tag}`)
      await forge.deleteDraft(action.release.id)
      break
    case 'delete-asset':
      progress.step(`deleting ${action.asset.name}, which is not whole or another one`)
      await forge.deleteAsset(action.asset.id)
      break
    case 'upload-asset':
      progress.step(`attaching ${action.asset.name}`)
      await upload(forge, release, action.asset)
      break
    case 'publish':
      progress.step(`publishing the release ${tag}`)
      await forge.publishRelease(release, action.fields)
  }
  return release
}

async function upload(forge: ForgeReleases, release: ForgeRelease, { name, mediaType, digest, read }: ReleaseAsset): Promise<void> {
  const attached = await forge.uploadAsset(release, name, mediaType, await read())
  if (attached?.digest === undefined || attached.digest === digest) return
  await forge.deleteAsset(attached.id)
  throw new Failure('digest-mismatch', `${name} was attached to the release ${release.tag} as ${attached.digest}, and is ${digest}`, {
    suggestion: 'It is deleted again. Run again to attach it anew.',
  })
}
