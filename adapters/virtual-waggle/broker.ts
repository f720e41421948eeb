import { connect, type Channel, type ChannelModel, type ConsumeMessage } from 'amqplib'
import type Docker from 'dockerode'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../pipeline/failure.ts'
import type { Delivery, NodeMessage } from '../../pipeline/virtual/data-sharing.ts'
import { askEngine, removeQuietly } from '../engine/connect.ts'
import { RUN_LABEL } from '../engine/run-id.ts'

/** How a node calls its broker (edge-scheduler, `resourcemanager.go`). */
export const BROKER_HOST = 'wes-rabbitmq.default.svc.cluster.local'

const PORT = 5672
const USER = 'ctss'
/** Boots in 3 s on an idle machine. */
const BOOT_MS = 90_000
/** A broker that answers nothing for two beats is frozen: our own time limit, since a plugin may wait for it for ever. */
export const HEARTBEAT_S = 10
/** How long a broker may be silent when it is asked for what it does in milliseconds. */
const ANSWER_MS = 30_000
const MEMORY_BYTES = 1536 * 2 ** 20

export interface BrokerOptions {
  readonly docker: Docker
  readonly image: string
  readonly runId: string
  /** Network that plugins are on, where the broker answers to its names on a node. */
  readonly network: string
  readonly heartbeatSeconds: number
  readonly signal: AbortSignal
}

/** What listens to the broker during one trial. */
export interface Listener {
  onDelivery(delivery: Delivery): void
  /** The broker does not answer any more; said once. */
  onLost(reason: string): void
}

/**
 * RabbitMQ in a container, and our connection to it. Exchange, queue and our consumer stand before `start` returns.
 * Which connections plugins have open, the broker tells by its event exchange; so the end of their messages is known, not guessed.
 */
export class Broker {
  readonly #container: Docker.Container
  readonly #connection: ChannelModel
  readonly #channel: Channel
  readonly #plugins = new Set<string>()
  readonly #waiting = new Set<() => void>()
  #expectedMark: string | undefined
  #subscribers = 0
  #refusedLogins = 0
  #listener: Listener | undefined
  #lost: string | undefined
  #heardMs = 0

  private constructor(container: Docker.Container, connection: ChannelModel, channel: Channel) {
    this.#container = container
    this.#connection = connection
    this.#channel = channel
    connection.on('error', (error: Error) => this.lose(error.message))
    connection.on('close', () => this.lose('the connection was closed'))
    channel.on('error', (error: Error) => this.lose(error.message))
  }

