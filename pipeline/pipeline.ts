import type { Expectation, Gate, Manifest, PipelineFile } from '../schemas/generated/types.ts'

/** Sizes of a node's default pod (waggle-edge-stack, wes-default-limits.yaml: memory limit 1Gi); the rest are ours. */
export const DEFAULT_LIMITS = { memoryBytes: 2 ** 30, diskBytes: 2 ** 30, pids: 1024 } as const

export interface Limits {
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly pids: number
  readonly cpus?: number
}

export interface Dataset {
  readonly name: string
  readonly uri: string
  readonly sha256: string
  readonly license?: string
  readonly croissant?: string
}

export interface Training {
  readonly source: { readonly kind: 'dockerfile'; readonly path: string } | { readonly kind: 'image'; readonly reference: string }
  readonly command: readonly string[]
  readonly gpu: boolean | { readonly type: string; readonly count: number }
  readonly engine: 'docker' | 'ray'
  readonly network: 'none' | 'open'
  readonly timeoutMs: number
  readonly seed: number
  readonly limits: Limits
  readonly hyperparameters: Readonly<Record<string, unknown>>
  readonly datasets: readonly Dataset[]
  readonly gates: readonly Gate[]
}

export interface TrialPlan {
  readonly name: string
  readonly inputs: string | undefined
  readonly cameras: Readonly<Record<string, string>>
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly mayRunOn: boolean
  readonly exitCode: number
  readonly limits: Limits
  readonly network: 'none' | 'open'
  /** Undefined: every platform that was built. */
  readonly platforms: readonly string[] | undefined
  readonly expect: readonly Expectation[]
  readonly golden: string | undefined
}

/** The manifest and the pipeline file after `complete`: every default filled, units resolved to bytes and milliseconds. */
export interface Pipeline {
  readonly manifest: {
    /** As the Portal would send it: a missing namespace is the repository owner's name, a missing version comes from Git. */
    readonly namespace: string
    readonly name: string
    readonly version: string
    readonly description: string
    readonly license: string
    readonly authors: string
    readonly keywords: string
    readonly homepage: string
    /** Path of the file that it was read from. */
    readonly path: string
    readonly platforms: readonly string[]
    /** Build context inside the repository; `.` is the root. */
    readonly directory: string
    /** Relative to the directory. */
    readonly dockerfile: string
    readonly buildArgs: Readonly<Record<string, string>>
    readonly document: Manifest
  }
  readonly training: Training | undefined
  readonly model:
    | { readonly path: string; readonly source: { readonly kind: 'train' } | { readonly kind: 'uri'; readonly uri: string; readonly sha256: string } }
    | undefined
  readonly trials: readonly TrialPlan[]
  readonly budgets: Readonly<Record<string, number>>
  readonly repetitions: number
  readonly nodes: readonly string[]
  readonly access: NonNullable<PipelineFile['access']>
}

/** `namespace/name`, under which the catalogue knows a plugin. */
export function nameOf({ manifest }: Pipeline): string {
  return `${manifest.namespace}/${manifest.name}`
}
