import { access, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { ask, timed } from './machine.ts'
import type { Machine } from './machine.ts'

/** The platforms that plugins are built for. */
export const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/arm/v7'] as const
export type Platform = (typeof PLATFORMS)[number]

/** What the kernel must know of a foreign program: class, byte order, type EXEC or DYN, and machine of its ELF header. */
interface Emulator {
  readonly cpu: string
  readonly magic: string
  readonly mask: string
}

const MASK_64 = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`
const elf = (elfClass: number, machine: number): string =>
  String.raw`\x7f\x45\x4c\x46\x0${elfClass}\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x${machine.toString(16)}\x00`

/** Magic numbers: e_machine in the ELF specification; masks as QEMU's own qemu-binfmt-conf.sh sets them. */
const EMULATORS: Readonly<Record<Platform, Emulator>> = {
  'linux/amd64': { cpu: 'x86_64', magic: elf(2, 0x3e), mask: String.raw`\xff\xff\xff\xff\xff\xfe\xfe\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff` },
  'linux/arm64': { cpu: 'aarch64', magic: elf(2, 0xb7), mask: MASK_64 },
  'linux/arm/v7': { cpu: 'arm', magic: elf(1, 0x28), mask: MASK_64 },
}

const BINFMT = '/proc/sys/fs/binfmt_misc'

/** Where Debian and Ubuntu put QEMU's static emulators, newest first. */
function interpreters(cpu: string): readonly { path: string; flags: string }[] {
  return [
    { path: `/usr/libexec/qemu-binfmt/${cpu}-binfmt-P`, flags: 'POF' },
    { path: `/usr/bin/qemu-${cpu}-static`, flags: 'OF' },
  ]
}

/** Platforms whose programs this machine runs, natively or emulated also inside containers. */
export async function findPlatforms({ environment }: Machine): Promise<Platform[]> {
  const entries = await Promise.all((await readdir(BINFMT).catch(() => [])).map((name) => readFile(join(BINFMT, name), 'utf8').catch(() => '')))
  return PLATFORMS.filter((platform) => platform === environment.nativePlatform || entries.some((entry) => emulates(entry, platform)))
}

/**
 * Whether a binfmt_misc entry, as the kernel prints it, runs a platform's programs inside containers: enabled, of this class and machine,
 * and with the flag F, by which the kernel holds the emulator open, as a container's own file system has none.
 */
export function emulates(entry: string, platform: Platform): boolean {
  const magic = /^magic (\w+)$/m.exec(entry)?.[1] ?? ''
  const wanted = EMULATORS[platform].magic.replaceAll(String.raw`\x`, '')
  return (
    entry.startsWith('enabled') && /^flags: \w*F/m.test(entry) && magic.slice(8, 10) === wanted.slice(8, 10) && magic.slice(36, 40) === wanted.slice(36, 40)
  )
}

/** Platforms that lack emulation although an emulator is installed. */
export async function findUnregistered(machine: Machine): Promise<Platform[]> {
  const there = await findPlatforms(machine)
  const installed = await Promise.all(PLATFORMS.map(async (platform) => ((await findInterpreter(platform)) ? platform : undefined)))
  return installed.filter((platform) => platform !== undefined).filter((platform) => !there.includes(platform))
}

/** Whether QEMU's emulators are installed for all platforms but the native one. */
export async function hasEmulators({ environment }: Machine): Promise<boolean> {
  const found = await Promise.all(PLATFORMS.filter((platform) => platform !== environment.nativePlatform).map(findInterpreter))
  return found.every((interpreter) => interpreter !== undefined)
}

async function findInterpreter(platform: Platform): Promise<{ path: string; flags: string } | undefined> {
  for (const interpreter of interpreters(EMULATORS[platform].cpu)) {
    if (await exists(interpreter.path)) return interpreter
  }
  return undefined
}

/** Registers the emulators that are missing in the kernel; entries of others stay as they are. Where the kernel refuses, a line says so. */
export async function registerEmulation(machine: Machine): Promise<void> {
  if (!machine.environment.isRoot || (await findUnregistered(machine)).length === 0) return
  if (!(await exists(join(BINFMT, 'register')))) await ask(machine, 'mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT])
  // The entries belong to the kernel, not to the mount: some may have come into sight.
  const platforms = await findUnregistered(machine)
  if (platforms.length === 0) return
  await timed(machine, `Registering emulation of ${platforms.join(', ')} (QEMU), so that images for these can be built and run`, async () => {
    for (const platform of platforms) {
      await register(platform).catch((error: unknown) =>
        machine.progress.output(`the kernel refuses emulation of ${platform}: ${error instanceof Error ? error.message : ''}`),
      )
    }
  })
}

async function register(platform: Platform): Promise<void> {
  const { cpu, magic, mask } = EMULATORS[platform]
  const interpreter = await findInterpreter(platform)
  if (!interpreter) return
  // The usual name may be taken by an entry without the flag F, which is not ours to change.
  const name = (await exists(join(BINFMT, `qemu-${cpu}`))) ? `ctss-${cpu}` : `qemu-${cpu}`
  await writeFile(join(BINFMT, 'register'), `:${name}:M::${magic}:${mask}:${interpreter.path}:${interpreter.flags}`)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
