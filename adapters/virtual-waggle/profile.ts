import { cpus } from 'node:os'
import type { Metric, Profile } from '../../schemas/generated/types.ts'
import type { CgroupCounters } from './cgroup.ts'
import type { NetworkBytes } from './companion.ts'

/** What was measured of one trial; what could not be is undefined and left out. */
export interface Measurements {
  readonly platform: string
  readonly emulated: boolean
  readonly kernel: string
  readonly engine: string
  readonly cgroup: 1 | 2
  readonly wallSeconds: number
  readonly firstMessageMs: number | null
  readonly counters: CgroupCounters | undefined
  /** From the engine's samples, where counters cannot be read. */
  readonly sampled: { readonly cpuSeconds: number | null; readonly memoryPeakBytes: number | null } | undefined
  readonly outOfMemory: boolean
  readonly network: NetworkBytes | undefined
  /** Seconds by name of `plugin.duration.*`. */
  readonly timers: ReadonlyMap<string, readonly number[]>
}

/** The profile of one trial, each figure with where it comes from. */
export function makeProfile(measured: Measurements): Profile {
  const { counters, sampled, network } = measured
  const metrics: Record<string, Metric | undefined> = {
    wall_seconds: metric('s', measured.wallSeconds, 'clock'),
    cpu_seconds: metric('s', counters?.cpuSeconds, 'counter') ?? metric('s', sampled?.cpuSeconds, 'sampled'),
    memory_peak_bytes: metric('bytes', counters?.memoryPeakBytes, 'counter') ?? metric('bytes', sampled?.memoryPeakBytes, 'sampled'),
    throttled_seconds: metric('s', counters?.throttledSeconds, 'counter'),
    oom_kills: metric('count', counters?.oomKills, 'counter') ?? metric('count', measured.outOfMemory ? 1 : 0, 'sampled'),
    network_received_bytes: metric('bytes', network?.received, 'counter'),
    network_sent_bytes: metric('bytes', network?.sent, 'counter'),
    disk_read_bytes: metric('bytes', counters?.diskReadBytes, 'counter'),
    disk_written_bytes: metric('bytes', counters?.diskWrittenBytes, 'counter'),
    first_message_ms: metric('ms', measured.firstMessageMs, 'clock'),
  }
  for (const [name, samples] of measured.timers) metrics[name] = summarise(samples)
  const { platform, emulated, kernel, engine, cgroup } = measured
  const cpu = cpus()[0]?.model
  return {
    schema: 'ecr.profile/v1',
    platform,
    environment: { kind: 'virtual', emulated, ...(cpu !== undefined && cpu !== '' && { cpu }), kernel, cgroup, engine },
    metrics: Object.fromEntries(Object.entries(metrics).filter((entry): entry is [string, Metric] => entry[1] !== undefined)),
  }
}

function metric(unit: Metric['unit'], value: number | null | undefined, source: Metric['source']): Metric | undefined {
  return value === undefined || value === null ? undefined : { unit, value, source }
}

/** The plugin's own timings: their median, spread and all of them. */
function summarise(samples: readonly number[]): Metric {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (quantile: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(quantile * sorted.length) - 1)] ?? 0
  const median = (at(0.5) + (sorted[Math.floor(sorted.length / 2)] ?? 0)) / 2
  return { unit: 's', value: median, source: 'plugin', n: samples.length, min: at(0.0001), max: at(1), p95: at(0.95), samples: [...samples] }
}
