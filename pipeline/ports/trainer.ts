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
  /** `diskBytes`: what the container may write, its results and checkpoints included. */
  readonly limits: { readonly memoryBytes: number; readonly diskBytes: number; readonly cpus?: number; readonly pids: number }
  readonly attempt: number
  readonly runId: string
  readonly seed: number
}

export interface TrainingObservation {
  /** 0 ok · 75 stopped and resumable · anything else failed · null: never started or killed. */
  readonly exitCode: number | null
  readonly ending: 'exited' | 'timed-out' | 'out-of-memory' | 'disk-limit' | 'not-started'
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
  /** Fails with `engine-unavailable`, `trainer-unavailable`, `registry-unavailable`, `cancelled`. */
  train(request: TrainingRequest, progress: Progress, signal: AbortSignal): Promise<TrainingObservation>
}
