import { access, constants, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunOver } from '../engine/run-id.ts'
import { run } from '../process/run.ts'

/** What the kernel has counted of a container, read after its end. Undefined: this kernel or cgroup version has no such counter. */
export interface CgroupCounters {
  readonly cpuSeconds: number | undefined
  /** Page cache included, as the limit counts it. */
  readonly memoryPeakBytes: number | undefined
  readonly throttledSeconds: number | undefined
  readonly oomKills: number | undefined
  readonly diskReadBytes: number | undefined
  readonly diskWrittenBytes: number | undefined
}

/** A cgroup of ours around a container's: the container's own is gone when it ends, this one still has the counters. */
export interface CgroupParent {
  /** For `HostConfig.CgroupParent`. */
  readonly name: string
  /** Whether the CPU limit lies on it: then the container needs none, and throttling is counted here. */
  readonly limitsCpu: boolean
  read(): Promise<CgroupCounters>
  remove(): Promise<void>
}

export interface CgroupSetting {
  readonly version: 1 | 2
  readonly driver: 'cgroupfs' | 'systemd'
  /** Where the hierarchies are mounted; `/sys/fs/cgroup` but in tests. */
  readonly root: string
}

const FOLDER = 'ctss'
const PERIOD_US = 100_000
/** Hierarchies of version 1 whose counters we read. */
const COUNTED = ['memory', 'cpuacct', 'cpu', 'blkio']

/** Makes a cgroup for one container. Undefined where that cannot be: another machine's engine, no permission, an unknown layout. */
export async function makeCgroupParent(setting: CgroupSetting, name: string, cpus: number | undefined): Promise<CgroupParent | undefined> {
  try {
    return setting.driver === 'systemd' ? await systemdParent(setting, name) : await cgroupfsParent(setting, name, cpus)
  } catch {
    return undefined
  }
}

/** Removes cgroups of runs whose process is gone. */
export async function sweepCgroups(setting: CgroupSetting): Promise<void> {
  for (const folder of setting.version === 1 ? await hierarchies(setting.root) : [setting.root]) {
    for (const name of await readdir(join(folder, FOLDER)).catch(() => [])) {
      if (isRunOver(runIdOf(name))) await removeTree(join(folder, FOLDER, name))
    }
    for (const slice of (await readdir(folder).catch(() => [])).filter((name) => /^ctss_.*\.slice$/.test(name))) {
      if (isRunOver(runIdOf(slice.slice('ctss_'.length, -'.slice'.length).replaceAll('_', '-')))) await stopSlice(slice)
    }
  }
}

/** Names are `<run id>-<number of the trial>`. */
function runIdOf(name: string): string {
  return name.replace(/-\d+$/, '')
}

async function cgroupfsParent(setting: CgroupSetting, name: string, cpus: number | undefined): Promise<CgroupParent> {
  const roots = setting.version === 1 ? COUNTED.map((controller) => join(setting.root, controller)) : [setting.root]
  if (setting.version === 2) await enableControllers([setting.root, join(setting.root, FOLDER)])
  for (const root of roots) {
    await access(root, constants.W_OK)
    await mkdir(join(root, FOLDER, name), { recursive: true })
  }
  if (cpus !== undefined) await limitCpu(setting, name, cpus)
  return {
    name: `/${FOLDER}/${name}`,
    limitsCpu: cpus !== undefined,
    read: async () => readCounters(setting, join(FOLDER, name)),
    remove: async () => {
      for (const folder of setting.version === 1 ? await hierarchies(setting.root) : [setting.root]) await removeTree(join(folder, FOLDER, name))
    },
  }
}

async function enableControllers(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    await mkdir(folder, { recursive: true })
    // One that the kernel lacks must not keep the others away.
    for (const controller of ['cpu', 'memory', 'io', 'pids']) await writeFile(join(folder, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined)
  }
}

