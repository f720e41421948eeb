import type { Message } from '../../schemas/generated/types.ts'
import { EARLIEST_NS, formatLikeGo, formatNanoseconds, LATEST_NS } from './timestamp.ts'
import { isWireObject, readWireJson, type WireJson } from './wire-json.ts'

/** One message as the broker delivers it. */
export interface Delivery {
  readonly body: Uint8Array
  readonly appId: string | undefined
  readonly userId: string | undefined
  /** The routing key: pywaggle's scope, `all`, `node` or `beehive`. */
  readonly scope: string
}

/** What the node knows of the plugin that runs with this app id, and of itself. */
export interface Identity {
  readonly appId: string
  /** `host`, `job`, `task` and `plugin` come from the scheduler, `node` and `vsn` from the node. */
  readonly meta: Readonly<Record<'host' | 'job' | 'task' | 'plugin' | 'node' | 'vsn', string>>
}

/** Why a node drops a message, or keeps it for itself. */
export const DROP_REASONS = {
  appIdMissing: 'no app id: WAGGLE_APP_ID was not set when the plugin published it',
  appIdUnknown: 'unknown app id: the plugin changed WAGGLE_APP_ID, which the node sets',
  userWrong: 'not published by the user plugin',
  notJson: 'not a message: the body is not the JSON that pywaggle writes',
  nameBad: 'bad name: parts of a-z, 0-9 and _ joined by dots, at most 128 characters',
  valueBad: 'bad value: neither a number nor a text nor a boolean',
  metaBad: 'bad meta: not a map of texts',
  timestampBad: 'bad timestamp: not an integer of nanoseconds since 1970, after the year 2000',
  uploadBad: 'bad upload: its meta has no filename',
  scopeUnknown: 'unknown scope: neither all nor node nor beehive',
  scopeNode: 'scope node: stays on the node, never reaches Beehive',
} as const

export type DropReason = (typeof DROP_REASONS)[keyof typeof DROP_REASONS]

/** A message as the exchange `data.topic` of a node takes it, under its name. */
export interface NodeMessage {
  readonly name: string
  /** What pywagglemsg would write; made only when somebody listens. */
  body(): string
}

/** What becomes of one message. */
export type Shared =
  | {
      readonly kind: 'beehive'
      readonly message: Message
      /** As the data API answers it: one line of NDJSON, without its end. */
      readonly line: string
      /** An upload's staging folder as pywaggle names it. */
      readonly staging: string | undefined
      /** For plugins on the node that have subscribed, when the scope is `all`. */
      readonly forNode: NodeMessage | undefined
    }
  | { readonly kind: 'node'; readonly forNode: NodeMessage; readonly example: string }
  | { readonly kind: 'dropped'; readonly reason: DropReason; readonly example: string }

/** A measurement's name, as pywaggle and Beehive take it (`pywaggle`, `valid_name`). */
const NAME = /^[a-z0-9_]+(?:\.[a-z0-9_]+)*$/
const NAME_CHARACTERS = 128
const EXAMPLE_CHARACTERS = 200
const STORAGE = 'https://storage.sagecontinuum.org/api/v1/data'
const strict = new TextDecoder('utf-8', { fatal: true })

/**
 * The stand-in of wes-data-sharing-service (`main.py`, `on_message_callback`): adds what the node knows to a message, or drops it.
 * Names, values and times that Beehive would refuse are dropped here, so that the reason is seen at once.
 */
