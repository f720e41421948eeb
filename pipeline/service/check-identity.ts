const PREFIX = 'ctss'

/** Name of the check that sums everything up, and that branch protection can require. */
export const SUMMARY_CHECK = PREFIX

/** Name of a plugin's check of a stage; a plugin in a folder has the folder in it, so that the name stays when other plugins come. */
export function stageCheckName(stage: string, path: string): string {
  return `${PREFIX} / ${stage}${path === '' ? '' : ` (${path})`}`
}

/** Name of the one check of a tag. The stages' own checks are those of the branch. */
export function releaseCheckName(tag: string): string {
  return `${PREFIX} / release (${tag})`
}

/** What a check run of ours says as `external_id`, by which its buttons find their ref: GitHub tells no branch for a fork's commit. */
export function externalIdOf(ref: string, path: string): string {
  return `${ref} ${path}`
}

/** Ref and folder of a check of ours; undefined: it is not ours. */
export function readExternalId(text: string): { readonly ref: string; readonly path: string } | undefined {
  const [, ref, path] = /^(refs\/\S{1,1024}) ([^\n]{0,1024})$/.exec(text) ?? []
  return ref === undefined || path === undefined ? undefined : { ref, path }
}

/** Stage that a check's name names; undefined: the summary, a release, or none of ours. */
export function stageOfCheck(name: string): string | undefined {
  return /^ctss \/ ([a-z]+)(?: \(.*\))?$/s.exec(name)?.[1]
}
