import type { Digest } from '../digest.ts'
import type { Message, Profile, UploadedFile } from '../../schemas/generated/types.ts'
import type { Progress } from './progress.ts'

/** One run of a plugin on a testbed, complete: no default is left open. */
export interface TrialRequest {
  readonly name: string
  /** Image by digest, `host/repository@sha256:…`. */
  readonly image: string
  readonly platform: string
  /** The plugin as a node would know it; `task` is its job-wide name. */
  readonly plugin: { readonly namespace: string; readonly name: string; readonly version: string }
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** A folder on this machine that is mounted read-only at /data/inputs; undefined: none. */
  readonly inputs: string | undefined
  /** Camera name → image files on this machine, served in this order, one per request, the last one again and again. */
  readonly cameras: Readonly<Record<string, readonly string[]>>
  readonly timeoutMs: number
  /** True: a plugin still running at the time limit is stopped without blame. */
  readonly mayRunOn: boolean
  readonly limits: { readonly memoryBytes: number; readonly diskBytes: number; readonly pids: number; readonly cpus?: number }
  readonly network: 'none' | 'open'
}

export interface TrialObservation {
  readonly exitCode: number | null
  readonly ending: 'exited' | 'timed-out' | 'out-of-memory' | 'disk-limit' | 'flooded' | 'broker-lost' | 'not-started'
  /** More about the ending, in a sentence, for instance why the container could not start. */
  readonly endingDetail?: string
  readonly emulated: boolean
  readonly seconds: number
  readonly firstMessageMs: number | null
  /** The first 10,000 messages that reached the Beehive stand-in, in order; timestamps with nine decimals, NaN and infinities as strings. */
  readonly messages: readonly Message[]
  /** All that reached it. */
  readonly total: number
  /** Milliseconds from the start to the arrival of each of `messages`. */
  readonly arrivalMs: readonly number[]
  readonly names: readonly { readonly name: string; readonly count: number; readonly last?: Message['value'] }[]
  readonly dropped: readonly { readonly reason: string; readonly count: number; readonly example?: string }[]
  readonly uploads: readonly UploadedFile[]
  /** NDJSON exactly as the data API answers (meta with host, job, node, plugin, task, vsn), in the blob store. */
  readonly beehive: { readonly digest: Digest; readonly bytes: number }
  /** Whole logs in the blob store (each at most 10 MiB), and their ends. */
  readonly logs: {
    readonly stdout: string
    readonly stderr: string
    readonly stdoutFile: { readonly digest: Digest; readonly bytes: number }
    readonly stderrFile: { readonly digest: Digest; readonly bytes: number }
  }
  readonly profile: Profile
}

/** A place where a plugin image runs with fixed inputs: the Virtual Waggle, or a real node. */
export interface Testbed {
  readonly kind: 'virtual' | 'node'
  /** Changes whenever a trial's outcome may change by the testbed alone; part of the stage's key. */
  readonly version: string
  /** Starts what trials need (network, broker); `await using` ends it and leaves nothing behind. Fails with `engine-unavailable`, `broker-unavailable`, `testbed-unavailable`. */
  open(progress: Progress, signal: AbortSignal): Promise<TestbedSession>
}

export interface TestbedSession extends AsyncDisposable {
  /**
   * Runs one trial to its end and removes what it left. The plugin's own misbehaviour is an observation, never a failure.
   * Fails with `engine-unavailable`, `broker-unavailable`, `registry-unavailable`, `cancelled`.
   */
  run(trial: TrialRequest, progress: Progress, signal: AbortSignal): Promise<TrialObservation>
}
