import type { StageName } from '../stage.ts'
import type { Account } from './world.ts'

/** What somebody can ask for, by a comment, a button on a check, or the web: one meaning wherever it comes from. */
export type WishKind =
  | { readonly kind: 'run'; readonly stages: readonly StageName[]; readonly node?: string; readonly again: boolean }
  | { readonly kind: 'cancel' }
  /** `commit`: what the button or the page showed; a comment approves the head that its author saw, which is that of the time it was written. */
  | { readonly kind: 'approve' }
  | { readonly kind: 'explain'; readonly code: string }
  | { readonly kind: 'record' }
  | { readonly kind: 'init' }
  | { readonly kind: 'help' }
  /** Begins with `/ctss`, and is none of these: `message` says why. */
  | { readonly kind: 'unknown'; readonly message: string }

export interface Wish {
  /** What makes it one: `comment:<id>`, `button:<delivery>`, `web:<id>`. The same wish arrives any number of times, and is granted once. */
  readonly id: string
  readonly what: WishKind
  readonly by: Account
  readonly at: string
  /** Commit that it is about, where the source tells (a button's check); undefined: the head at the time. */
  readonly commit?: string
  /** Folder of the plugin that it is about, where the source tells (a button's check); absent: all of them. */
  readonly path?: string
  /** Where to answer; absent for buttons and the web. */
  readonly comment?: { readonly id: number; readonly issue: number }
}
