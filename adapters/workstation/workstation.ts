import { mkdir } from 'node:fs/promises'

import { Failure } from '../../pipeline/failure.ts'
import type { Progress } from '../../pipeline/ports/progress.ts'
import { startBuilder, stopBuilder } from './builder.ts'
import type { BuilderFacts } from './builder.ts'
import { REGISTRY_HOST } from './cache-layout.ts'
import { installBuildxPlugin, installPackages, isPackageKnown, updatePackageLists } from './debian-packages.ts'
import { removeLabelled, startEngine, stopEngine } from './docker-engine.ts'
import type { EngineFacts } from './docker-engine.ts'
import { askDockerHub } from './docker-hub.ts'
import { PLATFORMS, registerEmulation } from './emulation.ts'
import { listFindings } from './findings.ts'
import type { Finding } from './findings.ts'
import { startRegistry, stopRegistry } from './local-registry.ts'
import { thisMachine, timed, together, writeWhole } from './machine.ts'
import type { Machine } from './machine.ts'
import { planPackages, renderInstallLine } from './package-plan.ts'
import { makeStandIns } from './stand-in-maker.ts'
import { listStandIns, standInKey } from './stand-ins.ts'
import type { StandIn } from './stand-ins.ts'
import { findExtraCertificates } from './extra-certificates.ts'
import { observe, observeInstallation } from './workstation-facts.ts'
import type { WorkstationFacts } from './workstation-facts.ts'

/** A machine on which every stage can run. */
export interface Workstation {
  readonly engine: Pick<EngineFacts, 'host' | 'version' | 'ours' | 'cgroup'>
  readonly builder: BuilderFacts
  readonly registry: { readonly host: string; readonly ours: boolean }
  /** That can be built and run, natively or emulated. */
  readonly platforms: readonly string[]
  readonly baseImages: { readonly source: 'docker-hub' | 'stand-ins'; readonly standIns: readonly StandIn[] }
}

