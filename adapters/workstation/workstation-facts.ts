import { readFile, statfs } from 'node:fs/promises'
import { connect } from 'node:net'

import { findBuilder, findGo, hasBuildkit } from './builder.ts'
import type { BuilderFacts } from './builder.ts'
import { findDebianFamily } from './debian-packages.ts'
import type { DebianFamily } from './debian-packages.ts'
import { findEngine } from './docker-engine.ts'
import type { EngineFacts } from './docker-engine.ts'
import { findPlatforms, findUnregistered, hasEmulators } from './emulation.ts'
import type { Platform } from './emulation.ts'
import { findExtraCertificates } from './extra-certificates.ts'
import { findRegistry, listTags } from './local-registry.ts'
import type { RegistryFacts } from './local-registry.ts'
import { ask, findProgram } from './machine.ts'
import type { Machine } from './machine.ts'
import { STAND_IN_IMAGES, standInKey } from './stand-ins.ts'

/** Which base images builds get, and whether they are all there. */
export type BaseImages =
  | { readonly kind: 'undecided' }
  | { readonly kind: 'docker-hub' }
  /** `complete`: made of the recipes of today, for the platforms of today, and in the registry. */
  | { readonly kind: 'stand-ins'; readonly complete: boolean }

/** What every run needs to know: what is there and answers. */
export interface WorkstationFacts {
  readonly engine: EngineFacts | undefined
  readonly builder: BuilderFacts | undefined
  readonly registry: RegistryFacts
  readonly platforms: readonly Platform[]
  /** Platforms whose emulator is installed, but unknown to the kernel. */
  readonly unregistered: readonly Platform[]
  readonly baseImages: BaseImages
}

/** What more must be known before something is installed. */
export interface InstallationFacts {
  readonly isRoot: boolean
  /** Undefined: neither Debian nor Ubuntu. */
  readonly family: DebianFamily | undefined
  /** Whether anything listens on the engine's address; it can be asked only with a docker client. */
  readonly engineListens: boolean
  readonly engineChosen: boolean
  readonly docker: boolean
  readonly dockerd: boolean
  readonly buildx: boolean
  readonly dockerRegistry: boolean
  readonly mmdebstrap: boolean
  readonly skopeo: boolean
  readonly runc: boolean
  readonly emulators: boolean
  /** BuildKit is compiled, or Go is there to compile it. */
  readonly buildkitOrGo: boolean
  readonly venv: boolean
  readonly freeBytes: number
}

/** Looks at the machine and changes nothing: 0.2 s when all is there. */
export async function observe(machine: Machine): Promise<WorkstationFacts> {
  const [engine, builder, registry, platforms, unregistered] = await Promise.all([
    findEngine(machine),
    findBuilder(machine),
    findRegistry(machine),
    findPlatforms(machine),
    findUnregistered(machine),
  ])
  return { engine, builder: engine && builder, registry, platforms, unregistered, baseImages: await findBaseImages(machine, platforms) }
}

/** What the file of the choice looks like: `{"source": "stand-ins", "key": "…"}`. */
async function findBaseImages(machine: Machine, platforms: readonly string[]): Promise<BaseImages> {
  const choice = readChoice(await readFile(machine.layout.baseImagesFile, 'utf8').catch(() => ''))
  if (choice.source === undefined) return { kind: 'undecided' }
  if (choice.source === 'docker-hub') return { kind: 'docker-hub' }
  const certificates = await findExtraCertificates(machine.environment)
  if (choice.key !== standInKey(certificates, platforms)) return { kind: 'stand-ins', complete: false }
  const tags = new Map(
    await Promise.all(
      [...new Set(STAND_IN_IMAGES.map(({ repository }) => repository))].map(async (repository) => [repository, await listTags(repository)] as const),
    ),
  )
  const offered = STAND_IN_IMAGES.filter((images) => images.platforms.some((platform) => platforms.includes(platform)))
  return { kind: 'stand-ins', complete: offered.every(({ repository, tags: wanted }) => wanted.every((tag) => tags.get(repository)?.includes(tag))) }
}

/** The choice of base images as an earlier set-up wrote it; a file that is none counts as no choice. */
export function readChoice(text: string): { source?: 'docker-hub' | 'stand-ins'; key?: string } {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('source' in value)) return {}
    if (value.source === 'docker-hub') return { source: 'docker-hub' }
    return value.source === 'stand-ins' ? { source: 'stand-ins', ...('key' in value && typeof value.key === 'string' && { key: value.key }) } : {}
  } catch {
    return {}
  }
}

/** Looks for what can be installed and what for. Slower than `observe`. */
export async function observeInstallation(machine: Machine): Promise<InstallationFacts> {
  const { environment } = machine
  const there = async (name: string): Promise<boolean> => (await findProgram(machine, name)) !== undefined
  const [family, engineListens, docker, dockerd, dockerRegistry, mmdebstrap, skopeo, runc, emulators, buildkit] = await Promise.all([
    findDebianFamily(),
    listens(environment.dockerHost),
    there('docker'),
    there('dockerd'),
    there('docker-registry'),
    Promise.all([there('mmdebstrap'), there('arch-test')]).then((both) => both.every(Boolean)),
    there('skopeo'),
    there('runc'),
    hasEmulators(machine),
    hasBuildkit(machine),
  ])
  const buildx = (await ask(machine, 'docker', ['buildx', 'version'])) !== undefined
  const venv = (await ask(machine, 'python3', ['-c', 'import venv, ensurepip'])) !== undefined
  const buildkitOrGo = buildkit || (await findGo(machine)) !== undefined
  const freeBytes = await statfs(nearest(environment.cacheFolder)).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => statfs('/').then(({ bavail, bsize }) => bavail * bsize),
  )
  return {
    isRoot: environment.isRoot,
    family,
    engineListens,
    engineChosen: environment.dockerHostChosen,
    docker,
    dockerd,
    buildx,
    dockerRegistry,
    mmdebstrap,
    skopeo,
    runc,
    emulators,
    buildkitOrGo,
    venv,
    freeBytes,
  }
}

function nearest(folder: string): string {
  return folder.replace(/\/[^/]+$/, '') || '/'
}

/** Whether an engine may be behind an address: for a socket, whether it takes a connection; anything else is believed. */
function listens(dockerHost: string): Promise<boolean> {
  if (!dockerHost.startsWith('unix://')) return Promise.resolve(true)
  return new Promise((resolve) => {
    const connection = connect(dockerHost.slice('unix://'.length))
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
    connection.once('error', () => resolve(false))
  })
}
