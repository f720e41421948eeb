import type { Package } from './debian-packages.ts'
import { PLATFORMS } from './emulation.ts'
import type { InstallationFacts, WorkstationFacts } from './workstation-facts.ts'

/** What is to be installed: packages, and what comes by another way. */
export interface PackagePlan {
  readonly packages: readonly Package[]
  /** buildx has no package here: its program is to be taken from the next Debian release. */
  readonly buildxPlugin: boolean
}

/** Decides what has to be installed on a Debian or Ubuntu before the rest can be started or made. `isKnown`: whether APT has a package of that name. */
export function planPackages(
  facts: WorkstationFacts,
  installation: InstallationFacts,
  dockerHubAnswers: boolean,
  isKnown: (name: string) => boolean,
): PackagePlan {
  const { engineListens, docker, dockerd, buildx, dockerRegistry, mmdebstrap, skopeo, runc, emulators, buildkitOrGo, venv } = installation
  const needsEngine = !facts.engine && !engineListens && !installation.engineChosen
  const buildsStandIns = !dockerHubAnswers && !(facts.baseImages.kind === 'stand-ins' && facts.baseImages.complete)
  const buildsBuildkit = !dockerHubAnswers && facts.builder === undefined
  const wanted: readonly (readonly [missing: boolean, name: string, why: string])[] = [
    [needsEngine && !dockerd, 'docker.io', 'the Docker Engine, which builds and runs the containers'],
    [!docker && isKnown('docker-cli'), 'docker-cli', 'the program that talks to the engine'],
    [!docker && !isKnown('docker-cli') && !needsEngine, 'docker.io', 'the program that talks to the engine'],
    [!buildx && isKnown('docker-buildx'), 'docker-buildx', 'builds images for several platforms'],
    [!facts.registry.answers && !dockerRegistry, 'docker-registry', 'a registry on this machine, which holds what is built and published'],
    [!emulators && facts.platforms.length < PLATFORMS.length, 'qemu-user-static', 'runs programs of the other platforms (arm64, arm/v7)'],
    [buildsStandIns && !mmdebstrap, 'mmdebstrap', 'makes base images from Debian packages, as Docker Hub does not answer'],
    [buildsStandIns && !mmdebstrap, 'arch-test', 'tells mmdebstrap which platforms run here'],
    [buildsStandIns && !mmdebstrap, 'debian-archive-keyring', "the keys of Debian's packages"],
    [buildsBuildkit && !runc && !(needsEngine && !dockerd), 'runc', 'runs the steps of builds for BuildKit'],
    [buildsBuildkit && !buildkitOrGo && !venv, 'python3-venv', 'fetches Go from PyPI, which compiles BuildKit'],
    [buildsBuildkit && !buildkitOrGo, 'ca-certificates', 'lets PyPI and the Go proxy be trusted'],
    [facts.builder?.kind === 'engine' && !skopeo, 'skopeo', "copies images, as the engine's own builder cannot push OCI ones"],
  ]
  const packages = wanted.filter(([missing]) => missing).map(([, name, why]) => ({ name, why }))
  return { packages, buildxPlugin: !buildx && !isKnown('docker-buildx') }
}

/** The line that installs what a plan names. */
export function renderInstallLine({ packages }: PackagePlan): string {
  return `apt-get update && apt-get install -y ${packages.map(({ name }) => name).join(' ')}`
}
