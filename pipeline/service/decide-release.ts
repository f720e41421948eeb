import type { Action } from './action.ts'
import type { TrustDecision } from './decide-trust.ts'
import { hasPermission } from './permissions.ts'
import { kindOfWorld, nameOfRef, versionOfTag } from './ref-kind.ts'
import { sayCommit, sayPath, sayText } from './say.ts'
import type { PluginFacts, RefWorld } from './world.ts'

/** What a tag asks for. */
export type ReleaseDecision =
  /** The ref is no tag, or a tag that is no version, or of a repository without plugin: nothing is said about it. */
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly title: string; readonly reason: string; readonly mend: string }
  /** Nobody has told who pushed it: GitHub tells of a new tag twice, and only one of the two says who. */
  | { readonly kind: 'untold'; readonly reason: string; readonly mend: string }
  | { readonly kind: 'release'; readonly plugin: PluginFacts }

/**
 * Whether a tag is released, and which plugin: `vX.Y.Z` or `X.Y.Z` is the version of one plugin's manifest, somebody with write access has pushed it,
 * its commit is on the default branch or the head of another, and it names the commit that was released under it, if one was.
 */
export function decideRelease(world: RefWorld, trust: TrustDecision): ReleaseDecision {
  const version = kindOfWorld(world) === 'tag' ? versionOfTag(world.ref) : undefined
  const { head } = world
  if (version === undefined || head === undefined || world.plugins.length === 0) return { kind: 'none' }
  const tag = nameOfRef(world.ref)
  if (trust.kind === 'held' && trust.isFinal === true) return refuse('this service runs no machines here', trust.reason, 'Its operator can add the owner.')
  if (trust.kind === 'held') {
    const mend = `Somebody with write access releases it by pushing the tag: \`git push origin :${tag} && git push origin ${tag}\``
    return head.pusher === undefined
      ? { kind: 'untold', reason: trust.reason, mend }
      : refuse('the tag is not from somebody with write access', trust.reason, mend)
  }
  if (world.tag?.isReachableFromBranch !== true) {
    return refuse(
      'the commit is neither on the default branch nor the head of another',
      `Commit ${sayCommit(head.commit)} is neither on the default branch of this repository nor the head of another, as one of a fork would be.`,
      'Merge it, and tag what was merged.',
    )
  }
  if (isMoved(world, head.commit)) {
    return refuse(
      'the tag has moved',
      `${sayText(tag, 128)} was released for commit ${sayCommit(world.tag.firstCommit)}, and names ${sayCommit(head.commit)} now. What is released does not change.`,
      `Move it back with \`git push --force origin ${world.tag.firstCommit}:${world.ref}\`, raise the version, and tag the new commit with that.`,
    )
  }
  return choosePlugin(world, version, head.commit)
}

/** Completes the release at GitHub as soon as the version is published; what is there already stays. */
export function completeRelease(world: RefWorld, release: ReleaseDecision): readonly Action[] {
  if (release.kind !== 'release' || world.head === undefined || world.tag?.release === 'whole') return []
  if (!isPublished(release.plugin) || !hasPermission(world, 'contents')) return []
  return [{ kind: 'complete-release', path: release.plugin.path, tag: nameOfRef(world.ref), commit: world.head.commit, reason: 'the version is published' }]
}

/** Whether every stage has its verdict, and `publish` has passed. */
export function isPublished({ stages }: PluginFacts): boolean {
  return (
    stages.some(({ stage, outcome }) => stage === 'publish' && outcome === 'passed') &&
    !stages.some(({ outcome }) => outcome === 'failed' || outcome === 'error')
  )
}

function refuse(title: string, reason: string, mend: string): ReleaseDecision {
  return { kind: 'refused', title, reason, mend }
}

/** A tag may be corrected until something was released under it; a commit whose release was begun here is the right one. */
function isMoved({ tag, runs }: RefWorld, commit: string): boolean {
  return tag !== undefined && tag.firstCommit !== commit && tag.release !== 'none' && !runs.some((run) => run.release && run.commit === commit)
}

function choosePlugin({ plugins, ref }: RefWorld, version: string, commit: string): ReleaseDecision {
  const matching = plugins.filter((plugin) => versionOf(plugin) === version)
  const [plugin] = matching
  if (matching.length > 1) {
    return refuse(
      `${matching.length} plugins have version ${version}`,
      `A release belongs to one plugin, and ${matching.map(({ path }) => sayPath(path === '' ? '.' : path)).join(', ')} all have version ${sayText(version, 64)}.`,
      'Give them different versions, and tag again.',
    )
  }
  if (plugin !== undefined) return { kind: 'release', plugin }
  const versions = plugins.map(
    ({ path, version: present }) =>
      `${path === '' ? 'The manifest' : `The manifest in ${sayPath(path)}`} says ${present === undefined ? 'no version that can be read' : sayText(present, 64)}`,
  )
  return refuse(
    `the tag says ${version}, and the manifest does not`,
    `The tag says version ${sayText(version, 64)}. ${versions.join('. ')}.`,
    mendVersion(plugins, nameOfRef(ref), version, commit),
  )
}

function mendVersion([plugin]: readonly PluginFacts[], tag: string, version: string, commit: string): string {
  const present = plugin === undefined ? undefined : versionOf(plugin)
  const canBeTagged = present !== undefined && versionOf({ version: present }) !== undefined && versionOfTag(`refs/tags/v${present}`) !== undefined
  const retag = canBeTagged
    ? `Either tag this commit with its own version: \`git tag v${present} ${commit} && git push origin v${present} :${tag}\`\n\nOr make`
    : 'Make'
  return `${retag} the manifest say \`version: "${version}"\`, commit, and tag that commit: \`git tag -f ${tag} && git push -f origin ${tag}\``
}

function versionOf({ version }: Pick<PluginFacts, 'version'>): string | undefined {
  return version?.trim().replace(/^v/, '')
}
