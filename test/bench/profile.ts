/**
 * bench:profile: CPU and memory that a trial reports, against what a synthetic plugin is known to use: CPU loops of a known length, ramps of memory,
 * and a peak of 50 ms. Truth is the process's own clock and the pages that it touched, over an empty run of the same program. `docker stats` beside it.
 * `npm run bench:profile -- [REPETITIONS]`
 */
import type { Container } from 'dockerode'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ContainerMeter } from '../../adapters/docker-trainer/container-meter.ts'
import { folderBlobs } from '../../adapters/blob-store/folder-blobs.ts'
import { makeRunId, RUN_LABEL } from '../../adapters/engine/run-id.ts'
import { openVirtualWaggle } from '../../adapters/virtual-waggle/virtual-waggle.ts'
import type { TrialObservation } from '../../pipeline/ports/testbed.ts'
import { makeTrialRequest, NEVER, preparePlugins, QUIET } from '../support/plugins/trials.ts'
import { machineFacts, median } from './measure.ts'

const [repetitions = '5'] = process.argv.slice(2)
const plugins = await preparePlugins()
if (typeof plugins === 'string') throw new Error(plugins)
const { docker, image } = plugins
const request = (args: readonly string[]) => makeTrialRequest(plugins, args, { limits: { memoryBytes: 2 ** 30, diskBytes: 2 ** 30, pids: 64 } })
const scratch = await mkdtemp(join(tmpdir(), 'ctss-bench-'))
const runId = makeRunId()
await using session = await openVirtualWaggle({ docker, blobs: folderBlobs(scratch), runId }).open(QUIET, NEVER)

interface Case {
  readonly name: string
  readonly args: readonly string[]
  readonly metric: 'cpu_seconds' | 'memory_peak_bytes'
  /** What the process itself says that it has used. */
  truth(observation: TrialObservation): number
  readonly goal: number
}

const CASES: readonly Case[] = [
  ...[0.5, 2, 5].map((seconds): Case => ({
    name: `${seconds} s of CPU`,
    args: ['spin', String(seconds)],
    metric: 'cpu_seconds',
    truth: lastNumber,
    goal: 0.02,
  })),
  ...[64, 256, 640].map((size): Case => ({
    name: `ramp to ${size} MiB`,
    args: ['ramp', String(size)],
    metric: 'memory_peak_bytes',
    truth: lastNumber,
    goal: 0.01,
  })),
  { name: 'peak of 300 MiB for 50 ms', args: ['peak', '300', '50'], metric: 'memory_peak_bytes', truth: lastNumber, goal: 0.01 },
]

process.stdout.write(`${machineFacts()}\nprofile against truth, medians of ${repetitions}\n`)
const rows: { readonly name: string; readonly error: number; readonly sampled: number; readonly goal: number }[] = []
for (const { name, args, metric, truth, goal } of CASES) {
  const errors: number[] = []
  const sampledErrors: number[] = []
  for (let repetition = 0; repetition < Number(repetitions); repetition += 1) {
    const { observation, sampled } = await measure(args)
    const figure = observation.profile.metrics[metric]
    const actual = truth(observation)
    if (figure?.source !== 'counter') throw new Error('cgroup counters cannot be read here')
    errors.push(Math.abs(figure.value - actual) / actual)
    sampledErrors.push(Math.abs((metric === 'cpu_seconds' ? sampled.cpuSeconds : sampled.memoryPeakBytes) ?? 0) / actual - 1)
  }
  rows.push({ name, error: median(errors), sampled: median(sampledErrors), goal })
  const row = rows.at(-1)
  if (row)
    process.stdout.write(
      `  ${name.padEnd(28)} ${percent(row.error).padStart(8)} off (goal ≤ ${percent(goal)}: ${row.error <= goal ? 'met' : 'missed'}); docker stats ${percent(row.sampled)}\n`,
    )
}
await rm(scratch, { recursive: true, force: true })

/** The same trial with the engine's own samples beside it. */
async function measure(args: readonly string[]): Promise<{ observation: TrialObservation; sampled: ContainerMeter }> {
  const sampled = new ContainerMeter()
  const over = new AbortController()
  const progress = { ...QUIET, step: (line: string) => void (line.startsWith('running') && followWhenStarted(sampled, over.signal)) }
  const observation = await session.run(request(args), progress, NEVER)
  over.abort()
  return { observation, sampled }
}

async function followWhenStarted(meter: ContainerMeter, over: AbortSignal): Promise<void> {
  const container = await findContainer()
  if (container) await meter.follow(container, over)
}

async function findContainer(): Promise<Container | undefined> {
  const [found] = await docker.listContainers({ all: true, filters: { label: [`${RUN_LABEL}=${runId}`], ancestor: [image] } })
  return found && docker.getContainer(found.Id)
}

/** The plugin's last line of output is the truth. */
function lastNumber({ logs }: TrialObservation): number {
  return Number(logs.stdout.trim().split('\n').at(-1))
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(2)} %`
}