  /** Fails with `broker-unavailable`, `engine-unavailable`, `cancelled`. */
  static async start(options: BrokerOptions): Promise<Broker> {
    const password = randomBytes(16).toString('hex')
    const container = await createBroker(options, password)
    try {
      await askEngine('starting the broker', container.start())
      const { host, port } = await addressOf(options.docker, container)
      const connection = await connectTo(container, { host, port, password, heartbeat: options.heartbeatSeconds }, options.signal)
      const channel = await connection.createChannel()
      const { queue } = await channel.assertQueue('', { exclusive: true, durable: false })
      await channel.bindQueue(queue, 'to-validator', '')
      await channel.bindQueue(queue, 'amq.rabbitmq.event', '#')
      const broker = new Broker(container, connection, channel)
      await channel.consume(queue, (message) => broker.#take(message), { noAck: true })
      return broker
    } catch (cause) {
      await removeQuietly(container, { force: true, v: true })
      if (options.signal.aborted) throw new Failure('cancelled', 'starting the broker was cancelled', { cause })
      throw cause instanceof Failure
        ? cause
        : new Failure('broker-unavailable', `the message broker refused our consumer: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }

  /** Why the broker is gone; undefined while it answers. */
  get lost(): string | undefined {
    return this.#lost
  }

  /** How often a plugin was refused for a wrong password or name since `listen`. */
  get refusedLogins(): number {
    return this.#refusedLogins
  }

  listen(listener: Listener): void {
    this.#listener = listener
    this.#refusedLogins = 0
    if (this.#lost !== undefined) listener.onLost(this.#lost)
  }

  /** Passes a message on to plugins that have subscribed, as the data-sharing service does. */
  passOn({ name, body }: NodeMessage): void {
    if (this.#subscribers > 0 && this.#lost === undefined) this.#channel.publish('data.topic', name, Buffer.from(body()))
  }

  /**
   * Returns when everything that the plugin sent has reached the listener: all its connections are closed, and what stood in our queue
   * before that has been read. Never sleeps, never hangs: a broker that does not answer in time is lost.
   */
  async drain(): Promise<void> {
    this.#heardMs = performance.now()
    // Events come in order, so after one of our own we know of every connection that was opened before.
    await this.#mark()
    await this.#until(() => this.#plugins.size === 0)
    await this.#mark()
    this.#listener = undefined
  }

  /** Why the container itself has ended; undefined while it runs. */
  async inspectEnd(): Promise<{ readonly outOfMemory: boolean; readonly paused: boolean; readonly running: boolean } | undefined> {
    const state = await this.#container.inspect().then(
      ({ State }) => State,
      () => undefined,
    )
    return state && { outOfMemory: state.OOMKilled, paused: state.Paused, running: state.Running }
  }

  /** Takes it for gone from now on: nobody waits for what it may still have to say. */
  lose(reason: string): void {
    if (this.#lost !== undefined) return
    this.#lost = reason
    this.#listener?.onLost(reason)
    this.#wake()
  }

  async stop(): Promise<void> {
    this.#listener = undefined
    this.#lost ??= 'stopped'
    // A frozen broker would never answer to a polite close; with its container the connection ends too.
    await removeQuietly(this.#container, { force: true, v: true })
    await Promise.race([this.#connection.close().catch(() => undefined), sleep(1000, undefined, { ref: false })])
  }

  /** A message to ourselves through an event and through our queue: what came before it has been read when it is back. */
  async #mark(): Promise<void> {
    if (this.#lost !== undefined) return
    const name = `ctss-mark-${randomBytes(8).toString('hex')}`
    this.#expectedMark = name
    // The creation of a queue is an event, which the broker sends through its exchange to our queue.
    const created = this.#channel.assertQueue(name, { exclusive: true, autoDelete: true, durable: false })
    created.then(async () => this.#channel.deleteQueue(name)).catch(() => undefined)
    await this.#until(() => this.#expectedMark !== name)
  }

  /** A backlog may take its time, as long as something comes. */
  async #until(isReached: () => boolean): Promise<void> {
    while (!isReached() && this.#lost === undefined) {
      if (performance.now() - this.#heardMs > ANSWER_MS) return this.lose(`no answer for ${ANSWER_MS / 1000} s`)
      const changed = new Promise<void>((resolve) => this.#waiting.add(resolve))
      await Promise.race([changed, sleep(1000)])
    }
  }

  #take(message: ConsumeMessage | null): void {
    if (message === null) return this.lose('our queue was deleted')
    this.#heardMs = performance.now()
    if (message.fields.exchange === 'amq.rabbitmq.event') return this.#takeEvent(message)
    const properties = new Map<string, unknown>(Object.entries(message.properties))
    this.#listener?.onDelivery({
      body: message.content,
      appId: textOrNothing(properties.get('appId')),
      userId: textOrNothing(properties.get('userId')),
      scope: message.fields.routingKey,
    })
  }

  #takeEvent({ fields, properties }: ConsumeMessage): void {
    const headers = new Map<string, unknown>(Object.entries(properties.headers ?? {}))
    const pid = String(headers.get('pid'))
    switch (fields.routingKey) {
      case 'connection.created':
        if (headers.get('user') !== USER) this.#plugins.add(pid)
        break
      case 'connection.closed':
        this.#plugins.delete(pid)
        break
      case 'binding.created':
        if (headers.get('source_name') === 'data.topic') this.#subscribers += 1
        break
      case 'user.authentication.failure':
        this.#refusedLogins += 1
        break
      case 'queue.created':
        if (headers.get('name') === this.#expectedMark) this.#expectedMark = undefined
        break
      default:
        return
    }
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

function textOrNothing(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

async function createBroker({ docker, image, runId, network }: BrokerOptions, password: string): Promise<Docker.Container> {
  const container = await askEngine(
    'creating the broker',
    docker.createContainer({
      Image: image,
      Cmd: ['sh', '/usr/local/lib/ctss/broker'],
      User: 'rabbitmq',
      Env: [`SERVICE_PASSWORD=${password}`],
      Labels: { [RUN_LABEL]: runId },
      ExposedPorts: { [`${PORT}/tcp`]: {} },
      HostConfig: {
        // Published on the loopback of the engine's machine; the plugins' own network has no way out, and so no published ports.
        NetworkMode: 'bridge',
        PortBindings: { [`${PORT}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: '' }] },
        ReadonlyRootfs: true,
        Tmpfs: { '/run/ctss': 'mode=1777,size=512m', '/tmp': 'mode=1777,size=16m' },
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        Memory: MEMORY_BYTES,
        MemorySwap: MEMORY_BYTES,
        PidsLimit: 512,
        LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
      },
    }),
  )
  const aliases = [BROKER_HOST, 'rabbitmq', 'wes-rabbitmq']
  await askEngine(
    'connecting the broker to its network',
    docker.getNetwork(network).connect({ Container: container.id, EndpointConfig: { Aliases: aliases } }),
  ).catch(async (cause: unknown) => {
    await removeQuietly(container, { force: true })
    throw cause
  })
  return container
}

