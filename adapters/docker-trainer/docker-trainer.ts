import type Docker from 'dockerode'
import type { ContainerCreateOptions } from 'dockerode'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../pipeline/failure.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import type { Trainer, TrainingObservation, TrainingRequest } from '../../pipeline/ports/trainer.ts'
import { askEngine, engineFailure, engineStatus, removeQuietly } from '../engine/connect.ts'
import { pullImage } from '../engine/image.ts'
import { makeRunId, RUN_LABEL } from '../engine/run-id.ts'
import { measureFolder } from '../untrusted-folder/folder-reader.ts'
import { ContainerMeter } from './container-meter.ts'
import { LogTail } from './log-tail.ts'
import { layOut, type Layout } from './opt-ml.ts'

/** Between SIGTERM and SIGKILL at the time limit: time to write a checkpoint. */
const GRACE_MS = 30_000
const WATCH_MS = 2000
/** A training may close its output long before it ends. */
const POLL_MS = 500

/** Trains on a Docker Engine, in a container without capabilities, without network unless declared, and with limits. The engine has to see this machine's files. */
export class DockerTrainer implements Trainer {
  readonly engine = 'docker'
  readonly #docker: Docker
  readonly #graceMs: number
  readonly #label: string

  /** `label` tells whose container it is once this process is gone. */
  constructor(docker: Docker, { graceMs = GRACE_MS, label = makeRunId() }: { readonly graceMs?: number; readonly label?: string } = {}) {
    this.#docker = docker
    this.#graceMs = graceMs
    this.#label = label
  }

  async train(request: TrainingRequest, progress: Progress, signal: AbortSignal): Promise<TrainingObservation> {
    throwIfCancelled(signal)
    const layout = await layOut(request)
    await pullImage(this.#docker, request, progress, signal)
    const container = await askEngine('creating the training container', this.#docker.createContainer(containerOptions(request, layout, this.#label)))
    try {
      return await new TrainingContainer(this.#docker, container, request, layout, progress, signal, this.#graceMs).run()
    } finally {
      // Removing also kills.
      await removeQuietly(container, { force: true, v: true })
    }
  }
}

/** What the engine is asked for; the whole of the container's isolation stands here. */
export function containerOptions(request: TrainingRequest, { mounts, env }: Layout, label: string): ContainerCreateOptions {
  const { limits, gpu } = request
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
      ...(gpu !== false && { DeviceRequests: [{ Driver: 'nvidia', Count: gpu === true ? -1 : gpu.count, Capabilities: [['gpu']] }] }),
    },
  }
}

type Ending = TrainingObservation['ending']

/** One container from its start to its end. */
class TrainingContainer {
  readonly #docker: Docker
  readonly #container: Docker.Container
  readonly #request: TrainingRequest
  readonly #layout: Layout
  readonly #signal: AbortSignal
  readonly #graceMs: number
  readonly #log: LogTail
  readonly #meter = new ContainerMeter()
  #ending: Ending = 'exited'

  constructor(docker: Docker, container: Docker.Container, request: TrainingRequest, layout: Layout, progress: Progress, signal: AbortSignal, graceMs: number) {
    this.#docker = docker
    this.#container = container
    this.#request = request
    this.#layout = layout
    this.#signal = signal
    this.#graceMs = graceMs
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
    const watches = [this.#stopAtTimeLimit(over.signal), this.#stopAtDiskLimit(over.signal), this.#meter.follow(this.#container, over.signal)]
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
      if (/could not select device driver|nvidia-container|unresolvable CDI/i.test(message)) {
        throw new Failure('trainer-unavailable', 'the training asks for a GPU, and this Docker Engine has none', {
          cause,
          suggestion: 'run it on a machine with an NVIDIA GPU and the NVIDIA Container Toolkit, or set training.gpu to false',
        })
      }
      if (engineStatus(cause) === undefined) throw engineFailure(cause, 'starting the training container')
      return message
    }
  }

  /** The client never settles `wait` when the connection breaks in the middle of the answer; the end of the output does, so that one asks then. */
  async #waitForEnd(logged: Promise<void>): Promise<void> {
    await Promise.race([askEngine('waiting for the training container', this.#container.wait()), logged])
    while ((await askEngine('inspecting the training container', this.#container.inspect())).State.Running) await sleep(POLL_MS)
  }

  async #stopAtTimeLimit(over: AbortSignal): Promise<void> {
    if (!(await waitFor(this.#request.timeoutMs, over))) return
    this.#ending = 'timed-out'
    await this.#kill('SIGTERM')
    if (await waitFor(this.#graceMs, over)) await this.#kill('SIGKILL')
  }

  async #stopAtDiskLimit(over: AbortSignal): Promise<void> {
    while (await waitFor(WATCH_MS, over)) {
      const written = await this.#writtenBytes(over)
      if (written <= this.#request.limits.diskBytes || this.#ending === 'timed-out') continue
      this.#ending = 'disk-limit'
      await this.#kill('SIGKILL')
      return
    }
  }

  async #writtenBytes(abortSignal: AbortSignal): Promise<number> {
    const options = { size: true, abortSignal }
    const folders = await Promise.all(this.#layout.writable.map((folder) => measureFolder(folder)))
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

/** True after the time; false as soon as the signal fires. */
async function waitFor(milliseconds: number, over: AbortSignal): Promise<boolean> {
  return sleep(milliseconds, true, { signal: over, ref: false }).catch(() => false)
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new Failure('cancelled', 'the training was cancelled')
}
