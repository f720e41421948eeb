import { isDigest } from '../../pipeline/digest.ts'
import { Failure } from '../../pipeline/failure.ts'
import type { ForgeAsset, ForgeComment, ForgePullRequest, ForgeRelease } from '../../pipeline/ports/forge.ts'

/** A JSON object of GitHub's. */
export type Answer = Readonly<Record<string, unknown>>

/** An issue comment; `forge-unavailable` when it is something else, as all readers here. */
export function readComment(value: unknown): ForgeComment {
  const comment = readObject(value, 'a comment')
  const user = comment['user']
  return {
    id: readId(comment),
    author: user === null || user === undefined ? undefined : readText(readObject(user, 'a user'), 'login'),
    body: readOptionalText(comment, 'body'),
    url: readText(comment, 'html_url'),
  }
}

export function readPullRequest(value: unknown): ForgePullRequest {
  return { head: readText(readObject(readObject(value, 'a pull request')['head'], 'a branch'), 'sha') }
}

/** A release without its assets: what it lists of them may not be all. */
export function readRelease(value: unknown): Omit<ForgeRelease, 'assets'> {
  const release = readObject(value, 'a release')
  return {
    id: readId(release),
    tag: readText(release, 'tag_name'),
    title: readOptionalText(release, 'name'),
    text: readOptionalText(release, 'body'),
    isDraft: release['draft'] === true,
    isPrerelease: release['prerelease'] === true,
    isImmutable: release['immutable'] === true,
    url: readText(release, 'html_url'),
    uploadUrl: readText(release, 'upload_url'),
  }
}

export function readAsset(value: unknown): ForgeAsset {
  const asset = readObject(value, 'an asset')
  const digest = asset['digest']
  return {
    id: readId(asset),
    name: readText(asset, 'name'),
    bytes: readCount(asset, 'size'),
    digest: typeof digest === 'string' && isDigest(digest) ? digest : undefined,
    isWhole: readText(asset, 'state') === 'uploaded',
  }
}

/** What a reference or an annotated tag points to. */
export function readPointer(value: unknown): { readonly type: string; readonly sha: string } {
  const object = readObject(readObject(value, 'a reference')['object'], 'an object')
  return { type: readText(object, 'type'), sha: readText(object, 'sha') }
}

/** The login of whoever asks. */
export function readViewer(value: unknown): string {
  return readText(readObject(readObject(value, 'an answer')['viewer'], 'a user'), 'login')
}

/** A list, or anything else, that an answer holds beside other things. */
export function readMember(value: unknown, name: string): unknown {
  return readObject(value, 'an answer')[name]
}

export function readList<Item>(value: unknown, read: (item: unknown) => Item): readonly Item[] {
  if (!Array.isArray(value)) throw notUnderstood('a list')
  return value.map(read)
}

/** `what` completes "… is missing from it". */
export function readObject(value: unknown, what: string): Answer {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notUnderstood(what)
  return { ...value }
}

/** GitHub's number of a thing. */
export function readId(answer: Answer): number {
  return readCount(answer, 'id')
}

/** A whole number that JavaScript holds exactly, 0 or more. */
export function readCount(answer: Answer, name: string): number {
  const value = answer[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw notUnderstood(`a number \`${name}\``)
  return value
}

/** A text that is not empty. */
export function readText(answer: Answer, name: string): string {
  const value = answer[name]
  if (typeof value !== 'string' || value === '') throw notUnderstood(`a text \`${name}\``)
  return value
}

/** Empty where there is none: GitHub leaves out what is empty, or says null. */
export function readOptionalText(answer: Answer, name: string): string {
  const value = answer[name]
  return value === undefined || value === null || value === '' ? '' : readText(answer, name)
}

/** The failure of an answer from which something is missing: a proxy answers in GitHub's place, or the answer broke off. */
export function notUnderstood(what: string): Failure {
  return new Failure('forge-unavailable', `GitHub's answer is not understood: ${what} is missing from it`, {
    suggestion: 'Check that nothing between here and GitHub answers in its place; then run again.',
  })
}
