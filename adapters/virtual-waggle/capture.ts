import { closeSync, openSync, writeSync } from 'node:fs'
import type { Message } from '../../schemas/generated/types.ts'
import { DROP_REASONS, shareMessage, type Delivery, type Identity, type NodeMessage } from '../../pipeline/virtual/data-sharing.ts'

/** Beyond this a plugin is no plugin but a flood; numbers are ours. */
export interface FloodLimits {
  readonly messages: number
  readonly bytes: number
}

export const FLOOD_LIMITS: FloodLimits = { messages: 1_000_000, bytes: 2 ** 30 }

const KEPT_MESSAGES = 10_000
const KEPT_BYTES = 32 * 2 ** 20
const FILE_BYTES = 64 * 2 ** 20
const BUFFER_BYTES = 256 * 1024
const KEPT_NAMES = 1000
const KEPT_TIMERS = 100
const KEPT_SAMPLES = 1000
const KEPT_UPLOADS = 10_000
const LAST_CHARACTERS = 1000

export interface CaptureOptions {
  readonly identity: Identity
  /** Where the NDJSON goes. */
  readonly file: string
  readonly limits: FloodLimits
  onFlood(detail: string): void
  /** A plugin may have subscribed to what is published on the node. */
  onShared(message: NodeMessage): void
}

interface NameCount {
  count: number
  last: Message['value']
}

interface DropCount {
  count: number
  readonly example: string
}

/** Takes what a plugin publishes, through the data-sharing stand-in, in bounded memory: the first messages whole, all as NDJSON up to a cap, all counted. */
export class Capture {
  readonly messages: Message[] = []
  readonly arrivalMs: number[] = []
  /** `plugin.duration.*` in seconds. */
  readonly timers = new Map<string, number[]>()
  /** Staging folders that upload messages name. */
  readonly staged = new Set<string>()
  total = 0
  firstMessageMs: number | null = null
  /** Why the file is not whole, such as a full disk. */
  failure: unknown
  readonly #options: CaptureOptions
  readonly #names = new Map<string, NameCount>()
  readonly #dropped = new Map<string, DropCount>()
  #file: number | undefined
  #started = 0
  #buffer: string[] = []
  #buffered = 0
  #written = 0
  #keptBytes = 0
  #bytes = 0
  #received = 0
  #isFlooded = false

  constructor(options: CaptureOptions) {
    this.#options = options
    this.#file = openSync(options.file, 'wx', 0o600)
  }

  /** From now on arrivals are counted. */
  start(): void {
    this.#started = performance.now()
  }

  get names(): readonly { name: string; count: number; last: Message['value'] }[] {
    return [...this.#names].map(([name, { count, last }]) => ({ name, count, last }))
  }

  get dropped(): readonly { reason: string; count: number; example: string }[] {
    return [...this.#dropped].map(([reason, { count, example }]) => ({ reason, count, example }))
  }

  take(delivery: Delivery): void {
    this.#received += 1
    this.#bytes += delivery.body.length
    const shared = shareMessage(delivery, this.#options.identity)
    if (shared.kind === 'dropped') this.drop(shared.reason, shared.example)
    if (shared.kind === 'node') this.drop(DROP_REASONS.scopeNode, shared.example)
    if (shared.kind === 'beehive') {
      this.#keep(shared.message, shared.line, delivery.body.length)
      if (shared.staging !== undefined && this.staged.size < KEPT_UPLOADS) this.staged.add(shared.staging)
    }
    if (shared.kind !== 'dropped' && shared.forNode !== undefined) this.#options.onShared(shared.forNode)
    this.#checkFlood()
  }

  /** Counts something that does not reach Beehive. */
  drop(reason: string, example: string): void {
    const known = this.#dropped.get(reason)
    if (known === undefined) this.#dropped.set(reason, { count: 1, example })
    else known.count += 1
  }

  /** Closes the file; nothing more is written to it. */
  finish(): void {
    if (this.#file === undefined) return
    this.#flush()
    closeSync(this.#file)
    this.#file = undefined
  }

  #keep(message: Message, line: string, bytes: number): void {
    const arrival = performance.now() - this.#started
    this.firstMessageMs ??= arrival
    this.total += 1
    this.#count(message)
    this.#time(message)
    // Only ever the first messages, without a gap: expectations are about their order.
    this.#keptBytes += bytes
    if (this.messages.length < KEPT_MESSAGES && this.#keptBytes <= KEPT_BYTES) {
      this.messages.push(message)
      this.arrivalMs.push(arrival)
    }
    this.#write(`${line}\n`)
  }

  #count({ name, value }: Message): void {
    const last = typeof value === 'string' ? value.slice(0, LAST_CHARACTERS) : value
    const known = this.#names.get(name)
    if (known !== undefined) {
      known.count += 1
      known.last = last
    } else if (this.#names.size < KEPT_NAMES) {
      this.#names.set(name, { count: 1, last })
    }
  }

  #time({ name, value }: Message): void {
    if (!name.startsWith('plugin.duration.') || typeof value !== 'number') return
    const samples = this.timers.get(name) ?? []
    if (samples.length < KEPT_SAMPLES) samples.push(value / 1e9)
    if (this.timers.size < KEPT_TIMERS) this.timers.set(name, samples)
  }

  #write(line: string): void {
    // A line may be longer than it has characters, by at most three.
    if (this.#written + this.#buffered + line.length * 3 > FILE_BYTES && this.#written + this.#buffered + Buffer.byteLength(line) > FILE_BYTES) return
    this.#buffer.push(line)
    this.#buffered += Buffer.byteLength(line)
    if (this.#buffered >= BUFFER_BYTES) this.#flush()
  }

  #flush(): void {
    if (this.#buffer.length === 0 || this.#file === undefined) return
    const text = Buffer.from(this.#buffer.join(''))
    try {
      for (let written = 0; written < text.length && this.failure === undefined;) written += writeSync(this.#file, text, written)
    } catch (cause) {
      this.failure = cause
    }
    this.#written += text.length
    this.#buffer = []
    this.#buffered = 0
  }

  #checkFlood(): void {
    const { messages, bytes } = this.#options.limits
    if (this.#isFlooded || (this.#received < messages && this.#bytes < bytes)) return
    this.#isFlooded = true
    this.#options.onFlood(
      this.#received >= messages
        ? `${this.#received} messages, the most that a trial takes`
        : `${Math.round(this.#bytes / 2 ** 20)} MiB of messages, the most that a trial takes`,
    )
  }
}
