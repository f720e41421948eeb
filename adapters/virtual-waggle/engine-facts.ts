import type Docker from 'dockerode'
import { existsSync } from 'node:fs'
import { askEngine } from '../engine/connect.ts'

/** What the testbed has to know of an engine. */
export interface EngineFacts {
  /** As OCI names it: amd64, arm64, arm. */
  readonly architecture: string
  readonly kernel: string
  readonly version: string
  readonly cgroup: 1 | 2
  readonly cgroupDriver: 'cgroupfs' | 'systemd'
  /** Whether it runs on this machine, so that its cgroups are ours to read. */
  readonly isLocal: boolean
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', armv7l: 'arm', armv6l: 'arm', i686: '386' }

/** Asks the engine. Fails with `engine-unavailable`. */
export async function readEngineFacts(docker: Docker): Promise<EngineFacts> {
  const info: unknown = await askEngine('asking for its facts', docker.info())
  const facts = new Map<string, unknown>(typeof info === 'object' && info !== null ? Object.entries(info) : [])
  const text = (name: string): string => {
    const value = facts.get(name)
    return typeof value === 'string' ? value : ''
  }
  return {
    architecture: ARCHITECTURES[text('Architecture')] ?? text('Architecture'),
    kernel: text('KernelVersion'),
    version: text('ServerVersion'),
    cgroup: text('CgroupVersion') === '2' ? 2 : 1,
    cgroupDriver: text('CgroupDriver') === 'systemd' ? 'systemd' : 'cgroupfs',
    isLocal: isOnThisMachine(docker),
  }
}

/** Whether a platform's programs run on the processor itself. 64-bit Arm may run 32-bit programs, unless QEMU is registered for them. */
export function runsNatively(
  { architecture }: Pick<EngineFacts, 'architecture'>,
  platform: string,
  hasQemu: (name: string) => boolean = isRegistered,
): boolean {
  const wanted = platform.split('/')[1] ?? ''
  if (wanted === architecture) return true
  if (wanted === '386') return architecture === 'amd64'
  return wanted === 'arm' && architecture === 'arm64' && !hasQemu('qemu-arm')
}

function isRegistered(name: string): boolean {
  return existsSync(`/proc/sys/fs/binfmt_misc/${name}`)
}

function isOnThisMachine(docker: Docker): boolean {
  const modem: unknown = docker.modem
  return typeof modem === 'object' && modem !== null && 'socketPath' in modem && typeof modem.socketPath === 'string'
}
