import type { ForgeComment } from '../ports/forge.ts'
import { hasMarker, isSameText } from './comment-text.ts'

export interface CommentWish {
  readonly marker: string
  /** With the marker. */
  readonly body: string
  /** Login that our comments carry. */
  readonly author: string
}

/** What is to be done so that there is one comment, and that it says what is wanted. */
export type CommentDecision = (
  | { readonly kind: 'create' }
  | {
      readonly kind: 'update' | 'leave'
      readonly comment: ForgeComment
    }
) & {
  /** Ours, too, but younger: two runs found none at once, or an answer was lost. To be deleted. */
  readonly duplicates: readonly ForgeComment[]
}

/**
 * Finds our comment among all of a pull request's. A comment is ours when it begins with the marker and we wrote it: a stranger who copies the marker is not edited.
 * One that a person has deleted is made again by the next run: nothing tells that it was there, and a run without a report would be worse than a comment too many.
 */
export function decideComment(comments: readonly ForgeComment[], { marker, body, author }: CommentWish): CommentDecision {
  const [comment, ...duplicates] = comments
    .filter((candidate) => candidate.author === author && hasMarker(candidate.body, marker))
    .toSorted((one, other) => one.id - other.id)
  if (comment === undefined) return { kind: 'create', duplicates }
  return { kind: isSameText(comment.body, body) ? 'leave' : 'update', comment, duplicates }
}
