import type { CacheLayout } from './cache-layout.ts'
import { REGISTRY_HOST } from './cache-layout.ts'
import { PLATFORMS } from './emulation.ts'
import { planPackages, renderInstallLine } from './package-plan.ts'
import { listStandIns } from './stand-ins.ts'
import type { InstallationFacts, WorkstationFacts } from './workstation-facts.ts'

/** One line of `ctss doctor`. */
export interface Finding {
  /** The part, for instance `Docker Engine`. */
  readonly name: string
  readonly ok: boolean
  /** What is there, or that it is missing. */
  readonly found: string
  /** The line to type that mends it, or changes it. */
  readonly mend?: string
}

const UP = 'ctss up'
const LOW_BYTES = 4 * 2 ** 30

/** What `ctss doctor` says about these facts. */
export function listFindings(layout: CacheLayout, facts: WorkstationFacts, installation: InstallationFacts, dockerHubAnswers: boolean): Finding[] {
  const plan = planPackages(facts, installation, dockerHubAnswers, () => true)
  const mend = installation.isRoot && installation.family ? UP : plan.packages.length ? `as root: ${renderInstallLine(plan)}, then ${UP}` : `as root: ${UP}`
  return [
    systemFinding(installation),
    engineFinding(facts, installation, mend),
    buildxFinding(installation, mend),
    builderFinding(facts, layout, mend),
    registryFinding(facts, mend),
    ...platformFindings(facts, installation, mend),
    baseImagesFinding(facts, layout, mend, dockerHubAnswers),
    spaceFinding(layout, installation),
  ]
}

function systemFinding({ family, isRoot }: InstallationFacts): Finding {
  const who = isRoot ? 'as root' : 'not as root: what is missing cannot be installed from here'
  return { name: 'System', ok: true, found: family ? `${family.id} ${family.codename}, ${who}` : `neither Debian nor Ubuntu, ${who}` }
}

function engineFinding({ engine }: WorkstationFacts, { docker, engineListens, engineChosen }: InstallationFacts, mend: string): Finding {
  const name = 'Docker Engine'
  if (engine)
    return {
      name,
      ok: true,
      found: `${engine.version} on ${engine.host}, ${engine.ours ? 'started by ctss' : 'not started by ctss'}, cgroup v${engine.cgroup.version} (${engine.cgroup.driver})`,
    }
  if (engineChosen) return { name, ok: false, found: 'the one that DOCKER_HOST names does not answer', mend: 'unset DOCKER_HOST' }
  return {
    name,
    ok: false,
    found: engineListens && !docker ? 'something listens on its socket, but there is no docker client to ask it' : 'does not answer',
    mend,
  }
}

function buildxFinding({ buildx }: InstallationFacts, mend: string): Finding {
  return buildx ? { name: 'docker buildx', ok: true, found: 'there' } : { name: 'docker buildx', ok: false, found: 'missing', mend }
}

function builderFinding({ builder }: WorkstationFacts, { engineBuilderFile, folder }: CacheLayout, mend: string): Finding {
  const name = 'Builder'
  if (!builder) return { name, ok: false, found: `none that answers (the log of the last one: ${folder}/buildkitd.log)`, mend }
  if (builder.kind === 'engine')
    return { name, ok: true, found: "the engine's own: platforms one after the other, no cache in the registry", mend: `rm ${engineBuilderFile}; ${UP}` }
  return { name, ok: true, found: `${builder.name}, ${builder.kind === 'buildkit-remote' ? 'a BuildKit beside the engine' : 'a BuildKit in a container'}` }
}

function registryFinding({ registry }: WorkstationFacts, mend: string): Finding {
  const name = 'Registry'
  if (registry.answers) return { name, ok: true, found: `${REGISTRY_HOST}, ${registry.ours ? 'started by ctss' : 'not started by ctss'}` }
  if (registry.taken) return { name, ok: false, found: `another program listens on ${REGISTRY_HOST}`, mend: `ss -ltnp sport = :${REGISTRY_HOST.split(':')[1]}` }
  return { name, ok: false, found: `does not answer on ${REGISTRY_HOST}`, mend }
}

function platformFindings({ platforms }: WorkstationFacts, { emulators }: InstallationFacts, mend: string): Finding[] {
  return PLATFORMS.map((platform) => {
    const name = `Platform ${platform}`
    if (platforms.includes(platform)) return { name, ok: true, found: 'runs here' }
    return { name, ok: false, found: emulators ? 'its emulator is unknown to the kernel (binfmt_misc)' : 'has no emulator', mend }
  })
}

function baseImagesFinding(
  { baseImages, platforms, registry: running }: WorkstationFacts,
  { registry, baseImagesFile }: CacheLayout,
  mend: string,
  dockerHubAnswers: boolean,
): Finding {
  const name = 'Base images'
  if (baseImages.kind === 'docker-hub')
    return {
      name,
      ok: true,
      found: dockerHubAnswers ? 'from Docker Hub' : 'from Docker Hub, which does not answer now',
      ...(!dockerHubAnswers && { mend: `rm ${baseImagesFile}; ${UP}` }),
    }
  if (baseImages.kind === 'stand-ins' && !running.answers) return { name, ok: false, found: 'stand-ins, in the registry that does not answer', mend }
  if (baseImages.kind === 'undecided' || !baseImages.complete)
    return {
      name,
      ok: false,
      found: dockerHubAnswers ? 'not chosen yet; Docker Hub answers' : 'Docker Hub does not answer, and the stand-ins are not complete',
      mend,
    }
  const images = `${listStandIns(platforms).length} stand-ins made from Debian's packages`
  if (!dockerHubAnswers) return { name, ok: true, found: `${images}; Docker Hub does not answer` }
  const repositories = `${registry}/docker/registry/v2/repositories`
  return {
    name,
    ok: true,
    found: `${images}, although Docker Hub answers now`,
    mend: `ctss down; rm -r ${baseImagesFile} ${repositories}/library ${repositories}/waggle; ${UP}`,
  }
}

function spaceFinding({ folder }: CacheLayout, { freeBytes }: InstallationFacts): Finding {
  const found = `${(freeBytes / 2 ** 30).toFixed(0)} GiB free for ${folder}`
  return freeBytes < LOW_BYTES
    ? { name: 'Disk', ok: false, found, mend: `docker buildx prune --builder ctss, or set XDG_CACHE_HOME to a larger disk` }
    : { name: 'Disk', ok: true, found }
}