async function addressOf(docker: Docker, container: Docker.Container): Promise<{ host: string; port: number }> {
  const { NetworkSettings } = await askEngine('looking for the broker', container.inspect())
  const port = NetworkSettings.Ports[`${PORT}/tcp`]?.[0]?.HostPort
  if (port === undefined)
    throw new Failure('broker-unavailable', 'the message broker ended at once, or its port could not be published', {
      suggestion: 'try again; `docker logs` of it is gone with it',
    })
  return { host: engineHost(docker), port: Number(port) }
}

/** An engine on a socket runs on this machine. */
function engineHost(docker: Docker): string {
  const modem: unknown = docker.modem
  const host =
    typeof modem === 'object' && modem !== null && 'host' in modem && 'socketPath' in modem && modem.socketPath === undefined ? modem.host : undefined
  return typeof host === 'string' ? host : '127.0.0.1'
}

async function connectTo(
  container: Docker.Container,
  { host, port, password, heartbeat }: { readonly host: string; readonly port: number; readonly password: string; readonly heartbeat: number },
  signal: AbortSignal,
): Promise<ChannelModel> {
  const deadline = performance.now() + BOOT_MS
  let last: unknown
  while (performance.now() < deadline) {
    signal.throwIfAborted()
    try {
      return await connect({ hostname: host, port, username: USER, password, heartbeat }, { timeout: ANSWER_MS, noDelay: true })
    } catch (cause) {
      last = cause
    }
    await failIfEnded(container)
    await sleep(100)
  }
  throw new Failure('broker-unavailable', `the message broker was not ready after ${BOOT_MS / 1000} s`, {
    cause: last,
    suggestion: 'the machine may be overloaded; try again',
  })
}

async function failIfEnded(container: Docker.Container): Promise<void> {
  const { State } = await askEngine('looking after the broker', container.inspect())
  if (State.Running) return
  const log = await container.logs({ stdout: true, stderr: true, tail: 20 }).then(
    (text) => text.toString('utf8').replace(/[^\n\t\u0020-\u007e]/g, ''),
    () => '',
  )
  throw new Failure('broker-unavailable', `the message broker ended with exit code ${State.ExitCode}: ${log.trim().slice(-1000)}`, {
    suggestion: 'try again; if it stays, the machine may lack memory',
  })
}