export function shareMessage(delivery: Delivery, identity: Identity): Shared {
  const body = decode(delivery.body)
  const drop = (reason: DropReason): Shared => ({
    kind: 'dropped',
    reason,
    example: (body ?? `${delivery.body.length} bytes that are no text`).slice(0, EXAMPLE_CHARACTERS),
  })
  const sender = checkSender(delivery, identity)
  if (sender !== undefined) return drop(sender)
  const wire = body === undefined ? undefined : readWireJson(body)
  if (!isWireObject(wire)) return drop(DROP_REASONS.notJson)
  const name = wire.get('name')
  if (typeof name !== 'string' || name.length > NAME_CHARACTERS || !NAME.test(name)) return drop(DROP_REASONS.nameBad)
  const ns = wire.get('ts')
  if (typeof ns !== 'bigint' || ns < EARLIEST_NS || ns > LATEST_NS) return drop(DROP_REASONS.timestampBad)
  const own = readMeta(wire.get('meta'))
  if (own === undefined) return drop(DROP_REASONS.metaBad)
  const value = readValue(wire)
  if (value === undefined) return drop(DROP_REASONS.valueBad)
  const { scope } = delivery
  if (scope !== 'all' && scope !== 'beehive' && scope !== 'node') return drop(DROP_REASONS.scopeUnknown)
  const filename = own['filename']
  if (name === 'upload' && filename === undefined) return drop(DROP_REASONS.uploadBad)
  const isUpload = name === 'upload' && filename !== undefined
  const measurement: Measurement = { name, ns, meta: { ...own, ...identity.meta }, value: isUpload ? uploadUrl(identity.meta, ns, filename) : value }
  const forNode: NodeMessage = { name, body: () => wireBody(measurement) }
  if (scope === 'node') return { kind: 'node', forNode, example: (body ?? '').slice(0, EXAMPLE_CHARACTERS) }
  return { kind: 'beehive', ...forBeehive(measurement), staging: isUpload ? String(value) : undefined, forNode: scope === 'all' ? forNode : undefined }
}

interface Measurement {
  readonly name: string
  readonly value: string | number | bigint | boolean
  readonly ns: bigint
  readonly meta: Readonly<Record<string, string>>
}

function decode(body: Uint8Array): string | undefined {
  try {
    return strict.decode(body)
  } catch {
    return undefined
  }
}

function checkSender({ appId, userId }: Delivery, identity: Identity): DropReason | undefined {
  if (appId === undefined || appId === '') return DROP_REASONS.appIdMissing
  if (appId !== identity.appId) return DROP_REASONS.appIdUnknown
  // The broker itself refuses a user id that differs from the login; one that is absent is taken on a node too.
  return userId === undefined || userId === 'plugin' ? undefined : DROP_REASONS.userWrong
}

function readMeta(meta: WireJson | undefined): Record<string, string> | undefined {
  if (meta === undefined) return {}
  if (!isWireObject(meta)) return undefined
  const entries: [string, string][] = []
  for (const [key, value] of meta) {
    if (typeof value !== 'string') return undefined
    entries.push([key, value])
  }
  // fromEntries defines own properties, `__proto__` included.
  return Object.fromEntries(entries)
}

function readValue(wire: ReadonlyMap<string, WireJson>): string | number | bigint | boolean | undefined {
  // Bytes, which pywaggle before 0.50 could publish, have no place in Beehive.
  if (wire.get('enc') !== undefined) return undefined
  const value = wire.get('val')
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? value : undefined
}

/** As `upload_url_for_message` of wes-data-sharing-service builds it. */
function uploadUrl({ job, task, plugin, node }: Identity['meta'], ns: bigint, filename: string): string {
  const tag = plugin.split('/').at(-1)?.split(':')[1] ?? 'latest'
  return `${STORAGE}/${job}/sage-${task}-${tag}/${node}/${ns}-${filename}`
}

function forBeehive({ name, value, ns, meta }: Measurement): { readonly message: Message; readonly line: string } {
  const message: Message = { name, value: jsonValue(value), timestamp: formatNanoseconds(ns), meta }
  const sorted = Object.fromEntries(Object.entries(meta).sort(([a], [b]) => (a < b ? -1 : 1)))
  const line = `{"timestamp":"${formatLikeGo(ns)}","name":${goString(name)},"value":${lineValue(value)},"meta":${goString(sorted)}}`
  return { message, line }
}

function wireBody({ name, value, ns, meta }: Measurement): string {
  const wireValue = typeof value === 'bigint' || typeof value === 'number' ? String(value) : JSON.stringify(value)
  return `{"name":${JSON.stringify(name)},"ts":${ns},"meta":${JSON.stringify(meta)},"val":${wireValue}}`
}

/** NaN and infinities, which JSON lacks, become texts; an integer beyond 2^53 keeps its size but not its last digits. */
function jsonValue(value: string | number | bigint | boolean): Message['value'] {
  if (typeof value === 'bigint') return jsonValue(Number(value))
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

function lineValue(value: string | number | bigint | boolean): string {
  return typeof value === 'bigint' ? String(value) : goString(jsonValue(value))
}

const GO_ESCAPES = /[<>&\u2028\u2029]/g

/** JSON as Go's encoder writes it: with HTML's characters escaped. */
function goString(value: Message['value'] | Record<string, string>): string {
  return JSON.stringify(value).replace(GO_ESCAPES, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
