import type Docker from 'dockerode'
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { askEngine, removeQuietly } from '../engine/connect.ts'
import { RUN_LABEL } from '../engine/run-id.ts'
import { splitLines } from './line-stream.ts'

/** Where the companion answers a plugin, inside the network namespace that both share. */
const CAMERA_ADDRESS = 'http://127.0.0.1:8090'
const WATCHED = '/watch'
const MEMORY_BYTES = 256 * 2 ** 20

export interface CompanionOptions {
  readonly docker: Docker
  readonly image: string
  readonly runId: string
  readonly network: string
  readonly isOpen: boolean
  /** Names of volumes that the plugin writes to. */
  readonly volumes: readonly string[]
  readonly cameras: Readonly<Record<string, readonly string[]>>
}

/** What a trial has used of its network, loopback not counted. */
export interface NetworkBytes {
  readonly received: number
  readonly sent: number
}

/**
 * The container beside a plugin's: owns the network namespace that it joins (so its counters stay readable), shows its cameras and
 * measures the volumes that it writes to.
 */
export class Companion {
  readonly id: string
  readonly #docker: Docker
  readonly #container: Docker.Container
  #bytes = 0
  #baseline: number | undefined
  #started: Promise<void> | undefined

  private constructor(docker: Docker, container: Docker.Container) {
    this.#docker = docker
    this.#container = container
    this.id = container.id
  }

  static async create(options: CompanionOptions): Promise<Companion> {
    const { docker, image, runId, network, isOpen, volumes, cameras } = options
    const container = await askEngine(
      'creating the companion of the trial',
      docker.createContainer({
        Image: image,
        Cmd: ['python3', '-u', '/usr/local/lib/ctss/companion.py'],
        User: 'root',
        Labels: { [RUN_LABEL]: runId },
        AttachStdout: true,
        HostConfig: {
          NetworkMode: network,
          Mounts: volumes.map((volume, index) => ({ Type: 'volume', Source: volume, Target: `${WATCHED}/${index}`, ReadOnly: true })),
          CapDrop: ['ALL'],
          // Folders of a plugin may be closed to everybody else, and must be measured all the same.
          CapAdd: ['DAC_READ_SEARCH'],
          SecurityOpt: ['no-new-privileges'],
          Memory: MEMORY_BYTES,
          MemorySwap: MEMORY_BYTES,
          PidsLimit: 64,
          LogConfig: { Type: 'none', Config: {} },
        },
      }),
    )
    const companion = new Companion(docker, container)
    try {
      if (isOpen) await askEngine('opening the network', docker.getNetwork('bridge').connect({ Container: container.id }))
      await companion.#putFrames(cameras)
    } catch (cause) {
      await companion.remove()
      throw cause
    }
    return companion
  }

  /** Starts it where that has not been done, and returns once it has measured what the volumes hold from the start. */
  async start(): Promise<void> {
    this.#started ??= this.#start()
    return this.#started
  }

  async #start(): Promise<void> {
    const stream = await askEngine('attaching to the companion', this.#container.attach({ stream: true, stdout: true }))
    const output = new PassThrough()
    this.#docker.modem.demuxStream(stream, output, new PassThrough().resume())
    const measured = new Promise<void>((resolve) => {
      splitLines(output, (line) => {
        this.#bytes = readBytes(line) ?? this.#bytes
        this.#baseline ??= this.#bytes
        resolve()
      })
      stream.once('end', resolve)
    })
    await askEngine('starting the companion', this.#container.start())
    await measured
  }

  /** What the plugin has written to volumes, as last measured. */
  get volumeBytes(): number {
    return Math.max(0, this.#bytes - (this.#baseline ?? 0))
  }

  /** A tar of a volume, by its place in `volumes`; readable whatever the plugin has done to its own file system. */
  async readVolume(index: number): Promise<Readable> {
    const archive = await askEngine('reading what the plugin left', this.#container.getArchive({ path: `${WATCHED}/${index}/.` }))
    return archive instanceof Readable ? archive : new Readable().wrap(archive)
  }

  /** The interfaces' counters; undefined when the engine does not tell. */
  async networkBytes(): Promise<NetworkBytes | undefined> {
    const stats = await this.#container.stats({ stream: false, 'one-shot': true }).catch(() => undefined)
    const interfaces = Object.values(stats?.networks ?? {})
    if (interfaces.length === 0) return undefined
    return { received: interfaces.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0), sent: interfaces.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0) }
  }

  async remove(): Promise<void> {
    await removeQuietly(this.#container, { force: true, v: true })
  }

  async #putFrames(cameras: CompanionOptions['cameras']): Promise<void> {
    const entries = Object.entries(cameras).flatMap(([camera, files]) => files.map((file, index) => ({ file, name: frameName(camera, index, file) })))
    if (entries.length === 0) return
    const archive = pack()
    const stored = this.#container.putArchive(Readable.from(archive), { path: '/' })
    for (const { file, name } of entries) archive.entry({ name, mode: 0o644 }, await readFile(file))
    archive.finalize()
    await askEngine('placing the frames of the cameras', stored)
  }
}

/** What a node calls `/run/waggle/data-config.json` (pywaggle, `read_device_config`): where each camera answers. */
export function dataConfig(cameras: Readonly<Record<string, readonly string[]>>): string {
  const sections = Object.entries(cameras).map(([name, files]) => ({
    name,
    match: { id: name, type: 'camera/image', orientation: name },
    handler: { type: 'image', args: { url: `${CAMERA_ADDRESS}/${name}/image${extname(files[0] ?? '') || '.jpg'}` } },
  }))
  return JSON.stringify(sections, undefined, 1)
}

function frameName(camera: string, index: number, file: string): string {
  return `cameras/${camera}/${String(index).padStart(6, '0')}${extname(file).toLowerCase()}`
}

function readBytes(line: string): number | undefined {
  const found = /^\{"bytes": (\d+), "files": \d+\}$/.exec(line)
  return found === null ? undefined : Number(found[1])
}
