import type { Digest } from '../digest.ts'
import type { Progress } from './progress.ts'

/** A training run, complete: every file verified, every default filled. */
export interface TrainingRequest {
  /** Training image by digest. */
  readonly image: string
  readonly platform: string
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Becomes /opt/ml/input/config/hyperparameters.json. */
  readonly hyperparameters: Readonly<Record<string, unknown>>
  /** Verified data sets; `folder` on this machine is mounted read-only at /opt/ml/input/data/<name>. */
  readonly datasets: readonly { readonly name: string; readonly folder: string; readonly digest: Digest; readonly uri: string; readonly license?: string }[]
  /** Folder, made where it is missing, that keeps /opt/ml/checkpoints between attempts. */
  readonly checkpoints: string
  /** Empty or missing folder for /opt/ml/model and /opt/ml/output: `model/` and `output/` below it. */
  readonly results: string
  readonly gpu: boolean | { readonly type: string; readonly count: number }
  readonly network: 'none' | 'open'
  readonly timeoutMs: number
  /** The machine's time, RFC 3339: its end, which the container is told as CTSS_DEADLINE, and when it is stopped before that. Absent: there is no end. */
  readonly deadline?: { readonly end: string; readonly stop: string }
  /** `diskBytes`: what the container may write, its results and checkpoints included. */
  readonly limits: { readonly memoryBytes: number; readonly diskBytes: number; readonly cpus?: number; readonly pids: number }
  readonly attempt: number
  readonly runId: string
  readonly seed: number
  /** Told what the training appends to /opt/ml/output/metrics.ndjson, while it runs and once more at its end: a stranger's text, cut anywhere, 10 MiB at most. */
  readonly onMetrics?: (text: string) => void
}

export interface TrainingObservation {
  /** 0 ok · 75 stopped and resumable · anything else failed · null: never started or killed. */
  readonly exitCode: number | null
  /** `timed-out`, `out-of-time`: it got SIGTERM, and SIGKILL after a while, at `timeoutMs` or at the deadline. */
  readonly ending: 'exited' | 'timed-out' | 'out-of-time' | 'out-of-memory' | 'disk-limit' | 'not-started'
  readonly endingDetail?: string
  readonly seconds: number
  /** The end of stdout and stderr together, at most 64 KiB. */
  readonly log: string
  readonly cpuSeconds: number | null
  readonly memoryPeakBytes: number | null
}

/** Runs a training container by the contract of docs/training-contract.md. */
export interface Trainer {
  readonly engine: 'docker' | 'ray'
  /**
   * Makes sure, before anything is fetched or built, that a training can get the GPUs that it asks for. Answers with the models of the machine's GPUs
   * as their driver names them; none: it does not say. Whether they are of the type asked for is not decided: types are names of runner classes.
   * Fails with `trainer-unavailable`, `engine-unavailable`.
   */
  requireGpu(gpu: Exclude<TrainingRequest['gpu'], false>): Promise<readonly string[]>
  /**
   * Copies regular files, `paths` below `from`, into the missing or empty folder `to`, so that a training can read and change them whoever it runs as.
   * Fails with `storage-full`, `storage-unavailable`.
   */
  restoreCheckpoints(from: string, to: string, paths: readonly string[]): Promise<void>
  /** Fails with `engine-unavailable`, `trainer-unavailable`, `registry-unavailable`, `cancelled`. */
  train(request: TrainingRequest, progress: Progress, signal: AbortSignal): Promise<TrainingObservation>
}
