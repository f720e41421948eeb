import { Failure } from '../failure.ts'
import type { ForgeComment, ForgeComments } from '../ports/forge.ts'
import { decideComment, type CommentDecision, type CommentWish } from './comment-decision.ts'
import { commentMarker, composeComment } from './comment-text.ts'
import { untilSettled } from './rounds.ts'

export interface CommentRequest {
  /** The pull request's number. */
  readonly pullRequest: number
  /** What tells this plugin's comment from others': see `commentMarker`. */
  readonly plugin: string
  /** Markdown, at most `COMMENT_TEXT_BYTES` of UTF-8. */
  readonly text: string
  /** Commit that the text is about. When the pull request has gone on to another one, nothing is written: that commit's run has the word. */
  readonly commit?: string
}

export type CommentOutcome =
  | { readonly kind: 'created' | 'updated' | 'unchanged'; readonly url: string }
  /** `head` is the pull request's newest commit. */
  | { readonly kind: 'outdated'; readonly head: string }

/**
 * Brings the one comment of a plugin on a pull request to a text: makes it, edits it in place, or leaves it, and deletes doubled ones.
 * Two runs that begin at the same moment may both find none; each looks again after it has made one, and the younger is deleted. GitHub has no way to
 * forbid the second for sure, since its lists may lag behind: the workflow's concurrency group does, and what is left over is deleted by the next run.
 * Fails as the port does.
 */
export async function upsertComment(forge: ForgeComments, { pullRequest, plugin, text, commit }: CommentRequest): Promise<CommentOutcome> {
  const marker = commentMarker(plugin)
  const body = composeComment(marker, text)
  const head = commit === undefined ? undefined : (await forge.pullRequest(pullRequest))?.head
  if (head !== undefined && head !== commit) return { kind: 'outdated', head }
  const wish: CommentWish = { marker, body, author: await forge.author() }

  let made: ForgeComment | undefined
  const outcome = await untilSettled(
    async () => decideComment(withMade(await forge.comments(pullRequest), made), wish),
    async (decision) => {
      for (const duplicate of decision.duplicates) await forge.deleteComment(duplicate.id)
      if (decision.kind === 'create') made = await forge.createComment(pullRequest, body)
      return decision.kind === 'create' ? undefined : write(forge, decision, body, made)
    },
  )
  if (outcome !== undefined) return outcome
  throw new Failure('forge-unavailable', `the comment on pull request ${pullRequest} does not stay as it is written`, {
    suggestion: 'Somebody else deletes or writes it at the same time: let one run at a time write, by a concurrency group.',
  })
}

/** Undefined: it is gone, and another one must be made. */
async function write(
  forge: ForgeComments,
  { kind, comment: { id, url } }: Exclude<CommentDecision, { kind: 'create' }>,
  body: string,
  made: ForgeComment | undefined,
): Promise<CommentOutcome | undefined> {
  if (kind === 'leave') return { kind: id === made?.id ? 'created' : 'unchanged', url }
  return (await forge.updateComment(id, body)) ? { kind: 'updated', url } : undefined
}

/** A list may lag behind; what we have made ourselves is there all the same. */
function withMade(comments: readonly ForgeComment[], made: ForgeComment | undefined): readonly ForgeComment[] {
  return made === undefined || comments.some(({ id }) => id === made.id) ? comments : [...comments, made]
}
