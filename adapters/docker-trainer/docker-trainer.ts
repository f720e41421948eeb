import type Docker from 'dockerode'
import type { ContainerCreateOptions } from 'dockerode'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../pipeline/failure.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import type { Trainer, TrainingObservation, TrainingRequest } from '../../pipeline/ports/trainer.ts'
import { askEngine, engineFailure, engineStatus, removeQuietly } from '../engine/connect.ts'
import { pullImage } from '../engine/image.ts'
import { makeRunId, RUN_LABEL } from '../engine/run-id.ts'
import type { FindCredentials } from '../registry/registry-client.ts'
import { measureFolder } from '../untrusted-folder/folder-reader.ts'
import { copyCheckpoints } from './checkpoint-files.ts'
import { ContainerMeter } from './container-meter.ts'
import { handOver } from './hand-over.ts'
import { LogTail } from './log-tail.ts'
import { MetricsTail } from './metrics-tail.ts'
import { deviceRequests, gpuFailure, NVIDIA_GPUS_FOLDER, requireNvidia } from './nvidia-gpus.ts'
import { layOut, type Layout } from './opt-ml.ts'

/** Between SIGTERM and SIGKILL at the time limit: time to write a checkpoint. */
const GRACE_MS = 30_000
const WATCH_MS = 2000
/** A training may close its output long before it ends. */
const POLL_MS = 500
/** What a timer of Node holds; a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1

export interface DockerTrainerOptions {
  readonly graceMs?: number
  /** Tells whose container it is once this process is gone. */
  readonly label?: string
  /** Whether files of other users are closed to us; absent: we are not root. */
  readonly handsOver?: boolean
  /** Where the driver tells about the machine's GPUs. */
  readonly gpusFolder?: string
  /** For the registry that holds the training image. */
  readonly credentials?: FindCredentials | undefined
}

/** Trains on a Docker Engine, in a container without capabilities, without network unless declared, and with limits. The engine has to see this machine's files. */
export class DockerTrainer implements Trainer {
  readonly engine = 'docker'
  readonly #docker: Docker
  readonly #graceMs: number
  readonly #label: string
  readonly #handsOver: boolean
  readonly #gpusFolder: string
  readonly #credentials: FindCredentials | undefined

  constructor(docker: Docker, options: DockerTrainerOptions = {}) {
    this.#docker = docker
    this.#graceMs = options.graceMs ?? GRACE_MS
    this.#label = options.label ?? makeRunId()
    this.#handsOver = options.handsOver ?? process.getuid?.() !== 0
    this.#gpusFolder = options.gpusFolder ?? NVIDIA_GPUS_FOLDER
    this.#credentials = options.credentials
  }