async function limitCpu({ root, version }: CgroupSetting, name: string, cpus: number): Promise<void> {
  const quota = Math.round(cpus * PERIOD_US)
  if (version === 2) return writeFile(join(root, FOLDER, name, 'cpu.max'), `${quota} ${PERIOD_US}`)
  await writeFile(join(root, 'cpu', FOLDER, name, 'cpu.cfs_period_us'), String(PERIOD_US))
  await writeFile(join(root, 'cpu', FOLDER, name, 'cpu.cfs_quota_us'), String(quota))
}

/** With the systemd driver a parent is a slice, which systemd makes when the container starts; hyphens would make a chain of slices. */
async function systemdParent(setting: CgroupSetting, name: string): Promise<CgroupParent | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const slice = `ctss_${name.replaceAll('-', '_')}.slice`
  return { name: slice, limitsCpu: false, read: async () => readCounters(setting, slice), remove: async () => stopSlice(slice) }
}

async function stopSlice(slice: string): Promise<void> {
  await run({ command: 'systemctl', args: ['stop', slice] }, { timeoutMs: 10_000 }).catch(() => undefined)
}

async function readCounters(setting: CgroupSetting, path: string): Promise<CgroupCounters> {
  return setting.version === 2 ? readVersion2(join(setting.root, path)) : readVersion1(setting.root, path)
}

async function readVersion2(folder: string): Promise<CgroupCounters> {
  const [cpu, events, io, peak] = await Promise.all(
    ['cpu.stat', 'memory.events', 'io.stat', 'memory.peak'].map(async (name) => readOptional(join(folder, name))),
  )
  return {
    cpuSeconds: divided(field(cpu, 'usage_usec'), 1e6),
    memoryPeakBytes: number(peak),
    throttledSeconds: divided(field(cpu, 'throttled_usec'), 1e6),
    oomKills: field(events, 'oom_kill'),
    diskReadBytes: io === undefined ? undefined : sum(io, /\brbytes=(\d+)/g),
    diskWrittenBytes: io === undefined ? undefined : sum(io, /\bwbytes=(\d+)/g),
  }
}

async function readVersion1(root: string, path: string): Promise<CgroupCounters> {
  const read = async (controller: string, file: string): Promise<string | undefined> => readOptional(join(root, controller, path, file))
  const [usage, peak, cpu, io] = await Promise.all([
    read('cpuacct', 'cpuacct.usage'),
    read('memory', 'memory.max_usage_in_bytes'),
    read('cpu', 'cpu.stat'),
    read('blkio', 'blkio.throttle.io_service_bytes_recursive'),
  ])
  return {
    cpuSeconds: divided(number(usage), 1e9),
    memoryPeakBytes: number(peak),
    throttledSeconds: divided(field(cpu, 'throttled_time'), 1e9),
    // Version 1 counts kills in the container's own cgroup alone, which is gone.
    oomKills: undefined,
    diskReadBytes: io === undefined ? undefined : sum(io, /^\d+:\d+ Read (\d+)$/gm),
    diskWrittenBytes: io === undefined ? undefined : sum(io, /^\d+:\d+ Write (\d+)$/gm),
  }
}

async function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined
}

function field(text: string | undefined, name: string): number | undefined {
  return number(
    text
      ?.split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1),
  )
}

function divided(value: number | undefined, divisor: number): number | undefined {
  return value === undefined ? undefined : value / divisor
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((total, found) => total + Number(found[1]), 0)
}

async function hierarchies(root: string): Promise<readonly string[]> {
  return (await readdir(root, { withFileTypes: true }).catch(() => [])).filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name))
}

/** A cgroup's folder is removed by rmdir, from the leaves up; the kernel may need a moment to let go of one whose processes have just died. */
async function removeTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await removeTree(join(folder, entry.name))
  }
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const code = await rmdir(folder).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    )
    if (code !== 'EBUSY') return
    await sleep(50)
  }
}
