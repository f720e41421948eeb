import { describe, expect, it } from 'vitest'
import { makeProfile, type Measurements } from '../../../../adapters/virtual-waggle/profile.ts'
import { validateProfile } from '../../../../schemas/generated/validators.js'

const MEASURED: Measurements = {
  platform: 'linux/amd64',
  emulated: false,
  kernel: '6.1',
  engine: 'docker 20.10',
  cgroup: 1,
  wallSeconds: 1.5,
  firstMessageMs: 400,
  counters: { cpuSeconds: 1, memoryPeakBytes: 2, throttledSeconds: 0, oomKills: undefined, diskReadBytes: 3, diskWrittenBytes: 4 },
  sampled: undefined,
  outOfMemory: false,
  network: { received: 5, sent: 6 },
  timers: new Map(),
}

describe('a profile', () => {
  it('says of each figure where it comes from', () => {
    const profile = makeProfile(MEASURED)
    expect(validateProfile(profile)).toBe(true)
    expect(Object.fromEntries(Object.entries(profile.metrics).map(([name, { value, source }]) => [name, `${value} ${source}`]))).toEqual({
      wall_seconds: '1.5 clock',
      cpu_seconds: '1 counter',
      memory_peak_bytes: '2 counter',
      throttled_seconds: '0 counter',
      oom_kills: '0 sampled',
      network_received_bytes: '5 counter',
      network_sent_bytes: '6 counter',
      disk_read_bytes: '3 counter',
      disk_written_bytes: '4 counter',
      first_message_ms: '400 clock',
    })
    expect(profile.environment).toMatchObject({ kind: 'virtual', emulated: false, kernel: '6.1', cgroup: 1 })
  })

  it('falls back on samples, and leaves out what is not known', () => {
    const { metrics } = makeProfile({
      ...MEASURED,
      counters: undefined,
      sampled: { cpuSeconds: 0.5, memoryPeakBytes: null },
      network: undefined,
      firstMessageMs: null,
      outOfMemory: true,
    })
    expect(metrics).toEqual({
      wall_seconds: expect.anything(),
      cpu_seconds: { unit: 's', value: 0.5, source: 'sampled' },
      oom_kills: { unit: 'count', value: 1, source: 'sampled' },
    })
  })

  it.each([
    [[3], { value: 3, n: 1, min: 3, max: 3, p95: 3 }],
    [[4, 1, 3, 2], { value: 2.5, n: 4, min: 1, max: 4, p95: 4 }],
    [Array.from({ length: 100 }, (_, n) => n + 1), { value: 50.5, n: 100, min: 1, max: 100, p95: 95 }],
  ])('summarises timings %#', (samples, summary) => {
    const profile = makeProfile({ ...MEASURED, timers: new Map([['plugin.duration.load', samples]]) })
    expect(profile.metrics['plugin.duration.load']).toEqual({ unit: 's', source: 'plugin', samples, ...summary })
  })
})