  async requireGpu(gpu: Exclude<TrainingRequest['gpu'], false>): Promise<readonly string[]> {
    return requireNvidia(this.#docker, gpu, this.#label, this.#gpusFolder)
  }

  async restoreCheckpoints(from: string, to: string, paths: readonly string[]): Promise<void> {
    return copyCheckpoints(from, to, paths)
  }

  async train(request: TrainingRequest, progress: Progress, signal: AbortSignal): Promise<TrainingObservation> {
    throwIfCancelled(signal)
    const layout = await layOut(request)
    await pullImage(this.#docker, request, progress, signal, this.#credentials)
    const metrics = new MetricsTail(layout.metricsFile, request.onMetrics ?? (() => undefined))
    const container = await askEngine('creating the training container', this.#docker.createContainer(containerOptions(request, layout, this.#label)))
    try {
      return await new TrainingContainer(this.#docker, container, { request, layout, metrics, graceMs: this.#graceMs }, progress, signal).run()
    } finally {
      // Removing also kills.
      await removeQuietly(container, { force: true, v: true })
      if (this.#handsOver) await handOver(this.#docker, request, layout, this.#label)
      await metrics.drain()
    }
  }
}

/** What the engine is asked for; the whole of the container's isolation stands here. */
export function containerOptions(request: TrainingRequest, { mounts, env }: Layout, label: string): ContainerCreateOptions {
  const { limits } = request
  const [program = '', ...args] = request.command
  return {
    Image: request.image,
    Entrypoint: [program],
    Cmd: args,
    Env: Object.entries({ ...request.env, ...env }).map(([name, value]) => `${name}=${value}`),
    Labels: { [RUN_LABEL]: label },
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      Mounts: mounts.map(({ source, target, readOnly }) => ({ Type: 'bind', Source: source, Target: target, ReadOnly: readOnly })),
      NetworkMode: request.network === 'none' ? 'none' : 'bridge',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      // Swap as large as the memory means none; half of it as shared memory is what data loaders of PyTorch need, and counts as memory.
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      ShmSize: Math.floor(limits.memoryBytes / 2),
      PidsLimit: limits.pids,
      ...(limits.cpus !== undefined && { NanoCpus: Math.round(limits.cpus * 1e9) }),
      // We read the stream ourselves: an engine's log file would grow without limit.
      LogConfig: { Type: 'none', Config: {} },
      DeviceRequests: deviceRequests(request.gpu),
    },
  }
}

type Ending = TrainingObservation['ending']

/** What one container runs with. */
interface Run {
  readonly request: TrainingRequest
  readonly layout: Layout
  readonly metrics: MetricsTail
  readonly graceMs: number
}

/** One container from its start to its end. */
class TrainingContainer {
  readonly #docker: Docker
  readonly #container: Docker.Container
  readonly #run: Run
  readonly #signal: AbortSignal
  readonly #log: LogTail
  readonly #meter = new ContainerMeter()
  #ending: Ending = 'exited'

  constructor(docker: Docker, container: Docker.Container, run: Run, progress: Progress, signal: AbortSignal) {
    this.#docker = docker
    this.#container = container
    this.#run = run
    this.#signal = signal
    this.#log = new LogTail((line) => progress.output(line))
  }

  async run(): Promise<TrainingObservation> {
    const output = await askEngine('attaching to the training container', this.#container.attach({ stream: true, stdout: true, stderr: true }))
    const logged = this.#log.follow(this.#docker, output)
    const refusal = await this.#start()
    const started = performance.now()
    if (refusal !== undefined)
      return { exitCode: null, ending: 'not-started', endingDetail: refusal, seconds: 0, log: '', cpuSeconds: null, memoryPeakBytes: null }
    const over = new AbortController()
    const watches = [
      this.#stopInTime(over.signal),
      this.#stopAtDiskLimit(over.signal),
      this.#followMetrics(over.signal),
      this.#meter.follow(this.#container, over.signal),
    ]
    const onCancel = (): void => void this.#kill('SIGKILL')
    this.#signal.addEventListener('abort', onCancel, { once: true })
    if (this.#signal.aborted) onCancel()
    try {
      await this.#waitForEnd(logged)
    } finally {
      over.abort()
      this.#signal.removeEventListener('abort', onCancel)
      await Promise.all(watches)
    }
    const seconds = (performance.now() - started) / 1000
    await logged
    throwIfCancelled(this.#signal)
    return this.#observe(seconds)
  }

  /** Undefined: it runs. Otherwise why the container could not start, such as a command that the image does not have. */
  async #start(): Promise<string | undefined> {
    try {
      await this.#container.start()
      return undefined
    } catch (cause) {
      const { message } = engineFailure(cause, 'starting the training container')
      const refusal = gpuFailure(message, cause)
      if (refusal) throw refusal
      if (engineStatus(cause) === undefined) throw engineFailure(cause, 'starting the training container')
      return message
    }
  }

  /** The client never settles `wait` when the connection breaks in the middle of the answer; the end of the output does, so that one asks then. */
  async #waitForEnd(logged: Promise<void>): Promise<void> {
    await Promise.race([askEngine('waiting for the training container', this.#container.wait()), logged])
    while ((await askEngine('inspecting the training container', this.#container.inspect())).State.Running) await sleep(POLL_MS)
  }

  async #stopInTime(over: AbortSignal): Promise<void> {
    const { timeoutMs, deadline } = this.#run.request
    // Pulling the image has taken time of the machine, and none of the training's.
    const machineMs = deadline === undefined ? Infinity : Math.max(0, Date.parse(deadline.stop) - Date.now())
    if (!(await waitFor(Math.min(timeoutMs, machineMs), over))) return
    this.#ending = machineMs < timeoutMs ? 'out-of-time' : 'timed-out'
    await this.#kill('SIGTERM')
    if (await waitFor(this.#run.graceMs, over)) await this.#kill('SIGKILL')
  }

  async #stopAtDiskLimit(over: AbortSignal): Promise<void> {
    while (await waitFor(WATCH_MS, over)) {
      const written = await this.#writtenBytes(over)
      if (written <= this.#run.request.limits.diskBytes || this.#ending !== 'exited') continue
      this.#ending = 'disk-limit'
      await this.#kill('SIGKILL')
      return
    }
  }

  async #followMetrics(over: AbortSignal): Promise<void> {
    while (await waitFor(WATCH_MS, over)) await this.#run.metrics.read()
  }

  async #writtenBytes(abortSignal: AbortSignal): Promise<number> {
    const options = { size: true, abortSignal }
    const folders = await Promise.all(this.#run.layout.writable.map((folder) => writtenBelow(folder)))
    const layer = await this.#container.inspect(options).then(
      (answer) => ('SizeRw' in answer && typeof answer.SizeRw === 'number' ? answer.SizeRw : 0),
      () => 0,
    )
    return folders.reduce((sum, bytes) => sum + bytes, layer)
  }

  /** A container that has ended meanwhile cannot be signalled, which is what was wanted. */
  async #kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#container.kill({ signal }).catch(() => undefined)
  }

  async #observe(seconds: number): Promise<TrainingObservation> {
    const { State } = await askEngine('inspecting the training container', this.#container.inspect())
    const outOfMemory = this.#ending === 'exited' && State.OOMKilled && State.ExitCode !== 0
    return {
      exitCode: State.ExitCode,
      ending: outOfMemory ? 'out-of-memory' : this.#ending,
      seconds,
      log: this.#log.text(),
      cpuSeconds: this.#meter.cpuSeconds,
      memoryPeakBytes: this.#meter.memoryPeakBytes,
    }
  }
}

/** Without root, a folder that the container has closed cannot be measured while it runs: it counts nothing then, and the machine's disk is the limit. */
async function writtenBelow(folder: string): Promise<number> {
  return measureFolder(folder).catch(() => 0)
}

/** True after the time, or 24 days; false as soon as the signal fires. */
async function waitFor(milliseconds: number, over: AbortSignal): Promise<boolean> {
  return sleep(Math.min(milliseconds, LONGEST_MS), true, { signal: over, ref: false }).catch(() => false)
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new Failure('cancelled', 'the training was cancelled')
}
