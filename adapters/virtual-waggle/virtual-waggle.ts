import type Docker from 'dockerode'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../../pipeline/failure.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import type { Testbed, TestbedSession, TrialObservation, TrialRequest } from '../../pipeline/ports/testbed.ts'
import { TESTBED_VERSION } from '../../pipeline/virtual/testbed-version.ts'
import { askEngine, removeQuietly } from '../engine/connect.ts'
import { removeSuperseded } from '../engine/image.ts'
import { makeRunId, RUN_LABEL } from '../engine/run-id.ts'
import type { FindCredentials } from '../registry/registry-client.ts'
import { Broker, HEARTBEAT_S } from './broker.ts'
import { FLOOD_LIMITS, type FloodLimits } from './capture.ts'
import { readEngineFacts, type EngineFacts } from './engine-facts.ts'
import { ensureTestbedImage, readTestbedImage } from './testbed-image.ts'
import type { FolderImage } from '../engine/folder-image.ts'
import { isPlain, makeSandbox, PLAIN, type Sandbox, type SandboxNeeds } from './sandbox.ts'
import { cgroupSetting, FOLDER_PREFIX, sweepLeftovers } from './sweep-leftovers.ts'
import { runTrial } from './trial.ts'

export interface VirtualWaggleOptions {
  readonly docker: Docker
  readonly blobs: BlobStore
  /** Parent of the trials' own folders, which the engine must see under the same path; the system's temporary folder without it. */
  readonly workParent?: string
  /** The run's id (`makeRunId`), on everything that is created; one of its own without it. */
  readonly runId?: string
  readonly flood?: FloodLimits
  /** Time between two signs of life of the broker; after two that fail to come it is gone. `HEARTBEAT_S` without it. */
  readonly heartbeatSeconds?: number
  /** For the registries that hold the images. */
  readonly credentials?: FindCredentials | undefined
}

/** The Virtual Waggle on a Docker Engine: broker, data sharing, cameras and uploads of a node. Nothing is started yet. */
export function openVirtualWaggle(options: VirtualWaggleOptions): Testbed {
  return {
    kind: 'virtual',
    version: TESTBED_VERSION,
    async open(progress, signal) {
      const { docker, runId = makeRunId(), workParent = tmpdir() } = options
      const engine = await readEngineFacts(docker)
      await sweepLeftovers({ docker, engine, workParent })
      const image = readTestbedImage()
      await ensureTestbedImage(docker, image, engine, progress, signal)
      return Session.start({ ...options, runId, workParent, engine, image }, progress, signal)
    },
  }
}

interface SessionOptions extends VirtualWaggleOptions {
  readonly runId: string
  readonly workParent: string
  readonly engine: EngineFacts
  readonly image: FolderImage
}

/** A network without a way out and a broker on it, for one trial after the other. */
class Session implements TestbedSession {
  readonly #options: SessionOptions
  readonly #network: Docker.Network
  #broker: Broker
  #trials = 0
  #spare: Promise<Sandbox | undefined> | undefined
  readonly #images = new Set<string>()

  private constructor(options: SessionOptions, network: Docker.Network, broker: Broker) {
    this.#options = options
    this.#network = network
    this.#broker = broker
    this.#prepareSpare()
  }

  static async start(options: SessionOptions, progress: Progress, signal: AbortSignal): Promise<Session> {
    const { docker, runId } = options
    progress.step('starting the message broker')
    const network = await askEngine('making a network', docker.createNetwork({ Name: `ctss-${runId}`, Internal: true, Labels: { [RUN_LABEL]: runId } }))
    try {
      return new Session(options, network, await startBroker(options, network.id, signal))
    } catch (cause) {
      await removeQuietly(network)
      throw cause
    }
  }

  async run(trial: TrialRequest, progress: Progress, signal: AbortSignal): Promise<TrialObservation> {
    if (signal.aborted) throw new Failure('cancelled', `trial ${trial.name} was not started: cancelled`)
    await this.#renewBroker(progress, signal)
    const { docker, blobs, runId, workParent, engine, credentials, flood = FLOOD_LIMITS } = this.#options
    this.#trials += 1
    this.#images.add(trial.image)
    const observation = await runTrial(
      {
        docker,
        engine,
        blobs,
        broker: this.#broker,
        runId,
        flood,
        takeSandbox: async (needs) => this.#takeSandbox(needs),
        number: this.#trials,
        folder: join(workParent, `${FOLDER_PREFIX}${runId}`, String(this.#trials)),
        cgroups: cgroupSetting(engine),
        credentials,
      },
      trial,
      progress,
      signal,
    )
    if (observation.ending === 'broker-lost') await this.#blameBroker(trial, observation)
    this.#prepareSpare()
    return observation
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#broker.stop(), this.#takeSpare().then(async (spare) => spare?.[Symbol.asyncDispose]())])
    await removeQuietly(this.#network)
    await removeSuperseded(this.#options.docker, [...this.#images])
    await rm(join(this.#options.workParent, `${FOLDER_PREFIX}${this.#options.runId}`), { recursive: true, force: true })
  }

  /** Between two trials, when nothing is measured. */
  #prepareSpare(): void {
    this.#spare ??= this.#makeSpare()
  }

  /** Undefined when it cannot be made: the trial that wants one makes its own then, and tells what is wrong. */
  async #makeSpare(): Promise<Sandbox | undefined> {
    const sandbox = await this.#makeSandbox(PLAIN).catch(() => undefined)
    try {
      await sandbox?.companion.start()
      return sandbox
    } catch {
      await sandbox?.[Symbol.asyncDispose]()
      return undefined
    }
  }

  async #takeSandbox(needs: SandboxNeeds): Promise<Sandbox> {
    const spare = isPlain(needs) ? await this.#takeSpare() : undefined
    return spare ?? this.#makeSandbox(needs)
  }

  async #takeSpare(): Promise<Sandbox | undefined> {
    const spare = this.#spare
    this.#spare = undefined
    return spare
  }

  async #makeSandbox(needs: SandboxNeeds): Promise<Sandbox> {
    const { docker, image, runId } = this.#options
    return makeSandbox({ docker, image: image.reference, runId, network: this.#network.id }, needs)
  }

  async #renewBroker(progress: Progress, signal: AbortSignal): Promise<void> {
    if (this.#broker.lost === undefined) return
    progress.step('starting the message broker again')
    await this.#broker.stop()
    this.#broker = await startBroker(this.#options, this.#network.id, signal)
  }

  /** A broker that a plugin drove out of memory is that plugin's doing; any other end of it is the world's. */
  async #blameBroker(trial: TrialRequest, { total, endingDetail }: TrialObservation): Promise<void> {
    const state = await this.#broker.inspectEnd()
    if (state?.outOfMemory === true) return
    const how = state === undefined || !state.running ? 'ended' : 'stopped answering'
    throw new Failure(
      'broker-unavailable',
      `the message broker ${how} during trial ${trial.name} on ${trial.platform}, after ${total} messages (${endingDetail ?? 'no reason given'})`,
      {
        suggestion: 'nothing says that the plugin did it: run the trial again',
      },
    )
  }
}

async function startBroker({ docker, image, runId, heartbeatSeconds = HEARTBEAT_S }: SessionOptions, network: string, signal: AbortSignal): Promise<Broker> {
  return Broker.start({ docker, image: image.reference, runId, network, heartbeatSeconds, signal })
}
