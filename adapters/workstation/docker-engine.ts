import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { Failure } from '../../pipeline/failure.ts'
import { REGISTRY_HOST } from './cache-layout.ts'
import { findDaemon, isProcess, startDaemon, stopDaemon } from './daemon.ts'
import type { Daemon } from './daemon.ts'
import { DEFAULT_DOCKER_HOST } from './environment.ts'
import { act, ask, timed, writeWhole } from './machine.ts'
import type { Machine } from './machine.ts'

/** A Docker Engine that answers. */
export interface EngineFacts {
  readonly host: string
  readonly version: string
  /** Started by us: only then may it be stopped. */
  readonly ours: boolean
  /** Whether it looks at our registry before Docker Hub. */
  readonly usesOurMirror: boolean
  readonly cgroup: { readonly version: 1 | 2; readonly driver: string }
}

/** Every container, network and volume that we make bears this label. */
const OUR_LABEL = 'org.sagecontinuum.ctss'
/** dockerd's own, with the default exec-root. */
const PID_FILES = [
  { path: '/var/run/docker.pid', program: 'dockerd' },
  { path: '/var/run/docker/containerd/containerd.pid', program: 'containerd' },
]
const INFO = ['{{.ServerVersion}}', '{{.CgroupVersion}}', '{{.CgroupDriver}}', '{{.DockerRootDir}}', '{{json .RegistryConfig.Mirrors}}'].join('\n')

function engineDaemon({ layout }: Machine): Daemon {
  return {
    command: 'dockerd',
    args: ['--data-root', layout.engine, `--registry-mirror=http://${REGISTRY_HOST}`],
    mark: layout.engine,
    pidFile: join(layout.folder, 'dockerd.pid'),
    logFile: join(layout.folder, 'dockerd.log'),
  }
}

/** The engine that answers on DOCKER_HOST or the default socket; undefined when none does, or there is no docker client to ask it. */
export async function findEngine(machine: Machine): Promise<EngineFacts | undefined> {
  const { environment, layout } = machine
  const [info, ownPid] = await Promise.all([ask(machine, 'docker', ['info', '--format', INFO]), findDaemon(engineDaemon(machine))])
  const facts = info === undefined ? undefined : readEngineInfo(info)
  if (!facts) return undefined
  const { version, cgroup, mirrors, dataRoot } = facts
  return {
    host: environment.dockerHost,
    version,
    ours: ownPid !== undefined && dataRoot === layout.engine,
    usesOurMirror: mirrors.includes(`http://${REGISTRY_HOST}/`),
    cgroup,
  }
}

/** Reads what `docker info` printed with our template; undefined where the client wrote it without having reached an engine. */
export function readEngineInfo(text: string): { version: string; cgroup: EngineFacts['cgroup']; dataRoot: string; mirrors: string } | undefined {
  const [version = '', cgroupVersion, cgroupDriver = '', dataRoot = '', mirrors = ''] = text.split('\n')
  if (!/^\d/.test(version)) return undefined
  // Engines before 20.10 do not tell the version, and know only the first.
  return { version, cgroup: { version: cgroupVersion === '2' ? 2 : 1, driver: cgroupDriver }, dataRoot, mirrors }
}

/** Starts our engine on the default socket. Fails with `engine-unavailable`. */
export async function startEngine(machine: Machine): Promise<void> {
  if (machine.environment.dockerHostChosen) {
    throw new Failure('engine-unavailable', `no Docker Engine answers on DOCKER_HOST=${machine.environment.dockerHost}`, {
      suggestion: 'start that engine, or unset DOCKER_HOST, so that ctss starts one of its own',
    })
  }
  if (!machine.environment.isRoot) {
    throw new Failure('engine-unavailable', `no Docker Engine answers this user on ${DEFAULT_DOCKER_HOST}, and only root can start one`, {
      suggestion: 'as root: `systemctl start docker`, and `usermod -aG docker USER` for this user; or run ctss as root',
    })
  }
  await timed(machine, `Starting a Docker Engine of our own on ${DEFAULT_DOCKER_HOST}`, async () => {
    await forgetEndedProcesses()
    await startDaemon(machine, engineDaemon(machine), 'engine-unavailable', async () => (await findEngine(machine)) !== undefined)
    await noteContainerd(machine)
  })
}

/** After a reboot or a kill, dockerd believes in the process numbers of its last life, whoever has them now. */
async function forgetEndedProcesses(): Promise<void> {
  for (const { path, program } of PID_FILES) {
    const pid = await readPid(path)
    if (pid === undefined || !(await isProcess(pid, program))) await rm(path, { force: true })
  }
}

/** Stops our engine and the containerd that it started, and nothing else; false when there was none. */
export async function stopEngine(machine: Machine): Promise<boolean> {
  await noteContainerd(machine)
  const stopped = await stopDaemon(machine, engineDaemon(machine), 30_000)
  // dockerd stops its containerd itself, unless it was killed.
  const containerdStopped = await stopDaemon(machine, containerdDaemon(machine), 5000)
  return stopped || containerdStopped
}

/** The containerd below the default exec-root is ours as long as the dockerd there is. */
async function noteContainerd(machine: Machine): Promise<void> {
  const [dockerdPid, containerdPid] = await Promise.all(PID_FILES.map(({ path }) => readPid(path)))
  const ours = await findDaemon(engineDaemon(machine))
  if (ours !== undefined && ours === dockerdPid) await writeWhole(containerdDaemon(machine).pidFile, `${containerdPid ?? ''}\n`)
}

function containerdDaemon({ layout }: Machine): Daemon {
  return {
    command: 'containerd',
    args: [],
    mark: '/var/run/docker/containerd/containerd.toml',
    pidFile: join(layout.folder, 'containerd.pid'),
    logFile: '/dev/null',
  }
}

async function readPid(path: string): Promise<number | undefined> {
  const pid = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10)
  return Number.isInteger(pid) && pid > 1 ? pid : undefined
}

/** Removes the containers, networks and volumes that bear our label; returns how many there were. */
export async function removeLabelled(machine: Machine): Promise<number> {
  const filter = ['--quiet', '--filter', `label=${OUR_LABEL}`]
  let count = 0
  for (const [list, remove] of [
    [
      ['ps', '--all', ...filter],
      ['rm', '--force', '--volumes'],
    ],
    [
      ['network', 'ls', ...filter],
      ['network', 'rm'],
    ],
    [
      ['volume', 'ls', ...filter],
      ['volume', 'rm', '--force'],
    ],
  ] as const) {
    const ids = (await ask(machine, 'docker', list))?.split('\n').filter(Boolean) ?? []
    if (ids.length) await act(machine, 'engine-unavailable', 'docker', [...remove, ...ids])
    count += ids.length
  }
  return count
}