/** Whom to tell, and how to be stopped. */
export interface SetUpOptions {
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** A set-up that was killed keeps others waiting this long. */
const LOCK_STALE_MS = 10_000
/** Stand-ins, engine and build cache of the example; it grows from there. */
const NEEDED_BYTES = 8 * 2 ** 30

/**
 * Makes this machine one on which every stage can run: what is there is used as it is, what is missing is installed or started, each with a
 * line that says why. Changes nothing and takes no lock when all is there. Fails with the code of the part that cannot be had, and what to do.
 */
export async function setUp({ progress, signal }: SetUpOptions): Promise<Workstation> {
  const machine = thisMachine(progress, signal)
  return readWorkstation(await observe(machine), machine) ?? (await withLock(machine, () => complete(machine)))
}

/** What is there, what is missing, and the line that mends it; changes nothing. */
export async function inspectWorkstation(): Promise<Finding[]> {
  const machine = thisMachine({ step: () => undefined, output: () => undefined }, new AbortController().signal)
  const [facts, installation, dockerHub] = await Promise.all([observe(machine), observeInstallation(machine), askDockerHub(machine.environment)])
  return listFindings(machine.layout, facts, installation, dockerHub)
}

/** Stops what ctss started (engine, containerd, BuildKit, registry, its containers, networks and volumes) and nothing else. */
export async function shutDown({ progress, signal }: SetUpOptions): Promise<void> {
  const machine = thisMachine(progress, signal)
  await mkdir(machine.layout.folder, { recursive: true })
  await withLock(machine, async () => {
    const removed = await removeLabelled(machine)
    if (removed) progress.step(`Removed ${removed} containers, networks and volumes of ctss`)
    for (const [name, stop] of [
      ['BuildKit', stopBuilder],
      ['the Docker Engine', stopEngine],
      ['the registry', stopRegistry],
    ] as const) {
      progress.step((await stop(machine)) ? `Stopped ${name}` : `${name} was not started by ctss, or does not run`)
    }
  })
}

/** The workstation, if nothing is missing; undefined otherwise. */
function readWorkstation(
  { engine, builder, registry, platforms, unregistered, baseImages }: WorkstationFacts,
  { environment }: Machine,
): Workstation | undefined {
  const standIns = baseImages.kind === 'stand-ins'
  if (!engine || !builder || !registry.answers || baseImages.kind === 'undecided' || (standIns && !baseImages.complete)) return undefined
  if (unregistered.length && environment.isRoot) return undefined
  const { host, version, ours, cgroup } = engine
  return {
    engine: { host, version, ours, cgroup },
    builder,
    registry: { host: REGISTRY_HOST, ours: registry.ours },
    platforms,
    baseImages: { source: standIns ? 'stand-ins' : 'docker-hub', standIns: standIns ? listStandIns(platforms) : [] },
  }
}

async function complete(machine: Machine): Promise<Workstation> {
  const before = await observe(machine)
  const ready = readWorkstation(before, machine)
  if (ready) return ready
  const dockerHub = await decideDockerHub(machine, before)
  await install(machine, dockerHub)
  await registerEmulation(machine)
  if (!(await observe(machine)).registry.answers) await startRegistry(machine)
  if (!(await observe(machine)).engine) await startEngine(machine)
  await makeBaseImages(machine, dockerHub)
  const workstation = readWorkstation(await observe(machine), { ...machine, environment: { ...machine.environment, isRoot: false } })
  if (!workstation) throw new Error('setting up came to its end, but something is missing')
  return workstation
}

/** The choice of the first time stays, so that a later run neither waits for Docker Hub nor changes what images are built on. */
async function decideDockerHub(machine: Machine, { baseImages }: WorkstationFacts): Promise<boolean> {
  if (baseImages.kind !== 'undecided') return baseImages.kind === 'docker-hub'
  return timed(machine, 'Asking whether Docker Hub answers', () => askDockerHub(machine.environment))
}

async function install(machine: Machine, dockerHub: boolean): Promise<void> {
  const facts = await observe(machine)
  const installation = await observeInstallation(machine)
  const guess = planPackages(facts, installation, dockerHub, () => true)
  if (guess.packages.length === 0 && !guess.buildxPlugin) return
  if (!installation.family) throw unsupported('neither Debian nor Ubuntu', 'a Docker Engine with buildx, and a registry (distribution) on ' + REGISTRY_HOST)
  if (!installation.isRoot) throw unsupported('used by another user than root', renderInstallLine(guess))
  if (installation.freeBytes < NEEDED_BYTES)
    throw new Failure(
      'storage-full',
      `${machine.layout.folder} has ${Math.floor(installation.freeBytes / 2 ** 30)} GiB free; ${NEEDED_BYTES / 2 ** 30} GiB are needed`,
      { suggestion: 'make room, or set XDG_CACHE_HOME to a folder on a larger disk' },
    )
  await updatePackageLists(machine)
  const known = new Map(await Promise.all(['docker-cli', 'docker-buildx'].map(async (name) => [name, await isPackageKnown(machine, name)] as const)))
  const plan = planPackages(facts, installation, dockerHub, (name) => known.get(name) ?? true)
  if (plan.packages.length) await installPackages(machine, plan.packages)
  if (plan.buildxPlugin) await installBuildxPlugin(machine, installation.family.codename)
}

function unsupported(what: string, line: string): Failure {
  return new Failure('workstation-unsupported', `something is missing, and this machine is ${what}, so that it cannot be installed from here`, {
    suggestion: `needed: ${line}`,
  })
}

async function makeBaseImages(machine: Machine, dockerHub: boolean): Promise<void> {
  const { platforms, engine, builder: running, baseImages } = await observe(machine)
  const missing = PLATFORMS.filter((platform) => !platforms.includes(platform))
  if (missing.length) machine.progress.step(`This machine can neither run nor emulate ${missing.join(', ')}: nothing is built for it`)
  const choose = async (linked: Machine): Promise<BuilderFacts> => {
    const builder = running ?? (await startBuilder(linked, dockerHub))
    if (!dockerHub && builder.kind === 'engine' && !engine?.usesOurMirror) throw noMirror(engine)
    return builder
  }
  if (dockerHub || (baseImages.kind === 'stand-ins' && baseImages.complete)) {
    await choose(machine)
    if (dockerHub) await writeWhole(machine.layout.baseImagesFile, `${JSON.stringify({ source: 'docker-hub' })}\n`)
    return
  }
  const key = standInKey(await findExtraCertificates(machine.environment), platforms)
  const { OciRegistry } = await import('../registry/oci-registry.ts')
  await together(machine, (linked) => {
    const builder = choose(linked)
    return [builder, makeStandIns(linked, builder, new OciRegistry(), platforms, key)]
  })
  await writeWhole(machine.layout.baseImagesFile, `${JSON.stringify({ source: 'stand-ins', key })}\n`)
}

function noMirror(engine: EngineFacts | undefined): Failure {
  return new Failure(
    'base-image-unavailable',
    `Docker Hub does not answer, and the engine at ${engine?.host}, which ctss did not start, does not look for images in the local registry`,
    {
      suggestion: `add {"registry-mirrors": ["http://${REGISTRY_HOST}"]} to its /etc/docker/daemon.json and restart it; or stop it, so that ctss starts one of its own`,
    },
  )
}

/** One set-up at a time per cache folder. */
async function withLock<T>(machine: Machine, work: () => Promise<T>): Promise<T> {
  const { folder } = machine.layout
  await mkdir(folder, { recursive: true })
  // Only who changes something pays for loading it.
  const {
    default: { lock },
  } = await import('proper-lockfile')
  const options = {
    lockfilePath: `${folder}/set-up.lock`,
    stale: LOCK_STALE_MS,
    update: LOCK_STALE_MS / 4,
    onCompromised: () => machine.progress.output('another set-up took over the lock'),
  }
  let told = false
  for (;;) {
    const release = await lock(folder, options).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ELOCKED') return undefined
      throw new Failure('storage-unavailable', `the cache folder ${folder} cannot be locked`, { cause: error })
    })
    if (release) {
      try {
        return await work()
      } finally {
        await release()
      }
    }
    if (!told) machine.progress.step('Another ctss is setting up this machine: waiting for it')
    told = true
    if (machine.signal.aborted) throw new Failure('cancelled', 'setting up was cancelled')
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
