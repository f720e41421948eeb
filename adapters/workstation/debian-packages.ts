import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { Failure } from '../../pipeline/failure.ts'
import { act, ask, timed, writeWhole } from './machine.ts'
import type { Machine } from './machine.ts'

/** A package that is about to be installed, and the reason, for the person who watches. */
export interface Package {
  readonly name: string
  readonly why: string
}

/** Debian or Ubuntu, by /etc/os-release; undefined on other systems. */
export interface DebianFamily {
  readonly id: 'debian' | 'ubuntu'
  /** For instance `bookworm`. */
  readonly codename: string
}

/** Which release to take a program from that Debian's `codename` lacks. */
const NEXT_RELEASE: Readonly<Record<string, string>> = { bookworm: 'trixie' }
const DEFAULT_MIRROR = 'http://deb.debian.org/debian'
const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const POLICY_FILE = '/usr/sbin/policy-rc.d'
const POLICY_MARK = '# made by ctss for one installation'
/** What our packages would start on their own where systemd runs; ctss starts its own, with its own data and addresses. */
const SERVICES = ['docker.service', 'docker.socket', 'containerd.service', 'docker-registry.service']

/** Reads /etc/os-release. */
export async function findDebianFamily(): Promise<DebianFamily | undefined> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const value = (key: string): string => new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(text)?.[1] ?? ''
  const id = [value('ID'), ...value('ID_LIKE').split(' ')].find((name) => name === 'debian' || name === 'ubuntu')
  return id === undefined ? undefined : { id, codename: value('VERSION_CODENAME') }
}

/** Fetches the package lists; without a network the ones that are there have to do. */
export async function updatePackageLists(machine: Machine): Promise<void> {
  await timed(machine, 'Fetching the package lists', () => ask(machine, 'apt-get', ['update', '-qq'], { timeoutMs: 300_000 }))
}

/** Whether APT knows a package by this very name. */
export async function isPackageKnown(machine: Machine, name: string): Promise<boolean> {
  return (await ask(machine, 'apt-cache', ['show', '--no-all-versions', name])) !== undefined
}

/** Installs packages without starting the services that come with them. Fails with `missing-tool`. */
export async function installPackages(machine: Machine, packages: readonly Package[]): Promise<void> {
  for (const { name, why } of packages) machine.progress.step(`Needs ${name}: ${why}`)
  const names = packages.map(({ name }) => name)
  // An installation that was killed half-way would refuse every other.
  await ask(machine, 'dpkg', ['--configure', '-a'], { timeoutMs: 300_000, env: { DEBIAN_FRONTEND: 'noninteractive' } })
  await timed(machine, `Installing ${names.join(', ')} with APT`, () =>
    withoutServices(machine, () =>
      act(machine, 'missing-tool', 'apt-get', ['install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...names], {
        env: { DEBIAN_FRONTEND: 'noninteractive' },
        suggestion: `type \`apt-get install ${names.join(' ')}\` and look at what it says`,
      }),
    ),
  )
}

/**
 * Keeps packages from starting their services now (policy-rc.d: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt)
 * and at the next boot. The policy file ends to matter with this process, however that ends.
 */
async function withoutServices<T>(machine: Machine, install: () => Promise<T>): Promise<T> {
  const existing = await readFile(POLICY_FILE, 'utf8').catch(() => undefined)
  const enabledBefore = await enabledServices(machine)
  const replace = existing === undefined || existing.includes(POLICY_MARK)
  if (replace) {
    const cases = SERVICES.flatMap((service) => [service, service.replace(/\..*/, '')]).join('|')
    await writeFile(POLICY_FILE, `#!/bin/sh\n${POLICY_MARK}\n[ -d /proc/${process.pid} ] || exit 0\ncase "$1" in ${cases}) exit 101;; esac\nexit 0\n`, {
      mode: 0o755,
    })
  }
  try {
    return await install()
  } finally {
    if (replace) await rm(POLICY_FILE, { force: true })
    const added = (await enabledServices(machine)).filter((service) => !enabledBefore.includes(service))
    if (added.length) await ask(machine, 'systemctl', ['disable', '--quiet', ...added])
  }
}

async function enabledServices(machine: Machine): Promise<readonly string[]> {
  const states = await Promise.all(SERVICES.map((service) => ask(machine, 'systemctl', ['is-enabled', '--quiet', service])))
  return SERVICES.filter((_, index) => states[index] !== undefined)
}

/** The mirror that Debian's packages come from: this machine's own where it is a Debian, else Debian's default one. */
export async function findDebianMirror(machine: Machine): Promise<string> {
  const family = await findDebianFamily()
  if (family?.id !== 'debian') return DEFAULT_MIRROR
  const targets = await ask(machine, 'apt-get', ['indextargets', '--format', '$(CODENAME) $(REPO_URI)', 'Created-By: Packages'])
  const uri = targets
    ?.split('\n')
    .find((line) => line.startsWith(`${family.codename} `))
    ?.split(' ')[1]
  return uri?.replace(/\/$/, '') ?? DEFAULT_MIRROR
}

/**
 * Puts buildx into the docker client's folder of plug-ins, out of the next Debian release, as Debian 12 has no package of it:
 * a Go program that needs only the C library. APT's own lists stay as they are. Fails with `missing-tool`.
 */
export async function installBuildxPlugin(machine: Machine, codename: string): Promise<void> {
  const next = NEXT_RELEASE[codename]
  if (next === undefined)
    throw new Failure('missing-tool', 'no package of this system has docker-buildx', {
      suggestion: 'install the buildx plug-in of Docker: https://docs.docker.com/go/buildx/',
    })
  const { layout, environment } = machine
  const mirror = await findDebianMirror(machine)
  await timed(machine, `Fetching docker-buildx (builds for several platforms) from Debian ${next}, as ${codename} has none`, async () => {
    await mkdir(join(layout.apt, 'lists/partial'), { recursive: true })
    await writeWhole(join(layout.apt, 'sources.list'), `deb [signed-by=${DEBIAN_KEYRING}] ${mirror} ${next} main\n`)
    const own = Object.entries({
      'Dir::State::Lists': join(layout.apt, 'lists'),
      'Dir::Etc::SourceList': join(layout.apt, 'sources.list'),
      'Dir::Etc::SourceParts': '/dev/null',
      'Dir::Cache::pkgcache': '',
      'Dir::Cache::srcpkgcache': '',
      'APT::Sandbox::User': 'root',
    })
    const options = own.flatMap(([key, value]) => ['-o', `${key}=${value}`])
    await act(machine, 'missing-tool', 'apt-get', [...options, 'update', '-qq'])
    const folder = await mkdtemp(join(layout.apt, 'buildx-'))
    await act(machine, 'missing-tool', 'apt-get', [...options, 'download', '-qq', 'docker-buildx'], { cwd: folder })
    const [deb = ''] = await readdir(folder)
    await act(machine, 'missing-tool', 'dpkg-deb', ['--extract', join(folder, deb), join(folder, 'x')])
    await mkdir(join(environment.dockerConfigFolder, 'cli-plugins'), { recursive: true })
    await copyFile(join(folder, 'x/usr/libexec/docker/cli-plugins/docker-buildx'), join(environment.dockerConfigFolder, 'cli-plugins/docker-buildx'))
    await rm(layout.apt, { recursive: true })
  })
}
