import type Docker from 'dockerode'
import type { ContainerInspectOptions } from 'dockerode'
import { randomUUID } from 'node:crypto'
import { chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../pipeline/failure.ts'
import type { BlobStore } from '../../pipeline/ports/blob-store.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import type { TrialObservation, TrialRequest } from '../../pipeline/ports/testbed.ts'
import { ContainerMeter } from '../docker-trainer/container-meter.ts'
import { askEngine, engineFailure, engineStatus, removeQuietly } from '../engine/connect.ts'
import { pullImage } from '../engine/image.ts'
import { storageFailure } from '../filesystem/storage-failure.ts'
import type { FindCredentials } from '../registry/registry-client.ts'
import type { Broker } from './broker.ts'
import { Capture, type FloodLimits } from './capture.ts'
import { makeCgroupParent, type CgroupParent, type CgroupSetting } from './cgroup.ts'
import { dataConfig, type Companion } from './companion.ts'
import { runsNatively, type EngineFacts } from './engine-facts.ts'
import { OutputLog } from './output-log.ts'
import { identityOf, pluginContainer, writablePaths } from './plugin-container.ts'
import { makeProfile } from './profile.ts'
import type { Sandbox, SandboxNeeds } from './sandbox.ts'
import { readUploads, UPLOAD_REASONS, type Uploads } from './uploads.ts'

/** Between SIGTERM and SIGKILL at the time limit. */
const GRACE_MS = 5000
/** How much longer than its limit a killed container may take to be gone before the engine counts as gone. */
const ENGINE_MS = 120_000
const WATCH_MS = 200
const OUTPUT_MS = 5000

export interface TrialEnvironment {
  readonly docker: Docker
  readonly engine: EngineFacts
  readonly blobs: BlobStore
  readonly broker: Broker
  takeSandbox(needs: SandboxNeeds): Promise<Sandbox>
  readonly runId: string
  /** Of this trial, in this run. */
  readonly number: number
  /** A folder of this trial alone, which it makes and removes. */
  readonly folder: string
  readonly flood: FloodLimits
  readonly cgroups: CgroupSetting
  /** For the registry that holds the image. */
  readonly credentials: FindCredentials | undefined
}

type Ending = TrialObservation['ending']

interface Stop {
  readonly ending: Ending
  readonly detail?: string
}

/** Runs one trial to its end; what the plugin does is an observation. */
export async function runTrial(environment: TrialEnvironment, trial: TrialRequest, progress: Progress, signal: AbortSignal): Promise<TrialObservation> {
  await using run = new TrialRun(environment, trial, progress, signal)
  try {
    await run.prepare()
    const refusal = await run.start()
    if (refusal === undefined) await run.untilEnd()
    return await run.observe(refusal)
  } catch (cause) {
    throw storageFailure(cause, `working in ${environment.folder}`)
  }
}

/** Everything that one trial needs, from the volumes to the container, removed at its end whatever happens. */
class TrialRun implements AsyncDisposable {
  readonly #env: TrialEnvironment
  readonly #trial: TrialRequest
  readonly #progress: Progress
  readonly #signal: AbortSignal
  readonly #cleanUps: (() => Promise<void>)[] = []
  readonly #meter = new ContainerMeter()
  readonly #over = new AbortController()
  #capture!: Capture
  #companion!: Companion
  #container!: Docker.Container
  #cgroup: CgroupParent | undefined
  #stdout!: OutputLog
  #stderr!: OutputLog
  #outputEnd: Promise<void> = Promise.resolve()
  #exit: Promise<void> = Promise.resolve()
  #stop: Stop | undefined
  #engineLost: unknown

  constructor(environment: TrialEnvironment, trial: TrialRequest, progress: Progress, signal: AbortSignal) {
    this.#env = environment
    this.#trial = trial
    this.#progress = progress
    this.#signal = signal
  }

  async prepare(): Promise<void> {
    const { docker, folder, credentials } = this.#env
    await pullImage(docker, this.#trial, this.#progress, this.#signal, credentials)
    this.#progress.step(`preparing trial ${this.#trial.name} on ${this.#trial.platform}`)
    await mkdir(folder, { recursive: true, mode: 0o755 })
    this.#cleanUps.push(async () => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
    const paths = await askEngine('reading the image', writablePaths(docker, this.#trial.image))
    const sandbox = await this.#env.takeSandbox({ paths, cameras: this.#trial.cameras, isOpen: this.#trial.network === 'open' })
    this.#cleanUps.push(async () => sandbox[Symbol.asyncDispose]())
    this.#companion = sandbox.companion
    // The engine copies an image's own files into its volumes when it makes the container; they are measured after that.
    await this.#makeContainer(sandbox.volumes)
    await this.#companion.start()
  }

  async #makeContainer(volumes: Sandbox['volumes']): Promise<void> {
    const { docker, folder, runId, number, cgroups } = this.#env
    const trial = this.#trial
    const appId = randomUUID()
    const dataConfigFile = join(folder, 'data-config.json')
    await writeFile(dataConfigFile, dataConfig(trial.cameras))
    await chmod(dataConfigFile, 0o644)
    this.#cgroup = this.#env.engine.isLocal ? await makeCgroupParent(cgroups, `${runId}-${number}`, trial.limits.cpus) : undefined
    this.#cleanUps.push(async () => this.#cgroup?.remove())
    const inputsAreFile = trial.inputs !== undefined && (await stat(trial.inputs)).isFile()
    const options = pluginContainer({
      trial,
      appId,
      runId,
      companionId: this.#companion.id,
      volumes,
      dataConfigFile,
      inputsAreFile,
      cgroupParent: this.#cgroup?.name,
      cpuIsLimited: this.#cgroup?.limitsCpu ?? false,
    })
    this.#container = await askEngine('creating the container of the trial', docker.createContainer({ ...options, platform: trial.platform }))
    this.#cleanUps.push(async () => removeQuietly(this.#container, { force: true, v: true }))
    this.#capture = new Capture({
      identity: identityOf(trial, appId),
      file: join(folder, 'beehive.ndjson'),
      limits: this.#env.flood,
      onFlood: (detail) => void this.#end({ ending: 'flooded', detail }),
      onShared: (message) => this.#env.broker.passOn(message),
    })
    this.#cleanUps.push(async () => this.#capture.finish())
  }

  /** Starts the plugin; a sentence when its container cannot start, such as a program that the image does not have. */
  async start(): Promise<string | undefined> {
    const { docker, broker, folder } = this.#env
    const showOutput = (line: string): void => this.#progress.output(line)
    this.#stdout = new OutputLog(join(folder, 'stdout'), showOutput)
    this.#stderr = new OutputLog(join(folder, 'stderr'), showOutput)
    this.#cleanUps.push(async () => [this.#stdout, this.#stderr].forEach((log) => log.close()))
    const output = await askEngine('attaching to the trial', this.#container.attach({ stream: true, stdout: true, stderr: true }))
    docker.modem.demuxStream(output, this.#stdout, this.#stderr)
    this.#outputEnd = new Promise((resolve) => output.once('end', resolve).once('error', resolve).once('close', resolve))
    broker.listen({ onDelivery: (delivery) => this.#capture.take(delivery), onLost: (reason) => void this.#end({ ending: 'broker-lost', detail: reason }) })
    this.#exit = Promise.race([
      this.#container.wait({ condition: 'next-exit' }).then(() => undefined),
      this.#outputEnd.then(async () => this.#untilGone()),
    ]).catch((cause: unknown) => {
      this.#engineLost = cause
    })
    this.#progress.step(`running trial ${this.#trial.name} on ${this.#trial.platform}`)
    this.#signal.throwIfAborted()
    this.#capture.start()
    try {
      await this.#container.start()
      return undefined
    } catch (cause) {
      if (engineStatus(cause) === undefined) throw engineFailure(cause, 'starting the trial')
      return cause instanceof Error ? cause.message : String(cause)
    }
  }

  /** Returns when the container has ended: by itself, at a limit, or because the trial was cancelled. */
  async untilEnd(): Promise<void> {
    const onCancel = (): void => void this.#kill('SIGKILL')
    this.#signal.addEventListener('abort', onCancel, { once: true })
    if (this.#signal.aborted) onCancel()
    const watches = [this.#watchTime(), this.#watchDisk(), ...(this.#cgroup === undefined ? [this.#meter.follow(this.#container, this.#over.signal)] : [])]
    try {
      await Promise.race([this.#exit, this.#engineTimeOut()])
    } finally {
      this.#over.abort()
      this.#signal.removeEventListener('abort', onCancel)
      await Promise.all(watches)
    }
    if (this.#signal.aborted) throw new Failure('cancelled', `trial ${this.#trial.name} was cancelled`)
    if (this.#engineLost !== undefined) throw engineFailure(this.#engineLost, `waiting for trial ${this.#trial.name}`)
  }

  /** The client never settles `wait` when the connection breaks in the middle of the answer; the output ends then, too. A plugin may close its output long before it ends. */
  async #untilGone(): Promise<void> {
    while ((await this.#container.inspect()).State.Running && (await waitFor(WATCH_MS, this.#over.signal)));
  }

  /** An engine that does not even tell the end of a container that it was told to kill is gone. */
  async #engineTimeOut(): Promise<void> {
    if (await waitFor(this.#trial.timeoutMs + GRACE_MS + ENGINE_MS, this.#over.signal)) this.#engineLost = new Error('the container did not end after SIGKILL')
    else await this.#exit
  }

  async #watchTime(): Promise<void> {
    if (!(await waitFor(this.#trial.timeoutMs, this.#over.signal))) return
    this.#stop ??= { ending: 'timed-out' }
    await this.#kill('SIGTERM')
    if (await waitFor(GRACE_MS, this.#over.signal)) await this.#kill('SIGKILL')
  }

  async #watchDisk(): Promise<void> {
    let pauseMs = WATCH_MS
    while (await waitFor(pauseMs, this.#over.signal)) {
      const begun = performance.now()
      await this.#checkDisk()
      // The engine walks through all that was written: no more than a quarter of the time goes into looking.
      pauseMs = Math.max(WATCH_MS, 3 * (performance.now() - begun))
      const broker = this.#env.broker.lost === undefined ? await this.#env.broker.inspectEnd() : undefined
      if (broker?.paused === true) this.#env.broker.lose('its container was paused')
    }
  }

  async #checkDisk(): Promise<void> {
    const written = (await this.#layerBytes()) + this.#companion.volumeBytes
    if (written > this.#trial.limits.diskBytes) await this.#end({ ending: 'disk-limit', detail: `${Math.round(written / 2 ** 20)} MiB when it was seen` })
  }

  async #layerBytes(): Promise<number> {
    const options: ContainerInspectOptions & { readonly size: boolean } = { size: true }
    const answer = await this.#container.inspect(options).catch(() => undefined)
    return answer !== undefined && 'SizeRw' in answer && typeof answer.SizeRw === 'number' ? answer.SizeRw : 0
  }

  async #end(stop: Stop): Promise<void> {
    if (this.#stop !== undefined) return
    this.#stop = stop
    await this.#kill('SIGKILL')
  }

  /** A container that has ended meanwhile cannot be signalled, which is what was wanted. */
  async #kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#container.kill({ signal }).catch(() => undefined)
  }

  async observe(refusal: string | undefined): Promise<TrialObservation> {
    const { broker, blobs } = this.#env
    this.#progress.step(`reading what trial ${this.#trial.name} left`)
    await Promise.race([this.#outputEnd, sleep(refusal === undefined ? OUTPUT_MS : 0, undefined, { ref: false })])
    await broker.drain()
    const { State } = await askEngine('looking at the end of the trial', this.#container.inspect())
    this.#failWithoutEmulation(refusal ?? this.#stderr.tail, State.ExitCode)
    if (refusal === undefined) await this.#lastChecks()
    const uploads = await this.#readUploads()
    const network = await this.#companion.networkBytes()
    const counters = await this.#cgroup?.read()
    const outOfMemory = State.OOMKilled || (counters?.oomKills ?? 0) > 0
    const seconds = refusal === undefined ? Math.max(0, (Date.parse(State.FinishedAt) - Date.parse(State.StartedAt)) / 1000) : 0
    const stop = this.#decideEnding(refusal, outOfMemory && State.ExitCode !== 0)
    this.#capture.finish()
    this.#throwIfNotKept()
    const emulated = !runsNatively(this.#env.engine, this.#trial.platform)
    const { kernel, version, cgroup } = this.#env.engine
    const profile = makeProfile({
      platform: this.#trial.platform,
      emulated,
      kernel,
      engine: `docker ${version}`,
      cgroup,
      wallSeconds: seconds,
      firstMessageMs: this.#capture.firstMessageMs,
      counters,
      sampled: this.#cgroup === undefined ? this.#meter : undefined,
      outOfMemory,
      network,
      timers: this.#capture.timers,
    })
    return {
      exitCode: refusal === undefined ? State.ExitCode : null,
      ending: stop.ending,
      ...(stop.detail !== undefined && { endingDetail: stop.detail }),
      emulated,
      seconds,
      firstMessageMs: this.#capture.firstMessageMs,
      messages: this.#capture.messages,
      total: this.#capture.total,
      arrivalMs: this.#capture.arrivalMs,
      names: this.#capture.names,
      dropped: this.#capture.dropped,
      uploads: uploads.files,
      beehive: await blobs.putFile(join(this.#env.folder, 'beehive.ndjson')),
      logs: {
        stdout: this.#stdout.tail,
        stderr: this.#stderr.tail,
        stdoutFile: await blobs.putFile(this.#stdout.path),
        stderrFile: await blobs.putFile(this.#stderr.path),
      },
      profile,
    }
  }

  /** Between two looks a plugin may have passed its disk limit and ended; a broker may have been lost while it drained. */
  async #lastChecks(): Promise<void> {
    await this.#checkDisk()
    const { lost } = this.#env.broker
    if (lost !== undefined && (this.#stop === undefined || this.#stop.ending === 'timed-out')) this.#stop = { ending: 'broker-lost', detail: lost }
    if (this.#env.broker.refusedLogins > 0)
      this.#capture.drop(
        'login refused by the broker: use the user and password of WAGGLE_PLUGIN_USERNAME and WAGGLE_PLUGIN_PASSWORD',
        `${this.#env.broker.refusedLogins} times`,
      )
  }

  /** A disk that is full stops no plugin, but what it said is lost. */
  #throwIfNotKept(): void {
    const cause = this.#capture.failure ?? this.#stdout.failure ?? this.#stderr.failure
    if (cause !== undefined) throw storageFailure(cause, `keeping what trial ${this.#trial.name} sent and printed`)
  }

  /** On the machine's own processor the image is wrong; on another one the machine lacks QEMU. */
  #failWithoutEmulation(complaint: string, exitCode: number): void {
    const { platform, name } = this.#trial
    if (exitCode === 0 || !/exec format error/i.test(complaint) || this.#capture.total > 0 || runsNatively(this.#env.engine, platform)) return
    throw new Failure('testbed-unavailable', `trial ${name} cannot run on ${platform}: this machine cannot run programs of that platform`, {
      suggestion: 'register QEMU for it (`ctss doctor` tells how), or choose platforms with --platform',
    })
  }

  #decideEnding(refusal: string | undefined, outOfMemory: boolean): Stop {
    if (refusal !== undefined) return { ending: 'not-started', detail: refusal }
    if (this.#stop !== undefined) return this.#stop
    return { ending: outOfMemory ? 'out-of-memory' : 'exited' }
  }

  async #readUploads(): Promise<Uploads> {
    const archive = await this.#companion.readVolume(0)
    const uploads = await readUploads(archive, { blobs: this.#env.blobs, folder: this.#env.folder, limitBytes: this.#trial.limits.diskBytes + 2 ** 20 })
    for (const { reason, example } of uploads.refused) this.#capture.drop(reason, example)
    for (const staging of this.#capture.staged) if (!uploads.staged.has(staging)) this.#capture.drop(UPLOAD_REASONS.missing, staging.slice(0, 100))
    return uploads
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    for (const cleanUp of this.#cleanUps.toReversed()) await cleanUp().catch(() => undefined)
  }
}

/** True after the time; false as soon as the signal fires. */
async function waitFor(milliseconds: number, over: AbortSignal): Promise<boolean> {
  return sleep(milliseconds, true, { signal: over }).catch(() => false)
}
