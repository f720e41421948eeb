import type { Wish } from '../service/wish.ts'
import type { Account, RefAddress } from '../service/world.ts'

/** What a webhook, a sweep or a person has told about a ref. Small, and of our own making: the world itself is loaded afresh. */
export interface Delivery {
  /** What makes it one: GitHub's delivery GUID, or a name of ours. The same id arrives any number of times and counts once, for 30 days. */
  readonly id: string
  readonly address: RefAddress
  /** Event and action, for people: `pull_request.synchronize`, `sweep`. */
  readonly cause: string
  /** A push told who pushed what. */
  readonly pushed?: {
    readonly commit: string
    readonly by: Account
    /** By GitHub's clock; absent: the payload does not tell. */
    readonly at?: string
  }
  readonly wish?: Wish
}

/** A ref that could not be handled as often as it may be tried, and waits for a person. */
export interface ParkedRef {
  readonly address: RefAddress
  /** Of the newest delivery about it. */
  readonly cause: string
  readonly attempts: number
  /** Message of the last error, without secrets. */
  readonly error: string
  readonly at: string
}

/** A ref that was handled without success, and is handled again by itself. */
export interface RetryingRef {
  readonly address: RefAddress
  readonly cause: string
  /** Message of the last error, without secrets. */
  readonly error: string
  /** When it is handled again. */
  readonly at: string
}

export interface InboxCounts {
  readonly waiting: number
  readonly active: number
  readonly retrying: number
  readonly parked: number
}

/** A durable inbox. Deliveries wake their ref; a ref is handled by one worker at a time among all replicas, different refs in parallel. */
export interface Inbox {
  /**
   * Keeps what was told (delivery, pusher, wish) and wakes the ref, in one transaction: durable once it is answered. False: this id was there already,
   * and nothing was changed. A ref that waits to be handled already is not woken twice; one that is being handled is handled once more.
   * Fails with `storage-full`, `storage-unavailable`.
   */
  put(delivery: Delivery): Promise<boolean>
  /** Puts several, such as those of one webhook, in one transaction: all of them are kept, or none. Answers how many were new. */
  putAll(deliveries: readonly Delivery[]): Promise<number>
  /** Wakes a ref at a time, RFC 3339; of several times for one ref the earliest counts. One that is parked sleeps on. */
  wakeAt(address: RefAddress, at: string): Promise<void>
  /**
   * Hands each woken ref to `handle` until the signal fires, heads of forks after all others, `parallel` at a time, and answers when those under way are done: their own signal fires only when
   * the lease on the ref is lost. One whose handler throws comes
   * again with back-off, as often as it may, and is parked then; where something that it needs is not there (the forge, the registry, a disk), it comes again for
   * a day at the most, and none of that counts. A new delivery wakes a parked one, too. One whose worker died comes again when its lease is over.
   */
  work(handle: (address: RefAddress, signal: AbortSignal) => Promise<void>, options: { readonly parallel: number; readonly signal: AbortSignal }): Promise<void>
  counts(): Promise<InboxCounts>
  parked(limit: number): Promise<readonly ParkedRef[]>
  /** Those that will be tried again, the next ones first. */
  retrying(limit: number): Promise<readonly RetryingRef[]>
  /** Wakes a parked one; false: it is not parked. */
  replay(address: RefAddress): Promise<boolean>
  /** GUIDs of these that never arrived. */
  missing(guids: readonly string[]): Promise<readonly string[]>
}
